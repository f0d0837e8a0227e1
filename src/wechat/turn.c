/* turn.c: a push on its way to its answer (see wechat.h): known already, or
 * taken; then what it asks for, in one transaction or through a flow; then the
 * answer, kept for the copies that may still come. Starts on an io thread, goes
 * on with the writer. */
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/text.h"
#include "text_tame.h"

/* What two deliveries have in common names a person: its keyed hash is kept. */
static enum sid_err
hash_push(const struct sid_wechat_turn *turn, uint8_t out[SID_SHA256_BYTES]) {
    static const char label[] = "smartidd/wechat-push/v1";
    const struct sid_wechat_account *account =
        &turn->wechat->accounts.item[turn->account];
    const struct sid_wechat_push *push = &turn->taken->push;
    char key[SID_WECHAT_DEDUPE_SIZE];
    sid_wechat_dedupe_key(push, key);
    /* Two buttons may be pressed within one second, two codes be scanned. */
    const struct sid_span parts[] = {
        sid_span_of(label, sizeof label),
        sid_span_of(account->name, strlen(account->name) + 1),
        sid_span_of(key, strlen(key) + 1),
        sid_span_of(push->event_key, strlen(push->event_key) + 1),
        sid_span_str(push->scan_result)};
    enum sid_err err = sid_mac(sid_keyring_blind(turn->wechat->keys), parts,
                               sizeof parts / sizeof parts[0], out);
    sid_wipe(key, sizeof key);
    return err;
}

static struct sid_wechat_who
who_of(const struct sid_wechat_turn *turn) {
    return (struct sid_wechat_who){
        turn->wechat->accounts.item[turn->account].name,
        turn->taken->push.from};
}

/* ---- the writer ---------------------------------------------------------- */

/* The answer of the first delivery once more. Of one that is still under way
 * there is none; nor of somebody who has gone since. */
static enum sid_err
answer_again(struct wechat_work *work, struct sid_store *store,
             const struct sid_wechat_seen *seen) {
    struct sid_wechat_turn *turn = work->turn;
    const struct sid_keyring *keys = turn->wechat->keys;
    const struct sid_wechat_who who = who_of(turn);
    if (seen->answer_sealed.len == 0)
        return SID_OK;
    enum sid_err err = sid_contact_find(keys, store, &who, &work->contact);
    if (err == SID_OK)
        err =
            sid_contact_open(keys, &work->contact, SID_CONTACT_ANSWER,
                             sid_buf_span(&seen->answer_sealed), &turn->answer);
    return err == SID_E_NOT_FOUND || err == SID_E_SEAL ? SID_OK : err;
}

/* Keeps the push as taken, with its answer once there is one. run "": it may be
 * taken again. */
static enum sid_err
keep(struct wechat_work *work, struct sid_store *store, bool answered,
     const char *run) {
    const struct sid_wechat_turn *turn = work->turn;
    const struct sid_wechat_who who = who_of(turn);
    struct sid_wechat_contact contact = {.id = ""};
    struct sid_wechat_seen seen = {.answered = answered,
                                   .taken_at_s = work->now_s};
    enum sid_err err = sid_text_copy(seen.run, sizeof seen.run, run);
    /* Whoever was erased meanwhile is somebody new. */
    if (err == SID_OK && turn->answer.len > 0)
        err = sid_contact_take(turn->wechat->keys, store, &who, work->now_s,
                               &contact);
    if (err == SID_OK && turn->answer.len > 0)
        err =
            sid_contact_seal(turn->wechat->keys, &contact, SID_CONTACT_ANSWER,
                             sid_buf_span(&turn->answer), &seen.answer_sealed);
    if (err == SID_OK)
        err = sid_store_push_put(store, work->push, &seen);
    sid_wechat_contact_fini(&contact);
    sid_wechat_seen_fini(&seen);
    return err;
}

