"""A thousand requests that are cut and sent again."""

import os
import unittest

os.environ["RETRY_KEYS"] = "1000"

from test_retries import Retried  # noqa: E402 - reads the number


class RetriedAThousandTimes(Retried):
    pass


del Retried

if __name__ == "__main__":
    unittest.main()
