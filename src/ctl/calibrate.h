/* calibrate.h: what calibrate.c (figures) and calibrate_svg.c (the picture)
 * share. Private to src/ctl; pure, any thread. */
#ifndef SID_CTL_CALIBRATE_H
#define SID_CTL_CALIBRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "smartid/err.h"

/* Similarities of pairs, each list ascending. */
struct sid_scores {
    float *same;    /* of one person */
    float *differs; /* of two people */
    size_t same_count, differs_count;
};

/* How many of an ascending list are >= t. */
size_t sid_scores_at_least(const float *list, size_t count, float t);

/* A share with its 95 % confidence interval (Clopper-Pearson, exact). With no
 * error in n, high is about 3/n (the rule of three). n 0: 0..1. */
struct sid_share {
    double value, low, high;
};
struct sid_share sid_share_of(size_t errors, size_t n);

/* The lowest threshold with an FMR of at most `target`: by the count itself
 * (sure false) or by the upper end of its interval (sure true). False when the
 * data cannot tell: no such threshold at or below 1. */
bool sid_scores_threshold(const struct sid_scores *scores, double target,
                          bool sure, float *out);

/* DET curve: FNMR over FMR, both on probit axes. Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_calibrate_svg(const struct sid_scores *scores,
                                            const char *path);

#endif
