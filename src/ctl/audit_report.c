/* audit_report.c: smartidctl audit report: the rows of the log through the
 * rules, and what they say as text or JSON lines. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "report.h"
#include "smartid/clock.h"
#include "smartid/json_out.h"

struct job {
    struct sid_report_limits limits;
    const char *since, *until, *counters;
    int64_t since_us, until_us;
    bool json;
    struct sid_report *report;
    struct sid_buf out;
    int64_t suspicions;
    enum sid_err err;
};

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] audit report [--since TIME] [--until "
        "TIME] [--json]\n"
        "           [--counters FILE.csv] [--LIMIT N]…\n"
        "\n"
        "Lists what looks like misuse of checks, from the audit log alone. It "
        "names keys\n"
        "and credentials, says what and against which limit, and proves "
        "nothing: ask.\n"
        "\n"
        "  often       one person by one key in a day        more than --often "
        "(5)\n"
        "  often_all   one person in a day, in all           more than "
        "--often-all (10)\n"
        "  night       between --night (22-6), for a purpose that is not one "
        "of\n"
        "              --night-purposes (hotel_check_in,train_ticket,…)\n"
        "  bulk        checks by one key in an hour          more than --bulk "
        "(60) and\n"
        "              more than --factor (4) times the median for that "
        "purpose\n"
        "  people      different people by one key, the same more than "
        "--people (40)\n"
        "  not_valid   answers in an hour that were not valid: at least "
        "--not-valid (10)\n"
        "              and a third of all\n"
        "  two_places  one person at two counters, faster than --speed (150 "
        "km/h), when\n"
        "              FILE.csv (counter,latitude,longitude) has both; else "
        "by two keys\n"
        "              within --near (5) minutes. counter may be a client's "
        "id.\n"
        "\n"
        "Hours are the bureau's: --utc-offset +8. TIME is RFC 3339 or a date "
        "there.\n",
        to);
    return status;
}

/* ---- rows ---------------------------------------------------------------- */

static struct sid_span
member(const char *detail, const char *key) {
    struct sid_audit_member found;
    return sid_audit_member_find(detail, key, &found)
               ? sid_span_of(found.value, found.value_len)
               : sid_span_of("", 0);
}

static enum sid_err
report_row(const struct sid_audit_entry *entry, void *ctx) {
    struct job *job = ctx;
    const struct sid_audit_row *row = &entry->row;
    if (row->at_us < job->since_us || row->at_us >= job->until_us ||
        strcmp(row->event, "verification") != 0 || row->actor[0] == '\0')
        return SID_OK;
    struct sid_report_check check = {
        .at_s = row->at_us / 1000000,
        .client = row->actor,
        .credential = row->subject,
        .outcome = row->outcome,
        .purpose = member(row->detail, "purpose"),
        .counter = member(row->detail, "counter"),
    };
    return sid_report_add(job->report, &check);
}

/* ---- what is told -------------------------------------------------------- */

static void
write_json(struct job *job, const struct sid_suspicion *s) {
    struct sid_json json;
    sid_json_init(&json, &job->out);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "rule", sid_report_rule_name(s->rule));
    sid_json_time(&json, "at", s->at_s);
    if (s->client[0] != '\0')
        sid_json_string(&json, "client", s->client);
    if (s->other[0] != '\0')
        sid_json_string(&json, "other_client", s->other);
    if (s->credential[0] != '\0')
        sid_json_string(&json, "credential", s->credential);
    sid_json_int(&json, "count", s->count);
    sid_json_string(&json, "text", s->text);
    sid_json_close(&json, '}');
    job->err = json.err;
}

/* Ids may have been spoilt: only what ids have is printed. */
static void
put_id(struct job *job, const char *id) {
    char clean[40];
    size_t len = 0;
    for (; *id != '\0' && len < sizeof clean - 1; id++)
        clean[len++] = *id > ' ' && *id < 0x7f ? *id : '?';
    clean[len] = '\0';
    if (len > 0 && job->err == SID_OK)
        job->err = sid_buf_printf(&job->out, " %s", clean);
}

static void
write_text(struct job *job, const struct sid_suspicion *s) {
    char at[SID_TIME_TEXT_SIZE], text[sizeof s->text];
    sid_time_text(s->at_s + job->limits.utc_offset_s, at);
    for (size_t i = 0; i < sizeof text; i++) {
        unsigned char c = (unsigned char)s->text[i];
        text[i] = c != 0 && (c < 0x20 || c >= 0x7f) ? '?' : s->text[i];
    }
    job->err = sid_buf_printf(&job->out, "%.10s %.5s  %-10s ", at, at + 11,
                              sid_report_rule_name(s->rule));
    put_id(job, s->client);
    put_id(job, s->other);
    put_id(job, s->credential);
    if (job->err == SID_OK)
        job->err = sid_buf_printf(&job->out, "  %s", text);
}

static void
take(const struct sid_suspicion *suspicion, void *ctx) {
    struct job *job = ctx;
    job->suspicions++;
    if (job->err == SID_OK && job->json)
        write_json(job, suspicion);
    else if (job->err == SID_OK)
        write_text(job, suspicion);
    if (job->err == SID_OK)
        job->err = sid_buf_append(&job->out, "\n", 1);
}

