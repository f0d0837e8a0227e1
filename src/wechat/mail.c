/* mail.c: the outbox at work: errands are taken in the order of each person,
 * become calls, and end, or wait for a better time.
 *
 * An errand that was taken is with exactly one of the writer, WeChat's client
 * and the app. A message of which nobody can say whether it was shown is not
 * sent again: its reader can ask. What could not be written down (the disk is
 * full) is parked and tried again with the tick. */
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "text_tame.h"

/* Source: WeChat's window for messages, 48 h after the user's last one, and how
 * long it keeps a photo, 3 days (reference/wechat.md sections 3 and 6). */
#define SEND_FOR_S ((int64_t)48 * 3600)
#define FETCH_FOR_S ((int64_t)72 * 3600)
/* Waits between attempts, doubling. Own choice. */
#define WAIT_S 2
#define WAIT_MAX_S 120

/* What was taken out of the store. */
static void
fini_taken(struct wechat_mail *mail) {
    sid_wechat_call_fini(&mail->call);
    sid_errand_fini(&mail->errand);
    sid_wechat_contact_fini(&mail->contact);
    sid_buf_free(&mail->content);
    wechat_code_free(&mail->code);
    wechat_photo_unready(mail);
}

static void
release(struct wechat_mail *mail) {
    struct sid_wechat *wechat = mail->wechat;
    size_t account = mail->account;
    fini_taken(mail);
    sid_free_wiped(mail);
    atomic_fetch_sub(&wechat->line[account].under_way, 1);
}

/* ---- the end of an errand ------------------------------------------------ */

/* Words that follow an errand. */
static enum sid_err
say_also(struct wechat_mail *mail, struct sid_store *store) {
    struct sid_buf text = SID_BUF_EMPTY;
    char operation[SID_ERRAND_OPERATION_SIZE];
    (void)snprintf(operation, sizeof operation, "also %lld",
                   (long long)mail->errand.seq);
    char until[WECHAT_TIME_SIZE];
    wechat_time_text(mail->until_s, until);
    const struct sid_wechat_fill fill[] = {{"until", until}, {NULL, NULL}};
    enum sid_err err =
        wechat_say(mail->wechat, mail->account, mail->also, fill, &text);
    const struct sid_errand_order order = {.operation = operation,
                                           .kind = SID_ERRAND_TEXT,
                                           .content = sid_buf_span(&text),
                                           .now_s = mail->now_s};
    if (err == SID_OK)
        err = sid_contact_order(mail->wechat->keys, store, &mail->contact,
                                &order);
    sid_buf_free(&text);
    return err;
}

/* Reads the contact again: its key may be wrapped anew by now. Whoever was
 * forgotten meanwhile took everything with them. */
static bool
still_there(struct wechat_mail *mail, struct sid_store *store) {
    sid_wechat_contact_fini(&mail->contact);
    return sid_store_contact_get(store, mail->errand.contact_id,
                                 &mail->contact) == SID_OK;
}

static enum sid_err
close_run(struct sid_op *op, struct sid_store *store) {
    struct wechat_mail *mail = (struct wechat_mail *)op;
    enum sid_err err = SID_OK;
    mail->now_s = sid_now_s();
    if (mail->fate == MAIL_BACK) {
        int64_t wait_s = WAIT_S;
        for (int i = 1; i < mail->errand.attempts && wait_s < WAIT_MAX_S; i++)
            wait_s *= 2;
        return sid_store_errand_back(
            store, mail->errand.seq,
            mail->now_s + (wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S));
    }
    bool there =
        mail->also != SID_WECHAT_TEXT_COUNT && still_there(mail, store);
    if (there && mail->missing)
        err = wechat_photo_missing(mail, store);
    if (err == SID_OK && there && mail->also != SID_WECHAT_TEXT_COUNT)
        err = say_also(mail, store);
    if (err == SID_OK && mail->forget)
        err = sid_store_chat_forget(store, mail->errand.contact_id);
    return err == SID_OK ? sid_store_errand_end(store, mail->errand.seq) : err;
}

static void
park(struct wechat_mail *mail) {
    struct sid_wechat *wechat = mail->wechat;
    pthread_mutex_lock(&wechat->lock);
    mail->next = wechat->parked;
    wechat->parked = mail;
    pthread_mutex_unlock(&wechat->lock);
}

static void
close_done(struct sid_op *op) {
    struct wechat_mail *mail = (struct wechat_mail *)op;
    struct sid_wechat *wechat = mail->wechat;
    size_t account = mail->account;
    bool more = mail->fate == MAIL_END;
    if (op->err != SID_OK && !atomic_load(&wechat->stopping)) {
        park(mail);
        return;
    }
    release(mail);
    if (more)
        wechat_mail_next(wechat, account);
}

void
wechat_mail_close(struct wechat_mail *mail) {
    mail->op = (struct sid_op){.run = close_run, .done = close_done};
    sid_writer_submit(mail->wechat->writer, &mail->op);
}

