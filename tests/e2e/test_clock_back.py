"""The clock is set back by an hour: what has expired stays dead."""

import re
import unittest

from harness import Case, Daemon, credential_of

DAY_S = 86400
# Past a code's end, grace and skew.
NEXT_DAY_S = DAY_S + 200


class ClockBack(Case):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.app = self.daemon.api(self.daemon.add_client("app"))
        self.clerk = self.daemon.api(self.daemon.add_client("clerk"))
        self.daemon.start()
        self.credential = credential_of(self.app.enrol(who=1))
        self.yesterday = self.code()
        self.assertTrue(self.clerk.verify(self.yesterday)["valid"])
        self.daemon.set_clock(NEXT_DAY_S)
        self.assert_dead()

    def code(self):
        return self.app.code(self.credential)["code"]

    def assert_dead(self):
        verdict = self.clerk.verify(self.yesterday)
        self.assertFalse(verdict["valid"])
        self.assertEqual(verdict["reason"], "expired")

    def behind(self):
        text = self.daemon.request("GET", "/metrics").body.decode()
        return int(re.search(r"^smartidd_clock_behind_seconds (\d+)$", text,
                             re.M).group(1))

    def logged(self, event):
        self.assertIsNotNone(self.daemon.log.wait(
            lambda line: " event=%s" % event in line))

    def test_yesterdays_code_stays_dead_and_todays_is_the_same(self):
        today = self.code()
        self.assertEqual(self.behind(), 0)
        self.daemon.set_clock(NEXT_DAY_S - 3600)
        self.assert_dead()
        self.logged("clock_set_back")
        self.assertGreater(self.behind(), 3500)
        self.assertEqual(self.code(), today)
        self.assertTrue(self.clerk.verify(today)["valid"])
        self.daemon.set_clock(NEXT_DAY_S)
        self.logged("clock_caught_up")
        self.assertLessEqual(self.behind(), 30)
        self.assert_dead()

    def test_it_stays_dead_over_a_restart_and_a_kill(self):
        today = self.code()
        self.daemon.stop()
        self.daemon.set_clock(NEXT_DAY_S - 3600)
        self.daemon.start()
        self.logged("clock_set_back")
        self.assert_dead()
        self.daemon.kill()
        self.daemon.start()
        self.assert_dead()
        self.assertTrue(self.clerk.verify(today)["valid"])
        self.daemon.stop()
        times = [row[0] for row in
                 self.daemon.sql("SELECT at_us FROM audit ORDER BY seq")]
        self.assertEqual(times, sorted(times))
        self.assertRegex(self.daemon.ctl("audit", "verify").stdout,
                         "chain unbroken")


if __name__ == "__main__":
    unittest.main()
