/* Tests of whom an openid of WeChat stands for: contact.c, flow_wechat.c. */
#include "smartid/flow_wechat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "smartid/clock.h"

#define ok(expression) assert_int_equal((expression), SID_OK)
#define OPENID "oPERSON"
#define FLAW_NOT_LIVE 8 /* of src/face/face_fake.c */

static int
setup(void **state) {
    *state = fixture_new();
    return 0;
}

static int
teardown(void **state) {
    fixture_free(*state);
    return 0;
}

static void
start_whois(void *flow) {
    sid_wechat_whois_start(flow);
}

static void
start_clerk(void *flow) {
    sid_wechat_clerk_start(flow);
}

static void
start_erase(void *flow) {
    sid_enrol_erase_start(flow);
}

static struct sid_wechat_whois
whois(struct fixture *f, const char *account, const char *openid) {
    struct sid_wechat_whois w = {.enrolment_id = ""};
    snprintf(w.account, sizeof w.account, "%s", account);
    snprintf(w.openid, sizeof w.openid, "%s", openid);
    fixture_run(f, &w.flow, &f->app_caller, start_whois);
    ok(w.flow.err);
    return w;
}

static enum sid_err
clerk(struct fixture *f, const struct sid_caller *caller, bool part) {
    struct sid_wechat_clerk c = {.part = part, .account = "city"};
    snprintf(c.openid, sizeof c.openid, OPENID);
    fixture_run(f, &c.flow, caller, start_clerk);
    sid_wechat_clerk_fini(&c);
    return c.flow.err;
}

static void
enrol_by_chat(struct fixture *f, struct sid_enrol_submit *submit,
              const char *number) {
    fixture_fill(submit, number, 1, 0, 1, 0);
    snprintf(submit->wechat_account, sizeof submit->wechat_account, "city");
    snprintf(submit->wechat_openid, sizeof submit->wechat_openid, OPENID);
    submit->wait_until_us = INT64_MAX;
    fixture_submit(f, submit, &f->app_caller);
    ok(submit->flow.err);
}

static void
who_enrols_by_chat_is_its_holder_there_and_nowhere_else(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""};
    enrol_by_chat(f, &submit, NUMBER_A);
    struct sid_wechat_whois w = whois(f, "city", OPENID);
    assert_string_equal(w.enrolment_id, submit.enrolment.id);
    assert_string_equal(w.credential_id, submit.enrolment.credential_id);
    assert_string_equal(w.client_id, "");
    /* Which acts as the holder does. */
    struct sid_caller holder = {.role = SID_ROLE_HOLDER,
                                .has_holder_secret = true};
    memcpy(holder.holder_hash, w.holder_hash, sizeof w.holder_hash);
    assert_true(sid_app_holds(f->app, &holder, submit.enrolment.id));
    assert_string_equal(whois(f, "town", OPENID).enrolment_id, "");
    assert_string_equal(whois(f, "city", "oOTHER").enrolment_id, "");
    sid_wechat_whois_fini(&w);
    sid_enrol_submit_fini(&submit);
}

static void
who_has_a_credential_stays_its_holder_whatever_else_is_sent(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit first = {.id_number_text = ""},
                            second = {.id_number_text = ""};
    enrol_by_chat(f, &first, NUMBER_A);
    enrol_by_chat(f, &second, "11010519491231002Y"); /* turned down */
    assert_string_equal(whois(f, "city", OPENID).enrolment_id,
                        first.enrolment.id);
    sid_enrol_submit_fini(&first);
    sid_enrol_submit_fini(&second);
}

static void
who_was_turned_down_is_bound_to_the_next_try(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit first = {.id_number_text = ""},
                            second = {.id_number_text = ""};
    enrol_by_chat(f, &first, "11010519491231002Y");
    enrol_by_chat(f, &second, NUMBER_A);
    assert_string_equal(whois(f, "city", OPENID).enrolment_id,
                        second.enrolment.id);
    sid_enrol_submit_fini(&first);
    sid_enrol_submit_fini(&second);
}

struct look {
    struct sid_op op;
    struct fixture *f;
    int events;
    char content[64], openid[64], operation[SID_ERRAND_OPERATION_SIZE];
};

