/* template.h: the form in which a face is kept: an embedding, turned by a keyed
 * orthogonal transform, as bytes.
 *
 * Turned by the same transform, two embeddings compare as they did before; who
 * gets hold of turned ones can neither compare them with photos nor with those
 * of another transform. So what was stolen is worth nothing once the transform
 * has been changed (Source: ISO/IEC 24745, renewability and unlinkability).
 *
 * The transform is three rounds of keyed signs and a Walsh-Hadamard matrix, a
 * known stand-in for a random rotation (Source: Yu et al. 2016, Orthogonal
 * Random Features, the construction HD3). Signs and a permutation alone would
 * be cheaper, but keep the magnitudes of the components: sorted, these would
 * tell who it is across transforms.
 *
 * Pure. Any thread. The caller wipes. */
#ifndef SMARTID_TEMPLATE_H
#define SMARTID_TEMPLATE_H

#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"
#include "smartid/mac.h"
#include "smartid/policy.h"

/* What a keyed transform is made of; secret. */
#define SID_TRANSFORM_ROUNDS 3
struct sid_transform {
    uint8_t sign[SID_TRANSFORM_ROUNDS][SID_EMBEDDING_FLOATS / 8]; /* bits */
};
/* Derives it. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_transform_make(const struct sid_mac_key *key,
                                             struct sid_transform *out);

/* Turns an embedding, and turns it back: exact but for the rounding of floats
 * (6e-8 of the vector's length each time). in and out may be the same. */
void sid_transform_apply(const struct sid_transform *transform,
                         const float in[SID_EMBEDDING_FLOATS],
                         float out[SID_EMBEDDING_FLOATS]);
void sid_transform_undo(const struct sid_transform *transform,
                        const float in[SID_EMBEDDING_FLOATS],
                        float out[SID_EMBEDDING_FLOATS]);

/* As bytes: IEEE 754 single precision, little endian. */
#define SID_TEMPLATE_BYTES (4 * SID_EMBEDDING_FLOATS)
void sid_template_pack(const float in[SID_EMBEDDING_FLOATS],
                       uint8_t out[SID_TEMPLATE_BYTES]);
/* Errors: SID_E_SEAL: another length, or not a vector of length 1 (within
 * 1e-3), which an embedding is. */
SID_FALLIBLE enum sid_err sid_template_unpack(struct sid_span bytes,
                                              float out[SID_EMBEDDING_FLOATS]);

#endif
