"""What looks like misuse of checks, for officers and admins: the same as
`smartidctl audit report` says, of some days, while the daemon checks."""

import json
import os
import time

from harness import DaemonCase, program, run_tool, threads
from http_raw import Closed

REPORT = "/v1/audit/report"
DAY_S = 86400


def day(at_s):
    """The day that it is at the bureau."""
    return time.strftime("%Y-%m-%d", time.gmtime(at_s + 8 * 3600))


class Misuse(DaemonCase):
    def report(self, query="", api=None):
        answer = (api or self.officer).get(REPORT + query)
        self.assertEqual(answer.status, 200, repr(answer))
        return answer.json()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # At ten in the morning, wherever the test runs.
        hour = (time.time() + 8 * 3600) % DAY_S / 3600
        cls.ahead_s = int(((10 - hour) % 24) * 3600)

    def look_often(self, who):
        """Seven looks at one person by one key, each a minute apart."""
        cls = type(self)
        self.daemon.set_clock(cls.ahead_s)
        _, credential = self.approved(who=who)
        for _ in range(7):
            cls.ahead_s += 60
            self.daemon.set_clock(cls.ahead_s)
            code = self.app.code(credential)["code"]
            self.clerk.verify(code)
        return credential

    def test_a_person_looked_at_often_is_found_as_smartidctl_finds_it(self):
        credential = self.look_often(1)
        seen = self.report()
        mine = [one for one in seen["found"]
                if one.get("credential") == credential]
        self.assertEqual([one["rule"] for one in mine], ["often"])
        self.assertEqual(mine[0]["client"], self.daemon.client_id("e2e clerk"))
        self.assertEqual(mine[0]["count"], 7)
        self.assertTrue(seen["complete"])
        self.assertEqual(seen["count"], len(seen["found"]))
        self.assertGreaterEqual(seen["checks"], 7)
        printed = self.daemon.ctl("audit", "report", "--json").stdout
        self.assertEqual([json.loads(line) for line in printed.splitlines()],
                         seen["found"])
        self.assertEqual(self.report(api=self.admin)["found"], seen["found"])

    def test_only_the_time_that_is_asked_for_counts(self):
        self.look_often(2)
        now = self.daemon.now()
        seen = self.report("?since=%s&until=%s" % (day(now),
                                                   day(now + DAY_S)))
        self.assertGreaterEqual(seen["checks"], 7)
        self.assertEqual(seen["since"][11:], "16:00:00Z")
        before = self.report("?until=" + day(now))
        self.assertEqual((before["checks"], before["found"]), (0, []))
        later = self.report("?since=%s&until=%s" % (
            day(now + DAY_S), day(now + 2 * DAY_S)))
        self.assertEqual((later["checks"], later["complete"]), (0, True))
        month = self.report("?since=" + day(now - 29 * DAY_S))
        self.assertEqual(month["checks"], seen["checks"])

    def test_a_time_that_cannot_be_is_refused(self):
        now = self.daemon.now()
        for query, field in (
                ("?since=yesterday", "since"), ("?until=2026-13-01", "until"),
                ("?until=2026-1-1", "until"), ("?since=", "since"),
                ("?since=%s" % day(now + 2 * DAY_S), "since"),
                ("?since=%s" % day(now - 33 * DAY_S), "since"),
                ("?since=2026-01-02&until=2026-01-02", "since")):
            document = self.assert_problem(self.officer.get(REPORT + query),
                                           422, "field_invalid")
            self.assertEqual(document["field"], field, query)
        self.assertEqual(self.officer.get(REPORT + "?days=7").status // 100, 4)

    def test_a_report_is_written_down(self):
        self.report()
        rows = self.admin.get("/v1/audit?event=misuse_reported"
                              ).json()["rows"]
        self.assertEqual(rows[0]["actor"],
                         self.daemon.client_id("e2e officer"))
        self.assertEqual(sorted(rows[0]["detail"]),
                         ["found", "since", "until"])

    def test_others_get_none(self):
        for api in (self.app, self.clerk):
            self.assert_problem(api.get(REPORT), 403, "forbidden")


class Long(DaemonCase):
    """A log of 40,000 checks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        daemon = cls.daemon
        daemon.stop()
        run_tool(daemon.database, daemon.folder + "/master.key",
                 daemon.database + ".heads", "40000", "5000",
                 binary=program("mkaudit"))
        daemon.start()

    def test_a_long_log_is_read_while_codes_are_checked(self):
        _, credential = self.approved()
        code = self.app.code(credential)["code"]
        seen = []

        def work(index):
            if index == 0:
                seen.append(self.officer.get(REPORT))
            else:
                self.clerk.verify(code)
        threads(2, work)
        self.assertEqual(seen[0].status, 200, repr(seen[0]))
        told = seen[0].json()
        self.assertGreaterEqual(told["checks"], 40000)
        self.assertTrue(told["complete"])
        self.assertLessEqual(len(told["found"]), 500)
        self.assertGreaterEqual(told["count"], len(told["found"]))
        days = {one["at"][:10] for one in told["found"]}
        self.assertLessEqual(len(days), 3, days)
        self.assertTrue(os.path.exists(self.daemon.database))

    def test_one_report_is_made_at_a_time(self):
        statuses = []
        threads(6, lambda _: statuses.append(self.officer.get(REPORT).status))
        self.assertLessEqual(set(statuses), {200, 503})
        self.assertIn(200, statuses)
        self.assertEqual(self.officer.get(REPORT).status, 200)

    def test_the_daemon_stops_while_one_is_made(self):
        def work(index):
            if index == 0:
                try:
                    self.assertIn(self.officer.get(REPORT).status, (200, 503))
                except (OSError, Closed):
                    pass  # it came when the door was shut
            else:
                self.daemon.stop()
        threads(2, work)
        self.daemon.start()