/* Takes what waits in the outbox, one after the other. */
static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct look *look = (struct look *)op;
    struct sid_errand e = {.seq = 0};
    struct sid_wechat_contact c = {.id = ""};
    struct sid_buf plain = SID_BUF_EMPTY;
    while (sid_store_errand_take(store, "city", INT64_MAX, &e) == SID_OK) {
        look->events++;
        snprintf(look->operation, sizeof look->operation, "%s", e.operation);
        ok(sid_store_contact_get(store, e.contact_id, &c));
        ok(sid_contact_open(look->f->keys, &c, SID_CONTACT_ERRAND,
                            sid_buf_span(&e.content_sealed), &plain));
        snprintf(look->content, sizeof look->content, "%.*s", (int)plain.len,
                 (const char *)plain.ptr);
        sid_buf_free(&plain);
        ok(sid_contact_open(look->f->keys, &c, SID_CONTACT_OPENID,
                            sid_buf_span(&c.openid_sealed), &plain));
        snprintf(look->openid, sizeof look->openid, "%.*s", (int)plain.len,
                 (const char *)plain.ptr);
        sid_buf_free(&plain);
        ok(sid_store_errand_end(store, e.seq));
        sid_errand_fini(&e);
        sid_wechat_contact_fini(&c);
    }
    return SID_OK;
}

static struct look
look_into_the_outbox(struct fixture *f) {
    struct look look = {.op = {.run = look_run}, .f = f};
    ok(sid_writer_run(f->writer, &look.op));
    return look;
}

static void
the_result_waits_in_the_outbox_once(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""},
                            other = {.id_number_text = ""};
    enrol_by_chat(f, &submit, NUMBER_A);
    struct look look = look_into_the_outbox(f);
    assert_int_equal(look.events, 1);
    assert_string_equal(look.content, "approved ");
    assert_string_equal(look.openid, OPENID);
    /* Who enrols by REST is told there. */
    fixture_enrol(f, &other, NUMBER_B, 0, 0);
    assert_int_equal(look_into_the_outbox(f).events, 0);
    sid_enrol_submit_fini(&submit);
    sid_enrol_submit_fini(&other);
}

static void
who_is_turned_down_at_the_door_is_told_the_reason(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""};
    enrol_by_chat(f, &submit, "11010519491231002Y");
    struct look look = look_into_the_outbox(f);
    assert_string_equal(look.content, "rejected id_number_invalid");
    sid_enrol_submit_fini(&submit);
}

static void
what_made_an_officer_look_is_not_told(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""};
    fixture_fill(&submit, NUMBER_A, 1, 0, 1, FLAW_NOT_LIVE);
    snprintf(submit.wechat_account, sizeof submit.wechat_account, "city");
    snprintf(submit.wechat_openid, sizeof submit.wechat_openid, OPENID);
    submit.wait_until_us = INT64_MAX;
    fixture_submit(f, &submit, &f->app_caller);
    ok(submit.flow.err);
    assert_string_equal(look_into_the_outbox(f).content, "review under_review");
    sid_enrol_submit_fini(&submit);
}

static void
a_card_that_will_expire_is_told_of_once(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""};
    struct sid_config config = f->config;
    char expected[40];
    submit.valid_until_s = sid_now_s() + 86400;
    enrol_by_chat(f, &submit, NUMBER_A);
    assert_string_equal(look_into_the_outbox(f).content, "approved ");
    /* Nobody listens there; it makes the daemon look for them. */
    snprintf(config.webhook_url, sizeof config.webhook_url,
             "http://127.0.0.1:9/");
    ok(fixture_reload(f, &config, &f->purposes));
    sid_app_tick(f->app);
    snprintf(expected, sizeof expected, "expiring %lld",
             (long long)submit.valid_until_s);
    assert_string_equal(look_into_the_outbox(f).content, expected);
    sid_app_tick(f->app);
    assert_int_equal(look_into_the_outbox(f).events, 0);
    sid_enrol_submit_fini(&submit);
}

static void
an_erased_person_is_nobody_there_any_more(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""};
    enrol_by_chat(f, &submit, NUMBER_A);
    struct sid_wechat_whois w = whois(f, "city", OPENID);
    struct sid_caller holder = {.role = SID_ROLE_HOLDER,
                                .has_holder_secret = true,
                                .channel = "wechat:city"};
    memcpy(holder.holder_hash, w.holder_hash, sizeof w.holder_hash);
    struct sid_enrol_erase erase = {.cause = SID_ERASE_REQUEST};
    memcpy(erase.id, submit.enrolment.id, sizeof erase.id);
    fixture_run(f, &erase.flow, &holder, start_erase);
    ok(erase.flow.err);
    assert_string_equal(fixture_audit(f).actor, "wechat:city");
    assert_string_equal(whois(f, "city", OPENID).enrolment_id, "");
    assert_int_equal(look_into_the_outbox(f).events, 0);
    sid_enrol_submit_fini(&submit);
}

#define CHATS 40 /* more than are looked at at once */

struct moving {
    struct sid_op op;
    struct fixture *f;
    const char *enrolment_id;
    int stays; /* index; below 0: none */
};

