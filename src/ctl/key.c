/* key.c: smartidctl key list | status | rotate.
 *
 * Goes through the running daemon's control socket; when no daemon listens,
 * works on the database itself. Both ways end in the same functions of keys.h.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "smartid/clock.h"
#include "smartid/keys.h"
#include "smartid/secretfile.h"
#include "smartid/text.h"

/* How often the daemon is asked how far it is. */
#define POLL_NS 200000000L

struct order {
    const char *what;         /* code, data, template, master */
    const char *new_key_file; /* master; NULL: one is made */
    bool revoke_old;          /* code */
    bool no_wait;             /* data, template */
};

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] key list\n"
        "       smartidctl [-c FILE] key status\n"
        "       smartidctl [-c FILE] key rotate code [--revoke-old]\n"
        "       smartidctl [-c FILE] key rotate data|template [--no-wait]\n"
        "       smartidctl [-c FILE] key rotate master [--new-key-file FILE]\n"
        "\n"
        "rotate code      new codes get a new key; codes that are out stay "
        "good until they\n"
        "                 expire. --revoke-old kills them at once: for a key "
        "that leaked.\n"
        "rotate data      people's own keys are wrapped by a new key, in the "
        "background;\n"
        "                 the old one is destroyed after that. The same for "
        "template.\n"
        "rotate master    makes a new master key (or takes the one in FILE), "
        "wraps the\n"
        "                 daemon's keys with it and puts it in the place of "
        "the old one.\n"
        "                 Keep a copy of the new one. All of it while the "
        "daemon serves.\n",
        to);
    return status;
}

/* ---- what is printed ----------------------------------------------------- */

static void
print_row(const char *use, int version, const char *state, const char *made,
          const char *destroyed) {
    (void)printf("%-9s %7d  %-10s %-20s  %s\n", use, version, state, made,
                 destroyed);
}

static void
print_head(void) {
    (void)printf("%-9s %7s  %-10s %-20s  %s\n", "use", "version", "state",
                 "made", "destroyed");
}

static void
print_status(int64_t left, int64_t total) {
    if (left == 0)
        (void)puts("people's keys: all are wrapped by the current keys");
    else
        (void)printf("people's keys: %" PRId64 " of %" PRId64
                     " are still wrapped by an older key\n",
                     left, total);
}

/* ---- list and status, by the daemon -------------------------------------- */

static void
print_keys(const json_t *root) {
    size_t i;
    json_t *row;
    print_head();
    json_array_foreach(json_object_get(root, "keys"), i, row) {
        const char *use = "", *state = "", *made = "", *destroyed = "";
        int version = 0;
        if (json_unpack(row, "{s:s, s:i, s:s, s:s, s?s}", "use", &use,
                        "version", &version, "state", &state, "made_at", &made,
                        "destroyed_at", &destroyed) == 0)
            print_row(use, version, state, made, destroyed);
    }
}

static void
read_progress(const json_t *root, int64_t *left, int64_t *total) {
    const json_t *rewrap = json_object_get(root, "rewrap");
    *left = json_integer_value(json_object_get(rewrap, "left"));
    *total = json_integer_value(json_object_get(rewrap, "total"));
}

/* What the daemon says of its keys; the caller frees *out. SID_E_NOT_FOUND: no
 * daemon. A problem is printed and becomes SID_E_CONFLICT. */
static enum sid_err
ask(const struct sid_config *config, json_t **out) {
    char *answer = NULL;
    long http_status = 0;
    enum sid_err err =
        sid_ctl_control(config, "GET", "/v1/keys", NULL, &answer, &http_status);
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

/* ---- list and status, without a daemon ----------------------------------- */

struct direct_list {
    const struct sid_keyring *ring;
    bool only_status;
};

static enum sid_err
print_one(const struct sid_wrapped_key *key, void *ctx) {
    const struct direct_list *list = ctx;
    char made[SID_TIME_TEXT_SIZE], destroyed[SID_TIME_TEXT_SIZE] = "";
    bool current = sid_keyring_current(list->ring, key->use) == key->version;
    sid_time_text(key->made_at_s, made);
    if (key->retired_at_s != 0)
        sid_time_text(key->retired_at_s, destroyed);
    print_row(sid_key_use_name(key->use), key->version,
              key->retired_at_s != 0 ? "destroyed"
              : current              ? "current"
                                     : "valid",
              made, destroyed);
    return SID_OK;
}

static enum sid_err
list_work(struct sid_ctl_store *open, void *ctx) {
    struct direct_list *list = ctx;
    list->ring = open->keys;
    int64_t left = 0;
    enum sid_err err = sid_store_subject_count_stale(
        open->store, sid_keyring_current(open->keys, SID_KEY_DATA),
        sid_keyring_current(open->keys, SID_KEY_TEMPLATE), &left);
    if (err != SID_OK)
        return err;
    if (!list->only_status) {
        print_head();
        err = sid_store_key_each(open->store, print_one, list);
    }
    if (err == SID_OK)
        print_status(left, left);
    return err;
}

static int
show(const struct sid_config *config, bool only_status) {
    json_t *root = NULL;
    enum sid_err err = ask(config, &root);
    if (err == SID_E_NOT_FOUND) {
        struct direct_list list = {.only_status = only_status};
        return sid_ctl_direct(config, list_work, &list);
    }
    if (err != SID_OK)
        return err == SID_E_CONFLICT ? SID_CTL_FAILED
                                     : sid_ctl_print_error(err);
    int64_t left = 0, total = 0;
    read_progress(root, &left, &total);
    if (!only_status)
        print_keys(root);
    print_status(left, total);
    json_decref(root);
    return SID_CTL_OK;
}

/* ---- rotate -------------------------------------------------------------- */

static void
print_progress(int64_t left, int64_t total) {
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr,
                      "\rwrapping people's keys again: %" PRId64 " of %" PRId64
                      " ",
                      total - left, total);
}

