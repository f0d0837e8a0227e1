"""More power cuts, kills and failing allocations than make check has time
for."""

import os
import re
import subprocess
import unittest

os.environ["KILL_CYCLES"] = "500"
os.environ["NO_MEMORY_EACH"] = "0"

from harness import BIN, SLOW, Case  # noqa: E402
from test_kill import Killed  # noqa: E402 - reads the number of kills
from test_memory import NoMemory  # noqa: E402 - reads how many places


class KilledFiveHundredTimes(Killed):
    pass


class NoMemoryAtAnyPlace(NoMemory):
    pass


del Killed, NoMemory


class PowerCuts(Case):
    def test_2000_power_cuts_lose_nothing_that_was_answered(self):
        result = subprocess.run(
            [os.path.join(BIN, "unit", "store", "test_power")],
            capture_output=True, text=True, timeout=400 * SLOW, check=False,
            env=dict(os.environ, POWER_STATES="2000"))
        for line in re.findall(r"PRAGMA .*", result.stdout):
            print(line, flush=True)
        self.assertEqual(result.returncode, 0, result.stdout[-4000:])
        self.assertIn("FULL", result.stdout)
        self.assertIn(" 2000 states, 0 lost, 0 half-done, 0 damaged",
                      result.stdout)


if __name__ == "__main__":
    unittest.main()
