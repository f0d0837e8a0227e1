"""The officer's desk: the list, the photos, the decision."""

import contextlib
import sqlite3
import unittest

import photos
from harness import DaemonCase, credential_of, holder, reason_codes


class Review(DaemonCase):
    def in_review(self, who=1, person=None):
        body = self.app.enrol(who=who, person=person,
                              selfie_flaw=photos.UNCLEAR)
        self.assertEqual(body["state"], "review", body)
        return body

    def decide(self, enrolment, decision, reason="seen at the counter",
               api=None):
        return (api or self.officer).post(
            "/v1/enrollments/%s/decision" % enrolment,
            {"decision": decision, "reason": reason})

    def test_the_officer_sees_scores_and_the_holder(self):
        person = holder("Zhao Example")
        body = self.in_review(person=person)
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(seen["state"], "review")
        scores = seen["scores"]
        self.assertAlmostEqual(scores["similarity"], 0.42, delta=0.05)
        self.assertIn("liveness", scores)
        self.assertEqual(seen["holder"]["name"], "Zhao Example")

    def test_app_and_holder_see_neither_scores_nor_reasons_in_review(self):
        body = self.in_review()
        self.assertEqual(reason_codes(body), ["under_review"])
        for api in (self.app, self.daemon.api(body["holder_secret"])):
            seen = api.get("/v1/enrollments/" + body["id"])
            self.assertNotIn("scores", seen.json())
            self.assertNotIn(b"similarity", seen.body)
            self.assertEqual(reason_codes(seen.json()), ["under_review"])
            self.assertIn(b"Nothing needs to be done", seen.body)

    def test_a_fraud_is_never_told_to_app_or_holder(self):
        body = self.app.enrol(who=2, selfie_flaw=photos.NOT_LIVE)
        self.assertEqual(body["state"], "review")
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual([(r["code"], r["class"]) for r in seen["reasons"]],
                         [("selfie_not_live", "fraud")])
        holder_api = self.daemon.api(body["holder_secret"])
        for decided in (False, True):
            for api in (self.app, holder_api):
                answer = api.get("/v1/enrollments/" + body["id"])
                self.assertNotIn(b"not_live", answer.body)
                self.assertEqual(reason_codes(answer.json()),
                                 ["officer_decision" if decided
                                  else "under_review"])
            if not decided:
                self.assertEqual(self.decide(body["id"], "reject").status,
                                 200)

    def test_an_approval_makes_a_credential_that_verifies(self):
        body = self.in_review()
        answer = self.decide(body["id"], "approve")
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertEqual(answer.json()["state"], "approved")
        seen = self.app.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(seen["state"], "approved")
        code = self.app.code(credential_of(seen))["code"]
        self.assertTrue(self.clerk.verify(code)["valid"])

    def test_a_rejection_tells_the_app_that_an_officer_decided(self):
        body = self.in_review()
        answer = self.decide(body["id"], "reject", "photo of a screen")
        self.assertEqual(answer.status, 200, repr(answer))
        seen = self.app.get("/v1/enrollments/" + body["id"])
        self.assertEqual(seen.json()["state"], "rejected")
        self.assertEqual(reason_codes(seen.json()), ["officer_decision"])
        self.assertNotIn(b"photo of a screen", seen.body)
        self.assertIsNone(credential_of(seen.json()))

    def test_a_second_decision_is_409(self):
        body = self.in_review()
        self.assertEqual(self.decide(body["id"], "approve").status, 200)
        for decision in ("approve", "reject"):
            self.assert_problem(self.decide(body["id"], decision), 409,
                                "conflict")

    def test_what_is_not_in_review_cannot_be_decided(self):
        enrolment, _ = self.approved(who=3)
        self.assert_problem(self.decide(enrolment["id"], "reject"), 409,
                            "conflict")

    def test_a_decision_needs_a_known_word_and_a_reason(self):
        body = self.in_review()
        path = "/v1/enrollments/%s/decision" % body["id"]
        for bad in ({}, {"decision": "approve"}, {"reason": "x"},
                    {"decision": "maybe", "reason": "x"},
                    {"decision": "approve", "reason": ""},
                    {"decision": "approve", "reason": "x" * 2000},
                    {"decision": True, "reason": "x"},
                    {"decision": "approve", "reason": "x", "more": 1}):
            with self.subTest(bad=bad):
                self.assert_problem(self.officer.post(path, bad), 422)
        seen = self.app.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(seen["state"], "review")

    def test_a_decision_on_an_unknown_enrolment_is_404(self):
        answer = self.decide("enr_00000000000000000000000000", "approve")
        self.assert_problem(answer, 404, "not_found")

    def test_approving_a_number_that_is_in_use_by_now_is_409(self):
        person = holder()
        body = self.in_review(who=5, person=person)
        self.assertEqual(self.app.enrol(who=5, person=person)["state"],
                         "approved")
        self.assert_problem(self.decide(body["id"], "approve"), 409,
                            "conflict")
        # It can still be rejected.
        self.assertEqual(self.decide(body["id"], "reject").status, 200)

    def test_photos_are_shown_in_review_and_gone_afterwards(self):
        card = photos.photo(6)
        selfie = photos.photo(6, photos.UNCLEAR)
        body = self.app.submit(holder(), card, selfie, wait=30).json()
        self.assertEqual(body["state"], "review")
        base = "/v1/enrollments/%s/photos/" % body["id"]
        for kind, data in (("id_photo", card), ("selfie", selfie)):
            answer = self.officer.get(base + kind)
            self.assertEqual(answer.status, 200, repr(answer))
            self.assertEqual(answer.body, data)
            self.assertEqual(answer.header("content-type"), "image/png")
            self.assertEqual(answer.header("cache-control"), "no-store")
        self.assert_problem(self.officer.get(base + "passport"), 404)
        self.assertEqual(self.decide(body["id"], "approve").status, 200)
        for kind in ("id_photo", "selfie"):
            self.assert_problem(self.officer.get(base + kind), 404,
                                "not_found")

    def test_photos_of_an_approved_enrolment_are_gone(self):
        enrolment, _ = self.approved(who=7)
        answer = self.officer.get(
            "/v1/enrollments/%s/photos/selfie" % enrolment["id"])
        self.assert_problem(answer, 404, "not_found")


