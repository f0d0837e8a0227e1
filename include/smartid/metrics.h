/* metrics.h: counters, gauges and histograms as one documented table, written
 * in Prometheus text format 0.0.4.
 *
 * The table is in src/base/metrics.c. Updates are relaxed atomics: any thread,
 * no lock. Labels are fixed at compile time (one enum value per series), so no
 * personal datum can become a label. */
#ifndef SMARTID_METRICS_H
#define SMARTID_METRICS_H

#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* X(symbol, kind, name, labels, help); series of one name stand together. */
#define SID_METRIC_MAP(X)                                                      \
    X(SID_M_HTTP_1XX_2XX, COUNTER, "smartidd_http_responses_total",            \
      "class=\"2xx\"", "HTTP responses by class")                              \
    X(SID_M_HTTP_3XX, COUNTER, "smartidd_http_responses_total",                \
      "class=\"3xx\"", "")                                                     \
    X(SID_M_HTTP_4XX, COUNTER, "smartidd_http_responses_total",                \
      "class=\"4xx\"", "")                                                     \
    X(SID_M_HTTP_5XX, COUNTER, "smartidd_http_responses_total",                \
      "class=\"5xx\"", "")                                                     \
    X(SID_M_CONNECTIONS, GAUGE, "smartidd_http_connections", "",               \
      "Open HTTP connections")                                                 \
    X(SID_M_CUT_HEAD, COUNTER, "smartidd_http_connections_cut_total",          \
      "reason=\"head_late\"",                                                  \
      "Connections shut down: too slow, or gone in the middle of a body")      \
    X(SID_M_CUT_BODY, COUNTER, "smartidd_http_connections_cut_total",          \
      "reason=\"body_late\"", "")                                              \
    X(SID_M_CUT_ANSWER, COUNTER, "smartidd_http_connections_cut_total",        \
      "reason=\"answer_late\"", "")                                            \
    X(SID_M_CUT_GONE, COUNTER, "smartidd_http_connections_cut_total",          \
      "reason=\"client_gone\"", "")                                            \
    X(SID_M_VERIFY_VALID, COUNTER, "smartidd_verifications_total",             \
      "result=\"valid\"", "Verifications answered, by result")                 \
    X(SID_M_VERIFY_EXPIRED, COUNTER, "smartidd_verifications_total",           \
      "result=\"expired\"", "")                                                \
    X(SID_M_VERIFY_TOO_LOW, COUNTER, "smartidd_verifications_total",           \
      "result=\"assurance_too_low\"", "")                                      \
    X(SID_M_VERIFY_NOT_LIVE, COUNTER, "smartidd_verifications_total",          \
      "result=\"live_code_required\"", "")                                     \
    X(SID_M_VERIFY_USED, COUNTER, "smartidd_verifications_total",              \
      "result=\"code_used\"", "")                                              \
    X(SID_M_VERIFY_NOT_VALID, COUNTER, "smartidd_verifications_total",         \
      "result=\"not_valid\"", "")                                              \
    X(SID_M_VERIFY_UNCHECKED, COUNTER, "smartidd_verifications_total",         \
      "result=\"could_not_check\"", "")                                        \
    X(SID_M_DISPUTES_OPENED, COUNTER, "smartidd_disputes_total",               \
      "outcome=\"open\"",                                                      \
      "Checks that holders have disputed, and how it was "                     \
      "settled")                                                               \
    X(SID_M_DISPUTES_UPHELD, COUNTER, "smartidd_disputes_total",               \
      "outcome=\"upheld\"", "")                                                \
    X(SID_M_DISPUTES_DISMISSED, COUNTER, "smartidd_disputes_total",            \
      "outcome=\"dismissed\"", "")                                             \
    X(SID_M_ENROL_RECEIVED, COUNTER, "smartidd_enrolments_received_total", "", \
      "Enrolments stored and acknowledged")                                    \
    X(SID_M_ENROL_COUNTER, COUNTER, "smartidd_enrolments_at_counters_total",   \
      "",                                                                      \
      "Enrolments by an officer at a counter, without a comparison of faces")  \
    X(SID_M_ENROL_APPROVED, COUNTER, "smartidd_enrolments_decided_total",      \
      "state=\"approved\"", "Enrolments decided by the workers, by state")     \
    X(SID_M_ENROL_REVIEW, COUNTER, "smartidd_enrolments_decided_total",        \
      "state=\"review\"", "")                                                  \
    X(SID_M_ENROL_REJECTED, COUNTER, "smartidd_enrolments_decided_total",      \
      "state=\"rejected\"", "")                                                \
    X(SID_M_ENROL_FAILED, COUNTER, "smartidd_enrolments_decided_total",        \
      "state=\"failed\"", "")                                                  \
    X(SID_M_ENROL_SHED, COUNTER, "smartidd_enrolments_shed_total", "",         \
      "Enrolments refused because every place was taken")                      \
    X(SID_M_QUEUE_DEPTH, GAUGE, "smartidd_queue_depth", "",                    \
      "Enrolments waiting for a face worker")                                  \
    X(SID_M_WORKERS_BUSY, GAUGE, "smartidd_workers_busy", "",                  \
      "Face workers at work")                                                  \
    X(SID_M_FACE_PROCESSES, COUNTER, "smartidd_face_processes_started_total",  \
      "", "Face processes started")                                            \
    X(SID_M_FACE_SERVERS, COUNTER, "smartidd_face_servers_started_total", "",  \
      "Processes started that fork the face processes")                        \
    X(SID_M_FACE_SERVER_UP, GAUGE, "smartidd_face_server_up", "",              \
      "Whether face processes can be had (always 0 with threads)")             \
    X(SID_M_FACE_FAULT_CRASH, COUNTER, "smartidd_face_process_faults_total",   \
      "reason=\"crash\"", "Attempts at a photo that ended its face process")   \
    X(SID_M_FACE_FAULT_FORBIDDEN, COUNTER,                                     \
      "smartidd_face_process_faults_total", "reason=\"forbidden\"", "")        \
    X(SID_M_FACE_FAULT_CPU, COUNTER, "smartidd_face_process_faults_total",     \
      "reason=\"cpu\"", "")                                                    \
    X(SID_M_FACE_FAULT_MEMORY, COUNTER, "smartidd_face_process_faults_total",  \
      "reason=\"memory\"", "")                                                 \
    X(SID_M_FACE_FAULT_HANG, COUNTER, "smartidd_face_process_faults_total",    \
      "reason=\"hang\"", "")                                                   \
    X(SID_M_FACE_FAULT_KILLED, COUNTER, "smartidd_face_process_faults_total",  \
      "reason=\"killed\"", "")                                                 \
    X(SID_M_FACE_FAULT_ANSWER, COUNTER, "smartidd_face_process_faults_total",  \
      "reason=\"answer\"", "")                                                 \
    X(SID_M_COMMITS, COUNTER, "smartidd_store_commits_total", "",              \
      "Transactions committed by the writer")                                  \
    X(SID_M_STORE_TRIPS, COUNTER, "smartidd_store_round_trips_total", "",      \
      "Times an answer of a PostgreSQL server was waited for")                 \
    X(SID_M_STORE_WAITING, GAUGE, "smartidd_store_waiting", "",                \
      "Waits for a PostgreSQL server that are under way")                      \
    X(SID_M_STORE_RETRIES, COUNTER, "smartidd_store_retries_total", "",        \
      "Transactions run again because something else was in their way")        \
    X(SID_M_OPS, COUNTER, "smartidd_store_operations_total", "",               \
      "Operations run by the writer")                                          \
    X(SID_M_STORE_ERRORS, COUNTER, "smartidd_store_errors_total", "",          \
      "Transactions that failed")                                              \
    X(SID_M_REWRAP_LEFT, GAUGE, "smartidd_keys_rewrap_left", "",               \
      "People's keys that are still wrapped by an older key")                  \
    X(SID_M_AUDIT_HEADS, COUNTER, "smartidd_audit_heads_total", "",            \
      "Signed heads of the audit log written to the second place")             \
    X(SID_M_AUDIT_HEAD_ERRORS, COUNTER, "smartidd_audit_head_errors_total",    \
      "", "Signed heads that could not be written")                            \
    X(SID_M_ERASED, COUNTER, "smartidd_people_erased_total", "",               \
      "People erased, on request or by retention")                             \
    X(SID_M_FACES_STORED, GAUGE, "smartidd_faces_stored", "",                  \
      "Face templates in the database")                                        \
    X(SID_M_FACES_ALARM, GAUGE, "smartidd_faces_alarm", "",                    \
      "1 while there are as many of them as faces_alarm says or more")         \
    X(SID_M_CODES, COUNTER, "smartidd_codes_issued_total", "kind=\"day\"",     \
      "Codes handed out")                                                      \
    X(SID_M_CODES_LIVE, COUNTER, "smartidd_codes_issued_total",                \
      "kind=\"live\"", "")                                                     \
    X(SID_M_CODES_OFFLINE, COUNTER, "smartidd_codes_issued_total",             \
      "kind=\"offline\"", "")                                                  \
    X(SID_M_CREDENTIAL_SUSPENDED, COUNTER,                                     \
      "smartidd_credential_changes_total", "change=\"suspended\"",             \
      "Credentials changed, and issued beside a resident_id")                  \
    X(SID_M_CREDENTIAL_RESUMED, COUNTER, "smartidd_credential_changes_total",  \
      "change=\"resumed\"", "")                                                \
    X(SID_M_CREDENTIAL_REVOKED, COUNTER, "smartidd_credential_changes_total",  \
      "change=\"revoked\"", "")                                                \
    X(SID_M_CREDENTIAL_UPGRADED, COUNTER, "smartidd_credential_changes_total", \
      "change=\"upgraded\"", "")                                               \
    X(SID_M_CREDENTIAL_ISSUED, COUNTER, "smartidd_credential_changes_total",   \
      "change=\"issued\"", "")                                                 \
    X(SID_M_RECOVERY_FACE, COUNTER, "smartidd_recoveries_total",               \
      "outcome=\"face\"",                                                      \
      "Lost phones: recovered by face or at a counter, failed, to be taken "   \
      "again, locked")                                                         \
    X(SID_M_RECOVERY_COUNTER, COUNTER, "smartidd_recoveries_total",            \
      "outcome=\"counter\"", "")                                               \
    X(SID_M_RECOVERY_FAILED, COUNTER, "smartidd_recoveries_total",             \
      "outcome=\"failed\"", "")                                                \
    X(SID_M_RECOVERY_RETAKE, COUNTER, "smartidd_recoveries_total",             \
      "outcome=\"retake\"", "")                                                \
    X(SID_M_RECOVERY_LOCKED, COUNTER, "smartidd_recoveries_total",             \
      "outcome=\"locked\"", "")                                                \
    X(SID_M_PORTRAITS_VIEWED, COUNTER, "smartidd_portraits_viewed_total", "",  \
      "Portraits shown to clerks")                                             \
    X(SID_M_FACE_MATCH, COUNTER, "smartidd_face_checks_total",                 \
      "outcome=\"match\"",                                                     \
      "Faces compared at counters: by outcome; photos of no use")              \
    X(SID_M_FACE_NO_MATCH, COUNTER, "smartidd_face_checks_total",              \
      "outcome=\"no_match\"", "")                                              \
    X(SID_M_FACE_UNCLEAR, COUNTER, "smartidd_face_checks_total",               \
      "outcome=\"unclear\"", "")                                               \
    X(SID_M_FACE_RETAKE, COUNTER, "smartidd_face_checks_total",                \
      "outcome=\"retake\"", "")                                                \
    X(SID_M_WEBHOOK_SENT, COUNTER, "smartidd_webhook_events_total",            \
      "result=\"taken\"",                                                      \
      "Events that the app's backend has taken, and "                          \
      "requests that it has not")                                              \
    X(SID_M_WEBHOOK_FAILED, COUNTER, "smartidd_webhook_events_total",          \
      "result=\"failed\"", "")                                                 \
    X(SID_M_WEBHOOK_DEAD, GAUGE, "smartidd_webhook_refused", "",               \
      "Events put aside because the app's backend would not take them")        \
    X(SID_M_WEBHOOK_BEHIND, GAUGE, "smartidd_webhook_behind_seconds", "",      \
      "Age of the oldest event that could not be sent yet, when last tried")   \
    X(SID_M_CLOCK_BEHIND, GAUGE, "smartidd_clock_behind_seconds", "",          \
      "By how much the clock is behind a time that was in force already")      \
    X(SID_M_AUTH_REFUSED, COUNTER, "smartidd_auth_refused_total", "",          \
      "Requests refused for their key or role")                                \
    X(SID_M_OVER_QUOTA, COUNTER, "smartidd_over_quota_total", "",              \
      "Requests answered with 429 because their client asked too often")       \
    X(SID_M_AUTH_LIMITED, COUNTER, "smartidd_auth_limited_total", "",          \
      "Wrong keys answered with 429 because their source had shown too many")  \
    X(SID_M_SESSIONS_KEY, COUNTER, "smartidd_sessions_opened_total",           \
      "by=\"key\"", "Sessions opened on the pages")                            \
    X(SID_M_SESSIONS_APPLICANT, COUNTER, "smartidd_sessions_opened_total",     \
      "by=\"applicant\"", "")                                                  \
    X(SID_M_SESSIONS_HOLDER, COUNTER, "smartidd_sessions_opened_total",        \
      "by=\"holder\"", "")                                                     \
    X(SID_M_SESSIONS_VISITOR, COUNTER, "smartidd_sessions_opened_total",       \
      "by=\"visitor\"", "")                                                    \
    X(SID_M_SESSION_CSRF, COUNTER, "smartidd_session_refusals_total",          \
      "reason=\"csrf\"",                                                       \
      "Requests of sessions refused, and of applicants that were too many")    \
    X(SID_M_SESSION_ORIGIN, COUNTER, "smartidd_session_refusals_total",        \
      "reason=\"foreign_origin\"", "")                                         \
    X(SID_M_SESSION_RATE, COUNTER, "smartidd_session_refusals_total",          \
      "reason=\"applicants\"", "")                                             \
    X(SID_M_REFUSALS_UNRECORDED, COUNTER,                                      \
      "smartidd_refusals_unrecorded_total", "",                                \
      "Refusals that the audit log has no row of: too many, or not written")   \
    X(SID_M_KEYS_7D_APP, GAUGE, "smartidd_client_keys_expiring",               \
      "role=\"app\",within=\"7d\"",                                            \
      "Clients' keys that will expire within that time")                       \
    X(SID_M_KEYS_7D_CLERK, GAUGE, "smartidd_client_keys_expiring",             \
      "role=\"clerk\",within=\"7d\"", "")                                      \
    X(SID_M_KEYS_7D_OFFICER, GAUGE, "smartidd_client_keys_expiring",           \
      "role=\"officer\",within=\"7d\"", "")                                    \
    X(SID_M_KEYS_7D_ADMIN, GAUGE, "smartidd_client_keys_expiring",             \
      "role=\"admin\",within=\"7d\"", "")                                      \
    X(SID_M_KEYS_30D_APP, GAUGE, "smartidd_client_keys_expiring",              \
      "role=\"app\",within=\"30d\"", "")                                       \
    X(SID_M_KEYS_30D_CLERK, GAUGE, "smartidd_client_keys_expiring",            \
      "role=\"clerk\",within=\"30d\"", "")                                     \
    X(SID_M_KEYS_30D_OFFICER, GAUGE, "smartidd_client_keys_expiring",          \
      "role=\"officer\",within=\"30d\"", "")                                   \
    X(SID_M_KEYS_30D_ADMIN, GAUGE, "smartidd_client_keys_expiring",            \
      "role=\"admin\",within=\"30d\"", "")                                     \
    X(SID_M_KEYS_EXPIRED_APP, GAUGE, "smartidd_client_keys_expired",           \
      "role=\"app\"", "Clients' keys that have expired and are not revoked")   \
    X(SID_M_KEYS_EXPIRED_CLERK, GAUGE, "smartidd_client_keys_expired",         \
      "role=\"clerk\"", "")                                                    \
    X(SID_M_KEYS_EXPIRED_OFFICER, GAUGE, "smartidd_client_keys_expired",       \
      "role=\"officer\"", "")                                                  \
    X(SID_M_KEYS_EXPIRED_ADMIN, GAUGE, "smartidd_client_keys_expired",         \
      "role=\"admin\"", "")                                                    \
    X(SID_M_WECHAT_PUSH_TAKEN, COUNTER, "smartidd_wechat_pushes_total",        \
      "outcome=\"taken\"", "Pushes of WeChat, by what has become of them")     \
    X(SID_M_WECHAT_PUSH_AGAIN, COUNTER, "smartidd_wechat_pushes_total",        \
      "outcome=\"again\"", "")                                                 \
    X(SID_M_WECHAT_PUSH_REFUSED, COUNTER, "smartidd_wechat_pushes_total",      \
      "outcome=\"refused\"", "")                                               \
    X(SID_M_WECHAT_FETCHED, COUNTER, "smartidd_wechat_calls_total",            \
      "op=\"fetch\",outcome=\"done\"",                                         \
      "Photos fetched from WeChat and messages sent, by what has become of "   \
      "them; unknown: perhaps shown, not sent again")                          \
    X(SID_M_WECHAT_FETCH_LATER, COUNTER, "smartidd_wechat_calls_total",        \
      "op=\"fetch\",outcome=\"later\"", "")                                    \
    X(SID_M_WECHAT_FETCH_FAILED, COUNTER, "smartidd_wechat_calls_total",       \
      "op=\"fetch\",outcome=\"failed\"", "")                                   \
    X(SID_M_WECHAT_SENT, COUNTER, "smartidd_wechat_calls_total",               \
      "op=\"send\",outcome=\"done\"", "")                                      \
    X(SID_M_WECHAT_SEND_LATER, COUNTER, "smartidd_wechat_calls_total",         \
      "op=\"send\",outcome=\"later\"", "")                                     \
    X(SID_M_WECHAT_SEND_FAILED, COUNTER, "smartidd_wechat_calls_total",        \
      "op=\"send\",outcome=\"failed\"", "")                                    \
    X(SID_M_WECHAT_SEND_UNKNOWN, COUNTER, "smartidd_wechat_calls_total",       \
      "op=\"send\",outcome=\"unknown\"", "")                                   \
    X(SID_M_WECHAT_VISIT_KNOWN, COUNTER, "smartidd_wechat_visits_total",       \
      "end=\"known\"", "Ways out of a chat onto a page, by how they ended")    \
    X(SID_M_WECHAT_VISIT_AGAIN, COUNTER, "smartidd_wechat_visits_total",       \
      "end=\"again\"", "")                                                     \
    X(SID_M_WECHAT_VISIT_SNAPSHOT, COUNTER, "smartidd_wechat_visits_total",    \
      "end=\"snapshot\"", "")                                                  \
    X(SID_M_WECHAT_VISIT_DOWN, COUNTER, "smartidd_wechat_visits_total",        \
      "end=\"down\"", "")                                                      \
    X(SID_M_WECHAT_OUTBOX, GAUGE, "smartidd_wechat_outbox", "",                \
      "Photos to be fetched and messages to be sent")                          \
    X(SID_M_WECHAT_PAUSED, GAUGE, "smartidd_wechat_accounts_paused", "",       \
      "Accounts whose calls pause because WeChat has failed too often")

