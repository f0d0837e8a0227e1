/* mail_code.c: "my code" where there are no pages: made when it is sent, so
 * that what waited is as fresh as what did not; uploaded as a picture, sent,
 * and followed by the words that say until when it is good. It lies nowhere but
 * in memory. Threads: see service.h. */
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "smartid/qr.h"
#include "smartid/text.h"

/* Pixels per module. Own choice: 370 pixels across, some 2 kB. */
#define SCALE 10
#define CODE_WORD "code "

struct wechat_code {
    struct sid_credential_code flow; /* first */
    struct wechat_mail *mail;
};

enum sid_err
wechat_code_order(const struct sid_keyring *keys, struct sid_store *store,
                  const struct sid_wechat_contact *contact, int64_t now_s) {
    char operation[SID_ERRAND_OPERATION_SIZE];
    char content[sizeof CODE_WORD + SID_ID_SIZE];
    /* However often it is asked for, one waits. */
    (void)snprintf(operation, sizeof operation, CODE_WORD "%s", contact->id);
    (void)snprintf(content, sizeof content, CODE_WORD "%s",
                   contact->enrolment_id);
    const struct sid_errand_order order = {.operation = operation,
                                           .kind = SID_ERRAND_EVENT,
                                           .content = sid_span_str(content),
                                           .now_s = now_s};
    return sid_contact_order(keys, store, contact, &order);
}

bool
wechat_code_is_asked(const struct wechat_mail *mail) {
    return mail->errand.kind == SID_ERRAND_EVENT &&
           mail->content.len > sizeof CODE_WORD - 1 &&
           memcmp(mail->content.ptr, CODE_WORD, sizeof CODE_WORD - 1) == 0;
}

enum sid_err
wechat_code_prepare(struct wechat_mail *mail, struct sid_store *store) {
    const struct sid_wechat *wechat = mail->wechat;
    const struct sid_wechat_contact *contact = &mail->contact;
    struct sid_span asked =
        sid_span_of(mail->content.ptr + sizeof CODE_WORD - 1,
                    mail->content.len - (sizeof CODE_WORD - 1));
    struct sid_contact_holder holder;
    /* Whoever was parted from it, or is somebody else's holder, gets none. */
    if (!sid_span_eq(asked, sid_span_str(contact->enrolment_id)))
        return SID_E_NOT_FOUND;
    enum sid_err err = sid_contact_holder(store, contact->enrolment_id,
                                          sid_app_now_s(wechat->app), &holder);
    if (err != SID_OK)
        return err;
    if (holder.credential_id[0] == '\0') {
        mail->also = SID_WT_CODE_NONE;
        mail->skip = true;
        return SID_OK;
    }
    struct wechat_code *code = calloc(1, sizeof *code);
    if (code == NULL)
        return SID_E_NO_MEMORY;
    memcpy(code->flow.id, holder.credential_id, sizeof code->flow.id);
    code->flow.kind = SID_TOKEN_DAY;
    sid_contact_caller(&holder, contact->account, &code->flow.flow.caller);
    code->mail = mail;
    mail->code = code;
    return SID_OK;
}

/* The picture, in the place of what is sent. */
static enum sid_err
draw(struct wechat_mail *mail) {
    struct sid_credential_code *flow = &mail->code->flow;
    enum sid_err err = flow->flow.err;
    if (err == SID_OK)
        err = sid_credential_code_finish(flow);
    if (err == SID_OK)
        err = sid_qr_png(flow->code, SID_QR_M, SCALE, &mail->call.body);
    if (err == SID_OK)
        mail->until_s = flow->not_after_s;
    return err;
}

/* Writer's thread, between transactions. */
static void
made(struct sid_flow *flow) {
    struct wechat_mail *mail = ((struct wechat_code *)(void *)flow)->mail;
    enum sid_err err = draw(mail);
    wechat_code_free(&mail->code);
    mail->call.op = SID_WECHAT_MEDIA_UPLOAD;
    mail->fate = MAIL_END;
    switch ((int)err) {
    case SID_OK:
        wechat_mail_call(mail);
        return;
    case SID_E_SUSPENDED:
        mail->also = SID_WT_CODE_STOPPED;
        break;
    case SID_E_NOT_FOUND:
    case SID_E_REVOKED:
    case SID_E_REPLACED:
    case SID_E_EXPIRED:
        mail->also = SID_WT_CODE_NONE;
        break;
    default: /* on our account */
        mail->fate = MAIL_BACK;
    }
    wechat_mail_close(mail);
}

void
wechat_code_start(struct wechat_mail *mail) {
    struct sid_flow *flow = &mail->code->flow.flow;
    flow->app = mail->wechat->app;
    flow->done = made;
    sid_credential_code_start(&mail->code->flow);
}

enum sid_err
wechat_code_uploaded(struct wechat_mail *mail) {
    struct sid_wechat_call next = {.op = SID_WECHAT_SEND_IMAGE};
    memcpy(next.openid, mail->call.openid, sizeof next.openid);
    enum sid_err err =
        sid_text_copy(next.param, sizeof next.param, mail->call.text);
    sid_wechat_call_fini(&mail->call);
    mail->call = next;
    sid_wipe(&next, sizeof next);
    return err == SID_OK ? SID_OK : SID_E_API_ANSWER;
}

void
wechat_code_free(struct wechat_code **code) {
    if (*code == NULL)
        return;
    sid_credential_code_fini(&(*code)->flow);
    sid_free_wiped(*code);
    *code = NULL;
}
