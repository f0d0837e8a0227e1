/* store_sql_client.c: rows of clients. Run by the thread that
 * owns the store; owns nothing. */
#include "smartid/log.h"
#include "store_sql_ops.h"

enum sid_err
sid_sql_client_put(struct sid_back *back, const struct sid_client *client) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CLIENT_PUT);

    char networks[SID_NETWORKS_TEXT_SIZE];

    sid_networks_text(&client->networks, networks);
    sid_sql_bind_text(&query, client->id);
    sid_sql_bind_text(&query, client->key_name);
    sid_sql_bind_blob(&query, client->key_hash, sizeof client->key_hash);
    sid_sql_bind_text(&query, client->name);
    sid_sql_bind_text(&query, sid_role_name(client->role));
    sid_sql_bind_text(&query, client->purpose_names);
    sid_sql_bind_text(&query, client->party);
    sid_sql_bind_text(&query, networks);
    sid_sql_bind_int(&query, client->created_at_s);
    sid_sql_bind_int(&query, client->expires_at_s);
    sid_sql_bind_int(&query, client->revoked_at_s);
    sid_sql_bind_int(&query, client->per_minute);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_client_mark(struct sid_back *back, struct sid_client_mark *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CLIENT_MARK);
    bool row = false;
    enum sid_err err = sid_sql_next(&query, &row);

    if (err == SID_OK && row) {
        struct sid_client_mark mark = {.count = sid_sql_read_int(&query)};

        mark.revoked = sid_sql_read_int(&query);
        err = query.err;
        if (err == SID_OK)
            *out = mark;
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_client_revoke(struct sid_back *back, const char *id, int64_t now_s) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_CLIENT_REVOKE);
    int changes = 0;

    sid_sql_bind_int(&query, now_s);
    sid_sql_bind_text(&query, id);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sql_why_unchanged(sql, SID_SQL_CLIENT_HAS, id);
    return err;
}

static enum sid_err
read_client(struct sid_sql_query *query, struct sid_client *out) {
    char role[16] = "";
    char networks[SID_NETWORKS_TEXT_SIZE] = "";

    sid_sql_read_text(query, out->id, sizeof out->id);
    sid_sql_read_text(query, out->key_name, sizeof out->key_name);
    sid_sql_read_blob(query, out->key_hash, sizeof out->key_hash);
    sid_sql_read_text(query, out->name, sizeof out->name);
    sid_sql_read_text(query, role, sizeof role);
    sid_sql_read_text(query, out->purpose_names, sizeof out->purpose_names);
    sid_sql_read_text(query, out->party, sizeof out->party);
    sid_sql_read_text(query, networks, sizeof networks);
    out->created_at_s = sid_sql_read_int(query);
    out->expires_at_s = sid_sql_read_int(query);
    out->revoked_at_s = sid_sql_read_int(query);
    out->per_minute = sid_sql_read_int(query);
    if (query->err != SID_OK)
        return query->err;
    /* A binding that cannot be read must not become "anywhere". */
    if (sid_role_parse(role, &out->role) != SID_OK ||
        sid_networks_parse(networks, &out->networks) != SID_OK) {
        sid_log(SID_LOG_ERROR, "store_error",
                SID_S("code", sid_err_code(SID_E_STORE)),
                SID_S("at", "CLIENT_EACH"), SID_S("client", out->id));
        return SID_E_STORE;
    }
    return SID_OK;
}

enum sid_err
sid_sql_client_each(struct sid_back *back,
                    enum sid_err (*each)(const struct sid_client *, void *),
                    void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CLIENT_EACH);
    enum sid_err err = SID_OK;
    bool row = true;

    while (err == SID_OK) {
        struct sid_client client = {.role = SID_ROLE_NONE};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        err = read_client(&query, &client);
        if (err == SID_OK)
            err = each(&client, ctx);
    }
    sid_sql_end(&query);
    return err;
}
