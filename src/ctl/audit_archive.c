/* audit_archive.c: smartidctl audit archive: the oldest whole months of the log
 * become files, and leave the database.
 *
 * In this order, so that each row is in one place at least whenever the machine
 * stops: the segment is written under another name, synced, read again and held
 * against the chain, named, and the folder synced; only then the rows are
 * removed, some at a time, by the daemon or, while none runs, here. A run that
 * was stopped is finished by the next one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "audit_segment.h"
#include "smartid/audit_chain.h"
#include "smartid/clock.h"
#include "smartid/text.h"

/* Rows read in one transaction. Source: as of audit.c. */
#define PIECE_ROWS 4096
/* Of a segment: what the database has. */
#define FILE_MODE 0600
#define DAY_US ((int64_t)86400 * 1000000)

struct job {
    const struct sid_config *config;
    struct sid_store *store; /* for reading */
    const struct sid_keyring *keys;
    const char *folder;
    int64_t until_us;
    int slot; /* the chain at hand */

    /* The month at hand. */
    struct sid_segment_head head; /* where the log begins */
    int64_t end_us;               /* the first that is not in it */
    char path[SID_SEGMENT_PATH_SIZE];
    char part[SID_SEGMENT_PATH_SIZE]; /* while it is written */
    struct sid_audit_segment segment;
};

static enum sid_err
complain(const char *path, const char *what) {
    (void)fprintf(stderr, "smartidctl: %s: %s\n", path, what);
    return SID_E_CONFLICT;
}

static enum sid_err
complain_errno(const char *path) {
    (void)complain(path, strerror(errno));
    return SID_E_CONFLICT;
}

/* ---- the month ----------------------------------------------------------- */

static int64_t
month_start_us(int year, int month) {
    return sid_days_of_date(year, month, 1) * DAY_US;
}

static enum sid_err
parse_month(const char *text, int64_t *out_us) {
    char date[SID_MONTH_SIZE + 3];
    if (strlen(text) != SID_MONTH_SIZE - 1)
        return SID_E_ARGUMENT;
    (void)snprintf(date, sizeof date, "%s-01", text);
    return sid_audit_parse_time(date, 0, out_us);
}

struct peek {
    int64_t seq, at_us; /* 0: there is none */
};

static enum sid_err
peek_row(const struct sid_audit_entry *entry, void *ctx) {
    *(struct peek *)ctx = (struct peek){entry->row.seq, entry->row.at_us};
    return SID_OK;
}

static enum sid_err
row_behind(struct job *job, int64_t seq, struct peek *out) {
    *out = (struct peek){0};
    return sid_store_audit_range(job->store, seq, sid_chain_high(job->slot), 1,
                                 peek_row, out);
}

static void
name_month(struct job *job, int64_t at_us) {
    int year = 0, month = 0, day = 0;
    char name[SID_SEGMENT_NAME_SIZE];
    sid_date_of_days(at_us / DAY_US, &year, &month, &day);
    (void)snprintf(job->head.month, sizeof job->head.month, "%04u-%02u",
                   (unsigned)year % 10000, (unsigned)month % 100);
    job->end_us = month == 12 ? month_start_us(year + 1, 1)
                              : month_start_us(year, month + 1);
    sid_segment_name(job->head.month, job->slot, name);
    (void)snprintf(job->path, sizeof job->path, "%s/%s", job->folder, name);
    (void)snprintf(job->part, sizeof job->part, "%s/%s.part", job->folder,
                   name);
}

/* The month that the chain begins in; *more: it is to be archived. */
static enum sid_err
next_month(struct job *job, bool *more) {
    struct peek first;
    *more = false;
    enum sid_err err = sid_store_begin_read(job->store);
    if (err == SID_OK)
        err = sid_store_audit_anchor(job->store, sid_keyring_audit(job->keys),
                                     job->slot, &job->head.after,
                                     job->head.after_mac);
    if (err == SID_OK)
        err = row_behind(job, job->head.after, &first);
    sid_store_rollback(job->store);
    if (err != SID_OK || first.seq == 0 || first.at_us < 0 ||
        first.at_us >= job->until_us)
        return err;
    name_month(job, first.at_us);
    *more = true;
    return SID_OK;
}

