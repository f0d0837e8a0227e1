/* verify.c: smartidctl verify --offline: checks a code for counters without a
 * network with nothing but the public keys. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "smartid/clock.h"
#include "smartid/offline.h"
#include "smartid/text.h"
#include "smartid/token.h"

/* By which a counter's clock may be off. Own choice: the daemon's clock_skew_s
 * is for one clock, this is for two. */
#define SKEW_S 120

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl verify --offline CODE --keys FILE\n"
        "Checks a code that was made for counters without a network "
        "(CODE -: the first\n"
        "line of standard input). FILE is what the daemon answers at\n"
        "/.well-known/smartid-keys.json: fetch it once a day. Weaker than a "
        "check by the\n"
        "daemon: what was revoked since the code was made still passes.\n"
        "Exit codes: 0 good, 1 not good or not readable.\n",
        to);
    return status;
}

struct keys {
    bool there[SID_KEY_VERSION_MAX + 1];
    uint8_t key[SID_KEY_VERSION_MAX + 1][SID_PUBLIC_KEY_BYTES];
};

static bool
take_key(const json_t *row, struct keys *out) {
    const char *alg = json_string_value(json_object_get(row, "alg"));
    const char *hex = json_string_value(json_object_get(row, "public_key"));
    json_int_t kid = json_integer_value(json_object_get(row, "kid"));
    if (alg == NULL || hex == NULL || kid < 1 || kid > SID_KEY_VERSION_MAX ||
        strlen(hex) != (size_t)2 * SID_PUBLIC_KEY_BYTES)
        return false;
    if (strcmp(alg, "Ed25519") != 0)
        return true; /* of a later daemon */
    out->there[kid] = true;
    return sid_hex_decode(hex, out->key[kid], SID_PUBLIC_KEY_BYTES) == SID_OK;
}

static bool
read_keys(const char *path, struct keys *out) {
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    const json_t *list = json_object_get(root, "keys");
    bool good = json_is_array(list);
    for (size_t i = 0; good && i < json_array_size(list); i++)
        good = take_key(json_array_get(list, i), out);
    json_decref(root);
    return good;
}

static const uint8_t *
key_of(uint8_t key_id, const void *ctx) {
    const struct keys *keys = ctx;
    return keys->there[key_id] ? keys->key[key_id] : NULL;
}

static void
print(const struct sid_offline *code) {
    char issued[SID_TIME_TEXT_SIZE], dies[SID_TIME_TEXT_SIZE];
    sid_time_text(code->issued_at_s, issued);
    sid_time_text(code->not_after_s, dies);
    (void)printf("good, as of %s (until %s)\n"
                 "weaker: a revocation after that is not seen\n",
                 issued, dies);
    if (code->kind == SID_OFFLINE_AGE)
        (void)printf("age_over_18: %s\n", code->age_over_18 ? "yes" : "no");
    else
        (void)printf("name: %s\nid_number: %s\n", code->name, code->id_number);
}

static int
check(const char *text, const char *path) {
    static struct keys keys; /* zeroed */
    struct sid_offline code = {0};
    if (!read_keys(path, &keys)) {
        (void)fprintf(stderr, "smartidctl: %s: no file of keys\n", path);
        return SID_CTL_FAILED;
    }
    struct sid_span span = sid_token_strip(text, strlen(text));
    enum sid_err err =
        sid_offline_open((const char *)span.ptr, span.len, key_of, &keys,
                         sid_now_s(), SKEW_S, &code);
    if (err == SID_OK)
        print(&code);
    else
        (void)printf("not good: %s%s\n", sid_err_text(err),
                     err == SID_E_CODE_KEY
                         ? " Fetch the public keys, and try again."
                         : "");
    sid_offline_fini(&code);
    return err == SID_OK ? SID_CTL_OK : SID_CTL_FAILED;
}

int
sid_ctl_verify(int argc, char **argv) {
    const char *code = NULL, *keys = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, SID_CTL_OK);
        if (strcmp(argv[i], "--offline") == 0 && i + 1 < argc)
            code = argv[++i];
        else if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc)
            keys = argv[++i];
        else
            return usage(stderr, SID_CTL_USAGE);
    }
    if (code == NULL || keys == NULL)
        return usage(stderr, SID_CTL_USAGE);
    char line[512] = "";
    if (strcmp(code, "-") == 0) {
        if (fgets(line, sizeof line, stdin) == NULL)
            return usage(stderr, SID_CTL_USAGE);
        code = line;
    }
    int status = check(code, keys);
    sid_wipe(line, sizeof line);
    return status;
}