void
wechat_mail_unpark(struct sid_wechat *wechat) {
    pthread_mutex_lock(&wechat->lock);
    struct wechat_mail *mail = wechat->parked;
    wechat->parked = NULL;
    pthread_mutex_unlock(&wechat->lock);
    while (mail != NULL) {
        struct wechat_mail *next = mail->next;
        if (atomic_load(&wechat->stopping))
            release(mail);
        else
            wechat_mail_close(mail);
        mail = next;
    }
}

/* ---- what has come of a call --------------------------------------------- */

/* Whether another attempt may succeed. */
static bool
may_pass(const struct sid_wechat_call *call) {
    enum sid_err err = call->err;
    return (err == SID_E_API_REFUSED &&
            sid_wechat_errcode_of_account(call->errcode)) ||
           err == SID_E_API_UNREACHABLE || err == SID_E_API_PAUSED ||
           err == SID_E_TIMEOUT || err == SID_E_STOPPING ||
           err == SID_E_QUEUE_FULL || err == SID_E_NO_MEMORY;
}

static bool
too_old(const struct wechat_mail *mail) {
    int64_t limit_s =
        mail->errand.kind == SID_ERRAND_FETCH ? FETCH_FOR_S : SEND_FOR_S;
    return sid_now_s() - mail->errand.made_at_s > limit_s;
}

static void
judge_sent(struct wechat_mail *mail) {
    const struct sid_wechat_call *call = &mail->call;
    bool again = may_pass(call) && !call->maybe_done && !too_old(mail);
    mail->fate = again ? MAIL_BACK : MAIL_END;
    if (call->op == SID_WECHAT_SEND_IMAGE &&
        (call->err == SID_OK || call->maybe_done))
        mail->also = SID_WT_CODE_UNTIL;
    sid_metric_add(call->err == SID_OK ? SID_M_WECHAT_SENT
                   : again             ? SID_M_WECHAT_SEND_LATER
                   : call->maybe_done  ? SID_M_WECHAT_SEND_UNKNOWN
                                       : SID_M_WECHAT_SEND_FAILED,
                   1);
    if (call->err != SID_OK && !again)
        sid_log(SID_LOG_WARN, "wechat_not_told",
                SID_S("account", mail->errand.account),
                SID_S("why", call->maybe_done ? "unknown"
                             : sid_wechat_errcode_window_closed(call->errcode)
                                 ? "48_hours_over"
                             : sid_wechat_errcode_quota_used(call->errcode)
                                 ? "quota_used"
                                 : sid_err_code(call->err)));
    wechat_mail_close(mail);
}

static enum sid_err
keep_run(struct sid_op *op, struct sid_store *store) {
    return wechat_photo_keep((struct wechat_mail *)op, store);
}

static void
keep_done(struct sid_op *op) {
    struct wechat_mail *mail = (struct wechat_mail *)op;
    sid_buf_free(&mail->call.answer);
    if (op->err == SID_OK && mail->ready) {
        wechat_photo_submit(mail);
        return;
    }
    mail->fate = op->err == SID_OK ? MAIL_END : MAIL_BACK;
    wechat_mail_close(mail);
}

static void
judge_fetched(struct wechat_mail *mail) {
    enum sid_err err = mail->call.err;
    bool again = may_pass(&mail->call) && !too_old(mail);
    sid_metric_add(err == SID_OK ? SID_M_WECHAT_FETCHED
                   : again       ? SID_M_WECHAT_FETCH_LATER
                                 : SID_M_WECHAT_FETCH_FAILED,
                   1);
    if (err == SID_OK) {
        mail->op = (struct sid_op){.run = keep_run, .done = keep_done};
        sid_writer_submit(mail->wechat->writer, &mail->op);
        return;
    }
    mail->fate = again ? MAIL_BACK : MAIL_END;
    mail->missing = !again;
    if (mail->missing)
        mail->also = SID_WT_PHOTO_AGAIN;
    wechat_mail_close(mail);
}

/* What has failed, or a message. */
static void
judge(struct wechat_mail *mail) {
    if (mail->errand.kind == SID_ERRAND_FETCH)
        judge_fetched(mail);
    else
        judge_sent(mail);
}

static void call_done(struct sid_wechat_call *call);

static enum sid_err
hand_over(struct wechat_mail *mail) {
    if (atomic_load(&mail->wechat->stopping))
        return SID_E_STOPPING;
    mail->call.account = mail->account;
    mail->call.done = call_done;
    return sid_wechat_api_submit(mail->wechat->api, &mail->call);
}

/* An upload may be repeated: nobody has seen it. */
static void
judge_uploaded(struct wechat_mail *mail) {
    enum sid_err err = mail->call.err;
    if (err == SID_OK)
        err = wechat_code_uploaded(mail);
    if (err == SID_OK)
        err = hand_over(mail);
    if (err == SID_OK)
        return;
    mail->call.err = err;
    mail->call.maybe_done = false;
    judge_sent(mail);
}

/* The client's thread. */
static void
call_done(struct sid_wechat_call *call) {
    struct wechat_mail *mail =
        (struct wechat_mail *)(void *)((char *)call -
                                       offsetof(struct wechat_mail, call));
    if (call->op == SID_WECHAT_MEDIA_UPLOAD)
        judge_uploaded(mail);
    else
        judge(mail);
}

