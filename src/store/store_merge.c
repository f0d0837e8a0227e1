/* store_merge.c: rows of several chains of the audit log in the order of their
 * times.
 *
 * Each chain has its rows in order already: some of each are copied, and the
 * oldest of those that stand first is given. Run by the thread that owns the
 * store; owns the copies until it returns. */
#include <stdlib.h>
#include <string.h>

#include "store_front.h"

/* Rows of a chain that are copied at a time. Source: own choice: some 60 KB of
 * each chain. */
#define PAGE_ROWS 256
#define TEXTS 5

struct copy {
    int64_t seq, at_us;
    size_t text[TEXTS]; /* where each begins in the page's bytes */
    uint8_t mac[SID_SHA256_BYTES];
    bool intact;
};

struct page {
    int slot;
    struct copy rows[PAGE_ROWS];
    int next, count;
    bool last; /* the chain has no more */
    struct sid_buf bytes;
};

struct merge {
    struct sid_store *store;
    struct sid_audit_places *at;
    struct page *pages[SID_SLOTS_MAX]; /* owned */
    int count;
};

void
sid_audit_places_begin(struct sid_audit_places *at) {
    for (int slot = 0; slot < SID_SLOTS_MAX; slot++)
        at->after[slot] = sid_chain_low(slot);
}

/* ---- one chain ----------------------------------------------------------- */

static enum sid_err
copy_row(const struct sid_audit_entry *entry, void *ctx) {
    struct page *page = ctx;
    struct copy *row = &page->rows[page->count];
    const char *const texts[TEXTS] = {entry->row.event, entry->row.actor,
                                      entry->row.subject, entry->row.outcome,
                                      entry->row.detail};
    enum sid_err err = SID_OK;

    row->seq = entry->row.seq;
    row->at_us = entry->row.at_us;
    row->intact = entry->intact;
    memcpy(row->mac, entry->mac, sizeof row->mac);
    for (int i = 0; err == SID_OK && i < TEXTS; i++) {
        row->text[i] = page->bytes.len;
        err = sid_buf_append(&page->bytes, texts[i], strlen(texts[i]) + 1);
    }
    page->count++;
    return err;
}

static enum sid_err
fill(struct merge *merge, struct page *page) {
    if (page->next < page->count || page->last)
        return SID_OK;
    page->next = page->count = 0;
    page->bytes.len = 0;
    enum sid_err err = sid_store_audit_range(
        merge->store, merge->at->after[page->slot], sid_chain_high(page->slot),
        PAGE_ROWS, copy_row, page);
    page->last = page->count < PAGE_ROWS;
    return err;
}

static enum sid_err
give(struct merge *merge, struct page *page, sid_audit_each_fn *each,
     void *ctx) {
    const struct copy *row = &page->rows[page->next++];
    const char *bytes = (const char *)page->bytes.ptr;
    struct sid_audit_entry entry = {.row = {.seq = row->seq,
                                            .at_us = row->at_us,
                                            .event = bytes + row->text[0],
                                            .actor = bytes + row->text[1],
                                            .subject = bytes + row->text[2],
                                            .outcome = bytes + row->text[3],
                                            .detail = bytes + row->text[4]},
                                    .intact = row->intact};

    memcpy(entry.mac, row->mac, sizeof entry.mac);
    merge->at->after[page->slot] = row->seq;
    return each(&entry, ctx);
}

/* ---- all of them --------------------------------------------------------- */

static enum sid_err
find_chains(struct merge *merge) {
    int slot = 0;
    enum sid_err err;

    while ((err = sid_store_audit_slot(merge->store, &slot)) == SID_OK) {
        struct page *page = calloc(1, sizeof *page);

        if (page == NULL)
            return SID_E_NO_MEMORY;
        page->slot = slot++;
        merge->pages[merge->count++] = page;
    }
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

/* Of those that stand first the oldest; of two as old the one of the lower
 * number. NULL: there is none. */
static enum sid_err
oldest(struct merge *merge, struct page **out) {
    struct page *best = NULL;

    for (int i = 0; i < merge->count; i++) {
        struct page *page = merge->pages[i];
        enum sid_err err = fill(merge, page);

        if (err != SID_OK)
            return err;
        if (page->next < page->count &&
            (best == NULL ||
             page->rows[page->next].at_us < best->rows[best->next].at_us))
            best = page;
    }
    *out = best;
    return SID_OK;
}

struct single {
    struct sid_audit_places *at;
    int slot;
    sid_audit_each_fn *each;
    void *ctx;
    int64_t rows;
};

static enum sid_err
single_row(const struct sid_audit_entry *entry, void *ctx) {
    struct single *single = ctx;

    single->at->after[single->slot] = entry->row.seq;
    single->rows++;
    return single->each(entry, single->ctx);
}

enum sid_err
sid_store_audit_by_time(struct sid_store *store, struct sid_audit_places *at,
                        int64_t limit, sid_audit_each_fn *each, void *ctx,
                        int64_t *rows) {
    struct merge merge = {.store = store, .at = at};
    struct single single = {.at = at, .each = each, .ctx = ctx};
    struct page *page = NULL;
    int64_t given = 0;
    enum sid_err err = find_chains(&merge);

    if (err == SID_OK && merge.count == 1) { /* nothing to be put in order */
        single.slot = merge.pages[0]->slot;
        err = sid_store_audit_range(store, at->after[single.slot],
                                    sid_chain_high(single.slot), limit,
                                    single_row, &single);
        given = single.rows;
    }
    while (err == SID_OK && merge.count > 1 && given < limit) {
        err = oldest(&merge, &page);
        if (err != SID_OK || page == NULL)
            break;
        given++;
        err = give(&merge, page, each, ctx);
    }
    for (int i = 0; i < merge.count; i++) {
        sid_buf_free(&merge.pages[i]->bytes);
        free(merge.pages[i]);
    }
    if (err == SID_OK)
        *rows = given;
    return err;
}