class Desk(DaemonCase):
    """Two officers and what both need."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = [cls.admin.post("/v1/clients", {"name": "desk %d" % i,
                                               "role": "officer"}).json()
                for i in range(3)]
        cls.ids = [m["id"] for m in made]
        cls.one, cls.two, cls.three = [cls.daemon.api(m["key"]) for m in made]

    def in_review(self, who=1, person=None):
        body = self.app.enrol(who=who, person=person,
                              selfie_flaw=photos.UNCLEAR)
        self.assertEqual(body["state"], "review", body)
        return body

    def decide(self, api, enrolment, decision, reason="seen"):
        return api.post("/v1/enrollments/%s/decision" % enrolment,
                        {"decision": decision, "reason": reason})

    def rejected(self, who=1, person=None):
        body = self.in_review(who, person)
        self.assertEqual(self.decide(self.one, body["id"], "reject").status,
                         200)
        return body

    def appeal(self, body, who=1, api=None, **parts):
        return (api or self.app).appeal(body["id"], photos.photo(who),
                                        photos.photo(who), wait=30, **parts)

    def listed(self, api, query=""):
        answer = api.get("/v1/enrollments?state=review" + query)
        self.assertEqual(answer.status, 200, repr(answer))
        return {e["id"]: e for e in answer.json()["enrollments"]}


class TwoPersons(Desk):
    SETTINGS = {"review.review_two_person": "on"}

    def test_a_second_officer_confirms(self):
        for decision, state in (("approve", "approved"),
                                ("reject", "rejected")):
            body = self.in_review(who=1)
            answer = self.decide(self.one, body["id"], decision, "first look")
            self.assertEqual(answer.status, 200, repr(answer))
            first = answer.json()
            self.assertEqual(first["state"], "review")
            self.assertEqual(first["first_decision"]["decision"], decision)
            self.assertEqual(first["first_decision"]["decided_by"],
                             self.ids[0])
            self.assertEqual(first["first_decision"]["note"], "first look")
            seen = self.app.get("/v1/enrollments/" + body["id"])
            self.assertEqual(seen.json()["state"], "review")
            self.assertNotIn(b"first", seen.body)
            answer = self.decide(self.two, body["id"], decision)
            self.assertEqual(answer.json()["state"], state, repr(answer))
            self.assertEqual(answer.json()["decided_by"], self.ids[1])

    def test_the_same_officer_twice_is_409(self):
        body = self.in_review(who=2)
        self.assertEqual(self.decide(self.one, body["id"], "reject").status,
                         200)
        self.assert_problem(self.decide(self.one, body["id"], "reject"), 409)
        seen = self.one.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(seen["state"], "review")

    def test_the_second_must_agree_or_the_first_is_withdrawn(self):
        body = self.in_review(who=3)
        self.assert_problem(self.decide(self.one, body["id"], "withdraw"),
                            409)
        self.decide(self.one, body["id"], "approve")
        self.assert_problem(self.decide(self.two, body["id"], "reject"), 409)
        answer = self.decide(self.one, body["id"], "withdraw")
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertNotIn("first_decision", answer.json())
        self.assertEqual(self.decide(self.two, body["id"], "reject").json()
                         ["state"], "review")
        self.assertEqual(self.decide(self.one, body["id"], "reject").json()
                         ["state"], "rejected")

    def test_the_list_shows_who_is_waited_for(self):
        first, second = self.in_review(who=4), self.in_review(who=5)
        self.decide(self.one, second["id"], "approve")
        every = self.listed(self.two)
        self.assertIn("first_decision", every[second["id"]])
        self.assertNotIn("first_decision", every[first["id"]])
        waiting = self.listed(self.two, "&waiting=second")
        self.assertIn(second["id"], waiting)
        self.assertNotIn(first["id"], waiting)
        fresh = self.listed(self.two, "&waiting=first")
        self.assertIn(first["id"], fresh)
        self.assertNotIn(second["id"], fresh)
        self.assert_problem(
            self.two.get("/v1/enrollments?state=review&waiting=third"), 422)

    def test_both_officers_are_barred_from_the_appeal(self):
        body = self.in_review(who=6)
        for api in (self.one, self.two):
            self.decide(api, body["id"], "reject")
        self.assertEqual(self.appeal(body, who=6).json()["state"], "review")
        for api in (self.one, self.two):
            self.assert_problem(self.decide(api, body["id"], "approve"), 403,
                                "forbidden")
        self.assertEqual(self.decide(self.three, body["id"], "approve")
                         .json()["state"], "review")
        self.assertEqual(self.decide(self.officer, body["id"], "approve")
                         .json()["state"], "approved")

    def test_every_step_is_audited(self):
        body = self.in_review(who=7)
        for api, word in ((self.one, "approve"), (self.two, "withdraw"),
                          (self.one, "withdraw"), (self.two, "reject"),
                          (self.two, "reject"), (self.one, "approve"),
                          (self.one, "reject"), (self.one, "reject")):
            self.decide(api, body["id"], word)
        self.daemon.stop()
        rows = self.daemon.sql("SELECT event, actor, outcome FROM audit WHERE "
                               "subject = ? ORDER BY seq", body["id"])
        self.daemon.start()
        self.assertEqual(rows[-8:], [
            ("first_decision", self.ids[0], "approve"),
            ("decision_withdrawn", self.ids[1], "approve"),
            ("decision_refused", self.ids[0], "conflict"),
            ("first_decision", self.ids[1], "reject"),
            ("decision_refused", self.ids[1], "conflict"),
            ("decision_refused", self.ids[0], "conflict"),
            ("enrolment_decided", self.ids[0], "rejected"),
            ("decision_refused", self.ids[0], "conflict")])


class Appeal(Desk):
    # Longer than an appeal may take, so that the daemon's clock can be set past
    # that without the row being erased.
    SETTINGS = {"retention.rejected_days": 60}

    def test_another_officer_decides_and_the_credential_is_the_persons(self):
        body = self.rejected(who=1)
        answer = self.appeal(body, statement="It is me, with a beard.")
        self.assertEqual(answer.status, 200, repr(answer))
        seen = answer.json()
        self.assertEqual(seen["id"], body["id"])
        self.assertEqual(seen["state"], "review")
        self.assertIn("appealed_at", seen)
        self.assertEqual(reason_codes(seen), ["under_review"])
        self.assertNotIn(b"beard", answer.body)
        officer = self.two.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(officer["statement"], "It is me, with a beard.")
        self.assertEqual(reason_codes(officer), ["appeal"])
        self.assertIn(body["id"], self.listed(self.two))
        self.assert_problem(self.decide(self.one, body["id"], "approve"),
                            403, "forbidden")
        answer = self.decide(self.two, body["id"], "approve")
        self.assertEqual(answer.json()["state"], "approved", repr(answer))
        holder_api = self.daemon.api(body["holder_secret"])
        credential = credential_of(answer.json())
        self.assertEqual(holder_api.get("/v1/credentials/%s/code" %
                                        credential).status, 200)

    def test_an_appeal_goes_to_an_officer_even_when_a_photo_is_no_use(self):
        body = self.app.enrol(who=2, selfie_flaw=photos.BLURRED)
        self.assertEqual(body["state"], "rejected")
        answer = self.app.appeal(body["id"], photos.photo(2),
                                 photos.photo(3), wait=30)
        self.assertEqual(answer.json()["state"], "review", repr(answer))
        seen = self.one.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["faces_differ", "appeal"])
        self.assertEqual(self.one.get("/v1/enrollments/%s/photos/selfie" %
                                      body["id"]).status, 200)

    def test_what_is_wrong_with_the_photos_of_an_appeal_is_told(self):
        body = self.rejected(who=3)
        answer = self.app.appeal(body["id"], photos.photo(3),
                                 photos.photo(3, photos.BLURRED), wait=30)
        told = ["under_review", "too_blurred"]
        self.assertEqual(reason_codes(answer.json()), told, repr(answer))
        self.decide(self.two, body["id"], "reject")
        seen = self.app.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen),
                         ["officer_decision", "too_blurred"])

    def test_r_an_appeal_without_a_face_keeps_none(self):
        """There was one of zeros, which no change of the template key could
        read."""
        def kept():
            self.daemon.stop()
            rows = self.daemon.sql("SELECT count(*) FROM template "
                                   "WHERE enrolment_id = ?", body["id"])
            self.daemon.start()
            return rows

        body = self.rejected(who=4)
        self.app.appeal(body["id"], photos.photo(4),
                        photos.photo(4, photos.NO_FACE), wait=30)
        self.assertEqual(kept(), [(0,)])
        body = self.rejected(who=5)
        self.appeal(body, who=5)
        self.assertEqual(kept(), [(1,)])

    def test_an_appeal_survives_a_crash(self):
        body = self.rejected(who=11)
        answer = self.app.appeal(body["id"], photos.photo(11),
                                 photos.photo(11, photos.SLOW))
        self.assertEqual(answer.status, 202, repr(answer))
        self.assertEqual(answer.header("location"),
                         "/v1/enrollments/" + body["id"])
        self.daemon.kill()
        self.daemon.start()
        seen = self.app.get("/v1/enrollments/" + body["id"],
                            {"Prefer": "wait=30"}).json()
        self.assertEqual(seen["state"], "review", seen)

    def test_the_holder_may_appeal_with_a_challenge(self):
        body = self.rejected(who=4)
        challenge = self.app.challenge()
        answer = self.appeal(body, who=4,
                             api=self.daemon.api(body["holder_secret"]),
                             challenge=challenge["id"],
                             frames=photos.frames(4, challenge["steps"]))
        self.assertEqual(answer.json()["state"], "review", repr(answer))
        seen = self.two.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(seen["challenge"]["outcome"], "passed")
        answer = self.decide(self.two, body["id"], "approve").json()
        self.assertEqual(self.app.get("/v1/credentials/" +
                                      credential_of(answer)).json()
                         ["assurance"], "remote_live")

    def test_a_second_appeal_is_409(self):
        body = self.rejected(who=5)
        self.assertEqual(self.appeal(body, who=5).status, 200)
        self.assert_problem(self.appeal(body, who=5), 409, "conflict")
        self.decide(self.two, body["id"], "reject")
        seen = self.app.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["officer_decision"])
        self.assert_problem(self.appeal(body, who=5), 409, "conflict")

    def test_only_a_rejected_enrolment_of_ones_own_can_be_appealed(self):
        enrolment, _ = self.approved(who=6)
        self.assert_problem(self.appeal(enrolment, who=6), 409)
        body = self.in_review(who=6)
        self.assert_problem(self.appeal(body, who=6), 409)
        body = self.rejected(who=6)
        other = self.app.enrol(who=7)
        self.assert_problem(
            self.appeal(body, api=self.daemon.api(other["holder_secret"])),
            404)
        for api in (self.one, self.clerk, self.admin):
            self.assert_problem(self.appeal(body, api=api), 403)
        self.assert_problem(self.appeal({"id": "enr_" + "0" * 26}), 404)

    def test_a_number_that_is_none_cannot_be_appealed(self):
        body = self.app.enrol(who=7, person=holder(id_number="123"))
        self.assertEqual(reason_codes(body), ["id_number_invalid"])
        self.assert_problem(self.appeal(body, who=7), 409)

    def test_after_thirty_days_it_is_too_late(self):
        body = self.rejected(who=8)
        self.addCleanup(self.daemon.set_clock, 0)
        self.daemon.set_clock(30 * 86400 + 60)
        self.assert_problem(self.appeal(body, who=8), 409)
        self.daemon.set_clock(30 * 86400 - 60)
        self.assertEqual(self.appeal(body, who=8).status, 200)

    def test_what_is_refused_uses_nothing_up(self):
        body = self.rejected(who=9)
        answer = self.appeal(body, who=9, challenge="chl_" + "0" * 26,
                             frames=photos.frames(9, ["left", "up"]))
        self.assert_problem(answer, 422, "field_invalid")
        answer = self.appeal(body, who=9, statement="x" * 401)
        self.assert_problem(answer, 413)
        answer = self.appeal(body, who=9, statement="bell \x07")
        self.assertEqual(self.assert_problem(answer, 422)["field"],
                         "statement")
        answer = self.appeal(body, who=9, statement="x" * 400)
        self.assertEqual(answer.status, 200, repr(answer))

    def test_an_appeal_is_audited_and_its_words_are_sealed(self):
        body = self.rejected(who=10)
        self.assertEqual(self.appeal(body, who=10,
                                     statement="CANARY-words").status, 200)
        self.assert_problem(self.decide(self.one, body["id"], "approve"), 403)
        self.daemon.stop()
        rows = self.daemon.sql("SELECT event, actor, outcome FROM audit WHERE "
                               "subject = ? ORDER BY seq", body["id"])
        self.assertIn("enrolment_appealed", [r[0] for r in rows])
        self.assertEqual(rows[-1],
                         ("decision_refused", self.ids[0], "forbidden"))
        with open(self.daemon.database, "rb") as stream:
            self.assertNotIn(b"CANARY-words", stream.read())
        self.daemon.start()
        answer = self.two.get("/v1/enrollments/" + body["id"])
        self.assertEqual(answer.json()["statement"], "CANARY-words")

    def test_officers_reasons_are_sealed_for_their_row_and_told(self):
        one, other = (self.in_review(who=who)["id"] for who in (11, 12))
        for enrolment, reason in ((one, "CANARY one"), (other, "CANARY two")):
            answer = self.decide(self.one, enrolment, "reject", reason)
            self.assertEqual(answer.json()["note"], reason)
        answer = self.two.get("/v1/enrollments?state=rejected")
        told = {e["id"]: e.get("note") for e in answer.json()["enrollments"]}
        self.assertEqual((told[one], told[other]), ("CANARY one", "CANARY two"))
        self.daemon.stop()
        with open(self.daemon.database, "rb") as stream:
            self.assertNotIn(b"CANARY", stream.read())
        move = ("UPDATE enrolment SET note_sealed = (SELECT note_sealed FROM "
                "enrolment WHERE id = ?) WHERE id = ?")
        kept = self.daemon.sql("SELECT note_sealed FROM enrolment "
                               "WHERE id = ?", one)[0][0]
        self.change(move, other, one)
        self.daemon.start()
        alone = self.two.get("/v1/enrollments/" + one).json()
        rows = {e["id"]: e for e in self.two.get(
            "/v1/enrollments?state=rejected").json()["enrollments"]}
        for row in (alone, rows[one]):
            self.assertNotIn("note", row)
            self.assertIs(row["note_unreadable"], True)
        self.assertEqual(rows[other]["note"], "CANARY two")
        self.assert_logged("event=words_unreadable id=%s what=note" % one)
        self.assertEqual(self.two.get("/v1/enrollments/" + other).json()[
            "note"], "CANARY two")
        self.daemon.stop()
        self.change("UPDATE enrolment SET note_sealed = ? WHERE id = ?", kept,
                    one)
        self.daemon.start()
        self.assertEqual(self.two.get("/v1/enrollments/" + one).json()["note"],
                         "CANARY one")

    def change(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self.daemon.database)) as db:
            with db:
                db.execute(statement, values)


class ReviewPrivacy(DaemonCase):
    def test_a_list_has_no_personal_data(self):
        person = holder("Qian Canary")
        self.app.enrol(who=50, person=person, selfie_flaw=photos.UNCLEAR)
        answer = self.officer.get("/v1/enrollments?state=review")
        self.assertNotIn(b"Qian Canary", answer.body)
        self.assertNotIn(person["id_number"].encode(), answer.body)


class ReviewList(DaemonCase):
    def test_the_list_is_paged_and_complete(self):
        made = []
        for who in range(5):
            body = self.app.enrol(who=who, selfie_flaw=photos.UNCLEAR)
            made.append(body["id"])
        seen, after, pages = [], "", 0
        while True:
            path = "/v1/enrollments?state=review&limit=2"
            if after:
                path += "&after=" + after
            answer = self.officer.get(path)
            self.assertEqual(answer.status, 200, repr(answer))
            page = answer.json()
            ids = [item["id"] for item in page["enrollments"]]
            self.assertLessEqual(len(ids), 2)
            seen += ids
            pages += 1
            after = page.get("next")
            if after is None:
                break
            self.assertLess(pages, 10)
        self.assertEqual(pages, 3)
        self.assertEqual(sorted(seen), sorted(made))
        self.assertEqual(len(set(seen)), 5)

    def test_wrong_queries_are_refused(self):
        for query in ("?state=unknown", "?state=review&limit=0",
                      "?state=review&limit=51", "?state=review&limit=x",
                      "?state=review&after=" + "x" * 200,
                      "?state=review&colour=red"):
            with self.subTest(query=query):
                answer = self.officer.get("/v1/enrollments" + query)
                self.assert_problem(answer, 422)


if __name__ == "__main__":
    unittest.main()
