/* audit_verify_archive.c: smartidctl audit verify --archive: segments and log
 * as one chain.
 *
 * Rows that are nowhere have been removed by age, or their segment was taken
 * away: the log itself says, in rows of the same chain, which rows were
 * archived. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit_walk.h"

/* ---- rows that are listed ------------------------------------------------ */

static enum sid_err
add_rows(struct sid_rows_list *list, int64_t first, int64_t last) {
    struct sid_rows *at =
        realloc(list->at, (list->count + 1) * sizeof *list->at);
    if (at == NULL)
        return SID_E_NO_MEMORY;
    list->at = at;
    at[list->count++] = (struct sid_rows){first, last};
    return SID_OK;
}

static int64_t
number_in(const char *detail, const char *key) {
    struct sid_audit_member member;
    return sid_audit_member_find(detail, key, &member)
               ? strtoll(member.value, NULL, 10)
               : 0;
}

enum sid_err
sid_walk_note(struct walk *walk, const struct sid_audit_row *row) {
    if (strcmp(row->event, "audit_archived") != 0)
        return SID_OK;
    return add_rows(&walk->archived, number_in(row->detail, "first"),
                    number_in(row->detail, "last"));
}

void
sid_walk_judge_gaps(struct walk *walk) {
    for (size_t g = 0; g < walk->gaps.count; g++) {
        const struct sid_rows *gap = &walk->gaps.at[g];
        for (size_t i = 0; i < walk->archived.count; i++) {
            const struct sid_rows *said = &walk->archived.at[i];
            if (said->first > gap->last || said->last < gap->first)
                continue;
            sid_finding(walk->findings,
                        "rows %" PRId64 " to %" PRId64 ": were archived, as "
                        "the log says, and are in no segment",
                        said->first > gap->first ? said->first : gap->first,
                        said->last < gap->last ? said->last : gap->last);
        }
    }
}

void
sid_walk_fini(struct walk *walk) {
    free(walk->gaps.at);
    free(walk->archived.at);
}

/* ---- from one piece of the chain to the next ----------------------------- */

/* A piece that stands on this row follows; it lies behind what was read. */
static enum sid_err
join(struct walk *walk, int64_t seq, const uint8_t mac[SID_SHA256_BYTES]) {
    int64_t last = walk->begun ? walk->chain.seq : sid_chain_base(walk->slot);
    if (walk->begun && seq == last)
        return SID_OK;
    enum sid_err err =
        seq > last ? add_rows(&walk->gaps, last + 1, seq) : SID_OK;
    if (walk->begun) {
        sid_chain_end(&walk->chain);
        walk->rows_before += walk->chain.rows;
    }
    sid_walk_start(walk, seq, mac);
    return err;
}

/* ---- segments ------------------------------------------------------------ */

static enum sid_err
segment_head(const struct sid_segment_head *head, void *ctx) {
    struct walk *walk = ctx;
    char name[SID_SEGMENT_NAME_SIZE];
    sid_segment_name(head->month, walk->slot, name);
    if (strcmp(name, walk->segment) != 0)
        sid_finding(walk->findings, "%s: holds another month, %s",
                    walk->segment, head->month);
    if (!walk->begun || head->after >= walk->chain.seq)
        return join(walk, head->after, head->after_mac);
    sid_finding(walk->findings,
                "%s: begins with row %" PRId64 ", but the segments before it "
                "go to row %" PRId64 ": in the wrong order, or there twice",
                walk->segment, head->after + 1, walk->chain.seq);
    return SID_E_CONFLICT;
}

static enum sid_err
segment_row(const struct sid_audit_entry *entry, void *ctx) {
    struct walk *walk = ctx;
    walk->segment_rows++;
    return sid_walk_row(entry, walk);
}

static enum sid_err
read_segment(struct walk *walk) {
    const struct sid_segment_visit visit = {segment_head, segment_row, walk};
    struct sid_segment_problem problem = {0};
    char path[SID_SEGMENT_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", walk->what->archive,
                   walk->segment);
    enum sid_err err = sid_segment_read(path, &visit, &problem);
    if (err == SID_E_BAD_REQUEST)
        sid_finding(walk->findings, "%s, line %zu: %s", walk->segment,
                    problem.line, problem.what);
    walk->segments++;
    return err == SID_E_BAD_REQUEST || err == SID_E_CONFLICT ? SID_OK : err;
}

enum sid_err
sid_walk_segments(struct walk *walk) {
    bool found = false;
    enum sid_err err = SID_OK;
    do {
        err = sid_segment_next(walk->what->archive, walk->slot, walk->segment,
                               &found, walk->segment);
        if (err == SID_OK && found)
            err = read_segment(walk);
    } while (err == SID_OK && found);
    return err;
}

/* ---- the log behind them ------------------------------------------------- */

enum sid_err
sid_walk_log(struct walk *walk, int64_t seq,
             const uint8_t mac[SID_SHA256_BYTES]) {
    if (!walk->begun || seq >= walk->chain.seq)
        return join(walk, seq, mac);
    walk->twin_last = walk->chain.seq;
    sid_chain_begin(&walk->twin, walk->chain.key, seq, mac, sid_walk_tell,
                    walk);
    return SID_OK;
}

/* All rows that are in both have come, and the chain still ends with the
 * archive's last one: as each MAC stands on all before it, the
 * last one's says whether they were the same. */
static void
end_twin(struct walk *walk) {
    struct sid_chain *twin = &walk->twin;
    int64_t last = walk->twin_last;
    sid_chain_end(twin);
    walk->doubled += twin->rows;
    walk->twin_last = 0;
    if (twin->seq < last)
        sid_walk_tell(
            &(struct sid_chain_finding){SID_CHAIN_MISSING, twin->seq + 1, last},
            walk);
    else if (memcmp(twin->mac, walk->chain.mac, sizeof twin->mac) != 0)
        sid_finding(walk->findings,
                    "row %" PRId64 ": is another one in the archive", last);
}

enum sid_err
sid_walk_log_row(const struct sid_audit_entry *entry, void *ctx) {
    struct walk *walk = ctx;
    if (walk->twin_last > 0 && entry->row.seq <= walk->twin_last)
        return sid_chain_row(&walk->twin, entry);
    if (walk->twin_last > 0)
        end_twin(walk);
    return sid_walk_row(entry, walk);
}

void
sid_walk_end_log(struct walk *walk) {
    if (walk->twin_last > 0)
        end_twin(walk);
}

/* ---- what is told when all is well --------------------------------------- */

void
sid_walk_print_archive(const struct walk *walk, FILE *to) {
    if (walk->what->archive == NULL)
        return;
    (void)fprintf(to, "archive: %" PRId64 " of them, in %zu segment%s\n",
                  walk->segment_rows, walk->segments,
                  walk->segments == 1 ? "" : "s");
    for (size_t i = 0; i < walk->gaps.count; i++)
        (void)fprintf(to,
                      "rows %" PRId64 " to %" PRId64 ": removed by age "
                      "(audit_days) before they were archived\n",
                      walk->gaps.at[i].first, walk->gaps.at[i].last);
    if (walk->doubled > 0)
        (void)fprintf(to,
                      "%" PRId64 " rows of the archive are still in the log: "
                      "audit archive runs, or was stopped: then run it again"
                      "\n",
                      walk->doubled);
}
