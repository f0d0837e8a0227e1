/* pseudonym.c: see pseudonym.h. Pure; any thread; owns nothing. */
#include "smartid/pseudonym.h"

#include <string.h>

#include "smartid/text.h"

/* Lengths go in front, so that no two pairs of party and person read alike. */
static void
put_length(size_t len, uint8_t out[4]) {
    SID_ASSERT(len <= UINT32_MAX);
    for (int i = 3; i >= 0; i--, len >>= 8)
        out[i] = (uint8_t)(len & 255);
}

enum sid_err
sid_pseudonym_make(const struct sid_mac_key *key, const char *party,
                   const uint8_t id_index[SID_SHA256_BYTES],
                   char out[SID_PSEUDONYM_SIZE]) {
    uint8_t lengths[2][4];
    uint8_t mac[SID_SHA256_BYTES];
    size_t party_len = strlen(party);
    put_length(party_len, lengths[0]);
    put_length(SID_SHA256_BYTES, lengths[1]);
    const struct sid_span parts[] = {
        sid_span_of(lengths[0], sizeof lengths[0]),
        sid_span_of(party, party_len),
        sid_span_of(lengths[1], sizeof lengths[1]),
        sid_span_of(id_index, SID_SHA256_BYTES),
    };
    enum sid_err err = sid_mac(key, parts, sizeof parts / sizeof parts[0], mac);
    if (err != SID_OK)
        return err;
    _Static_assert(SID_BASE32_CHARS(SID_PSEUDONYM_BYTES) + 5 ==
                       SID_PSEUDONYM_SIZE,
                   "psn_, the characters and NUL");
    memcpy(out, "psn_", 4);
    sid_base32_encode(mac, SID_PSEUDONYM_BYTES, out + 4);
    sid_wipe(mac, sizeof mac);
    return SID_OK;
}
