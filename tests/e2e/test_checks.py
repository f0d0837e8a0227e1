"""A person sees who checked the credential, and disputes a check; officers
settle that."""

import sqlite3
import unittest

from harness import DaemonCase

REASON = "I was not there: 张三 zq7reason"
NOTE = "The clerk had mixed up two people zq7note"


class ChecksCase(DaemonCase):
    def setUp(self):
        self.enrolment, self.credential = self.approved(who=1)
        self.code = self.app.code(self.credential)["code"]
        self.holder = self.daemon.api(self.enrolment["holder_secret"])

    def checks(self, api=None, query=""):
        answer = (api or self.holder).get("/v1/credentials/%s/checks%s" % (
            self.credential, query))
        self.assertEqual(answer.status, 200, repr(answer))
        return answer.json()

    def dispute(self, verification, api=None, **more):
        return (api or self.holder).post(
            "/v1/verifications/%s/dispute" % verification,
            dict({"credential_id": self.credential, "reason": REASON}, **more))

    def queue(self, query=""):
        answer = self.officer.get("/v1/disputes" + query)
        self.assertEqual(answer.status, 200, repr(answer))
        return answer.json()

    def settle(self, dispute, outcome="upheld", **more):
        return self.officer.post("/v1/disputes/%s/settle" % dispute, dict(
            {"outcome": outcome, "note": NOTE}, **more))

    def sql(self, text):
        """Beside the daemon, which only a test may do."""
        database = sqlite3.connect(self.daemon.database, timeout=30)
        try:
            with database:
                return database.execute(text).fetchall()
        finally:
            database.close()

    def counted(self, outcome):
        text = self.daemon.request("GET", "/metrics").body.decode()
        name = 'smartidd_disputes_total{outcome="%s"} ' % outcome
        return int(text.split(name)[1].split("\n")[0])


class Seen(ChecksCase):
    def test_a_check_is_there_as_soon_as_it_is_answered(self):
        self.assertEqual(self.checks(), {"checks": []})
        made = self.clerk.verify(self.code, "bank_account", counter="窗口 3")
        one, = self.checks()["checks"]
        self.assertEqual(one, {"id": made["id"], "at": made["checked_at"],
                               "party": "e2e clerk",
                               "purpose": "bank_account",
                               "counter": "窗口 3", "outcome": "valid"})

    def test_it_names_the_party_and_never_the_key(self):
        clerk = self.daemon.api(self.daemon.add_client(
            "clerk", "key 7", purposes=["train_ticket"], party="City bank"))
        clerk.verify(self.code)
        answer = self.holder.get("/v1/credentials/%s/checks" %
                                 self.credential)
        self.assertEqual(answer.json()["checks"][0]["party"], "City bank")
        self.assertNotIn("counter", answer.json()["checks"][0])
        self.assertNotIn(b"cli_", answer.body)
        self.assertNotIn(b"key 7", answer.body)

    def test_checks_that_did_not_pass_are_there_too(self):
        self.app.change(self.credential, "suspend")
        self.clerk.verify(self.code)
        self.clerk.verify("nonsense")
        self.assertEqual([one["outcome"] for one in self.checks()["checks"]],
                         ["suspended"])

    def test_the_newest_is_first_and_pages_have_each_once(self):
        made = [self.clerk.verify(self.code)["id"] for _ in range(7)]
        seen, query = [], "?limit=3"
        while query:
            page = self.checks(query=query)
            seen += [one["id"] for one in page["checks"]]
            query = "?limit=3&after=" + page["next"] if "next" in page else ""
        self.assertEqual(seen, made[::-1])
        self.assertEqual(len(self.checks()["checks"]), 7)

    def test_the_app_sees_them_and_nobody_else_does(self):
        self.clerk.verify(self.code)
        self.assertEqual(self.checks(self.app), self.checks())
        other, _ = self.approved(who=2)
        path = "/v1/credentials/%s/checks" % self.credential
        stranger = self.daemon.api(other["holder_secret"])
        self.assert_problem(stranger.get(path), 404)
        foreign = self.daemon.api(self.daemon.add_client("app", "other app"))
        self.assert_problem(foreign.get(path), 404)
        for api in (self.clerk, self.officer, self.admin):
            self.assert_problem(api.get(path), 403)

    def test_wrong_questions_are_refused_and_named(self):
        for query, field in (("?limit=0", "limit"), ("?limit=51", "limit"),
                             ("?after=x", "after"),
                             ("?after=enr_" + "0" * 26, "after"),
                             ("?x=1", "x")):
            answer = self.holder.get("/v1/credentials/%s/checks%s" % (
                self.credential, query))
            document = self.assert_problem(answer, 422)
            self.assertEqual(document["field"], field)
        self.assert_problem(self.holder.get(
            "/v1/credentials/%s/checks?after=ver_%s" % (
                self.credential, "0" * 26)), 404)

    def test_a_log_of_any_length_is_not_searched(self):
        """Both questions go by the index of checks."""
        for text in ("SELECT seq FROM audit WHERE event = 'verification' AND "
                     "subject <> '' AND subject = 'x' AND seq < 9 "
                     "ORDER BY seq DESC LIMIT 3",
                     "SELECT seq FROM audit WHERE event = 'verification' AND "
                     "subject <> '' AND subject = 'x' AND "
                     "substr(detail, 4, 3) = 'x'"):
            plan = " ".join(str(row) for row in
                            self.sql("EXPLAIN QUERY PLAN " + text))
            self.assertIn("USING INDEX audit_checks", plan)
            self.assertNotIn("TEMP B-TREE", plan)


