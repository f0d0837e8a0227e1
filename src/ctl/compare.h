/* compare.h: what compare.c (two photos) and compare_pairs.c (many) share.
 * Private to src/ctl. */
#ifndef SID_CTL_COMPARE_H
#define SID_CTL_COMPARE_H

#include "smartid/models.h"
#include "smartid/policy.h"

/* Longest file that is read; the daemon's own limit is photo_max_bytes. */
#define SID_COMPARE_FILE_BYTES_MAX ((size_t)64 << 20)

struct sid_compare {
    const char *model_dir;
    struct sid_policy policy;
    struct sid_steps steps; /* of --steps; none: count 0 */
    enum sid_photo_kind kind_a, kind_b;
    const char *pairs; /* NULL: two photos */
    const char *root;  /* folder of the paths in pairs */
    long jobs;
    struct sid_models *models;
};

/* Reads and examines one file; fully: pose and liveness whatever the kind.
 * Errors: SID_E_IO, SID_E_BODY_TOO_LARGE, those of sid_photo_examine(). */
SID_FALLIBLE enum sid_err sid_compare_file(struct sid_face_engine *engine,
                                           const char *path,
                                           enum sid_photo_kind kind, bool fully,
                                           struct sid_photo_facts *out);

/* The whole of `compare --pairs`; returns the exit code. */
int sid_compare_pairs(const struct sid_compare *me);

#endif