/* Waits until the daemon has wrapped everybody's keys again. */
static int
wait_rewrapped(const struct sid_config *config) {
    int64_t left = 1, total = 0;
    while (left > 0) {
        json_t *root = NULL;
        enum sid_err err = ask(config, &root);
        if (err != SID_OK)
            return sid_ctl_print_error(err);
        read_progress(root, &left, &total);
        json_decref(root);
        print_progress(left, total);
        const struct timespec nap = {.tv_nsec = POLL_NS};
        if (left > 0)
            (void)nanosleep(&nap, NULL);
    }
    if (isatty(STDERR_FILENO))
        (void)fputc('\n', stderr);
    print_status(0, total);
    return SID_CTL_OK;
}

static void
print_made(const struct order *order, int version) {
    (void)printf("%s key: version %d\n", order->what, version);
}

static enum sid_err
rotate_work(struct sid_ctl_store *open, void *ctx) {
    const struct order *order = ctx;
    struct sid_new_key made = {0};
    struct sid_key_range dead = {0};
    int64_t now_s = sid_now_s();
    enum sid_key_use use;
    enum sid_err err = sid_key_use_parse(order->what, &use);
    if (err == SID_OK)
        err = sid_keys_rotate_in(open->store, open->master, use, "control",
                                 now_s, &made);
    if (err == SID_OK)
        err = sid_keyring_put(open->keys, use, made.version, made.made_at_s,
                              made.key);
    if (err == SID_OK && order->revoke_old)
        err = sid_keys_retire_codes_in(open->store, true, 0, "control", now_s,
                                       &dead);
    if (err == SID_OK)
        print_made(order, made.version);
    sid_wipe(&made, sizeof made);
    return err;
}

static int
rotated_by_daemon(const struct sid_config *config, const struct order *order,
                  const char *answer) {
    json_t *root = json_loads(answer, 0, NULL);
    int version = (int)json_integer_value(json_object_get(root, "version"));
    json_decref(root);
    if (version == 0)
        return sid_ctl_print_error(SID_E_BAD_JSON);
    print_made(order, version);
    return strcmp(order->what, "code") != 0 && !order->no_wait
               ? wait_rewrapped(config)
               : SID_CTL_OK;
}

static int
rotate(const struct sid_config *config, struct order *order) {
    char body[64], *answer = NULL;
    long http_status = 0;
    (void)snprintf(body, sizeof body, "{\"use\":\"%s\",\"revoke_old\":%s}",
                   order->what, order->revoke_old ? "true" : "false");
    enum sid_err err = sid_ctl_control(config, "POST", "/v1/keys/rotate", body,
                                       &answer, &http_status);
    int status = SID_CTL_OK;
    if (err == SID_E_NOT_FOUND) {
        /* The daemon wraps people's keys again after its next start. */
        status = sid_ctl_direct(config, rotate_work, order);
    } else if (err != SID_OK) {
        status = sid_ctl_print_error(err);
    } else if (http_status != 200) {
        status = sid_ctl_print_problem(answer);
    } else {
        status = rotated_by_daemon(config, order, answer);
    }
    sid_ctl_free_answer(answer);
    return status;
}

/* ---- another master key -------------------------------------------------- */

/* The new key belongs to whom the present one belongs. */
static int
make_next(const struct sid_config *config, const char *path) {
    struct stat st;
    if (stat(config->master_key_file, &st) != 0) {
        (void)fprintf(stderr,
                      "smartidctl: %s: not a file here; make a key, name it "
                      "with --new-key-file\n",
                      config->master_key_file);
        return SID_CTL_FAILED;
    }
    /* One that was made for a change that did not come about is as good. */
    enum sid_err err = sid_secretfile_make(path, SID_KEY_BYTES);
    if (err == SID_OK && geteuid() != st.st_uid &&
        chown(path, st.st_uid, st.st_gid) != 0)
        err = SID_E_IO;
    if (err != SID_OK && err != SID_E_EXISTS) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", path, sid_err_text(err));
        return SID_CTL_FAILED;
    }
    return 0;
}

