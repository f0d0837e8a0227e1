"""A mixed load of 200,000 requests: the first half fills the database's cache, and
behind the second the daemon is as big as before it."""

import os
import unittest

os.environ["SOAK_REQUESTS"] = "200000"
os.environ["SOAK_GROWTH_KIB"] = "1024"

from test_soak import CACHE_BYTES, Soak  # noqa: E402 - reads the numbers


class SoakedLong(Soak):
    def test_the_second_half_leaves_nothing_behind(self):
        super().test_the_second_half_leaves_nothing_behind()
        # Else the growth of the cache would hide that of something else.
        self.assertGreaterEqual(self.database_bytes(), CACHE_BYTES)


del Soak

if __name__ == "__main__":
    unittest.main()
