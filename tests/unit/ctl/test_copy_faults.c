/* test_copy_faults.c: whatever call inside backup, restore or migrate says no -
 * memory, a full disk, SQLite, a file - the command says so, the source stays
 * as it was, and what bears the name of a copy is whole. Such calls fail in
 * turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/ctl/ctl.h"
#include "copy_fixture.h"
#include "smartid/store.h"

static struct copy_fixture *f;

static int
start(void **state) {
    (void)state;
    f = copy_fixture_new();
    return 0;
}

static int
stop(void **state) {
    (void)state;
    copy_fixture_free(f);
    return 0;
}

static void
expect_source_is_whole(void) {
    copy_expect(f, sid_ctl_restore, "restore --verify --database @db",
                SID_CTL_OK, "verified the database");
}

/* Runs it with its nth call failing; whether one did. When it then says that
 * all is well what it has made must be there; else it says why not. */
static bool
fails(copy_command *command, const char *line, unsigned n, const char *made) {
    bool failed = false;
    int status = copy_run(f, command, line, n, &failed);
    if (failed && status == SID_CTL_OK && !copy_is_there(f, made))
        fail_msg("%s: call %u: %s", line, n, f->said);
    if (status != SID_CTL_OK && (!failed || strlen(f->said) < 20))
        fail_msg("%s: call %u: %d: %s", line, n, status, f->said);
    return failed;
}

/* After a call has failed. */
typedef void look_fn(void);

static bool
fails_and_is_looked_at(copy_command *command, const char *line, unsigned n,
                       const char *made, look_fn *look) {
    bool failed = fails(command, line, n, made);
    if (failed)
        look();
    copy_remove(f, made);
    return failed;
}

/* Each of the first calls, then fewer and fewer, since tables follow one
 * another in the same way; and each of the last. At the end it is made. */
#define LAST_CALLS 15
static void
each_fails(copy_command *command, const char *line, const char *made,
           look_fn *look) {
    unsigned last = 1, none = 1; /* that one fails, that none is left to */
    while (fails_and_is_looked_at(command, line, none, made, look)) {
        last = none;
        none += 1 + none / 5;
    }
    assert_true(last > 200);
    while (none - last > 1) {
        unsigned n = last + (none - last) / 2;
        if (fails_and_is_looked_at(command, line, n, made, look))
            last = n;
        else
            none = n;
    }
    for (unsigned n = last - LAST_CALLS; n < last; n++)
        assert_true(fails_and_is_looked_at(command, line, n, made, look));
    assert_false(fails(command, line, 0, made));
}

static void
look_at_backup(void) {
    if (copy_is_there(f, "monday"))
        copy_expect(f, sid_ctl_restore, "restore --verify --from @monday",
                    SID_CTL_OK, "verified");
}

static void
a_backup_that_has_its_name_is_whole_whatever_fails(void **state) {
    (void)state;
    /* So that what libjansson allocates fails, too; in the last test, for when
     * that happens while it reads, its 2.14 frees what it has not. */
    json_set_alloc_funcs(malloc, free);
    each_fails(sid_ctl_backup, "backup --to @monday", "monday", look_at_backup);
    copy_expect(f, sid_ctl_restore, "restore --verify --from @monday",
                SID_CTL_OK, "photos among them: 4\n");
    copy_remove(f, "monday");
    expect_source_is_whole();
}

static void
look_at_restored(void) {
    if (copy_is_there(f, "again"))
        copy_expect(f, sid_ctl_restore, "restore --verify --database @again",
                    SID_CTL_OK, "verified the database");
}

static void
a_database_that_was_restored_is_whole_whatever_fails(void **state) {
    (void)state;
    copy_expect(f, sid_ctl_backup, "backup --to @monday", SID_CTL_OK, "backup");
    each_fails(sid_ctl_restore, "restore --from @monday --database @again",
               "again", look_at_restored);
    copy_expect(f, sid_ctl_restore, "restore --verify --database @again",
                SID_CTL_OK, "photos among them: 4\n");
    copy_expect(f, sid_ctl_restore, "restore --verify --from @monday",
                SID_CTL_OK, "verified");
    copy_remove(f, "again");
    copy_remove(f, "monday");
}

/* Whether a daemon would start on it. */
static bool
can_be_opened(const char *name) {
    char path[160];
    struct sid_store *store = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    enum sid_err err = sid_store_open(path, false, NULL, &store);
    sid_store_close(&store);
    return err == SID_OK;
}

#define MOVE "migrate --from @db --to @moved --quiet"

static void
look_at_moved(void) {
    if (can_be_opened("moved"))
        copy_expect(f, sid_ctl_restore, "restore --verify --database @moved",
                    SID_CTL_OK, "verified the database");
    else
        copy_expect(f, sid_ctl_migrate, MOVE, SID_CTL_OK, "moved.");
}

static void
no_daemon_starts_on_half_a_move_and_the_same_command_goes_on(void **state) {
    (void)state;
    each_fails(sid_ctl_migrate, MOVE, "moved", look_at_moved);
    copy_expect(f, sid_ctl_restore, "restore --verify --database @moved",
                SID_CTL_OK, "photos among them: 4\n");
    copy_remove(f, "moved");
    expect_source_is_whole();
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_that_was_restored_is_whole_whatever_fails),
        cmocka_unit_test(
            no_daemon_starts_on_half_a_move_and_the_same_command_goes_on),
        cmocka_unit_test(a_backup_that_has_its_name_is_whole_whatever_fails),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
