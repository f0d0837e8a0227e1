"""More runs of the store than make check has time for: five thousand whole ones
and a thousand recoveries that something hits. Prints what they came to."""

import os
import re
import subprocess
import unittest

from harness import BIN, SLOW, Case

RUNS = 5000
OPERATIONS = 300
RECOVERIES = 1000


class Simulated(Case):
    def runs(self, name, prefix, seeds):
        result = subprocess.run(
            [os.path.join(BIN, "unit", "store", name)], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=3400 * SLOW, env=dict(os.environ, SIM_OPS=str(OPERATIONS),
                                          **{prefix + "_SEEDS": str(seeds)}))
        self.assertEqual(result.returncode, 0, result.stdout[-4000:])
        total = re.search(r"^%d seeds from .* 0 wrong$" % seeds, result.stdout,
                          re.MULTILINE)
        self.assertIsNotNone(total, result.stdout[-4000:])
        print(total[0], flush=True)

    def test_5000_runs_of_300_operations(self):
        self.runs("test_sim", "SIM", RUNS)

    def test_1000_recoveries_that_are_hit(self):
        self.runs("test_recovery", "RECOVERY", RECOVERIES)


if __name__ == "__main__":
    unittest.main()
