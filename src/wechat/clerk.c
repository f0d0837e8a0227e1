/* clerk.c: a clerk scans a resident's code from the menu and is answered in the
 * chat: for which purpose, and what the check says. The same rules and the same
 * record as over REST. Writer's thread; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "service.h"
#include "smartid/idnumber.h"
#include "smartid/text.h"

/* Whom the openid stands for, as if the key were shown from an address that no
 * network has: one that is bound to networks does not reach here. */
static bool
take_caller(struct wechat_work *work) {
    const struct sid_attempt attempt = {.route = "/channels/wechat/{account}"};
    struct sid_app *app = work->turn->wechat->app;
    int64_t retry_s = 0;
    if (work->contact.client_id[0] == '\0' || work->refused)
        return false;
    /* A refusal is counted and written down: once, however often this runs. */
    work->refused = sid_app_resume(app, &attempt, work->contact.client_id,
                                   false, &work->clerk, &retry_s) != SID_OK;
    return !work->refused && work->clerk.role == SID_ROLE_CLERK;
}

/* What may be asked for here: granted to the clerk, allowed to the account, and
 * without a counter, for there is none. */
static bool
may_ask(const struct wechat_work *work, const struct sid_purpose *purpose) {
    const struct sid_wechat_account *account =
        &work->turn->wechat->accounts.item[work->turn->account];
    uint64_t allowed = sid_purposes_resolve(work->clerk.purpose_set,
                                            account->purposes, NULL, NULL) &
                       work->clerk.purposes;
    return !purpose->counter_required &&
           (allowed & sid_purposes_bit(work->clerk.purpose_set, purpose)) != 0;
}

/* The nth of those, from 1; NULL: there are fewer. */
static const struct sid_purpose *
nth(const struct wechat_work *work, int n) {
    const struct sid_purposes *set = work->clerk.purpose_set;
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (may_ask(work, &set->item[i]) && --n == 0)
            return &set->item[i];
    }
    return NULL;
}

static enum sid_err
say(struct wechat_work *work, enum sid_wechat_text text) {
    return wechat_say(work->turn->wechat, work->turn->account, text, NULL,
                      &work->turn->answer);
}

/* Lists them, and waits for a number. */
static enum sid_err
ask_purpose(struct wechat_work *work, struct sid_store *store) {
    struct sid_buf list = SID_BUF_EMPTY;
    struct sid_wechat_chat chat = {.step = STEP_PURPOSE,
                                   .updated_at_s = work->now_s};
    memcpy(chat.contact_id, work->contact.id, sizeof chat.contact_id);
    enum sid_err err = SID_OK;
    for (int i = 1; err == SID_OK && nth(work, i) != NULL; i++)
        err = sid_buf_printf(&list, "%s%d %s", i > 1 ? "\n" : "", i,
                             nth(work, i)->name);
    if (err == SID_OK)
        err = sid_buf_append(&list, "", 1);
    if (err == SID_OK)
        err = sid_store_chat_forget(store, work->contact.id);
    if (err == SID_OK)
        err = sid_store_chat_put(store, &chat);
    if (err == SID_OK) {
        const struct sid_wechat_fill fill[] = {
            {"purposes", (const char *)list.ptr}, {NULL, NULL}};
        err = wechat_say(work->turn->wechat, work->turn->account,
                         SID_WT_CLERK_PURPOSE, fill, &work->turn->answer);
    }
    sid_buf_free(&list);
    return err;
}

enum sid_err
wechat_clerk_scans(struct wechat_work *work, struct sid_store *store) {
    int64_t retry_s = 0;
    if (!take_caller(work))
        return say(work, SID_WT_CLERK_NOT);
    if (nth(work, 1) == NULL)
        return say(work, SID_WT_CLERK_NOTHING);
    const struct sid_purpose *purpose =
        sid_purposes_find(work->clerk.purpose_set, work->contact.purpose);
    if (nth(work, 2) == NULL)
        purpose = nth(work, 1);
    if (purpose == NULL || !may_ask(work, purpose))
        return ask_purpose(work, store);
    if (!work->paid && sid_app_within_quota(work->turn->wechat->app,
                                            &work->clerk, &retry_s) != SID_OK)
        return say(work, SID_WT_CLERK_UNKNOWN);
    work->paid = true;
    work->purpose = purpose;
    work->act = ACT_VERIFY;
    return SID_OK;
}

