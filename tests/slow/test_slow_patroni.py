"""Fail-overs by Patroni under load, ten with one daemon and three with three:
the primary dies, the standby takes over, and daemons find it by themselves."""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("e2e", "tools"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))

import patroni  # noqa: E402 pylint: disable=wrong-import-position
from harness import Case  # noqa: E402
from several import Cluster  # noqa: E402
from test_postgres import BACK_LIMIT_S, until  # noqa: E402
from test_slow_postgres import Judged, Load  # noqa: E402

FAILOVERS = int(os.environ.get("PG_FAILOVERS", "10"))


def setUpModule():
    Case.server = patroni.Cluster()
    unittest.addModuleCleanup(Case.server.stop)


class Failover(Judged):
    def fail_over(self, count):
        load = Load(self)
        promoted, back = [], []
        clerks = range(len(self.daemons()))  # one at each
        try:
            for _ in range(count):
                # A standby that has not all of it would lose what it lacks.
                self.server.wait_whole(120)
                for one in clerks:
                    load.wait("valid", time.monotonic(), 60, one)
                old = self.server.primary()
                died = time.monotonic()
                old.crash()
                until(lambda old=old: self.server.primary() not in (None, old),
                      60, "a new primary")
                there = time.monotonic()
                promoted.append(there - died)
                back.append(max(load.wait("valid", there, BACK_LIMIT_S, one)
                                for one in clerks))
        finally:
            load.end()
        self.judge(load, failovers=count, daemons=len(self.daemons()),
                   slowest_promotion_s=round(max(promoted), 2),
                   slowest_back_s=round(max(back), 2))
        self.assertLess(max(back), BACK_LIMIT_S)


class OneDaemon(Failover):
    def test_ten_failovers_lose_nothing_and_do_nothing_twice(self):
        self.fail_over(FAILOVERS)


class ThreeDaemons(Failover):
    def setUp(self):
        self.cluster = Cluster(self.server)
        self.addCleanup(self.cluster.close)
        self.schema = self.cluster.schema
        self.daemon = self.cluster.daemons[0]
        self.app = self.cluster.api("app", 0)

    def daemons(self):
        return self.cluster.daemons

    def at(self, role, number):
        return self.cluster.api(role, number % len(self.daemons()))

    def test_three_daemons_find_each_new_primary(self):
        self.fail_over(min(FAILOVERS, 3))


if __name__ == "__main__":
    unittest.main()
