/* flow_dispute.h: a person sees who checked a credential, and disputes a check;
 * officers settle that.
 *
 * Who may see: the app that enrolled the person, the holder; who may dispute:
 * the holder. For anybody else there is nothing (SID_E_NOT_FOUND). */
#ifndef SMARTID_FLOW_DISPUTE_H
#define SMARTID_FLOW_DISPUTE_H

#include "smartid/app.h"
#include "smartid/dispute.h"

struct sid_shown_check {
    struct sid_check check;
    char dispute_id[SID_ID_SIZE]; /* "" when it is not disputed */
    enum sid_dispute_outcome outcome;
    int64_t settled_at_s;
};
struct sid_check_list {
    struct sid_flow flow;
    char credential_id[SID_ID_SIZE]; /* in */
    char after[SID_ID_SIZE];      /* in: "" or a check's id of a former page */
    int limit;                    /* in: 1..SID_PAGE_MAX */
    struct sid_shown_check *rows; /* out: owned, the newest first */
    int count;                    /* out */
    bool more;                    /* out: another page follows */
};
/* flow.err: SID_E_NOT_FOUND (no such credential, or no such check of it) … */
void sid_check_list_start(struct sid_check_list *list);
void sid_check_list_fini(struct sid_check_list *list);

struct sid_dispute_open {
    struct sid_flow flow;
    /* in */
    char verification_id[SID_ID_SIZE];
    char credential_id[SID_ID_SIZE];
    char reason[SID_NOTE_SIZE]; /* not empty */
    /* out */
    struct sid_dispute dispute;
};
/* flow.err: SID_E_NOT_FOUND, SID_E_EXISTS (disputed already) … */
void sid_dispute_open_start(struct sid_dispute_open *open);
void sid_dispute_open_fini(struct sid_dispute_open *open);

struct sid_dispute_list {
    struct sid_flow flow;
    enum sid_dispute_outcome outcome; /* in */
    char after[SID_ID_SIZE];          /* in: "" or an id of a former page */
    int limit;                        /* in: 1..SID_PAGE_MAX */
    struct sid_dispute *rows;         /* out: owned, the oldest first */
    int count;                        /* out */
    bool more;                        /* out */
};
/* For officers. flow.err: SID_E_NOT_FOUND (no dispute `after`) … */
void sid_dispute_list_start(struct sid_dispute_list *list);
void sid_dispute_list_fini(struct sid_dispute_list *list);

struct sid_dispute_settle {
    struct sid_flow flow;
    /* in */
    char id[SID_ID_SIZE];
    enum sid_dispute_outcome outcome; /* not SID_DISPUTE_OPEN */
    char note[SID_NOTE_SIZE];         /* not empty */
    /* out */
    struct sid_dispute dispute;
};
/* For officers. flow.err: SID_E_NOT_FOUND, SID_E_CONFLICT (settled already) …
 */
void sid_dispute_settle_start(struct sid_dispute_settle *settle);
void sid_dispute_settle_fini(struct sid_dispute_settle *settle);

/* The words of the holder, or of the officer (empty when there are none); an io
 * thread. Errors: those of sid_subject_open(). */
SID_FALLIBLE enum sid_err sid_dispute_words(struct sid_app *app,
                                            const struct sid_dispute *dispute,
                                            bool officers, struct sid_buf *out);

#endif
