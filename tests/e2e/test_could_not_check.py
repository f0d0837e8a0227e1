"""The third answer: what could not be checked is never told as not valid; and
many codes at once, each with an answer of its own."""

import sqlite3
import time
import unittest

from harness import DaemonCase, threads

PURPOSE = "train_ticket"


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class ChecksCase(DaemonCase):
    def sql(self, text):
        """Beside the daemon, which only a test may do."""
        database = sqlite3.connect(self.daemon.database, timeout=30)
        try:
            with database:
                return database.execute(text).fetchall()
        finally:
            database.close()

    def counted(self, result):
        text = self.daemon.request("GET", "/metrics").body.decode()
        name = 'smartidd_verifications_total{result="%s"} ' % result
        return int(text.split(name)[1].split("\n")[0])

    def batch(self, codes, clerk=None, **more):
        checks = [code if isinstance(code, dict) else {"code": code}
                  for code in codes]
        return (clerk or self.clerk).post("/v1/verifications/batch", dict(
            {"purpose": PURPOSE, "checks": checks}, **more))

    def results(self, codes, **more):
        answer = self.batch(codes, **more)
        self.assertEqual(answer.status, 200, repr(answer))
        return answer.json()["results"]


class Unchecked(ChecksCase):
    def setUp(self):
        _, self.credential = self.approved(who=1)
        self.code = self.app.code(self.credential)["code"]

    def fails(self, status):
        """A check that is told as one that could not be made."""
        before = self.counted("could_not_check")
        answer = self.clerk.post("/v1/verifications", {
            "code": self.code, "purpose": PURPOSE})
        document = self.assert_problem(answer, status)
        self.assertEqual(document["result"], "could_not_check")
        self.assertNotIn("valid", document)
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        self.assertEqual(self.counted("could_not_check"), before + 1)
        return document

    def spoilt(self, column, value):
        """What the check needs of the credential, spoilt and made good."""
        where = " WHERE id = '%s'" % self.credential
        old, = self.sql("SELECT quote(%s) FROM credential%s" % (column, where))
        self.sql("UPDATE credential SET %s = %s%s" % (column, value, where))
        self.addCleanup(self.sql, "UPDATE credential SET %s = %s%s" % (
            column, old[0], where))

    def test_both_other_answers_say_what_they_are(self):
        self.assertEqual(self.clerk.verify(self.code)["result"], "valid")
        self.assertEqual(self.clerk.verify("x")["result"], "not_valid")

    def test_a_record_that_cannot_be_written_is_not_a_code_that_is_wrong(self):
        # The number that the next row will want is taken.
        self.sql("INSERT INTO audit SELECT max(seq) + 1, 0, 'x', 'x', 'x', "
                 "'x', 'x', zeroblob(32) FROM audit")
        self.addCleanup(self.sql, "DELETE FROM audit WHERE event = 'x'")
        self.assertEqual(self.fails(503)["code"], "store_unavailable")
        answer = self.batch([self.code, "x"])
        document = self.assert_problem(answer, 503, "store_unavailable")
        self.assertEqual(document["result"], "could_not_check")

    def test_a_row_that_cannot_be_read_is_not_a_code_that_is_wrong(self):
        self.spoilt("revoke_reason", "'nonsense'")
        self.fails(503)

    def test_a_seal_that_does_not_open_is_not_a_code_that_is_wrong(self):
        self.spoilt("holder_sealed", "zeroblob(90)")
        self.assertEqual(self.fails(500)["code"], "internal")

    def test_a_key_that_is_gone_is_not_a_code_that_is_wrong(self):
        rows = self.sql("SELECT * FROM subject_key WHERE subject = (SELECT "
                        "enrolment_id FROM credential WHERE id = '%s')" %
                        self.credential)
        self.sql("DELETE FROM subject_key WHERE subject = '%s'" % rows[0][0])

        def put_back():
            self.sql("INSERT INTO subject_key VALUES (%s)" % ", ".join(
                "X'%s'" % v.hex() if isinstance(v, bytes) else repr(v)
                for v in rows[0]))
        self.addCleanup(put_back)
        self.fails(500)

    def test_another_code_of_the_batch_is_checked_all_the_same(self):
        self.spoilt("revoke_reason", "'nonsense'")
        _, other = self.approved(who=2)
        code = self.app.code(other)["code"]
        answer = self.batch([code, self.code, "x", code])
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        results = answer.json()["results"]
        self.assertEqual([one["result"] for one in results],
                         ["valid", "could_not_check", "not_valid", "valid"])
        self.assertEqual(results[1]["code"], "store_unavailable")
        self.assertNotIn("valid", results[1])
        self.assertEqual(self.outcomes(4), ["valid", "code_length",
                                            "could_not_check", "valid"])

    def outcomes(self, count):
        """The newest first."""
        rows = self.sql("SELECT outcome FROM audit WHERE event = "
                        "'verification' ORDER BY seq DESC LIMIT %d" % count)
        return [row[0] for row in rows]

    def test_what_a_batch_could_not_open_is_written_down_as_that(self):
        self.spoilt("holder_sealed", "zeroblob(90)")
        result, = self.batch([self.code]).json()["results"]
        self.assertEqual((result["result"], result["code"]),
                         ("could_not_check", "internal"))
        self.assertEqual(self.outcomes(1), ["could_not_check"])

    def test_a_live_code_that_could_not_be_checked_is_not_used_up(self):
        live = self.app.get("/v1/credentials/%s/code?kind=live" %
                            self.credential).json()["code"]
        self.spoilt("holder_sealed", "zeroblob(90)")
        for _ in range(2):
            document = self.assert_problem(self.clerk.post(
                "/v1/verifications", {"code": live, "purpose": PURPOSE}), 500)
            self.assertEqual(document["result"], "could_not_check")


