/* test_reply.c: every error has a status, and the service's own affairs stay
 * inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/http/reply.h"

static const struct {
    enum sid_err err;
    unsigned status;
} told[] = {
    {SID_OK, 200},
    {SID_E_BAD_REQUEST, 400},
    {SID_E_BAD_JSON, 400},
    {SID_E_UNAUTHENTICATED, 401},
    {SID_E_FORBIDDEN, 403},
    {SID_E_PURPOSE_FORBIDDEN, 403},
    {SID_E_CSRF, 403},
    {SID_E_ORIGIN, 403},
    {SID_E_NOT_FOUND, 404},
    {SID_E_METHOD, 405},
    {SID_E_NOT_ACCEPTABLE, 406},
    {SID_E_EXISTS, 409},
    {SID_E_CONFLICT, 409},
    {SID_E_REVOKED, 409},
    {SID_E_SUSPENDED, 409},
    {SID_E_REPLACED, 409},
    {SID_E_EXPIRED, 409},
    {SID_E_RECOVERY_LOCKED, 409},
    {SID_E_FACE_TRIES, 409},
    {SID_E_NO_FACE, 409},
    {SID_E_LENGTH_REQUIRED, 411},
    {SID_E_BODY_TOO_LARGE, 413},
    {SID_E_MEDIA_TYPE, 415},
    {SID_E_FIELD_MISSING, 422},
    {SID_E_FIELD_INVALID, 422},
    {SID_E_FIELD_UNKNOWN, 422},
    {SID_E_IDEMPOTENCY_MISMATCH, 422},
    {SID_E_CHALLENGE_REQUIRED, 422},
    {SID_E_SECRET_MODE, 422},
    {SID_E_SECRET_FORMAT, 422},
    {SID_E_HEAD_TOO_LARGE, 431},
    {SID_E_RATE, 429},
    {SID_E_HEAD_TOO_LARGE, 431},
    {SID_E_ATTEMPTS, 429},
    {SID_E_NO_MEMORY, 503},
    {SID_E_CRYPTO, 503},
    {SID_E_QUEUE_FULL, 503},
    {SID_E_STOPPING, 503},
    {SID_E_STORE, 503},
    {SID_E_API_UNREACHABLE, 503},
    {SID_E_API_PAUSED, 503},
    {SID_E_STORE_FULL, 507},
};

static void
every_error_has_its_status_and_the_rest_is_internal(void **state) {
    (void)state;
    for (int e = 0; e < SID_ERR_COUNT; e++) {
        unsigned want = 500;
        for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
            if ((int)told[i].err == e)
                want = told[i].status;
        }
        assert_int_equal(sid_reply_status((enum sid_err)e), want);
    }
}

static void
an_internal_error_does_not_tell_what_it_was(void **state) {
    (void)state;
    for (int e = 0; e < SID_ERR_COUNT; e++) {
        enum sid_err err = (enum sid_err)e;
        enum sid_err want = sid_reply_status(err) == 500 ? SID_E_INTERNAL
                            : err == SID_E_CRYPTO        ? SID_E_NO_MEMORY
                                                         : err;
        assert_int_equal(sid_reply_public(err), want);
    }
    assert_int_equal(sid_reply_public(SID_E_SEAL), SID_E_INTERNAL);
    assert_int_equal(sid_reply_public(SID_E_CODE_MAC), SID_E_INTERNAL);
}

static void
successes_have_their_status(void **state) {
    (void)state;
    assert_int_equal(sid_reply_success(SID_SUCCESS_OK), 200);
    assert_int_equal(sid_reply_success(SID_SUCCESS_CREATED), 201);
    assert_int_equal(sid_reply_success(SID_SUCCESS_ACCEPTED), 202);
    assert_int_equal(sid_reply_success(SID_SUCCESS_NO_CONTENT), 204);
    assert_int_equal(sid_reply_success(SID_SUCCESS_SEE_OTHER), 303);
    assert_int_equal(sid_reply_success(SID_SUCCESS_NOT_MODIFIED), 304);
    assert_int_equal(sid_reply_success(SID_SUCCESS_NOT_READY), 503);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_status_and_the_rest_is_internal),
        cmocka_unit_test(an_internal_error_does_not_tell_what_it_was),
        cmocka_unit_test(successes_have_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
