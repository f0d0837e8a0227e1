/* contact.c: people who talk to a WeChat account, inside a transaction (see
 * flow_wechat.h). Writer thread; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/flow_wechat.h"
#include "smartid/text.h"

/* Under the key of blind indexes; the label keeps it apart from others'. */
static enum sid_err
index_of(const struct sid_keyring *keys, const struct sid_wechat_who *who,
         uint8_t out[SID_SHA256_BYTES]) {
    static const char label[] = "smartidd/wechat/v1";
    const struct sid_span parts[] = {
        sid_span_of(label, sizeof label),
        sid_span_of(who->account, strlen(who->account) + 1),
        sid_span_str(who->openid)};
    return sid_mac(sid_keyring_blind(keys), parts, 3, out);
}

/* ---- sealing ------------------------------------------------------------- */

static struct sid_place
place_of(const struct sid_wechat_contact *contact, enum sid_contact_part part) {
    static const char *const columns[] = {
        [SID_CONTACT_OPENID] = "openid", [SID_CONTACT_SAID] = "said",
        [SID_CONTACT_ANSWER] = "answer", [SID_CONTACT_ERRAND] = "errand",
        [SID_CONTACT_CARD] = "card",     [SID_CONTACT_SELFIE] = "selfie",
    };
    return (struct sid_place){"wechat", columns[part], contact->id};
}

enum sid_err
sid_contact_seal(const struct sid_keyring *keys,
                 const struct sid_wechat_contact *contact,
                 enum sid_contact_part part, struct sid_span plain,
                 struct sid_buf *out) {
    struct sid_subject subject = {keys, contact->id, &contact->key,
                                  SID_KEY_DATA};
    struct sid_place place = place_of(contact, part);
    return sid_subject_seal(&subject, &place, plain, out);
}

enum sid_err
sid_contact_open(const struct sid_keyring *keys,
                 const struct sid_wechat_contact *contact,
                 enum sid_contact_part part, struct sid_span sealed,
                 struct sid_buf *out) {
    struct sid_subject subject = {keys, contact->id, &contact->key,
                                  SID_KEY_DATA};
    struct sid_place place = place_of(contact, part);
    return sid_subject_open(&subject, &place, sealed, out);
}

/* ---- finding and making -------------------------------------------------- */

enum sid_err
sid_contact_find(const struct sid_keyring *keys, struct sid_store *store,
                 const struct sid_wechat_who *who,
                 struct sid_wechat_contact *out) {
    uint8_t person[SID_SHA256_BYTES];
    enum sid_err err = index_of(keys, who, person);
    return err == SID_OK ? sid_store_contact_find(store, person, out) : err;
}

static enum sid_err
make(const struct sid_keyring *keys, struct sid_store *store,
     const struct sid_wechat_who *who, int64_t now_s,
     struct sid_wechat_contact *out) {
    struct sid_wechat_contact made = {.made_at_s = now_s, .seen_at_s = now_s};
    enum sid_err err = sid_id_make("wcc_", made.id);
    if (err == SID_OK)
        err = sid_text_copy(made.account, sizeof made.account, who->account);
    if (err == SID_OK)
        err = index_of(keys, who, made.person);
    if (err == SID_OK)
        err = sid_subject_make(keys, made.id, &made.key);
    if (err == SID_OK)
        err = sid_contact_seal(keys, &made, SID_CONTACT_OPENID,
                               sid_span_str(who->openid), &made.openid_sealed);
    if (err == SID_OK)
        err = sid_store_contact_put(store, &made);
    if (err == SID_OK)
        *out = made;
    else
        sid_wechat_contact_fini(&made);
    return err;
}

enum sid_err
sid_contact_take(const struct sid_keyring *keys, struct sid_store *store,
                 const struct sid_wechat_who *who, int64_t now_s,
                 struct sid_wechat_contact *out) {
    struct sid_wechat_contact found = {.id = ""};
    enum sid_err err = sid_contact_find(keys, store, who, &found);
    if (err == SID_E_NOT_FOUND)
        return make(keys, store, who, now_s, out);
    if (err == SID_OK) {
        found.seen_at_s = now_s;
        err = sid_store_contact_change(store, &found);
    }
    if (err == SID_OK)
        *out = found;
    else
        sid_wechat_contact_fini(&found);
    return err;
}

