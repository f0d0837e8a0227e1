"""Ten fail-overs by Patroni under load: the primary dies, the standby takes
over, and the daemon finds it by itself."""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("e2e", "tools"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))

import patroni  # noqa: E402 pylint: disable=wrong-import-position
from harness import Case  # noqa: E402
from test_postgres import BACK_LIMIT_S, until  # noqa: E402
from test_slow_postgres import Judged, Load  # noqa: E402

FAILOVERS = int(os.environ.get("PG_FAILOVERS", "10"))


def setUpModule():
    Case.server = patroni.Cluster()
    unittest.addModuleCleanup(Case.server.stop)


class Failover(Judged):
    def test_ten_failovers_lose_nothing_and_do_nothing_twice(self):
        load = Load(self)
        promoted, back = [], []
        try:
            for _ in range(FAILOVERS):
                # A standby that has not all of it would lose what it lacks.
                self.server.wait_whole(120)
                load.wait("valid", time.monotonic(), 60)
                old = self.server.primary()
                died = time.monotonic()
                old.crash()
                until(lambda old=old: self.server.primary() not in (None, old),
                      60, "a new primary")
                there = time.monotonic()
                promoted.append(there - died)
                back.append(load.wait("valid", there, BACK_LIMIT_S))
        finally:
            load.end()
        self.judge(load, failovers=FAILOVERS,
                   slowest_promotion_s=round(max(promoted), 2),
                   slowest_back_s=round(max(back), 2))


if __name__ == "__main__":
    unittest.main()
