/* fixture.h: a whole app in memory for the flow tests: in-memory store, writer,
 * workers with the fake face engine, and callers of each role. Flows are run to
 * their end on the test's own thread. */
#ifndef SMARTID_TEST_APP_FIXTURE_H
#define SMARTID_TEST_APP_FIXTURE_H

#include "smartid/flow_admin.h"
#include "smartid/flow_credential.h"
#include "smartid/flow_enrol.h"
#include "smartid/flow_keys.h"
#include "smartid/flow_verify.h"

struct fixture {
    char folder[64]; /* of the master key */
    char heads[96];  /* signed heads of the audit log */
    struct sid_config config;
    struct sid_purposes purposes; /* the built-in ones */
    struct sid_master *master;
    struct sid_keyring *keys;
    struct sid_keyset *keyset;
    struct sid_writer *writer;
    struct sid_app *app;
    struct sid_caller app_caller, other_app, clerk, officer, admin;
};

/* The published specimen numbers (GB 11643-1999). */
#define NUMBER_A "11010519491231002X"
#define NUMBER_B "440524188001010014"

struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);

/* A plain PNG in the fake engine's language: person, flaw, photo. */
struct sid_buf fixture_photo(int person, int flaw, int photo);

typedef void flow_start_fn(void *flow);
/* Fills app, caller and done, starts, and waits until done was called. */
void fixture_run(struct fixture *f, struct sid_flow *flow,
                 const struct sid_caller *caller, flow_start_fn *start);

/* Takes settings and purposes over, and waits until they are. */
enum sid_err fixture_reload(struct fixture *f, const struct sid_config *next,
                            const struct sid_purposes *purposes);

/* One enrolment, waited for. Photos of `person` with the flaws given. The
 * caller calls sid_enrol_submit_fini. */
void fixture_enrol(struct fixture *f, struct sid_enrol_submit *submit,
                   const char *number, int id_flaw, int selfie_flaw);
/* The same, but with what the caller has set (idempotency key, wait …). */
void fixture_submit(struct fixture *f, struct sid_enrol_submit *submit,
                    const struct sid_caller *caller);
/* Fills statement and photos without submitting. */
void fixture_fill(struct sid_enrol_submit *submit, const char *number,
                  int id_person, int id_flaw, int selfie_person,
                  int selfie_flaw);

/* Runs a check for the purpose. The caller calls sid_verify_fini. */
void fixture_verify(struct fixture *f, struct sid_verify *verify,
                    const char *code, const char *purpose);
/* The code of a credential, for the app that enrolled. */
void fixture_code(struct fixture *f, const char *credential_id,
                  char out[SID_TOKEN_SIZE]);

/* Last audit row's event and outcome, and how many rows there are. */
struct last_audit {
    int64_t rows;
    char event[64], outcome[64], actor[64], subject[64];
    char detail[SID_PURPOSE_NAMES_SIZE + SID_NETWORKS_TEXT_SIZE];
};
struct last_audit fixture_audit(struct fixture *f);
/* Rows behind `after` as lines "event actor outcome detail\n"; the number of
 * the last one. */
int64_t fixture_audit_text(struct fixture *f, int64_t after, char *out,
                           size_t out_size);
int64_t fixture_photos_stored(struct fixture *f);

#endif
