"""The change of codes over the day boundary, walked with the clock of a test
build. What is expected is computed from the second the daemon says it checked
at, so that the tests do not depend on how fast they run."""

import datetime
import time
import unittest

from harness import Case, Daemon, DaemonCase

DAY_S = 86400
GRACE_S = 120
SKEW_S = 30


def seconds(text):
    return int(datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp())


class Rotation(DaemonCase):
    """Each test begins at no shift and with a credential of its own. For codes
    the daemon stays in the latest day that it has seen."""

    def setUp(self):
        self.daemon.set_clock(0)
        _, self.credential = self.approved(who=1)
        first = self.app.code(self.credential)
        self.code = first["code"]
        self.not_before = seconds(first["not_before"])
        self.not_after = seconds(first["not_after"])

    def tearDown(self):
        self.daemon.set_clock(0)

    def go_to(self, second):
        """Sets the daemon's clock so that it shows this second, early in
        it."""
        while time.time() % 1 > 0.6:
            time.sleep(0.05)
        self.daemon.set_clock(second - int(time.time()))

    def check_at(self, second, code):
        """Verifies at exactly that second."""
        for _ in range(20):
            self.go_to(second)
            answer = self.clerk.verify(code)
            if seconds(answer["checked_at"]) == second:
                return answer
        raise AssertionError("the second %d was never hit" % second)

    def code_at(self, second):
        self.go_to(second)
        return self.app.code(self.credential)

    def test_a_window_is_a_day_long_and_begins_when_it_was_issued(self):
        self.assertEqual(self.not_after - self.not_before, DAY_S)
        # Days after it, when a test before this one was in days to come.
        since = (self.not_before - time.time() + 60) % DAY_S
        self.assertLessEqual(since, 120)

    def test_the_code_changes_at_the_boundary_and_not_before(self):
        last = self.code_at(self.not_after - 2)
        self.assertEqual(last["code"], self.code)
        next_one = self.code_at(self.not_after)
        self.assertNotEqual(next_one["code"], self.code)
        self.assertEqual(seconds(next_one["not_before"]), self.not_after)
        self.assertEqual(seconds(next_one["not_after"]),
                         self.not_after + DAY_S)

    def test_a_code_lives_to_its_last_second_grace_and_skew_and_no_longer(
            self):
        end = self.not_after + GRACE_S + SKEW_S
        for second, valid in (
                (self.not_after - 1, True), (self.not_after, True),
                (self.not_after + 1, True), (end - 2, True),
                (end - 1, True), (end, False), (end + 1, False),
                (self.not_after + 3600, False),
                (self.not_after + 10 * DAY_S, False)):
            with self.subTest(offset=second - self.not_after):
                answer = self.check_at(second, self.code)
                self.assertEqual(answer["valid"], valid)
                if not valid:
                    self.assertEqual(answer["reason"], "expired")
                    self.assertNotIn("holder", answer)

    def test_a_sweep_over_the_boundary_has_no_gap_and_no_overlap(self):
        """Every 7 seconds from -200 to +400: the code of now is always
        valid, the former until grace and skew end, the one before never."""
        self.go_to(self.not_after + 5)
        following = self.app.code(self.credential)["code"]
        self.go_to(self.not_after + DAY_S + 5)
        third = self.app.code(self.credential)["code"]
        boundary = self.not_after + DAY_S
        self.assertEqual(len({self.code, following, third}), 3)
        for offset in range(-200, 401, 7):
            answers = {}
            self.go_to(boundary + offset)
            for name, code in (("old", self.code), ("now", following),
                               ("next", third)):
                answers[name] = self.clerk.verify(code)
            for name, answer in answers.items():
                at = seconds(answer["checked_at"])
                expected = {
                    "old": (False, "expired"),
                    "now": ((True, None) if at < boundary + GRACE_S + SKEW_S
                            else (False, "expired")),
                    # A neighbour whose clock is ahead may show it early.
                    "next": ((True, None) if at >= boundary - SKEW_S
                             else (False, "not_valid")),
                }[name]
                self.assertEqual((answer["valid"], answer.get("reason")),
                                 expected, (name, at - boundary))

    def test_yesterdays_code_has_expired_a_day_later(self):
        answer = self.check_at(self.not_after + DAY_S // 2, self.code)
        self.assertEqual((answer["valid"], answer["reason"]),
                         (False, "expired"))
        today = self.app.code(self.credential)["code"]
        self.assertTrue(self.clerk.verify(today)["valid"])

    def test_codes_of_thirty_days_are_all_different(self):
        codes = []
        for day in range(30):
            codes.append(self.code_at(self.not_before + day * DAY_S + 60))
        self.assertEqual(len({c["code"] for c in codes}), 30)
        for first, second in zip(codes, codes[1:]):
            self.assertEqual(first["not_after"], second["not_before"])

    def test_refresh_after_names_the_moment_another_code_is_given(self):
        now = self.app.code(self.credential)
        refresh = seconds(now["refresh_after"])
        self.assertEqual(self.code_at(refresh - 2)["code"], self.code)
        self.assertNotEqual(self.code_at(refresh)["code"], self.code)

    def test_the_change_over_is_spread_by_the_time_of_issue(self):
        ends = set()
        for step in range(4):
            self.daemon.set_clock(step * 5000)
            _, credential = self.approved(who=2 + step)
            ends.add(self.app.code(credential)["not_after"])
        self.assertEqual(len(ends), 4)

    def test_a_code_of_a_clock_that_was_ahead_lives_out_its_day(self):
        later = self.code_at(self.not_after + 3 * DAY_S)["code"]
        self.daemon.set_clock(0)
        self.assertTrue(self.clerk.verify(later)["valid"])
        answer = self.check_at(self.not_after + 5 * DAY_S, later)
        self.assertEqual((answer["valid"], answer["reason"]),
                         (False, "expired"))

    def test_a_restart_does_not_change_the_code(self):
        self.daemon.restart()
        self.assertEqual(self.app.code(self.credential)["code"], self.code)

    def test_a_revoked_credential_stays_revoked_on_later_days(self):
        self.app.revoke(self.credential)
        answer = self.check_at(self.not_after + 60, self.code)
        self.assertFalse(answer["valid"])


class ShortPeriod(DaemonCase):
    SETTINGS = {"code.code_period_s": "60", "code.code_grace_s": "0",
                "code.clock_skew_s": "0"}

    def test_with_a_period_of_a_minute_and_no_grace_it_ends_to_the_second(
            self):
        _, credential = self.approved(who=1)
        first = self.app.code(credential)
        end = seconds(first["not_after"])
        self.assertEqual(end - seconds(first["not_before"]), 60)
        seen = set()
        for offset in (-3, -2, -1, 0, 1, 2):
            while time.time() % 1 > 0.6:
                time.sleep(0.05)
            self.daemon.set_clock(end + offset - int(time.time()))
            answer = self.clerk.verify(first["code"])
            at = seconds(answer["checked_at"])
            self.assertEqual(answer["valid"], at < end)
            seen.add(answer["valid"])
        self.daemon.set_clock(0)
        self.assertEqual(seen, {True, False})


class TestClock(Case):
    def test_version_and_log_say_that_a_clock_can_be_shifted(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        answer = daemon.request("GET", "/version")
        self.assertTrue(answer.json()["test_clock"], answer)
        self.assertIn("test_clock", daemon.log.text())


if __name__ == "__main__":
    unittest.main()
