/* client.c: smartidctl client add | list | revoke.
 *
 * Goes through the running daemon's control socket; when no daemon listens,
 * opens the database itself. Both ways end in the same function of flow_admin,
 * and print the same. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "smartid/clock.h"
#include "smartid/flow_admin.h"
#include "smartid/purpose.h"
#include "smartid/text.h"

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] client add --role "
        "app|clerk|officer|admin\n"
        "           --name NAME [--purpose PURPOSE]… [--expires 90d]\n"
        "       smartidctl [-c FILE] client list\n"
        "       smartidctl [-c FILE] client revoke ID\n"
        "\n"
        "add prints the key once; only its SHA-256 is kept. A clerk needs at "
        "least one\npurpose:\n ",
        to);
    for (int i = 0; i < SID_PURPOSE_COUNT; i++)
        (void)fprintf(to, " %s", sid_purpose_name((enum sid_purpose)i));
    (void)fputc('\n', to);
    return status;
}

/* ---- what is printed ------------------------------------------------------
 */

static void
print_row(const char *id, const char *role, const char *state,
          const char *expires, const char *name) {
    (void)printf("%-30s  %-8s %-8s %-20s  %s\n", id, role, state, expires,
                 name);
}

static void
print_head(void) {
    print_row("id", "role", "state", "expires", "name");
}

/* ---- add ------------------------------------------------------------------
 */

struct add {
    struct sid_client_order order;
    struct sid_client client;
    char key[SID_APIKEY_SIZE];
};

static enum sid_err
add_work(struct sid_ctl_store *open, void *ctx) {
    struct add *add = ctx;
    return sid_client_add_in(open->store, &add->order, "control", sid_now_us(),
                             &add->client, add->key);
}

/* Without blanks around it, as the daemon takes it. */
static enum sid_err
read_name(const char *value, char out[SID_CLIENT_NAME_SIZE]) {
    value += strspn(value, " \t");
    enum sid_err err = sid_text_copy(out, SID_CLIENT_NAME_SIZE, value);
    size_t len = err == SID_OK ? strlen(out) : 0;
    while (len > 0 && (out[len - 1] == ' ' || out[len - 1] == '\t'))
        out[--len] = '\0';
    return err;
}

/* What an option takes, for who got it wrong. */
static const char *
accepted(const char *option) {
    if (strcmp(option, "--role") == 0)
        return "app, clerk, officer or admin";
    if (strcmp(option, "--name") == 0)
        return "up to 64 bytes of text";
    if (strcmp(option, "--expires") == 0)
        return "a time such as 90d, 12h, 30m, 45s";
    if (strcmp(option, "--purpose") == 0)
        return "a purpose; client add --help lists them";
    return "--role, --name, --purpose or --expires";
}

static int
parse_add(int argc, char **argv, struct sid_client_order *order) {
    order->lifetime_s = SID_CLIENT_LIFETIME_S;
    for (int i = 2; i < argc; i += 2) {
        const char *option = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        enum sid_err err = SID_E_ARGUMENT;
        enum sid_purpose purpose;
        if (value == NULL) {
            err = SID_E_ARGUMENT;
        } else if (strcmp(option, "--role") == 0) {
            err = sid_role_parse(value, &order->role);
        } else if (strcmp(option, "--name") == 0) {
            err = read_name(value, order->name);
        } else if (strcmp(option, "--expires") == 0) {
            err = sid_ctl_parse_duration(value, &order->lifetime_s);
        } else if (strcmp(option, "--purpose") == 0) {
            err = sid_purpose_parse(value, &purpose);
            if (err == SID_OK)
                order->purposes |= sid_purpose_bit(purpose);
        }
        if (err != SID_OK) {
            (void)fprintf(
                stderr, "smartidctl: %s %s is not understood; accepted: %s\n",
                option, value != NULL ? value : "(nothing)", accepted(option));
            return SID_CTL_USAGE;
        }
    }
    bool is_clerk = order->role == SID_ROLE_CLERK;
    if (order->role == SID_ROLE_NONE || order->name[0] == '\0' ||
        is_clerk != (order->purposes != 0)) {
        (void)fputs("smartidctl: a role, a name and, for clerks only, a "
                    "purpose are needed\n",
                    stderr);
        return usage(stderr, SID_CTL_USAGE);
    }
    return 0;
}

