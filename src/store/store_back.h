/* store_back.h: the seam between the front (store.c) and a back end.
 *
 * The front keeps what every back end must do alike: the state of the
 * transaction, the audit chain, which decision deletes photos. A back end keeps
 * rows. Private to src/store; used by the thread that owns the store. */
#ifndef SID_STORE_BACK_H
#define SID_STORE_BACK_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/dispute.h"
#include "smartid/overview.h"
#include "smartid/store.h"
#include "smartid/store_slot.h"
#include "smartid/store_wechat.h"

struct sid_back;

/* Where the log begins when its oldest rows are gone. */
struct sid_back_anchor {
    int64_t seq;
    uint8_t mac[SID_SHA256_BYTES];
    uint8_t seal[SID_SHA256_BYTES];
};

/* A set of purposes; the text is borrowed. */
struct sid_back_purposes {
    int64_t seq;
    uint8_t sha256[SID_SHA256_BYTES];
    const char *said;
    int64_t since_us;
    int slot;
};

enum sid_back_checkpoint {
    SID_BACK_CHECKPOINT_IF_DUE, /* the log has grown; keep its file for reuse */
    SID_BACK_CHECKPOINT_ALL,    /* leave nothing behind in the log */
};

/* The contracts are those of the functions of the same name in store.h. After
 * an error that has made the engine drop the transaction, every function gives
 * that error until rollback or a (failing) commit. */
struct sid_back_ops {
    void (*close)(struct sid_back **back);
    bool (*broken)(const struct sid_back *back);

    enum sid_err (*begin)(struct sid_back *back, bool read_only);
    enum sid_err (*commit)(struct sid_back *back);
    void (*rollback)(struct sid_back *back);
    enum sid_err (*savepoint)(struct sid_back *back);
    enum sid_err (*savepoint_release)(struct sid_back *back);
    void (*savepoint_undo)(struct sid_back *back);
    enum sid_err (*touch)(struct sid_back *back);
    /* True, once, after a commit of which is not known whether it was made:
     * what the front knows of the rows may be out of date. */
    bool (*unsure)(struct sid_back *back);
    /* See sid_store_look_ahead(); NULL: a look-up costs no way to a server. */
    enum sid_err (*look_ahead)(struct sid_back *back, const uint64_t *serials,
                               size_t n);
    /* See sid_store_keep(). */
    bool (*keep)(struct sid_back *back);
    /* True when nothing of what was deleted is left in the log. */
    bool (*checkpoint)(struct sid_back *back, enum sid_back_checkpoint how);
    bool (*shrink)(struct sid_back *back);

    /* Which of the daemons on this database this is; NULL: the only one. */
    int (*slot)(const struct sid_back *back);

    /* The last row's seq, time and MAC; *seq the chain's base when it is empty.
     */
    enum sid_err (*audit_head)(struct sid_back *back, int slot, int64_t *seq,
                               int64_t *at_us, uint8_t mac[SID_SHA256_BYTES]);
    enum sid_err (*audit_append)(struct sid_back *back,
                                 const struct sid_audit_row *row,
                                 const uint8_t mac[SID_SHA256_BYTES]);
    /* Rows with seq > after_seq and <= last_seq, by number, at most limit.
     * An error of each ends the walk and is returned. */
    enum sid_err (*audit_scan)(struct sid_back *back, int64_t after_seq,
                               int64_t last_seq, int64_t limit,
                               sid_audit_each_fn *each, void *ctx);

    /* Deletes the rows of a chain up to last_seq. */
    enum sid_err (*audit_prune)(struct sid_back *back, int64_t last_seq);
    /* Errors: SID_E_NOT_FOUND. */
    enum sid_err (*anchor_get)(struct sid_back *back, int slot,
                               struct sid_back_anchor *out);
    enum sid_err (*anchor_put)(struct sid_back *back,
                               const struct sid_back_anchor *anchor);

    enum sid_err (*key_put)(struct sid_back *back,
                            const struct sid_wrapped_key *key);
    enum sid_err (*key_each)(
        struct sid_back *back,
        enum sid_err (*each)(const struct sid_wrapped_key *, void *),
        void *ctx);
    enum sid_err (*key_rewrap)(struct sid_back *back,
                               const struct sid_wrapped_key *key);
    enum sid_err (*key_retire)(struct sid_back *back, enum sid_key_use use,
                               int version, int64_t now_s);

