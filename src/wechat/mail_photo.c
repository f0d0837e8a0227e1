/* mail_photo.c: photos of a conversation: fetched, kept, and with both there
 * the enrolment, which goes the way of POST /v1/enrollments. The errand of the
 * last photo ends only when the enrolment is stored: a crash before that begins
 * again with it, under the same idempotency key. Threads: see service.h. */
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "smartid/log.h"
#include "smartid/text.h"

/* ---- the conversation ---------------------------------------------------- */

/* Reads "KIND ROUND MEDIA". Errors: SID_E_SEAL. */
static enum sid_err
read_content(struct wechat_mail *mail, char round[SID_ID_SIZE]) {
    char text[SID_WECHAT_MEDIA_ID_SIZE + 64] = "";
    if (mail->content.len >= sizeof text)
        return SID_E_SEAL;
    memcpy(text, mail->content.ptr, mail->content.len);
    char *at = text;
    const char *kind = strsep(&at, " ");
    const char *of = strsep(&at, " ");
    if (of == NULL || at == NULL ||
        sid_text_copy(round, SID_ID_SIZE, of) != SID_OK)
        return SID_E_SEAL;
    mail->kind = strcmp(kind, sid_photo_kind_name(SID_PHOTO_ID)) == 0
                     ? SID_PHOTO_ID
                     : SID_PHOTO_SELFIE;
    mail->call.op = SID_WECHAT_MEDIA_GET;
    return sid_text_copy(mail->call.param, sizeof mail->call.param, at);
}

/* The conversation that the photo was sent in. Errors: SID_E_NOT_FOUND (it was
 * given up, or another one has begun). */
static enum sid_err
load_chat(struct wechat_mail *mail, struct sid_store *store,
          struct sid_wechat_chat *out) {
    char round[SID_ID_SIZE];
    enum sid_err err = read_content(mail, round);
    if (err == SID_OK)
        err = sid_store_chat_get(store, mail->errand.contact_id, out);
    return err == SID_OK && strcmp(out->round, round) != 0 ? SID_E_NOT_FOUND
                                                           : err;
}

static enum sid_contact_part
part_of(enum sid_photo_kind kind) {
    return kind == SID_PHOTO_ID ? SID_CONTACT_CARD : SID_CONTACT_SELFIE;
}

static enum sid_err
load_photo(struct wechat_mail *mail, struct sid_store *store,
           enum sid_photo_kind kind, struct sid_buf *out) {
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err =
        sid_store_chat_photo_get(store, mail->errand.contact_id, kind, &sealed);
    if (err == SID_OK)
        err = sid_contact_open(mail->wechat->keys, &mail->contact,
                               part_of(kind), sid_buf_span(&sealed), out);
    sid_buf_free(&sealed);
    return err;
}

/* ---- the enrolment ------------------------------------------------------- */

static enum sid_err
fill_submit(struct wechat_mail *mail, const struct sid_wechat_chat *chat,
            const struct wechat_said *said, struct sid_enrol_submit *submit) {
    const struct sid_wechat_account *account =
        &mail->wechat->accounts.item[mail->account];
    struct sid_buf openid = SID_BUF_EMPTY;
    enum sid_err err =
        sid_contact_open(mail->wechat->keys, &mail->contact, SID_CONTACT_OPENID,
                         sid_buf_span(&mail->contact.openid_sealed), &openid);
    if (err == SID_OK && openid.len >= sizeof submit->wechat_openid)
        err = SID_E_SEAL;
    if (err == SID_OK) {
        memcpy(submit->wechat_openid, openid.ptr, openid.len);
        memcpy(submit->wechat_account, account->name,
               sizeof submit->wechat_account);
        memcpy(submit->holder.name, said->name, sizeof said->name);
        memcpy(submit->id_number_text, said->number, sizeof said->number);
        memcpy(submit->consent_version, account->consent_version,
               sizeof submit->consent_version);
        memcpy(submit->idempotency_key, chat->round, sizeof chat->round);
        submit->consent_at_s = said->consent_at_s;
        submit->body_bytes = submit->photo[SID_PHOTO_ID].len +
                             submit->photo[SID_PHOTO_SELFIE].len;
    }
    sid_buf_free(&openid);
    return err;
}

static enum sid_err
load_photos(struct wechat_mail *mail, struct sid_store *store,
            const struct wechat_said *said, struct sid_enrol_submit *submit) {
    enum sid_err err =
        load_photo(mail, store, wechat_said_place(said, SID_PHOTO_ID),
                   &submit->photo[SID_PHOTO_ID]);
    return err == SID_OK ? load_photo(mail, store,
                                      wechat_said_place(said, SID_PHOTO_SELFIE),
                                      &submit->photo[SID_PHOTO_SELFIE])
                         : err;
}

void
wechat_photo_unready(struct wechat_mail *mail) {
    mail->ready = false;
    if (mail->submit == NULL)
        return;
    sid_enrol_submit_fini(mail->submit);
    sid_free_wiped(mail->submit);
    mail->submit = NULL;
}

