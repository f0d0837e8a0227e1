"""The Mann-Whitney U test: do two samples come from one distribution?"""

import math


def mann_whitney(a, b):
    """z and the two-sided p by the normal approximation, corrected for ties
    and continuity. Source: Mann and Whitney 1947; Lehmann, Nonparametrics,
    section 1.4. Both samples need some twenty values."""
    pairs = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    total, ties, at, ranks = len(pairs), 0, 0, 0.0
    while at < total:
        end = at
        while end < total and pairs[end][0] == pairs[at][0]:
            end += 1
        middle = (at + 1 + end) / 2  # the mean rank, from 1
        ranks += middle * sum(1 for i in range(at, end) if pairs[i][1] == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(a), len(b)
    u = ranks - n * (n + 1) / 2
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance == 0:
        return 0.0, 1.0
    off = u - n * m / 2
    z = math.copysign(max(0.0, abs(off) - 0.5), off) / math.sqrt(variance)
    return z, math.erfc(abs(z) / math.sqrt(2))
