/* store_sql_ops.h: the operations of every back end that speaks SQL, and their
 * place in the table of operations. Private to src/store; used by the thread
 * that owns the store. */
#ifndef SID_STORE_SQL_OPS_H
#define SID_STORE_SQL_OPS_H

#include "store_sql.h"

/* ---- the operations, by subject ---------------------------------------- */

/* store_sql_audit.c */
enum sid_err sid_sql_audit_head(struct sid_back *back, int slot, int64_t *seq,
                                int64_t *at_us, uint8_t mac[SID_SHA256_BYTES]);
enum sid_err sid_sql_audit_append(struct sid_back *back,
                                  const struct sid_audit_row *row,
                                  const uint8_t mac[SID_SHA256_BYTES]);
enum sid_err sid_sql_audit_scan(struct sid_back *back, int64_t after_seq,
                                int64_t last_seq, int64_t limit,
                                sid_audit_each_fn *each, void *ctx);
enum sid_err sid_sql_audit_prune(struct sid_back *back, int64_t last_seq);
enum sid_err sid_sql_anchor_get(struct sid_back *back, int slot,
                                struct sid_back_anchor *out);
enum sid_err sid_sql_anchor_put(struct sid_back *back,
                                const struct sid_back_anchor *anchor);
/* store_sql_key.c */
enum sid_err sid_sql_key_put(struct sid_back *back,
                             const struct sid_wrapped_key *key);
enum sid_err
sid_sql_key_each(struct sid_back *back,
                 enum sid_err (*each)(const struct sid_wrapped_key *, void *),
                 void *ctx);
enum sid_err sid_sql_key_rewrap(struct sid_back *back,
                                const struct sid_wrapped_key *key);
enum sid_err sid_sql_key_retire(struct sid_back *back, enum sid_key_use use,
                                int version, int64_t now_s);
enum sid_err sid_sql_subject_put(struct sid_back *back, const char *subject,
                                 const struct sid_subject_key *key);
enum sid_err sid_sql_subject_rewrap(struct sid_back *back, const char *subject,
                                    const struct sid_subject_key *key);
enum sid_err sid_sql_subject_get(struct sid_back *back, const char *subject,
                                 struct sid_subject_key *out);
enum sid_err sid_sql_subject_stale(struct sid_back *back, int data_version,
                                   int template_version, int limit,
                                   enum sid_err (*each)(const char *, void *),
                                   void *ctx);
enum sid_err sid_sql_subject_count_stale(struct sid_back *back,
                                         int data_version, int template_version,
                                         int64_t *out);
enum sid_err sid_sql_subject_forget(struct sid_back *back, const char *subject);
/* store_sql_client.c */
enum sid_err sid_sql_client_put(struct sid_back *back,
                                const struct sid_client *client);
enum sid_err sid_sql_client_revoke(struct sid_back *back, const char *id,
                                   int64_t now_s);
enum sid_err sid_sql_client_each(struct sid_back *back,
                                 enum sid_err (*each)(const struct sid_client *,
                                                      void *),
                                 void *ctx);
/* store_sql_purposes.c */
enum sid_err sid_sql_purposes_last(struct sid_back *back, int64_t after_seq,
                                   int64_t *seq, struct sid_buf *said);
enum sid_err sid_sql_purposes_had(struct sid_back *back,
                                  const uint8_t sha256[SID_SHA256_BYTES],
                                  bool *out);
enum sid_err sid_sql_purposes_put(struct sid_back *back,
                                  const struct sid_back_purposes *set);
/* store_sql_enrol.c */
enum sid_err sid_sql_enrol_insert(struct sid_back *back,
                                  const struct sid_enrolment *enrolment);
enum sid_err sid_sql_enrol_get(struct sid_back *back, const char *id,
                               struct sid_enrolment *out);
enum sid_err sid_sql_enrol_begin_work(struct sid_back *back, const char *id,
                                      int64_t now_s, int *attempts);
enum sid_err sid_sql_enrol_decide(struct sid_back *back,
                                  const struct sid_enrolment *enrolment,
                                  enum sid_enrol_state expected);
