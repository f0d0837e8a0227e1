/* session.c: see session.h. A hash table with chains over a fixed array. Any
 * thread; owns the table. */
#include "session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/metrics.h"
#include "smartid/ratelimit.h"
#include "smartid/text.h"

#define BUCKETS 1024u
#define SECRET_BYTES 32
#define APPLICANT_PERIOD_S 60
/* In chains, where a place is meant or none. */
#define NOWHERE SID_SESSIONS_MAX

struct place {
    struct sid_session session;
    uint8_t hash[SID_SHA256_BYTES];
    uint32_t next; /* in its bucket, or among the free ones */
};

struct sid_sessions {
    pthread_mutex_t lock;
    struct sid_rate *applicants;
    uint32_t bucket[BUCKETS];
    uint32_t free;
    struct place place[SID_SESSIONS_MAX];
};

enum sid_err
sid_sessions_new(struct sid_sessions **out) {
    struct sid_sessions *me = calloc(1, sizeof *me);
    if (me == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = sid_rate_new(APPLICANT_PERIOD_S, &me->applicants);
    if (err == SID_OK && pthread_mutex_init(&me->lock, NULL) != 0)
        err = SID_E_NO_MEMORY;
    if (err != SID_OK) {
        sid_rate_free(&me->applicants);
        free(me);
        return err;
    }
    for (uint32_t i = 0; i < BUCKETS; i++)
        me->bucket[i] = NOWHERE;
    for (uint32_t i = 0; i < SID_SESSIONS_MAX; i++)
        me->place[i].next = i + 1;
    *out = me;
    return SID_OK;
}

void
sid_sessions_free(struct sid_sessions **sessions) {
    struct sid_sessions *me = *sessions;
    if (me == NULL)
        return;
    *sessions = NULL;
    sid_rate_free(&me->applicants);
    (void)pthread_mutex_destroy(&me->lock);
    sid_wipe(me->place, sizeof me->place);
    free(me);
}

static enum sid_err
hash_of(const char *cookie, uint8_t out[SID_SHA256_BYTES]) {
    return sid_sha256(sid_span_of(cookie, SID_SESSION_COOKIE_CHARS), out);
}

/* What begins the chain of a hash. Who asks cannot choose the hash of a session
 * that is there. */
static uint32_t *
bucket_of(struct sid_sessions *me, const uint8_t hash[SID_SHA256_BYTES]) {
    return &me->bucket[(hash[0] | (uint32_t)hash[1] << 8) % BUCKETS];
}

/* The link that leads to the session, or the one at the chain's end. */
static uint32_t *
link_of(struct sid_sessions *me, const uint8_t hash[SID_SHA256_BYTES]) {
    uint32_t *link = bucket_of(me, hash);
    while (*link != NOWHERE &&
           !sid_equal_ct(me->place[*link].hash, hash, SID_SHA256_BYTES))
        link = &me->place[*link].next;
    return link;
}

static void
drop(struct sid_sessions *me, uint32_t *link) {
    uint32_t i = *link;
    struct place *at = &me->place[i];
    *link = at->next;
    sid_wipe(at, sizeof *at);
    at->next = me->free;
    me->free = i;
}

static bool
is_over(const struct sid_session *session,
        const struct sid_session_times *times) {
    return times->now_s >= session->ends_at_s ||
           times->now_s - session->seen_at_s >= times->idle_s;
}

/* How gladly a session that lives is given up for a newcomer; 0: not at all. */
static int
worth_dropping(const struct sid_session *session,
               const struct sid_session *who) {
    bool alike = session->kind == who->kind;
    if (session->kind == SID_SESSION_KEY)
        return alike && strcmp(session->client_id, who->client_id) == 0;
    if (session->kind == SID_SESSION_APPLICANT)
        return 3;
    if (session->kind == SID_SESSION_HOLDER && alike &&
        sid_equal_ct(session->holder_hash, who->holder_hash,
                     sizeof who->holder_hash))
        return 4;
    return who->kind == SID_SESSION_APPLICANT ? 0 : 2;
}

/* The one to be given up first; NOWHERE when there is none. */
static uint32_t
find_victim(const struct sid_sessions *me, const struct sid_session *who) {
    uint32_t best = NOWHERE;
    int best_worth = 0;
    for (uint32_t i = 0; i < SID_SESSIONS_MAX; i++) {
        const struct sid_session *session = &me->place[i].session;
        int worth = worth_dropping(session, who);
        bool longer = best != NOWHERE &&
                      session->seen_at_s < me->place[best].session.seen_at_s;
        if (worth > best_worth || (worth == best_worth && longer)) {
            best = i;
            best_worth = worth;
        }
    }
    return best;
}

/* When every place is taken: all that are over go, else one that lives. */
static enum sid_err
make_room(struct sid_sessions *me, const struct sid_session *who,
          const struct sid_session_times *times) {
    for (uint32_t i = 0; i < SID_SESSIONS_MAX; i++) {
        if (is_over(&me->place[i].session, times))
            drop(me, link_of(me, me->place[i].hash));
    }
    if (me->free != NOWHERE)
        return SID_OK;
    uint32_t victim = find_victim(me, who);
    if (victim == NOWHERE)
        return SID_E_QUEUE_FULL;
    drop(me, link_of(me, me->place[victim].hash));
    return SID_OK;
}

enum sid_err
sid_session_open(struct sid_sessions *me, const struct sid_session *who,
                 const struct sid_session_times *times,
                 char cookie[SID_SESSION_COOKIE_SIZE]) {
    uint8_t secret[SECRET_BYTES];
    uint8_t hash[SID_SHA256_BYTES];
    char text[SID_SESSION_COOKIE_SIZE];
    enum sid_err err = sid_rand_bytes(secret, sizeof secret);
    if (err != SID_OK)
        goto out;
    sid_base32_encode(secret, sizeof secret, text);
    err = hash_of(text, hash);
    if (err != SID_OK)
        goto out;
    pthread_mutex_lock(&me->lock);
    if (me->free == NOWHERE)
        err = make_room(me, who, times);
    if (err == SID_OK) {
        uint32_t i = me->free;
        struct place *at = &me->place[i];
        uint32_t *first = bucket_of(me, hash);
        me->free = at->next;
        at->session = *who;
        at->session.seen_at_s = times->now_s;
        memcpy(at->hash, hash, sizeof at->hash);
        at->next = *first;
        *first = i;
    }
    pthread_mutex_unlock(&me->lock);
    if (err == SID_OK)
        memcpy(cookie, text, sizeof text);
out:
    sid_wipe(secret, sizeof secret);
    sid_wipe(text, sizeof text);
    return err;
}

enum sid_err
sid_session_find(struct sid_sessions *me,
                 const char cookie[SID_SESSION_COOKIE_SIZE],
                 const struct sid_session_times *times,
                 struct sid_session *out) {
    uint8_t hash[SID_SHA256_BYTES];
    enum sid_err err = hash_of(cookie, hash);
    if (err != SID_OK)
        return err;
    err = SID_E_UNAUTHENTICATED;
    pthread_mutex_lock(&me->lock);
    uint32_t *link = link_of(me, hash);
    if (*link != NOWHERE && is_over(&me->place[*link].session, times))
        drop(me, link);
    else if (*link != NOWHERE) {
        struct sid_session *session = &me->place[*link].session;
        session->seen_at_s = times->now_s;
        *out = *session;
        err = SID_OK;
    }
    pthread_mutex_unlock(&me->lock);
    return err;
}

enum sid_err
sid_session_close(struct sid_sessions *me,
                  const char cookie[SID_SESSION_COOKIE_SIZE]) {
    uint8_t hash[SID_SHA256_BYTES];
    enum sid_err err = hash_of(cookie, hash);
    if (err != SID_OK)
        return err;
    pthread_mutex_lock(&me->lock);
    uint32_t *link = link_of(me, hash);
    if (*link != NOWHERE)
        drop(me, link);
    pthread_mutex_unlock(&me->lock);
    return SID_OK;
}

void
sid_session_close_chat(struct sid_sessions *me, const char *account,
                       const char *openid) {
    pthread_mutex_lock(&me->lock);
    for (uint32_t i = 0; i < SID_SESSIONS_MAX; i++) {
        const struct sid_session *session = &me->place[i].session;
        if (session->wechat_openid[0] != '\0' &&
            strcmp(session->wechat_openid, openid) == 0 &&
            strcmp(session->wechat_account, account) == 0)
            drop(me, link_of(me, me->place[i].hash));
    }
    pthread_mutex_unlock(&me->lock);
}

bool
sid_session_applicant_may(struct sid_sessions *me,
                          const struct sid_address *source, int64_t limit,
                          int64_t now_s, int64_t *left_s) {
    if (limit == 0)
        return true;
    pthread_mutex_lock(&me->lock);
    int64_t count = sid_rate_count(me->applicants, source, now_s, left_s);
    pthread_mutex_unlock(&me->lock);
    if (count > limit)
        sid_metric_add(SID_M_SESSION_RATE, 1);
    return count <= limit;
}

enum sid_err
sid_session_csrf(const char cookie[SID_SESSION_COOKIE_SIZE],
                 char out[SID_CSRF_SIZE]) {
    static const char label[] = "smartid csrf ";
    char text[sizeof label + SID_SESSION_COOKIE_CHARS];
    uint8_t hash[SID_SHA256_BYTES];
    memcpy(text, label, sizeof label - 1);
    memcpy(text + sizeof label - 1, cookie, SID_SESSION_COOKIE_CHARS);
    enum sid_err err = sid_sha256(
        sid_span_of(text, sizeof label - 1 + SID_SESSION_COOKIE_CHARS), hash);
    if (err == SID_OK)
        sid_base32_encode(hash, sizeof hash, out);
    sid_wipe(text, sizeof text);
    sid_wipe(hash, sizeof hash);
    return err;
}
