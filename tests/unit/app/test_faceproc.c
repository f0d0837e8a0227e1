/* test_faceproc.c: the messages between the daemon and its face processes, and
 * what becomes of a process that lies, with a plain fork in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../src/app/faceproc_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"

static int pair[2];

static void
open_pair(void) {
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void
close_pair(void) {
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static int64_t
soon(void) {
    return sid_mono_us() + 10000;
}

/* ---- packets ------------------------------------------------------------- */

static void
a_packet_arrives_as_it_was_sent(void **state) {
    (void)state;
    uint64_t sent = 0x1234567890abcdef, got = 0;
    open_pair();
    assert_int_equal(sid_packet_send(pair[0], &sent, sizeof sent, NULL, 0),
                     SID_OK);
    assert_int_equal(sid_packet_receive(pair[1], &got, sizeof got, soon()),
                     SID_OK);
    assert_true(got == sent);
    close_pair();
}

static void
a_packet_of_another_size_is_refused(void **state) {
    (void)state;
    const char packet[12] = "eleven bytes";
    uint64_t got = 0;
    open_pair();
    for (size_t len = 4; len <= 12; len += 8) {
        assert_int_equal(sid_packet_send(pair[0], packet, len, NULL, 0),
                         SID_OK);
        assert_int_equal(sid_packet_receive(pair[1], &got, sizeof got, soon()),
                         SID_E_ARGUMENT);
    }
    close_pair();
}

static void
nothing_sent_is_a_timeout_and_nobody_there_an_error(void **state) {
    (void)state;
    uint64_t got = 0;
    open_pair();
    assert_int_equal(sid_packet_receive(pair[1], &got, sizeof got, soon()),
                     SID_E_TIMEOUT);
    (void)close(pair[0]);
    assert_int_equal(sid_packet_receive(pair[1], &got, sizeof got, soon()),
                     SID_E_IO);
    assert_int_equal(sid_packet_send(pair[1], &got, sizeof got, NULL, 0),
                     SID_E_IO);
    (void)close(pair[1]);
}

