/* template.c: turning embeddings and packing them (see template.h). Pure; any
 * thread; owns nothing. Works in double, so that only the result is rounded. */
#include "smartid/template.h"

#include <math.h>
#include <string.h>

#define N SID_EMBEDDING_FLOATS
/* Of sid_template_unpack(). Own choice: a thousand times the rounding. */
#define LENGTH_TOLERANCE 1e-3

_Static_assert((N & (N - 1)) == 0, "Walsh-Hadamard needs a power of two");
_Static_assert(N % (8 * SID_SHA256_BYTES) == 0, "whole MACs make a round");

enum sid_err
sid_transform_make(const struct sid_mac_key *key, struct sid_transform *out) {
    struct sid_transform made;
    uint8_t *at = &made.sign[0][0];
    enum sid_err err = SID_OK;
    for (uint8_t i = 0; err == SID_OK && at < (uint8_t *)(&made + 1);
         i++, at += SID_SHA256_BYTES) {
        struct sid_span counter = sid_span_of(&i, sizeof i);
        err = sid_mac(key, &counter, 1, at);
    }
    if (err == SID_OK)
        *out = made;
    sid_wipe(&made, sizeof made);
    return err;
}

static void
flip(const uint8_t *sign, double v[N]) {
    for (size_t i = 0; i < N; i++)
        v[i] = (sign[i / 8] >> i % 8 & 1) != 0 ? -v[i] : v[i];
}

/* The Walsh-Hadamard matrix, scaled so that it keeps lengths: its own inverse.
 */
static void
mix(double v[N]) {
    for (size_t half = 1; half < N; half *= 2) {
        for (size_t block = 0; block < N; block += 2 * half) {
            for (size_t i = block; i < block + half; i++) {
                double a = v[i], b = v[i + half];
                v[i] = a + b;
                v[i + half] = a - b;
            }
        }
    }
    for (size_t i = 0; i < N; i++)
        v[i] /= sqrt((double)N);
}

void
sid_transform_apply(const struct sid_transform *transform, const float in[N],
                    float out[N]) {
    double v[N];
    for (size_t i = 0; i < N; i++)
        v[i] = (double)in[i];
    for (int round = 0; round < SID_TRANSFORM_ROUNDS; round++) {
        flip(transform->sign[round], v);
        mix(v);
    }
    for (size_t i = 0; i < N; i++)
        out[i] = (float)v[i];
    sid_wipe(v, sizeof v);
}

void
sid_transform_undo(const struct sid_transform *transform, const float in[N],
                   float out[N]) {
    double v[N];
    for (size_t i = 0; i < N; i++)
        v[i] = (double)in[i];
    for (int round = SID_TRANSFORM_ROUNDS - 1; round >= 0; round--) {
        mix(v);
        flip(transform->sign[round], v);
    }
    for (size_t i = 0; i < N; i++)
        out[i] = (float)v[i];
    sid_wipe(v, sizeof v);
}

void
sid_template_pack(const float in[N], uint8_t out[SID_TEMPLATE_BYTES]) {
    for (size_t i = 0; i < N; i++) {
        uint32_t bits;
        memcpy(&bits, &in[i], sizeof bits);
        for (size_t b = 0; b < sizeof bits; b++)
            out[4 * i + b] = (uint8_t)(bits >> 8 * b);
    }
}

enum sid_err
sid_template_unpack(struct sid_span bytes, float out[N]) {
    if (bytes.len != SID_TEMPLATE_BYTES)
        return SID_E_SEAL;
    float v[N];
    double square = 0;
    for (size_t i = 0; i < N; i++) {
        uint32_t bits = 0;
        for (size_t b = 0; b < sizeof bits; b++)
            bits |= (uint32_t)bytes.ptr[4 * i + b] << 8 * b;
        memcpy(&v[i], &bits, sizeof bits);
        square += (double)v[i] * (double)v[i];
    }
    /* Written so that it is false for what is not a number. */
    bool unit = fabs(sqrt(square) - 1) <= LENGTH_TOLERANCE;
    if (unit)
        memcpy(out, v, sizeof v);
    sid_wipe(v, sizeof v);
    return unit ? SID_OK : SID_E_SEAL;
}