enum sid_metric {
#define SID_METRIC_ENUM(sym, kind, name, labels, help) sym,
    SID_METRIC_MAP(SID_METRIC_ENUM)
#undef SID_METRIC_ENUM
        SID_METRIC_COUNT
};

/* X(symbol, name, help): histograms in seconds; buckets in metrics.c. */
#define SID_HISTOGRAM_MAP(X)                                                   \
    X(SID_H_HTTP, "smartidd_http_request_seconds",                             \
      "Time from the first byte of a request to its answer being queued")      \
    X(SID_H_VERIFY, "smartidd_verification_seconds",                           \
      "Time a verification spends from its body to its answer")                \
    X(SID_H_ENROL_WORK, "smartidd_enrolment_work_seconds",                     \
      "Time a face worker spends on one enrolment")                            \
    X(SID_H_COMMIT, "smartidd_store_commit_seconds",                           \
      "Time of one commit, sync included")

enum sid_histogram {
#define SID_HISTOGRAM_ENUM(sym, name, help) sym,
    SID_HISTOGRAM_MAP(SID_HISTOGRAM_ENUM)
#undef SID_HISTOGRAM_ENUM
        SID_HISTOGRAM_COUNT
};

void sid_metric_add(enum sid_metric metric, int64_t by);
void sid_metric_set(enum sid_metric metric, int64_t to);
int64_t sid_metric_get(enum sid_metric metric);
void sid_histogram_observe_us(enum sid_histogram histogram, int64_t micros);

/* How many values were observed, and the upper end of the bucket (microseconds)
 * that the value at that part of them (thousandths) lies in; above the last
 * bucket: that one's end. 0 when there are none. */
int64_t sid_histogram_count(enum sid_histogram histogram);
int64_t sid_histogram_quantile_us(enum sid_histogram histogram, int permille);

/* Appends the whole exposition, process_* metrics (CPU, RSS, fds, start time)
 * and smartidd_build_info included. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_metrics_write(struct sid_buf *out);

#endif