enum sid_err sid_sql_enrol_first(struct sid_back *back,
                                 const struct sid_enrolment *enrolment);
enum sid_err sid_sql_enrol_appeal(struct sid_back *back,
                                  const struct sid_enrolment *enrolment);
enum sid_err sid_sql_enrol_recovery(struct sid_back *back,
                                    const struct sid_enrolment *enrolment);
enum sid_err
sid_sql_enrol_list(struct sid_back *back, enum sid_enrol_state state,
                   enum sid_waiting waiting, const char *after, int limit,
                   enum sid_err (*each)(const struct sid_enrolment *, void *),
                   void *ctx);
enum sid_err sid_sql_enrol_unfinished(struct sid_back *back,
                                      enum sid_err (*each)(const char *, int,
                                                           void *),
                                      void *ctx);
/* store_sql_photo.c: photos and idempotency keys */
enum sid_err sid_sql_client_mark(struct sid_back *back,
                                 struct sid_client_mark *out);
enum sid_err sid_sql_enrol_orphans(struct sid_back *back, int64_t before_us,
                                   bool *out);
enum sid_err sid_sql_enrol_take_over(struct sid_back *back, int64_t before_us,
                                     enum sid_err (*each)(const char *, int,
                                                          void *),
                                     void *ctx);
enum sid_err sid_sql_photo_put(struct sid_back *back, const char *enrolment_id,
                               enum sid_photo_kind kind, struct sid_span sealed,
                               const char *blob);
enum sid_err sid_sql_photo_get(struct sid_back *back, const char *enrolment_id,
                               enum sid_photo_kind kind, struct sid_buf *out,
                               char blob[SID_ID_SIZE]);
enum sid_err sid_sql_photo_delete_all(struct sid_back *back,
                                      const char *enrolment_id);
enum sid_err sid_sql_photo_count(struct sid_back *back, int64_t *out);
enum sid_err sid_sql_photo_blob(struct sid_back *back, const char *enrolment_id,
                                char out[SID_ID_SIZE]);
enum sid_err sid_sql_photo_blob_count(struct sid_back *back, const char *blob,
                                      int64_t *out);
enum sid_err sid_sql_idempotency_get(struct sid_back *back,
                                     const char *client_id, const char *key,
                                     struct sid_idempotency *out);
enum sid_err sid_sql_idempotency_put(struct sid_back *back,
                                     const struct sid_idempotency *row);
enum sid_err sid_sql_idempotency_purge(struct sid_back *back, int64_t before_s);
/* store_sql_attempt.c */
enum sid_err sid_sql_attempt_put(struct sid_back *back,
                                 const char *enrolment_id,
                                 const uint8_t person[SID_SHA256_BYTES],
                                 int64_t made_at_s);
enum sid_err sid_sql_attempt_get(struct sid_back *back,
                                 const uint8_t person[SID_SHA256_BYTES],
                                 int64_t after_s, int nth, char id[SID_ID_SIZE],
                                 int64_t *made_at_s);
enum sid_err sid_sql_attempt_purge(struct sid_back *back, int64_t before_s,
                                   int64_t after_s);
/* store_sql_challenge.c */
enum sid_err sid_sql_challenge_put(struct sid_back *back,
                                   const struct sid_challenge *challenge);
enum sid_err sid_sql_challenge_get(struct sid_back *back, const char *id,
                                   struct sid_challenge *out);
enum sid_err sid_sql_challenge_use(struct sid_back *back, const char *id,
                                   const char *enrolment_id);
enum sid_err sid_sql_challenge_purge(struct sid_back *back, int64_t before_s);
/* store_sql_webhook.c */
enum sid_err sid_sql_webhook_place(struct sid_back *back, int slot,
                                   int64_t *seq);
enum sid_err sid_sql_webhook_told(struct sid_back *back, int64_t seq);
enum sid_err sid_sql_webhook_bury(struct sid_back *back,
                                  const struct sid_dead_event *event);
enum sid_err sid_sql_webhook_dead_each(
    struct sid_back *back, bool again, int64_t after_seq, int limit,
    enum sid_err (*each)(const struct sid_dead_event *, void *), void *ctx);
