"""200 restarts under load on an inherited socket: nobody is refused, nothing
that was begun fails."""

import unittest

from harness import Case
from manager import restarts

RESTARTS = 200  # Source: reliability C7
STOP_LIMIT_S = 20  # the same


class Restarts(Case):
    def check(self, count, sockets):
        load, longest_s = restarts(self, count, sockets)
        print("%d restarts on %d socket(s): %s, 0 failed; longest stop %.2f s,"
              " slowest answer %.2f s" % (count, sockets, load.done, longest_s,
                                          load.slowest_s), flush=True)
        self.assertLess(longest_s, STOP_LIMIT_S)

    def test_200_restarts_refuse_and_fail_nobody(self):
        self.check(RESTARTS, 1)

    def test_50_restarts_on_a_socket_for_each_io_thread_fail_nobody(self):
        self.check(50, 2)


if __name__ == "__main__":
    unittest.main()