/* ---- writing a segment --------------------------------------------------- */

struct copying {
    struct sid_segment_writer writer;
    int64_t end_us, last_seq, rows_seen;
    bool over; /* a row of a later month has come */
};

static enum sid_err
copy_row(const struct sid_audit_entry *entry, void *ctx) {
    struct copying *copying = ctx;
    copying->rows_seen++;
    copying->over = copying->over || entry->row.at_us >= copying->end_us;
    if (copying->over)
        return SID_OK;
    copying->last_seq = entry->row.seq;
    return sid_segment_write_row(&copying->writer, entry);
}

/* In pieces: a long transaction would keep the daemon from tidying up. */
static enum sid_err
copy_rows(struct job *job, struct copying *copying) {
    enum sid_err err = SID_OK;
    do {
        copying->rows_seen = 0;
        err = sid_store_begin_read(job->store);
        if (err == SID_OK)
            err = sid_store_audit_range(job->store, copying->last_seq,
                                        sid_chain_high(job->slot), PIECE_ROWS,
                                        copy_row, copying);
        sid_store_rollback(job->store);
    } while (err == SID_OK && !copying->over &&
             copying->rows_seen == PIECE_ROWS);
    return err;
}

/* Opens the file that is being written, empty; nobody else writes it. */
static enum sid_err
open_part(struct job *job, FILE **out) {
    int fd =
        open(job->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
             FILE_MODE);
    if (fd < 0)
        return complain_errno(job->part);
    enum sid_err err = SID_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        err = complain(job->part, "another audit archive is writing it");
    else if (ftruncate(fd, 0) != 0)
        err = complain_errno(job->part);
    FILE *to = err == SID_OK ? fdopen(fd, "we") : NULL;
    if (err == SID_OK && to == NULL)
        err = complain_errno(job->part);
    if (to == NULL)
        close(fd);
    else
        *out = to;
    return err;
}

/* *whole: the month is over in the log; otherwise nothing is left. */
static enum sid_err
write_part(struct job *job, FILE *to, bool *whole) {
    struct copying copying = {.writer = {.to = to},
                              .end_us = job->end_us,
                              .last_seq = job->head.after};
    enum sid_err err = sid_segment_write_head(&copying.writer, &job->head);
    if (err == SID_OK)
        err = copy_rows(job, &copying);
    if (err == SID_OK)
        err = sid_segment_write_end(&copying.writer);
    if (err == SID_E_IO ||
        (err == SID_OK && (fflush(to) != 0 || fsync(fileno(to)) != 0)))
        err = complain_errno(job->part);
    sid_segment_writer_fini(&copying.writer);
    *whole = copying.over;
    return err;
}

/* ---- reading it again ---------------------------------------------------- */

struct proof {
    const struct job *job;
    struct sid_chain chain;
    struct sid_segment_head head;
    bool meets; /* it has the row that the log stands on, or begins there */
    int64_t findings;
};

static void
count_finding(const struct sid_chain_finding *found, void *ctx) {
    struct proof *proof = ctx;
    (void)found;
    proof->findings++;
}

static void
meet(struct proof *proof, int64_t seq, const uint8_t mac[SID_SHA256_BYTES]) {
    const struct sid_segment_head *log = &proof->job->head;
    if (seq == log->after &&
        memcmp(mac, log->after_mac, sizeof log->after_mac) == 0)
        proof->meets = true;
}

static enum sid_err
prove_head(const struct sid_segment_head *head, void *ctx) {
    struct proof *proof = ctx;
    proof->head = *head;
    sid_chain_begin(&proof->chain, sid_keyring_audit(proof->job->keys),
                    head->after, head->after_mac, count_finding, proof);
    meet(proof, head->after, head->after_mac);
    return SID_OK;
}