    enum sid_err (*subject_put)(struct sid_back *back, const char *subject,
                                const struct sid_subject_key *key);
    enum sid_err (*subject_rewrap)(struct sid_back *back, const char *subject,
                                   const struct sid_subject_key *key);
    enum sid_err (*subject_get)(struct sid_back *back, const char *subject,
                                struct sid_subject_key *out);
    enum sid_err (*subject_stale)(struct sid_back *back, int data_version,
                                  int template_version, int limit,
                                  enum sid_err (*each)(const char *, void *),
                                  void *ctx);
    enum sid_err (*subject_count_stale)(struct sid_back *back, int data_version,
                                        int template_version, int64_t *out);
    enum sid_err (*subject_forget)(struct sid_back *back, const char *subject);

    enum sid_err (*client_put)(struct sid_back *back,
                               const struct sid_client *client);
    enum sid_err (*client_revoke)(struct sid_back *back, const char *id,
                                  int64_t now_s);
    enum sid_err (*client_each)(struct sid_back *back,
                                enum sid_err (*each)(const struct sid_client *,
                                                     void *),
                                void *ctx);

    enum sid_err (*enrol_insert)(struct sid_back *back,
                                 const struct sid_enrolment *enrolment);
    enum sid_err (*enrol_get)(struct sid_back *back, const char *id,
                              struct sid_enrolment *out);
    enum sid_err (*enrol_begin_work)(struct sid_back *back, const char *id,
                                     int64_t now_s, int *attempts);
    /* Without photos and template: the front deletes them. */
    enum sid_err (*enrol_decide)(struct sid_back *back,
                                 const struct sid_enrolment *enrolment,
                                 enum sid_enrol_state expected);
    enum sid_err (*enrol_first)(struct sid_back *back,
                                const struct sid_enrolment *enrolment);
    enum sid_err (*enrol_appeal)(struct sid_back *back,
                                 const struct sid_enrolment *enrolment);
    enum sid_err (*enrol_recovery)(struct sid_back *back,
                                   const struct sid_enrolment *enrolment);
    enum sid_err (*attempt_put)(struct sid_back *back, const char *enrolment_id,
                                const uint8_t person[SID_SHA256_BYTES],
                                int64_t made_at_s);
    enum sid_err (*attempt_get)(struct sid_back *back,
                                const uint8_t person[SID_SHA256_BYTES],
                                int64_t after_s, int nth, char id[SID_ID_SIZE],
                                int64_t *made_at_s);
    enum sid_err (*attempt_purge)(struct sid_back *back, int64_t before_s,
                                  int64_t after_s);
    enum sid_err (*enrol_list)(
        struct sid_back *back, enum sid_enrol_state state,
        enum sid_waiting waiting, const char *after, int limit,
        enum sid_err (*each)(const struct sid_enrolment *, void *), void *ctx);
    enum sid_err (*enrol_unfinished)(struct sid_back *back,
                                     enum sid_err (*each)(const char *, int,
                                                          void *),
                                     void *ctx);

    enum sid_err (*client_mark)(struct sid_back *back,
                                struct sid_client_mark *out);
    /* Slots that were renewed since since_us. NULL: there is one slot. */
    enum sid_err (*slot_each)(struct sid_back *back, int64_t since_us,
                              enum sid_err (*each)(int slot, void *ctx),
                              void *ctx);
    /* See store_purposes.h. */
    enum sid_err (*purposes_last)(struct sid_back *back, int64_t after_seq,
                                  int64_t *seq, struct sid_buf *said);
    enum sid_err (*purposes_had)(struct sid_back *back,
                                 const uint8_t sha256[SID_SHA256_BYTES],
                                 bool *out);
    enum sid_err (*purposes_put)(struct sid_back *back,
                                 const struct sid_back_purposes *set);
    /* Whether a store of this slot has ever changed anything. NULL: nothing
     * tells. */
    enum sid_err (*slot_used)(struct sid_back *back, int slot, bool *out);
    /* Of slots whose lease ended before before_us; NULL: there is one slot. */
    enum sid_err (*enrol_orphans)(struct sid_back *back, int64_t before_us,
                                  bool *out);
    enum sid_err (*enrol_take_over)(struct sid_back *back, int64_t before_us,
                                    enum sid_err (*each)(const char *, int,
                                                         void *),
                                    void *ctx);

