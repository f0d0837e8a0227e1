/* store_back.h: the seam between the front (store.c) and a back end.
 *
 * The front keeps what every back end must do alike: the state of the
 * transaction, the audit chain, which decision deletes photos. A back end keeps
 * rows. Private to src/store; used by the thread that owns the store. */
#ifndef SID_STORE_BACK_H
#define SID_STORE_BACK_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/store.h"

struct sid_back;

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
    void (*checkpoint)(struct sid_back *back, enum sid_back_checkpoint how);

    /* The last row's seq and MAC; *seq 0 when the log is empty. */
    enum sid_err (*audit_head)(struct sid_back *back, int64_t *seq,
                               uint8_t mac[SID_SHA256_BYTES]);
    enum sid_err (*audit_append)(struct sid_back *back,
                                 const struct sid_audit_row *row,
                                 const uint8_t mac[SID_SHA256_BYTES]);
    /* Rows with seq > after_seq, oldest first, at most limit (negative: all).
     * An error of each ends the walk and is returned. */
    enum sid_err (*audit_scan)(struct sid_back *back, int64_t after_seq,
                               int64_t limit, sid_audit_each_fn *each,
                               void *ctx);

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
    enum sid_err (*subject_stale)(
        struct sid_back *back, int data_version, int template_version,
        int limit,
        enum sid_err (*each)(const char *, const struct sid_subject_key *,
                             void *),
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
    /* Without the photos: the front deletes them. */
    enum sid_err (*enrol_decide)(struct sid_back *back,
                                 const struct sid_enrolment *enrolment,
                                 enum sid_enrol_state expected);
    enum sid_err (*enrol_list)(
        struct sid_back *back, enum sid_enrol_state state, const char *after,
        int limit, enum sid_err (*each)(const struct sid_enrolment *, void *),
        void *ctx);
    enum sid_err (*enrol_unfinished)(struct sid_back *back,
                                     enum sid_err (*each)(const char *, int,
                                                          void *),
                                     void *ctx);

    enum sid_err (*photo_put)(struct sid_back *back, const char *enrolment_id,
                              enum sid_photo_kind kind, struct sid_span sealed);
    enum sid_err (*photo_get)(struct sid_back *back, const char *enrolment_id,
                              enum sid_photo_kind kind, struct sid_buf *out);
    enum sid_err (*photo_delete_all)(struct sid_back *back,
                                     const char *enrolment_id);
    enum sid_err (*photo_count)(struct sid_back *back, int64_t *out);

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
    enum sid_err (*credential_in_use)(struct sid_back *back,
                                      const uint8_t id_index[SID_SHA256_BYTES],
                                      bool *out);
    enum sid_err (*credential_revoke)(struct sid_back *back, const char *id,
                                      const char *note, int64_t now_s);
};

/* What every back end's own struct begins with. */
struct sid_back {
    const struct sid_back_ops *ops;
};

/* The SQLite back end. Errors: as sid_store_open(). */
SID_FALLIBLE enum sid_err sid_sqlite_open(const char *path, bool create,
                                          struct sid_back **out);
/* Errors: as sid_store_open_readonly(). */
SID_FALLIBLE enum sid_err sid_sqlite_open_readonly(const char *path,
                                                   struct sid_back **out);

#endif
