/* audit_json.h: a row of the audit log as JSON, for people and programs: what
 * smartidctl audit export prints and GET /v1/audit answers. Pure. Any thread.
 */
#ifndef SMARTID_AUDIT_JSON_H
#define SMARTID_AUDIT_JSON_H

#include "smartid/audit.h"
#include "smartid/buf.h"
#include "smartid/json_out.h"

/* RFC 3339 with microseconds, in which a MAC is made, and a NUL. */
#define SID_AUDIT_TIME_SIZE 28
void sid_audit_time_text(int64_t at_us, char out[SID_AUDIT_TIME_SIZE]);
/* Writes a row but for its detail as members of the object that is open. */
void sid_audit_write_row(struct sid_json *json,
                         const struct sid_audit_entry *entry);

/* Appends the row as an object; a detail that is a list of members becomes one,
 * with text for each; any other stays text. scratch: its bytes are replaced.
 * Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_audit_json(const struct sid_audit_entry *entry,
                                         struct sid_buf *scratch,
                                         struct sid_buf *out);

#endif