    /* sealed is empty where blob is not. */
    enum sid_err (*photo_put)(struct sid_back *back, const char *enrolment_id,
                              enum sid_photo_kind kind, struct sid_span sealed,
                              const char *blob);
    enum sid_err (*photo_get)(struct sid_back *back, const char *enrolment_id,
                              enum sid_photo_kind kind, struct sid_buf *out,
                              char blob[SID_ID_SIZE]);
    enum sid_err (*photo_delete_all)(struct sid_back *back,
                                     const char *enrolment_id);
    enum sid_err (*photo_kinds)(struct sid_back *back, const char *enrolment_id,
                                unsigned *out);
    enum sid_err (*photo_count)(struct sid_back *back, int64_t *out);
    /* The blob of an enrolment's photos; "" when there is none. */
    enum sid_err (*photo_blob)(struct sid_back *back, const char *enrolment_id,
                               char out[SID_ID_SIZE]);
    /* Photos that lie in this blob. */
    enum sid_err (*photo_blob_count)(struct sid_back *back, const char *blob,
                                     int64_t *out);

    enum sid_err (*challenge_put)(struct sid_back *back,
                                  const struct sid_challenge *challenge);
    enum sid_err (*challenge_get)(struct sid_back *back, const char *id,
                                  struct sid_challenge *out);
    enum sid_err (*challenge_use)(struct sid_back *back, const char *id,
                                  const char *enrolment_id);
    enum sid_err (*challenge_purge)(struct sid_back *back, int64_t before_s);
    enum sid_err (*webhook_place)(struct sid_back *back, int slot,
                                  int64_t *seq);
    enum sid_err (*webhook_told)(struct sid_back *back, int64_t seq);
    enum sid_err (*webhook_bury)(struct sid_back *back,
                                 const struct sid_dead_event *event);
    enum sid_err (*webhook_dead_each)(
        struct sid_back *back, bool again, int64_t after_seq, int limit,
        enum sid_err (*each)(const struct sid_dead_event *, void *), void *ctx);
    enum sid_err (*webhook_dead_count)(struct sid_back *back, int64_t *out);
    enum sid_err (*webhook_again)(struct sid_back *back, int64_t seq);
    enum sid_err (*webhook_exhume)(struct sid_back *back, int64_t seq);
    enum sid_err (*expiring_each)(
        struct sid_back *back, int64_t before_s, int limit,
        enum sid_err (*each)(const char *, int64_t, void *), void *ctx);

    /* *change: 1 when it is new, 0 when one was replaced. */
    enum sid_err (*template_put)(struct sid_back *back,
                                 const char *enrolment_id,
                                 struct sid_span sealed, int *change);
    enum sid_err (*template_get)(struct sid_back *back,
                                 const char *enrolment_id, struct sid_buf *out);
    /* *change: -1 when there was one, else 0. */
    enum sid_err (*template_delete)(struct sid_back *back,
                                    const char *enrolment_id, int *change);
    /* As last noted by template_tally: by this slot, and by all others. */
    enum sid_err (*template_count)(struct sid_back *back, int slot,
                                   int64_t *own, int64_t *others);
    enum sid_err (*template_tally)(struct sid_back *back, int slot,
                                   int64_t count);
    enum sid_err (*portrait_put)(struct sid_back *back,
                                 const char *enrolment_id,
                                 struct sid_span sealed);
    enum sid_err (*portrait_get)(struct sid_back *back,
                                 const char *enrolment_id, struct sid_buf *out);
    enum sid_err (*portrait_has)(struct sid_back *back,
                                 const char *enrolment_id, bool *out);
    enum sid_err (*portrait_delete)(struct sid_back *back,
                                    const char *enrolment_id);

    enum sid_err (*idempotency_get)(struct sid_back *back,
                                    const char *client_id, const char *key,
                                    struct sid_idempotency *out);
    enum sid_err (*idempotency_put)(struct sid_back *back,
                                    const struct sid_idempotency *row);
    enum sid_err (*idempotency_purge)(struct sid_back *back, int64_t before_s);

