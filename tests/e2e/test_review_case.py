"""What an officer is shown of one case beside the photos: the faces as they
were compared, the bands that the scores lie in, what else the number has sent.
"""

import photos
from harness import DaemonCase, form, holder, multipart, reason_codes

CASE = "/v1/enrollments/%s"
FACE = "/v1/enrollments/%s/photos/%s"


class Case(DaemonCase):
    SETTINGS = {"face.match_accept": "0.55", "face.match_review": "0.4",
                "challenge.match_accept_without": "0.65",
                "face.liveness_review": "0.2"}

    def in_review(self, who=1, person=None):
        body = self.app.enrol(who=who, person=person,
                              selfie_flaw=photos.UNCLEAR)
        self.assertEqual(body["state"], "review", body)
        return body

    def decide(self, case, decision):
        answer = self.officer.post(CASE % case + "/decision",
                                   {"decision": decision, "reason": "seen"})
        self.assertEqual(answer.status, 200, repr(answer))

    def test_the_two_faces_are_squares_of_equal_size_and_go_with_the_case(self):
        case = self.in_review()["id"]
        self.assertEqual(
            self.officer.get(CASE % case).json()["photos"],
            ["id_photo", "selfie", "id_face", "selfie_face"])
        seen = []
        for kind in ("id_face", "selfie_face"):
            answer = self.officer.get(FACE % (case, kind))
            self.assertEqual(answer.status, 200, repr(answer))
            self.assertEqual(answer.header("content-type"), "image/jpeg")
            self.assertEqual(answer.header("cache-control"), "no-store")
            self.assertIn(b"\x00\x70\x00\x70", answer.body)  # 112 x 112
            seen.append(answer.body)
        self.assertNotEqual(*seen)
        self.decide(case, "approve")
        for kind in ("id_face", "selfie_face"):
            self.assert_problem(self.officer.get(FACE % (case, kind)), 404,
                                "not_found")

    def test_nobody_else_sees_a_face_and_nobody_can_send_one(self):
        body = self.in_review(who=2)
        for api in (self.app, self.clerk, self.admin,
                    self.daemon.api(body["holder_secret"])):
            self.assert_problem(
                api.get(FACE % (body["id"], "selfie_face")), 403, "forbidden")
        parts = form(holder(), photos.photo(3), photos.photo(3))
        parts.append(("selfie_face", "image/png", photos.photo(3), "a.png"))
        kind, body = multipart(parts)
        self.assert_problem(self.daemon.request(
            "POST", "/v1/enrollments",
            self.app.headers({"Content-Type": kind}), body), 422,
            "field_unknown")

    def test_a_look_at_a_face_is_written_down(self):
        case = self.in_review(who=3)["id"]
        self.officer.get(FACE % (case, "id_face"))
        rows = self.admin.get("/v1/audit?event=photo_viewed&subject=" +
                              case).json()["rows"]
        self.assertEqual([row["detail"] for row in rows],
                         [{"photo": "id_face"}])

    def test_a_photo_without_a_face_has_no_face_to_show(self):
        body = self.app.enrol(who=4, selfie_flaw=photos.NO_FACE)
        self.assertEqual(body["state"], "rejected")
        answer = self.app.appeal(body["id"], photos.photo(4),
                                 photos.photo(4, photos.NO_FACE))
        self.assertIn(answer.status, (200, 202), repr(answer))
        self.assertEqual(self.app.settled(body["id"])["state"], "review")
        self.assertEqual(
            self.officer.get(CASE % body["id"]).json()["photos"],
            ["id_photo", "selfie", "id_face"])
        self.assertEqual(
            self.officer.get(FACE % (body["id"], "id_face")).status, 200)
        self.assert_problem(
            self.officer.get(FACE % (body["id"], "selfie_face")), 404,
            "not_found")

    def test_the_bands_are_those_of_this_daemon(self):
        case = self.in_review(who=5)["id"]
        seen = self.officer.get(CASE % case).json()
        self.assertEqual(seen["bands"], {
            "similarity": {"review": 0.4, "accept": 0.65},
            "liveness": {"accept": 0.2}})
        for api in (self.app,):
            self.assertNotIn("bands", api.get(CASE % case).json())
        self.decide(case, "reject")
        self.assertNotIn("bands", self.officer.get(CASE % case).json())

    def test_what_the_number_has_sent_before_is_told_to_the_officer(self):
        person = holder("Qian Example")
        blurred = self.app.enrol(who=6, person=person,
                                 selfie_flaw=photos.BLURRED)
        self.app.enrol(who=7)
        body = self.in_review(who=6, person=person)
        seen = self.officer.get(CASE % body["id"]).json()
        self.assertEqual([(one["id"], one["state"], reason_codes(one))
                          for one in seen["earlier"]],
                         [(blurred["id"], "rejected", ["too_blurred"])])
        self.assertEqual(seen["earlier"][0]["created_at"],
                         blurred["created_at"])
        for api in (self.app, self.daemon.api(body["holder_secret"])):
            self.assertNotIn("earlier",
                             api.get(CASE % body["id"]).json())

    def test_somebody_erased_is_not_among_what_was_sent_before(self):
        person = holder("Sun Example")
        first = self.app.enrol(who=8, person=person, selfie_flaw=photos.DARK)
        self.assertEqual(
            self.officer.delete(CASE % first["id"]).status, 204)
        case = self.in_review(who=8, person=person)["id"]
        self.assertEqual(self.officer.get(CASE % case).json()["earlier"], [])
