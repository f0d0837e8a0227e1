"""The face at the counter: the portrait behind a check, and a photo from the
counter's camera, for the clerk who has made the check and for a few minutes."""

import json
import struct
import unittest

import photos
from harness import DaemonCase, holder, threads
from http_raw import multipart

PURPOSE = "hotel_check_in"  # tells a portrait
PLAIN = "train_ticket"      # does not
WINDOW_S = 300


def consenting(**more):
    return holder(consent={"version": "2026-01", "portrait": True,
                           "given_at": "2026-01-05T08:00:00Z"}, **more)


def jpeg_size(data):
    """Width and height of a baseline JPEG, and the markers before them."""
    at, markers = 2, []
    while at < len(data):
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])
        markers.append(marker)
        if marker == 0xC0:
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            return width, height, markers
        at += 2 + length[0]
    raise AssertionError("no frame")


class Face(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.daemon.api(cls.daemon.add_client("clerk", "other"))
        cls.clock = 0

    def later(self, seconds):
        cls = type(self)
        cls.clock += seconds
        self.daemon.set_clock(cls.clock)

    def person(self, who, **options):
        enrolment, credential = self.approved(
            who=who, person=consenting(), **options)
        return enrolment, credential

    def check(self, credential, purpose=PURPOSE):
        body = self.clerk.verify(self.app.code(credential)["code"], purpose)
        self.assertTrue(body["valid"], body)
        return body

    def face(self, check, photo, clerk=None, parts=None):
        kind, body = multipart(parts or [("photo", "image/png", photo,
                                          "camera.png")])
        clerk = clerk or self.clerk
        return self.daemon.request(
            "POST", "/v1/verifications/%s/face" % check,
            clerk.headers({"Content-Type": kind}), body, timeout=90)

    def rows(self, event, subject):
        out = self.daemon.ctl("audit", "export", "--event", event).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        return [row for row in rows if row["subject"] == subject]

    def metric(self, name):
        for line in self.nobody.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError(name)

    def portraits(self):
        return self.count("portrait")

    def count(self, table):
        self.daemon.stop()
        rows = self.daemon.sql("SELECT count(*) FROM " + table)
        self.daemon.start()
        return rows[0][0]


class Portrait(Face):
    def test_a_check_links_the_portrait_of_who_agreed_to_one(self):
        _, credential = self.person(1)
        check = self.check(credential)
        url = check["holder"]["portrait_url"]
        self.assertEqual(url, "/v1/verifications/%s/portrait" % check["id"])
        before = self.metric("smartidd_portraits_viewed_total")
        answer = self.clerk.get(url)
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertEqual(answer.header("content-type"), "image/jpeg")
        self.assertEqual(answer.header("cache-control"), "no-store")
        width, height, markers = jpeg_size(answer.body)
        self.assertEqual((width, height), (240, 320))
        # No EXIF, no comment: JFIF, tables and the frame.
        self.assertLessEqual(set(markers), {0xE0, 0xDB, 0xC0})
        self.assertLess(len(answer.body), 32768)
        rows = self.rows("portrait_viewed", credential)
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows[0]["actor"], self.daemon.client_id("e2e clerk"))
        self.assertEqual(rows[0]["detail"], {"id": check["id"]})
        self.assertEqual(self.metric("smartidd_portraits_viewed_total"),
                         before + 1)

    def test_without_consent_there_is_none(self):
        for consent in ({}, {"portrait": False}):
            person = holder()
            person["consent"].update(consent)
            _, credential = self.approved(who=2, person=person)
            check = self.check(credential)
            self.assertNotIn("portrait_url", check["holder"])
            self.assert_problem(self.clerk.get(
                "/v1/verifications/%s/portrait" % check["id"]), 404)
        person["consent"]["portrait"] = "yes"
        self.assert_problem(self.app.submit(person, *photos.pair(2)), 422,
                            "field_invalid")

    def test_only_a_purpose_that_tells_it_has_it(self):
        _, credential = self.person(3)
        check = self.check(credential, PLAIN)
        self.assertNotIn("portrait_url", check["holder"])
        self.assert_problem(self.clerk.get(
            "/v1/verifications/%s/portrait" % check["id"]), 404)

    def test_it_is_for_that_key_and_five_minutes(self):
        _, credential = self.person(4)
        url = self.check(credential)["holder"]["portrait_url"]
        unknown = "/v1/verifications/ver_%s/portrait" % ("0" * 26)

        def told(answer):
            document = self.assert_problem(answer, 404, "not_found")
            document.pop("request_id")
            return document
        self.assertEqual(told(self.other.get(url)),
                         told(self.clerk.get(unknown)))
        self.later(WINDOW_S - 5)
        self.assertEqual(self.clerk.get(url).status, 200)
        self.later(10)
        self.assertEqual(told(self.clerk.get(url)),
                         told(self.clerk.get(unknown)))
        for who in (self.app, self.officer, self.admin):
            self.assert_problem(who.get(url), 403)

    def test_a_revocation_or_a_restart_ends_it(self):
        _, credential = self.person(5)
        url = self.check(credential)["holder"]["portrait_url"]
        self.officer.change(credential, "suspend")
        self.assert_problem(self.clerk.get(url), 404)
        self.officer.change(credential, "resume")
        self.assertEqual(self.clerk.get(url).status, 200)
        self.daemon.restart()
        self.assert_problem(self.clerk.get(url), 404)
        # It is kept all the same.
        url = self.check(credential)["holder"]["portrait_url"]
        self.assertEqual(self.clerk.get(url).status, 200)

    def test_of_a_licence_it_ends_with_the_id_that_it_stands_on(self):
        _, base = self.person(9)
        licence = self.app.change(base, "issue", {
            "type": "drivers_licence", "fields": {
                "classes": "C1", "first_issue": "2020-05-17"}}).json()["id"]
        check = self.check(licence)
        url = check["holder"]["portrait_url"]
        self.assertEqual(self.clerk.get(url).status, 200)
        self.officer.change(base, "suspend")
        self.assert_problem(self.clerk.get(url), 404)
        self.assert_problem(self.face(check["id"], photos.photo(9)), 404)

    def test_who_is_in_review_is_not_shown_and_the_rejected_have_none(self):
        stored = self.portraits()
        for decision in ("approve", "reject"):
            enrolment = self.app.enrol(who=6, person=consenting(),
                                       selfie_flaw=photos.UNCLEAR)
            self.assertEqual(enrolment["state"], "review")
            answer = self.officer.post(
                "/v1/enrollments/%s/decision" % enrolment["id"],
                {"decision": decision, "reason": "seen"})
            self.assertEqual(answer.status, 200, repr(answer))
            if decision == "approve":
                url = self.check(answer.json()["credential_id"])["holder"][
                    "portrait_url"]
                self.assertEqual(self.clerk.get(url).status, 200)
        self.assertEqual(self.portraits(), stored + 1)
        rejected = self.app.enrol(who=7, person=consenting(),
                                  id_flaw=photos.BLURRED)
        self.assertEqual(rejected["state"], "rejected")
        self.assertEqual(self.portraits(), stored + 1)

    def test_it_goes_with_the_consent(self):
        enrolment, credential = self.person(8)
        stored = self.portraits()
        url = self.check(credential)["holder"]["portrait_url"]
        me = self.daemon.api(enrolment["holder_secret"])
        self.assertEqual(me.delete(
            "/v1/enrollments/" + enrolment["id"],
            {"reason": "consent_withdrawn"}).status, 204)
        self.assert_problem(self.clerk.get(url), 404)
        self.assertEqual(self.portraits(), stored - 1)