    enum sid_err (*credential_insert)(struct sid_back *back,
                                      const struct sid_credential *credential,
                                      uint64_t *serial);
    enum sid_err (*credential_get)(struct sid_back *back, const char *id,
                                   struct sid_credential *out);
    enum sid_err (*credential_by_serial)(struct sid_back *back, uint64_t serial,
                                         struct sid_credential *out);
    enum sid_err (*credential_standing)(
        struct sid_back *back, const uint8_t id_index[SID_SHA256_BYTES],
        const char *type, struct sid_credential *out);
    enum sid_err (*credential_change)(struct sid_back *back,
                                      const struct sid_credential *credential);
    enum sid_err (*credential_next)(struct sid_back *back,
                                    const char *enrolment_id,
                                    uint64_t after_serial,
                                    struct sid_credential *out);
    /* Deletes the row of this serial and makes it a dead one: recovered. */
    enum sid_err (*serial_retire)(struct sid_back *back, uint64_t serial);
    enum sid_err (*dead_serial)(struct sid_back *back, uint64_t serial,
                                char credential_id[SID_ID_SIZE],
                                enum sid_dead_serial *why);

    /* *used: false when it was used before. */
    enum sid_err (*live_use)(struct sid_back *back,
                             const struct sid_token *token, bool *used);
    enum sid_err (*live_purge)(struct sid_back *back, int64_t before_s);

    enum sid_err (*check_list)(struct sid_back *back, const char *credential_id,
                               int64_t before_seq, int limit,
                               sid_check_each_fn *each, void *ctx);
    enum sid_err (*check_find)(struct sid_back *back, const char *credential_id,
                               const char *verification_id, int64_t *seq);
    enum sid_err (*dispute_put)(struct sid_back *back,
                                const struct sid_dispute *dispute);
    enum sid_err (*dispute_get)(struct sid_back *back, const char *id,
                                struct sid_dispute *out);
    enum sid_err (*dispute_list)(
        struct sid_back *back, enum sid_dispute_outcome outcome,
        const char *after, int limit,
        enum sid_err (*each)(struct sid_dispute *take, void *ctx), void *ctx);
    enum sid_err (*dispute_settle)(struct sid_back *back,
                                   const struct sid_dispute *dispute);
    enum sid_err (*dispute_forget)(struct sid_back *back,
                                   const char *enrolment_id);

    enum sid_err (*overview)(struct sid_back *back, int64_t since_s,
                             struct sid_store_overview *out);
    enum sid_err (*enrol_earlier)(struct sid_back *back,
                                  const uint8_t id_index[SID_SHA256_BYTES],
                                  const char *id, int limit,
                                  struct sid_earlier *out, int *count);
    enum sid_err (*reasons_each)(
        struct sid_back *back, enum sid_enrol_state state, int64_t since_s,
        int limit, enum sid_err (*each)(const struct sid_reasons *, void *),
        void *ctx);

    /* What the front makes sid_store_erase() of. *deleted: whether there was
     * one. Their serials become dead ones. */
    enum sid_err (*idempotency_forget)(struct sid_back *back,
                                       const char *enrolment_id);
    enum sid_err (*credentials_erase)(struct sid_back *back,
                                      const char *enrolment_id, bool *deleted);
    enum sid_err (*enrol_delete)(struct sid_back *back, const char *id,
                                 bool *deleted);
    enum sid_err (*erasure_put)(struct sid_back *back,
                                const struct sid_erasure *erasure);
    enum sid_err (*retention_each)(
        struct sid_back *back, enum sid_retention_rule rule, int64_t before_s,
        int limit, enum sid_err (*each)(const char *, const char *, void *),
        void *ctx);
    enum sid_err (*retention_count)(struct sid_back *back,
                                    enum sid_retention_rule rule,
                                    int64_t before_s, int64_t *due,
                                    int64_t *oldest_s);
    enum sid_err (*retention_ran)(struct sid_back *back,
                                  enum sid_retention_rule rule, int64_t now_s);
    enum sid_err (*retention_last)(struct sid_back *back,
                                   enum sid_retention_rule rule,
                                   int64_t *ran_at_s);

