"""The code of the minute: it lives 60 seconds and is taken once, so that a
screenshot of it is worthless."""

import json
import os
import sqlite3
import time
import unittest
from datetime import datetime

from harness import SLOW, Daemon, DaemonCase, credential_of, threads

OURS = """
[library_card]
attributes = name_masked

[vault]
attributes = name
code = live

[strict_vault]
attributes = name
code = live
assurance = counter
"""


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


class LiveCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.BINARY)
        cls.addClassCleanup(cls.daemon.close)
        path = os.path.join(cls.daemon.folder, "purposes.conf")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(OURS)
        with open(cls.daemon.config, "a", encoding="utf-8") as stream:
            stream.write("\n[purposes]\npurposes_file = %s\n"
                         "[limits]\nclerk_per_minute = 100000\n" % path)
        app = cls.daemon.add_client("app")
        clerk = cls.daemon.add_client("clerk", purposes=[
            "library_card", "vault", "strict_vault"])
        cls.daemon.start()
        cls.app = cls.daemon.api(app)
        cls.clerk = cls.daemon.api(clerk)
        cls.nobody = cls.daemon.api(None)
        cls.credential = credential_of(cls.app.enrol(who=1))

    def live(self, credential=None, query=""):
        answer = self.app.get("/v1/credentials/%s/code?kind=live%s" % (
            credential or self.credential, query))
        self.assertEqual(answer.status, 200, repr(answer))
        return answer.json()

    def ask(self, code, purpose="library_card"):
        return self.clerk.verify(code, purpose)

    def refused(self, reason, code, purpose="library_card"):
        answer = self.ask(code, purpose)
        self.assertFalse(answer["valid"])
        self.assertEqual(answer["reason"], reason)
        self.assertNotIn("holder", answer)

    def sql(self, text):
        """Beside the daemon, which only a test may do."""
        database = sqlite3.connect(self.daemon.database, timeout=30)
        try:
            with database:
                return database.execute(text).fetchall()
        finally:
            database.close()

    def counted(self, name, label):
        text = self.daemon.request("GET", "/metrics").body.decode()
        return int(text.split("%s{%s} " % (name, label))[1].split("\n")[0])


