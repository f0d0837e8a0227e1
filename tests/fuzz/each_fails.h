/* each_fails.h: for unit tests: each call inside that can fail does so in turn,
 * see fail.c. Behind cmocka.h. One thread. */
#ifndef SID_EACH_FAILS_H
#define SID_EACH_FAILS_H

#include "fuzz.h"
#include "smartid/err.h"

/* Runs it until none of its calls is left to fail. */
static inline void
each_call_fails(enum sid_err (*act)(void)) {
    bool failed = true;
    unsigned n = 0;
    while (failed) {
        fuzz_fail_nth(++n);
        enum sid_err err = act();
        failed = fuzz_fail_end();
        if (failed)
            assert_true(err == SID_E_NO_MEMORY || err == SID_E_CRYPTO ||
                        err == SID_E_SEAL || err == SID_E_WRONG_KEY ||
                        err == SID_E_IO);
        else
            assert_int_equal(err, SID_OK);
    }
    assert_true(n > 1); /* something could fail */
}

#endif