class Batch(ChecksCase):
    SETTINGS = {"limits.clerk_per_minute": 10000}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = [cls.app.enrol(who=who) for who in (1, 2, 3)]
        cls.codes = [cls.app.code(one["credential_id"])["code"]
                     for one in cls.people]

    def test_each_code_has_the_answer_it_has_alone(self):
        codes = [self.codes[0], "nonsense", self.codes[1]]
        results = self.results(codes, counter="7")
        for code, one in zip(codes, results):
            alone = self.clerk.verify(code)
            for member in ("id", "checked_at"):
                self.assertIn(member, one)
                del one[member], alone[member]
            self.assertEqual(one, alone)

    def test_each_code_has_its_row_and_its_own_id(self):
        results = self.results(self.codes, counter="gate")
        rows = self.sql("SELECT outcome, detail FROM audit WHERE event = "
                        "'verification' ORDER BY seq DESC LIMIT 3")
        for one, (outcome, detail) in zip(results, reversed(rows)):
            self.assertEqual(outcome, "valid")
            self.assertEqual(detail, "id=%s purpose=%s counter=gate" % (
                one["id"], PURPOSE))

    def test_what_was_taken_earlier_is_judged_now_and_recorded_as_late(self):
        when = at(self.daemon.now() - 3600)
        one, = self.results([{"code": self.codes[0], "received_at": when}])
        self.assertTrue(one["valid"])
        self.assertEqual(one["received_at"], when)
        self.assertNotEqual(one["checked_at"], when)
        row, = self.sql("SELECT detail FROM audit WHERE event = "
                        "'verification' ORDER BY seq DESC LIMIT 1")
        self.assertIn(" received=%s counter=" % when, row[0])

    def test_up_to_50_codes_are_taken(self):
        self.assertEqual(len(self.results(["x"] * 50)), 50)
        self.assert_problem(self.batch(["x"] * 51), 422, "field_invalid")
        self.assert_problem(self.batch([]), 422, "field_invalid")

    def test_what_is_no_batch_is_refused_and_named(self):
        now = self.daemon.now()
        for checks, field in (
                (None, "checks"), ({}, "checks"), ("x", "checks"),
                (["x"], "checks"), ([{}], "checks.code"),
                ([{"code": 7}], "checks.code"),
                ([{"code": "x", "x": 1}], "checks.x"),
                ([{"code": "x", "received_at": 7}], "checks.received_at"),
                ([{"code": "x", "received_at": "today"}],
                 "checks.received_at"),
                ([{"code": "x", "received_at": at(now + 900)}],
                 "checks.received_at"),
                ([{"code": "x", "received_at": at(now - 31 * 86400)}],
                 "checks.received_at")):
            with self.subTest(checks=checks):
                answer = self.clerk.post("/v1/verifications/batch", {
                    "purpose": PURPOSE, "checks": checks})
                document = self.assert_problem(answer, 422)
                self.assertEqual(document["field"], field)
        self.assert_problem(self.clerk.post("/v1/verifications/batch", {
            "purpose": PURPOSE}), 422, "field_missing")

    def test_a_purpose_that_was_not_granted_is_403_with_a_row_for_each(self):
        clerk = self.daemon.api(self.daemon.add_client(
            "clerk", "narrow", purposes=["bank_account"]))
        answer = self.batch(self.codes, clerk=clerk)
        self.assert_problem(answer, 403, "purpose_forbidden")
        rows = self.sql("SELECT outcome FROM audit WHERE event = "
                        "'verification' ORDER BY seq DESC LIMIT 3")
        self.assertEqual(rows, [("purpose_forbidden",)] * 3)

    def test_batches_beside_each_other_are_each_whole(self):
        def work(index):
            results = self.results(self.codes * 10)
            self.assertTrue(all(one["valid"] for one in results))
            names = [one["holder"]["id_number"] for one in results]
            self.assertEqual(names, names[:3] * 10)
        threads(8, work)


class Quota(ChecksCase):
    def test_each_code_counts(self):
        clerk = self.daemon.api(self.daemon.add_client(
            "clerk", "slow", per_minute=30))
        self.assertEqual(self.batch(["x"] * 28, clerk=clerk).status, 200)
        answer = self.batch(["x"] * 4, clerk=clerk)
        document = self.assert_problem(answer, 429, "too_many_requests")
        self.assertEqual(document["field"], "checks")
        self.assertIn(int(answer.header("retry-after")), range(1, 61))
        self.assertNotIn("result", document)

    def test_a_batch_beyond_a_minutes_worth_costs_the_whole_minute(self):
        clerk = self.daemon.api(self.daemon.add_client(
            "clerk", "slower", per_minute=30))
        self.assertEqual(self.batch(["x"] * 50, clerk=clerk).status, 200)
        self.assert_problem(self.batch(["x"], clerk=clerk), 429)


if __name__ == "__main__":
    unittest.main()
