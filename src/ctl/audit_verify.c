/* audit_verify.c: smartidctl audit verify: the whole log in one state, against
 * its own chain and against the heads that lie elsewhere. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_walk.h"
#include "smartid/clock.h"

/* Rows between two signs of life on a terminal, the first of which is due at
 * once. */
#define PROGRESS_ROWS 65536
/* A head is due after one interval; it is missed after two and this. Source:
 * own choice: a tick, a slow disk, a busy machine. */
#define HEAD_SLACK_S 60

/* ---- what is told -------------------------------------------------------- */

void
sid_walk_tell(const struct sid_chain_finding *found, void *ctx) {
    static const char *const words[] = {
        [SID_CHAIN_MISSING] = "missing",
        [SID_CHAIN_EXTRA] = "a number that is there twice or cannot be",
        [SID_CHAIN_CHANGED] = "changed: the content is not what the MAC was "
                              "made over",
        [SID_CHAIN_MAC] = "the MAC was changed",
        [SID_CHAIN_DAMAGED] = "a column has not the form that is written",
        [SID_CHAIN_STRANGE] = "does not fit the chain: moved, swapped, put in "
                              "or changed",
    };
    struct walk *walk = ctx;
    if (found->first == found->last)
        sid_finding(walk->findings, "row %" PRId64 ": %s", found->first,
                    words[found->fault]);
    else
        sid_finding(walk->findings, "rows %" PRId64 " to %" PRId64 ": %s",
                    found->first, found->last, words[found->fault]);
}

/* "head of 2026-… (line 7)" */
#define HEAD_NAME_SIZE 80
static const char *
name_of(const struct sid_known_head *head, char out[HEAD_NAME_SIZE]) {
    char at[SID_TIME_TEXT_SIZE];
    sid_time_text(head->at_s, at);
    if (head->line > 0)
        (void)snprintf(out, HEAD_NAME_SIZE, "head of %s (line %zu)", at,
                       head->line);
    else
        (void)snprintf(out, HEAD_NAME_SIZE, "head of %s (given)", at);
    return out;
}

/* ---- rows and heads ------------------------------------------------------ */

static void
judge_head(struct walk *walk, const struct sid_known_head *head,
           const uint8_t mac[SID_SHA256_BYTES]) {
    char name[HEAD_NAME_SIZE];
    if (memcmp(head->mac, mac, sizeof head->mac) == 0) {
        walk->matched++;
        return;
    }
    sid_finding(walk->findings,
                "row %" PRId64 ": is not the row that the %s signs: the log "
                "was taken back before it and went on, or was written anew",
                head->seq, name_of(head, name));
}

/* Heads whose row has been passed, and those of this row. */
static bool
match_heads(struct walk *walk, const struct sid_audit_entry *entry) {
    bool covered = false;
    char name[HEAD_NAME_SIZE];
    while (walk->next_head < walk->heads.count) {
        const struct sid_known_head *head = &walk->heads.row[walk->next_head];
        if (head->seq > entry->row.seq)
            break;
        walk->next_head++;
        if (head->seq < entry->row.seq) {
            sid_finding(walk->findings,
                        "row %" PRId64 ": signed by the %s, "
                        "and missing",
                        head->seq, name_of(head, name));
        } else {
            size_t before = walk->matched;
            judge_head(walk, head, entry->mac);
            covered = covered || walk->matched > before;
        }
    }
    return covered;
}

static void
tell_stop(const struct walk *walk) {
    sid_finding(walk->findings,
                "row %" PRId64 ": the daemon's stop has no head: it was taken "
                "away, or could not be written",
                walk->bare_stop);
}

/* A start behind a stop that has no head in the file: the start's row says
 * which head was the last one then. */
static void
judge_start(struct walk *walk, const struct sid_audit_row *row) {
    struct sid_audit_member head;
    if (walk->bare_stop > 0 &&
        sid_audit_member_find(row->detail, "head", &head) &&
        strtoll(head.value, NULL, 10) == walk->bare_stop)
        tell_stop(walk);
    walk->bare_stop = 0;
}

/* Whether the daemon that starts here writes its heads into the file at hand.
 * Where there are several each has a file of its own, and the start's row names
 * the last head that was in it. */
