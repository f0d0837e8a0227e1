/* test_examiner.c: photos examined in real face processes: this very binary,
 * started afresh, with the fake engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../src/app/examiner.h"
#include "../../../src/face/face_fake_trouble.h"
#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/faceproc.h"
#include "smartid/log.h"
#include "smartid/mac.h"
#include "smartid/metrics.h"
#include "smartid/sandbox.h"

/* Of face_fake.c: what is wrong with a photo. */
#define FLAW_NO_FACE 1
#define FLAW_ABORT 10
#define FLAW_TROUBLE 16

#define SECOND_US ((int64_t)1000 * 1000)
#define LONG_US (20 * SECOND_US)

/* This side's clock, which each test finds as it is (the linker puts it in the
 * real one's way): further on, or slower. */
static int64_t ahead_us;
static int slower = 1;

int64_t __real_sid_mono_us(void);
int64_t __wrap_sid_mono_us(void);
int64_t
__wrap_sid_mono_us(void) {
    return __real_sid_mono_us() / slower + ahead_us;
}

static struct sid_forkserver *server;
static struct sid_examiner *examiner;

static void
start(void) {
    char problem[512] = "";
    assert_int_equal(
        sid_forkserver_new("/nonexistent", &server, problem, sizeof problem),
        SID_OK);
    assert_int_equal(sid_examiner_new(NULL, server, &examiner), SID_OK);
}

static void
stop(void) {
    sid_examiner_free(&examiner);
    sid_forkserver_free(&server);
}

static void
examine_by(struct sid_examiner *whom, const struct sid_buf *photo,
           enum sid_photo_kind kind, struct sid_photo_facts *out) {
    assert_int_equal(
        sid_examiner_examine(whom, "enr_test", sid_buf_span(photo), kind, out),
        SID_OK);
}

static struct sid_photo_facts
examine(int person, int flaw) {
    struct sid_buf photo = fixture_photo(person, flaw, 7);
    struct sid_photo_facts facts = {0};
    assert_int_equal(sid_examiner_begin(examiner), SID_OK);
    examine_by(examiner, &photo, SID_PHOTO_SELFIE, &facts);
    sid_buf_free(&photo);
    return facts;
}