static enum sid_err
moving_run(struct sid_op *op, struct sid_store *store) {
    struct moving *moving = (struct moving *)op;
    const struct sid_keyring *keys = moving->f->keys;
    char openid[CHATS][16];
    struct sid_wechat_who who[CHATS];
    for (int i = 0; i < CHATS; i++) {
        snprintf(openid[i], sizeof openid[i], "o%d", i);
        who[i] = (struct sid_wechat_who){"city", openid[i]};
        ok(sid_contact_bind(keys, store, &who[i], moving->enrolment_id, 5));
    }
    const struct sid_contact_move move = {
        .enrolment_id = moving->enrolment_id,
        .now = moving->stays < 0 ? NULL : &who[moving->stays],
        .operation = "recovered 1",
        .now_s = 6};
    return sid_contact_move(keys, store, &move);
}

static void
on_another_phone_every_chat_is_parted_but_the_one_it_was_done_in(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""};
    struct moving moving = {.op = {.run = moving_run}, .f = f};
    char openid[16];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    moving.enrolment_id = submit.enrolment.id;
    for (moving.stays = 7; moving.stays >= -1; moving.stays -= 8) {
        ok(sid_writer_run(f->writer, &moving.op));
        for (int i = 0; i < CHATS; i++) {
            snprintf(openid, sizeof openid, "o%d", i);
            assert_string_equal(whois(f, "city", openid).enrolment_id,
                                i == moving.stays ? submit.enrolment.id : "");
        }
        struct look look = look_into_the_outbox(f);
        assert_int_equal(look.events, moving.stays < 0 ? CHATS : CHATS - 1);
        assert_string_equal(look.content, "recovered");
        assert_string_equal(fixture_audit(f).outcome, "parted");
    }
    sid_enrol_submit_fini(&submit);
}

static void
a_clerk_who_is_parted_from_their_own_id_stays_a_clerk(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {.id_number_text = ""};
    struct moving moving = {.op = {.run = moving_run}, .f = f, .stays = -1};
    ok(clerk(f, &f->clerk, false));
    enrol_by_chat(f, &submit, NUMBER_A);
    moving.enrolment_id = submit.enrolment.id;
    ok(sid_writer_run(f->writer, &moving.op));
    struct sid_wechat_whois w = whois(f, "city", OPENID);
    assert_string_equal(w.enrolment_id, "");
    assert_string_equal(w.credential_id, "");
    assert_string_equal(w.client_id, f->clerk.client_id);
    sid_enrol_submit_fini(&submit);
}

static void
a_clerk_is_bound_and_parted_and_both_are_recorded(void **state) {
    struct fixture *f = *state;
    assert_int_equal(clerk(f, &f->clerk, true), SID_E_NOT_FOUND);
    ok(clerk(f, &f->clerk, false));
    struct last_audit row = fixture_audit(f);
    assert_string_equal(row.event, "wechat_bound");
    assert_string_equal(row.outcome, "bound");
    assert_string_equal(row.actor, f->clerk.client_id);
    assert_string_equal(row.detail, "city");
    assert_string_equal(whois(f, "city", OPENID).client_id, f->clerk.client_id);
    ok(clerk(f, &f->clerk, true));
    assert_string_equal(fixture_audit(f).outcome, "parted");
    assert_string_equal(whois(f, "city", OPENID).client_id, "");
    assert_int_equal(clerk(f, &f->officer, false), SID_E_FORBIDDEN);
}

static void
nothing_is_taken_while_the_app_stops(void **state) {
    struct fixture *f = *state;
    sid_app_quiesce(f->app);
    struct sid_wechat_whois w = {.account = "city"};
    fixture_run(f, &w.flow, &f->app_caller, start_whois);
    assert_int_equal(w.flow.err, SID_E_STOPPING);
    assert_int_equal(clerk(f, &f->clerk, false), SID_E_STOPPING);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(who_enrols_by_chat_is_its_holder_there_and_nowhere_else),
        T(who_has_a_credential_stays_its_holder_whatever_else_is_sent),
        T(who_was_turned_down_is_bound_to_the_next_try),
        T(the_result_waits_in_the_outbox_once),
        T(who_is_turned_down_at_the_door_is_told_the_reason),
        T(what_made_an_officer_look_is_not_told),
        T(a_card_that_will_expire_is_told_of_once),
        T(an_erased_person_is_nobody_there_any_more),
        T(on_another_phone_every_chat_is_parted_but_the_one_it_was_done_in),
        T(a_clerk_who_is_parted_from_their_own_id_stays_a_clerk),
        T(a_clerk_is_bound_and_parted_and_both_are_recorded),
        T(nothing_is_taken_while_the_app_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