static bool
is_ours(const struct walk *walk, const struct sid_audit_row *row) {
    struct sid_audit_member head;
    if (walk->one)
        return true;
    if (!sid_audit_member_find(row->detail, "head", &head))
        return false;
    int64_t seq = strtoll(head.value, NULL, 10);
    for (size_t i = walk->all->count; i > 0; i--) {
        if (walk->all->row[i - 1].seq == seq)
            return true;
    }
    return false;
}

static void
note_coverage(struct walk *walk, const struct sid_audit_row *row,
              bool covered) {
    if (strcmp(row->event, "daemon_started") == 0) {
        judge_start(walk, row);
        walk->running = is_ours(walk, row);
        walk->has_run = walk->has_run || walk->running;
    }
    if (covered)
        walk->uncovered_seq = 0;
    else if (walk->running && walk->uncovered_seq == 0) {
        walk->uncovered_seq = row->seq;
        walk->uncovered_at_us = row->at_us;
    }
    if (walk->running)
        walk->newest_at_us = row->at_us;
    /* The daemon signs its last row, whatever the interval. */
    if (strcmp(row->event, "daemon_stopped") == 0) {
        walk->bare_stop =
            covered || !(walk->one || walk->running) ? 0 : row->seq;
        walk->running = false;
    }
}

/* A start names the chains that there were. */
static void
note_chains(struct walk *walk, const struct sid_audit_row *row) {
    struct sid_audit_member chains;
    if (strcmp(row->event, "daemon_started") == 0 &&
        sid_audit_member_find(row->detail, "chains", &chains))
        walk->named |= strtoull(chains.value, NULL, 16);
}

/* No chain ever goes, whatever of it is removed. */
static void
judge_chains(const struct walk *walk) {
    uint64_t gone = walk->named & ~walk->present;
    for (int slot = 0; slot < SID_SLOTS_MAX; slot++) {
        if ((gone >> slot & 1) != 0)
            sid_finding(walk->findings,
                        "chain %d: is missing, and another chain says that it "
                        "was there: it was taken away",
                        slot);
    }
}

enum sid_err
sid_walk_row(const struct sid_audit_entry *entry, void *ctx) {
    struct walk *walk = ctx;
    enum sid_err err = sid_chain_row(&walk->chain, entry);
    note_chains(walk, &entry->row);
    bool covered = match_heads(walk, entry);
    if (walk->what->own_heads != NULL)
        note_coverage(walk, &entry->row, covered);
    if (err == SID_OK && walk->what->archive != NULL)
        err = sid_walk_note(walk, &entry->row);
    if (walk->what->progress && walk->chain.rows % PROGRESS_ROWS == 1)
        (void)fprintf(stderr, "\rrow %" PRId64 " ", walk->chain.rows);
    return err;
}

void
sid_walk_start(struct walk *walk, int64_t seq,
               const uint8_t mac[SID_SHA256_BYTES]) {
    const struct sid_mac_key *key = sid_keyring_audit(walk->what->keys);
    const struct sid_known_heads *heads = &walk->heads;
    sid_chain_begin(&walk->chain, key, seq, mac, sid_walk_tell, walk);
    walk->begun = true;
    walk->running = walk->has_run =
        walk->one && seq > sid_chain_base(walk->slot);
    for (; walk->next_head < heads->count; walk->next_head++) {
        const struct sid_known_head *head = &heads->row[walk->next_head];
        if (head->seq > seq)
            break;
        if (head->seq == seq)
            judge_head(walk, head, mac);
        else
            walk->removed++;
    }
}

/* Begins where the log does: behind the rows that were removed, whose heads
 * nothing is left to be held against, but for the last one's; or goes on behind
 * the archive. */
static enum sid_err
begin_log(struct walk *walk) {
    const struct sid_mac_key *key = sid_keyring_audit(walk->what->keys);
    int64_t seq = 0;
    uint8_t mac[SID_SHA256_BYTES] = {0};
    enum sid_err err =
        sid_store_audit_anchor(walk->what->store, key, walk->slot, &seq, mac);
    if (err == SID_E_SEAL) {
        sid_finding(walk->findings, "the anchor, which says where the log "
                                    "begins since rows were removed, was "
                                    "changed");
        if (walk->begun)
            return SID_OK;
        err = SID_OK;
    }
    if (err != SID_OK)
        return err;
    if (walk->what->archive != NULL)
        return sid_walk_log(walk, seq, mac);
    sid_walk_start(walk, seq, mac);
    return SID_OK;
}

