/* fuzz_json.c: src/json/json_in.c, holder.c and the bodies of api_*.c: every
 * JSON body that the route table takes, but those of sessions, which ask the
 * socket for its peer; and the holder of an enrolment. The first byte picks the
 * route and who asks. A body that is
 * taken has what the flow relies on; a refusal names nothing that could be
 * somebody's data. libFuzzer's one thread. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/app/app_internal.h"
#include "../../src/http/api.h"
#include "../../src/http/holder.h"
#include "../../src/http/server_priv.h"
#include "smartid/purposes_file.h"
#include "smartid/text.h"

#define ROUTES_MAX 80
#define NOW_S 1795428000

static struct sid_app app;
static struct sid_server server = {.app = &app};
static struct sid_door door = {.server = &server};
static const struct sid_route *routes[ROUTES_MAX];
static size_t routes_count;

static bool
asks_the_socket(const struct sid_route *route) {
    static const char sessions[] = "/v1/sessions";
    return strncmp(route->pattern, sessions, sizeof sessions - 1) == 0;
}

void
fuzz_setup(void) {
    struct sid_purposes purposes;
    struct sid_config_problem problem;
    static const uint8_t seed[SID_KEY_BYTES] = {1};
    if (sid_crypto_init() != SID_OK || sid_json_setup() != SID_OK ||
        sid_purposes_load("", &purposes, &problem) != SID_OK ||
        sid_keyset_new(&app.keyset) != SID_OK ||
        sid_keyring_new_fixed(seed, &app.keys) != SID_OK ||
        sid_app_use_purposes(&app, &purposes) != SID_OK)
        abort();
    for (size_t i = 0; i < sid_routes_count; i++) {
        enum sid_body_kind kind = sid_routes[i].body;
        if ((kind != SID_BODY_JSON && kind != SID_BODY_NOTHING) ||
            asks_the_socket(&sid_routes[i]))
            continue;
        if (routes_count == ROUTES_MAX)
            abort(); /* none is left out in silence */
        routes[routes_count++] = &sid_routes[i];
    }
}

static void
expect_safe(const struct sid_field *field) {
    size_t len = strnlen(field->name, sizeof field->name);
    fuzz_expect(len < sizeof field->name &&
                strspn(field->name, "abcdefghijklmnopqrstuvwxyz0123456789_.") ==
                    len);
}

static bool
is_text(const char *text, size_t size) {
    size_t len = strnlen(text, size);
    return len < size && sid_utf8_clean(text, len);
}

static void
expect_usable(const struct sid_request *req) {
    const struct sid_handler *handler = req->route->handler;
    if (handler == &sid_api_verify)
        fuzz_expect(
            req->u.verify.purpose != NULL &&
            req->u.verify.code_len < sizeof req->u.verify.code &&
            is_text(req->u.verify.counter, sizeof req->u.verify.counter));
    if (handler == &sid_api_challenge_make)
        fuzz_expect(req->u.challenge.steps >= SID_STEPS_MIN &&
                    req->u.challenge.steps <= SID_STEPS_MAX);
    if (handler == &sid_api_client_add)
        fuzz_expect(is_text(req->u.client_add.order.name,
                            sizeof req->u.client_add.order.name) &&
                    req->u.client_add.order.name[0] != '\0');
    if (handler == &sid_api_enrol_decide)
        fuzz_expect(is_text(req->u.decide.reason, sizeof req->u.decide.reason));
}

static void
take_body(const struct sid_route *route, unsigned who, const uint8_t *data,
          size_t size) {
    static struct sid_request req;
    memset(&req, 0, sizeof req);
    req.door = &door;
    req.route = route;
    req.caller.purpose_set = sid_app_purposes(&app);
    req.caller.role = who % 2 == 0 ? SID_ROLE_CLERK : SID_ROLE_ADMIN;
    req.caller.purposes = who / 2 % 2 == 0 ? ~UINT64_C(0) : 0;
    if (sid_buf_append(&req.body, data, size) == SID_OK) {
        if (route->handler->prepare(&req) == SID_OK)
            expect_usable(&req);
        expect_safe(&req.field);
    }
    if (req.flow_bytes > 0 && route->handler->fini != NULL)
        route->handler->fini(&req);
    sid_buf_free(&req.body);
}

static void
take_holder(const uint8_t *data, size_t size) {
    static struct sid_enrol_submit submit;
    struct sid_field field = {""};
    memset(&submit, 0, sizeof submit);
    if (sid_holder_read(sid_span_of(data, size), NOW_S, &submit, &field) ==
        SID_OK)
        fuzz_expect(
            submit.holder.name[0] != '\0' &&
            is_text(submit.holder.name, sizeof submit.holder.name) &&
            is_text(submit.holder.phone, sizeof submit.holder.phone) &&
            is_text(submit.id_number_text, sizeof submit.id_number_text) &&
            submit.consent_at_s <= NOW_S + SID_CONSENT_SKEW_S);
    expect_safe(&field);
}

void
fuzz_one(const uint8_t *data, size_t size) {
    if (size < 1 || size > SID_JSON_BODY_MAX_BYTES)
        return;
    size_t which = data[0] % (routes_count + 1);
    if (which == routes_count)
        take_holder(data + 1, size - 1);
    else
        take_body(routes[which], data[0] / (unsigned)(routes_count + 1),
                  data + 1, size - 1);
}
