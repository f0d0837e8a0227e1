/* flow_search.h: an officer looks for a person, by an ID number or by one of
 * their credentials, and is shown all credentials that the person has. */
#ifndef SMARTID_FLOW_SEARCH_H
#define SMARTID_FLOW_SEARCH_H

#include "smartid/flow_credential.h"

/* One of each type, and what these have replaced. Own choice. */
#define SID_SEARCH_MAX 32

struct sid_credential_search {
    struct sid_flow flow;
    bool by_number;                     /* in: else by credential_id */
    uint8_t id_index[SID_SHA256_BYTES]; /* in: see sid_app_number_index() */
    char credential_id[SID_ID_SIZE];    /* in */
    struct sid_credential_look *rows;   /* out; each takes a look's finish */
    int count;                          /* out; 0: nobody was found */
};
/* By number only somebody is found whose resident_id stands (active, suspended,
 * expired). Each credential that is shown has its row in the audit log. */
void sid_credential_search_start(struct sid_credential_search *search);
void sid_credential_search_fini(struct sid_credential_search *search);

#endif
