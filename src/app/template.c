/* template.c: people's faces as they are kept: turned by the transform of their
 * template key's version, sealed under that key (see core/template.c). Runs on
 * the writer thread inside the caller's transaction, or a tool's; owns nothing;
 * what is opened is wiped before a call ends. */
#include "smartid/template.h"

#include "app_internal.h"

static enum sid_err
transform_of(const struct sid_keyring *ring, const struct sid_subject_key *key,
             struct sid_transform *out) {
    const struct sid_mac_key *by =
        sid_keyring_transform(ring, key->template_version);
    return by == NULL ? SID_E_SEAL : sid_transform_make(by, out);
}

static struct sid_place
place_of(const char *enrolment_id) {
    return (struct sid_place){"template", "sealed", enrolment_id};
}

enum sid_err
sid_template_keep(const struct sid_keyring *ring, struct sid_store *store,
                  const char *enrolment_id, const struct sid_subject_key *key,
                  const float face[SID_EMBEDDING_FLOATS]) {
    struct sid_subject subject = {ring, enrolment_id, key, SID_KEY_TEMPLATE};
    struct sid_place place = place_of(enrolment_id);
    struct sid_transform transform;
    float turned[SID_EMBEDDING_FLOATS];
    uint8_t bytes[SID_TEMPLATE_BYTES];
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = transform_of(ring, key, &transform);
    if (err != SID_OK)
        return err;
    sid_transform_apply(&transform, face, turned);
    sid_template_pack(turned, bytes);
    err = sid_subject_seal(&subject, &place, sid_span_of(bytes, sizeof bytes),
                           &sealed);
    if (err == SID_OK)
        err =
            sid_store_template_put(store, enrolment_id, sid_buf_span(&sealed));
    sid_buf_free(&sealed);
    sid_wipe(&transform, sizeof transform);
    sid_wipe(turned, sizeof turned);
    sid_wipe(bytes, sizeof bytes);
    return err;
}

/* The kept face, still turned. */
static enum sid_err
load_turned(const struct sid_keyring *ring, struct sid_store *store,
            const char *enrolment_id, const struct sid_subject_key *key,
            float out[SID_EMBEDDING_FLOATS]) {
    struct sid_subject subject = {ring, enrolment_id, key, SID_KEY_TEMPLATE};
    struct sid_place place = place_of(enrolment_id);
    struct sid_buf sealed = SID_BUF_EMPTY, bytes = SID_BUF_EMPTY;
    enum sid_err err = sid_store_template_get(store, enrolment_id, &sealed);
    if (err == SID_OK)
        err = sid_subject_open(&subject, &place, sid_buf_span(&sealed), &bytes);
    if (err == SID_OK)
        err = sid_template_unpack(sid_buf_span(&bytes), out);
    sid_buf_free(&sealed);
    sid_buf_free(&bytes);
    return err;
}

enum sid_err
sid_template_compare(const struct sid_keyring *ring, struct sid_store *store,
                     const char *enrolment_id,
                     const struct sid_subject_key *key,
                     const float face[SID_EMBEDDING_FLOATS],
                     float *similarity) {
    struct sid_transform transform;
    float kept[SID_EMBEDDING_FLOATS], turned[SID_EMBEDDING_FLOATS];
    enum sid_err err = load_turned(ring, store, enrolment_id, key, kept);
    if (err != SID_OK)
        return err;
    err = transform_of(ring, key, &transform);
    if (err == SID_OK) {
        sid_transform_apply(&transform, face, turned);
        *similarity = sid_similarity(kept, turned);
        sid_wipe(turned, sizeof turned);
        sid_wipe(&transform, sizeof transform);
    }
    sid_wipe(kept, sizeof kept);
    return err;
}

enum sid_err
sid_template_renew(const struct sid_keyring *ring, struct sid_store *store,
                   const char *enrolment_id, struct sid_subject_key *key) {
    struct sid_subject_key next = *key;
    struct sid_transform transform;
    float face[SID_EMBEDDING_FLOATS];
    enum sid_err err = sid_subject_renew_template(ring, enrolment_id, &next);
    if (err != SID_OK)
        return err;
    err = load_turned(ring, store, enrolment_id, key, face);
    if (err == SID_OK) {
        err = transform_of(ring, key, &transform);
        if (err == SID_OK) {
            sid_transform_undo(&transform, face, face);
            err = sid_template_keep(ring, store, enrolment_id, &next, face);
            sid_wipe(&transform, sizeof transform);
        }
        sid_wipe(face, sizeof face);
    } else if (err == SID_E_NOT_FOUND) {
        err = SID_OK; /* nothing lies under the old key */
    }
    if (err == SID_OK)
        *key = next;
    return err;
}
