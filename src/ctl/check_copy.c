/* check_copy.c: whether a copy of a database is one: the audit chain is walked,
 * and what is sealed of a sample of people is opened, and forgotten at once. So
 * a copy under another key, or of other bytes, is noticed before it is the only
 * one. */
#include <inttypes.h>
#include <stdio.h>

#include "audit.h"
#include "migrate.h"
#include "smartid/backup.h"
#include "smartid/store_photo.h"

/* People that are looked at, spread over all. Source: own choice: a second's
 * work. */
#define SAMPLE 300

struct check {
    const struct sid_keyring *keys;
    struct sid_store *copy, *original;
    int64_t opened, photos; /* photos: how many of the opened */
    int64_t bad;
    int64_t dead;    /* do not open in the original either */
    int64_t missing; /* photos of which there is a row and no file */
};

/* ---- one person ---------------------------------------------------------- */

/* What does not open counts; what cannot be read is an error. */
static enum sid_err
try_open(const struct check *check, const struct sid_subject_key *key,
         const char *subject_id, enum sid_key_use branch,
         const struct sid_place *place, struct sid_span sealed,
         struct check *count) {
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
open_one(const struct check *check, enum sid_err got,
         const struct sid_enrolment *person, enum sid_key_use branch,
         const char *table, const char *column, struct sid_buf *sealed,
         struct check *count) {
    struct sid_place place = {table, column, person->id};
    enum sid_err err = got == SID_E_NOT_FOUND ? SID_OK : got;
    if (got == SID_OK)
        err = try_open(check, &person->key, person->id, branch, &place,
                       sid_buf_span(sealed), count);
    if (got == SID_E_SEAL) { /* a photo whose file is gone */
        count->missing++;
        err = SID_OK;
    }
    sid_buf_free(sealed);
    return err;
}

static enum sid_err
open_photos(const struct check *check, struct sid_store *store,
            const struct sid_enrolment *person, struct check *count) {
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
open_credentials(const struct check *check, struct sid_store *store,
                 const char *enrolment_id, struct check *count) {
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
open_all(const struct check *check, struct sid_store *store, const char *id,
         struct check *count) {
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

static enum sid_err
check_person(const char *enrolment_id, void *ctx) {
    struct check *check = ctx;
    struct check copy = {.bad = 0}, original = {.bad = 0};
    enum sid_err err = open_all(check, check->copy, enrolment_id, &copy);
    if (err == SID_OK && copy.bad > 0 && check->original != NULL)
        err = open_all(check, check->original, enrolment_id, &original);
    if (err != SID_OK)
        return err;
    check->opened += copy.opened;
    check->photos += copy.photos;
    /* A photo whose file was gone opens in neither. */
    int64_t dead = original.bad + original.missing;
    if (dead > copy.bad)
        dead = copy.bad;
    check->bad += copy.bad - dead;
    check->dead += dead;
    check->missing += copy.missing;
    return SID_OK;
}

/* ---- the copy ------------------------------------------------------------ */

static int
failed(const char *what, const char *why) {
    (void)fprintf(stderr, "smartidctl: %s: %s\n", what, why);
    return SID_CTL_FAILED;
}

/* The heads beside the database are the daemon's, and audit verify's. */
static int
check_audit(struct sid_store *store, const struct sid_keyring *keys,
            const char *head) {
    static const char *const no_heads[1] = {NULL};
    const char *const lines[1] = {head};
    struct sid_audit_check what = {.store = store,
                                   .keys = keys,
                                   .kept_heads = no_heads,
                                   .lines = lines,
                                   .line_count = head == NULL ? 0 : 1};
    int64_t findings = 0;
    enum sid_err err = sid_audit_check_run(&what, stdout, &findings);
    if (err != SID_OK)
        return failed("audit log", sid_err_text(err));
    return findings == 0 ? 0 : failed("audit log", "it does not verify");
}

static int
check_seals(struct check *check) {
    enum sid_err err =
        sid_backup_sample(check->copy, false, SAMPLE, check_person, check);
    if (err == SID_OK)
        err = sid_backup_sample(check->copy, true, SAMPLE, check_person, check);
    if (err != SID_OK)
        return failed("sealed records", sid_err_text(err));
    (void)printf("sealed records opened: %" PRId64
                 ", photos among them: %" PRId64 "\n",
                 check->opened, check->photos);
    if (check->dead > 0)
        (void)printf("not to be opened in the source either: %" PRId64 "\n",
                     check->dead);
    if (check->missing > 0)
        (void)printf("photos whose files are gone: %" PRId64 "\n",
                     check->missing);
    if (check->bad == 0)
        return 0;
    (void)fprintf(stderr,
                  "smartidctl: %" PRId64 " sealed records do not open\n",
                  check->bad);
    return SID_CTL_FAILED;
}

int
sid_check_copy(struct sid_store *copy, struct sid_store *original,
               const struct sid_keyring *keys, const char *head) {
    struct check check = {.keys = keys, .copy = copy, .original = original};
    int status = check_audit(copy, keys, head);
    return status == 0 ? check_seals(&check) : status;
}
