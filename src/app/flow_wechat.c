/* flow_wechat.c: whom an openid stands for, and clerks who use one (see
 * flow_wechat.h). io thread in, writer in the middle; owns nothing. */
#include "smartid/flow_wechat.h"

#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"

/* ---- who is this --------------------------------------------------------- */

static enum sid_err
whois_run(struct sid_op *op, struct sid_store *store) {
    struct sid_wechat_whois *whois = (struct sid_wechat_whois *)op;
    const struct sid_wechat_who who = {whois->account, whois->openid};
    struct sid_wechat_contact contact = {.id = ""};
    enum sid_err err =
        sid_contact_find(whois->flow.app->keys, store, &who, &contact);
    struct sid_contact_holder holder = {.found = false};
    if (err == SID_OK)
        err = sid_contact_holder(store, contact.enrolment_id,
                                 sid_time_s(whois->flow.app), &holder);
    memcpy(whois->enrolment_id, holder.enrolment_id,
           sizeof holder.enrolment_id);
    memcpy(whois->credential_id, holder.credential_id,
           sizeof holder.credential_id);
    memcpy(whois->holder_hash, holder.holder_hash, sizeof holder.holder_hash);
    memcpy(whois->client_id, contact.client_id, sizeof contact.client_id);
    sid_wechat_contact_fini(&contact);
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

void
sid_wechat_whois_start(struct sid_wechat_whois *whois) {
    if (!sid_flow_admit(&whois->flow))
        return;
    whois->flow.op.read_only = true;
    sid_flow_submit(&whois->flow, whois_run, sid_flow_end);
}

void
sid_wechat_whois_fini(struct sid_wechat_whois *whois) {
    sid_wipe(whois->openid, sizeof whois->openid);
    sid_wipe(whois->holder_hash, sizeof whois->holder_hash);
}

/* ---- clerks -------------------------------------------------------------- */

static enum sid_err
bind_run(struct sid_wechat_clerk *clerk, struct sid_store *store) {
    const struct sid_wechat_who who = {clerk->account, clerk->openid};
    const char *client_id = clerk->flow.caller.client_id;
    struct sid_wechat_contact contact = {.id = ""};
    enum sid_err err = sid_contact_take(clerk->flow.app->keys, store, &who,
                                        sid_now_s(), &contact);
    if (err == SID_OK) {
        memcpy(contact.client_id, client_id, sizeof contact.client_id);
        contact.purpose[0] = '\0';
        err = sid_store_contact_change(store, &contact);
    }
    sid_wechat_contact_fini(&contact);
    return err == SID_OK ? sid_app_audit(store, "wechat_bound", client_id,
                                         client_id, "bound", clerk->account)
                         : err;
}

static enum sid_err
part_run(struct sid_wechat_clerk *clerk, struct sid_store *store) {
    const struct sid_wechat_who who = {clerk->account, clerk->openid};
    const char *client_id = clerk->flow.caller.client_id;
    struct sid_wechat_contact contact = {.id = ""};
    enum sid_err err =
        sid_contact_find(clerk->flow.app->keys, store, &who, &contact);
    if (err == SID_OK && strcmp(contact.client_id, client_id) != 0)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        contact.client_id[0] = '\0';
        contact.purpose[0] = '\0';
        err = sid_store_contact_change(store, &contact);
    }
    sid_wechat_contact_fini(&contact);
    return err == SID_OK ? sid_app_audit(store, "wechat_bound", client_id,
                                         client_id, "parted", clerk->account)
                         : err;
}

static enum sid_err
clerk_run(struct sid_op *op, struct sid_store *store) {
    struct sid_wechat_clerk *clerk = (struct sid_wechat_clerk *)op;
    return clerk->part ? part_run(clerk, store) : bind_run(clerk, store);
}

void
sid_wechat_clerk_start(struct sid_wechat_clerk *clerk) {
    if (!sid_flow_admit(&clerk->flow))
        return;
    if (clerk->flow.caller.role != SID_ROLE_CLERK) {
        clerk->flow.err = SID_E_FORBIDDEN;
        clerk->flow.done(&clerk->flow);
        return;
    }
    sid_flow_submit(&clerk->flow, clerk_run, sid_flow_end);
}

void
sid_wechat_clerk_fini(struct sid_wechat_clerk *clerk) {
    sid_wipe(clerk->openid, sizeof clerk->openid);
}
