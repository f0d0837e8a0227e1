/* recent.h: the valid checks of the last minutes, for what a clerk may still
 * ask about them: the portrait, and a look at the face.
 *
 * In memory only: nothing is written for it, a restart forgets them all, and of
 * more than fit the oldest go first. To who made none of that id it looks as if
 * there were none. Any thread; the table has a lock of its own. */
#ifndef SMARTID_RECENT_H
#define SMARTID_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/rand.h"

/* How long they can be asked about. Source: issue 5 part D. */
#define SID_RECENT_S 300
/* Photos from the counter's camera that are compared for one check: a second
 * try is a better photo, a tenth a search for one that passes. Source: own
 * choice. */
#define SID_RECENT_TRIES 3
/* How many there is room for, 8 MB, taken as it is used: 200 a second for 5
 * minutes. Source: own choice: a city checks 20 a second. */
#define SID_RECENT_SETS 8192
#define SID_RECENT_WAYS 8

struct sid_recent_check {
    char id[SID_ID_SIZE];            /* "ver_…" */
    char client_id[SID_ID_SIZE];     /* whose key made it */
    char credential_id[SID_ID_SIZE]; /* of the person */
    int64_t at_s;                    /* when, by the time codes go by */
    bool portrait;                   /* its purpose tells one */
};

struct sid_recent;
/* Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_recent_new(struct sid_recent **out);
void sid_recent_free(struct sid_recent **recent);

/* Takes a check in; one that is as good as forgotten, or the oldest of a few,
 * makes room. */
void sid_recent_put(struct sid_recent *recent,
                    const struct sid_recent_check *check);
/* The check of this id that this client has made at most SID_RECENT_S ago.
 * Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_recent_find(struct sid_recent *recent,
                                          const char *id, const char *client_id,
                                          int64_t now_s,
                                          struct sid_recent_check *out);
/* The same, and takes one of its tries. Errors: SID_E_NOT_FOUND,
 * SID_E_FACE_TRIES (there are none left). */
SID_FALLIBLE enum sid_err sid_recent_take_try(struct sid_recent *recent,
                                              const char *id,
                                              const char *client_id,
                                              int64_t now_s,
                                              struct sid_recent_check *out);
/* The same, and only whether there is one left. */
SID_FALLIBLE enum sid_err sid_recent_has_try(struct sid_recent *recent,
                                             const char *id,
                                             const char *client_id,
                                             int64_t now_s);
/* Gives a try back that has compared nothing. */
void sid_recent_give_try(struct sid_recent *recent, const char *id);
/* How many are left; 0 once it is forgotten. */
int sid_recent_tries_left(struct sid_recent *recent, const char *id);

#endif
