"""The comparison of MACs and hashes of keys takes the same time whatever it
compares (reliability D2): Welch's t over 1,000,000 samples of each pair of
classes stays below 4.5, and the same harness with memcmp() in its place goes
beyond. DUDECT_SAMPLES is the number of samples."""

import os
import unittest

from harness import Case, program, run_tool

SAMPLES = os.environ.get("DUDECT_SAMPLES", "1000000")
T_MOST = 4.5  # reliability D2: no leak is seen below


def measure(name):
    """|t| by pair of classes and length."""
    out = run_tool(SAMPLES, binary=program(name), timeout=600).stdout
    print("    " + out.strip().replace("\n", "\n    "), flush=True)
    return {tuple(line.split()[1:3]): float(line.split()[3])
            for line in out.splitlines()}


class Compare(Case):
    def test_the_comparison_of_macs_takes_the_same_time(self):
        """Once more for what chance or a neighbour has moved."""
        first = measure("dudect")
        self.assertEqual(len(first), 4)
        if max(first.values()) < T_MOST:
            return
        second = measure("dudect")
        for pair, t in first.items():
            self.assertLess(min(t, second[pair]), T_MOST, pair)
            self.assertLess(t, 10, pair)

    def test_memcmp_is_caught(self):
        self.assertGreater(max(measure("dudect_memcmp").values()), T_MOST)


if __name__ == "__main__":
    unittest.main()