enum sid_err
wechat_clerk_chooses(struct wechat_work *work, struct sid_store *store,
                     const char *content) {
    int64_t number = 0;
    if (!take_caller(work))
        return say(work, SID_WT_CLERK_NOT);
    const struct sid_purpose *purpose =
        sid_text_number(content, 1, SID_PURPOSES_MAX, &number) == SID_OK
            ? nth(work, (int)number)
            : NULL;
    if (purpose == NULL)
        return ask_purpose(work, store);
    memcpy(work->contact.purpose, purpose->name, sizeof purpose->name);
    enum sid_err err = sid_store_contact_change(store, &work->contact);
    if (err == SID_OK)
        err = sid_store_chat_forget(store, work->contact.id);
    const struct sid_wechat_fill fill[] = {{"purpose", purpose->name},
                                           {NULL, NULL}};
    return err == SID_OK
               ? wechat_say(work->turn->wechat, work->turn->account,
                            SID_WT_CLERK_CHOSEN, fill, &work->turn->answer)
               : err;
}

enum sid_err
wechat_clerk_changes(struct wechat_work *work, struct sid_store *store) {
    if (!take_caller(work))
        return say(work, SID_WT_CLERK_NOT);
    return nth(work, 1) == NULL ? say(work, SID_WT_CLERK_NOTHING)
                                : ask_purpose(work, store);
}

void
wechat_clerk_start(struct wechat_work *work) {
    struct sid_verify *verify = &work->u.verify;
    const char *result = work->turn->taken->push.scan_result;
    struct sid_span code = sid_token_strip(result, strlen(result));
    verify->flow.caller = work->clerk;
    verify->purpose = work->purpose;
    verify->code_len =
        code.len < sizeof verify->code ? code.len : sizeof verify->code - 1;
    memcpy(verify->code, code.ptr, verify->code_len);
    sid_verify_start(verify);
}

/* ---- the answer ---------------------------------------------------------- */

static enum sid_err
add_line(struct sid_buf *to, const char *text) {
    return sid_buf_printf(to, "%s%s", to->len > 0 ? "\n" : "", text);
}

/* What the number tells, as far as the purpose may know it. */
static enum sid_err
add_from_number(const struct sid_verify *verify, struct sid_buf *to) {
    const char *number = verify->holder.id_number;
    uint32_t may = verify->purpose->attributes;
    char masked[SID_IDNUMBER_SIZE];
    enum sid_err err = SID_OK;
    if ((may & SID_ATTR_ID_NUMBER) != 0)
        err = add_line(to, number);
    if (err == SID_OK && (may & SID_ATTR_ID_NUMBER_MASKED) != 0) {
        sid_idnumber_mask(number, masked);
        err = add_line(to, masked);
    }
    if (err == SID_OK && (may & SID_ATTR_BIRTH_DATE) != 0) {
        struct sid_birth_date birth = sid_idnumber_birth(number);
        err = sid_buf_printf(to, "%s%04d-%02d-%02d", to->len > 0 ? "\n" : "",
                             birth.year, birth.month, birth.day);
    }
    if (err == SID_OK && (may & SID_ATTR_AGE_OVER_18) != 0)
        err = add_line(to, sid_idnumber_age(number, verify->checked_at_s) >= 18
                               ? "≥18"
                               : "<18");
    if (err == SID_OK && (may & SID_ATTR_SEX) != 0)
        err = add_line(to, sid_idnumber_sex(number) == 'M' ? "男" : "女");
    return err;
}

static enum sid_err
add_holder(const struct sid_verify *verify, struct sid_buf *to) {
    uint32_t may = verify->purpose->attributes;
    char masked[SID_NAME_SIZE];
    enum sid_err err = SID_OK;
    if ((may & SID_ATTR_NAME) != 0)
        err = add_line(to, verify->holder.name);
    if (err == SID_OK && (may & SID_ATTR_NAME_MASKED) != 0) {
        sid_name_mask(verify->holder.name, masked);
        err = add_line(to, masked);
    }
    if (err == SID_OK)
        err = add_from_number(verify, to);
    /* Nothing may be told but that it is valid. */
    return err == SID_OK && to->len == 0 ? add_line(to, verify->purpose->name)
                                         : err;
}

enum sid_err
wechat_clerk_finish(struct wechat_work *work) {
    struct sid_verify *verify = &work->u.verify;
    struct sid_wechat_turn *turn = work->turn;
    struct sid_buf holder = SID_BUF_EMPTY;
    enum sid_err err = verify->flow.err;
    if (err == SID_OK)
        err = sid_verify_finish(verify);
    if (err != SID_OK)
        return say(work, SID_WT_CLERK_UNKNOWN);
    if (!verify->valid)
        return say(work,
                   verify->expired ? SID_WT_CLERK_EXPIRED : SID_WT_CLERK_BAD);
    err = add_holder(verify, &holder);
    if (err == SID_OK)
        err = sid_buf_append(&holder, "", 1);
    if (err == SID_OK) {
        const struct sid_wechat_fill fill[] = {
            {"holder", (const char *)holder.ptr}, {NULL, NULL}};
        err = wechat_say(turn->wechat, turn->account, SID_WT_CLERK_VALID, fill,
                         &turn->answer);
    }
    sid_buf_free(&holder);
    return err;
}