static enum sid_err
master_work(struct sid_ctl_store *open, void *ctx) {
    const char *path = ctx;
    struct sid_master *next = NULL;
    enum sid_err err = sid_master_load(path, &next);
    if (err == SID_OK)
        err = sid_master_change_in(open->store, open->master, next, "control");
    sid_master_free(&next);
    return err;
}

static int
print_replaced(const struct sid_config *config, const char *path,
               bool replaced) {
    if (replaced)
        (void)printf("the new master key is in %s; keep a copy in a safe "
                     "place\n",
                     config->master_key_file);
    else
        (void)printf("the database needs the key in %s from now on: put it in "
                     "the place of\n%s before the next start\n",
                     path, config->master_key_file);
    return SID_CTL_OK;
}

static int
change_direct(const struct sid_config *config, char *path) {
    int status = sid_ctl_direct(config, master_work, path);
    if (status != SID_CTL_OK)
        return status;
    return print_replaced(
        config, path,
        sid_master_replace_file(config->master_key_file, path) == SID_OK);
}

static int
change_by_daemon(const struct sid_config *config, const char *path,
                 const char *answer) {
    json_t *root = json_loads(answer, 0, NULL);
    bool replaced = json_is_true(json_object_get(root, "replaced"));
    json_decref(root);
    return print_replaced(config, path, replaced);
}

static int
change_master(const struct sid_config *config, const struct order *order) {
    char path[SID_PATH_SIZE + 8];
    enum sid_err err =
        order->new_key_file != NULL
            ? sid_text_copy(path, SID_PATH_SIZE, order->new_key_file)
            : sid_master_next_path(config->master_key_file, path, sizeof path);
    if (err != SID_OK)
        return sid_ctl_print_error(err);
    int status = order->new_key_file != NULL ? 0 : make_next(config, path);
    if (status != 0)
        return status;
    json_t *root = json_pack("{s:s}", "new_key_file", path);
    char *body = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (body == NULL)
        return sid_ctl_print_error(SID_E_NO_MEMORY);
    char *answer = NULL;
    long http_status = 0;
    err = sid_ctl_control(config, "POST", "/v1/keys/master", body, &answer,
                          &http_status);
    if (err == SID_E_NOT_FOUND)
        status = change_direct(config, path);
    else if (err != SID_OK)
        status = sid_ctl_print_error(err);
    else if (http_status == 409) {
        (void)fputs("smartidctl: other daemons run on the same database: stop "
                    "all but this one first\n",
                    stderr);
        status = SID_CTL_FAILED;
    } else if (http_status != 200)
        status = sid_ctl_print_problem(answer);
    else
        status = change_by_daemon(config, path, answer);
    free(body);
    sid_ctl_free_answer(answer);
    return status;
}

/* ---- arguments ----------------------------------------------------------- */

static bool
parse_rotate(int argc, char **argv, struct order *order) {
    if (argc < 3)
        return false;
    order->what = argv[2];
    bool code = strcmp(order->what, "code") == 0;
    bool master = strcmp(order->what, "master") == 0;
    bool wraps = strcmp(order->what, "data") == 0 ||
                 strcmp(order->what, "template") == 0;
    if (!code && !master && !wraps)
        return false;
    for (int i = 3; i < argc; i++) {
        if (code && strcmp(argv[i], "--revoke-old") == 0)
            order->revoke_old = true;
        else if (wraps && strcmp(argv[i], "--no-wait") == 0)
            order->no_wait = true;
        else if (master && strcmp(argv[i], "--new-key-file") == 0 &&
                 i + 1 < argc && argv[i + 1][0] == '/')
            order->new_key_file = argv[++i];
        else
            return false;
    }
    return true;
}

int
sid_ctl_key(const char *config_path, int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[argc - 1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    const char *what = argc >= 2 ? argv[1] : "";
    struct order order = {0};
    bool list = strcmp(what, "list") == 0 && argc == 2;
    bool status_only = strcmp(what, "status") == 0 && argc == 2;
    bool turns =
        strcmp(what, "rotate") == 0 && parse_rotate(argc, argv, &order);
    if (!list && !status_only && !turns)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    int status = sid_ctl_load_config(config_path, &config);
    if (status != 0)
        return status;
    if (!turns)
        return show(&config, status_only);
    return strcmp(order.what, "master") == 0 ? change_master(&config, &order)
                                             : rotate(&config, &order);
}