static char *
add_body(const struct sid_client_order *order) {
    json_t *purposes = json_array();
    for (int i = 0; i < SID_PURPOSE_COUNT; i++)
        if (order->purposes & sid_purpose_bit((enum sid_purpose)i))
            json_array_append_new(
                purposes, json_string(sid_purpose_name((enum sid_purpose)i)));
    json_t *root =
        json_pack("{s:s, s:s, s:I, s:o}", "name", order->name, "role",
                  sid_role_name(order->role), "lifetime_s",
                  (json_int_t)order->lifetime_s, "purposes", purposes);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static int
print_added(const char *answer) {
    json_t *root = json_loads(answer, 0, NULL);
    const char *key = json_string_value(json_object_get(root, "key"));
    const char *id = json_string_value(json_object_get(root, "id"));
    int status = SID_CTL_FAILED;
    if (key != NULL && id != NULL) {
        (void)fprintf(stderr, "client %s\n", id);
        (void)printf("%s\n", key);
        status = SID_CTL_OK;
    }
    json_decref(root);
    return status;
}

static int
client_add(const struct sid_config *config, int argc, char **argv) {
    struct add add = {0};
    int status = parse_add(argc, argv, &add.order);
    if (status != 0)
        return status;
    char *body = add_body(&add.order);
    if (body == NULL)
        return sid_ctl_print_error(
            SID_E_FIELD_INVALID); /* a name that is not UTF-8 */
    char *answer = NULL;
    long http_status = 0;
    enum sid_err err = sid_ctl_control(config, "POST", "/v1/clients", body,
                                       &answer, &http_status);
    if (err == SID_OK) {
        status = http_status == 201 ? print_added(answer)
                                    : sid_ctl_print_problem(answer);
    } else if (err == SID_E_NOT_FOUND) {
        status = sid_ctl_direct(config, add_work, &add);
        if (status == SID_CTL_OK) {
            (void)fprintf(stderr, "client %s\n", add.client.id);
            (void)printf("%s\n", add.key);
        }
    } else {
        status = sid_ctl_print_error(err);
    }
    free(body);
    sid_ctl_free_answer(answer);
    sid_wipe(add.key, sizeof add.key);
    return status;
}

/* ---- list -----------------------------------------------------------------
 */

static enum sid_err
list_one(const struct sid_client *client, void *ctx) {
    char expires[SID_TIME_TEXT_SIZE];
    int64_t now_s = sid_now_s();
    (void)ctx;
    sid_time_text(client->expires_at_s, expires);
    print_row(client->id, sid_role_name(client->role),
              client->revoked_at_s != 0       ? "revoked"
              : client->expires_at_s <= now_s ? "expired"
                                              : "active",
              expires, client->name);
    return SID_OK;
}

static enum sid_err
list_work(struct sid_ctl_store *open, void *ctx) {
    print_head();
    return sid_store_client_each(open->store, list_one, ctx);
}

static int
print_list(const char *answer) {
    json_t *root = json_loads(answer, 0, NULL);
    json_t *clients = json_object_get(root, "clients");
    size_t i;
    json_t *row;
    print_head();
    json_array_foreach(clients, i, row) {
        const char *id = "", *role = "", *state = "", *expires = "";
        const char *name = "";
        if (json_unpack(row, "{s:s, s:s, s:s, s:s, s:s}", "id", &id, "role",
                        &role, "state", &state, "expires_at", &expires, "name",
                        &name) == 0)
            print_row(id, role, state, expires, name);
    }
    json_decref(root);
    return SID_CTL_OK;
}

static int
client_list(const struct sid_config *config) {
    char *answer = NULL;
    long http_status = 0;
    enum sid_err err = sid_ctl_control(config, "GET", "/v1/clients", NULL,
                                       &answer, &http_status);
    int status;
    if (err == SID_OK)
        status = http_status == 200 ? print_list(answer)
                                    : sid_ctl_print_problem(answer);
    else if (err == SID_E_NOT_FOUND)
        status = sid_ctl_direct(config, list_work, NULL);
    else
        status = sid_ctl_print_error(err);
    sid_ctl_free_answer(answer);
    return status;
}

/* ---- revoke ---------------------------------------------------------------
 */

static enum sid_err
revoke_work(struct sid_ctl_store *open, void *ctx) {
    return sid_client_revoke_in(open->store, ctx, "control", sid_now_us());
}

static int
client_revoke(const struct sid_config *config, char *id) {
    if (!sid_id_valid("cli_", id)) {
        (void)fprintf(stderr,
                      "smartidctl: '%s' is not a client id (cli_…); see "
                      "smartidctl client list\n",
                      id);
        return SID_CTL_USAGE;
    }
    char path[96];
    (void)snprintf(path, sizeof path, "/v1/clients/%s/revoke", id);
    char *answer = NULL;
    long http_status = 0;
    enum sid_err err =
        sid_ctl_control(config, "POST", path, "{}", &answer, &http_status);
    int status;
    if (err == SID_OK)
        status =
            http_status == 200 ? SID_CTL_OK : sid_ctl_print_problem(answer);
    else if (err == SID_E_NOT_FOUND)
        status = sid_ctl_direct(config, revoke_work, id);
    else
        status = sid_ctl_print_error(err);
    if (status == SID_CTL_OK)
        (void)printf("%s revoked\n", id);
    sid_ctl_free_answer(answer);
    return status;
}

int
sid_ctl_client(const char *config_path, int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[argc - 1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    const char *what = argc >= 2 ? argv[1] : "";
    bool add = strcmp(what, "add") == 0;
    bool list = strcmp(what, "list") == 0 && argc == 2;
    bool revoke = strcmp(what, "revoke") == 0 && argc == 3;
    if (!add && !list && !revoke)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    int status = sid_ctl_load_config(config_path, &config);
    if (status != 0)
        return status;
    if (add)
        return client_add(&config, argc, argv);
    return list ? client_list(&config) : client_revoke(&config, argv[2]);
}
