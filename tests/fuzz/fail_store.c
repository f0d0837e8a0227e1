/* fail_store.c: the store's functions fail as fail.c says, for unit tests of
 * what stands on it. The linker puts these wrappers in the program's way
 * (FAIL_STORE in the Makefile). One thread at a time. */
#include "fuzz.h"
#include "smartid/store.h"
#include "smartid/store_slot.h"

/* The linker's names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_begin,
          (struct sid_store * store), (store))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_begin_read,
          (struct sid_store * store), (store))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_check_key,
          (struct sid_store * store), (store))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_audit_each,
          (struct sid_store * store, int64_t after, int64_t limit,
           sid_audit_each_fn *each, void *ctx),
          (store, after, limit, each, ctx))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_audit_anchor,
          (struct sid_store * store, const struct sid_mac_key *key, int slot,
           int64_t *seq, uint8_t mac[SID_SHA256_BYTES]),
          (store, key, slot, seq, mac))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_audit_cut,
          (struct sid_store * store, int64_t last,
           const uint8_t mac[SID_SHA256_BYTES], int most, int64_t *removed),
          (store, last, mac, most, removed))

/* The chains of the log, and where rows stand in them. */
bool fuzz_fail_chains;

#define CHAIN_WRAP(name, params, args)                                         \
    extern __typeof__(name) __real_##name;                                     \
    enum sid_err __wrap_##name params;                                         \
    enum sid_err __wrap_##name params {                                        \
        return fuzz_fail_chains && fuzz_fails() ? SID_E_STORE                  \
                                                : __real_##name args;          \
    }
CHAIN_WRAP(sid_store_audit_slot, (struct sid_store * store, int *slot),
           (store, slot))
CHAIN_WRAP(sid_store_audit_began,
           (struct sid_store * store, int slot, bool *out), (store, slot, out))
CHAIN_WRAP(sid_store_audit_find,
           (struct sid_store * store, int slot, int64_t before_us,
            int64_t *seq),
           (store, slot, before_us, seq))
CHAIN_WRAP(sid_store_audit_range,
           (struct sid_store * store, int64_t after, int64_t last,
            int64_t limit, sid_audit_each_fn *each, void *ctx),
           (store, after, last, limit, each, ctx))

/* Keys. */
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_key_put,
          (struct sid_store * store, const struct sid_wrapped_key *key),
          (store, key))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_key_each,
          (struct sid_store * store,
           enum sid_err (*each)(const struct sid_wrapped_key *key, void *ctx),
           void *ctx),
          (store, each, ctx))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_key_rewrap,
          (struct sid_store * store, const struct sid_wrapped_key *key),
          (store, key))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_key_retire,
          (struct sid_store * store, enum sid_key_use use, int version,
           int64_t now_s),
          (store, use, version, now_s))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_subject_rewrap,
          (struct sid_store * store, const char *subject,
           const struct sid_subject_key *key),
          (store, subject, key))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_subject_stale,
          (struct sid_store * store, int data_version, int template_version,
           int limit, enum sid_err (*each)(const char *subject, void *ctx),
           void *ctx),
          (store, data_version, template_version, limit, each, ctx))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_subject_get,
          (struct sid_store * store, const char *subject,
           struct sid_subject_key *out),
          (store, subject, out))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_subject_count_stale,
          (struct sid_store * store, int data_version, int template_version,
           int64_t *out),
          (store, data_version, template_version, out))

/* One that fails has rolled back. */
enum sid_err __real_sid_store_commit(struct sid_store *store);
enum sid_err __wrap_sid_store_commit(struct sid_store *store);
enum sid_err
__wrap_sid_store_commit(struct sid_store *store) {
    if (!fuzz_fails())
        return __real_sid_store_commit(store);
    sid_store_rollback(store);
    return SID_E_STORE;
}

FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_audit,
          (struct sid_store * store, const struct sid_audit_row *row),
          (store, row))
FUZZ_WRAP(enum sid_err, SID_E_STORE, sid_store_webhook_place,
          (struct sid_store * store, int slot, int64_t *seq),
          (store, slot, seq))
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