enum sid_err
sid_contact_bind(const struct sid_keyring *keys, struct sid_store *store,
                 const struct sid_wechat_who *who, const char *enrolment_id,
                 int64_t now_s) {
    struct sid_wechat_contact contact = {.id = ""};
    struct sid_contact_holder holder = {.found = false};
    enum sid_err err = sid_contact_take(keys, store, who, now_s, &contact);
    if (err == SID_OK)
        err = sid_contact_holder(store, contact.enrolment_id, now_s, &holder);
    if (err == SID_OK && holder.credential_id[0] != '\0') {
        sid_wechat_contact_fini(&contact);
        return SID_OK;
    }
    if (err == SID_OK)
        err = sid_text_copy(contact.enrolment_id, sizeof contact.enrolment_id,
                            enrolment_id);
    if (err == SID_OK)
        err = sid_store_contact_change(store, &contact);
    if (err == SID_OK)
        err = sid_app_audit(store, "wechat_bound", "holder", enrolment_id,
                            "bound", who->account);
    sid_wechat_contact_fini(&contact);
    return err;
}

enum sid_err
sid_contact_leave(struct sid_store *store,
                  const struct sid_wechat_contact *contact) {
    enum sid_err err = sid_store_contact_forget(store, contact->id);
    if (err == SID_OK && contact->enrolment_id[0] != '\0')
        err = sid_app_audit(store, "wechat_bound", "holder",
                            contact->enrolment_id, "left", contact->account);
    if (err == SID_OK && contact->client_id[0] != '\0')
        err = sid_app_audit(store, "wechat_bound", contact->client_id,
                            contact->client_id, "left", contact->account);
    return err;
}

/* ---- as a holder --------------------------------------------------------- */

enum sid_err
sid_contact_holder(struct sid_store *store, const char *enrolment_id,
                   int64_t now_s, struct sid_contact_holder *out) {
    struct sid_contact_holder found = {.found = true};
    struct sid_enrolment row = {.id = ""};
    struct sid_credential credential = {.serial = 0};
    enum sid_err err = enrolment_id[0] == '\0'
                           ? SID_E_NOT_FOUND
                           : sid_store_enrol_get(store, enrolment_id, &row);
    if (err == SID_E_NOT_FOUND)
        *out = (struct sid_contact_holder){.found = false};
    if (err != SID_OK)
        return err == SID_E_NOT_FOUND ? SID_OK : err;
    memcpy(found.enrolment_id, row.id, sizeof row.id);
    memcpy(found.holder_hash, row.holder_hash, sizeof row.holder_hash);
    found.state = row.state;
    sid_reasons_public(&row.reasons, row.state, row.decided_by[0] != '\0',
                       &found.reasons);
    if (row.credential_id[0] != '\0')
        err = sid_store_credential_get(store, row.credential_id, &credential);
    if (err == SID_OK && credential.id[0] != '\0') {
        found.credential_state = sid_life_state(&credential.life, now_s);
        if (found.credential_state == SID_CREDENTIAL_ACTIVE ||
            found.credential_state == SID_CREDENTIAL_SUSPENDED)
            memcpy(found.credential_id, credential.id, sizeof credential.id);
    }
    sid_credential_fini(&credential);
    sid_enrolment_fini(&row);
    if (err == SID_E_NOT_FOUND)
        err = SID_OK;
    if (err == SID_OK)
        *out = found;
    return err;
}

void
sid_contact_caller(const struct sid_contact_holder *holder, const char *account,
                   struct sid_caller *out) {
    *out =
        (struct sid_caller){.role = SID_ROLE_HOLDER, .has_holder_secret = true};
    memcpy(out->holder_hash, holder->holder_hash, sizeof out->holder_hash);
    (void)snprintf(out->channel, sizeof out->channel, "wechat:%s", account);
}