/* The pid of our child of that name, or 0. */
static pid_t
child_named(const char *name) {
    char path[64], line[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    FILE *list = fopen(path, "r");
    assert_non_null(list);
    pid_t found = 0;
    for (int pid; found == 0 && fscanf(list, "%d", &pid) == 1;) {
        (void)snprintf(path, sizeof path, "/proc/%d/comm", pid);
        FILE *comm = fopen(path, "r");
        if (comm == NULL)
            continue;
        if (fgets(line, sizeof line, comm) != NULL &&
            strncmp(line, name, strlen(name)) == 0)
            found = pid;
        (void)fclose(comm);
    }
    (void)fclose(list);
    return found;
}

/* Returns once it is dead; whoever owns it can still find out how. */
static void
kill_for_good(pid_t pid) {
    siginfo_t info;
    assert_true(pid != 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void
wait_a_little(void) {
    const struct timespec t = {.tv_nsec = 5000000};
    (void)nanosleep(&t, NULL);
}

/* Ticks until another fork server than `old` is at work. */
static void
tick_until_replaced(pid_t old) {
    int64_t servers = sid_metric_get(SID_M_FACE_SERVERS);
    int64_t end_us = sid_mono_us() + LONG_US;
    bool done = false;
    while (!done && sid_mono_us() < end_us) {
        sid_forkserver_tick(server);
        wait_a_little();
        done = kill(old, 0) != 0 && sid_metric_get(SID_M_FACE_SERVER_UP) == 1;
    }
    assert_true(done);
    assert_int_equal(sid_metric_get(SID_M_FACE_SERVERS), servers + 1);
}

static void
a_face_process_finds_what_a_thread_finds(void **state) {
    (void)state;
    struct sid_buf photo = fixture_photo(5, 0, 7);
    uint8_t sha256[SID_SHA256_BYTES];
    struct sid_models *models = NULL;
    struct sid_examiner *thread = NULL;
    assert_int_equal(sid_sha256(sid_buf_span(&photo), sha256), SID_OK);
    assert_int_equal(sid_models_load("/nonexistent", &models, NULL, 0), SID_OK);
    assert_int_equal(sid_examiner_new(models, NULL, &thread), SID_OK);
    assert_int_equal(sid_examiner_begin(thread), SID_OK);
    start();
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++) {
        struct sid_photo_facts here = {0}, there = {0};
        examine_by(thread, &photo, (enum sid_photo_kind)kind, &here);
        examine_by(examiner, &photo, (enum sid_photo_kind)kind, &there);
        assert_int_equal(there.faces, 1);
        /* All but the times. */
        assert_memory_equal(&here, &there,
                            offsetof(struct sid_photo_facts, ms_decode));
        assert_memory_equal(there.sha256, sha256, sizeof sha256);
    }
    stop();
    sid_examiner_free(&thread);
    sid_models_free(&models);
    sid_buf_free(&photo);
}

static void
a_photo_that_breaks_two_processes_is_unreadable(void **state) {
    (void)state;
    start();
    int64_t crashes = sid_metric_get(SID_M_FACE_FAULT_CRASH);
    struct sid_photo_facts facts = examine(5, FLAW_ABORT);
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_int_equal(facts.faces, 0);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_CRASH), crashes + 2);
    assert_int_equal(examine(5, 0).faces, 1);
    assert_int_equal(examine(5, FLAW_NO_FACE).image, SID_OK);
    stop();
}

static void
a_job_has_one_second_attempt(void **state) {
    (void)state;
    start();
    struct sid_buf good = fixture_photo(5, 0, 7);
    struct sid_buf bad = fixture_photo(5, FLAW_ABORT, 7);
    struct sid_photo_facts facts = {0};
    assert_int_equal(sid_examiner_begin(examiner), SID_OK);
    examine_by(examiner, &good, SID_PHOTO_ID, &facts);
    assert_false(sid_examiner_gave_up(examiner));
    int64_t crashes = sid_metric_get(SID_M_FACE_FAULT_CRASH);
    examine_by(examiner, &bad, SID_PHOTO_SELFIE, &facts);
    assert_true(sid_examiner_gave_up(examiner));
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_CRASH), crashes + 2);
    examine_by(examiner, &bad, SID_PHOTO_FRAME_1, &facts);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_CRASH), crashes + 3);
    /* The next job begins anew. */
    assert_int_equal(sid_examiner_begin(examiner), SID_OK);
    assert_false(sid_examiner_gave_up(examiner));
    examine_by(examiner, &bad, SID_PHOTO_ID, &facts);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_CRASH), crashes + 5);
    sid_buf_free(&good);
    sid_buf_free(&bad);
    stop();
}

static void
one_that_assists_makes_no_second_attempt_and_the_other_one_may(void **state) {
    (void)state;
    start();
    struct sid_buf good = fixture_photo(5, 0, 7);
    struct sid_buf bad = fixture_photo(5, FLAW_ABORT, 7);
    struct sid_photo_facts facts = {0};
    int64_t crashes = sid_metric_get(SID_M_FACE_FAULT_CRASH);
    int64_t deadline_us = sid_mono_us() + 5 * SECOND_US;
    assert_int_equal(sid_examiner_assist(examiner, deadline_us), SID_OK);
    examine_by(examiner, &good, SID_PHOTO_SELFIE, &facts);
    assert_int_equal(facts.faces, 1);
    assert_true(sid_examiner_deadline(examiner) == deadline_us);
    assert_int_equal(sid_examiner_fault(examiner), SID_FAULT_NONE);
    examine_by(examiner, &bad, SID_PHOTO_SELFIE, &facts);
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_CRASH), crashes + 1);
    assert_int_equal(sid_examiner_fault(examiner), SID_FAULT_CRASH);
    assert_true(sid_examiner_gave_up(examiner));
    /* As the one whose job it is. */
    assert_int_equal(sid_examiner_begin(examiner), SID_OK);
    assert_true(sid_examiner_take_over(examiner, SID_FAULT_NONE));
    assert_true(sid_examiner_take_over(examiner, SID_FAULT_CRASH));
    assert_false(sid_examiner_gave_up(examiner));
    assert_false(sid_examiner_take_over(examiner, SID_FAULT_CRASH));
    assert_true(sid_examiner_gave_up(examiner));
    sid_buf_free(&good);
    sid_buf_free(&bad);
    stop();
}

