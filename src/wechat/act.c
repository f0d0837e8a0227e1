/* act.c: commands that go through the flows of the app, as the holder whom the
 * openid is bound to: the same rules and records as over REST. Begun and worded
 * on the writer's thread, between transactions. */
#include <string.h>

#include "service.h"
#include "smartid/audit.h"

/* Checks that are listed. Own choice: what a message has room for. */
#define CHECKS_SHOWN 5

static void
start_change(struct wechat_work *work, enum sid_change change) {
    work->u.change.change = change;
    memcpy(work->u.change.look.id, work->holder.credential_id,
           sizeof work->u.change.look.id);
    sid_credential_change_start(&work->u.change);
}

void
wechat_act_start(struct wechat_work *work,
                 void (*then)(struct sid_flow *flow)) {
    struct sid_wechat_turn *turn = work->turn;
    struct sid_flow *flow = &work->u.flow;
    flow->app = turn->wechat->app;
    flow->done = then;
    sid_contact_caller(&work->holder,
                       turn->wechat->accounts.item[turn->account].name,
                       &flow->caller);
    switch (work->act) {
    case ACT_SUSPEND:
        start_change(work, SID_CHANGE_SUSPEND);
        break;
    case ACT_RESUME:
        start_change(work, SID_CHANGE_RESUME);
        break;
    case ACT_ASKED:
        work->u.list.limit = CHECKS_SHOWN;
        memcpy(work->u.list.credential_id, work->holder.credential_id,
               sizeof work->u.list.credential_id);
        sid_check_list_start(&work->u.list);
        break;
    case ACT_ERASE:
        work->u.erase.cause = SID_ERASE_REQUEST;
        memcpy(work->u.erase.id, work->holder.enrolment_id,
               sizeof work->u.erase.id);
        sid_enrol_erase_start(&work->u.erase);
        break;
    case ACT_VERIFY:
        wechat_clerk_start(work);
        break;
    case ACT_NONE:
        SID_ASSERT(false);
    }
}

/* ---- wording ------------------------------------------------------------- */

static enum sid_err
add_check(const struct wechat_work *work, const struct sid_check *check,
          struct sid_buf *to) {
    struct sid_audit_member member;
    char purpose[SID_CHECK_DETAIL_SIZE] = "";
    char when[WECHAT_TIME_SIZE];
    if (sid_audit_member_find(check->detail, "purpose", &member)) {
        memcpy(purpose, member.value, member.value_len);
        purpose[member.value_len] = '\0';
    }
    wechat_time_text(check->at_us / 1000000, when);
    const struct sid_wechat_fill fill[] = {{"time", when},
                                           {"party", check->party},
                                           {"purpose", purpose},
                                           {NULL, NULL}};
    enum sid_err err = sid_buf_append_str(to, "\n");
    return err == SID_OK
               ? sid_wechat_texts_say(
                     work->turn->wechat->line[work->turn->account].texts,
                     SID_WT_ASKED_LINE, fill, to)
               : err;
}

static enum sid_err
word_checks(struct wechat_work *work) {
    struct sid_wechat_turn *turn = work->turn;
    const struct sid_check_list *list = &work->u.list;
    if (list->count == 0)
        return wechat_say(turn->wechat, turn->account, SID_WT_ASKED_NONE, NULL,
                          &turn->answer);
    enum sid_err err = wechat_say(turn->wechat, turn->account, SID_WT_ASKED,
                                  NULL, &turn->answer);
    for (int i = 0; err == SID_OK && i < list->count; i++)
        err = add_check(work, &list->rows[i].check, &turn->answer);
    return err;
}

/* What is said of a flow that has ended with err. */
static enum sid_wechat_text
text_of(enum wechat_act act, enum sid_err err) {
    switch ((int)err) {
    case SID_OK:
        return act == ACT_SUSPEND  ? SID_WT_LOST_DONE
               : act == ACT_RESUME ? SID_WT_RESUMED
                                   : SID_WT_DELETED;
    case SID_E_SUSPENDED: /* already */
        return act == ACT_SUSPEND ? SID_WT_LOST_DONE : SID_WT_RESUME_NOT;
    case SID_E_CONFLICT: /* is active */
        return act == ACT_RESUME ? SID_WT_RESUMED : SID_WT_UNAVAILABLE;
    case SID_E_FORBIDDEN:
        return SID_WT_RESUME_NOT;
    case SID_E_NOT_FOUND:
        return act == ACT_ERASE ? SID_WT_DELETE_NONE : SID_WT_CODE_NONE;
    case SID_E_REVOKED:
    case SID_E_REPLACED:
    case SID_E_EXPIRED:
        return SID_WT_CODE_REVOKED;
    default:
        return SID_WT_UNAVAILABLE;
    }
}

static void
free_flow(struct wechat_work *work) {
    if (work->act == ACT_ASKED)
        sid_check_list_fini(&work->u.list);
    else if (work->act == ACT_VERIFY)
        sid_verify_fini(&work->u.verify);
    else if (work->act != ACT_ERASE)
        sid_credential_change_fini(&work->u.change);
}

enum sid_err
wechat_act_finish(struct wechat_work *work) {
    struct sid_wechat_turn *turn = work->turn;
    enum sid_err err = work->u.flow.err;
    if (err == SID_E_STOPPING || err == SID_E_NO_MEMORY) {
        free_flow(work);
        return err; /* it comes again */
    }
    if (work->act == ACT_VERIFY)
        err = wechat_clerk_finish(work);
    else
        err = work->act == ACT_ASKED && err == SID_OK
                  ? word_checks(work)
                  : wechat_say(turn->wechat, turn->account,
                               text_of(work->act, err), NULL, &turn->answer);
    free_flow(work);
    return err;
}
