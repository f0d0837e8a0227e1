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
#include "smartid/purposes_file.h"
#include "smartid/text.h"

/* The purposes of the settings; the built-in ones while they are not read. */
static struct sid_purposes purposes;

static void
print_purposes(FILE *to) {
    for (size_t i = 0; i < purposes.count; i++)
        (void)fprintf(to, "  %-24s %s\n", purposes.item[i].name,
                      purposes.item[i].help);
}

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] client add --role "
        "app|clerk|officer|admin\n"
        "           --name NAME [--purpose PURPOSE]… [--party NAME]\n"
        "           [--network NETWORK]… [--expires 90d] [--per-minute N]\n"
        "       smartidctl [-c FILE] client list\n"
        "       smartidctl [-c FILE] client revoke ID\n"
        "\n"
        "add prints the key once; only its SHA-256 is kept. --network binds it "
        "to where it\nmay be used, such as 10.1.0.0/16 or 2001:db8::/32. A "
        "clerk asks for a --party\n(its own name unless given), which knows "
        "people by pseudonyms of its own, and needs\nat least one purpose, of "
        "the purposes in force or of these:\n",
        to);
    print_purposes(to);
    return status;
}

/* ---- what is printed ----------------------------------------------------- */

struct row {
    const char *id, *role, *state, *expires, *networks, *name;
};

static void
print_row(const struct row *row) {
    (void)printf("%-30s  %-8s %-8s %-20s  %-18s  %s\n", row->id, row->role,
                 row->state, row->expires, row->networks, row->name);
}

static void
print_head(void) {
    print_row(
        &(struct row){"id", "role", "state", "expires", "networks", "name"});
}

/* ---- add ----------------------------------------------------------------- */

struct add {
    struct sid_client_order order;
    struct sid_client client;
    char key[SID_APIKEY_SIZE];
};

static enum sid_err
add_work(struct sid_ctl_store *open, void *ctx) {
    struct add *add = ctx;
    return sid_client_add_in(open->store, &purposes, &add->order, "control",
                             sid_now_us(), &add->client, add->key);
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

/* The options of add, and what each takes, for who got it wrong. */
static const struct {
    const char *option, *accepted;
} options[] = {
    {"--role", "app, clerk, officer or admin"},
    {"--name", "up to 64 bytes of text"},
    {"--party", "up to 64 bytes of text"},
    {"--purpose", "one of"},
    {"--network", "up to 16, such as 10.1.0.0/16 or 2001:db8::/32, nothing set "
                  "behind the length"},
    {"--expires", "a time such as 90d, 12h, 30m, 45s"},
    {"--per-minute", "1 to 1000000 requests"},
};

static const char *
accepted(const char *option) {
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].option, option) == 0)
            return options[i].accepted;
    }
    return "--role, --name, --purpose, --party, --network, --expires or "
           "--per-minute";
}

static enum sid_err
read_rate(const char *value, int64_t *out) {
    char *end = NULL;
    long long rate = strtoll(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || rate < 1 ||
        rate > SID_QUOTA_PER_MINUTE_MAX)
        return SID_E_ARGUMENT;
    *out = rate;
    return SID_OK;
}

static enum sid_err
take_option(const char *option, const char *value,
            struct sid_client_order *order) {
    if (strcmp(option, "--role") == 0)
        return sid_role_parse(value, &order->role);
    if (strcmp(option, "--name") == 0)
        return read_name(value, order->name);
    if (strcmp(option, "--party") == 0)
        return read_name(value, order->party);
    if (strcmp(option, "--expires") == 0)
        return sid_ctl_parse_duration(value, &order->lifetime_s);
    if (strcmp(option, "--per-minute") == 0)
        return read_rate(value, &order->per_minute);
    if (strcmp(option, "--network") == 0)
        return sid_networks_add(&order->networks, value, strlen(value));
    if (strcmp(option, "--purpose") == 0 &&
        sid_purposes_find(&purposes, value) != NULL)
        return sid_purpose_names_add(order->purpose_names, value);
    return SID_E_ARGUMENT;
}

static int
parse_add(int argc, char **argv, struct sid_client_order *order) {
    order->lifetime_s = SID_CLIENT_LIFETIME_S;
    for (int i = 2; i < argc; i += 2) {
        const char *option = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value != NULL && take_option(option, value, order) == SID_OK)
            continue;
        (void)fprintf(
            stderr, "smartidctl: %s %s is not understood; accepted: %s\n",
            option, value != NULL ? value : "(nothing)", accepted(option));
        if (strcmp(option, "--purpose") == 0)
            print_purposes(stderr);
        return SID_CTL_USAGE;
    }
    bool clerk = order->role == SID_ROLE_CLERK;
    bool granted = order->purpose_names[0] != '\0';
    if (order->role == SID_ROLE_NONE || order->name[0] == '\0' ||
        clerk != granted || (!clerk && order->party[0] != '\0')) {
        (void)fputs("smartidctl: a role, a name and, for clerks only, a "
                    "purpose (and a party) are needed\n",
                    stderr);
        return usage(stderr, SID_CTL_USAGE);
    }
    return 0;
}

