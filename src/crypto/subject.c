/* subject.c: a person's own keys, made, wrapped, opened (see subject.h). Any
 * thread; owns nothing; every opened key is wiped before the call ends. */
#include "smartid/subject.h"

#include <string.h>

#include "smartid/rand.h"

/* A subject's key never changes: only what wraps it does. */
#define OWN_KEY_VERSION 1

static struct sid_place
wrapped_place(const char *subject, enum sid_key_use branch) {
    return (struct sid_place){"subject_key", sid_key_use_name(branch), subject};
}

static enum sid_err
wrap(const struct sid_keyring *ring, const char *subject,
     enum sid_key_use branch, struct sid_span own, int *version,
     uint8_t wrapped[SID_WRAPPED_BYTES]) {
    int current = sid_keyring_current(ring, branch);
    const struct sid_aead_key *by = sid_keyring_wrap(ring, branch, current);
    if (by == NULL)
        return SID_E_CRYPTO;
    struct sid_place place = wrapped_place(subject, branch);
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = sid_seal(by, &place, own, &sealed);
    if (err != SID_OK)
        return err;
    SID_ASSERT(sealed.len == SID_WRAPPED_BYTES);
    memcpy(wrapped, sealed.ptr, SID_WRAPPED_BYTES);
    *version = current;
    sid_buf_free(&sealed);
    return SID_OK;
}

static enum sid_err
unwrap(const struct sid_keyring *ring, const char *subject,
       enum sid_key_use branch, int version, const uint8_t *wrapped,
       struct sid_buf *own) {
    const struct sid_aead_key *by = sid_keyring_wrap(ring, branch, version);
    if (by == NULL)
        return SID_E_SEAL;
    struct sid_place place = wrapped_place(subject, branch);
    return sid_open(by, &place, sid_span_of(wrapped, SID_WRAPPED_BYTES), own);
}

static enum sid_err
make_one(const struct sid_keyring *ring, const char *subject,
         enum sid_key_use branch, int *version, uint8_t *wrapped) {
    uint8_t own[SID_KEY_BYTES];
    enum sid_err err = sid_rand_bytes(own, sizeof own);
    if (err == SID_OK)
        err = wrap(ring, subject, branch, sid_span_of(own, sizeof own), version,
                   wrapped);
    sid_wipe(own, sizeof own);
    return err;
}

enum sid_err
sid_subject_make(const struct sid_keyring *ring, const char *subject,
                 struct sid_subject_key *out) {
    struct sid_subject_key made = {0};
    enum sid_err err = make_one(ring, subject, SID_KEY_DATA, &made.data_version,
                                made.data_wrapped);
    if (err == SID_OK)
        err = make_one(ring, subject, SID_KEY_TEMPLATE, &made.template_version,
                       made.template_wrapped);
    if (err == SID_OK)
        *out = made;
    return err;
}

static enum sid_err
rewrap_one(const struct sid_keyring *ring, const char *subject,
           enum sid_key_use branch, int *version, uint8_t *wrapped,
           bool *changed) {
    if (*version == 0 || *version == sid_keyring_current(ring, branch))
        return SID_OK;
    struct sid_buf own = SID_BUF_EMPTY;
    enum sid_err err = unwrap(ring, subject, branch, *version, wrapped, &own);
    if (err == SID_OK)
        err = wrap(ring, subject, branch, sid_buf_span(&own), version, wrapped);
    sid_buf_free(&own);
    *changed = *changed || err == SID_OK;
    return err;
}

enum sid_err
sid_subject_rewrap(const struct sid_keyring *ring, const char *subject,
                   struct sid_subject_key *key, bool *changed) {
    struct sid_subject_key made = *key;
    bool any = false;
    enum sid_err err = rewrap_one(ring, subject, SID_KEY_DATA,
                                  &made.data_version, made.data_wrapped, &any);
    if (err == SID_OK)
        err = rewrap_one(ring, subject, SID_KEY_TEMPLATE,
                         &made.template_version, made.template_wrapped, &any);
    if (err == SID_OK) {
        *key = made;
        *changed = any;
    }
    return err;
}

enum sid_err
sid_subject_renew_template(const struct sid_keyring *ring, const char *subject,
                           struct sid_subject_key *key) {
    struct sid_subject_key made = *key;
    enum sid_err err = make_one(ring, subject, SID_KEY_TEMPLATE,
                                &made.template_version, made.template_wrapped);
    if (err == SID_OK)
        *key = made;
    return err;
}

/* The subject's own key, ready for use; the caller frees it. */
static enum sid_err
own_key(const struct sid_subject *subject, struct sid_aead_key **out) {
    bool data = subject->branch == SID_KEY_DATA;
    struct sid_buf own = SID_BUF_EMPTY;
    enum sid_err err = unwrap(
        subject->ring, subject->id, subject->branch,
        data ? subject->key->data_version : subject->key->template_version,
        data ? subject->key->data_wrapped : subject->key->template_wrapped,
        &own);
    if (err == SID_OK)
        err = sid_aead_key_new(own.ptr, OWN_KEY_VERSION, out);
    sid_buf_free(&own);
    return err;
}

enum sid_err
sid_subject_seal(const struct sid_subject *subject,
                 const struct sid_place *place, struct sid_span plain,
                 struct sid_buf *out) {
    struct sid_aead_key *key = NULL;
    enum sid_err err = own_key(subject, &key);
    if (err == SID_OK)
        err = sid_seal(key, place, plain, out);
    sid_aead_key_free(&key);
    return err;
}

enum sid_err
sid_subject_open(const struct sid_subject *subject,
                 const struct sid_place *place, struct sid_span sealed,
                 struct sid_buf *out) {
    struct sid_aead_key *key = NULL;
    enum sid_err err = own_key(subject, &key);
    if (err == SID_OK)
        err = sid_open(key, place, sealed, out);
    sid_aead_key_free(&key);
    return err;
}
