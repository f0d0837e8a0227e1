/* flow_admin.h: keys of clients: making, listing, revoking.
 *
 * The *_in functions do the work on a store inside the caller's transaction;
 * smartidctl uses them directly while no daemon runs. */
#ifndef SMARTID_FLOW_ADMIN_H
#define SMARTID_FLOW_ADMIN_H

#include "smartid/app.h"

struct sid_client_order {
    char name[SID_CLIENT_NAME_SIZE];
    enum sid_role role;
    /* Clerks: at least one, all in force; others: "". */
    char purpose_names[SID_PURPOSE_NAMES_SIZE];
    char party[SID_CLIENT_NAME_SIZE]; /* clerks: "" stands for name; else "" */
    struct sid_networks networks;     /* none: anywhere */
    int64_t
        per_minute; /* 0..SID_QUOTA_PER_MINUTE_MAX; 0: as the settings say */
    int64_t lifetime_s; /* SID_CLIENT_LIFETIME_MIN_S.._MAX_S */
};
#define SID_CLIENT_LIFETIME_MIN_S 60
#define SID_CLIENT_LIFETIME_MAX_S ((int64_t)3653 * 86400) /* ten years */
#define SID_CLIENT_LIFETIME_S (90 * 86400) /* Source: ASVS 13.2.1 via D8 */

/* Checks the order against the purposes in force, makes key and row, stores,
 * audits as `actor`. key is shown once and wiped by the caller. Errors:
 * SID_E_FIELD_INVALID, those of the store. */
SID_FALLIBLE enum sid_err
sid_client_add_in(struct sid_store *store, const struct sid_purposes *purposes,
                  const struct sid_client_order *order, const char *actor,
                  int64_t now_us, struct sid_client *client,
                  char key[SID_APIKEY_SIZE]);
/* Calls each for every client (as sid_store_client_each()), and writes down
 * that the list was looked at. Errors: those of the store, of the chain, of
 * each. */
SID_FALLIBLE enum sid_err sid_client_list_in(
    struct sid_store *store, const char *actor,
    enum sid_err (*each)(const struct sid_client *client, void *ctx),
    void *ctx);
/* Errors: SID_E_NOT_FOUND, SID_E_CONFLICT (already), those of the store. */
SID_FALLIBLE enum sid_err sid_client_revoke_in(struct sid_store *store,
                                               const char *id,
                                               const char *actor,
                                               int64_t now_us);

struct sid_client_add {
    struct sid_flow flow;
    struct sid_client_order order; /* in */
    struct sid_client client;      /* out */
    char key[SID_APIKEY_SIZE];     /* out */
};
void sid_client_add_start(struct sid_client_add *add);
void sid_client_add_fini(struct sid_client_add *add);

struct sid_client_list {
    struct sid_flow flow;
    struct sid_client *rows; /* out: owned */
    uint64_t *failures;      /* out: owned: refused keys of each row's name */
    int count;               /* out */
};
void sid_client_list_start(struct sid_client_list *list);
void sid_client_list_fini(struct sid_client_list *list);

struct sid_client_revoke {
    struct sid_flow flow;
    char id[SID_ID_SIZE]; /* in */
};
/* The key is dead in this daemon when done is called. */
void sid_client_revoke_start(struct sid_client_revoke *revoke);

#endif
