/* time.c: the time by which codes live and die: it never goes back, not even
 * over a restart, because each check leaves its time in the audit log before it
 * is answered. Any thread reads it, the main thread says when the clock was set
 * back. Owns nothing: the state is the app's. */
#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

void
sid_time_begin(struct sid_app *app, int64_t floor_us) {
    sid_steady_begin(&app->time.steady, floor_us, sid_mono_us());
}

/* Also how far the wall clock is behind. */
static int64_t
read_time(struct sid_app *app, int64_t *behind_us) {
    pthread_mutex_lock(&app->time.lock);
    int64_t wall_us = sid_now_us();
    int64_t now_us = sid_steady_read(&app->time.steady, wall_us, sid_mono_us());
    pthread_mutex_unlock(&app->time.lock);
    *behind_us = now_us - wall_us;
    return now_us;
}

int64_t
sid_time_us(struct sid_app *app) {
    int64_t behind_us;
    return read_time(app, &behind_us);
}

int64_t
sid_time_s(struct sid_app *app) {
    return sid_time_us(app) / 1000000;
}

void
sid_time_tick(struct sid_app *app) {
    struct sid_token_times times;
    int64_t behind_us;
    sid_app_token_times(app, read_time(app, &behind_us) / 1000000, &times);
    int64_t behind_s = behind_us / 1000000;
    sid_metric_set(SID_M_CLOCK_BEHIND, behind_s);
    bool behind = behind_s > times.skew_s;
    if (behind == app->time.behind)
        return;
    app->time.behind = behind;
    if (behind)
        sid_log(SID_LOG_WARN, "clock_set_back", SID_N("seconds", behind_s),
                SID_S("effect", "codes go by the time before, at half speed, "
                                "until the clock has caught up"));
    else
        sid_log(SID_LOG_INFO, "clock_caught_up");
}

int64_t
sid_app_now_s(struct sid_app *app) {
    return sid_time_s(app);
}
