"""The killing of tests/e2e/test_faceproc_load.py, 2,500 times: a thousand and more
of them hit while a photo is looked at."""

import os
import unittest

os.environ["E2E_KILLS"] = "2500"

from test_faceproc_load import Killed  # noqa: E402 - reads the number of kills


class KilledAThousandTimes(Killed):
    pass


del Killed

if __name__ == "__main__":
    unittest.main()
