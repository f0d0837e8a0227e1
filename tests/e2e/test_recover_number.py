"""A lost phone, by who does not know the credential: the ID number and a fresh
selfie. Nothing that is answered tells whether somebody with that number is
here."""

import json
import unittest

import photos
from front import Front
from harness import DaemonCase, holder
from http_raw import multipart


class ByNumber(DaemonCase):
    def ask(self, number, selfie, client=None, challenge=None, frames=()):
        parts = [("id_number", None, number.encode())]
        if challenge is not None:
            parts.append(("challenge_id", None, challenge.encode()))
        if selfie is not None:
            parts.append(("selfie", "image/png", selfie, "s.png"))
        for i, frame in enumerate(frames):
            parts.append(("frame_%d" % (i + 1), "image/png", frame, "f.png"))
        kind, body = multipart(parts)
        client = client or self.app
        return self.daemon.request(
            "POST", "/v1/recoveries", client.headers({"Content-Type": kind}),
            body, timeout=90)

    def person(self, who, client=None):
        one = holder()
        enrolment = (client or self.app).enrol(who=who, person=one)
        self.assertEqual(enrolment["state"], "approved")
        return one["id_number"], enrolment

    def stranger(self):
        return holder()["id_number"]

    def assert_unknown(self, answer):
        """The same bytes for everybody but the request's id."""
        self.assertEqual(answer.status, 200, answer)
        told = answer.json()
        self.assertFalse(told["recovered"])
        self.assertEqual(set(told), {"recovered", "reasons"})
        self.assertEqual([r["code"] for r in told["reasons"]],
                         ["not_recognised"])
        left_out = ("date", "x-request-id")
        return answer.body, [h for h in answer.headers
                             if h[0] not in left_out]

    def rows(self, event):
        out = self.daemon.ctl("audit", "export", "--event", event).stdout
        return [json.loads(line) for line in out.splitlines()]

    def test_a_fresh_selfie_gives_a_new_secret(self):
        number, enrolment = self.person(1)
        old = self.daemon.api(enrolment["holder_secret"])
        answer = self.ask(number, photos.photo(1))
        self.assertEqual(answer.status, 200, answer)
        told = answer.json()
        self.assertTrue(told["recovered"])
        self.assertEqual(told["credential"]["id"], enrolment["credential_id"])
        self.assertEqual(told["credential"]["enrollment_id"], enrolment["id"])
        new = self.daemon.api(told["holder_secret"])
        where = "/v1/credentials/" + enrolment["credential_id"]
        self.assertEqual(new.get(where).status, 200)
        self.assert_problem(old.get(where), 404)

    def test_the_number_may_be_typed_as_people_do(self):
        number, _ = self.person(2)
        spaced = " %s %s %s " % (number[:6], number[6:14],
                                 number[14:].lower())
        self.assertTrue(self.ask(spaced, photos.photo(2)).json()["recovered"])

    def test_a_stranger_and_a_wrong_face_are_told_the_same(self):
        number, _ = self.person(3)
        wrong = self.assert_unknown(self.ask(number, photos.photo(4)))
        nobody = self.assert_unknown(self.ask(self.stranger(),
                                              photos.photo(4)))
        self.assertEqual(wrong, nobody)

    def test_a_bad_photo_is_told_to_both(self):
        number, _ = self.person(5)
        for one in (number, self.stranger()):
            answer = self.ask(one, photos.photo(5, photos.BLURRED))
            self.assertEqual(answer.status, 200)
            self.assertEqual([r["code"] for r in answer.json()["reasons"]],
                             ["too_blurred"])
            self.assertEqual(set(answer.json()), {"recovered", "reasons"})

    def test_after_three_failures_nobody_is_recognised_and_it_is_not_told(self):
        number, enrolment = self.person(6)
        first = self.assert_unknown(self.ask(number, photos.photo(7)))
        for _ in range(4):
            again = self.assert_unknown(self.ask(number, photos.photo(7)))
            self.assertEqual(first, again)
        # Not even with the right face: an officer can.
        self.assertEqual(self.assert_unknown(self.ask(number,
                                                      photos.photo(6))), first)
        why = [r["detail"] for r in self.rows("recovery_refused")
               if r["subject"] == enrolment["credential_id"]]
        self.assertIn("failures", why)
        self.assert_problem(self.app.recover(enrolment["credential_id"],
                                             photos.photo(6)),
                            409, "recovery_locked")

    def test_what_ended_is_not_told_either(self):
        number, enrolment = self.person(8)
        first = self.assert_unknown(self.ask(self.stranger(),
                                             photos.photo(8)))
        self.app.revoke(enrolment["credential_id"])
        self.assertEqual(self.assert_unknown(self.ask(number,
                                                      photos.photo(8))), first)

    def test_somebody_elses_people_are_nobody(self):
        other = self.daemon.api(self.daemon.add_client("app", "other app"))
        number, _ = self.person(9, other)
        first = self.assert_unknown(self.ask(self.stranger(),
                                             photos.photo(9)))
        self.assertEqual(self.assert_unknown(self.ask(number,
                                                      photos.photo(9))), first)
        self.assertTrue(self.ask(number, photos.photo(9),
                                 other).json()["recovered"])

    def test_a_suspended_one_is_recovered_and_stays_suspended(self):
        number, enrolment = self.person(10)
        self.app.change(enrolment["credential_id"], "suspend")
        told = self.ask(number, photos.photo(10)).json()
        self.assertTrue(told["recovered"])
        self.assertEqual(told["credential"]["state"], "suspended")

    def test_a_challenge_is_judged_alike_for_both(self):
        number, _ = self.person(11)
        for one in (number, self.stranger()):
            answer = self.ask(one, photos.photo(11),
                              challenge="chl_" + "0" * 26,
                              frames=[photos.photo(11)] * 2)
            self.assert_problem(answer, 422, "field_invalid")
            self.assertEqual(answer.json()["field"], "challenge_id")
        # One challenge is good for one attempt, whoever it was for.
        made = self.app.challenge()
        frames = photos.frames(12, made["steps"])
        self.assert_unknown(self.ask(self.stranger(), photos.photo(12),
                                     challenge=made["id"], frames=frames))
        self.assert_problem(
            self.ask(number, photos.photo(11), challenge=made["id"],
                     frames=frames), 422, "field_invalid")

    def test_what_cannot_be_is_refused(self):
        answer = self.ask("110101199001011234", photos.photo(1))
        self.assert_problem(answer, 422, "field_invalid")
        self.assertEqual(answer.json()["field"], "id_number")
        self.assertNotIn("110101199001011234", answer.body.decode())
        self.assert_problem(self.ask(self.stranger(), None), 422,
                            "field_missing")
        kind, body = multipart([("selfie", "image/png", photos.photo(1),
                                 "s.png")])
        answer = self.daemon.request(
            "POST", "/v1/recoveries",
            self.app.headers({"Content-Type": kind}), body)
        self.assert_problem(answer, 422, "field_missing")
        self.assertEqual(answer.json()["field"], "id_number")
        kind, body = multipart([
            ("id_number", None, self.stranger().encode()),
            ("id_photo", "image/png", photos.photo(1), "i.png"),
            ("selfie", "image/png", photos.photo(1), "s.png")])
        answer = self.daemon.request(
            "POST", "/v1/recoveries",
            self.app.headers({"Content-Type": kind}), body)
        self.assert_problem(answer, 422, "field_unknown")

    def test_nginx_lets_photos_through(self):
        front = Front(self.daemon)
        self.addCleanup(front.close)
        kind, body = multipart([
            ("id_number", None, self.stranger().encode()),
            ("selfie", "image/jpeg", b"\xff" * 200000, "s.jpg")])
        with front.connect() as connection:
            answer = connection.request(
                "POST", "/v1/recoveries",
                self.app.headers({"Content-Type": kind}), body)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json()["reasons"][0]["code"],
                         "image_unreadable")

    def test_the_log_names_nobody_by_number(self):
        number = self.stranger()
        self.ask(number, photos.photo(1))
        self.assertNotIn(number, self.daemon.log.text())
        self.assertNotIn(number, self.daemon.ctl("audit", "export").stdout)


if __name__ == "__main__":
    unittest.main()