enum sid_err sid_sql_webhook_dead_count(struct sid_back *back, int64_t *out);
enum sid_err sid_sql_webhook_again(struct sid_back *back, int64_t seq);
enum sid_err sid_sql_webhook_exhume(struct sid_back *back, int64_t seq);
enum sid_err
sid_sql_expiring_each(struct sid_back *back, int64_t before_s, int limit,
                      enum sid_err (*each)(const char *, int64_t, void *),
                      void *ctx);
/* store_sql_template.c */
enum sid_err sid_sql_template_put(struct sid_back *back,
                                  const char *enrolment_id,
                                  struct sid_span sealed, int *change);
enum sid_err sid_sql_template_get(struct sid_back *back,
                                  const char *enrolment_id,
                                  struct sid_buf *out);
enum sid_err sid_sql_template_delete(struct sid_back *back,
                                     const char *enrolment_id, int *change);
enum sid_err sid_sql_template_count(struct sid_back *back, int slot,
                                    int64_t *own, int64_t *others);
enum sid_err sid_sql_template_tally(struct sid_back *back, int slot,
                                    int64_t count);
/* store_sql_portrait.c */
enum sid_err sid_sql_portrait_put(struct sid_back *back,
                                  const char *enrolment_id,
                                  struct sid_span sealed);
enum sid_err sid_sql_portrait_get(struct sid_back *back,
                                  const char *enrolment_id,
                                  struct sid_buf *out);
enum sid_err sid_sql_portrait_has(struct sid_back *back,
                                  const char *enrolment_id, bool *out);
enum sid_err sid_sql_portrait_delete(struct sid_back *back,
                                     const char *enrolment_id);
/* store_sql_erase.c */
enum sid_err sid_sql_live_use(struct sid_back *back,
                              const struct sid_token *token, bool *used);
enum sid_err sid_sql_live_purge(struct sid_back *back, int64_t before_s);
enum sid_err sid_sql_check_list(struct sid_back *back,
                                const char *credential_id, int64_t before_seq,
                                int limit, sid_check_each_fn *each, void *ctx);
enum sid_err sid_sql_check_find(struct sid_back *back,
                                const char *credential_id,
                                const char *verification_id, int64_t *seq);
enum sid_err sid_sql_dispute_put(struct sid_back *back,
                                 const struct sid_dispute *d);
enum sid_err sid_sql_dispute_get(struct sid_back *back, const char *id,
                                 struct sid_dispute *out);
enum sid_err
sid_sql_dispute_list(struct sid_back *back, enum sid_dispute_outcome outcome,
                     const char *after, int limit,
                     enum sid_err (*each)(struct sid_dispute *take, void *ctx),
                     void *ctx);
enum sid_err sid_sql_dispute_settle(struct sid_back *back,
                                    const struct sid_dispute *d);
enum sid_err sid_sql_dispute_forget(struct sid_back *back,
                                    const char *enrolment_id);
enum sid_err sid_sql_idempotency_forget(struct sid_back *back,
                                        const char *enrolment_id);
enum sid_err sid_sql_credentials_erase(struct sid_back *back,
                                       const char *enrolment_id, bool *deleted);
enum sid_err sid_sql_enrol_delete(struct sid_back *back, const char *id,
                                  bool *deleted);
enum sid_err sid_sql_erasure_put(struct sid_back *back,
                                 const struct sid_erasure *erasure);
enum sid_err
sid_sql_retention_each(struct sid_back *back, enum sid_retention_rule rule,
                       int64_t before_s, int limit,
                       enum sid_err (*each)(const char *, const char *, void *),
                       void *ctx);
enum sid_err sid_sql_retention_count(struct sid_back *back,
                                     enum sid_retention_rule rule,
                                     int64_t before_s, int64_t *due,
                                     int64_t *oldest_s);
enum sid_err sid_sql_retention_ran(struct sid_back *back,
                                   enum sid_retention_rule rule, int64_t now_s);
