/* visit.c: see wechat_visit.h. Started on an io thread; goes on on the client's
 * thread, then on the writer's. Owns nothing beyond the caller's structs. */
#include "smartid/wechat_visit.h"

#include <stdio.h>
#include <string.h>

#include "smartid/metrics.h"
#include "smartid/text.h"

/* How long somebody who looks at an empty page is made to wait. Source: own
 * choice; an answer takes tenths of a second, and a stop waits for 20. */
#define CALL_LIMIT_MS 8000

const char *
sid_visit_word(enum sid_visit_end end) {
    static const char *const words[] = {
#define VISIT_WORD(sym, word) word,
        SID_VISIT_MAP(VISIT_WORD)
#undef VISIT_WORD
    };
    return words[end];
}

static void
end_visit(struct sid_wechat_visit *visit, enum sid_visit_end end) {
    static const enum sid_metric counted[] = {
        [SID_VISIT_KNOWN] = SID_M_WECHAT_VISIT_KNOWN,
        [SID_VISIT_AGAIN] = SID_M_WECHAT_VISIT_AGAIN,
        [SID_VISIT_SNAPSHOT] = SID_M_WECHAT_VISIT_SNAPSHOT,
        [SID_VISIT_DOWN] = SID_M_WECHAT_VISIT_DOWN,
    };
    struct sid_flow *flow = &visit->whois.flow;
    sid_metric_add(counted[end], 1);
    visit->end = end;
    flow->err = SID_OK;
    visit->done(flow);
}

/* ---- writer thread ------------------------------------------------------- */

static void
noted(struct sid_flow *flow) {
    struct sid_wechat_visit *visit =
        (struct sid_wechat_visit *)(void *)((char *)flow -
                                            offsetof(struct sid_wechat_visit,
                                                     note));
    end_visit(visit, flow->err == SID_OK ? SID_VISIT_KNOWN : SID_VISIT_DOWN);
}

static void
found(struct sid_flow *flow) {
    struct sid_wechat_visit *visit = (struct sid_wechat_visit *)(void *)flow;
    const struct sid_wechat_whois *whois = &visit->whois;
    if (flow->err != SID_OK) {
        end_visit(visit, SID_VISIT_DOWN);
        return;
    }
    if (whois->enrolment_id[0] == '\0') {
        end_visit(visit, SID_VISIT_KNOWN);
        return;
    }
    visit->note = (struct sid_session_note){
        .flow = {.app = flow->app,
                 .caller = {.role = SID_ROLE_HOLDER},
                 .done = noted},
        .subject = whois->enrolment_id,
        .from = visit->from,
    };
    struct sid_caller *caller = &visit->note.flow.caller;
    (void)snprintf(caller->channel, sizeof caller->channel, "wechat:%s",
                   whois->account);
    sid_session_note_start(&visit->note);
}

/* ---- the client's thread ------------------------------------------------- */

/* Source: developers.weixin.qq.com, return codes of sns/oauth2/access_token:
 * invalid, missing, expired, used. */
static bool
is_code_refused(int64_t errcode) {
    return errcode == 40029 || errcode == 41008 || errcode == 42003 ||
           errcode == 40163;
}

static enum sid_visit_end
end_of(const struct sid_wechat_call *call) {
    if (call->snapshot)
        return SID_VISIT_SNAPSHOT;
    if (call->err == SID_OK)
        return SID_VISIT_KNOWN;
    return call->err == SID_E_API_REFUSED && is_code_refused(call->errcode)
               ? SID_VISIT_AGAIN
               : SID_VISIT_DOWN;
}

static void
exchanged(struct sid_wechat_call *call) {
    struct sid_wechat_visit *visit =
        (struct sid_wechat_visit *)(void *)((char *)call -
                                            offsetof(struct sid_wechat_visit,
                                                     call));
    struct sid_wechat_whois *whois = &visit->whois;
    enum sid_visit_end end = end_of(call);
    if (end == SID_VISIT_KNOWN &&
        sid_text_copy(whois->openid, sizeof whois->openid, call->text) !=
            SID_OK)
        end = SID_VISIT_DOWN;
    if (end != SID_VISIT_KNOWN) {
        end_visit(visit, end);
        return;
    }
    whois->flow.done = found;
    sid_wechat_whois_start(whois);
}

/* ---- io thread ----------------------------------------------------------- */

void
sid_wechat_visit_start(struct sid_wechat_visit *visit) {
    visit->done = visit->whois.flow.done;
    if (visit->end != SID_VISIT_KNOWN) {
        end_visit(visit, visit->end);
        return;
    }
    visit->call = (struct sid_wechat_call){.op = SID_WECHAT_OAUTH_CODE,
                                           .account = visit->account,
                                           .limit_ms = CALL_LIMIT_MS,
                                           .done = exchanged};
    memcpy(visit->call.param, visit->code, sizeof visit->call.param);
    enum sid_err err = sid_wechat_api_submit(visit->api, &visit->call);
    if (err != SID_OK)
        end_visit(visit,
                  err == SID_E_ARGUMENT ? SID_VISIT_AGAIN : SID_VISIT_DOWN);
}

void
sid_wechat_visit_fini(struct sid_wechat_visit *visit) {
    sid_wechat_call_fini(&visit->call);
    sid_wechat_whois_fini(&visit->whois);
    sid_wipe(visit->code, sizeof visit->code);
}

/* ---- the ticket ---------------------------------------------------------- */

static void
fetched(struct sid_wechat_call *call) {
    struct sid_wechat_ticket *ticket =
        (struct sid_wechat_ticket *)(void *)((char *)call -
                                             offsetof(struct sid_wechat_ticket,
                                                      call));
    ticket->flow.err = call->err;
    ticket->flow.done(&ticket->flow);
}

void
sid_wechat_ticket_start(struct sid_wechat_ticket *ticket) {
    struct sid_flow *flow = &ticket->flow;
    ticket->call = (struct sid_wechat_call){.op = SID_WECHAT_JSAPI_TICKET,
                                            .account = ticket->account,
                                            .limit_ms = CALL_LIMIT_MS,
                                            .done = fetched};
    /* Once it is handed over, the flow is the client's. */
    enum sid_err err = sid_wechat_api_submit(ticket->api, &ticket->call);
    if (err == SID_OK)
        return;
    flow->err = err;
    flow->done(flow);
}

void
sid_wechat_ticket_fini(struct sid_wechat_ticket *ticket) {
    sid_wechat_call_fini(&ticket->call);
}