/* Heads of rows behind the end of the log. */
static void
judge_end(struct walk *walk) {
    const struct sid_known_heads *heads = &walk->heads;
    char name[HEAD_NAME_SIZE];
    if (walk->next_head < heads->count) {
        const struct sid_known_head *last = &heads->row[heads->count - 1];
        sid_finding(walk->findings,
                    "the log ends with row %" PRId64 ", but the %s signs row "
                    "%" PRId64 ": its tail was cut off, or an older file was "
                    "put in its place (%zu heads)",
                    walk->chain.seq, name_of(last, name), last->seq,
                    heads->count - walk->next_head);
    }
}

/* Rows that should have a head behind them by now. */
static void
judge_coverage(struct walk *walk) {
    const struct sid_audit_check *what = walk->what;
    int64_t limit_us = (2 * what->head_interval_s + HEAD_SLACK_S) * 1000000;
    bool waits = walk->uncovered_seq > 0 &&
                 walk->newest_at_us - walk->uncovered_at_us > limit_us;
    if (walk->heads.count == 0 && walk->has_run &&
        (waits || walk->bare_stop > 0))
        sid_finding(walk->findings,
                    "%s: has no head of this log: the file was emptied, or "
                    "could not be written",
                    what->own_heads);
    else if (walk->bare_stop > 0)
        tell_stop(walk);
    else if (waits)
        sid_finding(walk->findings,
                    "row %" PRId64 " and those behind it: no head covers them, "
                    "although one was due: heads were taken away, or could not "
                    "be written",
                    walk->uncovered_seq);
}

/* ---- all of it ----------------------------------------------------------- */

static enum sid_err
read_heads(const struct sid_audit_check *what,
           const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
           struct sid_known_heads *heads, struct sid_findings *findings) {
    enum sid_err err = SID_OK;
    if (what->own_heads != NULL)
        err = sid_heads_read(what->own_heads, public_key, heads, findings);
    if (err == SID_E_NOT_FOUND)
        err = SID_OK; /* whether there should be one, the rows will show */
    for (size_t i = 0; i < what->kept_count && err == SID_OK; i++)
        err = sid_heads_read(what->kept_heads[i], public_key, heads, findings);
    for (size_t i = 0; i < what->line_count && err == SID_OK; i++)
        err = sid_heads_take(what->lines[i], public_key, heads, findings);
    sid_heads_sort(heads);
    return err;
}

static void
summarise(const struct walk *walk, FILE *to) {
    const struct sid_known_heads *heads = walk->all;
    int64_t found = walk->findings->count;
    (void)fprintf(to, "audit log: %" PRId64 " rows, ", walk->rows_before);
    if (found > 0) {
        (void)fprintf(to, "%" PRId64 " finding%s\n", found,
                      found == 1 ? "" : "s");
        return;
    }
    if (walk->one)
        (void)fputs("chain unbroken\n", to);
    else
        (void)fprintf(to, "%d chains unbroken\n", walk->chains);
    sid_walk_print_archive(walk, to);
    if (heads->count == 0) {
        /* A line that was given is a head, or a finding. */
        bool given =
            walk->what->own_heads != NULL || walk->what->kept_count > 0;
        (void)fputs(given ? "heads: none yet\n"
                          : "heads: not looked at; audit verify does\n",
                    to);
        return;
    }
    const struct sid_known_head *last = &heads->row[heads->count - 1];
    char at[SID_TIME_TEXT_SIZE];
    sid_time_text(last->at_s, at);
    (void)fprintf(to,
                  "heads: %zu, all fit; the last signs row %" PRId64 ", %s\n",
                  walk->matched, last->seq, at);
    if (walk->removed > 0)
        (void)fprintf(to, "heads of rows that were removed: %zu\n",
                      walk->removed);
}

