"""What is kept long enough goes by itself: the clock of a test build is moved
on while the daemon is down, and the first round after the start does it."""

import contextlib
import datetime
import json
import re
import sqlite3
import time
import unittest

import photos
from harness import Case, Daemon, credential_of, holder, parse_line

DAY_S = 86400
RULES = ["undecided", "rejected", "failed", "revoked", "audit"]


class Retention(Case):
    """One town, walked through two years."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(settings={"retention.audit_days": 500,
                                      "retention.rejected_days": 10})
        cls.addClassCleanup(cls.daemon.close)
        keys = {role: cls.daemon.add_client(role, expires="3000d")
                for role in ("app", "clerk", "officer", "admin")}
        cls.daemon.start()
        cls.app, cls.clerk, cls.officer, cls.admin = (
            cls.daemon.api(keys[r]) for r in ("app", "clerk", "officer",
                                              "admin"))
        cls.ids = {}
        cls.ids["undecided"] = cls.app.enrol(
            who=1, selfie_flaw=photos.UNCLEAR)["id"]
        cls.ids["rejected"] = cls.app.enrol(who=2,
                                            selfie_flaw=photos.NO_FACE)["id"]
        revoked = cls.app.enrol(who=3)
        cls.app.revoke(credential_of(revoked))
        cls.ids["revoked"] = revoked["id"]
        # The card's end; the person is active at 31 and due 365 days later.
        cls.expired = cls.app.enrol(who=5, person=holder(
            valid_until=time.strftime("%Y-%m-%d", time.gmtime(
                cls.daemon.now() + 32 * DAY_S))))["id"]
        cls.active = cls.app.enrol(who=4)
        cls.walk()
        cls.daemon.stop()

    @classmethod
    def go_to_day(cls, day):
        """Restarts at that day and waits for the round to have been done."""
        cls.daemon.stop()
        cls.daemon.set_clock(day * DAY_S)
        cls.daemon.start()
        today = datetime.datetime.fromtimestamp(
            cls.daemon.now(), datetime.timezone.utc).strftime("%Y-%m-%d")
        while any(row.get("last_run", "") < today
                  for row in cls.status()["rules"]):
            pass
        cls.days[day] = {
            "there": {name for name, id_ in cls.ids.items()
                      if cls.app.get("/v1/enrollments/" + id_).status == 200},
            "expired": cls.app.get("/v1/enrollments/" +
                                   cls.expired).status == 200,
            "due": {r["rule"]: r["due"] for r in cls.status()["rules"]},
            "log": cls.daemon.log.text(),
        }

    @classmethod
    def status(cls):
        return json.loads(
            cls.daemon.ctl("retention", "status", "--json").stdout)

    @classmethod
    def walk(cls):
        cls.days = {}
        for day in (9, 11, 31, 364, 366, 520):
            cls.go_to_day(day)
        cls.table = cls.daemon.ctl("retention", "status").stdout
        cls.http = cls.admin.get("/v1/retention").json()

    def test_each_goes_after_its_days_and_not_before(self):
        everybody = {"undecided", "rejected", "revoked"}
        for day, there in ((9, everybody), (11, everybody - {"rejected"}),
                           (31, {"revoked"}), (364, {"revoked"}),
                           (366, set())):
            self.assertEqual(self.days[day]["there"], there, day)

    def test_who_has_expired_goes_as_long_after_the_cards_end(self):
        there = {day: seen["expired"] for day, seen in self.days.items()}
        self.assertEqual(there, {9: True, 11: True, 31: True, 364: True,
                                 366: True, 520: False})

    def test_who_is_active_stays(self):
        rows = self.daemon.sql("SELECT id, state FROM enrolment")
        self.assertEqual(rows, [(self.active["id"], "approved")])
        self.assertEqual(self.daemon.sql(
            "SELECT count(*) FROM template"), [(1,)])
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM photo"),
                         [(0,)])

    def test_nothing_is_due_after_a_round(self):
        for day, seen in self.days.items():
            self.assertEqual(seen["due"], dict.fromkeys(RULES, 0), day)

    def test_each_erasure_has_its_audit_row_and_tombstone(self):
        # The rows of the first year are gone with the log's own rule.
        causes = self.daemon.sql("SELECT enrolment_id, cause FROM erasure")
        self.assertEqual(dict(causes),
                         {**{v: k for k, v in self.ids.items()},
                          self.expired: "revoked"})
        rows = self.daemon.sql("SELECT actor, outcome, subject FROM audit "
                               "WHERE event = 'enrolment_erased'")
        self.assertEqual(rows, [("system", "undecided",
                                 self.ids["undecided"]),
                                ("system", "revoked", self.ids["revoked"]),
                                ("system", "revoked", self.expired)])

    def test_the_pruned_audit_log_verifies_and_says_that_it_was_pruned(self):
        first, = self.daemon.sql("SELECT min(seq) FROM audit")[0]
        self.assertGreater(first, 10)
        self.assertEqual(self.daemon.sql("SELECT seq FROM audit_anchor"),
                         [(first - 1,)])
        self.assertEqual(self.daemon.sql(
            "SELECT actor, detail FROM audit WHERE event = 'audit_pruned'"),
            [("system", "rows=%d" % (first - 1))])
        self.assertIn("unbroken", self.daemon.ctl("audit", "verify").stdout)

    def test_the_log_has_a_line_for_what_was_done_without_ids(self):
        lines = [parse_line(l) for l in self.days[31]["log"].splitlines()
                 if "event=retention_applied" in l]
        self.assertEqual([(l["rule"], l["people"]) for l in lines],
                         [("undecided", "1")])

    def test_the_table_for_people_and_the_answer_over_http_agree(self):
        for rule in RULES:
            self.assertRegex(self.table, r"(?m)^%s +\d+ days +0 " % rule)
        self.assertIn("faces stored: 1 (alarm at 90000)", self.table)
        self.assertEqual([r["rule"] for r in self.http["rules"]], RULES)
        self.assertEqual([r["days"] for r in self.http["rules"]],
                         [30, 10, 30, 365, 500])
        self.assertEqual(self.http["faces"], {"stored": 1, "alarm_at": 90000})

    def test_wrong_arguments_get_the_usage(self):
        for arguments in ((), ("run",), ("status", "--xml"),
                          ("status", "--json", "x")):
            result = self.daemon.ctl("retention", *arguments, check=False)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("usage", result.stderr)


class StatusWithoutDaemon(Case):
    def test_what_is_due_is_told_while_no_daemon_runs_and_goes_at_the_start(
            self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        app = daemon.add_client("app")
        daemon.start()
        enrolment = daemon.api(app).enrol(who=1, selfie_flaw=photos.UNCLEAR)
        daemon.stop()
        # smartidctl has the real clock: the past is put into the row.
        with contextlib.closing(sqlite3.connect(daemon.database)) as db:
            db.execute("UPDATE enrolment SET decided_at_s = "
                       "decided_at_s - 31 * 86400")
            db.commit()
        status = json.loads(daemon.ctl("retention", "status",
                                       "--json").stdout)
        rule = status["rules"][0]
        self.assertEqual((rule["rule"], rule["days"], rule["due"]),
                         ("undecided", 30, 1))
        self.assertRegex(rule["oldest"], r"^\d{4}-\d\d-\d\dT.*Z$")
        self.assertEqual([r["due"] for r in status["rules"][1:]], [0] * 4)
        self.assertEqual(status["faces"], {"stored": 1, "alarm_at": 90000})
        daemon.start()
        self.assertIsNotNone(daemon.log.wait(
            lambda l: "event=retention_applied" in l))
        answer = daemon.api(app).get("/v1/enrollments/" + enrolment["id"])
        self.assert_problem(answer, 404)
        daemon.stop()


class FacesAlarm(Case):
    def test_too_many_faces_are_told_once_a_day_and_in_the_metrics(self):
        daemon = Daemon(settings={"retention.faces_alarm": 2})
        self.addCleanup(daemon.close)
        key = daemon.add_client("app")
        daemon.start()
        app = daemon.api(key)
        self.assertEqual(self.gauges(daemon), (0, 0))
        app.enrol(who=1)
        self.assertEqual(self.gauges(daemon), (1, 0))
        app.enrol(who=2, selfie_flaw=photos.UNCLEAR)
        line = daemon.log.wait(lambda l: "event=faces_alarm" in l, 10)
        fields = parse_line(line)
        self.assertEqual((fields["level"], fields["stored"],
                          fields["faces_alarm"]), ("warn", "2", "2"))
        self.assertEqual(self.gauges(daemon), (2, 1))
        app.enrol(who=3)
        self.assertEqual(self.gauges(daemon), (3, 1))
        lines = len(daemon.log.lines)
        daemon.set_clock(DAY_S + 60)
        line = daemon.log.wait(lambda l: "event=faces_alarm" in l, 10, lines)
        self.assertEqual(parse_line(line)["stored"], "3")
        self.assertEqual(daemon.log.text().count("event=faces_alarm"), 2)
        daemon.restart()
        self.assertEqual(self.gauges(daemon)[0], 3)
        daemon.stop()

    @staticmethod
    def gauges(daemon):
        text = daemon.request("GET", "/metrics").body.decode()
        return tuple(int(re.search(r"(?m)^smartidd_faces_%s (\d+)$" % name,
                                   text).group(1))
                     for name in ("stored", "alarm"))


if __name__ == "__main__":
    unittest.main()