class Live(LiveCase):
    def test_it_says_how_long_it_lives(self):
        one = self.live()
        self.assertEqual(one["kind"], "live")
        self.assertEqual(seconds(one["not_after"]) -
                         seconds(one["not_before"]), 60)
        self.assertEqual(seconds(one["refresh_after"]) -
                         seconds(one["not_before"]), 45)
        self.assertEqual(len(one["code"]), 56)

    def test_it_is_taken_once(self):
        code = self.live()["code"]
        answer = self.ask(code)
        self.assertTrue(answer["valid"])
        self.assertEqual(answer["assurance"], "live_code")
        self.refused("code_used", code)
        self.refused("code_used", code, "vault")
        rows = self.sql("SELECT outcome, subject FROM audit WHERE event = "
                        "'verification' ORDER BY seq DESC LIMIT 3")
        self.assertEqual(rows, [("code_used", self.credential)] * 2 +
                         [("valid", self.credential)])

    def test_each_one_is_another_one(self):
        codes = [self.live()["code"] for _ in range(20)]
        self.assertEqual(len(set(codes)), 20)
        for code in codes:
            self.assertTrue(self.ask(code)["valid"])

    def test_it_is_dead_after_60_seconds_to_the_second(self):
        shift = self.daemon.shift
        self.addCleanup(self.daemon.set_clock, shift + 120)
        one = self.live()
        left = seconds(one["not_after"]) - self.daemon.now()
        self.assertGreater(left, 30)
        other = self.live()["code"]
        self.daemon.set_clock(shift + left - 10)
        self.assertTrue(self.ask(one["code"])["valid"])
        self.daemon.set_clock(shift + left + 2)
        self.refused("expired", other)

    def test_the_day_code_stays_the_default_and_is_taken_often(self):
        one = self.app.code(self.credential)
        self.assertEqual(one["kind"], "day")
        day = self.app.get("/v1/credentials/%s/code?kind=day" %
                           self.credential).json()
        self.assertEqual(day, one)
        for _ in range(2):
            answer = self.ask(one["code"])
            self.assertTrue(answer["valid"])
            self.assertEqual(answer["assurance"], "code")

    def test_another_kind_is_refused_and_named(self):
        for kind in ("", "LIVE", "x", "live&kind=day"):
            answer = self.app.get("/v1/credentials/%s/code?kind=%s" % (
                self.credential, kind))
            document = self.assert_problem(answer, 422)
            self.assertEqual(document["field"], "kind")

    def test_a_purpose_can_ask_for_it(self):
        day, live = self.app.code(self.credential)["code"], self.live()["code"]
        before = self.counted("smartidd_verifications_total",
                              'result="live_code_required"')
        self.refused("live_code_required", day, "vault")
        self.assertEqual(self.counted("smartidd_verifications_total",
                                      'result="live_code_required"'),
                         before + 1)
        self.assertEqual(self.sql(
            "SELECT outcome FROM audit WHERE event = 'verification' "
            "ORDER BY seq DESC LIMIT 1"), [("live_code_required",)])
        self.assertTrue(self.ask(live, "vault")["valid"])

    def test_a_check_that_does_not_take_it_does_not_use_it_up(self):
        code = self.live()["code"]
        self.refused("assurance_too_low", code, "strict_vault")
        _, other = self.approved(who=2)
        self.app.change(other, "suspend")
        self.assertTrue(self.ask(code)["valid"])

    def test_a_suspended_credential_has_none_and_those_it_had_are_dead(self):
        _, credential = self.approved(who=3)
        code = self.live(credential)["code"]
        self.app.change(credential, "suspend")
        self.assert_problem(self.app.get(
            "/v1/credentials/%s/code?kind=live" % credential), 409)
        self.refused("not_valid", code)

    def test_its_picture_is_as_large_as_that_of_the_day(self):
        sizes = []
        for kind in ("day", "live"):
            answer = self.app.get("/v1/credentials/%s/code?kind=%s&scale=1" % (
                self.credential, kind), {"Accept": "image/png"})
            self.assertEqual(answer.status, 200)
            sizes.append(answer.body[16:24])
        self.assertEqual(sizes[0], sizes[1])

    def test_what_is_issued_and_taken_is_counted(self):
        issued = self.counted("smartidd_codes_issued_total", 'kind="live"')
        used = self.counted("smartidd_verifications_total",
                            'result="code_used"')
        code = self.live()["code"]
        self.ask(code)
        self.ask(code)
        self.assertEqual(self.counted("smartidd_codes_issued_total",
                                      'kind="live"'), issued + 1)
        self.assertEqual(self.counted("smartidd_verifications_total",
                                      'result="code_used"'), used + 1)


class Races(LiveCase):
    def test_of_1000_uses_at_once_one_is_taken(self):
        code = self.live()["code"]
        body = json.dumps({"code": code, "purpose": "vault"}).encode()
        headers = self.clerk.headers({"Content-Type": "application/json"})
        valid, used = [], []

        def work(_):
            with self.daemon.connect() as connection:
                for _ in range(50):
                    answer = connection.request("POST", "/v1/verifications",
                                                headers, body).json()
                    (valid if answer["valid"] else used).append(
                        answer.get("reason"))
        threads(20, work)
        self.assertEqual(len(valid), 1)
        self.assertEqual(len(used), 999)
        self.assertLessEqual(set(used), {"code_used", "expired"})

    def test_of_a_batch_of_the_same_code_one_is_taken(self):
        code = self.live()["code"]
        answer = self.clerk.post("/v1/verifications/batch", {
            "purpose": "vault", "checks": [{"code": code}] * 50})
        results = [one["valid"] for one in answer.json()["results"]]
        self.assertEqual(results, [True] + [False] * 49)


class Durable(LiveCase):
    def test_what_was_taken_before_a_kill_is_not_taken_after_it(self):
        codes = [self.live()["code"] for _ in range(3)]
        for code in codes[:2]:
            self.assertTrue(self.ask(code)["valid"])
        self.daemon.kill()
        self.daemon.start()
        for code in codes[:2]:
            self.refused("code_used", code)
        self.assertTrue(self.ask(codes[2])["valid"])

    def test_what_has_expired_is_forgotten(self):
        self.ask(self.live()["code"])
        self.assertNotEqual(self.sql("SELECT * FROM live_code"), [])
        self.daemon.set_clock(self.daemon.shift + 2 * 3600)
        self.daemon.restart()
        end = time.monotonic() + 20 * SLOW
        while self.sql("SELECT * FROM live_code"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