/* As if each photo so far had taken 4 s, and the last one 1 s more. */
static void
use_nine_seconds(struct sid_examiner *whom, const struct sid_buf *photo) {
    assert_int_equal(sid_examiner_begin(whom), SID_OK);
    for (int kind = SID_PHOTO_ID; kind <= SID_PHOTO_SELFIE; kind++) {
        struct sid_photo_facts facts = {0};
        examine_by(whom, photo, (enum sid_photo_kind)kind, &facts);
        assert_int_equal(facts.faces, 1);
        ahead_us += 4 * SECOND_US * sid_sandbox_patience();
    }
    ahead_us += SECOND_US * sid_sandbox_patience();
}

static void
a_job_ends_after_10_s_and_begins_nothing_more(void **state) {
    (void)state;
    start();
    struct sid_buf good = fixture_photo(5, 0, 7);
    struct sid_buf hang = fixture_photo(TROUBLE_HANG, FLAW_TROUBLE, 7);
    struct sid_photo_facts facts = {0};
    int64_t hangs = sid_metric_get(SID_M_FACE_FAULT_HANG);
    int64_t start_us = sid_mono_us();
    use_nine_seconds(examiner, &good);
    examine_by(examiner, &hang, SID_PHOTO_FRAME_1, &facts);
    assert_true(sid_mono_us() - start_us <
                12 * SECOND_US * sid_sandbox_patience());
    assert_true(sid_examiner_gave_up(examiner));
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_HANG), hangs + 1);
    int64_t processes = sid_metric_get(SID_M_FACE_PROCESSES);
    examine_by(examiner, &hang, SID_PHOTO_FRAME_2, &facts);
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_HANG), hangs + 1);
    assert_int_equal(sid_metric_get(SID_M_FACE_PROCESSES), processes);
    assert_int_equal(examine(5, 0).faces, 1);
    sid_buf_free(&good);
    sid_buf_free(&hang);
    stop();
}

/* Nothing can be ended there; but the next one need not be begun. */
static void
a_job_in_a_thread_begins_nothing_after_10_s(void **state) {
    (void)state;
    struct sid_buf good = fixture_photo(5, 0, 7);
    struct sid_photo_facts facts = {0};
    struct sid_models *models = NULL;
    struct sid_examiner *thread = NULL;
    assert_int_equal(sid_models_load("/nonexistent", &models, NULL, 0), SID_OK);
    assert_int_equal(sid_examiner_new(models, NULL, &thread), SID_OK);
    use_nine_seconds(thread, &good);
    examine_by(thread, &good, SID_PHOTO_FRAME_1, &facts);
    assert_int_equal(facts.faces, 1);
    assert_false(sid_examiner_gave_up(thread));
    ahead_us += SECOND_US * sid_sandbox_patience();
    examine_by(thread, &good, SID_PHOTO_FRAME_2, &facts);
    assert_int_equal(facts.faces, 0);
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_true(sid_examiner_gave_up(thread));
    /* The next job begins anew. */
    assert_int_equal(sid_examiner_begin(thread), SID_OK);
    examine_by(thread, &good, SID_PHOTO_ID, &facts);
    assert_int_equal(facts.faces, 1);
    sid_examiner_free(&thread);
    sid_models_free(&models);
    sid_buf_free(&good);
}