static char *
add_body(const struct sid_client_order *order) {
    json_t *granted = json_array();
    char name[SID_PURPOSE_NAME_SIZE];
    for (const char *at = order->purpose_names;
         sid_purpose_names_next(&at, name);)
        json_array_append_new(granted, json_string(name));
    json_t *networks = json_array();
    for (size_t i = 0; i < order->networks.count; i++) {
        char text[SID_NETWORK_TEXT_SIZE];
        sid_network_text(&order->networks.item[i], text);
        json_array_append_new(networks, json_string(text));
    }
    json_t *root = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "name",
                             order->name, "role", sid_role_name(order->role),
                             "lifetime_s", (json_int_t)order->lifetime_s,
                             "per_minute", (json_int_t)order->per_minute,
                             "purposes", granted, "networks", networks);
    if (root != NULL && order->party[0] != '\0' &&
        json_object_set_new(root, "party", json_string(order->party)) != 0) {
        json_decref(root);
        root = NULL;
    }
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

/* ---- list ---------------------------------------------------------------- */

static void
networks_text(const struct sid_networks *networks,
              char out[SID_NETWORKS_TEXT_SIZE]) {
    sid_networks_text(networks, out);
    if (networks->count == 0)
        (void)snprintf(out, SID_NETWORKS_TEXT_SIZE, "any");
    for (char *at = out; (at = strchr(at, ' ')) != NULL;)
        *at = ',';
}

static enum sid_err
list_one(const struct sid_client *client, void *ctx) {
    char expires[SID_TIME_TEXT_SIZE];
    char networks[SID_NETWORKS_TEXT_SIZE];
    int64_t now_s = sid_now_s();
    (void)ctx;
    sid_time_text(client->expires_at_s, expires);
    networks_text(&client->networks, networks);
    print_row(&(struct row){.id = client->id,
                            .role = sid_role_name(client->role),
                            .state = client->revoked_at_s != 0       ? "revoked"
                                     : client->expires_at_s <= now_s ? "expired"
                                                                     : "active",
                            .expires = expires,
                            .networks = networks,
                            .name = client->name});
    return SID_OK;
}

static enum sid_err
list_work(struct sid_ctl_store *open, void *ctx) {
    print_head();
    return sid_client_list_in(open->store, "control", list_one, ctx);
}

static void
print_json_row(json_t *client) {
    struct row row = {0};
    const json_t *list = NULL;
    struct sid_networks networks = {0};
    char text[SID_NETWORKS_TEXT_SIZE];
    if (json_unpack(client, "{s:s, s:s, s:s, s:s, s:s, s:o}", "id", &row.id,
                    "role", &row.role, "state", &row.state, "expires_at",
                    &row.expires, "name", &row.name, "networks", &list) != 0)
        return;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one == NULL ||
            sid_networks_add(&networks, one, strlen(one)) != SID_OK)
            return;
    }
    networks_text(&networks, text);
    row.networks = text;
    print_row(&row);
}

static int
print_list(const char *answer) {
    json_t *root = json_loads(answer, 0, NULL);
    json_t *clients = json_object_get(root, "clients");
    size_t i;
    json_t *client;
    print_head();
    json_array_foreach(clients, i, client) print_json_row(client);
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

/* ---- revoke -------------------------------------------------------------- */

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

static int
load_built_in(void) {
    struct sid_config_problem problem = {""};
    if (sid_purposes_load("", &purposes, &problem) == SID_OK)
        return 0;
    (void)fprintf(stderr, "smartidctl: %s\n", problem.text);
    return SID_CTL_CONFIG;
}

int
sid_ctl_client(const char *config_path, int argc, char **argv) {
    int status = load_built_in();
    if (status != 0)
        return status;
    if (argc >= 2 && strcmp(argv[argc - 1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    const char *what = argc >= 2 ? argv[1] : "";
    bool add = strcmp(what, "add") == 0;
    bool list = strcmp(what, "list") == 0 && argc == 2;
    bool revoke = strcmp(what, "revoke") == 0 && argc == 3;
    if (!add && !list && !revoke)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    bool differ = false;
    status = sid_ctl_load_config(config_path, &config);
    if (status == 0 && add)
        status = sid_ctl_load_purposes(&config, &purposes, &differ);
    if (status == SID_CTL_FAILED)
        status = 0; /* the daemon knows */
    if (status != 0)
        return status;
    if (add)
        return client_add(&config, argc, argv);
    return list ? client_list(&config) : client_revoke(&config, argv[2]);
}
