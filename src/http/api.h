/* api.h: the handlers behind the route table. Each file api_*.c turns bodies
 * into flows and flows into answers; the rules are in app and core. */
#ifndef SMARTID_HTTP_API_H
#define SMARTID_HTTP_API_H

#include "route.h"

extern const struct sid_handler sid_api_session_open, sid_api_session_get,
    sid_api_session_close;
extern const struct sid_handler sid_api_visit_enter, sid_api_visit_back,
    sid_api_jssdk, sid_api_domain, sid_api_wechat_clerk;
extern const struct sid_handler sid_api_page, sid_api_page_root;
extern const struct sid_handler sid_api_healthz, sid_api_readyz,
    sid_api_metrics, sid_api_version, sid_api_offline_keys;
extern const struct sid_handler sid_api_wechat_echo, sid_api_wechat_push;
extern const struct sid_handler sid_api_challenge_make;
extern const struct sid_handler sid_api_enrol_submit, sid_api_enrol_get,
    sid_api_enrol_appeal, sid_api_enrol_erase;
extern const struct sid_handler sid_api_enrol_list, sid_api_enrol_decide,
    sid_api_enrol_photo;
extern const struct sid_handler sid_api_credential_get, sid_api_credential_code,
    sid_api_credential_suspend, sid_api_credential_resume,
    sid_api_credential_revoke, sid_api_credential_recover,
    sid_api_credential_upgrade, sid_api_credential_issue;
extern const struct sid_handler sid_api_recovery, sid_api_credential_search,
    sid_api_overview, sid_api_audit, sid_api_misuse;
extern const struct sid_handler sid_api_counter_enrol;
extern const struct sid_handler sid_api_verify, sid_api_verify_batch,
    sid_api_portrait, sid_api_face;
extern const struct sid_handler sid_api_checks, sid_api_dispute,
    sid_api_dispute_list, sid_api_dispute_settle;
extern const struct sid_handler sid_api_key_list, sid_api_key_rotate,
    sid_api_master_change;
extern const struct sid_handler sid_api_retention, sid_api_audit_archive;
extern const struct sid_handler sid_api_webhook_look, sid_api_webhook_replay;
extern const struct sid_handler sid_api_client_add, sid_api_client_list,
    sid_api_client_revoke;

/* Whether {account} is one that has pages, on the open port. Errors:
 * SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_api_visit_check(struct sid_request *req);
/* The page that the parameter of this name, the only one, names: "card",
 * "enroll" or "scan" (static), and into req->session.page. Errors:
 * SID_E_FIELD_MISSING, SID_E_FIELD_INVALID, SID_E_FIELD_UNKNOWN. */
SID_FALLIBLE enum sid_err sid_api_visit_page(struct sid_request *req,
                                             const char *name,
                                             const char **page);
/* Sets a cookie of the whole site that scripts cannot read. All borrowed. */
struct sid_api_cookie {
    const char *name, *name_tls;
    const char *same_site; /* "Strict" | "Lax" */
    const char *value;
    int64_t life_s;
};
void sid_api_set_cookie(struct sid_request *req,
                        const struct sid_api_cookie *cookie);
/* Begins req->session as it is, for its whole life; its cookie is set and,
 * wiped by the caller, handed out. Errors: those of sid_session_open(). */
SID_FALLIBLE enum sid_err
sid_api_begin_session(struct sid_request *req,
                      char cookie[SID_SESSION_COOKIE_SIZE]);
/* Takes the parts of a multipart body that enrolment and appeal share, and
 * frees it. photo: SID_PHOTO_KINDS empty buffers. Errors: SID_E_FIELD_INVALID,
 * SID_E_CHALLENGE_REQUIRED. */
SID_FALLIBLE enum sid_err sid_api_take_photos(struct sid_request *req,
                                              struct sid_buf *photo,
                                              char challenge_id[SID_ID_SIZE]);
/* Takes a place in the queue; before the body. */
SID_FALLIBLE enum sid_err sid_api_take_place(struct sid_request *req);
/* Success, Location and Retry-After of an enrolment that was sent in. */
void sid_api_answer_sent(struct sid_request *req,
                         const struct sid_enrolment *enrolment);
/* The Idempotency-Key, if there is one. Errors: SID_E_FIELD_INVALID … */
SID_FALLIBLE enum sid_err sid_api_check_retry(struct sid_request *req);
/* The answer to an enrolment in req->u.submit. */
SID_FALLIBLE enum sid_err sid_api_write_submitted(struct sid_request *req,
                                                  bool for_officer);
/* Of req->u.change: what all changes of a credential have in common. */
void sid_api_change_start(struct sid_request *req);
SID_FALLIBLE enum sid_err sid_api_change_finish(struct sid_request *req);
void sid_api_change_fini(struct sid_request *req);
/* Writes reasons as a member. */
void sid_api_write_reasons(struct sid_json *json,
                           const struct sid_reasons *reasons, bool for_officer);
/* Writes an enrolment as members of the object that is open. An officer's
 * reason that does not open is the writer's failure (json->err). */
void sid_api_write_enrolment(struct sid_json *json,
                             const struct sid_request *req,
                             const struct sid_enrolment *enrolment,
                             bool for_officer);
/* A body that is none or the empty object. Errors: SID_E_BAD_JSON,
 * SID_E_FIELD_UNKNOWN, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_api_nothing(struct sid_request *req);
/* Writes a credential as members of the object that is open; state: as of now.
 */
void sid_api_write_credential(struct sid_json *json,
                              const struct sid_request *req,
                              const struct sid_credential *credential,
                              enum sid_credential_state state);
/* The fields that the type adds, as an object with this name; type NULL: none.
 */
void sid_api_write_details(struct sid_json *json, const char *name,
                           const struct sid_credential_type *type,
                           const struct sid_details *details);
/* Takes a code, which may be anything: what is no code is answered as not
 * valid. */
void sid_api_take_code(const char *value, size_t value_len,
                       struct sid_verify *verify);
/* The purpose of that name. Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_api_find_purpose(const struct sid_caller *caller,
                                               const char *name,
                                               const struct sid_purpose **out,
                                               struct sid_field *field);
/* Whether the purpose takes a check at this counter ("": not stated). Errors:
 * SID_E_FIELD_MISSING. */
SID_FALLIBLE enum sid_err
sid_api_judge_counter(const struct sid_caller *caller,
                      const struct sid_purpose *purpose, const char *counter,
                      struct sid_field *field);
/* What the answer to one check with all attributes needs. */
#define SID_API_CHECK_BYTES 768
/* Writes that answer as members of the object that is open. */
void sid_api_write_check(struct sid_json *json,
                         const struct sid_verify *verify);
/* Prefer: wait, capped by the settings, becomes req->wait_s and
 * Preference-Applied. */
void sid_api_grant_wait(struct sid_request *req);
/* The monotonic time until which to wait, or 0. */
int64_t sid_api_wait_until_us(const struct sid_request *req);

#endif
