/* request.h: one HTTP request, from its first line to the end of its answer.
 *
 * Made when libmicrohttpd has read the request line, freed when it says that
 * the request is completed. Has exactly one owner at a time: the io thread of
 * its connection, or a flow (writer, worker, main); the hand-overs are in
 * request.c and asserted there. Only the flow's own struct may be touched while
 * a flow owns the request. */
#ifndef SMARTID_HTTP_REQUEST_H
#define SMARTID_HTTP_REQUEST_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "forwarded.h"
#include "header.h"
#include "negotiate.h"
#include "reply.h"
#include "session.h"
#include "smartid/apikey.h"
#include "smartid/app.h"
#include "smartid/flow_admin.h"
#include "smartid/flow_audit.h"
#include "smartid/flow_audit_read.h"
#include "smartid/flow_challenge.h"
#include "smartid/flow_credential.h"
#include "smartid/flow_dispute.h"
#include "smartid/flow_enrol.h"
#include "smartid/flow_face.h"
#include "smartid/flow_keys.h"
#include "smartid/flow_misuse.h"
#include "smartid/flow_overview.h"
#include "smartid/flow_recover.h"
#include "smartid/flow_search.h"
#include "smartid/flow_session.h"
#include "smartid/flow_verify.h"
#include "smartid/flow_webhook.h"
#include "smartid/json.h"
#include "smartid/qr.h"
#include "smartid/retention.h"
#include "smartid/wechat.h"
#include "smartid/wechat_visit.h"

struct sid_door;
struct sid_route;
struct sid_upload;

enum sid_owner { SID_OWNER_IO = 1, SID_OWNER_FLOW = 2 };

enum sid_stage {
    SID_STAGE_LINE,     /* the request line is known */
    SID_STAGE_BODY,     /* judged; a body may follow */
    SID_STAGE_DISCARD,  /* refused; the rest of a short body is swallowed */
    SID_STAGE_FLOW,     /* in a flow, or back from it */
    SID_STAGE_ANSWERED, /* the answer is queued */
};

enum sid_method {
    SID_METHOD_GET,
    SID_METHOD_HEAD,
    SID_METHOD_POST,
    SID_METHOD_DELETE,
    SID_METHOD_OTHER
};

/* Lines of the head that mean something here, borrowed from the connection;
 * NULL when not given. */
struct sid_head {
    const char *host;
    const char *content_length;
    const char *content_type;
    const char *transfer_encoding;
    const char *authorization;
    const char *cookie;
    const char *origin;
    const char *csrf_token;
    const char *idempotency_key;
    const char *request_id;
    const char *if_none_match; /* the first line of them */
    /* X-Forwarded-For: the first lines, and how many there were. */
    const char *forwarded[SID_FORWARDED_LINES_MAX];
    size_t forwarded_count;
    bool scheme_forwarded, forwarded_tls; /* X-Forwarded-Proto; https in it */
    bool cookie_given; /* more than once: then cookie is NULL */
    bool expects;      /* Expect was given */
    bool broken;       /* a line repeated or with bytes that no line may have */
    struct sid_accept accept;
    struct sid_prefer prefer;
    struct sid_encoding encoding;
};

struct sid_request {
    struct sid_door *door;
    struct MHD_Connection *connection;
    struct sid_request *next_back; /* of those on their way to the io thread,
                                     or spare */
    struct sid_guest *guest;       /* the connection's; NULL: without limits */
    _Atomic int owner;             /* enum sid_owner */
    enum sid_stage stage;
    int64_t started_us; /* monotonic */
    bool uri_clean, has_query;
    bool counted;   /* in the server's count of requests that flows have seen */
    bool has_place; /* in the queue of enrolments */
    size_t flow_bytes; /* of the union below that are in use; 0: none */
    bool cut_body;     /* answered while the client may still be sending */
    enum sid_method method;
    const struct sid_route *route; /* NULL: none matched */
    struct sid_head head;
    struct sid_caller caller;
    struct sid_session session; /* whose cookie was shown; ends_at_s 0: none */
    const char *path;          /* without query; borrowed from the connection */
    char id[SID_ID_SIZE];      /* {id} of the path; "" when malformed */
    enum sid_photo_kind photo; /* {photo} of the path */
    const char *account;       /* {account} of the path: borrowed, not ended */
    size_t account_len;
    char request_id[SID_REQUEST_ID_SIZE];
    uint64_t content_length;
    uint64_t body_max_bytes;  /* what this request may have; judged, if it may
                                 have a body */
    uint64_t photo_max_bytes; /* the same of each photo in it */
    uint64_t body_seen;       /* bytes of it */
    struct sid_buf body;
    struct sid_upload *upload; /* multipart bodies */
    int64_t wait_s;            /* granted part of Prefer: wait */
    enum sid_err refusal;
    struct sid_field field; /* of the refusal */
    unsigned allow;         /* bits 1 << enum sid_method, for SID_E_METHOD */
    int64_t retry_s;        /* of a refusal with 429 */
    struct sid_answer answer;
    /* Kept until the end, and wiped then: it has a copy of a cookie. */
    struct MHD_Response *secret_response;
    struct sid_page_set *pages; /* held while one of its files is the answer */
    unsigned status;            /* of the queued answer; 0: none yet */
    union {
        struct sid_flow flow;
        struct sid_enrol_submit submit;
        struct sid_enrol_appeal appeal;
        struct sid_challenge_make challenge;
        struct {
            struct sid_session_note flow; /* first: it is the flow */
            struct sid_address from;
        } session;
        struct {
            struct sid_wechat_visit flow; /* first: it is the flow */
            struct sid_address from;
        } visit;
        struct sid_wechat_ticket ticket;
        struct sid_wechat_clerk wechat_clerk;
        struct sid_enrol_get get;
        struct sid_enrol_list list;
        struct sid_enrol_decide decide;
        struct sid_enrol_photo photo;
        struct sid_enrol_erase erase;
        struct sid_credential_look look;
        struct {
            struct sid_credential_code flow; /* first: it is the flow */
            enum sid_media media;
            enum sid_qr_level level;
            int scale;
        } code;
        struct sid_credential_change change;
        struct sid_recover recover;
        struct sid_credential_search search;
        struct sid_overview overview;
        struct sid_audit_look audit;
        struct sid_misuse misuse;
        struct sid_issue issue;
        struct sid_verify verify;
        struct sid_portrait_look portrait;
        struct sid_face_check face;
        struct sid_verify_batch verify_batch;
        struct sid_check_list check_list;
        struct sid_dispute_open dispute_open;
        struct sid_dispute_list dispute_list;
        struct sid_dispute_settle dispute_settle;
        struct sid_key_list key_list;
        struct sid_key_rotate key_rotate;
        struct sid_master_change master_change;
        struct sid_retention_look retention;
        struct sid_audit_archive audit_archive;
        struct sid_wechat_turn wechat_turn;
        struct sid_webhook_look webhook_look;
        struct sid_webhook_replay webhook_replay;
        struct sid_client_add client_add;
        struct sid_client_list client_list;
        struct sid_client_revoke client_revoke;
    } u;
};