class Disputed(ChecksCase):
    def setUp(self):
        super().setUp()
        self.check = self.clerk.verify(self.code, counter="7")["id"]

    def test_a_dispute_goes_to_the_queue_and_back(self):
        answer = self.dispute(self.check)
        self.assertEqual(answer.status, 201, repr(answer))
        made = answer.json()
        self.assertRegex(made["id"], "^dsp_[0-9a-z]{26}$")
        self.assertEqual(made["state"], "open")
        self.assertEqual(made["verification_id"], self.check)
        self.assertEqual(self.checks()["checks"][0]["dispute"],
                         {"id": made["id"], "state": "open"})
        one = [row for row in self.queue()["disputes"]
               if row["id"] == made["id"]][0]
        self.assertEqual(one["reason"], REASON)
        self.assertEqual(one["credential_id"], self.credential)
        self.assertEqual(one["check"]["party"], "e2e clerk")
        self.assertEqual(one["check"]["counter"], "7")
        self.assertEqual(one["check"]["outcome"], "valid")
        settled = self.settle(made["id"])
        self.assertEqual(settled.status, 200, repr(settled))
        self.assertEqual(settled.json()["state"], "upheld")
        self.assertEqual(settled.json()["note"], NOTE)
        self.assertNotIn(made["id"],
                         [row["id"] for row in self.queue()["disputes"]])
        self.assertIn(made["id"], [row["id"] for row in self.queue(
            "?state=upheld")["disputes"]])
        seen = self.checks()["checks"][0]["dispute"]
        self.assertEqual(seen["state"], "upheld")
        self.assertIn("settled_at", seen)

    def test_a_check_is_disputed_once_and_settled_once(self):
        made = self.dispute(self.check).json()["id"]
        self.assert_problem(self.dispute(self.check), 409, "exists")
        self.assertEqual(self.settle(made, "dismissed").status, 200)
        self.assert_problem(self.settle(made), 409, "conflict")
        self.assert_problem(self.settle("dsp_" + "0" * 26), 404)

    def test_only_the_holder_disputes_and_only_what_is_theirs(self):
        other, credential = self.approved(who=2)
        stranger = self.daemon.api(other["holder_secret"])
        self.assert_problem(self.dispute(self.check, stranger), 404)
        self.assert_problem(self.dispute(self.check, stranger,
                                         credential_id=credential), 404)
        self.assert_problem(self.dispute("ver_" + "0" * 26), 404)
        for api in (self.app, self.clerk, self.officer):
            self.assert_problem(self.dispute(self.check, api), 403)
        self.assertEqual(self.queue()["disputes"], self.queue()["disputes"])

    def test_what_is_missing_or_wrong_is_named(self):
        path = "/v1/verifications/%s/dispute" % self.check
        for body, field in (
                ({"reason": "x"}, "credential_id"),
                ({"credential_id": "x", "reason": "x"}, "credential_id"),
                ({"credential_id": self.credential}, "reason"),
                ({"credential_id": self.credential, "reason": " "}, "reason"),
                ({"credential_id": self.credential, "reason": "x" * 401},
                 "reason"),
                ({"credential_id": self.credential, "reason": "x", "y": 1},
                 "y")):
            document = self.assert_problem(self.holder.post(path, body), 422)
            self.assertEqual(document["field"], field)
        made = self.dispute(self.check).json()["id"]
        for body, field in (({"note": "x"}, "outcome"),
                            ({"outcome": "open", "note": "x"}, "outcome"),
                            ({"outcome": "upheld"}, "note")):
            document = self.assert_problem(self.officer.post(
                "/v1/disputes/%s/settle" % made, body), 422)
            self.assertEqual(document["field"], field)
        for query, field in (("?state=x", "state"), ("?limit=x", "limit"),
                             ("?after=ver_x", "after")):
            document = self.assert_problem(
                self.officer.get("/v1/disputes" + query), 422)
            self.assertEqual(document["field"], field)

    def test_the_queue_has_pages(self):
        for _ in range(4):
            self.dispute(self.clerk.verify(self.code)["id"])
        whole = [row["id"] for row in self.queue()["disputes"]]
        seen, query = [], "?limit=2"
        while query:
            page = self.queue(query)
            seen += [row["id"] for row in page["disputes"]]
            query = "?limit=2&after=" + page["next"] if "next" in page else ""
        self.assertEqual(seen, whole)
        self.assertGreaterEqual(len(seen), 4)

    def test_it_is_in_the_audit_log_by_ids_and_counted(self):
        counts = [self.counted(word) for word in ("open", "dismissed")]
        made = self.dispute(self.check).json()["id"]
        self.queue()
        self.settle(made, "dismissed")
        rows = self.sql("SELECT event, subject, outcome, detail FROM audit "
                        "ORDER BY seq DESC LIMIT 3")
        detail = "dispute=%s id=%s" % (made, self.check)
        self.assertEqual(rows[0], ("dispute_settled", self.credential,
                                   "dismissed", detail))
        self.assertEqual(rows[1][:3], ("disputes_listed", "", "open"))
        self.assertEqual(rows[2], ("check_disputed", self.credential, "open",
                                   detail))
        self.assertEqual([self.counted(word) for word in
                          ("open", "dismissed")], [n + 1 for n in counts])

    def test_the_words_are_sealed_and_go_with_the_person(self):
        made = self.dispute(self.check).json()["id"]
        self.settle(made)
        self.daemon.stop()
        with open(self.daemon.database, "rb") as stream:
            data = stream.read()
        self.daemon.start()
        for words in ("zq7reason", "zq7note"):
            self.assertNotIn(words.encode(), data)
        self.assertEqual(self.holder.delete(
            "/v1/enrollments/" + self.enrolment["id"]).status, 204)
        self.assertEqual(self.sql("SELECT * FROM dispute WHERE id = '%s'" %
                                  made), [])
        self.assertNotIn(made, [row["id"] for row in self.queue(
            "?state=upheld")["disputes"]])
        self.assert_problem(self.holder.get(
            "/v1/credentials/%s/checks" % self.credential), 404)

    def test_words_that_do_not_open_take_nothing_else_with_them(self):
        made = self.dispute(self.check).json()["id"]
        self.sql("UPDATE dispute SET reason_sealed = zeroblob(60) "
                 "WHERE id = '%s'" % made)
        one = [row for row in self.queue()["disputes"]
               if row["id"] == made][0]
        self.assertTrue(one["reason_unreadable"])
        self.assertNotIn("reason", one)


if __name__ == "__main__":
    unittest.main()
