/* test_copy_words.c: what backup, restore and migrate say of what is in the
 * way, gone, damaged, or another's; and that nothing is put in place then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/ctl/ctl.h"
#include "copy_fixture.h"
#include "smartid/mac.h"
#include "smartid/secretfile.h"
#include "smartid/text.h"

#define PATH_SIZE 300
#define RESTORE "restore --from @monday --database @again"
#define VERIFY "restore --verify --from @monday"

static struct copy_fixture *f;

static int
setup(void **state) {
    (void)state;
    f = copy_fixture_new();
    copy_expect(f, sid_ctl_backup, "backup --to @monday", SID_CTL_OK, "backup");
    return 0;
}

static int
teardown(void **state) {
    (void)state;
    copy_fixture_free(f);
    return 0;
}

/* ---- files --------------------------------------------------------------- */

static void
path_of(const char *name, char out[PATH_SIZE]) {
    (void)snprintf(out, PATH_SIZE, "%s/%s", f->folder, name);
}

static size_t
read_file(const char *name, char *out, size_t out_size) {
    char path[PATH_SIZE];
    path_of(name, path);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    size_t len = fread(out, 1, out_size, in);
    assert_true(len < out_size);
    out[len] = '\0';
    assert_int_equal(fclose(in), 0);
    return len;
}

static void
write_file(const char *name, const char *bytes, size_t len) {
    char path[PATH_SIZE];
    path_of(name, path);
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes, 1, len, to), len);
    assert_int_equal(fclose(to), 0);
}

/* The first `from` in the manifest becomes `to`. */
static void
spoil_manifest(const char *from, const char *to) {
    static char text[16384], whole[16384];
    (void)read_file("monday/manifest.json", text, sizeof text);
    const char *at = strstr(text, from);
    if (at == NULL)
        fail_msg("no %s in %s", from, text);
    int len = snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - text), text,
                       to, at + strlen(from));
    write_file("monday/manifest.json", whole, (size_t)len);
}

/* Another command's words, in a backup of its own. */
static void
renew(void) {
    copy_remove(f, "monday");
    copy_expect(f, sid_ctl_backup, "backup --to @monday", SID_CTL_OK, "backup");
}

