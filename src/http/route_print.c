/* route_print.c: the route table as people read it. Main thread; owns nothing.
 */
#include <stdio.h>

#include "route.h"
#include "smartid/server.h"

#define ROLES_SIZE 64
#define PATH_SIZE 64

static void
roles_text(unsigned roles, char out[ROLES_SIZE]) {
    const struct {
        unsigned bit;
        const char *name;
    } order[] = {
        {SID_ROUTE_APPLICANT, "applicant"},
        {SID_ROLE_HOLDER, sid_role_name(SID_ROLE_HOLDER)},
        {SID_ROLE_APP, sid_role_name(SID_ROLE_APP)},
        {SID_ROLE_CLERK, sid_role_name(SID_ROLE_CLERK)},
        {SID_ROLE_OFFICER, sid_role_name(SID_ROLE_OFFICER)},
        {SID_ROLE_ADMIN, sid_role_name(SID_ROLE_ADMIN)},
    };
    size_t len = 0;
    out[0] = '\0';
    if (roles == SID_ROUTE_OPEN) {
        (void)snprintf(out, ROLES_SIZE, "everybody");
        return;
    }
    if (roles == SID_ROUTE_CONTROL) {
        (void)snprintf(out, ROLES_SIZE, "control socket");
        return;
    }
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if ((roles & order[i].bit) == 0)
            continue;
        int n = snprintf(out + len, ROLES_SIZE - len, "%s%s",
                         len > 0 ? ", " : "", order[i].name);
        len += (size_t)n;
        SID_ASSERT(len < ROLES_SIZE);
    }
}

static const char *
body_text(enum sid_body_kind body) {
    switch (body) {
    case SID_BODY_NONE:
        return "";
    case SID_BODY_NOTHING:
        return "JSON or none";
    case SID_BODY_JSON:
        return "JSON";
    case SID_BODY_MULTIPART:
    case SID_BODY_APPEAL:
    case SID_BODY_FACE:
    case SID_BODY_NUMBER:
        return "multipart";
    case SID_BODY_RECOVERY:
        return "multipart*";
    case SID_BODY_PUSH:
        return "XML or JSON";
    }
    return "";
}

static const char *
method_text(const struct sid_route *route) {
    if (sid_route_serves_head(route))
        return "GET, HEAD";
    if (route->method == SID_METHOD_DELETE)
        return "DELETE";
    return route->method == SID_METHOD_GET ? "GET" : "POST";
}

static void
print_row(FILE *to, const char *const cell[5]) {
    (void)fprintf(to, "| %-9s | %-39s | %-14s | %-11s | %-12s |\n", cell[0],
                  cell[1], cell[2], cell[3], cell[4]);
}

void
sid_server_print_routes(FILE *to) {
    static const char *const head[5] = {"method", "path", "any", "own", "body"};
    static const char *const rule[5] = {"---", "---", "---", "---", "---"};
    print_row(to, head);
    print_row(to, rule);
    for (size_t i = 0; i < sid_routes_count; i++) {
        const struct sid_route *route = &sid_routes[i];
        char path[PATH_SIZE], any[ROLES_SIZE], own[ROLES_SIZE];
        int n = snprintf(path, sizeof path, "`%s`", route->pattern);
        SID_ASSERT(n > 0 && n < PATH_SIZE);
        roles_text(route->any, any);
        roles_text(route->own, own);
        const char *const cell[5] = {method_text(route), path, any, own,
                                     body_text(route->body)};
        print_row(to, cell);
    }
}
