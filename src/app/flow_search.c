/* flow_search.c: an officer looks for a person (see flow_search.h). Owns the
 * rows until the flow's fini. */
#include "smartid/flow_search.h"

#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/idnumber.h"

enum sid_err
sid_app_number_index(const struct sid_app *app, const char *text,
                     uint8_t out[SID_SHA256_BYTES]) {
    char number[SID_IDNUMBER_SIZE];
    enum sid_err err =
        sid_idnumber_normalise(text, strlen(text), sid_now_s(), number);
    if (err != SID_OK)
        return err;
    struct sid_span span = sid_span_str(number);
    err = sid_mac(sid_keyring_blind(app->keys), &span, 1, out);
    sid_wipe(number, sizeof number);
    return err;
}

/* Any credential of whom is looked for. */
static enum sid_err
find_one(const struct sid_credential_search *search, struct sid_store *store,
         struct sid_credential *out) {
    return search->by_number
               ? sid_store_credential_standing(store, search->id_index,
                                               SID_TYPE_RESIDENT, out)
               : sid_store_credential_get(store, search->credential_id, out);
}

static enum sid_err
audit(const struct sid_credential_search *search, struct sid_store *store,
      const char *event, const char *subject, const char *outcome) {
    return sid_app_audit(store, event, sid_caller_actor(&search->flow.caller),
                         subject, outcome,
                         search->by_number ? "by=number" : "by=credential");
}

/* All that this person has; each is a look at it, and written down so. */
static enum sid_err
take_all(struct sid_credential_search *search, struct sid_store *store,
         const char *enrolment_id) {
    uint64_t after = 0;
    while (search->count < SID_SEARCH_MAX) {
        struct sid_credential_look *look = &search->rows[search->count];
        enum sid_err err = sid_store_credential_next(store, enrolment_id, after,
                                                     &look->credential);
        if (err != SID_OK)
            return err == SID_E_NOT_FOUND ? SID_OK : err;
        search->count++;
        after = look->credential.serial;
        look->flow.app = search->flow.app;
        look->state = sid_life_state(&look->credential.life,
                                     sid_time_s(search->flow.app));
        err = audit(search, store, "credential_viewed", look->credential.id,
                    sid_credential_state_name(look->state));
        if (err != SID_OK)
            return err;
    }
    return SID_OK;
}

static enum sid_err
search_run(struct sid_op *op, struct sid_store *store) {
    struct sid_credential_search *search = (struct sid_credential_search *)op;
    for (; search->count > 0; search->count--)
        sid_credential_look_fini(&search->rows[search->count - 1]);
    struct sid_credential one = {0};
    enum sid_err err = find_one(search, store, &one);
    if (err == SID_OK)
        err = take_all(search, store, one.enrolment_id);
    else if (err == SID_E_NOT_FOUND)
        err = audit(search, store, "credential_searched", "", "none");
    sid_credential_fini(&one);
    return err;
}

void
sid_credential_search_start(struct sid_credential_search *search) {
    if (!sid_flow_admit(&search->flow))
        return;
    search->rows =
        sid_flow_page(&search->flow, SID_SEARCH_MAX, sizeof *search->rows);
    if (search->rows != NULL)
        sid_flow_submit(&search->flow, search_run, sid_flow_end);
}

void
sid_credential_search_fini(struct sid_credential_search *search) {
    for (int i = 0; i < search->count; i++)
        sid_credential_look_fini(&search->rows[i]);
    free(search->rows);
    search->rows = NULL;
    search->count = 0;
    sid_wipe(search->id_index, sizeof search->id_index);
}