static enum sid_err
has_rows(const struct walk *walk, bool *out) {
    int slot = walk->slot;
    enum sid_err err = sid_store_audit_slot(walk->what->store, &slot);
    *out = err == SID_OK && slot == walk->slot;
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

/* Whether there is anything of a chain: rows, what tells that there were some,
 * heads, a segment. */
static enum sid_err
is_there(struct walk *walk, bool *out) {
    const struct sid_audit_check *what = walk->what;
    char name[SID_SEGMENT_NAME_SIZE];
    bool found = false;
    enum sid_err err = has_rows(walk, &found);
    found = found || walk->heads.count > 0;
    if (err == SID_OK && !found)
        err = sid_store_audit_began(what->store, walk->slot, &found);
    if (err == SID_OK && !found && what->archive != NULL)
        err = sid_segment_next(what->archive, walk->slot, "", &found, name);
    *out = found;
    return err;
}

/* All that is known of one chain stands at its beginning; heads are in the
 * order of their numbers, and so of their chains. */
static void
turn_to(struct walk *walk, int slot) {
    const struct sid_known_heads *all = walk->all;
    size_t first = 0, last = 0;
    while (first < all->count && all->row[first].seq <= sid_chain_low(slot))
        first++;
    for (last = first;
         last < all->count && all->row[last].seq <= sid_chain_high(slot);)
        last++;
    walk->slot = slot;
    walk->heads = (struct sid_known_heads){
        .row = all->row == NULL ? NULL : all->row + first,
        .count = last - first};
    walk->chain = (struct sid_chain){.rows = 0};
    walk->next_head = 0;
    walk->running = walk->has_run = walk->begun = false;
    walk->uncovered_seq = walk->bare_stop = 0;
    walk->twin_last = 0;
    walk->segment[0] = '\0';
}

/* Whatever was removed, the last row stays. */
static enum sid_err
judge_rows(struct walk *walk) {
    bool rows = false, began = false;
    enum sid_err err = has_rows(walk, &rows);
    if (err == SID_OK && !rows)
        err = sid_store_audit_began(walk->what->store, walk->slot, &began);
    if (err == SID_OK && began)
        sid_finding(walk->findings,
                    "chain %d: all its rows are missing: they were taken away",
                    walk->slot);
    return err;
}

static enum sid_err
walk_chain(struct walk *walk) {
    struct sid_store *store = walk->what->store;
    enum sid_err err = SID_OK;
    if (walk->what->archive != NULL)
        err = sid_walk_segments(walk);
    if (err == SID_OK)
        err = begin_log(walk);
    if (err == SID_OK)
        err = sid_store_audit_range(store, sid_chain_low(walk->slot),
                                    sid_chain_high(walk->slot), INT64_MAX,
                                    sid_walk_log_row, walk);
    if (err != SID_OK)
        return err;
    sid_walk_end_log(walk);
    sid_chain_end(&walk->chain);
    judge_end(walk);
    if (walk->what->own_heads != NULL)
        judge_coverage(walk);
    return judge_rows(walk);
}

static void
tell_chain(const struct walk *walk, int64_t findings, FILE *to) {
    int64_t own = walk->findings->count - findings;
    (void)fprintf(to, "chain %d: %" PRId64 " rows, ", walk->slot,
                  walk->chain.rows);
    if (own > 0)
        (void)fprintf(to, "%" PRId64 " finding%s\n", own, own == 1 ? "" : "s");
    else
        (void)fputs("unbroken\n", to);
}

static enum sid_err
count_chains(struct walk *walk, int *out) {
    enum sid_err err = SID_OK;
    int count = 0;
    for (int slot = 0; err == SID_OK && slot < SID_SLOTS_MAX; slot++) {
        bool found = false;
        turn_to(walk, slot);
        err = is_there(walk, &found);
        count += found;
    }
    *out = count;
    return err;
}

/* Archive and log in one state of the log: what is archived meanwhile is then
 * in both. An empty log is its first chain. */
static enum sid_err
walk_all(struct walk *walk, FILE *to) {
    struct sid_store *store = walk->what->store;
    enum sid_err err = sid_store_begin_read(store);
    if (err == SID_OK)
        err = count_chains(walk, &walk->chains);
    walk->one = walk->chains <= 1;
    for (int slot = 0; err == SID_OK && slot < SID_SLOTS_MAX; slot++) {
        int64_t findings = walk->findings->count;
        bool found = false;
        turn_to(walk, slot);
        err = is_there(walk, &found);
        if (err != SID_OK || (!found && (walk->chains > 0 || slot > 0)))
            continue;
        walk->present |= UINT64_C(1) << slot;
        err = walk_chain(walk);
        if (err == SID_OK && !walk->one)
            tell_chain(walk, findings, to);
        walk->rows_before += walk->chain.rows;
    }
    sid_store_rollback(store);
    return err;
}

enum sid_err
sid_audit_check_run(const struct sid_audit_check *what, FILE *to,
                    int64_t *out) {
    struct sid_findings findings = {.to = to};
    struct sid_known_heads heads = {0};
    struct walk walk = {.what = what, .findings = &findings, .all = &heads};
    uint8_t key[SID_PUBLIC_KEY_BYTES];
    sid_sign_public(sid_keyring_head(what->keys), key);
    if (what->public_key != NULL &&
        memcmp(what->public_key, key, sizeof key) != 0) {
        sid_finding(&findings, "this database signs with another key than the "
                               "one that was given: it is another database");
        memcpy(key, what->public_key, sizeof key);
    }
    /* Heads before rows: a head is written for rows that are there. */
    enum sid_err err = read_heads(what, key, &heads, &findings);
    if (err == SID_OK)
        err = walk_all(&walk, to);
    if (what->progress)
        (void)fputs("\r\033[K", stderr);
    if (err == SID_OK) {
        sid_walk_judge_gaps(&walk);
        judge_chains(&walk);
        sid_findings_end(&findings);
        summarise(&walk, to);
        *out = findings.count;
    }
    sid_walk_fini(&walk);
    sid_heads_fini(&heads);
    return err;
}

/* ---- smartidctl audit verify --------------------------------------------- */

static bool
parse(int argc, char **argv, struct sid_audit_check *what, const char **files,
      const char **lines, uint8_t public_key[SID_PUBLIC_KEY_BYTES]) {
    what->kept_heads = files;
    what->lines = lines;
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL)
            return false;
        if (strcmp(argv[i], "--heads") == 0)
            files[what->kept_count++] = value;
        else if (strcmp(argv[i], "--head") == 0)
            lines[what->line_count++] = value;
        else if (strcmp(argv[i], "--archive") == 0)
            what->archive = value;
        else if (strcmp(argv[i], "--public-key") == 0 &&
                 sid_parse_public_key(value, public_key) == SID_OK)
            what->public_key = public_key;
        else
            return false;
    }
    return true;
}

