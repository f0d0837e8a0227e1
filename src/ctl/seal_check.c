/* seal_check.c: opens what is sealed of one person in a copy of a database, and
 * forgets it at once: a copy under another key, or of other bytes, is noticed
 * before it is the only one. */
#include <string.h>

#include "migrate.h"
#include "smartid/store_photo.h"

/* What does not open counts; what cannot be read is an error. */
static enum sid_err
try_open(const struct sid_seal_check *check, const struct sid_subject_key *key,
         const char *subject_id, enum sid_key_use branch,
         const struct sid_place *place, struct sid_span sealed,
         struct sid_seal_check *count) {
    struct sid_subject subject = {check->keys, subject_id, key, branch};
    struct sid_buf plain = SID_BUF_EMPTY;
    enum sid_err err = sid_subject_open(&subject, place, sealed, &plain);
    sid_buf_free(&plain);
    if (err != SID_OK && err != SID_E_SEAL)
        return err;
    count->opened += err == SID_OK;
    count->bad += err != SID_OK;
    return SID_OK;
}

/* Whatever there is of one kind; SID_E_NOT_FOUND is none. */
static enum sid_err
open_one(const struct sid_seal_check *check, enum sid_err got,
         const struct sid_enrolment *person, enum sid_key_use branch,
         const char *table, const char *column, struct sid_buf *sealed,
         struct sid_seal_check *count) {
    struct sid_place place = {table, column, person->id};
    enum sid_err err = got == SID_E_NOT_FOUND ? SID_OK : got;
    if (got == SID_OK)
        err = try_open(check, &person->key, person->id, branch, &place,
                       sid_buf_span(sealed), count);
    if (got == SID_E_SEAL) { /* a photo whose file is gone */
        count->bad++;
        err = SID_OK;
    }
    sid_buf_free(sealed);
    return err;
}

static enum sid_err
open_photos(const struct sid_seal_check *check, struct sid_store *store,
            const struct sid_enrolment *person, struct sid_seal_check *count) {
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = SID_OK;
    for (int i = 0; i < SID_PHOTO_KINDS && err == SID_OK; i++) {
        enum sid_photo_kind kind = (enum sid_photo_kind)i;
        int64_t before = count->opened;
        if (kind == SID_PHOTO_NONE)
            continue;
        err = sid_store_photo_get(store, person->id, kind, &sealed);
        err = open_one(check, err, person, SID_KEY_DATA, "photo",
                       sid_photo_kind_name(kind), &sealed, count);
        count->photos += count->opened - before;
    }
    return err;
}

static enum sid_err
open_credentials(const struct sid_seal_check *check, struct sid_store *store,
                 const char *enrolment_id, struct sid_seal_check *count) {
    uint64_t serial = 0;
    enum sid_err err = SID_OK;
    while (err == SID_OK) {
        struct sid_credential row = {.serial = 0};
        err = sid_store_credential_next(store, enrolment_id, serial, &row);
        if (err != SID_OK)
            break;
        struct sid_place place = {"credential", "holder", row.id};
        serial = row.serial;
        err = try_open(check, &row.key, row.enrolment_id, SID_KEY_DATA, &place,
                       sid_buf_span(&row.holder_sealed), count);
        place.column = "details";
        if (err == SID_OK && row.details_sealed.len > 0)
            err = try_open(check, &row.key, row.enrolment_id, SID_KEY_DATA,
                           &place, sid_buf_span(&row.details_sealed), count);
        sid_credential_fini(&row);
    }
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

static enum sid_err
open_all(const struct sid_seal_check *check, struct sid_store *store,
         const char *id, struct sid_seal_check *count) {
    struct sid_enrolment person = {.id = ""};
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = sid_store_begin_read(store);
    if (err != SID_OK)
        return err;
    err = sid_store_enrol_get(store, id, &person);
    if (err == SID_OK && person.holder_sealed.len > 0) {
        struct sid_place place = {"enrolment", "holder", id};
        err = try_open(check, &person.key, id, SID_KEY_DATA, &place,
                       sid_buf_span(&person.holder_sealed), count);
    }
    if (err == SID_OK)
        err = open_credentials(check, store, id, count);
    if (err == SID_OK)
        err =
            open_one(check, sid_store_template_get(store, id, &sealed), &person,
                     SID_KEY_TEMPLATE, "template", "sealed", &sealed, count);
    if (err == SID_OK)
        err =
            open_one(check, sid_store_portrait_get(store, id, &sealed), &person,
                     SID_KEY_DATA, "portrait", "sealed", &sealed, count);
    if (err == SID_OK)
        err = open_photos(check, store, &person, count);
    sid_enrolment_fini(&person);
    sid_store_rollback(store);
    return err;
}

enum sid_err
sid_seal_check_person(const char *enrolment_id, void *ctx) {
    struct sid_seal_check *check = ctx;
    struct sid_seal_check copy = {.bad = 0}, original = {.bad = 0};
    enum sid_err err = open_all(check, check->copy, enrolment_id, &copy);
    if (err == SID_OK && copy.bad > 0 && check->original != NULL)
        err = open_all(check, check->original, enrolment_id, &original);
    if (err != SID_OK)
        return err;
    check->opened += copy.opened;
    check->photos += copy.photos;
    check->bad += copy.bad - original.bad;
    check->dead += original.bad;
    return SID_OK;
}