/* Between two pieces, when no transaction is open. */
static enum sid_err
write_out(void *ctx) {
    struct job *job = ctx;
    size_t len = job->out.len;
    size_t written = len == 0 ? 0 : fwrite(job->out.ptr, 1, len, stdout);
    job->out.len = 0;
    if (job->err == SID_OK && (written != len || fflush(stdout) != 0))
        job->err = SID_E_IO;
    return job->err;
}

/* ---- arguments ----------------------------------------------------------- */

static bool
read_number(const char *text, int64_t least, int64_t most, int64_t *out) {
    char *end = NULL;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || n < least || n > most)
        return false;
    *out = n;
    return true;
}

/* "22-6" */
static bool
read_night(const char *text, struct sid_report_limits *limits) {
    char from[4];
    size_t len = strcspn(text, "-");
    if (len == 0 || len >= sizeof from || text[len] != '-')
        return false;
    memcpy(from, text, len);
    from[len] = '\0';
    return read_number(from, 0, 23, &limits->night_from_h) &&
           read_number(text + len + 1, 0, 23, &limits->night_to_h);
}

/* "+8", "-3:30" */
static bool
read_offset(const char *text, int64_t *out_s) {
    char hours[4];
    int64_t h = 0, m = 0;
    size_t len = strcspn(text, ":");
    if (len == 0 || len >= sizeof hours)
        return false;
    memcpy(hours, text, len);
    hours[len] = '\0';
    if (!read_number(hours, -14, 14, &h) ||
        (text[len] == ':' && !read_number(text + len + 1, 0, 59, &m)))
        return false;
    *out_s = h * 3600 + (text[0] == '-' ? -m : m) * 60;
    return true;
}

static bool
parse_limit(const char *name, const char *value,
            struct sid_report_limits *limits) {
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {
        {"--often", &limits->often},   {"--often-all", &limits->often_all},
        {"--bulk", &limits->bulk},     {"--people", &limits->people},
        {"--factor", &limits->factor}, {"--not-valid", &limits->not_valid},
        {"--near", &limits->near_min}, {"--speed", &limits->speed_kmh},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(name, numbers[i].name) == 0)
            return read_number(value, 1, 1000000, numbers[i].to);
    }
    if (strcmp(name, "--night") == 0)
        return read_night(value, limits);
    if (strcmp(name, "--utc-offset") == 0)
        return read_offset(value, &limits->utc_offset_s);
    if (strcmp(name, "--night-purposes") != 0)
        return false;
    limits->night_purposes = value;
    return true;
}

static bool
parse(int argc, char **argv, struct job *job) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            job->json = true;
            continue;
        }
        const char *name = argv[i];
        const char *value = i + 1 < argc ? argv[++i] : NULL;
        if (value == NULL)
            return false;
        if (strcmp(name, "--since") == 0)
            job->since = value;
        else if (strcmp(name, "--until") == 0)
            job->until = value;
        else if (strcmp(name, "--counters") == 0)
            job->counters = value;
        else if (!parse_limit(name, value, &job->limits))
            return false;
    }
    /* A date is a day at the bureau: its offset may come behind it. */
    int64_t offset_s = job->limits.utc_offset_s;
    return (job->since == NULL ||
            sid_audit_parse_time(job->since, offset_s, &job->since_us) ==
                SID_OK) &&
           (job->until == NULL ||
            sid_audit_parse_time(job->until, offset_s, &job->until_us) ==
                SID_OK);
}

/* ---- smartidctl audit report --------------------------------------------- */

static int
run(const struct sid_config *config, const struct sid_places *places,
    struct job *job) {
    struct sid_ctl_store open = {0};
    int status = sid_ctl_open_readonly(config, &open);
    if (status != 0)
        return status;
    enum sid_err err =
        sid_report_new(&job->limits, places, take, job, &job->report);
    if (err == SID_OK)
        err = sid_audit_walk(open.store, report_row, write_out, job);
    if (err == SID_OK) {
        sid_report_end(&job->report);
        err = write_out(job);
    }
    sid_report_free(&job->report);
    sid_buf_free(&job->out);
    sid_ctl_close(&open);
    if (err != SID_OK)
        return sid_ctl_print_error(err);
    if (!job->json)
        (void)printf("%" PRId64 " found\n", job->suspicions);
    return SID_CTL_OK;
}

int
sid_audit_report(const char *config_path, int argc, char **argv) {
    struct job job = {.since_us = INT64_MIN, .until_us = INT64_MAX};
    struct sid_places *places = NULL;
    struct sid_config config;
    char problem[200] = "";
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    sid_report_limits_default(&job.limits);
    if (!parse(argc, argv, &job))
        return usage(stderr, SID_CTL_USAGE);
    int status = sid_ctl_load_config(config_path, &config);
    if (status == 0 && job.counters != NULL) {
        enum sid_err err =
            sid_places_read(job.counters, &places, problem, sizeof problem);
        if (err != SID_OK) {
            (void)fprintf(stderr, "smartidctl: %s: %s\n", job.counters,
                          problem[0] != '\0' ? problem : sid_err_text(err));
            status = SID_CTL_FAILED;
        }
    }
    if (status == 0)
        status = run(&config, places, &job);
    sid_places_free(&places);
    return status;
}
