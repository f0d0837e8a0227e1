/* credential_issue.c: a credential comes into being, and takes the place of
 * the one before it; what its type adds to it. Runs on the writer thread inside
 * the caller's transaction, but where it says otherwise; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"

/* Any thread. */
enum sid_err
sid_app_open_details(const struct sid_subject *subject, const char *id,
                     const char *type, struct sid_span sealed,
                     const struct sid_credential_type **out_type,
                     struct sid_details *out) {
    struct sid_place place = {"credential", "details", id};
    const struct sid_credential_type *found = sid_credential_type_find(type);
    struct sid_buf blob = SID_BUF_EMPTY;
    if (found == NULL || sealed.len == 0)
        return SID_OK;
    enum sid_err err = sid_subject_open(subject, &place, sealed, &blob);
    if (err == SID_OK)
        err = sid_details_unpack(found, sid_buf_span(&blob), out);
    if (err == SID_OK)
        *out_type = found;
    sid_buf_free(&blob);
    return err;
}

enum sid_err
sid_app_in_use(struct sid_app *app, struct sid_store *store,
               const uint8_t id_index[SID_SHA256_BYTES], const char *type,
               bool *out) {
    struct sid_credential row = {0};
    enum sid_err err =
        sid_store_credential_standing(store, id_index, type, &row);
    if (err != SID_OK && err != SID_E_NOT_FOUND)
        return err;
    *out = err == SID_OK &&
           sid_life_state(&row.life, sid_time_s(app)) != SID_CREDENTIAL_EXPIRED;
    sid_credential_fini(&row);
    return SID_OK;
}

enum sid_err
sid_app_base(struct sid_app *app, struct sid_store *store,
             const struct sid_credential *credential, struct sid_base *out) {
    const struct sid_credential_type *type =
        sid_credential_type_find(credential->type);
    struct sid_credential base = {0};
    struct sid_base found = {.state = SID_CREDENTIAL_ACTIVE};
    memcpy(found.assurance, credential->assurance, SID_ASSURANCE_SIZE);
    enum sid_err err = SID_OK;
    if (type != NULL && type->needs != NULL) {
        found.state = SID_CREDENTIAL_REVOKED;
        err = sid_store_credential_standing(store, credential->id_index,
                                            type->needs, &base);
    }
    if (err == SID_OK && base.serial != 0 &&
        strcmp(base.enrolment_id, credential->enrolment_id) == 0) {
        found.state = sid_life_state(&base.life, sid_time_s(app));
        found.valid_until_s = base.life.valid_until_s;
        memcpy(found.assurance, base.assurance, SID_ASSURANCE_SIZE);
    }
    sid_credential_fini(&base);
    if (err != SID_OK && err != SID_E_NOT_FOUND)
        return err;
    *out = found;
    return SID_OK;
}

/* Whatever stands gives way to the new one. */
static enum sid_err
replace(struct sid_store *store, const struct sid_credential *by,
        const char *actor) {
    struct sid_credential row = {0};
    char detail[SID_ID_SIZE + 8];
    enum sid_err err =
        sid_store_credential_standing(store, by->id_index, by->type, &row);
    if (err != SID_OK)
        return err == SID_E_NOT_FOUND ? SID_OK : err;
    memcpy(row.replaced_by, by->id, sizeof by->id);
    (void)snprintf(detail, sizeof detail, "by=%s", by->id);
    err = sid_life_replace(&row.life, sid_now_s());
    if (err == SID_OK)
        err = sid_store_credential_change(store, &row);
    if (err == SID_OK)
        err = sid_app_audit(store, "credential_replaced", actor, row.id,
                            sid_credential_state_name(row.life.state), detail);
    sid_credential_fini(&row);
    return err;
}

enum sid_err
sid_app_issue(struct sid_store *store, const struct sid_credential *credential,
              const char *actor) {
    uint64_t serial = 0;
    char detail[SID_ID_SIZE + 32];
    (void)snprintf(detail, sizeof detail, "enrolment=%s",
                   credential->enrolment_id);
    enum sid_err err = replace(store, credential, actor);
    if (err == SID_OK)
        err = sid_store_credential_insert(store, credential, &serial);
    if (err == SID_OK)
        err = sid_app_audit(store, "credential_issued", actor, credential->id,
                            credential->type, detail);
    return err;
}
