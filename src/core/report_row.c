/* report_row.c: a row of the audit log on its way into a report, and what the
 * report says on its way out. Pure; owns nothing. */
#include <string.h>

#include "smartid/json_out.h"
#include "smartid/report.h"

static struct sid_span
member(const char *detail, const char *key) {
    struct sid_audit_member found;
    return sid_audit_member_find(detail, key, &found)
               ? sid_span_of(found.value, found.value_len)
               : sid_span_of("", 0);
}

enum sid_err
sid_report_row(struct sid_report *report, const struct sid_audit_entry *entry) {
    const struct sid_audit_row *row = &entry->row;
    if (strcmp(row->event, "verification") != 0 || row->actor[0] == '\0')
        return SID_OK;
    struct sid_report_check check = {
        .at_s = row->at_us / 1000000,
        .client = row->actor,
        .credential = row->subject,
        .outcome = row->outcome,
        .purpose = member(row->detail, "purpose"),
        .counter = member(row->detail, "counter"),
    };
    return sid_report_add(report, &check);
}

enum sid_err
sid_suspicion_json(const struct sid_suspicion *suspicion, struct sid_buf *out) {
    struct sid_json json;
    sid_json_init(&json, out);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "rule", sid_report_rule_name(suspicion->rule));
    sid_json_time(&json, "at", suspicion->at_s);
    if (suspicion->client[0] != '\0')
        sid_json_string(&json, "client", suspicion->client);
    if (suspicion->other[0] != '\0')
        sid_json_string(&json, "other_client", suspicion->other);
    if (suspicion->credential[0] != '\0')
        sid_json_string(&json, "credential", suspicion->credential);
    sid_json_int(&json, "count", suspicion->count);
    sid_json_string(&json, "text", suspicion->text);
    sid_json_close(&json, '}');
    return json.err;
}
