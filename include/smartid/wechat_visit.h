/* wechat_visit.h: pages inside WeChat: who somebody is that WeChat sends back
 * with a code of its web authorisation, and the ticket that signs a page.
 *
 * Both are flows as app.h says: nothing waits for WeChat but the request whose
 * flow it is, and not longer than one call may take. The openid is proven by
 * the exchange of the code, which only WeChat can have made and which is good
 * once. */
#ifndef SMARTID_WECHAT_VISIT_H
#define SMARTID_WECHAT_VISIT_H

#include "smartid/flow_session.h"
#include "smartid/flow_wechat.h"
#include "smartid/wechat_api.h"

/* How a visit ends. X(symbol, word of the page's address) */
#define SID_VISIT_MAP(X)                                                       \
    X(SID_VISIT_KNOWN, "")                                                     \
    X(SID_VISIT_AGAIN, "again")       /* not proven: go back and tap again */  \
    X(SID_VISIT_SNAPSHOT, "snapshot") /* WeChat shows it without an account */ \
    X(SID_VISIT_DOWN, "down") /* WeChat or the service does not answer */
enum sid_visit_end {
#define SID_VISIT_ENUM(sym, word) sym,
    SID_VISIT_MAP(SID_VISIT_ENUM)
#undef SID_VISIT_ENUM
        SID_VISIT_ENDS
};
const char *sid_visit_word(enum sid_visit_end end);

struct sid_wechat_visit {
    /* First: its flow is the visit's. In: flow, account. Out: as it says. */
    struct sid_wechat_whois whois;
    /* in */
    struct sid_wechat_api *api; /* borrowed */
    size_t account;             /* index into its list */
    char code[SID_WECHAT_MEDIA_ID_SIZE];
    const struct sid_address *from; /* borrowed; its kind is written down */
    /* In: SID_VISIT_KNOWN, or how it has ended before anything was asked. Out:
     * with another end, whois tells nothing. */
    enum sid_visit_end end;
    /* the flow's own */
    void (*done)(struct sid_flow *flow);
    struct sid_wechat_call call;
    struct sid_session_note note;
};
/* Exchanges the code, finds whom the openid stands for, and writes down that
 * the session of a holder begins, by account and never by openid. flow.err is
 * SID_OK always: what went wrong is in end. */
void sid_wechat_visit_start(struct sid_wechat_visit *visit);
void sid_wechat_visit_fini(struct sid_wechat_visit *visit);

/* The ticket of the JS-SDK, in call.text. */
struct sid_wechat_ticket {
    struct sid_flow flow;
    /* in */
    struct sid_wechat_api *api; /* borrowed */
    size_t account;             /* index into its list */
    /* out */
    struct sid_wechat_call call;
};
/* flow.err: those of a call, see wechat_api.h. */
void sid_wechat_ticket_start(struct sid_wechat_ticket *ticket);
void sid_wechat_ticket_fini(struct sid_wechat_ticket *ticket);

#endif