/* Frees the spare requests of a door whose io thread has ended. */
void sid_request_free_spares(struct sid_door *door);

/* Callbacks for MHD_start_daemon(); cls is the struct sid_door. */
void *sid_request_begin(void *cls, const char *uri,
                        struct MHD_Connection *connection);
enum MHD_Result sid_request_step(void *cls, struct MHD_Connection *connection,
                                 const char *url, const char *method,
                                 const char *version, const char *upload_data,
                                 size_t *upload_data_size, void **req_cls);
void sid_request_end(void *cls, struct MHD_Connection *connection,
                     void **req_cls, enum MHD_RequestTerminationCode why);

/* Takes the union for a flow of `size` bytes, zeroed. */
void sid_request_make_flow(struct sid_request *req, size_t size);

/* ---- head.c ------------------------------------------------------------ */
/* Collects the head's lines into req->head, names the request. method, url and
 * version: as libmicrohttpd handed them over, in place. Errors:
 * SID_E_BAD_REQUEST (a head that could be read in two ways). */
SID_FALLIBLE enum sid_err sid_head_read(struct sid_request *req,
                                        const char *method, const char *url,
                                        const char *version);

/* ---- source.c ----------------------------------------------------------- */
/* Where the request comes from: the peer, or whom a trusted one names. Errors:
 * SID_E_BAD_REQUEST. Not on the control socket. */
SID_FALLIBLE enum sid_err sid_request_source(const struct sid_request *req,
                                             struct sid_address *out);
/* Whether it came by TLS, as a trusted peer says. */
bool sid_request_tls(const struct sid_request *req);

/* ---- session_judge.c ---------------------------------------------------- */
/* The value of the session's cookie, if the request has one that could be. */
bool sid_session_cookie(const struct sid_request *req,
                        char out[SID_SESSION_COOKIE_SIZE]);
/* Whether a page of ours, or no page, has made the request. Errors:
 * SID_E_ORIGIN. */
SID_FALLIBLE enum sid_err
sid_session_judge_origin(const struct sid_request *req);
/* Who asks, by the cookie of a session, into req->caller and req->session:
 * never more than the session's key may. Errors: SID_E_UNAUTHENTICATED (no
 * session, or its page is off), SID_E_CSRF, SID_E_ORIGIN, SID_E_RATE, those of
 * sid_app_resume(). */
SID_FALLIBLE enum sid_err sid_session_judge(struct sid_request *req,
                                            const struct sid_attempt *attempt);

/* ---- judge.c ----------------------------------------------------------- */
/* Judges the head: everything that can be known before the body. Errors: the
 * refusal, with req->field, req->allow set where they belong. */
SID_FALLIBLE enum sid_err sid_request_judge(struct sid_request *req,
                                            const char *url, const char *method,
                                            const char *version);

/* The account that {account} of the path names, and its index; NULL when there
 * is none. */
const struct sid_wechat_account *
sid_request_wechat(const struct sid_request *req, size_t *index);

/* ---- query ------------------------------------------------------------- */
/* A query parameter, or NULL. Borrowed from the connection. */
const char *sid_request_query(struct sid_request *req, const char *name);
/* Refuses parameters that are not in `names` (ended by NULL) or repeated.
 * Errors: SID_E_FIELD_UNKNOWN, SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_request_query_only(struct sid_request *req,
                                                 const char *const *names);
/* Reads `after`, an id with the prefix ("" when there is none), and `limit`,
 * 1..SID_PAGE_MAX. Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_request_page(struct sid_request *req,
                                           const char *prefix,
                                           char after[SID_ID_SIZE], int *limit);

#endif
