"""The whole story on real photos, with the real face engine: the man and his
specimen card, strangers, drawings, and every reason a photo can have."""

import datetime
import time
import unittest

from harness import Case, Daemon, DaemonCase, credential_of, holder, \
    reason_codes
from samples import MAN, OTHER, card, data_of, made, mkphoto, sample
from test_credentials import read_qr

# Frames of a film and web photos look like screens to the liveness network:
# what it thinks of them is tested by itself.
NO_LIVENESS = {"face.liveness_action": "off"}


# What may be done to a photo that is used a second time (mkphoto degrade).
COPIES = {
    "recompressed": "--quality 50",
    "cropped": "--crop 0.8",
    "scaled": "--scale 0.5",
    "mirrored": "--mirror 1",
    "turned": "--rotate 3",
    "brightened": "--bias 40",
    "blurred": "--blur 2",
    "all-at-once": "--crop 0.9 --scale 0.7 --mirror 1 --rotate -3 --blur 1 "
                   "--bias 20 --quality 50",
    "from-a-screen": "--tilt 20 --blur 1.5 --gain 0.8 --bias 20 --noise 4 "
                     "--quality 80",
}


class Story(DaemonCase):
    BINARY = "smartidd-clock"
    SETTINGS = NO_LIVENESS

    def enrol(self, id_photo, selfie, person=None):
        answer = self.app.submit(person or holder(), data_of(id_photo),
                                 data_of(selfie), wait=60)
        self.assertIn(answer.status, (200, 201), repr(answer))
        return answer.json()

    def test_the_mans_specimen_card_and_his_selfie_are_accepted(self):
        person = holder("Specimen Person",
                        id_number="11010519491231002X")
        body = self.enrol(card(MAN[0]), sample(MAN[1]), person)
        self.assertEqual(body["state"], "approved", body)
        credential = credential_of(body)
        code = self.app.code(credential)["code"]
        png = self.app.get("/v1/credentials/%s/code" % credential,
                           {"Accept": "image/png"}).body
        self.assertEqual(read_qr(png, ".png")[0], code)
        answer = self.clerk.verify(code, "household_registration")
        self.assertRegex(answer["holder"].pop("pseudonym"), "^psn_")
        self.assertEqual(answer["holder"], {
            "name": "Specimen Person", "id_number": "11010519491231002X",
            "birth_date": "1949-12-31", "sex": "female", "region": "110105"})
        changed = code[:20] + ("A" if code[20] != "A" else "B") + code[21:]
        self.assertEqual(self.clerk.verify(changed)["reason"], "not_valid")
        # A day later.
        self.daemon.set_clock(86400 + 3600)
        tomorrow = self.app.code(credential)["code"]
        self.assertNotEqual(tomorrow, code)
        self.assertEqual(self.clerk.verify(code)["reason"], "expired")
        self.assertTrue(self.clerk.verify(tomorrow)["valid"])
        self.assertEqual(self.app.revoke(credential).status, 200)
        self.assertEqual(self.clerk.verify(tomorrow)["reason"], "not_valid")

    def test_two_different_people_are_rejected_as_faces_differ(self):
        for other in OTHER:
            body = self.enrol(sample(MAN[0]), sample(other))
            self.assertEqual(body["state"], "rejected", (other, body))
            self.assertEqual(reason_codes(body), ["faces_differ"], other)

    def test_a_card_with_another_face_is_rejected(self):
        body = self.enrol(card(OTHER[0], "other-card.jpg"), sample(MAN[1]))
        self.assertEqual(reason_codes(body), ["faces_differ"], body)

    def test_the_card_is_found_in_all_four_orientations(self):
        for quarter in range(4):
            with self.subTest(quarter=quarter):
                one = card(MAN[0], "card-q%d.jpg" % quarter, quarter=quarter)
                body = self.enrol(one, sample(MAN[1]))
                self.assertEqual(body["state"], "approved", body)

    def test_the_card_is_found_when_it_fills_forty_percent(self):
        for fill in (0.4, 0.9):
            with self.subTest(fill=fill):
                one = card(MAN[0], "card-f%d.jpg" % (fill * 100), fill=fill)
                body = self.enrol(one, sample(MAN[1]))
                self.assertEqual(body["state"], "approved", body)

    # ---- one reason after the other ----------------------------------------
    def reason(self, id_photo, selfie, code, photo):
        body = self.enrol(id_photo, selfie)
        self.assertEqual(body["state"], "rejected", body)
        self.assertIn((code, photo), [(r["code"], r.get("photo"))
                                      for r in body["reasons"]])

    def test_a_table_without_a_card_has_no_face(self):
        self.reason(made("no_face.png"), sample(MAN[1]), "no_face",
                    "id_photo")

    def test_a_mask_has_no_face(self):
        self.reason(sample(MAN[0]), sample("ironman.jpg"), "no_face",
                    "selfie")

    def test_a_drawing_instead_of_a_selfie_is_rejected(self):
        body = self.enrol(sample(MAN[0]), sample("picasso_drawing_crop.jpg"))
        self.assertEqual(body["state"], "rejected", body)
        self.assertNotEqual(body["reasons"], [])

    def test_two_people_in_a_selfie_are_many_faces(self):
        both = mkphoto("two.jpg", "pair", sample(MAN[1]), sample(OTHER[2]),
                       "OUT")
        self.reason(sample(MAN[0]), both, "many_faces", "selfie")

    def only_reason(self, id_photo, selfie, code):
        body = self.enrol(id_photo, selfie)
        self.assertEqual(body["state"], "rejected", body)
        self.assertEqual([(r["code"], r.get("photo"))
                          for r in body["reasons"]], [(code, "selfie")])

    def test_a_face_far_away_is_too_small(self):
        # As a portrait on the wall behind would be: 48 pixels wide.
        far = card(MAN[2], "far.jpg", size="640x480", fill=0.5, turn=0,
                   blur=0)
        self.only_reason(sample(MAN[0]), far, "face_too_small")

    def test_a_thumbnail_is_too_small(self):
        tiny = mkphoto("tiny.jpg", "scale", sample(MAN[1]), "OUT",
                       "--size", "160x120")
        self.only_reason(sample(MAN[0]), tiny, "image_too_small")

    def test_a_shaken_selfie_is_too_blurred(self):
        self.reason(sample(MAN[0]),
                    mkphoto("blurred.jpg", "degrade", sample(MAN[1]), "OUT",
                            "--blur", "9"), "too_blurred", "selfie")

    def test_a_selfie_in_the_dark_is_too_dark(self):
        self.reason(sample(MAN[0]),
                    mkphoto("dark.jpg", "degrade", sample(MAN[1]), "OUT",
                            "--gain", "0.15"), "too_dark", "selfie")

    def test_a_selfie_in_the_glare_is_too_bright(self):
        self.reason(sample(MAN[0]),
                    mkphoto("bright.jpg", "degrade", sample(MAN[1]), "OUT",
                            "--gain", "1", "--bias", "145"),
                    "too_bright", "selfie")

    def test_the_same_file_twice_is_no_selfie(self):
        body = self.enrol(sample(MAN[0]), sample(MAN[0]))
        self.assertEqual(reason_codes(body), ["same_file"], body)

    def goes_to_review_as_a_copy(self, id_photo, selfie):
        body = self.enrol(id_photo, selfie)
        self.assertEqual((body["state"], reason_codes(body)),
                         ("review", ["under_review"]), body)
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["selfie_is_id_photo"], seen)

    def test_a_copy_of_the_id_photo_as_selfie_goes_to_review(self):
        for man in MAN[0], OTHER[0]:
            for name, options in COPIES.items():
                with self.subTest(man=man, copy=name):
                    again = mkphoto("%s-%s.jpg" % (man[:4], name), "degrade",
                                    sample(man), "OUT", *options.split())
                    self.goes_to_review_as_a_copy(sample(man), again)

    def test_the_photo_that_is_on_the_card_as_selfie_goes_to_review(self):
        self.goes_to_review_as_a_copy(card(MAN[0]), sample(MAN[0]))
        self.goes_to_review_as_a_copy(
            card(MAN[0]), mkphoto("card-mirror.jpg", "degrade",
                                  sample(MAN[0]), "OUT", "--mirror", "1"))

    def test_another_photo_of_the_same_film_is_no_copy(self):
        for i, one in enumerate(MAN):
            for other in MAN[i + 1:]:
                with self.subTest(one=one, other=other):
                    body = self.enrol(sample(one), sample(other))
                    self.assertEqual(body["state"], "approved", body)

    def test_an_exif_orientation_is_honoured(self):
        """The selfie lies on its side, but its file says so."""
        turned = mkphoto("turned.jpg", "degrade", sample(MAN[1]), "OUT",
                         "--rotate", "90")
        plain = self.enrol(sample(MAN[0]), turned)
        del plain
        data = data_of(turned)
        for orientation in (6, 8):
            exif = (b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0"
                    b"\x01\0" + bytes([orientation]) + b"\0\0\0\0\0\0")
            marked = data[:2] + b"\xff\xe1" + \
                (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
            answer = self.app.submit(holder(), data_of(sample(MAN[0])),
                                     marked, wait=60)
            if answer.json()["state"] == "approved":
                return
        self.fail("neither orientation turned the selfie upright")


class Liveness(DaemonCase):
    BINARY = "smartidd"
    SETTINGS = {"face.liveness_review": "0.9999"}

    def test_a_selfie_below_the_liveness_limit_goes_to_review(self):
        answer = self.app.submit(holder(), data_of(sample(MAN[0])),
                                 data_of(sample(MAN[1])), wait=60)
        body = answer.json()
        self.assertEqual(body["state"], "review", body)
        self.assertEqual(reason_codes(body), ["under_review"])
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["selfie_not_live"])
        self.assertGreater(seen["scores"]["similarity"], 0.5)
        photo = self.officer.get("/v1/enrollments/%s/photos/id_photo" %
                                 body["id"])
        self.assertEqual(photo.body, data_of(sample(MAN[0])))
        self.assertEqual(photo.header("content-type"), "image/jpeg")


class ReleaseClock(Case):
    def test_the_clock_of_a_release_build_cannot_be_shifted(self):
        daemon = Daemon("smartidd")
        self.addCleanup(daemon.close)
        daemon.env["SMARTIDD_TEST_CLOCK"] = daemon.clock_file
        clerk = daemon.api(daemon.add_client("clerk"))
        daemon.start()
        self.assertFalse(daemon.request("GET", "/version").json()
                         ["test_clock"])
        self.assertNotIn("test_clock", daemon.log.text())
        for shift in (0, 86400, -86400, 10 ** 9):
            daemon.set_clock(shift)
            at = datetime.datetime.fromisoformat(
                clerk.verify("SID1:")["checked_at"].replace("Z", "+00:00"))
            self.assertLess(abs(at.timestamp() - time.time()), 60)


if __name__ == "__main__":
    unittest.main()
