/* test_deadline.c: what a connection's deadline does to its socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../src/http/deadline.h"

struct pair {
    struct sid_guests guests;
    struct sid_guest *guest;
    int ours, theirs;
};

static int
set_up(void **state) {
    static struct pair pair;
    int fd[2];
    pair = (struct pair){.ours = -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    pair.ours = fd[0];
    pair.theirs = fd[1];
    sid_guests_init(&pair.guests, NULL);
    pair.guest = sid_guest_enter(&pair.guests, pair.ours, 1000);
    assert_non_null(pair.guest);
    *state = &pair;
    return 0;
}

static int
tear_down(void **state) {
    struct pair *pair = *state;
    sid_guest_leave(&pair->guests, pair->guest);
    assert_null(pair->guests.first);
    close(pair->ours);
    if (pair->theirs >= 0)
        close(pair->theirs);
    return 0;
}

/* Whether the other side sees that ours has ended. */
static bool
is_cut(const struct pair *pair) {
    char byte;
    return recv(pair->theirs, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
hang_up(struct pair *pair) {
    assert_int_equal(shutdown(pair->theirs, SHUT_WR), 0);
}

static void
a_head_may_take_until_its_time_and_no_longer(void **state) {
    struct pair *pair = *state;
    sid_guests_sweep(&pair->guests, 1000);
    assert_false(is_cut(pair));
    sid_guests_sweep(&pair->guests, 1001);
    assert_true(is_cut(pair));
    assert_true(pair->guest->shut);
}

static void
bytes_do_not_give_more_time(void **state) {
    struct pair *pair = *state;
    sid_guest_phase(pair->guest, SID_PHASE_BODY, 2000);
    sid_guest_step(pair->guest);
    sid_guests_sweep(&pair->guests, 2000);
    assert_false(is_cut(pair));
    sid_guest_step(pair->guest);
    sid_guests_sweep(&pair->guests, 2001);
    assert_true(is_cut(pair));
}

static void
our_own_work_has_no_limit(void **state) {
    struct pair *pair = *state;
    sid_guest_phase(pair->guest, SID_PHASE_WORK, 0);
    hang_up(pair);
    sid_guests_sweep(&pair->guests, INT64_MAX);
    sid_guests_sweep(&pair->guests, INT64_MAX);
    assert_false(is_cut(pair));
    sid_guest_phase(pair->guest, SID_PHASE_ANSWER, 3000);
    sid_guests_sweep(&pair->guests, 3000);
    assert_false(is_cut(pair));
    sid_guests_sweep(&pair->guests, 3001);
    assert_true(is_cut(pair));
}

static void
a_client_that_hung_up_in_its_body_is_found_at_the_second_look(void **state) {
    struct pair *pair = *state;
    sid_guest_phase(pair->guest, SID_PHASE_BODY, 1000000);
    hang_up(pair);
    sid_guests_sweep(&pair->guests, 1);
    assert_false(is_cut(pair));
    sid_guests_sweep(&pair->guests, 2);
    assert_true(is_cut(pair));
}

static void
the_last_bytes_of_a_half_closed_client_are_waited_for(void **state) {
    struct pair *pair = *state;
    sid_guest_phase(pair->guest, SID_PHASE_BODY, 1000000);
    hang_up(pair);
    sid_guests_sweep(&pair->guests, 1);
    sid_guest_step(pair->guest); /* they have come through */
    sid_guests_sweep(&pair->guests, 2);
    assert_false(is_cut(pair));
    sid_guest_phase(pair->guest, SID_PHASE_WORK, 0);
    sid_guests_sweep(&pair->guests, 3);
    sid_guests_sweep(&pair->guests, 4);
    assert_false(is_cut(pair));
}

static void
a_client_that_waits_is_not_one_that_hung_up(void **state) {
    struct pair *pair = *state;
    sid_guest_phase(pair->guest, SID_PHASE_BODY, 1000000);
    for (int i = 0; i < 5; i++)
        sid_guests_sweep(&pair->guests, i);
    assert_false(is_cut(pair));
    /* Neither is one whose bytes have not been read yet. */
    assert_int_equal(send(pair->theirs, "x", 1, 0), 1);
    hang_up(pair);
    for (int i = 0; i < 5; i++)
        sid_guests_sweep(&pair->guests, i);
    assert_false(is_cut(pair));
}

static void
at_a_stop_a_newcomer_is_expected_and_one_that_was_served_is_not(void **state) {
    struct pair *pair = *state;
    assert_true(sid_guests_expected(&pair->guests));
    sid_guest_phase(pair->guest, SID_PHASE_ANSWER, 2000);
    assert_true(sid_guests_expected(&pair->guests));
    sid_guest_phase(pair->guest, SID_PHASE_HEAD, 2000);
    assert_false(sid_guests_expected(&pair->guests));
    assert_int_equal(send(pair->theirs, "G", 1, 0), 1);
    assert_true(sid_guests_expected(&pair->guests));
}

static void
at_a_stop_a_body_is_expected_and_a_flow_s_request_is_not(void **state) {
    struct pair *pair = *state;
    sid_guest_phase(pair->guest, SID_PHASE_BODY, 2000);
    assert_true(sid_guests_expected(&pair->guests));
    sid_guest_phase(pair->guest, SID_PHASE_WORK, 2000);
    assert_false(sid_guests_expected(&pair->guests));
    sid_guests_dismiss(&pair->guests);
    assert_false(is_cut(pair));
}

static void
at_a_stop_a_newcomer_that_hung_up_is_not_expected(void **state) {
    struct pair *pair = *state;
    hang_up(pair);
    assert_false(sid_guests_expected(&pair->guests));
}

static void
who_is_dismissed_is_cut_and_not_expected(void **state) {
    struct pair *pair = *state;
    sid_guests_dismiss(&pair->guests);
    assert_true(is_cut(pair));
    assert_false(sid_guests_expected(&pair->guests));
}

static void
guests_leave_in_any_order(void **state) {
    struct pair *pair = *state;
    struct sid_guest *guest[4];
    for (int i = 0; i < 4; i++) {
        guest[i] = sid_guest_enter(&pair->guests, pair->ours, 1000);
        assert_non_null(guest[i]);
    }
    static const int order[] = {2, 0, 3, 1};
    for (int i = 0; i < 4; i++)
        sid_guest_leave(&pair->guests, guest[order[i]]);
    assert_ptr_equal(pair->guests.first, pair->guest);
    sid_guest_leave(&pair->guests, NULL);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_head_may_take_until_its_time_and_no_longer),
        T(bytes_do_not_give_more_time),
        T(our_own_work_has_no_limit),
        T(a_client_that_hung_up_in_its_body_is_found_at_the_second_look),
        T(the_last_bytes_of_a_half_closed_client_are_waited_for),
        T(a_client_that_waits_is_not_one_that_hung_up),
        T(at_a_stop_a_newcomer_is_expected_and_one_that_was_served_is_not),
        T(at_a_stop_a_body_is_expected_and_a_flow_s_request_is_not),
        T(at_a_stop_a_newcomer_that_hung_up_is_not_expected),
        T(who_is_dismissed_is_cut_and_not_expected),
        T(guests_leave_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
