/* store_sqlite_wechat.h: the operations of store_sqlite_wechat.c, for the table
 * in store_sqlite.c. Private to src/store; used by the thread that owns the
 * store. */
#ifndef SID_STORE_SQLITE_WECHAT_H
#define SID_STORE_SQLITE_WECHAT_H

#include "store_sqlite.h"

enum sid_err sid_sqlite_contact_put(struct sid_back *back,
                                    const struct sid_wechat_contact *contact);
enum sid_err sid_sqlite_contact_find(struct sid_back *back,
                                     const uint8_t person[SID_SHA256_BYTES],
                                     struct sid_wechat_contact *out);
enum sid_err sid_sqlite_contact_get(struct sid_back *back, const char *id,
                                    struct sid_wechat_contact *out);
enum sid_err
sid_sqlite_contact_change(struct sid_back *back,
                          const struct sid_wechat_contact *contact);
enum sid_err sid_sqlite_contact_of(
    struct sid_back *back, const char *enrolment_id,
    enum sid_err (*each)(const struct sid_wechat_contact *, void *), void *ctx);
enum sid_err sid_sqlite_contact_delete(struct sid_back *back, const char *id);
enum sid_err sid_sqlite_contact_stale(struct sid_back *back, int64_t before_s,
                                      char id[SID_ID_SIZE]);
enum sid_err sid_sqlite_contact_unbind_client(struct sid_back *back,
                                              const char *client_id);
enum sid_err sid_sqlite_chat_put(struct sid_back *back,
                                 const struct sid_wechat_chat *chat);
enum sid_err sid_sqlite_chat_get(struct sid_back *back, const char *contact_id,
                                 struct sid_wechat_chat *out);
enum sid_err sid_sqlite_chat_delete(struct sid_back *back,
                                    const char *contact_id);
enum sid_err sid_sqlite_chat_stale(struct sid_back *back, int64_t before_s,
                                   char contact_id[SID_ID_SIZE]);
enum sid_err sid_sqlite_chat_photo_put(struct sid_back *back,
                                       const char *contact_id,
                                       enum sid_photo_kind kind,
                                       struct sid_span sealed);
enum sid_err sid_sqlite_chat_photo_get(struct sid_back *back,
                                       const char *contact_id,
                                       enum sid_photo_kind kind,
                                       struct sid_buf *out);
enum sid_err sid_sqlite_push_put(struct sid_back *back,
                                 const uint8_t push[SID_SHA256_BYTES],
                                 const struct sid_wechat_seen *seen);
enum sid_err sid_sqlite_push_get(struct sid_back *back,
                                 const uint8_t push[SID_SHA256_BYTES],
                                 struct sid_wechat_seen *out);
enum sid_err sid_sqlite_push_purge(struct sid_back *back, int64_t before_s);
enum sid_err sid_sqlite_errand_put(struct sid_back *back,
                                   const struct sid_errand *errand);
enum sid_err sid_sqlite_errand_take(struct sid_back *back, const char *account,
                                    int64_t now_s, struct sid_errand *out);
enum sid_err sid_sqlite_errand_back(struct sid_back *back, int64_t seq,
                                    int64_t due_at_s);
enum sid_err sid_sqlite_errand_end(struct sid_back *back, int64_t seq);
enum sid_err sid_sqlite_errand_delete_all(struct sid_back *back,
                                          const char *contact_id,
                                          bool fetches_only);
enum sid_err sid_sqlite_errand_recover(struct sid_back *back, int64_t *lost);
enum sid_err sid_sqlite_errand_count(struct sid_back *back, int64_t *out);

#endif
