/* network.h: addresses and networks of IPv4 and IPv6, as text and compared.
 *
 * An IPv4 address is the same thing whether it came over an IPv4 or a mapped
 * (::ffff:0:0/96) IPv6 socket, and is never inside an IPv6 network. Pure; no
 * name is ever looked up. Any thread; nothing is owned. */
#ifndef SMARTID_NETWORK_H
#define SMARTID_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "smartid/err.h"

struct sid_address {
    uint8_t bytes[16]; /* network order; IPv4: mapped, RFC 4291 2.5.5.2 */
};

/* "192.0.2.7" or "2001:db8::1"; no port, no brackets, no zone. Errors:
 * SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err sid_address_parse(const char *text, size_t len,
                                            struct sid_address *out);
/* The address of a peer. Errors: SID_E_ARGUMENT (neither IPv4 nor IPv6). */
SID_FALLIBLE enum sid_err sid_address_of(const struct sockaddr *from,
                                         struct sid_address *out);
bool sid_address_is_v4(const struct sid_address *address);
/* "loopback", "private" (not reached from the internet) or "public": all that
 * the audit log says of an address. Source: RFC 1122, 1918, 3927, 4193, 4291,
 * 6598. */
const char *sid_address_class(const struct sid_address *address);

struct sid_network {
    struct sid_address base; /* zero behind `bits` */
    uint8_t bits;            /* of base.bytes; IPv4: 96 more than written */
};
#define SID_NETWORK_TEXT_SIZE 44 /* 39 of IPv6, "/128" and NUL */

/* "10.1.0.0/16", "2001:db8::/32", or an address, which is a network of its own.
 * Bits set behind the length are refused: they are a mistake in one of the two.
 * Errors: SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err sid_network_parse(const char *text, size_t len,
                                            struct sid_network *out);
bool sid_network_has(const struct sid_network *network,
                     const struct sid_address *address);
void sid_network_text(const struct sid_network *network,
                      char out[SID_NETWORK_TEXT_SIZE]);

/* Source: own choice; an office with more is better named by a wider one. */
#define SID_NETWORKS_MAX 16
struct sid_networks {
    size_t count;
    struct sid_network item[SID_NETWORKS_MAX];
};
#define SID_NETWORKS_TEXT_SIZE (SID_NETWORKS_MAX * SID_NETWORK_TEXT_SIZE)

/* Adds one; what is there already is not added again. Errors: SID_E_ARGUMENT
 * (not a network, or too many). */
SID_FALLIBLE enum sid_err sid_networks_add(struct sid_networks *networks,
                                           const char *text, size_t len);
/* Networks with spaces or commas between them; "" is none. Errors:
 * SID_E_ARGUMENT (out untouched). */
SID_FALLIBLE enum sid_err sid_networks_parse(const char *text,
                                             struct sid_networks *out);
bool sid_networks_have(const struct sid_networks *networks,
                       const struct sid_address *address);
/* With one space between them. */
void sid_networks_text(const struct sid_networks *networks,
                       char out[SID_NETWORKS_TEXT_SIZE]);

#endif
