/* session.h: who has signed in on a page: a table in memory.
 *
 * A session stands for a client's key, or for a holder's secret; what it may do
 * is judged at every request as the key or the secret would be. The table has a
 * fixed size and is gone with the process. Only the SHA-256 of a cookie's value
 * is kept. Thread safe (a mutex); time comes in. */
#ifndef SMARTID_HTTP_SESSION_H
#define SMARTID_HTTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/flow_wechat.h"
#include "smartid/mac.h"
#include "smartid/network.h"
#include "smartid/rand.h"

/* As many people may be signed in at once. Own choice: some 1.6 MiB. */
#define SID_SESSIONS_MAX 4096u
/* 256 random bits in base32. */
#define SID_SESSION_COOKIE_CHARS 52
#define SID_SESSION_COOKIE_SIZE (SID_SESSION_COOKIE_CHARS + 1)
#define SID_CSRF_CHARS 52
#define SID_CSRF_SIZE (SID_CSRF_CHARS + 1)

enum sid_session_kind {
    SID_SESSION_KEY,       /* has shown the client's key */
    SID_SESSION_APPLICANT, /* enrols on the page, whose key it is not */
    SID_SESSION_HOLDER,    /* the person; there is no client */
    SID_SESSION_VISITOR,   /* has come out of a chat, and may nothing yet */
};

/* The page that somebody came out of a chat for. */
enum sid_session_for { SID_FOR_CARD, SID_FOR_ENROLL, SID_FOR_SCAN };

struct sid_session {
    enum sid_session_kind kind;
    char client_id[SID_ID_SIZE];
    /* Of a holder: what may be asked for, and the hash of the secret that would
     * open it. */
    char credential_id[SID_ID_SIZE], enrolment_id[SID_ID_SIZE];
    uint8_t holder_hash[SID_SHA256_BYTES];
    /* Who came out of a chat: its account, and who they are there; "": nobody
     * has. */
    char wechat_account[SID_WECHAT_ACCOUNT_SIZE];
    char wechat_openid[SID_OPENID_SIZE];
    enum sid_session_for page;
    int64_t seen_at_s;
    int64_t ends_at_s; /* however much goes on in it */
};

struct sid_sessions;

/* Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_sessions_new(struct sid_sessions **out);
void sid_sessions_free(struct sid_sessions **sessions);

/* Seconds, all on the clock of now_s, which never falls. */
struct sid_session_times {
    int64_t now_s, idle_s;
};
/* Opens a session; who->seen_at_s is not looked at. When the table is full of
 * sessions that still live, one goes, of several the one seen longest ago: the
 * same holder's; else an applicant's; else, unless an applicant comes, that of
 * any who came out of a chat, who come back with a tap; else the same client's.
 * cookie: its secret value, wiped by the caller. Errors: SID_E_QUEUE_FULL (none
 * of these is there), SID_E_IO, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_session_open(struct sid_sessions *sessions, const struct sid_session *who,
                 const struct sid_session_times *times,
                 char cookie[SID_SESSION_COOKIE_SIZE]);
/* The session of a cookie's value, and that it is in use. Errors:
 * SID_E_UNAUTHENTICATED (none, or its time has run out), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_session_find(
    struct sid_sessions *sessions, const char cookie[SID_SESSION_COOKIE_SIZE],
    const struct sid_session_times *times, struct sid_session *out);
/* Ends the session of that value, if there is one. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_session_close(struct sid_sessions *sessions,
                  const char cookie[SID_SESSION_COOKIE_SIZE]);

/* Ends the sessions of who came out of a chat and has left it. */
void sid_session_close_chat(struct sid_sessions *sessions, const char *account,
                            const char *openid);

/* Counts one request of an applicant from that source; false when there were
 * more than `limit` (0: no limit) within a minute: *left_s until the next. */
bool sid_session_applicant_may(struct sid_sessions *sessions,
                               const struct sid_address *source, int64_t limit,
                               int64_t now_s, int64_t *left_s);

/* The word that a request of a session must bring along, so that no other page
 * can make the browser send one: derived from the cookie's value, which no page
 * can read. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_session_csrf(const char cookie[SID_SESSION_COOKIE_SIZE],
                 char out[SID_CSRF_SIZE]);

#endif
