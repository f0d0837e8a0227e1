/* metrics.c: the counters, gauges and histograms of metrics.h, and their text.
 * Updates are relaxed atomics from any thread; nothing is allocated. The
 * process_* values are read by process.c. */
#include "smartid/metrics.h"

#include <stdatomic.h>
#include <string.h>

#include "process.h"

enum kind { COUNTER, GAUGE };

static const struct {
    enum kind kind;
    const char *name;
    const char *labels;
    const char *help;
} metrics[SID_METRIC_COUNT] = {
#define SID_METRIC_ROW(sym, kind, name, labels, help)                          \
    [sym] = {kind, name, labels, help},
    SID_METRIC_MAP(SID_METRIC_ROW)
#undef SID_METRIC_ROW
};

static const struct {
    const char *name;
    const char *help;
} histograms[SID_HISTOGRAM_COUNT] = {
#define SID_HISTOGRAM_ROW(sym, name, help) [sym] = {name, help},
    SID_HISTOGRAM_MAP(SID_HISTOGRAM_ROW)
#undef SID_HISTOGRAM_ROW
};

/* Upper ends of the buckets: Prometheus' customary ones, and two below them
 * because a verification takes well under a millisecond. */
static const struct {
    int64_t micros;
    const char *text; /* seconds */
} buckets[] = {
    {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
    {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},
    {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"},
    {5000000, "5"},   {10000000, "10"},
};
#define BUCKETS (sizeof buckets / sizeof buckets[0])

static _Atomic int64_t values[SID_METRIC_COUNT];
static struct {
    _Atomic int64_t count[BUCKETS + 1]; /* not cumulative; last: above all */
    _Atomic int64_t sum_us;
} observed[SID_HISTOGRAM_COUNT];

void
sid_metric_add(enum sid_metric metric, int64_t by) {
    SID_ASSERT((unsigned)metric < SID_METRIC_COUNT);
    atomic_fetch_add_explicit(&values[metric], by, memory_order_relaxed);
}

void
sid_metric_set(enum sid_metric metric, int64_t to) {
    SID_ASSERT((unsigned)metric < SID_METRIC_COUNT);
    atomic_store_explicit(&values[metric], to, memory_order_relaxed);
}

int64_t
sid_metric_get(enum sid_metric metric) {
    SID_ASSERT((unsigned)metric < SID_METRIC_COUNT);
    return atomic_load_explicit(&values[metric], memory_order_relaxed);
}

void
sid_histogram_observe_us(enum sid_histogram histogram, int64_t micros) {
    SID_ASSERT((unsigned)histogram < SID_HISTOGRAM_COUNT);
    if (micros < 0)
        micros = 0;
    size_t at = 0;
    while (at < BUCKETS && micros > buckets[at].micros)
        at++;
    atomic_fetch_add_explicit(&observed[histogram].count[at], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&observed[histogram].sum_us, micros,
                              memory_order_relaxed);
}

int64_t
sid_histogram_count(enum sid_histogram histogram) {
    SID_ASSERT((unsigned)histogram < SID_HISTOGRAM_COUNT);
    int64_t sum = 0;
    for (size_t i = 0; i <= BUCKETS; i++)
        sum += atomic_load_explicit(&observed[histogram].count[i],
                                    memory_order_relaxed);
    return sum;
}

int64_t
sid_histogram_quantile_us(enum sid_histogram histogram, int permille) {
    int64_t all = sid_histogram_count(histogram);
    int64_t below = 0;
    if (all == 0)
        return 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += atomic_load_explicit(&observed[histogram].count[i],
                                      memory_order_relaxed);
        if (below * 1000 >= all * permille)
            return buckets[i].micros;
    }
    return buckets[BUCKETS - 1].micros;
}

static enum sid_err
write_head(struct sid_buf *out, const char *name, const char *type,
           const char *help) {
    return sid_buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help,
                          name, type);
}

static enum sid_err
write_metric(struct sid_buf *out, size_t i) {
    bool first = i == 0 || strcmp(metrics[i].name, metrics[i - 1].name) != 0;
    if (first) {
        enum sid_err err = write_head(
            out, metrics[i].name,
            metrics[i].kind == COUNTER ? "counter" : "gauge", metrics[i].help);
        if (err != SID_OK)
            return err;
    }
    bool labels = metrics[i].labels[0] != '\0';
    return sid_buf_printf(out, "%s%s%s%s %lld\n", metrics[i].name,
                          labels ? "{" : "", metrics[i].labels,
                          labels ? "}" : "",
                          (long long)sid_metric_get((enum sid_metric)i));
}

static enum sid_err
write_histogram(struct sid_buf *out, size_t i) {
    const char *name = histograms[i].name;
    enum sid_err err = write_head(out, name, "histogram", histograms[i].help);
    long long below = 0;
    for (size_t b = 0; b <= BUCKETS && err == SID_OK; b++) {
        below +=
            atomic_load_explicit(&observed[i].count[b], memory_order_relaxed);
        err = sid_buf_printf(out, "%s_bucket{le=\"%s\"} %lld\n", name,
                             b < BUCKETS ? buckets[b].text : "+Inf", below);
    }
    if (err != SID_OK)
        return err;
    long long sum_us =
        atomic_load_explicit(&observed[i].sum_us, memory_order_relaxed);
    /* The count is what the last bucket said, so that both always agree. */
    return sid_buf_printf(out, "%s_sum %lld.%06lld\n%s_count %lld\n", name,
                          sum_us / 1000000, sum_us % 1000000, name, below);
}

static enum sid_err
write_process(struct sid_buf *out) {
    struct process_facts facts;
    process_facts_read(&facts);
    const struct {
        const char *name, *type, *help;
        double value;
    } rows[] = {
        {"process_cpu_seconds_total", "counter",
         "Total user and system CPU time spent in seconds", facts.cpu_s},
        {"process_resident_memory_bytes", "gauge",
         "Resident memory size in bytes", facts.resident_bytes},
        {"process_open_fds", "gauge", "Number of open file descriptors",
         facts.open_fds},
        {"process_start_time_seconds", "gauge",
         "Start time of the process since unix epoch in seconds",
         facts.start_s},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum sid_err err =
            write_head(out, rows[i].name, rows[i].type, rows[i].help);
        if (err == SID_OK)
            err = sid_buf_printf(out, "%s %.2f\n", rows[i].name, rows[i].value);
        if (err != SID_OK)
            return err;
    }
    return SID_OK;
}

enum sid_err
sid_metrics_write(struct sid_buf *out) {
    size_t before = out->len;
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < SID_METRIC_COUNT && err == SID_OK; i++)
        err = write_metric(out, i);
    for (size_t i = 0; i < SID_HISTOGRAM_COUNT && err == SID_OK; i++)
        err = write_histogram(out, i);
    if (err == SID_OK)
        err = write_process(out);
    if (err == SID_OK)
        err = write_head(out, "smartidd_build_info", "gauge",
                         "Always 1; the version is a label");
    if (err == SID_OK)
        err = sid_buf_printf(out, "smartidd_build_info{version=\"%s\"} 1\n",
                             SID_VERSION);
    if (err != SID_OK)
        out->len = before;
    return err;
}