/* However busy the machine is: ten times slower, the clock leaves it 50 s to
 * use what CPU time a photo may have. The second attempt is used up before. */
static void
a_photo_that_takes_too_much_cpu_time_is_ended_for_it(void **state) {
    (void)state;
    start();
    struct sid_buf bad = fixture_photo(5, FLAW_ABORT, 7);
    struct sid_buf spin = fixture_photo(TROUBLE_SPIN, FLAW_TROUBLE, 7);
    struct sid_photo_facts facts = {0};
    int64_t cpu = sid_metric_get(SID_M_FACE_FAULT_CPU);
    int64_t hangs = sid_metric_get(SID_M_FACE_FAULT_HANG);
    slower = 10;
    assert_int_equal(sid_examiner_begin(examiner), SID_OK);
    examine_by(examiner, &bad, SID_PHOTO_ID, &facts);
    examine_by(examiner, &spin, SID_PHOTO_SELFIE, &facts);
    slower = 1;
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_CPU), cpu + 1);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_HANG), hangs);
    assert_int_equal(examine(5, 0).faces, 1);
    sid_buf_free(&bad);
    sid_buf_free(&spin);
    stop();
}

static void
a_lie_and_eaten_memory_make_a_photo_unreadable(void **state) {
    (void)state;
    start();
    int64_t lies = sid_metric_get(SID_M_FACE_FAULT_ANSWER);
    int64_t memory = sid_metric_get(SID_M_FACE_FAULT_MEMORY);
    assert_int_equal(examine(TROUBLE_LIE, FLAW_TROUBLE).image,
                     SID_E_IMAGE_UNREADABLE);
    assert_int_equal(examine(TROUBLE_MEMORY, FLAW_TROUBLE).image,
                     SID_E_IMAGE_UNREADABLE);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_ANSWER), lies + 2);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_MEMORY), memory + 2);
    assert_int_equal(examine(5, 0).faces, 1);
    stop();
}

static void
a_killed_process_is_back_within_300_ms(void **state) {
    (void)state;
    int slow = 0;
    int64_t longest_us = 0;
    start();
    for (int i = 0; i < 9; i++) {
        pid_t pid = child_named("smartidd-face");
        kill_for_good(pid);
        int64_t start_us = sid_mono_us();
        assert_int_equal(examine(5, 0).faces, 1);
        int64_t took_us = sid_mono_us() - start_us;
        if (took_us > longest_us)
            longest_us = took_us;
        slow += took_us >= 300000 * sid_sandbox_patience();
        assert_true(child_named("smartidd-face") != pid);
    }
    stop();
    print_message("back, with a photo, after %.1f ms at most\n",
                  (double)longest_us / 1000);
    assert_in_range(slow, 0, 2); /* a busy machine's, not ours */
}

static void
a_process_ends_after_100_photos(void **state) {
    (void)state;
    start();
    pid_t first = child_named("smartidd-face");
    int64_t started = sid_metric_get(SID_M_FACE_PROCESSES);
    for (int i = 0; i < 100; i++)
        assert_int_equal(examine(5, 0).faces, 1);
    assert_int_equal(child_named("smartidd-face"), first);
    assert_int_equal(sid_metric_get(SID_M_FACE_PROCESSES), started);
    assert_int_equal(examine(5, 0).faces, 1);
    assert_true(child_named("smartidd-face") != first);
    assert_int_equal(sid_metric_get(SID_M_FACE_PROCESSES), started + 1);
    stop();
}

