/* calibrate.c: smartidctl calibrate: from the output of `compare --pairs` to
 * error rates and thresholds, with how sure the data makes them. Main thread.
 */
#include "calibrate.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "ctl.h"

#define TABLE_BYTES_MAX ((size_t)2 << 30)

static const char usage[] =
    "usage: smartidctl calibrate OUT.csv [--svg DET.svg | --no-svg]\n"
    "  OUT.csv    what `smartidctl compare --pairs` wrote: the columns same,\n"
    "             similarity, error are read\n"
    "  --svg F    draw the DET curve into F (default: OUT.svg beside it)\n"
    "  --no-svg   draw none\n";

struct table {
    struct sid_scores scores;
    size_t same_room, differs_room;
    size_t unusable; /* pairs with an error */
};

static enum sid_err
add(float **list, size_t *count, size_t *room, float value) {
    if (*count == *room) {
        size_t more = *room * 2 + 1024;
        float *grown = reallocarray(*list, more, sizeof *grown);
        if (grown == NULL)
            return SID_E_NO_MEMORY;
        *list = grown;
        *room = more;
    }
    (*list)[(*count)++] = value;
    return SID_OK;
}

static enum sid_err
add_row(struct table *table, const char *same, const char *similarity,
        const char *problem) {
    struct sid_scores *s = &table->scores;
    bool one_person;
    if (!sid_csv_truth(same, &one_person))
        return SID_E_BAD_REQUEST;
    if (similarity[0] == '\0' || problem[0] != '\0') {
        table->unusable++;
        return SID_OK;
    }
    char *end = NULL;
    float value = strtof(similarity, &end);
    if (end == similarity || *end != '\0' || !(value >= -1.01F) ||
        !(value <= 1.01F))
        return SID_E_BAD_REQUEST;
    return one_person ? add(&s->same, &s->same_count, &table->same_room, value)
                      : add(&s->differs, &s->differs_count,
                            &table->differs_room, value);
}

static enum sid_err
read_rows(struct table *table, struct sid_csv_reader *reader,
          struct sid_csv_record *record) {
    enum sid_err err = SID_OK;
    if (!sid_csv_next(reader, record, &err))
        return err == SID_OK ? SID_E_BAD_REQUEST : err;
    int same = sid_csv_column(record, "same");
    int similarity = sid_csv_column(record, "similarity");
    int problem = sid_csv_column(record, "error");
    size_t columns = record->count;
    if (same < 0 || similarity < 0)
        return SID_E_BAD_REQUEST;
    while (err == SID_OK && sid_csv_next(reader, record, &err)) {
        if (record->count != columns)
            return SID_E_BAD_REQUEST;
        err =
            add_row(table, sid_csv_field(record, (size_t)same),
                    sid_csv_field(record, (size_t)similarity),
                    problem < 0 ? "" : sid_csv_field(record, (size_t)problem));
    }
    return err;
}

static int
ascending(const void *left, const void *right) {
    const float *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static enum sid_err
read_table(const char *path, struct table *table) {
    struct sid_buf text = SID_BUF_EMPTY;
    struct sid_csv_record record = {0};
    struct sid_csv_reader reader = {0};
    errno = 0;
    enum sid_err err = sid_ctl_read_file(path, TABLE_BYTES_MAX, &text);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", path,
                      err == SID_E_IO ? strerror(errno) : sid_err_text(err));
        goto out;
    }
    reader.in = sid_buf_span(&text);
    err = read_rows(table, &reader, &record);
    if (err != SID_OK)
        (void)fprintf(stderr,
                      "smartidctl: %s:%zu: not the output of compare --pairs "
                      "(same is 0, 1, true or false; similarity a number)\n",
                      path, record.line);
    struct sid_scores *s = &table->scores;
    if (s->same_count > 0)
        qsort(s->same, s->same_count, sizeof *s->same, ascending);
    if (s->differs_count > 0)
        qsort(s->differs, s->differs_count, sizeof *s->differs, ascending);
out:
    sid_csv_record_fini(&record);
    sid_buf_free(&text);
    return err;
}

/* ---- what is printed ---------------------------------------------------- */

static void
count_at(const struct sid_scores *s, float t, size_t *matches,
         size_t *refused) {
    *matches = sid_scores_at_least(s->differs, s->differs_count, t);
    *refused = s->same_count - sid_scores_at_least(s->same, s->same_count, t);
}

static void
print_row(const struct sid_scores *s, float t) {
    size_t matches = 0, refused = 0;
    count_at(s, t, &matches, &refused);
    struct sid_share fmr = sid_share_of(matches, s->differs_count);
    struct sid_share fnmr = sid_share_of(refused, s->same_count);
    (void)printf("  %.3f   %8.2e (%.1e .. %.1e) %8zu   %8.2e (%.1e .. %.1e) "
                 "%8zu\n",
                 (double)t, fmr.value, fmr.low, fmr.high, matches, fnmr.value,
                 fnmr.low, fnmr.high, refused);
}

static void
print_rates(const struct sid_scores *s) {
    (void)puts("\nError rates (share, 95 % interval, count)\n"
               "  threshold  FMR: strangers accepted               "
               "FNMR: the person refused");
    for (int percent = 20; percent <= 70; percent += 5) {
        print_row(s, (float)percent / 100.0F);
        if (percent == 40)
            print_row(s, 0.42F);
    }
}

