/* flow_audit.c: rows leave the audit log for an archive (see flow_audit.h).
 * Owns nothing beyond the caller's structs. */
#include "smartid/flow_audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"

/* What has not been told yet is read from the log. */
static enum sid_err
judge_webhook(struct sid_store *store, const struct sid_config *config,
              int64_t last) {
    int64_t told = 0;
    if (config->webhook_url[0] == '\0')
        return SID_OK;
    enum sid_err err =
        sid_store_webhook_place(store, sid_chain_slot(last), &told);
    if (err == SID_E_NOT_FOUND)
        return SID_OK; /* it will begin at the end of the log */
    return err == SID_OK && told < last ? SID_E_CONFLICT : err;
}

static enum sid_err
write_down(struct sid_store *store, const struct sid_audit_segment *segment,
           const char *actor) {
    char detail[96];
    (void)snprintf(detail, sizeof detail,
                   "month=%s first=%" PRId64 " last=%" PRId64, segment->month,
                   segment->first, segment->last);
    return sid_app_audit(store, "audit_archived", actor, "", "done", detail);
}

enum sid_err
sid_audit_archive_in(struct sid_store *store, const struct sid_keyring *keys,
                     const struct sid_config *config,
                     const struct sid_audit_segment *segment, const char *actor,
                     int64_t *left) {
    int64_t gone = 0, removed = 0;
    uint8_t mac[SID_SHA256_BYTES];
    enum sid_err err =
        sid_store_audit_anchor(store, sid_keyring_audit(keys),
                               sid_chain_slot(segment->last), &gone, mac);
    if (err == SID_OK && gone >= segment->last) {
        *left = 0;
        return SID_OK;
    }
    if (err == SID_OK && gone < segment->first - 1)
        err = SID_E_CONFLICT;
    if (err == SID_OK)
        err = judge_webhook(store, config, segment->last);
    /* Before: the rows may be all that there are, and the newest one stays. */
    if (err == SID_OK && gone == segment->first - 1)
        err = write_down(store, segment, actor);
    if (err == SID_OK)
        err = sid_store_audit_cut(store, segment->last, segment->mac,
                                  SID_ARCHIVE_ROWS_MAX, &removed);
    if (err == SID_OK)
        *left = segment->last - gone - removed;
    return err;
}

static enum sid_err
archive_run(struct sid_op *op, struct sid_store *store) {
    struct sid_audit_archive *archive = (struct sid_audit_archive *)op;
    struct sid_config config;
    sid_app_config(archive->flow.app, &config);
    return sid_audit_archive_in(
        store, archive->flow.app->keys, &config, &archive->segment,
        sid_caller_actor(&archive->flow.caller), &archive->left);
}

static void
archive_done(struct sid_op *op) {
    struct sid_audit_archive *archive = (struct sid_audit_archive *)op;
    const struct sid_audit_segment *segment = &archive->segment;
    if (op->err == SID_OK && archive->left == 0)
        sid_log(SID_LOG_INFO, "audit_archived", SID_S("month", segment->month),
                SID_N("first", segment->first), SID_N("last", segment->last));
    sid_flow_end(op);
}

void
sid_audit_archive_start(struct sid_audit_archive *archive) {
    if (sid_flow_admit(&archive->flow))
        sid_flow_submit(&archive->flow, archive_run, archive_done);
}