static void
change(const char *name, const char *sql) {
    char path[PATH_SIZE];
    sqlite3 *db = NULL;
    path_of(name, path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
nothing_was_put_in_place(void) {
    assert_false(copy_is_there(f, "again"));
    assert_false(copy_is_there(f, "again.photos"));
    assert_false(copy_is_there(f, "again.partial"));
    assert_false(copy_is_there(f, "monday-verify.partial"));
}

/* ---- a backup that is none ----------------------------------------------- */

static void
a_manifest_that_backup_did_not_write_is_refused(void **state) {
    static const char not_written[] = "is not what backup writes";
    static const struct {
        const char *from, *to, *words;
    } acts[] = {
        {"\"smartid_backup\": 1", "\"smartid_backup\": 2", not_written},
        {"\"parts\": [", "\"parts\": 1, \"x\": [", not_written},
        {"{", "[", not_written},
        {"\"name\": \"photos/blb_", "\"name\": \"photos/../", not_written},
        {"\"name\": \"photos/", "\"name\": \"other/", not_written},
        {"\"name\": \"smartidd.db", "\"name\": \"/etc/x", not_written},
        {"\"bytes\": ", "\"Bytes\": ", not_written},
        {"\"sha256\": \"", "\"sha256\": \"x", not_written},
        {"\"sha256\": \"", "\"sha256\": \"00", not_written},
        {"\"bytes\": ", "\"bytes\": 1", "is not what the backup says it was"},
        {"\"master_key\": \"", "\"master_key\": \"0",
         "was made under the master key 0"},
        {"\"master_key\": \"", "\"Master_key\": \"",
         "was made under the master key ?"},
        {"\"enrolment\": 2", "\"enrolment\": 3",
         "enrolment: 2 rows instead of 3"},
        {" seq=", " seq=9", "audit log: it does not verify"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        renew();
        spoil_manifest(acts[i].from, acts[i].to);
        copy_expect(f, sid_ctl_restore, VERIFY, SID_CTL_FAILED, acts[i].words);
        copy_expect(f, sid_ctl_restore, RESTORE, SID_CTL_FAILED, acts[i].words);
        nothing_was_put_in_place();
    }
}

/* With its new SHA-256 in the manifest: only the contents tell. */
static void
change_database(const char *sql) {
    static char bytes[1 << 20], text[16384], whole[16384];
    uint8_t sha[SID_SHA256_BYTES];
    char hex[2 * SID_SHA256_BYTES + 1];
    renew();
    change("monday/smartidd.db", sql);
    size_t len = read_file("monday/smartidd.db", bytes, sizeof bytes);
    assert_int_equal(sid_sha256(sid_span_of(bytes, len), sha), SID_OK);
    sid_hex_encode(sha, sizeof sha, hex);
    (void)read_file("monday/manifest.json", text, sizeof text);
    char *part = strstr(text, "\"name\": \"smartidd.db\"");
    assert_non_null(part);
    char *count = strstr(part, "\"bytes\": ");
    assert_non_null(count);
    char *old = strstr(count, "\"sha256\": \"");
    assert_non_null(old);
    int n =
        snprintf(whole, sizeof whole, "%.*s\"bytes\": %zu,\n\"sha256\": \"%s%s",
                 (int)(count - text), text, len, hex,
                 old + strlen("\"sha256\": \"") + 64);
    write_file("monday/manifest.json", whole, (size_t)n);
}

static void
a_backup_whose_contents_were_changed_is_told(void **state) {
    static const struct {
        const char *sql, *words;
    } acts[] = {
        {"DELETE FROM audit WHERE seq = 1", "audit"},
        {"UPDATE audit SET detail = 'x' WHERE seq = 2", "row 2: changed"},
        {"UPDATE enrolment SET holder_sealed = zeroblob(60)", "do not open"},
        {"UPDATE credential SET details_sealed = zeroblob(60)", "do not open"},
        {"UPDATE portrait SET sealed = zeroblob(60)", "do not open"},
        {"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3 "
         "WHERE name = 'tally' OR name = 'dispute'",
         "damaged"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        change_database(acts[i].sql);
        copy_expect(f, sid_ctl_restore, RESTORE, SID_CTL_FAILED, acts[i].words);
        nothing_was_put_in_place();
    }
}

static void
a_part_that_is_gone_or_in_another_state_is_named(void **state) {
    char photo[100], path[PATH_SIZE];
    (void)state;
    (void)snprintf(photo, sizeof photo, "monday/photos/blb_%026d", 2);
    path_of(photo, path);
    write_file(photo, "x", 1);
    copy_expect(f, sid_ctl_restore, VERIFY, SID_CTL_FAILED,
                "is not what the backup says it was");
    assert_int_equal(unlink(path), 0);
    copy_expect(f, sid_ctl_restore, VERIFY, SID_CTL_FAILED,
                "is not in the backup any more");
    assert_int_equal(symlink("/dev/null", path), 0);
    copy_expect(f, sid_ctl_restore, VERIFY, SID_CTL_FAILED, photo + 7);
    path_of("monday/smartidd.db", path);
    assert_int_equal(unlink(path), 0);
    copy_expect(f, sid_ctl_restore, VERIFY, SID_CTL_FAILED, "");
    path_of("monday/manifest.json", path);
    assert_int_equal(unlink(path), 0);
    copy_expect(f, sid_ctl_restore, VERIFY, SID_CTL_FAILED,
                "is no backup, or one that was broken off");
    nothing_was_put_in_place();
}

static void
a_backup_under_another_key_or_under_none_is_not_restored(void **state) {
    (void)state;
    assert_int_equal(unlink(f->key), 0);
    copy_expect(f, sid_ctl_restore, RESTORE, SID_CTL_FAILED, f->key);
    assert_int_equal(sid_secretfile_make(f->key, SID_KEY_BYTES), SID_OK);
    copy_expect(f, sid_ctl_restore, RESTORE, SID_CTL_FAILED,
                "was made under the master key");
    nothing_was_put_in_place();
}

/* ---- what is in the way -------------------------------------------------- */

static void
what_is_there_already_stays_and_nothing_is_written_over_it(void **state) {
    static const char *const names[] = {"again", "again-wal", "again.photos"};
    char bytes[8];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        write_file(names[i], "mine", 4);
        copy_expect(f, sid_ctl_restore, RESTORE, SID_CTL_FAILED,
                    "is there already");
        assert_int_equal(read_file(names[i], bytes, sizeof bytes), 4);
        assert_string_equal(bytes, "mine");
        copy_remove(f, "again");
    }
    copy_expect(f, sid_ctl_backup, "backup --to @monday", SID_CTL_FAILED,
                "exists already: name a new folder");
    copy_expect(f, sid_ctl_restore, VERIFY, SID_CTL_OK, "verified");
}

static void
a_target_that_cannot_be_made_is_told_with_its_name(void **state) {
    (void)state;
    copy_expect(f, sid_ctl_backup, "backup --to @no/folder", SID_CTL_FAILED,
                "no/folder");
    copy_expect(f, sid_ctl_restore, "restore --from @monday --database @no/db",
                SID_CTL_FAILED, "no/db");
    copy_expect(f, sid_ctl_migrate, "migrate --from @db --to @no/db",
                SID_CTL_FAILED, "no/db: its folder does not exist");
    copy_expect(f, sid_ctl_migrate, "migrate --from @nobody --to @new",
                SID_CTL_FAILED, "nobody: there is no file of this name");
    assert_false(copy_is_there(f, "nobody"));
}

static void
usage_is_shown_when_asked_for_and_when_the_words_are_others(void **state) {
    static const struct {
        copy_command *command;
        const char *line;
    } wrong[] = {
        {sid_ctl_backup, "backup"},
        {sid_ctl_backup, "backup --from @x"},
        {sid_ctl_backup, "backup --to @x/"},
        {sid_ctl_restore, "restore"},
        {sid_ctl_restore, "restore --from"},
        {sid_ctl_restore, "restore --unknown @x"},
        {sid_ctl_restore, "restore --verify --from @x --database @y"},
        {sid_ctl_migrate, "migrate"},
        {sid_ctl_migrate, "migrate --from @x"},
        {sid_ctl_migrate, "migrate --to @x --from"},
        {sid_ctl_migrate, "migrate --from @x --to sqlite:"},
        {sid_ctl_migrate, "migrate --unknown"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        copy_expect(f, wrong[i].command, wrong[i].line, SID_CTL_USAGE,
                    "usage: smartidctl");
    copy_expect(f, sid_ctl_backup, "backup --help", SID_CTL_OK, "usage: ");
    copy_expect(f, sid_ctl_restore, "restore --help", SID_CTL_OK, "usage: ");
    copy_expect(f, sid_ctl_migrate, "migrate --help", SID_CTL_OK, "usage: ");
    copy_expect(f, sid_ctl_restore,
                "restore --from @monday --database postgresql://x/y",
                SID_CTL_FAILED, "is restored by its own tools");
}

/* ---- what the source has lost -------------------------------------------- */

static void
a_photo_whose_file_is_gone_is_counted_and_the_rest_is_copied(void **state) {
    char photo[100], path[PATH_SIZE];
    (void)state;
    (void)snprintf(photo, sizeof photo, "db.photos/blb_%026d", 2);
    path_of(photo, path);
    assert_int_equal(unlink(path), 0);
    copy_remove(f, "monday");
    copy_expect(f, sid_ctl_backup, "backup --to @monday", SID_CTL_OK,
                "photos      0 files, 1 gone while it was made");
    copy_expect(f, sid_ctl_restore, RESTORE, SID_CTL_OK,
                "photos whose files are gone: 4\n");
    copy_expect(f, sid_ctl_migrate, "migrate --from @db --to @moved",
                SID_CTL_OK, "photos whose files are gone from the source: 2\n");
}

static void
what_does_not_open_in_the_source_either_is_no_fault_of_the_copy(void **state) {
    (void)state;
    change("db", "UPDATE enrolment SET holder_sealed = zeroblob(60) WHERE id "
                 "LIKE '%1'");
    copy_expect(f, sid_ctl_restore, "restore --verify --database @db",
                SID_CTL_FAILED, "do not open");
    copy_expect(f, sid_ctl_migrate, "migrate --from @db --to @moved --quiet",
                SID_CTL_OK, "not to be opened in the source either: ");
}

/* ---- a move that goes on ------------------------------------------------- */

static void
a_target_with_data_of_its_own_is_left_alone(void **state) {
    (void)state;
    copy_expect(f, sid_ctl_restore, RESTORE, SID_CTL_OK, "restored");
    copy_expect(f, sid_ctl_migrate, "migrate --from @db --to @again",
                SID_CTL_FAILED, "there are data in it that no move has put");
    copy_expect(f, sid_ctl_restore, "restore --verify --database @again",
                SID_CTL_OK, "verified");
}

static void
a_move_that_was_broken_off_begins_anew_when_the_source_changed(void **state) {
    static const char move[] = "migrate --from @db --to @moved";
    bool failed = true;
    (void)state;
    for (unsigned n = 300; failed; n += 40) {
        copy_remove(f, "moved");
        (void)copy_run(f, sid_ctl_migrate, move, n, &failed);
        if (strstr(f->said, "The same command goes on where it was") != NULL)
            break;
    }
    assert_true(failed); /* while it copied */
    change("db", "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)");
    copy_expect(f, sid_ctl_migrate, move, SID_CTL_FAILED,
                "--from has changed since the move into --to began");
    copy_expect(f, sid_ctl_migrate, "migrate --anew --from @db --to @moved",
                SID_CTL_OK, "moved.");
    copy_expect(f, sid_ctl_restore, "restore --verify --database @moved",
                SID_CTL_OK, "verified");
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_manifest_that_backup_did_not_write_is_refused),
        T(a_backup_whose_contents_were_changed_is_told),
        T(a_part_that_is_gone_or_in_another_state_is_named),
        T(a_backup_under_another_key_or_under_none_is_not_restored),
        T(what_is_there_already_stays_and_nothing_is_written_over_it),
        T(a_target_that_cannot_be_made_is_told_with_its_name),
        T(usage_is_shown_when_asked_for_and_when_the_words_are_others),
        T(a_photo_whose_file_is_gone_is_counted_and_the_rest_is_copied),
        T(what_does_not_open_in_the_source_either_is_no_fault_of_the_copy),
        T(a_target_with_data_of_its_own_is_left_alone),
        T(a_move_that_was_broken_off_begins_anew_when_the_source_changed),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
