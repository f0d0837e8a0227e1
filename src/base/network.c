/* network.c: addresses and networks (see network.h). Pure; any thread; owns
 * nothing. */
#include "smartid/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_BITS 128
#define V4_BITS 32
#define V4_AT 12 /* bytes before the four of IPv4 */

static const uint8_t v4_prefix[V4_AT] = {[10] = 0xff, [11] = 0xff};

bool
sid_address_is_v4(const struct sid_address *address) {
    return memcmp(address->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

static void
set_v4(struct sid_address *out, const void *four) {
    memcpy(out->bytes, v4_prefix, sizeof v4_prefix);
    memcpy(out->bytes + V4_AT, four, sizeof out->bytes - V4_AT);
}

enum sid_err
sid_address_parse(const char *text, size_t len, struct sid_address *out) {
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (len >= sizeof copy || memchr(text, '\0', len) != NULL)
        return SID_E_ARGUMENT;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        set_v4(out, &v4);
        return SID_OK;
    }
    if (inet_pton(AF_INET6, copy, &v6) != 1)
        return SID_E_ARGUMENT;
    memcpy(out->bytes, &v6, sizeof out->bytes);
    return SID_OK;
}

enum sid_err
sid_address_of(const struct sockaddr *from, struct sid_address *out) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    switch (from->sa_family) {
    case AF_INET:
        memcpy(&v4, from, sizeof v4);
        set_v4(out, &v4.sin_addr);
        return SID_OK;
    case AF_INET6:
        memcpy(&v6, from, sizeof v6);
        memcpy(out->bytes, &v6.sin6_addr, sizeof out->bytes);
        return SID_OK;
    default:
        return SID_E_ARGUMENT;
    }
}

const char *
sid_address_class(const struct sid_address *address) {
    static const struct {
        const char *network;
        const char *name;
    } classes[] = {
        {"127.0.0.0/8", "loopback"},   {"::1/128", "loopback"},
        {"10.0.0.0/8", "private"},     {"172.16.0.0/12", "private"},
        {"192.168.0.0/16", "private"}, {"169.254.0.0/16", "private"},
        {"100.64.0.0/10", "private"},  {"fc00::/7", "private"},
        {"fe80::/10", "private"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        struct sid_network network;
        const char *text = classes[i].network;
        SID_ASSERT(sid_network_parse(text, strlen(text), &network) == SID_OK);
        if (sid_network_has(&network, address))
            return classes[i].name;
    }
    return "public";
}

/* The first `bits` of both are the same. */
static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* "0" to "128", without a sign, a blank or a leading zero. */
static bool
read_length(const char *text, size_t len, unsigned max, unsigned *out) {
    unsigned value = 0;
    if (len == 0 || len > 3 || (len > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *out = value;
    return value <= max;
}

enum sid_err
sid_network_parse(const char *text, size_t len, struct sid_network *out) {
    const char *slash = memchr(text, '/', len);
    size_t address_len = slash == NULL ? len : (size_t)(slash - text);
    struct sid_network made = {.bits = ADDRESS_BITS};
    enum sid_err err = sid_address_parse(text, address_len, &made.base);
    if (err != SID_OK)
        return err;
    if (slash != NULL) {
        bool dotted = memchr(text, ':', address_len) == NULL;
        unsigned max = dotted ? V4_BITS : ADDRESS_BITS, written = 0;
        if (!read_length(slash + 1, len - address_len - 1, max, &written))
            return SID_E_ARGUMENT;
        made.bits = (uint8_t)(written + ADDRESS_BITS - max);
    }
    for (unsigned bit = made.bits; bit < ADDRESS_BITS; bit++) {
        if ((made.base.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return SID_E_ARGUMENT;
    }
    *out = made;
    return SID_OK;
}

bool
sid_network_has(const struct sid_network *network,
                const struct sid_address *address) {
    return sid_address_is_v4(&network->base) == sid_address_is_v4(address) &&
           same_bits(network->base.bytes, address->bytes, network->bits);
}

void
sid_network_text(const struct sid_network *network,
                 char out[SID_NETWORK_TEXT_SIZE]) {
    char address[INET6_ADDRSTRLEN] = "";
    bool v4 = sid_address_is_v4(&network->base);
    const uint8_t *from = network->base.bytes + (v4 ? V4_AT : 0);
    unsigned bits = network->bits - (v4 ? ADDRESS_BITS - V4_BITS : 0u);
    SID_ASSERT(inet_ntop(v4 ? AF_INET : AF_INET6, from, address,
                         sizeof address) != NULL);
    (void)snprintf(out, SID_NETWORK_TEXT_SIZE, "%.39s/%u", address, bits & 255);
}

enum sid_err
sid_networks_add(struct sid_networks *networks, const char *text, size_t len) {
    struct sid_network made;
    enum sid_err err = sid_network_parse(text, len, &made);
    if (err != SID_OK)
        return err;
    for (size_t i = 0; i < networks->count; i++) {
        const struct sid_network *have = &networks->item[i];
        if (have->bits == made.bits &&
            memcmp(&have->base, &made.base, sizeof made.base) == 0)
            return SID_OK;
    }
    if (networks->count == SID_NETWORKS_MAX)
        return SID_E_ARGUMENT;
    networks->item[networks->count++] = made;
    return SID_OK;
}

enum sid_err
sid_networks_parse(const char *text, struct sid_networks *out) {
    static const char blanks[] = " \t,";
    struct sid_networks made = {0};
    for (text += strspn(text, blanks); *text != '\0';
         text += strspn(text, blanks)) {
        size_t len = strcspn(text, blanks);
        enum sid_err err = sid_networks_add(&made, text, len);
        if (err != SID_OK)
            return err;
        text += len;
    }
    *out = made;
    return SID_OK;
}

bool
sid_networks_have(const struct sid_networks *networks,
                  const struct sid_address *address) {
    for (size_t i = 0; i < networks->count; i++) {
        if (sid_network_has(&networks->item[i], address))
            return true;
    }
    return false;
}

void
sid_networks_text(const struct sid_networks *networks,
                  char out[SID_NETWORKS_TEXT_SIZE]) {
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < networks->count; i++) {
        char one[SID_NETWORK_TEXT_SIZE];
        sid_network_text(&networks->item[i], one);
        int n = snprintf(out + len, SID_NETWORKS_TEXT_SIZE - len, "%s%s",
                         i > 0 ? " " : "", one);
        len += (size_t)n;
        SID_ASSERT(len < SID_NETWORKS_TEXT_SIZE);
    }
}