/* ---- outbox -------------------------------------------------------------- */

enum sid_err
sid_contact_order(const struct sid_keyring *keys, struct sid_store *store,
                  const struct sid_wechat_contact *contact,
                  const struct sid_errand_order *order) {
    struct sid_errand errand = {.kind = order->kind,
                                .due_at_s = order->now_s,
                                .made_at_s = order->now_s};
    enum sid_err err = sid_text_copy(errand.operation, sizeof errand.operation,
                                     order->operation);
    memcpy(errand.contact_id, contact->id, sizeof errand.contact_id);
    memcpy(errand.account, contact->account, sizeof errand.account);
    if (err == SID_OK)
        err = sid_contact_seal(keys, contact, SID_CONTACT_ERRAND,
                               order->content, &errand.content_sealed);
    if (err == SID_OK)
        err = sid_store_errand_put(store, &errand);
    sid_errand_fini(&errand);
    return err;
}

struct tell {
    const struct sid_keyring *keys;
    struct sid_store *store;
    const char *operation, *content;
    int64_t now_s;
};

static enum sid_err
tell_one(const struct sid_wechat_contact *contact, void *ctx) {
    const struct tell *tell = ctx;
    char operation[SID_ERRAND_OPERATION_SIZE];
    int len = snprintf(operation, sizeof operation, "%s %s", contact->id,
                       tell->operation);
    SID_ASSERT(len > 0 && (size_t)len < sizeof operation);
    struct sid_errand_order order = {
        .operation = operation,
        .kind = SID_ERRAND_EVENT,
        .content = sid_span_str(tell->content),
        .now_s = tell->now_s,
    };
    return sid_contact_order(tell->keys, tell->store, contact, &order);
}

enum sid_err
sid_contact_tell(const struct sid_keyring *keys, struct sid_store *store,
                 const char *enrolment_id, const char *operation,
                 const char *content, int64_t now_s) {
    struct tell tell = {keys, store, operation, content, now_s};
    return sid_store_contact_of(store, enrolment_id, tell_one, &tell);
}

/* ---- another phone ------------------------------------------------------- */

struct parting {
    struct tell tell;
    char stays[SID_ID_SIZE]; /* the contact that does; "": none */
    int parted;
};

static enum sid_err
part_one(const struct sid_wechat_contact *contact, void *ctx) {
    struct parting *parting = ctx;
    struct sid_wechat_contact left = *contact; /* borrows what it owns */
    struct sid_store *store = parting->tell.store;
    if (strcmp(contact->id, parting->stays) == 0)
        return SID_OK;
    parting->parted++;
    enum sid_err err = tell_one(contact, &parting->tell);
    left.enrolment_id[0] = '\0';
    if (err == SID_OK)
        err = sid_store_contact_change(store, &left);
    return err == SID_OK ? sid_app_audit(store, "wechat_bound", "holder",
                                         contact->enrolment_id, "parted",
                                         contact->account)
                         : err;
}

enum sid_err
sid_contact_move(const struct sid_keyring *keys, struct sid_store *store,
                 const struct sid_contact_move *move) {
    struct parting parting = {
        .tell = {keys, store, move->operation, "recovered", move->now_s}};
    struct sid_wechat_contact now = {.id = ""};
    enum sid_err err = move->now == NULL
                           ? SID_E_NOT_FOUND
                           : sid_contact_find(keys, store, move->now, &now);
    if (err == SID_OK)
        memcpy(parting.stays, now.id, sizeof parting.stays);
    else if (err == SID_E_NOT_FOUND)
        err = SID_OK;
    sid_wechat_contact_fini(&now);
    /* They come by the dozen. */
    for (bool more = true; err == SID_OK && more; more = parting.parted > 0) {
        parting.parted = 0;
        err =
            sid_store_contact_of(store, move->enrolment_id, part_one, &parting);
    }
    return err == SID_OK && move->now != NULL
               ? sid_contact_bind(keys, store, move->now, move->enrolment_id,
                                  move->now_s)
               : err;
}
