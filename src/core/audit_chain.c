/* audit_chain.c: the walk over the chain (see audit_chain.h). Pure; owns
 * nothing. */
#include "smartid/audit_chain.h"

#include <string.h>

void
sid_chain_begin(struct sid_chain *chain, const struct sid_mac_key *key,
                int64_t seq, const uint8_t mac[SID_SHA256_BYTES],
                sid_chain_found_fn *found, void *ctx) {
    *chain = (struct sid_chain){
        .key = key, .found = found, .ctx = ctx, .seq = seq, .mac_known = true};
    memcpy(chain->mac, mac, sizeof chain->mac);
}

/* ---- findings ------------------------------------------------------------ */

static void
tell_held(struct sid_chain *chain) {
    if (chain->held)
        chain->found(&chain->finding, chain->ctx);
    chain->held = false;
}

/* Rows behind a strange one do not fit either, without a fault of their own. */
static bool
lengthens(const struct sid_chain *chain, enum sid_chain_fault fault,
          int64_t first) {
    const struct sid_chain_finding *held = &chain->finding;
    return chain->held && held->last == first - 1 &&
           held->fault == SID_CHAIN_STRANGE &&
           (fault == SID_CHAIN_STRANGE || fault == SID_CHAIN_CHANGED);
}

static void
tell(struct sid_chain *chain, enum sid_chain_fault fault, int64_t first,
     int64_t last) {
    if (lengthens(chain, fault, first)) {
        chain->finding.last = last;
        return;
    }
    tell_held(chain);
    chain->held = true;
    chain->finding = (struct sid_chain_finding){fault, first, last};
}

static void
settle_doubt(struct sid_chain *chain, enum sid_chain_fault fault) {
    if (chain->doubt)
        tell(chain, fault, chain->seq, chain->seq);
    chain->doubt = false;
}

/* ---- rows ---------------------------------------------------------------- */

/* Whether the row is what somebody with the key wrote behind `prev`. */
static enum sid_err
stands_on(const struct sid_chain *chain, const uint8_t prev[SID_SHA256_BYTES],
          const struct sid_audit_entry *entry, uint8_t mac[SID_SHA256_BYTES],
          bool *out) {
    enum sid_err err = sid_audit_link(chain->key, prev, &entry->row, mac);
    if (err == SID_OK)
        *out = sid_equal_ct(mac, entry->mac, SID_SHA256_BYTES);
    return err;
}

/* The row in the light of the one before it. */
static enum sid_err
judge(struct sid_chain *chain, const struct sid_audit_entry *entry) {
    uint8_t mac[SID_SHA256_BYTES], other[SID_SHA256_BYTES];
    bool fits = false, fits_due = false;
    enum sid_err err = stands_on(chain, chain->mac, entry, mac, &fits);
    if (err == SID_OK && chain->doubt && !fits)
        err = stands_on(chain, chain->due_mac, entry, other, &fits_due);
    if (err != SID_OK)
        return err;
    settle_doubt(chain, fits       ? SID_CHAIN_CHANGED
                        : fits_due ? SID_CHAIN_MAC
                                   : SID_CHAIN_STRANGE);
    if (!fits && !fits_due) {
        chain->doubt = true;
        memcpy(chain->due_mac, mac, sizeof mac);
    }
    return SID_OK;
}

enum sid_err
sid_chain_row(struct sid_chain *chain, const struct sid_audit_entry *entry) {
    int64_t seq = entry->row.seq;
    enum sid_err err = SID_OK;
    chain->rows++;
    if (seq <= chain->seq) {
        settle_doubt(chain, SID_CHAIN_STRANGE);
        tell(chain, SID_CHAIN_EXTRA, seq, seq);
        return SID_OK;
    }
    if (seq - 1 > chain->seq) {
        settle_doubt(chain, SID_CHAIN_STRANGE);
        tell(chain, SID_CHAIN_MISSING, chain->seq + 1, seq - 1);
        chain->mac_known = false;
    }
    if (!entry->intact) {
        settle_doubt(chain, SID_CHAIN_STRANGE);
        tell(chain, SID_CHAIN_DAMAGED, seq, seq);
    } else if (chain->mac_known) {
        err = judge(chain, entry);
    }
    chain->seq = seq;
    memcpy(chain->mac, entry->mac, sizeof chain->mac);
    chain->mac_known = entry->intact;
    return err;
}

void
sid_chain_end(struct sid_chain *chain) {
    settle_doubt(chain, SID_CHAIN_STRANGE);
    tell_held(chain);
}