/* The threshold with the fewest errors, and where both rates are equal. */
static void
print_best(const struct sid_scores *s) {
    size_t best = SIZE_MAX, all = s->same_count + s->differs_count;
    float best_from = 0, best_to = 0, equal_at = 0;
    double equal = 2;
    for (int i = -1000; i <= 1000; i++) {
        float t = (float)i / 1000.0F;
        size_t matches = 0, refused = 0;
        count_at(s, t, &matches, &refused);
        if (matches + refused < best) {
            best = matches + refused;
            best_from = t;
        }
        if (matches + refused == best)
            best_to = t;
        double worse = fmax((double)matches / (double)s->differs_count,
                            (double)refused / (double)s->same_count);
        if (worse < equal) {
            equal = worse;
            equal_at = t;
        }
    }
    (void)printf("\nBest accuracy %.2f %% (%zu errors in %zu) at thresholds "
                 "%.3f to %.3f; equal error rate %.2f %% at %.3f\n",
                 100.0 * (1.0 - (double)best / (double)all), best, all,
                 (double)best_from, (double)best_to, 100.0 * equal,
                 (double)equal_at);
}

static void
print_threshold(const struct sid_scores *s, double target, bool sure) {
    float t = 0;
    size_t matches = 0, refused = 0;
    if (!sid_scores_threshold(s, target, sure, &t)) {
        (void)printf(
            "%s needs %.0f pairs of strangers or more",
            sure ? ", sure:" : " observed:", ceil((sure ? 3.0 : 1.0) / target));
        return;
    }
    count_at(s, t, &matches, &refused);
    struct sid_share fnmr = sid_share_of(refused, s->same_count);
    (void)printf("%s %.4f, FNMR %.2f %% (%.2f .. %.2f)",
                 sure ? ", sure:" : " observed:", (double)t, 100 * fnmr.value,
                 100 * fnmr.low, 100 * fnmr.high);
}

static void
print_targets(const struct sid_scores *s) {
    (void)printf("\nThresholds for a false match rate; \"observed\": not more "
                 "in these pairs; \"sure\":\nthe upper end of the 95 %% "
                 "interval, too. FNMR with its 95 %% interval.\n");
    for (int digits = 2; digits <= 6; digits++) {
        double target = pow(10, -digits);
        (void)printf("  FMR 1e-%d ", digits);
        print_threshold(s, target, false);
        print_threshold(s, target, true);
        (void)putchar('\n');
    }
    struct sid_share none = sid_share_of(0, s->differs_count);
    (void)printf("With %zu pairs of strangers and no error, no FMR below %.1e "
                 "can be shown (rule of three).\n"
                 "Pairs that share a photo are not independent: the true "
                 "intervals are wider.\n",
                 s->differs_count, none.high);
}

static void
print_all(const struct table *table) {
    const struct sid_scores *s = &table->scores;
    (void)printf("%zu pairs of one person (lowest similarity %.4f), %zu of two "
                 "people (highest %.4f), %zu not usable\n",
                 s->same_count, (double)s->same[0], s->differs_count,
                 (double)s->differs[s->differs_count - 1], table->unusable);
    print_rates(s);
    print_best(s);
    print_targets(s);
}

struct options {
    const char *svg; /* NULL: beside the table */
    bool no_svg;
};

/* 0, or the exit code after a message. */
static int
read_options(int argc, char **argv, struct options *out) {
    static const struct option options[] = {
        {"svg", required_argument, NULL, 's'},
        {"no-svg", no_argument, NULL, 'n'},
        {NULL, 0, NULL, 0}};
    int option = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            out->svg = optarg;
        else if (option == 'n')
            out->no_svg = true;
        else
            break;
    }
    if (option != -1 || argc - optind != 1 ||
        (out->svg != NULL && out->no_svg)) {
        (void)fputs(usage, stderr);
        return SID_CTL_USAGE;
    }
    return 0;
}

/* OUT.csv becomes OUT.svg; any other name gets .svg behind it. */
static enum sid_err
name_svg(const char *table, const char *chosen, struct sid_buf *out) {
    static const char from[] = ".csv";
    size_t len = strlen(table), tail = sizeof from - 1;
    if (len > tail && strcmp(table + len - tail, from) == 0)
        len -= tail;
    enum sid_err err = chosen != NULL
                           ? sid_buf_printf(out, "%s", chosen)
                           : sid_buf_printf(out, "%.*s.svg", (int)len, table);
    return err == SID_OK ? sid_buf_append(out, "", 1) : err;
}

/* Exit code. */
static int
draw(const struct sid_scores *scores, const char *table,
     const struct options *options) {
    struct sid_buf path = SID_BUF_EMPTY;
    if (options->no_svg)
        return SID_CTL_OK;
    enum sid_err err = name_svg(table, options->svg, &path);
    const char *name = err == SID_OK ? (const char *)path.ptr : "";
    errno = 0;
    if (err == SID_OK)
        err = sid_calibrate_svg(scores, name);
    if (err == SID_OK)
        (void)printf("\nDET curve: %s\n", name);
    else
        (void)fprintf(stderr,
                      "smartidctl: %s: %s (--svg FILE draws elsewhere, "
                      "--no-svg draws none)\n",
                      name, errno != 0 ? strerror(errno) : sid_err_text(err));
    sid_buf_free(&path);
    return err == SID_OK ? SID_CTL_OK : SID_CTL_FAILED;
}

int
sid_ctl_calibrate(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return SID_CTL_OK;
    }
    struct options options = {.svg = NULL};
    struct table table = {0};
    int code = read_options(argc, argv, &options);
    if (code != 0)
        return code;
    code = SID_CTL_FAILED;
    if (read_table(argv[optind], &table) != SID_OK)
        goto out;
    if (table.scores.same_count == 0 || table.scores.differs_count == 0) {
        (void)fputs("smartidctl: pairs of one person and pairs of two people "
                    "are both needed\n",
                    stderr);
        goto out;
    }
    print_all(&table);
    code = draw(&table.scores, argv[optind], &options);
out:
    free(table.scores.same);
    free(table.scores.differs);
    return code;
}
