/* api_offline.c: the public keys that codes for counters without a network are
 * checked with. Open to everybody. io thread; owns nothing. */
#include "api.h"
#include "server_priv.h"
#include "smartid/clock.h"
#include "smartid/flow_credential.h"
#include "smartid/text.h"

static enum sid_err
keys_prepare(struct sid_request *req) {
    (void)req;
    return SID_OK;
}

static enum sid_err
keys_finish(struct sid_request *req) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_time(&json, "as_of", sid_now_s());
    sid_json_open(&json, "keys", '[');
    for (int kid = 1; kid <= SID_KEY_VERSION_MAX; kid++) {
        uint8_t key[SID_PUBLIC_KEY_BYTES];
        char hex[2 * SID_PUBLIC_KEY_BYTES + 1];
        if (!sid_app_offline_key(req->door->server->app, kid, key))
            continue;
        sid_hex_encode(key, sizeof key, hex);
        sid_json_open(&json, NULL, '{');
        sid_json_int(&json, "kid", kid);
        sid_json_string(&json, "alg", "Ed25519");
        sid_json_string(&json, "public_key", hex);
        sid_json_close(&json, '}');
    }
    sid_json_close(&json, ']');
    sid_json_close(&json, '}');
    return json.err;
}

const struct sid_handler sid_api_offline_keys = {
    .prepare = keys_prepare,
    .finish = keys_finish,
};
