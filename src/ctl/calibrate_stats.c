/* calibrate_stats.c: counts, exact binomial intervals, thresholds. Pure; any
 * thread; owns nothing. */
#include <math.h>

#include "calibrate.h"

size_t
sid_scores_at_least(const float *list, size_t count, float t) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle] >= t)
            high = middle;
        else
            low = middle + 1;
    }
    return count - low;
}

/* Regularised incomplete beta function by its continued fraction. Source:
 * Lentz's method as in NIST DLMF 8.17.22. */
static double
beta_fraction(double a, double b, double x) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd =
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step = 1;
        for (int i = 0; i < 2; i++) {
            double k = i == 0 ? even : odd;
            d = 1 + k * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + k / c;
            c = fabs(c) < tiny ? tiny : c;
            step = d * c;
            h *= step;
        }
        if (fabs(step - 1) < 1e-13)
            break;
    }
    return h;
}

static double
log_gamma(double x) {
    int sign = 0;
    return lgamma_r(x, &sign);
}

static double
incomplete_beta(double a, double b, double x) {
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) +
                       a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* x with incomplete_beta(a, b, x) = p. */
static double
beta_quantile(double a, double b, double p) {
    double low = 0, high = 1;
    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        if (incomplete_beta(a, b, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

struct sid_share
sid_share_of(size_t errors, size_t n) {
    /* 95 %, both sides; with no error (or nothing but errors) one side. */
    const double tail = 0.025;
    if (n == 0)
        return (struct sid_share){0, 0, 1};
    double k = (double)errors, all = (double)n;
    struct sid_share share = {.value = k / all, .low = 0, .high = 1};
    if (errors > 0)
        share.low = beta_quantile(k, all - k + 1, errors == n ? 0.05 : tail);
    if (errors < n)
        share.high =
            beta_quantile(k + 1, all - k, 1 - (errors == 0 ? 0.05 : tail));
    return share;
}

bool
sid_scores_threshold(const struct sid_scores *scores, double target, bool sure,
                     float *out) {
    size_t n = scores->differs_count;
    if (n == 0)
        return false;
    /* Largest count of errors that still meets the target. */
    size_t low = 0, high = n;
    struct sid_share none = sid_share_of(0, n);
    if ((sure ? none.high : 1.0 / (double)n) > target)
        return false;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        struct sid_share share = sid_share_of(middle, n);
        if ((sure ? share.high : share.value) <= target)
            low = middle;
        else
            high = middle - 1;
    }
    if (low == n) {
        *out = -1;
        return true;
    }
    /* Just above the score that would be one error too many. */
    *out = nextafterf(scores->differs[n - 1 - low], 2.0F);
    return *out <= 1;
}
