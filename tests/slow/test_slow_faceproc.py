"""The killing of tests/e2e/test_faceproc_load.py, until a thousand face processes
were hit while they looked at a photo."""

import os
import unittest

os.environ["E2E_KILLS"] = "1000"

from test_faceproc_load import Killed  # noqa: E402 - reads the number of kills


class KilledAThousandTimes(Killed):
    pass


del Killed

if __name__ == "__main__":
    unittest.main()