static void
tell_unread(const struct sid_audit_check *what, enum sid_err err) {
    const char *path = "the log or its heads";
    for (size_t i = 0; i < what->kept_count; i++) {
        if (strcmp(what->kept_heads[i], "-") != 0 &&
            access(what->kept_heads[i], R_OK) != 0)
            path = what->kept_heads[i];
    }
    (void)fprintf(stderr, "smartidctl: %s cannot be read: %s\n", path,
                  sid_err_text(err));
}

static int
verify(const char *config_path, const struct sid_audit_check *asked) {
    struct sid_audit_check what = *asked;
    struct sid_config config;
    struct sid_ctl_store open = {0};
    char own_heads[SID_BESIDE_SIZE];
    int64_t findings = 0;
    int status = sid_ctl_load_config(config_path, &config);
    if (status == 0)
        status = sid_ctl_open_readonly(&config, &open);
    if (status != 0)
        return status;
    sid_config_beside(&config, config.head_file, ".heads", own_heads);
    what.store = open.store;
    what.keys = open.keys;
    what.own_heads = what.kept_count == 0 ? own_heads : NULL;
    what.head_interval_s = config.head_interval_s;
    what.progress = isatty(STDERR_FILENO) == 1;
    enum sid_err err = sid_audit_check_run(&what, stdout, &findings);
    if (err != SID_OK)
        tell_unread(&what, err);
    sid_ctl_close(&open);
    return err == SID_OK && findings == 0 ? SID_CTL_OK : SID_CTL_FAILED;
}

int
sid_audit_verify(const char *config_path, int argc, char **argv) {
    struct sid_audit_check what = {0};
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
    const char **files = calloc((size_t)argc, sizeof *files);
    const char **lines = calloc((size_t)argc, sizeof *lines);
    int status = SID_CTL_USAGE;
    if (files == NULL || lines == NULL)
        status = sid_ctl_print_error(SID_E_NO_MEMORY);
    else if (parse(argc, argv, &what, files, lines, public_key))
        status = verify(config_path, &what);
    free(files);
    free(lines);
    return status;
}
