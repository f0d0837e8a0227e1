/* audit_head.c: signed heads of the audit log, written to a second place.
 *
 * Each interval the main thread asks each writer for the last committed row of
 * its chain; at a later tick it signs what came back and writes it to the file
 * and the log. So no thread that a request waits for waits for that disk. The
 * question belongs to the writer while it is asked, else to main. */
#include <string.h>

#include "app_internal.h"
#include "smartid/appendfile.h"
#include "smartid/audit_head.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/text.h"

/* Where the last head is looked for in a file that goes on from a former run:
 * room for a dozen of them. */
#define TAIL_BYTES 4096

/* ---- a former run's ------------------------------------------------------ */

static enum sid_err
find_last(const struct sid_app *app, char *text, struct sid_audit_head *out) {
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
    sid_sign_public(sid_keyring_head(app->keys), public_key);
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        struct sid_audit_head head;
        bool good = false;
        if (sid_head_parse(line, &head) != SID_OK)
            continue;
        enum sid_err err = sid_head_check(public_key, &head, &good);
        if (err != SID_OK)
            return err;
        if (good)
            *out = head;
    }
    return SID_OK;
}

void
sid_heads_begin(struct sid_app *app, struct sid_audit_head *out) {
    struct sid_heads *heads = &app->heads;
    struct sid_audit_head last = {.seq = 0};
    char text[TAIL_BYTES] = "";
    enum sid_err err = SID_E_NOT_FOUND;
    if (heads->path[0] != '\0')
        err = sid_appendfile_tail(heads->path, text, sizeof text);
    if (err == SID_OK)
        err = find_last(app, text, &last);
    heads->unread = err != SID_OK && err != SID_E_NOT_FOUND;
    if (heads->unread) {
        sid_log(SID_LOG_ERROR, "audit_heads_not_read",
                SID_S("file", heads->path), SID_S("code", sid_err_code(err)));
        last.seq = 0;
    }
    heads->written_seq = last.seq;
    heads->signed_seq[sid_chain_slot(last.seq)] = last.seq;
    *out = last;
}

/* ---- writing ------------------------------------------------------------- */

static void
log_head(const struct sid_audit_head *head) {
    char chain[2 * SID_CHAIN_ID_BYTES + 1], mac[2 * SID_SHA256_BYTES + 1];
    char at[SID_TIME_TEXT_SIZE], signature[2 * SID_SIGNATURE_BYTES + 1];
    sid_hex_encode(head->chain, sizeof head->chain, chain);
    sid_hex_encode(head->mac, sizeof head->mac, mac);
    sid_hex_encode(head->signature, sizeof head->signature, signature);
    sid_time_text(head->at_s, at);
    /* As sid_head_print() has it, so that a line of the log is a head too. */
    sid_log(SID_LOG_ALWAYS, "audit_head", SID_N("version", 1),
            SID_S("chain", chain), SID_N("after", head->after),
            SID_N("seq", head->seq), SID_S("time", at), SID_S("mac", mac),
            SID_S("sig", signature));
}

void
sid_heads_write(struct sid_app *app, int64_t seq,
                const uint8_t mac[SID_SHA256_BYTES]) {
    struct sid_heads *heads = &app->heads;
    struct sid_audit_head last;
    char text[SID_HEAD_TEXT_SIZE];
    int64_t *signed_seq = &heads->signed_seq[sid_chain_slot(seq)];
    if (heads->path[0] == '\0' || seq == 0)
        return;
    if (heads->unread)
        sid_heads_begin(app, &last);
    if (seq == *signed_seq)
        return;
    struct sid_audit_head head = {
        .after = heads->written_seq, .seq = seq, .at_s = sid_now_s()};
    memcpy(head.mac, mac, sizeof head.mac);
    enum sid_err err = sid_head_sign(sid_keyring_head(app->keys), &head);
    if (err == SID_OK) {
        sid_head_print(&head, text);
        /* One that names no head before it would say that those in the file
         * were put there by somebody else. */
        err = heads->unread ? SID_E_IO : sid_appendfile_add(heads->path, text);
        /* After the file, so that who reads of it here finds it there; and
         * also when the file could not take it. */
        log_head(&head);
    }
    atomic_store(&heads->failing, err != SID_OK);
    if (err == SID_OK) {
        heads->written_seq = *signed_seq = seq;
        sid_metric_add(SID_M_AUDIT_HEADS, 1);
    } else {
        sid_metric_add(SID_M_AUDIT_HEAD_ERRORS, 1);
        sid_log(SID_LOG_ERROR, "audit_head_not_written",
                SID_S("file", heads->path), SID_N("seq", seq),
                SID_S("code", sid_err_code(err)));
    }
}

bool
sid_app_heads_written(const struct sid_app *app) {
    return !atomic_load(&app->heads.failing);
}

/* ---- asking the writers -------------------------------------------------- */

static enum sid_err
ask_run(struct sid_op *op, struct sid_store *store) {
    struct sid_head_ask *ask = (struct sid_head_ask *)op;
    ask->seq = sid_store_audit_head(store, ask->mac);
    return SID_OK;
}

/* The rows it has counted are committed by now: those of its own batch too. */
static void
ask_done(struct sid_op *op) {
    struct sid_head_ask *ask = (struct sid_head_ask *)op;
    if (op->err != SID_OK)
        ask->seq = 0;
    atomic_store(&ask->state, SID_HEAD_ANSWERED);
}

static void
ask(struct sid_writer *writer, struct sid_head_ask *question) {
    atomic_store(&question->state, SID_HEAD_ASKED);
    question->op =
        (struct sid_op){.run = ask_run, .done = ask_done, .read_only = true};
    sid_writer_submit(writer, &question->op);
}

void
sid_heads_tick(struct sid_app *app, int64_t now_us) {
    struct sid_heads *heads = &app->heads;
    bool asked = false;
    if (heads->path[0] == '\0')
        return;
    for (int i = 0; i < app->writer_count; i++) {
        struct sid_head_ask *question = &heads->ask[i];
        int state = atomic_load(&question->state);
        if (state == SID_HEAD_ASKED)
            asked = true;
        if (state != SID_HEAD_ANSWERED)
            continue;
        sid_heads_write(app, question->seq, question->mac);
        atomic_store(&question->state, SID_HEAD_IDLE);
    }
    struct sid_config config;
    sid_app_config(app, &config);
    /* Counted from the last time, so that a reload holds at once. */
    if (asked || now_us < heads->asked_us + config.head_interval_s * 1000000)
        return;
    heads->asked_us = now_us;
    for (int i = 0; i < app->writer_count; i++)
        ask(app->writers[i].writer, &heads->ask[i]);
}