/* Who leaves cannot be told anything any more. */
static enum sid_err
leave(struct wechat_work *work, struct sid_store *store) {
    const struct sid_wechat_who who = who_of(work->turn);
    enum sid_err err =
        sid_contact_find(work->turn->wechat->keys, store, &who, &work->contact);
    if (err == SID_OK)
        err = sid_contact_leave(store, &work->contact);
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

/* The conversation, unless it is too old. */
static enum sid_err
load_chat(struct wechat_work *work, struct sid_store *store) {
    enum sid_err err = sid_store_chat_get(store, work->contact.id, &work->chat);
    if (err == SID_OK && strcmp(work->chat.step, STEP_CHECK) != 0 &&
        work->chat.updated_at_s < work->now_s - SID_WECHAT_SILENCE_S) {
        sid_wechat_chat_fini(&work->chat);
        work->expired = true;
        return sid_store_chat_forget(store, work->contact.id);
    }
    if (err == SID_OK)
        err = wechat_said_open(work->turn->wechat->keys, &work->contact,
                               &work->chat, &work->said);
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

static enum sid_err
take_new(struct wechat_work *work, struct sid_store *store) {
    const struct sid_wechat_turn *turn = work->turn;
    const struct sid_wechat_who who = who_of(turn);
    if (turn->taken->push.kind == SID_WECHAT_UNSUBSCRIBE) {
        enum sid_err err = leave(work, store);
        return err == SID_OK ? keep(work, store, true, turn->wechat->run) : err;
    }
    enum sid_err err = sid_contact_take(turn->wechat->keys, store, &who,
                                        work->now_s, &work->contact);
    if (err == SID_OK)
        err =
            sid_contact_holder(store, work->contact.enrolment_id,
                               sid_app_now_s(turn->wechat->app), &work->holder);
    if (err == SID_OK)
        err = load_chat(work, store);
    if (err == SID_OK)
        err = wechat_converse(work, store);
    return err == SID_OK
               ? keep(work, store, work->act == ACT_NONE, turn->wechat->run)
               : err;
}

static void
fini_work(struct wechat_work *work) {
    sid_wechat_contact_fini(&work->contact);
    sid_wechat_chat_fini(&work->chat);
    sid_wipe(&work->said, sizeof work->said);
}

/* What a run before this one has found and said. */
static void
begin_afresh(struct wechat_work *work) {
    struct wechat_work fresh = {
        .turn = work->turn, .paid = work->paid, .refused = work->refused};
    memcpy(fresh.push, work->push, sizeof fresh.push);
    fini_work(work);
    *work = fresh;
    sid_buf_free(&work->turn->answer);
}

static enum sid_err
begin_run(struct sid_op *op, struct sid_store *store) {
    struct sid_wechat_turn *turn = (struct sid_wechat_turn *)op;
    struct wechat_work *work = turn->work;
    struct sid_wechat_seen seen = {.run = ""};
    /* As every key is asked: a clerk's may have been revoked elsewhere. */
    if (!sid_app_knows_clients(turn->wechat->app))
        return SID_E_STORE;
    begin_afresh(work);
    work->now_s = sid_now_s();
    enum sid_err err = sid_store_push_get(store, work->push, &seen);
    /* What an earlier run of the daemon has begun and not ended is begun again:
     * what it does then is the same. */
    work->known = err == SID_OK &&
                  (seen.answered || strcmp(seen.run, turn->wechat->run) == 0);
    if (err == SID_OK || err == SID_E_NOT_FOUND)
        err = work->known ? answer_again(work, store, &seen)
                          : take_new(work, store);
    sid_wechat_seen_fini(&seen);
    return err;
}

static enum sid_err
end_run(struct sid_op *op, struct sid_store *store) {
    struct sid_wechat_turn *turn = (struct sid_wechat_turn *)op;
    return keep(turn->work, store, true, turn->wechat->run);
}

/* The command could not be done: its next copy may try again. */
static enum sid_err
untake_run(struct sid_op *op, struct sid_store *store) {
    struct sid_wechat_turn *turn = (struct sid_wechat_turn *)op;
    sid_buf_clear(&turn->answer);
    return keep(turn->work, store, false, "");
}

/* ---- between ------------------------------------------------------------- */

static void
end(struct sid_wechat_turn *turn, enum sid_err err) {
    if (err == SID_OK)
        atomic_store(&turn->wechat->line[turn->account].idle, false);
    turn->flow.err = err;
    turn->flow.done(&turn->flow);
}

static void
untake_done(struct sid_op *op) {
    struct sid_wechat_turn *turn = (struct sid_wechat_turn *)op;
    end(turn, turn->work->failed);
}

static void
end_done(struct sid_op *op) {
    end((struct sid_wechat_turn *)op, op->err);
}

/* The flow of a command has ended. */
static void
act_done(struct sid_flow *flow) {
    struct wechat_work *work =
        (struct wechat_work *)(void *)((char *)flow -
                                       offsetof(struct wechat_work, u));
    struct sid_wechat_turn *turn = work->turn;
    enum sid_err err = wechat_act_finish(work);
    work->failed = err;
    if (err != SID_OK)
        turn->flow.op = (struct sid_op){.run = untake_run, .done = untake_done};
    else
        turn->flow.op = (struct sid_op){.run = end_run, .done = end_done};
    sid_writer_submit(turn->wechat->writer, &turn->flow.op);
}

static void
begin_done(struct sid_op *op) {
    struct sid_wechat_turn *turn = (struct sid_wechat_turn *)op;
    sid_metric_add(turn->work->known ? SID_M_WECHAT_PUSH_AGAIN
                                     : SID_M_WECHAT_PUSH_TAKEN,
                   1);
    if (op->err == SID_OK && turn->work->act != ACT_NONE)
        wechat_act_start(turn->work, act_done);
    else
        end(turn, op->err);
}

/* ---- io thread ----------------------------------------------------------- */

void
sid_wechat_turn_start(struct sid_wechat_turn *turn) {
    turn->work = calloc(1, sizeof *turn->work);
    enum sid_err err = turn->work == NULL ? SID_E_NO_MEMORY : SID_OK;
    if (err == SID_OK) {
        turn->work->turn = turn;
        err = hash_push(turn, turn->work->push);
    }
    if (err != SID_OK) {
        turn->flow.err = err;
        turn->flow.done(&turn->flow);
        return;
    }
    turn->flow.op = (struct sid_op){.run = begin_run, .done = begin_done};
    sid_writer_submit(turn->wechat->writer, &turn->flow.op);
}

enum sid_err
sid_wechat_turn_reply(const struct sid_wechat_turn *turn, struct sid_buf *out,
                      const char **type) {
    const struct sid_wechat_taken *taken = turn->taken;
    struct sid_buf text = SID_BUF_EMPTY, reply = SID_BUF_EMPTY;
    uint8_t random[SID_WECHAT_RANDOM_BYTES];
    int64_t now_s = sid_now_s();
    if (turn->answer.len == 0) {
        *type = "text/plain; charset=utf-8";
        return sid_buf_append_str(out, SID_WECHAT_SUCCESS);
    }
    enum sid_err err = sid_rand_bytes(random, sizeof random);
    if (err == SID_OK)
        err = sid_buf_append(&text, turn->answer.ptr, turn->answer.len);
    wechat_text_cut(&text);
    if (err == SID_OK)
        err = sid_buf_append(&text, "", 1);
    if (err == SID_OK)
        err = sid_wechat_reply_text(taken->format, &taken->push,
                                    (const char *)text.ptr, now_s, &reply);
    if (err == SID_OK)
        err = sid_wechat_channel_answer(
            turn->wechat->line[turn->account].channel, taken,
            sid_buf_span(&reply), now_s, random, out);
    *type = taken->format == SID_WECHAT_XML ? "text/xml; charset=utf-8"
                                            : "application/json";
    sid_buf_free(&text);
    sid_buf_free(&reply);
    return err;
}

void
sid_wechat_turn_fini(struct sid_wechat_turn *turn) {
    struct wechat_work *work = turn->work;
    if (turn->taken != NULL)
        sid_free_wiped(turn->taken);
    turn->taken = NULL;
    sid_buf_free(&turn->answer);
    if (work == NULL)
        return;
    fini_work(work);
    sid_free_wiped(work);
    turn->work = NULL;
}