static void
descriptors_come_with_their_packet(void **state) {
    (void)state;
    int pipes[2], fds[2] = {-1, -1};
    char sent = 's', got = 0;
    assert_int_equal(pipe(pipes), 0);
    open_pair();
    assert_int_equal(sid_packet_send(pair[0], &sent, 1, pipes, 2), SID_OK);
    assert_int_equal(sid_packet_receive_with(pair[1], &got, 1, fds, 2), SID_OK);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(pipes[0], &got, 1), 1);
    assert_int_equal(got, 'x');
    assert_true((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    for (int i = 0; i < 2; i++) {
        (void)close(pipes[i]);
        (void)close(fds[i]);
    }
    close_pair();
}

static void
another_number_of_descriptors_is_refused(void **state) {
    (void)state;
    int fds[2] = {-1, -1};
    char byte = 's';
    open_pair();
    assert_int_equal(sid_packet_send(pair[0], &byte, 1, NULL, 0), SID_OK);
    assert_int_equal(sid_packet_receive_with(pair[1], &byte, 1, fds, 1),
                     SID_E_IO);
    assert_int_equal(sid_packet_send(pair[0], "ab", 2, NULL, 0), SID_OK);
    assert_int_equal(sid_packet_receive_with(pair[1], &byte, 1, fds, 0),
                     SID_E_IO);
    (void)close(pair[0]);
    assert_int_equal(sid_packet_receive_with(pair[1], &byte, 1, fds, 0),
                     SID_E_IO);
    (void)close(pair[1]);
}

/* ---- the model pack ------------------------------------------------------ */

static void
a_shared_pack_cannot_be_changed_and_makes_an_engine(void **state) {
    (void)state;
    static const uint8_t bytes[] = "a network";
    struct sid_face_pack pack = {.score_min = 0.5F};
    pack.net[SID_NET_POSE].onnx = bytes;
    pack.net[SID_NET_POSE].onnx_len = sizeof bytes;
    int fd = -1;
    assert_int_equal(sid_pack_share(&pack, &fd), SID_OK);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_ptr_equal(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    struct sid_face_engine *engine = NULL;
    char problem[64] = "";
    assert_int_equal(sid_pack_engine(fd, &engine, problem, sizeof problem),
                     SID_OK);
    assert_non_null(engine);
    sid_face_engine_free(&engine);
    (void)close(fd);
}

static void
a_pack_that_ends_early_is_refused(void **state) {
    (void)state;
    struct sid_face_pack pack = {.score_min = 0.5F};
    struct sid_face_engine *engine = NULL;
    char problem[64] = "", copy[8192];
    int fd = -1;
    pack.net[SID_NET_POSE].onnx = (const uint8_t *)"12345678";
    pack.net[SID_NET_POSE].onnx_len = 8;
    assert_int_equal(sid_pack_share(&pack, &fd), SID_OK);
    ssize_t len = pread(fd, copy, sizeof copy, 0);
    assert_true(len > 8 && len < (ssize_t)sizeof copy);
    (void)close(fd);
    const ssize_t cut[] = {0, 1, len - 8, len - 1};
    for (int i = 0; i < 4; i++) {
        fd = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(write(fd, copy, (size_t)cut[i]), cut[i]);
        assert_int_equal(sid_pack_engine(fd, &engine, problem, sizeof problem),
                         SID_E_IO);
        assert_null(engine);
        (void)close(fd);
    }
}

/* ---- a process that lies ------------------------------------------------- */

/* What the fork in the place of a face process sends back. */
struct lie {
    struct sid_faceproc_answer answer;
    size_t len;
    bool end; /* it just ends */
};

static struct lie
good_answer(void) {
    struct lie lie = {.len = sizeof lie.answer};
    lie.answer.number = 1;
    lie.answer.facts.width_px = lie.answer.facts.height_px = 200;
    memset(lie.answer.facts.sha256, 7, SID_SHA256_BYTES);
    return lie;
}

static void
tell(const struct lie *lie) {
    struct sid_faceproc_request request;
    char bytes[2 * sizeof lie->answer] = {0};
    if (read(pair[1], &request, sizeof request) != sizeof request || lie->end)
        _exit(0);
    memcpy(bytes, &lie->answer, sizeof lie->answer);
    if (write(pair[1], bytes, lie->len) < 0)
        _exit(0);
    for (;;)
        (void)pause();
}

/* Asks such a process about a photo. */
static enum sid_fault
fault_of(const struct lie *lie, struct sid_faceproc *proc, enum sid_err *err,
         struct sid_photo_facts *out) {
    assert_int_equal(sid_faceproc_init(proc), SID_OK);
    open_pair();
    proc->pid = fork();
    assert_true(proc->pid >= 0);
    if (proc->pid == 0)
        tell(lie);
    proc->fd = pair[0];
    (void)close(pair[1]);
    pid_t pid = proc->pid;
    static uint8_t portrait[SID_PORTRAIT_PIXEL_BYTES];
    enum sid_fault fault =
        sid_faceproc_ask(proc, sid_span_of("a photo", 7), SID_PHOTO_ID,
                         INT64_MAX, portrait, err, out);
    for (int i = 0; i < SID_PORTRAIT_PIXEL_BYTES; i++)
        assert_int_equal(proc->buffer[i], 0);
    /* A fault has ended it. */
    assert_int_equal(proc->pid == 0, fault != SID_FAULT_NONE);
    assert_int_equal(kill(pid, 0) == 0, fault == SID_FAULT_NONE);
    return fault;
}

static void
an_answer_that_can_be_is_believed_but_for_the_hash(void **state) {
    (void)state;
    struct sid_faceproc proc;
    struct sid_photo_facts facts = {0};
    enum sid_err err = SID_E_INTERNAL;
    struct lie lie = good_answer();
    assert_int_equal(fault_of(&lie, &proc, &err, &facts), SID_FAULT_NONE);
    assert_int_equal(err, SID_OK);
    assert_int_equal(facts.width_px, 200);
    for (int i = 0; i < SID_SHA256_BYTES; i++)
        assert_int_equal(facts.sha256[i], 0);
    assert_false(proc.spent);
    sid_faceproc_fini(&proc);
}

static void
a_network_that_fails_is_an_error_and_no_fault(void **state) {
    (void)state;
    struct sid_faceproc proc;
    struct sid_photo_facts facts = {0};
    enum sid_err err = SID_OK;
    struct lie lie = good_answer();
    lie.answer.err = SID_E_MODEL;
    assert_int_equal(fault_of(&lie, &proc, &err, &facts), SID_FAULT_NONE);
    assert_int_equal(err, SID_E_MODEL);
    assert_int_equal(facts.width_px, 0);
    sid_faceproc_fini(&proc);
}

static void
a_process_that_has_taken_much_memory_is_spent(void **state) {
    (void)state;
    struct sid_faceproc proc;
    struct sid_photo_facts facts = {0};
    enum sid_err err = SID_OK;
    struct lie lie = good_answer();
    lie.answer.peak_kib = 300 * 1024;
    assert_int_equal(fault_of(&lie, &proc, &err, &facts), SID_FAULT_NONE);
    assert_true(proc.spent);
    sid_faceproc_fini(&proc);
}

static void
assert_fault(const struct lie *lie, enum sid_fault expected) {
    struct sid_faceproc proc;
    struct sid_photo_facts facts = {.faces = -7};
    enum sid_err err = SID_E_INTERNAL;
    enum sid_fault fault = fault_of(lie, &proc, &err, &facts);
    assert_string_equal(sid_fault_name(fault), sid_fault_name(expected));
    assert_int_equal(err, SID_E_INTERNAL);
    assert_int_equal(facts.faces, -7);
    sid_faceproc_fini(&proc);
}

static void
an_answer_that_cannot_be_ends_the_process(void **state) {
    (void)state;
    struct lie lie = good_answer();
    lie.answer.number = 2;
    assert_fault(&lie, SID_FAULT_ANSWER);
    lie = good_answer();
    lie.answer.err = SID_E_STORE;
    assert_fault(&lie, SID_FAULT_ANSWER);
    lie = good_answer();
    lie.answer.err = (enum sid_err)4711;
    assert_fault(&lie, SID_FAULT_ANSWER);
    lie = good_answer();
    lie.answer.facts.liveness = NAN;
    assert_fault(&lie, SID_FAULT_ANSWER);
    lie = good_answer();
    lie.len--;
    assert_fault(&lie, SID_FAULT_ANSWER);
    lie = good_answer();
    lie.len++;
    assert_fault(&lie, SID_FAULT_ANSWER);
}

static void
no_memory_there_and_a_silent_end_are_faults(void **state) {
    (void)state;
    struct lie lie = good_answer();
    lie.answer.err = SID_E_NO_MEMORY;
    assert_fault(&lie, SID_FAULT_MEMORY);
    lie = (struct lie){.end = true};
    assert_fault(&lie, SID_FAULT_CRASH);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_arrives_as_it_was_sent),
        cmocka_unit_test(a_packet_of_another_size_is_refused),
        cmocka_unit_test(nothing_sent_is_a_timeout_and_nobody_there_an_error),
        cmocka_unit_test(descriptors_come_with_their_packet),
        cmocka_unit_test(another_number_of_descriptors_is_refused),
        cmocka_unit_test(a_shared_pack_cannot_be_changed_and_makes_an_engine),
        cmocka_unit_test(a_pack_that_ends_early_is_refused),
        cmocka_unit_test(an_answer_that_can_be_is_believed_but_for_the_hash),
        cmocka_unit_test(a_network_that_fails_is_an_error_and_no_fault),
        cmocka_unit_test(a_process_that_has_taken_much_memory_is_spent),
        cmocka_unit_test(an_answer_that_cannot_be_ends_the_process),
        cmocka_unit_test(no_memory_there_and_a_silent_end_are_faults),
    };
    sid_log_set_level(SID_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