static enum sid_err
prove_row(const struct sid_audit_entry *entry, void *ctx) {
    struct proof *proof = ctx;
    meet(proof, entry->row.seq, entry->mac);
    return sid_chain_row(&proof->chain, entry);
}

/* What lies on the disk is whole, is what the log begins with, and is all of
 * that month. Fills job->segment. */
static enum sid_err
prove(struct job *job, const char *path) {
    struct proof proof = {.job = job};
    const struct sid_segment_visit visit = {prove_head, prove_row, &proof};
    struct sid_segment_problem problem = {0};
    struct peek next;
    enum sid_err err = sid_segment_read(path, &visit, &problem);
    if (err == SID_E_BAD_REQUEST)
        return complain(path, problem.what);
    if (err != SID_OK)
        return err;
    sid_chain_end(&proof.chain);
    if (proof.findings > 0)
        return complain(path, "its rows do not fit the chain: see audit verify "
                              "(--archive); nothing was removed");
    if (!proof.meets || proof.chain.seq <= job->head.after ||
        strcmp(proof.head.month, job->head.month) != 0)
        return complain(path, "is there already, and is not what the log "
                              "begins with; nothing was removed");
    err = sid_store_begin_read(job->store);
    if (err == SID_OK)
        err = row_behind(job, proof.chain.seq, &next);
    sid_store_rollback(job->store);
    if (err == SID_OK && (next.seq == 0 || next.at_us < job->end_us))
        return complain(path, "has not all rows of its month; nothing was "
                              "removed");
    struct sid_audit_segment *segment = &job->segment;
    memcpy(segment->month, proof.head.month, sizeof segment->month);
    segment->first = proof.head.after + 1;
    segment->last = proof.chain.seq;
    memcpy(segment->mac, proof.chain.mac, sizeof segment->mac);
    return err;
}

/* ---- naming it ----------------------------------------------------------- */

static enum sid_err
sync_folder(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum sid_err err =
        fd < 0 || fsync(fd) != 0 ? complain_errno(folder) : SID_OK;
    if (fd >= 0)
        close(fd);
    return err;
}

/* *whole: the segment is in the folder, but its name perhaps not on disk. */
static enum sid_err
make_segment(struct job *job, bool *whole) {
    FILE *to = NULL;
    enum sid_err err = open_part(job, &to);
    if (err != SID_OK)
        return err;
    err = write_part(job, to, whole);
    if (err == SID_OK && *whole)
        err = prove(job, job->part);
    if (err == SID_OK && *whole && rename(job->part, job->path) != 0)
        err = complain_errno(job->path);
    if (err != SID_OK || !*whole)
        (void)unlink(job->part);
    (void)fclose(to); /* and its lock; what it holds is on disk */
    return err;
}

/* ---- removing the rows --------------------------------------------------- */

static enum sid_err
ask(const struct job *job, int64_t *left) {
    const struct sid_audit_segment *segment = &job->segment;
    char mac[2 * SID_SHA256_BYTES + 1], body[256];
    char *answer = NULL;
    long status = 0;
    json_int_t number = 0;
    sid_hex_encode(segment->mac, sizeof segment->mac, mac);
    (void)snprintf(body, sizeof body,
                   "{\"month\":\"%s\",\"first\":%" PRId64 ",\"last\":%" PRId64
                   ",\"mac\":\"%s\"}",
                   segment->month, segment->first, segment->last, mac);
    enum sid_err err = sid_ctl_control(job->config, "POST", "/v1/audit/archive",
                                       body, &answer, &status);
    if (err == SID_OK && status != 200) {
        (void)sid_ctl_print_problem(answer);
        err = SID_E_CONFLICT;
    }
    if (err == SID_OK) {
        json_t *root = json_loads(answer, 0, NULL);
        if (json_unpack(root, "{s:I}", "left", &number) != 0)
            err = SID_E_BAD_JSON;
        json_decref(root);
    }
    sid_ctl_free_answer(answer);
    if (err == SID_OK)
        *left = number;
    return err;
}

