/* route.c: the route table and its matching. Constant; any thread; owns
 * nothing. */
#include "route.h"

#include <string.h>

#include "api.h"

#define OPEN SID_ROUTE_OPEN
#define CONTROL SID_ROUTE_CONTROL
#define APPLICANT SID_ROUTE_APPLICANT
#define NOBODY 0u
#define APP SID_ROLE_APP
#define HOLDER SID_ROLE_HOLDER
#define CLERK SID_ROLE_CLERK
#define OFFICER SID_ROLE_OFFICER
#define ADMIN SID_ROLE_ADMIN
#define GET SID_METHOD_GET
#define POST SID_METHOD_POST
#define DELETE SID_METHOD_DELETE
#define NONE SID_BODY_NONE
#define NOTHING SID_BODY_NOTHING
#define JSON SID_BODY_JSON
#define MULTIPART SID_BODY_MULTIPART
#define APPEAL SID_BODY_APPEAL
#define RECOVERY SID_BODY_RECOVERY
#define FACE SID_BODY_FACE
#define NUMBER SID_BODY_NUMBER
#define PUSH SID_BODY_PUSH

/* method, pattern, any, own, body, query, {id}, handler. The first one is asked
 * for most often; a path that is spelled out stands before those with a name
 * that it could be. */
const struct sid_route sid_routes[] = {
    {POST, "/v1/verifications", CLERK, NOBODY, JSON, false, NULL,
     &sid_api_verify},
    {POST, "/v1/verifications/batch", CLERK, NOBODY, JSON, false, NULL,
     &sid_api_verify_batch},
    {POST, "/v1/enrollments", APP | APPLICANT, NOBODY, MULTIPART, false, NULL,
     &sid_api_enrol_submit},
    {POST, "/v1/counter/enrollments", OFFICER, NOBODY, JSON, false, NULL,
     &sid_api_counter_enrol},
    {POST, "/v1/challenges", APP | APPLICANT, NOBODY, JSON, false, NULL,
     &sid_api_challenge_make},
    {GET, "/v1/enrollments", OFFICER, NOBODY, NONE, true, NULL,
     &sid_api_enrol_list},
    {GET, "/v1/enrollments/{id}", OFFICER, APP | HOLDER, NONE, false, "enr_",
     &sid_api_enrol_get},
    {DELETE, "/v1/enrollments/{id}", OFFICER, HOLDER, NOTHING, false, "enr_",
     &sid_api_enrol_erase},
    {POST, "/v1/enrollments/{id}/decision", OFFICER, NOBODY, JSON, false,
     "enr_", &sid_api_enrol_decide},
    {POST, "/v1/enrollments/{id}/appeal", NOBODY, APP | HOLDER, APPEAL, false,
     "enr_", &sid_api_enrol_appeal},
    {GET, "/v1/enrollments/{id}/photos/{photo}", OFFICER, NOBODY, NONE, false,
     "enr_", &sid_api_enrol_photo},
    {POST, "/v1/recoveries", APP | APPLICANT, NOBODY, NUMBER, false, NULL,
     &sid_api_recovery},
    {POST, "/v1/credentials/search", OFFICER, NOBODY, JSON, false, NULL,
     &sid_api_credential_search},
    {GET, "/v1/overview", OFFICER | ADMIN, NOBODY, NONE, false, NULL,
     &sid_api_overview},
    {GET, "/v1/audit", OFFICER | ADMIN, NOBODY, NONE, true, NULL,
     &sid_api_audit},
    {GET, "/v1/audit/report", OFFICER | ADMIN, NOBODY, NONE, true, NULL,
     &sid_api_misuse},
    {GET, "/v1/credentials/{id}", OFFICER, APP | HOLDER, NONE, false, "crd_",
     &sid_api_credential_get},
    {GET, "/v1/credentials/{id}/code", NOBODY, APP | HOLDER, NONE, true, "crd_",
     &sid_api_credential_code},
    {POST, "/v1/credentials/{id}/suspend", OFFICER, APP | HOLDER, NOTHING,
     false, "crd_", &sid_api_credential_suspend},
    {POST, "/v1/credentials/{id}/resume", OFFICER, APP | HOLDER, NOTHING, false,
     "crd_", &sid_api_credential_resume},
    {POST, "/v1/credentials/{id}/revoke", OFFICER, APP | HOLDER, JSON, false,
     "crd_", &sid_api_credential_revoke},
    {POST, "/v1/credentials/{id}/issue", OFFICER, APP, JSON, false, "crd_",
     &sid_api_credential_issue},
    {POST, "/v1/credentials/{id}/upgrade", OFFICER, NOBODY, JSON, false, "crd_",
     &sid_api_credential_upgrade},
    {POST, "/v1/credentials/{id}/recover", OFFICER, APP, RECOVERY, false,
     "crd_", &sid_api_credential_recover},
    {GET, "/v1/verifications/{id}/portrait", NOBODY, CLERK, NONE, false, "ver_",
     &sid_api_portrait},
    {POST, "/v1/verifications/{id}/face", NOBODY, CLERK, FACE, false, "ver_",
     &sid_api_face},
    {GET, "/v1/credentials/{id}/checks", NOBODY, APP | HOLDER, NONE, true,
     "crd_", &sid_api_checks},
    {POST, "/v1/verifications/{id}/dispute", NOBODY, HOLDER, JSON, false,
     "ver_", &sid_api_dispute},
    {GET, "/v1/disputes", OFFICER, NOBODY, NONE, true, NULL,
     &sid_api_dispute_list},
    {POST, "/v1/disputes/{id}/settle", OFFICER, NOBODY, JSON, false, "dsp_",
     &sid_api_dispute_settle},
    {POST, "/v1/clients", ADMIN, NOBODY, JSON, false, NULL,
     &sid_api_client_add},
    {GET, "/v1/clients", ADMIN, NOBODY, NONE, false, NULL,
     &sid_api_client_list},
    {POST, "/v1/clients/{id}/revoke", ADMIN, NOBODY, NOTHING, false, "cli_",
     &sid_api_client_revoke},
    {GET, "/v1/keys", ADMIN, NOBODY, NONE, false, NULL, &sid_api_key_list},
    {POST, "/v1/keys/rotate", ADMIN, NOBODY, JSON, false, NULL,
     &sid_api_key_rotate},
    {POST, "/v1/keys/master", CONTROL, NOBODY, NOTHING, false, NULL,
     &sid_api_master_change},
    {GET, "/v1/retention", ADMIN, NOBODY, NONE, false, NULL,
     &sid_api_retention},
    {POST, "/v1/audit/archive", CONTROL, NOBODY, JSON, false, NULL,
     &sid_api_audit_archive},
    {GET, "/v1/webhook", ADMIN, NOBODY, NONE, false, NULL,
     &sid_api_webhook_look},
    {POST, "/v1/webhook/replay", ADMIN, NOBODY, JSON, false, NULL,
     &sid_api_webhook_replay},
    {POST, "/v1/sessions", OPEN, NOBODY, JSON, false, NULL,
     &sid_api_session_open},
    {GET, "/v1/sessions", OPEN, NOBODY, NONE, false, NULL,
     &sid_api_session_get},
    {DELETE, "/v1/sessions", OPEN, NOBODY, NOTHING, false, NULL,
     &sid_api_session_close},
    {GET, "/channels/wechat/{account}", OPEN, NOBODY, NONE, true, NULL,
     &sid_api_wechat_echo},
    {POST, "/channels/wechat/{account}", OPEN, NOBODY, PUSH, true, NULL,
     &sid_api_wechat_push},
    {POST, "/v1/sessions/wechat", CLERK, NOBODY, NOTHING, false, NULL,
     &sid_api_wechat_clerk},
    {DELETE, "/v1/sessions/wechat", CLERK, NOBODY, NOTHING, false, NULL,
     &sid_api_wechat_clerk},
    {GET, "/MP_verify_{file}", OPEN, NOBODY, NONE, false, NULL,
     &sid_api_domain},
    {GET, "/channels/wechat/{account}/enter", OPEN, NOBODY, NONE, true, NULL,
     &sid_api_visit_enter},
    {GET, "/channels/wechat/{account}/oauth", OPEN, NOBODY, NONE, true, NULL,
     &sid_api_visit_back},
    {GET, "/channels/wechat/{account}/jssdk", OPEN, NOBODY, NONE, true, NULL,
     &sid_api_jssdk},
    {GET, "/", OPEN, NOBODY, NONE, true, NULL, &sid_api_page_root},
    {GET, "/enroll", OPEN, NOBODY, NONE, true, NULL, &sid_api_page},
    {GET, "/card", OPEN, NOBODY, NONE, true, NULL, &sid_api_page},
    {GET, "/scan", OPEN, NOBODY, NONE, true, NULL, &sid_api_page},
    {GET, "/console", OPEN, NOBODY, NONE, true, NULL, &sid_api_page},
    {GET, "/docs", OPEN, NOBODY, NONE, true, NULL, &sid_api_page},
    {GET, "/openapi.json", OPEN, NOBODY, NONE, false, NULL, &sid_api_page},
    {GET, "/sw.js", OPEN, NOBODY, NONE, false, NULL, &sid_api_page},
    {GET, "/manifest.webmanifest", OPEN, NOBODY, NONE, false, NULL,
     &sid_api_page},
    {GET, "/robots.txt", OPEN, NOBODY, NONE, false, NULL, &sid_api_page},
    {GET, "/web/{file}", OPEN, NOBODY, NONE, false, NULL, &sid_api_page},
    {GET, "/healthz", OPEN, NOBODY, NONE, false, NULL, &sid_api_healthz},
    {GET, "/readyz", OPEN, NOBODY, NONE, false, NULL, &sid_api_readyz},
    {GET, "/metrics", OPEN, NOBODY, NONE, false, NULL, &sid_api_metrics},
    {GET, "/.well-known/smartid-keys.json", OPEN, NOBODY, NONE, false, NULL,
     &sid_api_offline_keys},
    {GET, "/version", OPEN, NOBODY, NONE, false, NULL, &sid_api_version},
};
const size_t sid_routes_count = sizeof sid_routes / sizeof sid_routes[0];

