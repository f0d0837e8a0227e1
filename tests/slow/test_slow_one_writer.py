"""Three minutes of readers beside the one connection that writes."""

import os
import unittest

os.environ["ONE_WRITER_S"] = "180"

from test_one_writer import OneWriter  # noqa: E402 - reads the time


class OneWriterForLong(OneWriter):
    pass


del OneWriter

if __name__ == "__main__":
    unittest.main()