void
wechat_mail_call(struct wechat_mail *mail) {
    enum sid_err err = hand_over(mail);
    if (err == SID_OK)
        return;
    mail->call.err = err;
    judge(mail);
}

/* ---- taking -------------------------------------------------------------- */

/* What is sent, and to whom. Nothing to say: skip. */
static enum sid_err
prepare_send(struct wechat_mail *mail, struct sid_store *store) {
    const struct sid_keyring *keys = mail->wechat->keys;
    struct sid_buf openid = SID_BUF_EMPTY;
    mail->call.op = SID_WECHAT_SEND_TEXT;
    enum sid_err err =
        sid_contact_open(keys, &mail->contact, SID_CONTACT_OPENID,
                         sid_buf_span(&mail->contact.openid_sealed), &openid);
    if (err == SID_OK && openid.len < sizeof mail->call.openid)
        memcpy(mail->call.openid, openid.ptr, openid.len);
    sid_buf_free(&openid);
    if (err == SID_OK && mail->errand.kind == SID_ERRAND_TEXT)
        return sid_buf_append(&mail->call.body, mail->content.ptr,
                              mail->content.len);
    if (err == SID_OK && wechat_code_is_asked(mail))
        return wechat_code_prepare(mail, store);
    if (err == SID_OK)
        err = sid_buf_append(&mail->content, "", 1);
    if (err == SID_OK)
        err =
            wechat_say_event(mail->wechat, mail->account,
                             (const char *)mail->content.ptr, &mail->call.body);
    mail->skip = err == SID_OK && mail->call.body.len == 0;
    wechat_text_cut(&mail->call.body);
    return err;
}

static enum sid_err
prepare(struct wechat_mail *mail, struct sid_store *store) {
    enum sid_err err =
        sid_store_contact_get(store, mail->errand.contact_id, &mail->contact);
    if (err == SID_OK)
        err = sid_contact_open(
            mail->wechat->keys, &mail->contact, SID_CONTACT_ERRAND,
            sid_buf_span(&mail->errand.content_sealed), &mail->content);
    if (err == SID_OK)
        err = mail->errand.kind == SID_ERRAND_FETCH
                  ? wechat_photo_prepare(mail, store)
                  : prepare_send(mail, store);
    return err;
}

static enum sid_err
take_run(struct sid_op *op, struct sid_store *store) {
    struct wechat_mail *mail = (struct wechat_mail *)op;
    fini_taken(mail);
    mail->skip = mail->fetched = false;
    mail->also = SID_WECHAT_TEXT_COUNT;
    mail->waiting = -1;
    mail->now_s = sid_now_s();
    enum sid_err err =
        mail->look ? sid_store_errand_count(store, &mail->waiting) : SID_OK;
    if (err != SID_OK)
        return err;
    err = sid_store_errand_take(store,
                                mail->wechat->accounts.item[mail->account].name,
                                mail->now_s, &mail->errand);
    if (err != SID_OK)
        return err;
    err = prepare(mail, store);
    if (err == SID_E_SEAL || err == SID_E_NOT_FOUND) {
        mail->skip = true; /* nobody can read it, or nobody waits for it */
        err = SID_OK;
    }
    return err;
}

static void
take_done(struct sid_op *op) {
    struct wechat_mail *mail = (struct wechat_mail *)op;
    struct sid_wechat *wechat = mail->wechat;
    size_t account = mail->account;
    if (mail->waiting >= 0)
        sid_metric_set(SID_M_WECHAT_OUTBOX, mail->waiting);
    if (op->err != SID_OK) {
        if (op->err == SID_E_NOT_FOUND)
            atomic_store(&wechat->line[account].idle, true);
        release(mail);
        return;
    }
    if (mail->skip || (mail->fetched && !mail->ready))
        wechat_mail_close(mail);
    else if (mail->ready)
        wechat_photo_submit(mail);
    else if (mail->code != NULL)
        wechat_code_start(mail);
    else
        wechat_mail_call(mail);
    wechat_mail_next(wechat, account);
}

static void
next(struct sid_wechat *wechat, size_t account, bool look) {
    struct wechat_line *line = &wechat->line[account];
    if (atomic_load(&wechat->stopping))
        return;
    if (atomic_fetch_add(&line->under_way, 1) >= MAIL_AT_ONCE) {
        atomic_fetch_sub(&line->under_way, 1);
        return;
    }
    struct wechat_mail *mail = calloc(1, sizeof *mail);
    if (mail == NULL) {
        atomic_fetch_sub(&line->under_way, 1);
        return;
    }
    mail->op = (struct sid_op){.run = take_run, .done = take_done};
    mail->wechat = wechat;
    mail->account = account;
    mail->look = look;
    sid_writer_submit(wechat->writer, &mail->op);
}

void
wechat_mail_next(struct sid_wechat *wechat, size_t account) {
    next(wechat, account, false);
}

void
wechat_mail_look(struct sid_wechat *wechat, size_t account) {
    next(wechat, account, true);
}