enum sid_err sid_sql_retention_last(struct sid_back *back,
                                    enum sid_retention_rule rule,
                                    int64_t *ran_at_s);
/* store_sql_credential.c */
enum sid_err sid_sql_credential_insert(struct sid_back *back,
                                       const struct sid_credential *credential,
                                       uint64_t *serial);
enum sid_err sid_sql_credential_get(struct sid_back *back, const char *id,
                                    struct sid_credential *out);
enum sid_err sid_sql_credential_by_serial(struct sid_back *back,
                                          uint64_t serial,
                                          struct sid_credential *out);
enum sid_err
sid_sql_credential_standing(struct sid_back *back,
                            const uint8_t id_index[SID_SHA256_BYTES],
                            const char *type, struct sid_credential *out);
enum sid_err sid_sql_credential_change(struct sid_back *back,
                                       const struct sid_credential *credential);
enum sid_err sid_sql_credential_next(struct sid_back *back,
                                     const char *enrolment_id,
                                     uint64_t after_serial,
                                     struct sid_credential *out);
enum sid_err sid_sql_serial_retire(struct sid_back *back, uint64_t serial);
enum sid_err sid_sql_dead_serial(struct sid_back *back, uint64_t serial,
                                 char credential_id[SID_ID_SIZE],
                                 enum sid_dead_serial *why);

/* ---- store_sql_overview.c --------------------------------------------- */
SID_FALLIBLE enum sid_err sid_sql_overview(struct sid_back *back,
                                           int64_t since_s,
                                           struct sid_store_overview *out);
SID_FALLIBLE enum sid_err sid_sql_photo_kinds(struct sid_back *back,
                                              const char *enrolment_id,
                                              unsigned *out);
SID_FALLIBLE enum sid_err
sid_sql_enrol_earlier(struct sid_back *back,
                      const uint8_t id_index[SID_SHA256_BYTES], const char *id,
                      int limit, struct sid_earlier *out, int *count);
SID_FALLIBLE enum sid_err
sid_sql_reasons_each(struct sid_back *back, enum sid_enrol_state state,
                     int64_t since_s, int limit,
                     enum sid_err (*each)(const struct sid_reasons *, void *),
                     void *ctx);
/* store_sql_wechat.c */
enum sid_err sid_sql_contact_put(struct sid_back *back,
                                 const struct sid_wechat_contact *contact);
enum sid_err sid_sql_contact_find(struct sid_back *back,
                                  const uint8_t person[SID_SHA256_BYTES],
                                  struct sid_wechat_contact *out);
enum sid_err sid_sql_contact_get(struct sid_back *back, const char *id,
                                 struct sid_wechat_contact *out);
enum sid_err sid_sql_contact_change(struct sid_back *back,
                                    const struct sid_wechat_contact *contact);
enum sid_err sid_sql_contact_of(
    struct sid_back *back, const char *enrolment_id,
    enum sid_err (*each)(const struct sid_wechat_contact *, void *), void *ctx);
enum sid_err sid_sql_contact_delete(struct sid_back *back, const char *id);
enum sid_err sid_sql_contact_stale(struct sid_back *back, int64_t before_s,
                                   char id[SID_ID_SIZE]);
enum sid_err sid_sql_contact_unbind_client(struct sid_back *back,
                                           const char *client_id);
enum sid_err sid_sql_chat_put(struct sid_back *back,
                              const struct sid_wechat_chat *chat);
enum sid_err sid_sql_chat_get(struct sid_back *back, const char *contact_id,
                              struct sid_wechat_chat *out);
enum sid_err sid_sql_chat_delete(struct sid_back *back, const char *contact_id);
enum sid_err sid_sql_chat_stale(struct sid_back *back, int64_t before_s,
                                char contact_id[SID_ID_SIZE]);
enum sid_err sid_sql_chat_photo_put(struct sid_back *back,
                                    const char *contact_id,
                                    enum sid_photo_kind kind,
                                    struct sid_span sealed);
enum sid_err sid_sql_chat_photo_get(struct sid_back *back,
                                    const char *contact_id,
                                    enum sid_photo_kind kind,
                                    struct sid_buf *out);
