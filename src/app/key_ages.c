/* key_ages.c: says in time that clients' keys will expire: gauges for whoever
 * looks at the metrics, and a line a day for whoever reads the log. Any thread
 * measures, the main thread logs; owns nothing. */
#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

#define WARN_EVERY_S 86400

static const struct {
    enum sid_role role;
    enum sid_metric soon, warn, expired;
} gauges[] = {
    {SID_ROLE_APP, SID_M_KEYS_7D_APP, SID_M_KEYS_30D_APP,
     SID_M_KEYS_EXPIRED_APP},
    {SID_ROLE_CLERK, SID_M_KEYS_7D_CLERK, SID_M_KEYS_30D_CLERK,
     SID_M_KEYS_EXPIRED_CLERK},
    {SID_ROLE_OFFICER, SID_M_KEYS_7D_OFFICER, SID_M_KEYS_30D_OFFICER,
     SID_M_KEYS_EXPIRED_OFFICER},
    {SID_ROLE_ADMIN, SID_M_KEYS_7D_ADMIN, SID_M_KEYS_30D_ADMIN,
     SID_M_KEYS_EXPIRED_ADMIN},
};
#define ROLES (sizeof gauges / sizeof gauges[0])

void
sid_app_measure(struct sid_app *app) {
    int64_t now_s = sid_now_s();
    for (size_t i = 0; i < ROLES; i++) {
        struct sid_key_ages ages;
        sid_keyset_ages(app->keyset, gauges[i].role, now_s, &ages);
        sid_metric_set(gauges[i].soon, ages.soon);
        sid_metric_set(gauges[i].warn, ages.warn);
        sid_metric_set(gauges[i].expired, ages.expired);
    }
}

void
sid_key_ages_tick(struct sid_app *app) {
    int64_t now_s = sid_now_s();
    if (now_s < app->next_warning_s)
        return;
    app->next_warning_s = now_s + WARN_EVERY_S;
    struct sid_key_ages sum = {0};
    for (size_t i = 0; i < ROLES; i++) {
        struct sid_key_ages ages;
        sid_keyset_ages(app->keyset, gauges[i].role, now_s, &ages);
        sum.soon += ages.soon;
        sum.warn += ages.warn;
        sum.expired += ages.expired;
    }
    if (sum.warn > 0)
        sid_log(SID_LOG_WARN, "client_keys_expiring",
                SID_N("within_7_days", sum.soon),
                SID_N("within_30_days", sum.warn),
                SID_N("expired", sum.expired));
}
