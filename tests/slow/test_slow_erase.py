"""The erasure of tests/e2e/test_erase.py with 1,000 people."""

import os
import unittest

os.environ["ERASE_PEOPLE"] = "1000"

from test_erase import ErasedPeople  # noqa: E402 - reads the number of people


class ThousandErasedPeople(ErasedPeople):
    pass


del ErasedPeople

if __name__ == "__main__":
    unittest.main()