enum sid_err sid_sql_push_put(struct sid_back *back,
                              const uint8_t push[SID_SHA256_BYTES],
                              const struct sid_wechat_seen *seen);
enum sid_err sid_sql_push_get(struct sid_back *back,
                              const uint8_t push[SID_SHA256_BYTES],
                              struct sid_wechat_seen *out);
enum sid_err sid_sql_push_purge(struct sid_back *back, int64_t before_s);
enum sid_err sid_sql_errand_put(struct sid_back *back,
                                const struct sid_errand *errand);
enum sid_err sid_sql_errand_take(struct sid_back *back, const char *account,
                                 int64_t now_s, struct sid_errand *out);
enum sid_err sid_sql_errand_back(struct sid_back *back, int64_t seq,
                                 int64_t due_at_s);
enum sid_err sid_sql_errand_end(struct sid_back *back, int64_t seq);
enum sid_err sid_sql_errand_delete_all(struct sid_back *back,
                                       const char *contact_id,
                                       bool fetches_only);
enum sid_err sid_sql_errand_recover(struct sid_back *back, int64_t *lost);
enum sid_err sid_sql_errand_count(struct sid_back *back, int64_t *out);

/* For the initialiser of a struct sid_back_ops. */
#define SID_SQL_OPS                                                            \
    .audit_head = sid_sql_audit_head, .audit_append = sid_sql_audit_append,    \
    .audit_scan = sid_sql_audit_scan, .audit_prune = sid_sql_audit_prune,      \
    .anchor_get = sid_sql_anchor_get, .anchor_put = sid_sql_anchor_put,        \
    .key_put = sid_sql_key_put, .key_each = sid_sql_key_each,                  \
    .key_rewrap = sid_sql_key_rewrap, .key_retire = sid_sql_key_retire,        \
    .subject_put = sid_sql_subject_put,                                        \
    .subject_rewrap = sid_sql_subject_rewrap,                                  \
    .subject_get = sid_sql_subject_get,                                        \
    .subject_stale = sid_sql_subject_stale,                                    \
    .subject_count_stale = sid_sql_subject_count_stale,                        \
    .subject_forget = sid_sql_subject_forget,                                  \
    .client_put = sid_sql_client_put, .client_revoke = sid_sql_client_revoke,  \
    .client_mark = sid_sql_client_mark, .client_each = sid_sql_client_each,    \
    .purposes_last = sid_sql_purposes_last,                                    \
    .purposes_had = sid_sql_purposes_had,                                      \
    .purposes_put = sid_sql_purposes_put,                                      \
    .enrol_insert = sid_sql_enrol_insert, .enrol_get = sid_sql_enrol_get,      \
    .enrol_begin_work = sid_sql_enrol_begin_work,                              \
    .enrol_decide = sid_sql_enrol_decide, .enrol_first = sid_sql_enrol_first,  \
    .enrol_appeal = sid_sql_enrol_appeal,                                      \
    .enrol_recovery = sid_sql_enrol_recovery,                                  \
    .attempt_put = sid_sql_attempt_put, .attempt_get = sid_sql_attempt_get,    \
    .attempt_purge = sid_sql_attempt_purge, .enrol_list = sid_sql_enrol_list,  \
    .enrol_unfinished = sid_sql_enrol_unfinished,                              \
    .photo_put = sid_sql_photo_put, .photo_get = sid_sql_photo_get,            \
    .photo_delete_all = sid_sql_photo_delete_all,                              \
    .photo_count = sid_sql_photo_count, .photo_blob = sid_sql_photo_blob,      \
    .photo_blob_count = sid_sql_photo_blob_count,                              \
    .challenge_put = sid_sql_challenge_put,                                    \
    .challenge_get = sid_sql_challenge_get,                                    \
    .challenge_use = sid_sql_challenge_use,                                    \
    .challenge_purge = sid_sql_challenge_purge,                                \
    .webhook_place = sid_sql_webhook_place,                                    \
    .webhook_told = sid_sql_webhook_told,                                      \
    .webhook_bury = sid_sql_webhook_bury,                                      \
    .webhook_dead_each = sid_sql_webhook_dead_each,                            \
    .webhook_dead_count = sid_sql_webhook_dead_count,                          \
    .webhook_again = sid_sql_webhook_again,                                    \
    .webhook_exhume = sid_sql_webhook_exhume,                                  \
    .expiring_each = sid_sql_expiring_each,                                    \
    .template_put = sid_sql_template_put,                                      \
    .template_get = sid_sql_template_get,                                      \
    .template_delete = sid_sql_template_delete,                                \
    .template_count = sid_sql_template_count,                                  \
    .template_tally = sid_sql_template_tally,                                  \
    .portrait_put = sid_sql_portrait_put,                                      \
    .portrait_get = sid_sql_portrait_get,                                      \
    .portrait_has = sid_sql_portrait_has,                                      \
    .portrait_delete = sid_sql_portrait_delete,                                \
    .idempotency_get = sid_sql_idempotency_get,                                \
    .idempotency_put = sid_sql_idempotency_put,                                \
    .idempotency_purge = sid_sql_idempotency_purge,                            \
    .credential_insert = sid_sql_credential_insert,                            \
    .credential_get = sid_sql_credential_get,                                  \
    .credential_by_serial = sid_sql_credential_by_serial,                      \
    .credential_standing = sid_sql_credential_standing,                        \
    .credential_change = sid_sql_credential_change,                            \
    .live_use = sid_sql_live_use, .live_purge = sid_sql_live_purge,            \
    .check_list = sid_sql_check_list, .check_find = sid_sql_check_find,        \
    .contact_put = sid_sql_contact_put, .contact_find = sid_sql_contact_find,  \
    .contact_get = sid_sql_contact_get,                                        \
    .contact_change = sid_sql_contact_change,                                  \
    .contact_of = sid_sql_contact_of,                                          \
    .contact_delete = sid_sql_contact_delete,                                  \
    .contact_stale = sid_sql_contact_stale,                                    \
    .contact_unbind_client = sid_sql_contact_unbind_client,                    \
    .chat_put = sid_sql_chat_put, .chat_get = sid_sql_chat_get,                \
    .chat_delete = sid_sql_chat_delete, .chat_stale = sid_sql_chat_stale,      \
    .chat_photo_put = sid_sql_chat_photo_put,                                  \
    .chat_photo_get = sid_sql_chat_photo_get, .push_put = sid_sql_push_put,    \
    .push_get = sid_sql_push_get, .push_purge = sid_sql_push_purge,            \
    .errand_put = sid_sql_errand_put, .errand_take = sid_sql_errand_take,      \
    .errand_back = sid_sql_errand_back, .errand_end = sid_sql_errand_end,      \
    .errand_delete_all = sid_sql_errand_delete_all,                            \
    .errand_recover = sid_sql_errand_recover,                                  \
    .errand_count = sid_sql_errand_count, .dispute_put = sid_sql_dispute_put,  \
    .dispute_get = sid_sql_dispute_get, .dispute_list = sid_sql_dispute_list,  \
    .dispute_settle = sid_sql_dispute_settle, .overview = sid_sql_overview,    \
    .reasons_each = sid_sql_reasons_each, .photo_kinds = sid_sql_photo_kinds,  \
    .enrol_earlier = sid_sql_enrol_earlier,                                    \
    .dispute_forget = sid_sql_dispute_forget,                                  \
    .credential_next = sid_sql_credential_next,                                \
    .serial_retire = sid_sql_serial_retire,                                    \
    .dead_serial = sid_sql_dead_serial,                                        \
    .idempotency_forget = sid_sql_idempotency_forget,                          \
    .credentials_erase = sid_sql_credentials_erase,                            \
    .enrol_delete = sid_sql_enrol_delete, .erasure_put = sid_sql_erasure_put,  \
    .retention_each = sid_sql_retention_each,                                  \
    .retention_count = sid_sql_retention_count,                                \
    .retention_ran = sid_sql_retention_ran,                                    \
    .retention_last = sid_sql_retention_last

#endif