class ByCamera(Face):
    def judged(self, answer, result, band, left):
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertEqual(answer.header("cache-control"), "no-store")
        wanted = {"result": result, "band": band, "tries_left": left}
        if result == "match":
            wanted["assurance"] = "code+face"
        self.assertEqual(answer.json(), wanted)

    def test_the_person_matches_and_somebody_else_does_not(self):
        # Consent to a portrait is not needed, nor a purpose that tells one.
        _, credential = self.approved(who=10)
        check = self.check(credential, PLAIN)["id"]
        names = ["smartidd_face_checks_total{outcome=\"%s\"}" % word
                 for word in ("match", "no_match", "unclear")]
        before = [self.metric(name) for name in names]
        self.judged(self.face(check, photos.photo(10)), "match", "accept", 2)
        self.judged(self.face(check, photos.photo(11)), "no_match", "reject",
                    1)
        self.judged(self.face(check, photos.photo(10, photos.UNCLEAR)),
                    "unclear", "review", 0)
        self.assert_problem(self.face(check, photos.photo(10)), 409,
                            "face_tries_used")
        self.assertEqual([self.metric(name) for name in names],
                         [value + 1 for value in before])
        rows = self.rows("face_checked", credential)
        self.assertEqual([(row["outcome"], row["detail"]["band"])
                          for row in rows],
                         [("match", "accept"), ("no_match", "reject"),
                          ("unclear", "review")])
        self.assertEqual({row["actor"] for row in rows},
                         {self.daemon.client_id("e2e clerk")})
        self.assertNotIn("similarity", json.dumps(rows))
        self.assertEqual(self.count("photo"), 0)
        # The next check has its own tries.
        check = self.check(credential, PLAIN)["id"]
        self.judged(self.face(check, photos.photo(10)), "match", "accept", 2)

    def test_a_photo_of_no_use_takes_no_try(self):
        _, credential = self.approved(who=12)
        check = self.check(credential)["id"]
        for flaw, code in ((photos.BLURRED, "too_blurred"),
                           (photos.NO_FACE, "no_face"),
                           (photos.MANY, "many_faces"),
                           (photos.TURNED, "face_turned_away")):
            answer = self.face(check, photos.photo(12, flaw))
            self.assertEqual(answer.status, 200, repr(answer))
            body = answer.json()
            self.assertEqual(set(body), {"result", "reasons", "tries_left"})
            self.assertEqual((body["result"], body["tries_left"]),
                             ("unclear", 3))
            self.assertEqual([r["code"] for r in body["reasons"]], [code])
            self.assertNotIn("selfie", json.dumps(body))
        self.assertEqual(self.face(check, b"\x89PNG nothing").json()
                         ["reasons"][0]["code"], "image_unreadable")
        self.judged(self.face(check, photos.photo(12)), "match", "accept", 2)

    def test_many_at_once_are_no_more_tries_than_three(self):
        _, credential = self.approved(who=13)
        check = self.check(credential)["id"]
        answers = []
        threads(8, lambda index: answers.append(
            self.face(check, photos.photo(14))))
        self.assertEqual(sorted(a.status for a in answers),
                         [200] * 3 + [409] * 5)

    def test_it_is_for_that_key_and_five_minutes(self):
        _, credential = self.approved(who=15)
        check = self.check(credential)["id"]
        self.assert_problem(self.face(check, photos.photo(15), self.other),
                            404)
        self.assert_problem(self.face("ver_" + "0" * 26, photos.photo(15)),
                            404)
        for who in (self.app, self.officer, self.admin):
            self.assert_problem(self.face(check, photos.photo(15), who), 403)
        self.later(WINDOW_S + 5)
        self.assert_problem(self.face(check, photos.photo(15)), 404)

    def test_it_is_for_who_has_a_face_and_a_credential_that_is_active(self):
        answer = self.officer.post("/v1/counter/enrollments", {
            "holder": holder(), "person_seen": True, "card_seen": True})
        self.assertEqual(answer.status, 201, repr(answer))
        me = self.daemon.api(answer.json()["holder_secret"])
        code = me.code(answer.json()["credential_id"])["code"]
        check = self.clerk.verify(code, PURPOSE)
        self.assertTrue(check["valid"])
        for _ in range(4):
            self.assert_problem(self.face(check["id"], photos.photo(16)), 409,
                                "no_face_kept")
        _, credential = self.approved(who=16)
        check = self.check(credential)["id"]
        self.officer.change(credential, "suspend")
        self.assert_problem(self.face(check, photos.photo(16)), 404)
        refused = self.clerk.verify("SID1:NONSENSE", PURPOSE)
        self.assert_problem(self.face(refused["id"], photos.photo(16)), 404)

    def test_the_body_is_one_photo_and_nothing_else(self):
        _, credential = self.approved(who=17)
        check = self.check(credential)["id"]
        photo = ("photo", "image/png", photos.photo(17), "camera.png")
        for parts, status, code in (
                ([photo, photo], 422, "field_invalid"),
                ([("selfie",) + photo[1:]], 422, "field_unknown"),
                ([photo, ("challenge_id", None, b"chl_x")], 422,
                 "field_unknown"),
                ([("photo", "text/plain", b"x")], 415, None),
                ([("photo", "image/png", b"", "camera.png")], 422,
                 "field_invalid")):
            document = self.assert_problem(
                self.face(check, None, parts=parts), status, code)
            self.assertNotIn("camera.png", json.dumps(document))
        self.judged(self.face(check, photos.photo(17)), "match", "accept", 2)



class Required(Face):
    def test_a_purpose_can_require_the_face(self):
        path = self.daemon.folder + "/purposes"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("[pension]\nattributes = age_over_18\n"
                         "face = required\n"
                         "[train_ticket]\nattributes = name\n")
        with open(self.daemon.config, "a", encoding="utf-8") as stream:
            stream.write("\n[purposes]\npurposes_file = %s\n" % path)
        self.daemon.restart()
        clerk = self.daemon.api(self.daemon.add_client(
            "clerk", "pension", purposes=["pension", "train_ticket"]))
        _, credential = self.approved(who=20)
        code = self.app.code(credential)["code"]
        check = clerk.verify(code, "pension")
        self.assertIs(check["face_required"], True)
        self.assertNotIn("face_required", clerk.verify(code, "train_ticket"))
        self.assertNotIn("face_required",
                         clerk.verify("SID1:NONSENSE", "pension"))
        self.assertEqual(self.face(check["id"], photos.photo(20), clerk)
                         .json()["result"], "match")


if __name__ == "__main__":
    unittest.main()
