"""The officer's desk: the list, the photos, the decision."""

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

    def test_the_app_sees_no_scores_even_in_review(self):
        body = self.in_review()
        seen = self.app.get("/v1/enrollments/" + body["id"])
        self.assertNotIn("scores", seen.json())
        self.assertNotIn(b"similarity", seen.body)

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
        self.assertIn("officer_decision", reason_codes(seen.json()))
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