/* While no daemon runs. */
static enum sid_err
remove_here(const struct job *job) {
    struct sid_ctl_store open = {0};
    int64_t left = 0;
    if (sid_ctl_open(job->config, &open) != 0)
        return SID_E_CONFLICT;
    enum sid_err err = sid_store_check_key(open.store);
    do {
        if (err == SID_OK)
            err = sid_store_begin(open.store);
        if (err == SID_OK)
            err = sid_audit_archive_in(open.store, open.keys, job->config,
                                       &job->segment, "control", &left);
        if (err == SID_OK)
            err = sid_store_commit(open.store);
        else
            sid_store_rollback(open.store);
        sid_store_checkpoint_if_due(open.store);
    } while (err == SID_OK && left > 0);
    sid_store_checkpoint(open.store); /* no row stays in its log */
    if (err == SID_E_CONFLICT)
        (void)sid_ctl_print_error(err);
    sid_ctl_close(&open);
    return err;
}

static enum sid_err
remove_rows(const struct job *job) {
    int64_t left = 0;
    enum sid_err err = SID_OK;
    do {
        err = ask(job, &left);
    } while (err == SID_OK && left > 0);
    return err == SID_E_NOT_FOUND ? remove_here(job) : err;
}

/* ---- smartidctl audit archive -------------------------------------------- */

static enum sid_err
archive_month(struct job *job, bool *more) {
    enum sid_err err = next_month(job, more);
    if (err != SID_OK || !*more)
        return err;
    bool made = access(job->path, F_OK) == 0;
    err = made ? prove(job, job->path) : make_segment(job, more);
    if (err == SID_OK && !*more && job->slot == 0)
        (void)printf("%s: is not over in the log; it stays\n", job->head.month);
    else if (err == SID_OK && !*more)
        (void)printf("%s: is not over in chain %d of the log; it stays\n",
                     job->head.month, job->slot);
    if (err != SID_OK || !*more)
        return err;
    /* Also of a run before, which may have been stopped before it did so. */
    err = sync_folder(job->folder);
    if (err == SID_OK)
        err = remove_rows(job);
    if (err == SID_OK)
        (void)printf("%s: rows %" PRId64 " to %" PRId64 " are in %s\n",
                     job->segment.month, job->segment.first, job->segment.last,
                     job->path);
    return err;
}

/* One chain after the other, each as far as it goes. */
static enum sid_err
archive_chains(struct job *job) {
    enum sid_err err = SID_OK;
    for (job->slot = 0; err == SID_OK; job->slot++) {
        bool more = true;
        err = sid_store_begin_read(job->store);
        if (err == SID_OK)
            err = sid_store_audit_slot(job->store, &job->slot);
        sid_store_rollback(job->store);
        while (err == SID_OK && more)
            err = archive_month(job, &more);
    }
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

static int
archive(const char *config_path, const struct job *asked) {
    struct job job = *asked;
    struct sid_config config;
    struct sid_ctl_store open = {0};
    int status = sid_ctl_load_config(config_path, &config);
    if (status == 0)
        status = sid_ctl_open_readonly(&config, &open);
    if (status != 0)
        return status;
    job.config = &config;
    job.store = open.store;
    job.keys = open.keys;
    enum sid_err err = archive_chains(&job);
    sid_ctl_close(&open);
    if (err != SID_OK && err != SID_E_CONFLICT) /* else it was told */
        (void)sid_ctl_print_error(err);
    return err == SID_OK ? SID_CTL_OK : SID_CTL_FAILED;
}

int
sid_audit_archive(const char *config_path, int argc, char **argv) {
    struct job job = {.until_us = INT64_MIN};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--to") == 0)
            job.folder = argv[i + 1];
        else if (strcmp(argv[i], "--until") != 0 ||
                 parse_month(argv[i + 1], &job.until_us) != SID_OK)
            return SID_CTL_USAGE;
    }
    if (argc % 2 == 0 || job.folder == NULL || job.until_us == INT64_MIN ||
        strlen(job.folder) >= PATH_MAX)
        return SID_CTL_USAGE;
    return archive(config_path, &job);
}
