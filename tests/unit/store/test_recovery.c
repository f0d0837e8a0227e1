/* Tests of faults in a recovery (sim.h): the power is cut or the process killed
 * in the middle of its work, and the starts that follow meet a disk that fails,
 * memory that runs out, or another cut.
 *
 * RECOVERY_SEEDS: how many (40); RECOVERY_SEED: the first one. */
#include "sim.h"
#include "smartid/log.h"

enum { SEEDS = 40, OPS = 30 };

static const uint64_t first_seed = 20261126;

/* Nothing fails before the cut, so that each run has much to recover. */
static struct sim_plan
plan(void) {
    return (struct sim_plan){
        .steps = OPS, .start_one_in = 1, .cut_at_end = true};
}

static void
a_fault_in_a_recovery_loses_nothing_that_was_acknowledged(void **state) {
    const struct sim_plan p = plan();
    struct sim_total total = sim_run_many(
        *state, &p, sim_from_environment("RECOVERY_SEED", first_seed),
        sim_from_environment("RECOVERY_SEEDS", SEEDS));

    assert_int_equal(total.wrong, 0);
    assert_true(total.faults > 0 && total.cuts > 0 && total.kills > 0);
}

/* That it would notice. */
static void
without_syncs_it_is_found(void **state) {
    const struct sim_plan p = plan();

    sim_disk_pragma = "PRAGMA synchronous=OFF";
    struct sim_total total = sim_run_many(*state, &p, first_seed, SEEDS);
    sim_disk_pragma = NULL;
    assert_true(total.wrong > 0);
}

int
main(void) {
    sim_disk_install();
    sid_log_set_level(SID_LOG_ALWAYS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_fault_in_a_recovery_loses_nothing_that_was_acknowledged),
        cmocka_unit_test(without_syncs_it_is_found),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
