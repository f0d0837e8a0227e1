"""Two thousand sequences of operations on a file and on a server."""

import os
import sys
import unittest

os.environ.setdefault("SAME_SEQUENCES", "2000")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "e2e"))

from test_same_on_both import Same, setUpModule  # noqa: E402

assert setUpModule  # the server of this file


class SameForLong(Same):
    pass


del Same

if __name__ == "__main__":
    unittest.main()