static bool
match(const char *pattern, const char *path, struct sid_path *segments) {
    *segments = (struct sid_path){0};
    while (*pattern != '\0') {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (len == 0)
            return false;
        /* A file's name may have slashes; what is none is found by nobody. */
        if (pattern[1] == 'f')
            return true;
        if (pattern[1] == 'i') {
            segments->id = path;
            segments->id_len = len;
        } else if (pattern[1] == 'a') {
            segments->account = path;
            segments->account_len = len;
        } else {
            segments->photo = path;
            segments->photo_len = len;
        }
        path += len;
        pattern = strchr(pattern, '}') + 1;
    }
    return *path == '\0';
}

enum sid_err
sid_route_find(enum sid_method method, const char *path,
               const struct sid_route **out, struct sid_path *segments,
               unsigned *allow) {
    bool spelled = false; /* the path is one of the table's, as it stands */
    *allow = 0;
    for (size_t i = 0; i < sid_routes_count; i++) {
        const struct sid_route *route = &sid_routes[i];
        struct sid_path found;
        /* What is spelled out goes before what fits a name. */
        bool has_name = strchr(route->pattern, '{') != NULL;
        if ((spelled && has_name) || !match(route->pattern, path, &found))
            continue;
        spelled = !has_name;
        unsigned serves = 1u << route->method;
        if (sid_route_serves_head(route))
            serves |= 1u << SID_METHOD_HEAD;
        if ((serves & 1u << method) != 0) {
            *out = route;
            *segments = found;
            return SID_OK;
        }
        *allow |= serves;
    }
    return *allow == 0 ? SID_E_NOT_FOUND : SID_E_METHOD;
}

bool
sid_route_open(const struct sid_route *route) {
    return route->any == OPEN;
}

bool
sid_route_serves_head(const struct sid_route *route) {
    return route->method == GET;
}

bool
sid_route_allows(const struct sid_route *route, unsigned who) {
    return sid_route_open(route) || ((route->any | route->own) & who) != 0;
}