static void
a_lost_fork_server_is_replaced_by_the_tick(void **state) {
    (void)state;
    start();
    pid_t old = child_named("smartidd-forker");
    kill_for_good(old);
    /* Its forks live on. */
    assert_int_equal(examine(5, 0).faces, 1);
    kill_for_good(child_named("smartidd-face"));
    /* Nobody at present: that is no fault of a photo. */
    assert_int_equal(sid_examiner_begin(examiner), SID_E_IO);
    struct sid_photo_facts facts = {.faces = -7};
    struct sid_buf photo = fixture_photo(5, 0, 7);
    assert_int_equal(sid_examiner_examine(examiner, "enr_test",
                                          sid_buf_span(&photo), SID_PHOTO_ID,
                                          &facts),
                     SID_E_IO);
    sid_buf_free(&photo);
    assert_int_equal(facts.faces, -7);
    tick_until_replaced(old);
    assert_int_equal(examine(5, 0).faces, 1);
    stop();
}

/* It is judged before: so it is judged even if there is none. */
static void
a_photo_that_is_refused_unread_needs_no_process(void **state) {
    (void)state;
    start();
    kill_for_good(child_named("smartidd-forker"));
    kill_for_good(child_named("smartidd-face"));
    int64_t killed = sid_metric_get(SID_M_FACE_FAULT_KILLED);
    struct sid_photo_facts facts = {.image = SID_OK, .faces = -7};
    struct sid_buf bad = SID_BUF_EMPTY;
    assert_int_equal(sid_buf_append_str(&bad, "\xFF\xD8\xFF\xC9"), SID_OK);
    examine_by(examiner, &bad, SID_PHOTO_SELFIE, &facts);
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_int_equal(facts.faces, 0);
    assert_int_equal(sid_metric_get(SID_M_FACE_FAULT_KILLED), killed);
    sid_buf_free(&bad);
    stop();
}

static void
a_fork_server_with_many_broken_forks_is_replaced(void **state) {
    (void)state;
    start();
    pid_t old = child_named("smartidd-forker");
    for (int i = 0; i < 15; i++)
        sid_forkserver_broken(server);
    sid_forkserver_tick(server);
    sid_forkserver_tick(server);
    assert_int_equal(child_named("smartidd-forker"), old);
    sid_forkserver_broken(server);
    tick_until_replaced(old);
    assert_int_equal(examine(5, 0).faces, 1);
    stop();
}

static void
nothing_is_left_after_the_end(void **state) {
    (void)state;
    start();
    assert_true(child_named("smartidd-forker") != 0);
    assert_true(child_named("smartidd-face") != 0);
    stop();
    assert_int_equal(child_named(""), 0);
}

int
main(int argc, char **argv) {
    int status = EXIT_SUCCESS;
    if (sid_faceproc_was(argc, argv, &status))
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_face_process_finds_what_a_thread_finds),
        cmocka_unit_test(a_photo_that_breaks_two_processes_is_unreadable),
        cmocka_unit_test(a_job_has_one_second_attempt),
        cmocka_unit_test(
            one_that_assists_makes_no_second_attempt_and_the_other_one_may),
        cmocka_unit_test(a_job_ends_after_10_s_and_begins_nothing_more),
        cmocka_unit_test(a_job_in_a_thread_begins_nothing_after_10_s),
        cmocka_unit_test(a_photo_that_takes_too_much_cpu_time_is_ended_for_it),
        cmocka_unit_test(a_lie_and_eaten_memory_make_a_photo_unreadable),
        cmocka_unit_test(a_killed_process_is_back_within_300_ms),
        cmocka_unit_test(a_process_ends_after_100_photos),
        cmocka_unit_test(a_lost_fork_server_is_replaced_by_the_tick),
        cmocka_unit_test(a_photo_that_is_refused_unread_needs_no_process),
        cmocka_unit_test(a_fork_server_with_many_broken_forks_is_replaced),
        cmocka_unit_test(nothing_is_left_after_the_end),
    };
    sid_log_set_level(SID_LOG_ERROR + 1);
    assert_int_equal(sid_crypto_init(), SID_OK);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sid_crypto_fini();
    return failed;
}