/* Makes the submission once all is there. */
static enum sid_err
try_complete(struct wechat_mail *mail, struct sid_store *store,
             const struct sid_wechat_chat *chat) {
    if (strcmp(chat->step, STEP_CHECK) != 0)
        return SID_OK;
    struct wechat_said said = {.consent_at_s = 0};
    struct sid_enrol_submit *submit = calloc(1, sizeof *submit);
    if (submit == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err =
        wechat_said_open(mail->wechat->keys, &mail->contact, chat, &said);
    if (err == SID_OK)
        err = load_photos(mail, store, &said, submit);
    if (err == SID_OK)
        err = fill_submit(mail, chat, &said, submit);
    sid_wipe(&said, sizeof said);
    if (err == SID_OK) {
        mail->submit = submit;
        mail->ready = true;
        return SID_OK;
    }
    sid_enrol_submit_fini(submit);
    sid_free_wiped(submit);
    return err == SID_E_NOT_FOUND ? SID_OK : err; /* the other is to come */
}

static void
submit_done(struct sid_flow *flow) {
    struct sid_enrol_submit *submit = (struct sid_enrol_submit *)flow;
    struct wechat_mail *mail = submit->for_channel;
    mail->fate = MAIL_END;
    mail->forget = true;
    switch ((int)flow->err) {
    case SID_OK:
    case SID_E_IDEMPOTENCY_MISMATCH: /* stored before */
    case SID_E_CONFLICT:
        break;
    case SID_E_STORE:
    case SID_E_STORE_FULL:
    case SID_E_STOPPING:
    case SID_E_NO_MEMORY:
        mail->fate = MAIL_BACK;
        break;
    case SID_E_ATTEMPTS:
        mail->also = SID_WT_TOO_OFTEN;
        break;
    default:
        sid_log(SID_LOG_WARN, "wechat_enrolment_refused",
                SID_S("account", mail->errand.account),
                SID_S("code", sid_err_code(flow->err)));
        mail->also = SID_WT_FAILED;
    }
    wechat_mail_close(mail);
}

void
wechat_photo_submit(struct wechat_mail *mail) {
    struct sid_enrol_submit *submit = mail->submit;
    struct sid_app *app = mail->wechat->app;
    const struct sid_attempt attempt = {.route = "/channels/wechat/{account}"};
    int64_t retry_s = 0;
    enum sid_err err = sid_app_resume(
        app, &attempt, mail->wechat->accounts.item[mail->account].client, true,
        &submit->flow.caller, &retry_s);
    if (err == SID_OK)
        err = sid_enrol_reserve(app, submit->body_bytes);
    if (err == SID_OK) {
        submit->flow.app = app;
        submit->flow.done = submit_done;
        submit->for_channel = mail;
        sid_enrol_submit_start(submit);
        return;
    }
    mail->fate = MAIL_BACK;
    if (err == SID_E_UNAUTHENTICATED) {
        sid_log(SID_LOG_ERROR, "wechat_client_refused",
                SID_S("account", mail->errand.account));
        mail->fate = MAIL_END;
        mail->forget = true;
        mail->also = SID_WT_FAILED;
    }
    wechat_mail_close(mail);
}

/* ---- one photo ----------------------------------------------------------- */

enum sid_err
wechat_photo_prepare(struct wechat_mail *mail, struct sid_store *store) {
    struct sid_wechat_chat chat = {.step = ""};
    struct sid_buf there = SID_BUF_EMPTY;
    enum sid_err err = load_chat(mail, store, &chat);
    if (err == SID_OK && mail->errand.attempts > 1) {
        err = load_photo(mail, store, mail->kind, &there);
        mail->fetched = err == SID_OK;
        sid_buf_free(&there);
        if (mail->fetched)
            err = try_complete(mail, store, &chat);
        else if (err == SID_E_NOT_FOUND)
            err = SID_OK;
    }
    sid_wechat_chat_fini(&chat);
    return err;
}

enum sid_err
wechat_photo_keep(struct wechat_mail *mail, struct sid_store *store) {
    struct sid_wechat_chat chat = {.step = ""};
    struct sid_buf sealed = SID_BUF_EMPTY;
    wechat_photo_unready(mail);
    enum sid_err err = load_chat(mail, store, &chat);
    if (err == SID_OK)
        err = sid_contact_seal(mail->wechat->keys, &mail->contact,
                               part_of(mail->kind),
                               sid_buf_span(&mail->call.answer), &sealed);
    if (err == SID_OK)
        err = sid_store_chat_photo_put(store, mail->errand.contact_id,
                                       mail->kind, sid_buf_span(&sealed));
    if (err == SID_OK)
        err = try_complete(mail, store, &chat);
    sid_buf_free(&sealed);
    sid_wechat_chat_fini(&chat);
    return err == SID_E_NOT_FOUND ? SID_OK : err; /* nobody waits for it */
}

enum sid_err
wechat_photo_missing(struct wechat_mail *mail, struct sid_store *store) {
    struct sid_wechat_chat chat = {.step = ""};
    struct wechat_said said = {.consent_at_s = 0};
    enum sid_err err = load_chat(mail, store, &chat);
    if (err == SID_OK)
        err =
            wechat_said_open(mail->wechat->keys, &mail->contact, &chat, &said);
    if (err == SID_OK)
        err = sid_text_copy(chat.step, sizeof chat.step,
                            wechat_said_place(&said, mail->kind) == SID_PHOTO_ID
                                ? STEP_CARD
                                : STEP_SELFIE);
    if (err == SID_OK) {
        chat.updated_at_s = mail->now_s;
        err = sid_store_chat_put(store, &chat);
    } else if (err == SID_E_NOT_FOUND) {
        mail->also = SID_WECHAT_TEXT_COUNT;
        err = SID_OK;
    }
    sid_wipe(&said, sizeof said);
    sid_wechat_chat_fini(&chat);
    return err;
}
