/* webhook.c: smartidctl webhook: how the app's backend is being told what
 * happens, once more what it would not take, and the secret that both sides
 * know.
 *
 * Asks the running daemon through its control socket; the secret comes of the
 * master key and needs no daemon. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "smartid/event.h"
#include "smartid/text.h"

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] webhook status [--json]\n"
        "       smartidctl [-c FILE] webhook replay SEQ|--all\n"
        "       smartidctl [-c FILE] webhook secret\n"
        "\n"
        "status   whether the app's backend takes what it is told, and the "
        "events it\n"
        "         would not take\n"
        "replay   send one of those once more, or all\n"
        "secret   print the key of the signatures, for the app's backend\n",
        to);
    return status;
}

/* ---- the daemon's answers ------------------------------------------------ */

/* One request; what is wrong is told. *answer: the caller's to free; NULL on
 * failure. Returns the exit code. */
static int
ask(const struct sid_config *config, const char *method, const char *path,
    const char *body, char **answer) {
    long status = 0;
    *answer = NULL;
    enum sid_err err =
        sid_ctl_control(config, method, path, body, answer, &status);
    if (err == SID_E_NOT_FOUND) {
        (void)fputs("smartidctl: the daemon is not running\n", stderr);
        return SID_CTL_FAILED;
    }
    if (err != SID_OK)
        return sid_ctl_print_error(err);
    if (status / 100 == 2)
        return SID_CTL_OK;
    (void)sid_ctl_print_problem(*answer);
    sid_ctl_free_answer(*answer);
    *answer = NULL;
    return SID_CTL_FAILED;
}

static const char *
text_of(const json_t *root, const char *name, const char *missing) {
    const char *text = json_string_value(json_object_get(root, name));
    return text == NULL || text[0] == '\0' ? missing : text;
}

static void
print_status(const json_t *root) {
    size_t i;
    json_t *event;
    (void)printf("address     %s\n",
                 text_of(root, "url", "none: [webhook] webhook_url is empty"));
    (void)printf("last taken  %s\n",
                 text_of(root, "taken_at", "nothing since the start"));
    if (json_object_get(root, "failed_at") != NULL)
        (void)printf("FAILS       %s, last tried %s\n",
                     text_of(root, "why", ""), text_of(root, "failed_at", ""));
    (void)printf("refused     %" JSON_INTEGER_FORMAT "\n",
                 json_integer_value(json_object_get(root, "refused")));
    json_array_foreach(json_object_get(root, "refused_events"), i, event)(void)
        printf("  %" JSON_INTEGER_FORMAT "  %s  %s  %s\n",
               json_integer_value(json_object_get(event, "seq")),
               text_of(event, "tried_at", ""), text_of(event, "type", ""),
               text_of(event, "why", ""));
}

static int
show_status(const struct sid_config *config, bool as_json) {
    char *answer;
    int status = ask(config, "GET", "/v1/webhook", NULL, &answer);
    if (status != SID_CTL_OK)
        return status;
    json_t *root = json_loads(answer, 0, NULL);
    if (root == NULL)
        status = sid_ctl_print_error(SID_E_BAD_JSON);
    else if (as_json)
        (void)puts(answer);
    else
        print_status(root);
    json_decref(root);
    sid_ctl_free_answer(answer);
    return status;
}

static int
replay(const struct sid_config *config, const char *which) {
    char body[48] = "{}";
    int64_t seq = 0;
    if (strcmp(which, "--all") != 0) {
        if (sid_text_number(which, 1, INT64_MAX, &seq) != SID_OK)
            return usage(stderr, SID_CTL_USAGE);
        (void)snprintf(body, sizeof body, "{\"seq\":%" PRId64 "}", seq);
    }
    char *answer;
    int status = ask(config, "POST", "/v1/webhook/replay", body, &answer);
    sid_ctl_free_answer(answer);
    return status;
}

/* ---- the secret ---------------------------------------------------------- */

static int
print_secret(const struct sid_config *config) {
    struct sid_ctl_store open = {0};
    char secret[SID_EVENT_SECRET_SIZE];
    int status = sid_ctl_open_readonly(config, &open);
    if (status != 0)
        return status;
    enum sid_err err = sid_event_secret(sid_keyring_webhook(open.keys), secret);
    sid_ctl_close(&open);
    if (err != SID_OK)
        return sid_ctl_print_error(err);
    (void)puts(secret);
    sid_wipe(secret, sizeof secret);
    return SID_CTL_OK;
}

int
sid_ctl_webhook(const char *config_path, int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[argc - 1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    const char *what = argc >= 2 ? argv[1] : "";
    bool json = argc == 3 && strcmp(argv[2], "--json") == 0;
    bool status_order = strcmp(what, "status") == 0 && (argc == 2 || json);
    bool replay_order = strcmp(what, "replay") == 0 && argc == 3;
    bool secret_order = strcmp(what, "secret") == 0 && argc == 2;
    if (!status_order && !replay_order && !secret_order)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    int status = sid_ctl_load_config(config_path, &config);
    if (status != 0)
        return status;
    if (status_order)
        return show_status(&config, json);
    return replay_order ? replay(&config, argv[2]) : print_secret(&config);
}
