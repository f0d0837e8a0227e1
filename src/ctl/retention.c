/* retention.c: smartidctl retention status: what is erased by itself, how much
 * of it is due, when that was last done.
 *
 * Asks the running daemon through its control socket; when no daemon listens,
 * looks into the database itself. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "smartid/clock.h"
#include "smartid/retention.h"

static int
usage(FILE *to, int status) {
    (void)fputs("usage: smartidctl [-c FILE] retention status [--json]\n"
                "\n"
                "For each rule of [retention]: after how many days it erases, "
                "how much is due\nnow, the oldest it is about, and when it was "
                "applied last. Then how many\nfaces are stored.\n",
                to);
    return status;
}

/* ---- by the daemon, or as the daemon would say it ------------------------ */

/* The caller frees *out. SID_E_NOT_FOUND: no daemon. A problem is printed and
 * becomes SID_E_CONFLICT. */
static enum sid_err
ask(const struct sid_config *config, json_t **out) {
    char *answer = NULL;
    long http_status = 0;
    enum sid_err err = sid_ctl_control(config, "GET", "/v1/retention", NULL,
                                       &answer, &http_status);
    if (err == SID_OK && http_status != 200) {
        (void)sid_ctl_print_problem(answer);
        err = SID_E_CONFLICT;
    }
    if (err == SID_OK) {
        *out = json_loads(answer, 0, NULL);
        err = *out == NULL ? SID_E_BAD_JSON : SID_OK;
    }
    sid_ctl_free_answer(answer);
    return err;
}

static void
put_time(json_t *rule, const char *name, int64_t at_s) {
    char text[SID_TIME_TEXT_SIZE];
    if (at_s == 0)
        return;
    sid_time_text(at_s, text);
    json_object_set_new(rule, name, json_string(text));
}

struct direct {
    const struct sid_config *config;
    json_t *root;
};

static enum sid_err
look_work(struct sid_ctl_store *open, void *ctx) {
    struct direct *direct = ctx;
    struct sid_retention_row row[SID_RETENTION_COUNT];
    enum sid_err err =
        sid_retention_status_in(open->store, direct->config, sid_now_s(), row);
    if (err != SID_OK)
        return err;
    json_t *rules = json_array();
    for (int i = 0; i < SID_RETENTION_COUNT; i++) {
        json_t *rule =
            json_pack("{s:s, s:I, s:I}", "rule",
                      sid_retention_name((enum sid_retention_rule)i), "days",
                      (json_int_t)row[i].days, "due", (json_int_t)row[i].due);
        put_time(rule, "oldest", row[i].oldest_s);
        put_time(rule, "last_run", row[i].ran_at_s);
        json_array_append_new(rules, rule);
    }
    direct->root =
        json_pack("{s:o, s:{s:I, s:I}}", "rules", rules, "faces", "stored",
                  (json_int_t)sid_store_template_count(open->store), "alarm_at",
                  (json_int_t)direct->config->faces_alarm);
    return direct->root == NULL ? SID_E_NO_MEMORY : SID_OK;
}

/* ---- what is printed ----------------------------------------------------- */

static void
print_rule(const json_t *rule) {
    const char *name = "", *oldest = "-", *last_run = "never";
    json_int_t days = 0, due = 0;
    if (json_unpack((json_t *)(uintptr_t)rule, "{s:s, s:I, s:I, s?s, s?s}",
                    "rule", &name, "days", &days, "due", &due, "oldest",
                    &oldest, "last_run", &last_run) != 0)
        return;
    char after[32];
    (void)snprintf(after, sizeof after, days == 0 ? "never" : "%lld days",
                   (long long)days);
    (void)printf("%-10s %-11s %8lld  %-20s  %s\n", name, after, (long long)due,
                 oldest, last_run);
}

static void
print_table(const json_t *root) {
    size_t i;
    json_t *rule;
    (void)printf("%-10s %-11s %8s  %-20s  %s\n", "rule", "erased after", "due",
                 "oldest", "last run");
    json_array_foreach(json_object_get(root, "rules"), i, rule)
        print_rule(rule);
    const json_t *faces = json_object_get(root, "faces");
    json_int_t stored = json_integer_value(json_object_get(faces, "stored"));
    json_int_t alarm = json_integer_value(json_object_get(faces, "alarm_at"));
    (void)printf("faces stored: %lld (alarm at %lld)%s\n", (long long)stored,
                 (long long)alarm, stored >= alarm ? ": ALARM" : "");
}

static void
print_json(const json_t *root) {
    char *text = json_dumps(root, JSON_COMPACT);
    if (text != NULL)
        (void)puts(text);
    free(text);
}

int
sid_ctl_retention(const char *config_path, int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[argc - 1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    bool json = argc == 3 && strcmp(argv[2], "--json") == 0;
    if ((argc != 2 && !json) || strcmp(argv[1], "status") != 0)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    int status = sid_ctl_load_config(config_path, &config);
    if (status != 0)
        return status;
    struct direct direct = {.config = &config};
    enum sid_err err = ask(&config, &direct.root);
    if (err == SID_E_NOT_FOUND)
        status = sid_ctl_direct(&config, look_work, &direct);
    else if (err != SID_OK)
        status =
            err == SID_E_CONFLICT ? SID_CTL_FAILED : sid_ctl_print_error(err);
    if (status == SID_CTL_OK)
        (json ? print_json : print_table)(direct.root);
    json_decref(direct.root);
    return status;
}