    enum sid_err (*contact_put)(struct sid_back *back,
                                const struct sid_wechat_contact *contact);
    enum sid_err (*contact_find)(struct sid_back *back,
                                 const uint8_t person[SID_SHA256_BYTES],
                                 struct sid_wechat_contact *out);
    enum sid_err (*contact_get)(struct sid_back *back, const char *id,
                                struct sid_wechat_contact *out);
    enum sid_err (*contact_change)(struct sid_back *back,
                                   const struct sid_wechat_contact *contact);
    enum sid_err (*contact_of)(
        struct sid_back *back, const char *enrolment_id,
        enum sid_err (*each)(const struct sid_wechat_contact *, void *),
        void *ctx);
    /* Without its key and what refers to it. Errors: SID_E_NOT_FOUND. */
    enum sid_err (*contact_delete)(struct sid_back *back, const char *id);
    /* One that purge is about. Errors: SID_E_NOT_FOUND. */
    enum sid_err (*contact_stale)(struct sid_back *back, int64_t before_s,
                                  char id[SID_ID_SIZE]);
    /* Nobody is this clerk any more. */
    enum sid_err (*contact_unbind_client)(struct sid_back *back,
                                          const char *client_id);
    enum sid_err (*chat_put)(struct sid_back *back,
                             const struct sid_wechat_chat *chat);
    enum sid_err (*chat_get)(struct sid_back *back, const char *contact_id,
                             struct sid_wechat_chat *out);
    /* With its photos. */
    enum sid_err (*chat_delete)(struct sid_back *back, const char *contact_id);
    /* The same of conversations. */
    enum sid_err (*chat_stale)(struct sid_back *back, int64_t before_s,
                               char contact_id[SID_ID_SIZE]);
    enum sid_err (*chat_photo_put)(struct sid_back *back,
                                   const char *contact_id,
                                   enum sid_photo_kind kind,
                                   struct sid_span sealed);
    enum sid_err (*chat_photo_get)(struct sid_back *back,
                                   const char *contact_id,
                                   enum sid_photo_kind kind,
                                   struct sid_buf *out);
    enum sid_err (*push_put)(struct sid_back *back,
                             const uint8_t push[SID_SHA256_BYTES],
                             const struct sid_wechat_seen *seen);
    enum sid_err (*push_get)(struct sid_back *back,
                             const uint8_t push[SID_SHA256_BYTES],
                             struct sid_wechat_seen *out);
    enum sid_err (*push_purge)(struct sid_back *back, int64_t before_s);
    enum sid_err (*errand_put)(struct sid_back *back,
                               const struct sid_errand *errand);
    enum sid_err (*errand_take)(struct sid_back *back, const char *account,
                                int64_t now_s, struct sid_errand *out);
    enum sid_err (*errand_back)(struct sid_back *back, int64_t seq,
                                int64_t due_at_s);
    enum sid_err (*errand_end)(struct sid_back *back, int64_t seq);
    enum sid_err (*errand_delete_all)(struct sid_back *back,
                                      const char *contact_id,
                                      bool fetches_only);
    enum sid_err (*errand_recover)(struct sid_back *back, int64_t *lost);
    enum sid_err (*errand_count)(struct sid_back *back, int64_t *out);
};

/* What every back end's own struct begins with. */
struct sid_back {
    const struct sid_back_ops *ops;
    const struct sid_move_ops *move; /* see move_side.h */
    bool marked; /* a move into it has not come to its end */
};

/* The SQLite back end. moving: tables are made with the mark of a move that has
 * not come to its end. Errors: as sid_store_open(). */
SID_FALLIBLE enum sid_err sid_sqlite_open(const char *path, bool create,
                                          bool moving, struct sid_back **out);
/* Errors: as sid_store_open_readonly(). */
SID_FALLIBLE enum sid_err sid_sqlite_open_readonly(const char *path,
                                                   struct sid_back **out);

/* The same for PostgreSQL; uri as libpq takes it. alone: nobody else may have
 * it open. Errors: also SID_E_ARGUMENT (it is none, or has a password in it).
 */
SID_FALLIBLE enum sid_err sid_pgsql_open(const char *uri, bool create,
                                         bool alone, bool moving,
                                         struct sid_back **out);
SID_FALLIBLE enum sid_err sid_pgsql_open_readonly(const char *uri,
                                                  struct sid_back **out);
/* What sid_store_why() gives from now on in this thread; static, or NULL. */
void sid_pg_tell(const char *text);

#endif
