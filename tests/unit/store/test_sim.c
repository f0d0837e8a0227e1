/* Tests of the store in runs that one number decides (sim.h): whatever fails or
 * ends in the middle, what was acknowledged is there, whole, and nothing else.
 *
 * SIM_SEEDS: how many runs (50); SIM_SEED: the first one's; SIM_OPS: operations
 * in each (60). */
#include "sim.h"
#include "smartid/log.h"

enum { SEEDS = 50, OPS = 60, OPS_LONG = 300, REPLAYS = 10 };

static const uint64_t first_seed = 20261126;

static struct sim_plan
plan(int ops) {
    return (struct sim_plan){
        .steps = (int)sim_from_environment("SIM_OPS", (uint64_t)ops),
        .fault_one_in = 12,
        .end_one_in = 24,
        .start_one_in = 2,
        .again_one_in = 6,
    };
}

static void
whatever_fails_the_store_is_what_it_has_acknowledged(void **state) {
    const struct sim_plan p = plan(OPS);
    struct sim_total total =
        sim_run_many(*state, &p, sim_from_environment("SIM_SEED", first_seed),
                     sim_from_environment("SIM_SEEDS", SEEDS));

    assert_int_equal(total.wrong, 0);
    assert_true(total.faults > 0 && total.cuts > 0 && total.kills > 0 &&
                total.starts_hit > 0 && total.again > 0);
}

static void
a_seed_gives_the_same_run_to_the_byte(void **state) {
    static struct sim sim;
    const struct sim_plan p = plan(OPS);
    uint64_t seed = sim_from_environment("SIM_SEED", first_seed);
    struct fixture *f = *state;

    sim_run(&sim, f, &p, seed);
    uint64_t trace = sim.trace;
    for (int i = 1; i < REPLAYS; i++) {
        sim_run(&sim, f, &p, seed);
        assert_true(sim.trace == trace);
    }
    sim_run(&sim, f, &p, seed + 1);
    assert_true(sim.trace != trace);
}

/* That the runs would notice. */
static void
without_syncs_the_runs_find_what_is_lost(void **state) {
    const struct sim_plan p = plan(OPS_LONG);

    sim_disk_pragma = "PRAGMA synchronous=OFF";
    struct sim_total total = sim_run_many(*state, &p, first_seed, 5);
    sim_disk_pragma = NULL;
    assert_int_equal(total.wrong, 5);
}

static void
with_fewer_syncs_they_find_it_too(void **state) {
    const struct sim_plan p = plan(OPS_LONG);

    sim_disk_pragma = "PRAGMA synchronous=NORMAL";
    struct sim_total total = sim_run_many(*state, &p, first_seed, 5);
    sim_disk_pragma = NULL;
    assert_true(total.wrong > 0);
}

int
main(void) {
    sim_disk_install();
    sid_log_set_level(SID_LOG_ALWAYS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_fails_the_store_is_what_it_has_acknowledged),
        cmocka_unit_test(a_seed_gives_the_same_run_to_the_byte),
        cmocka_unit_test(without_syncs_the_runs_find_what_is_lost),
        cmocka_unit_test(with_fewer_syncs_they_find_it_too),
    };

    return cmocka_run_group_tests(tests, sim_group_setup, sim_group_teardown);
}
