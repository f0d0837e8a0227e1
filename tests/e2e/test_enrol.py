"""Taking enrolments in: states, reasons, waiting, retrying."""

import json
import unittest

import photos
from harness import (DaemonCase, SETTLED, credential_of, form, holder,
                     reason_codes, threads)
from http_raw import multipart


class Enrolment(DaemonCase):
    def send(self, id_photo, selfie, person=None, **options):
        options.setdefault("wait", 30)
        return self.app.submit(person or holder(), id_photo, selfie,
                               **options)

    def rejected(self, id_photo, selfie, code, photo, person=None):
        answer = self.send(id_photo, selfie, person)
        self.assertEqual(answer.status, 200, repr(answer))
        body = answer.json()
        self.assertEqual(body["state"], "rejected", body)
        found = [r for r in body["reasons"] if r["code"] == code]
        self.assertEqual(len(found), 1, body)
        self.assertEqual(found[0].get("photo"), photo)
        self.assertGreater(len(found[0]["message"]), 20)
        self.assertIn(found[0]["retryable"], (True, False))
        self.assertIsNone(credential_of(body))
        return found[0]

    # ---- the good way ----------------------------------------------------
    def test_two_photos_of_one_person_are_approved_with_201(self):
        answer = self.send(*photos.pair(1))
        self.assertEqual(answer.status, 201, repr(answer))
        body = answer.json()
        self.assertEqual(body["state"], "approved")
        self.assertEqual(body["reasons"], [])
        self.assertRegex(body["id"], "^enr_[0-9a-z]+$")
        self.assertRegex(credential_of(body), "^crd_[0-9a-z]+$")
        self.assertEqual(answer.header("location"),
                         "/v1/enrollments/" + body["id"])

    def test_without_prefer_the_answer_is_202_with_location_and_retry(self):
        answer = self.send(photos.photo(2), photos.photo(2, photos.SLOW),
                           wait=None)
        self.assertEqual(answer.status, 202, repr(answer))
        body = answer.json()
        self.assertIn(body["state"], ("received", "processing"))
        self.assertEqual(answer.header("location"),
                         "/v1/enrollments/" + body["id"])
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        self.assertIsNone(answer.header("preference-applied"))
        self.assertEqual(self.app.settled(body["id"])["state"], "approved")

    def test_a_wait_that_is_honoured_says_so(self):
        answer = self.send(*photos.pair(3), wait=30)
        self.assertIn("wait", answer.header("preference-applied", ""))

    def test_a_wait_that_runs_out_answers_200_with_the_state_and_goes_on(self):
        # Twelve slow ones on two workers: the last cannot be done in time.
        ids = [self.send(photos.photo(4), photos.photo(4, photos.SLOW),
                         wait=None).json()["id"] for _ in range(12)]
        answer = self.send(photos.photo(4), photos.photo(4, photos.SLOW),
                           wait=1)
        self.assertEqual(answer.status, 200, repr(answer))
        body = answer.json()
        self.assertIn(body["state"], ("received", "processing"))
        self.assertEqual(answer.header("preference-applied"), "wait=1")
        self.assertEqual(answer.header("location"),
                         "/v1/enrollments/" + body["id"])
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        for one in ids + [body["id"]]:
            self.assertEqual(self.app.settled(one)["state"], "approved")

    def test_a_number_that_settles_it_is_answered_200_without_a_wait(self):
        person = holder()
        self.assertEqual(self.app.enrol(who=4, person=person)["state"],
                         "approved")
        bad = person["id_number"][:-1] + \
            ("1" if person["id_number"][-1] != "1" else "2")
        for number, code in ((person["id_number"], "id_number_in_use"),
                             (bad, "id_number_invalid")):
            answer = self.send(*photos.pair(5), wait=None,
                               person=holder(id_number=number))
            self.assertEqual(answer.status, 200, repr(answer))
            self.assertEqual(answer.json()["state"], "rejected")
            self.assertEqual(reason_codes(answer.json()), [code])
            self.assertIsNone(answer.header("retry-after"))

    def test_an_enrolment_can_be_looked_at_again_and_waited_for(self):
        body = self.send(photos.photo(5), photos.photo(5, photos.SLOW),
                         wait=None).json()
        later = self.app.settled(body["id"])
        self.assertEqual(later["state"], "approved")
        again = self.app.get("/v1/enrollments/" + body["id"])
        self.assertEqual(again.status, 200)
        self.assertEqual(again.json(), later)
        self.assertEqual(again.header("cache-control"), "no-store")

    def test_the_holder_secret_is_told_once_and_only_to_the_sender(self):
        body = self.send(*photos.pair(6)).json()
        self.assertRegex(body["holder_secret"], "^sidh_[0-9a-zA-Z]{52}$")
        again = self.app.get("/v1/enrollments/" + body["id"])
        self.assertNotIn("holder_secret", again.json())
        self.assertNotIn(body["holder_secret"].encode(), again.body)

    def test_parts_may_come_in_any_order_and_without_file_names(self):
        person = json.dumps(holder()).encode()
        kind, body = multipart([
            ("selfie", "image/png", photos.photo(7)),
            ("id_photo", "image/png", photos.photo(7)),
            ("holder", None, person)])
        answer = self.daemon.request(
            "POST", "/v1/enrollments",
            self.app.headers({"Content-Type": kind, "Prefer": "wait=30"}),
            body)
        self.assertEqual(answer.status, 201, repr(answer))

    def test_a_name_in_chinese_and_a_phone_are_taken(self):
        person = holder("张三样本", phone="+86 138 0000 0000")
        body = self.app.enrol(who=8, person=person)
        self.assertEqual(body["state"], "approved")
        code = self.app.code(credential_of(body))["code"]
        answer = self.clerk.verify(code, "household_registration")
        self.assertEqual(answer["holder"]["name"], "张三样本")

    def test_an_id_number_with_spaces_and_small_x_is_normalised(self):
        person = holder(id_number=" 110105 19491231 002x ")
        body = self.app.enrol(who=9, person=person)
        self.assertEqual(body["state"], "approved", body)
        code = self.app.code(credential_of(body))["code"]
        answer = self.clerk.verify(code, "bank_account")
        self.assertEqual(answer["holder"]["id_number"], "11010519491231002X")

    # ---- reasons ---------------------------------------------------------
    def test_an_unreadable_photo_is_told_by_its_name(self):
        self.rejected(b"\x89PNG\r\n\x1a\nrubbish", photos.photo(1),
                      "image_unreadable", "id_photo")
        self.rejected(photos.photo(1), b"\xff\xd8\xffrubbish",
                      "image_unreadable", "selfie")

    def test_a_photo_cut_short_is_unreadable(self):
        whole = photos.photo(1)
        self.rejected(photos.photo(1), whole[:len(whole) // 2],
                      "image_unreadable", "selfie")

    def test_a_file_of_another_format_is_unreadable(self):
        self.rejected(photos.photo(1), b"GIF89a" + b"\0" * 64,
                      "image_unreadable", "selfie")

    def test_more_than_24_megapixels_are_too_large(self):
        self.rejected(photos.huge_header(), photos.photo(1),
                      "image_too_large", "id_photo")

    def test_a_thumbnail_is_too_small(self):
        self.rejected(photos.photo(1),
                      photos.photo(1, width=16, height=16),
                      "image_too_small", "selfie")

    def flaw(self, flaw, code):
        self.rejected(photos.photo(1), photos.photo(1, flaw), code, "selfie")

    def test_a_selfie_without_a_face_is_rejected(self):
        self.flaw(photos.NO_FACE, "no_face")

    def test_a_card_without_a_face_is_rejected(self):
        self.rejected(photos.photo(1, photos.NO_FACE), photos.photo(1),
                      "no_face", "id_photo")

    def test_a_selfie_with_many_faces_is_rejected(self):
        self.flaw(photos.MANY, "many_faces")

    def test_a_face_that_is_too_small_is_rejected(self):
        self.flaw(photos.TOO_SMALL, "face_too_small")

    def test_a_blurred_selfie_is_rejected(self):
        self.flaw(photos.BLURRED, "too_blurred")

    def test_a_dark_selfie_is_rejected(self):
        self.flaw(photos.DARK, "too_dark")

    def test_a_bright_selfie_is_rejected(self):
        self.flaw(photos.BRIGHT, "too_bright")

    def test_a_face_turned_away_is_rejected(self):
        self.flaw(photos.TURNED, "face_turned_away")

    def test_the_reasons_of_both_photos_are_told_together(self):
        answer = self.send(photos.photo(1, photos.NO_FACE),
                           photos.photo(1, photos.BLURRED)).json()
        self.assertEqual(
            sorted((r["code"], r["photo"]) for r in answer["reasons"]),
            [("no_face", "id_photo"), ("too_blurred", "selfie")])

    def test_two_different_people_differ(self):
        answer = self.send(photos.photo(10), photos.photo(11))
        body = answer.json()
        self.assertEqual(body["state"], "rejected")
        self.assertEqual(reason_codes(body), ["faces_differ"])

    def test_the_photo_of_the_card_is_no_selfie(self):
        same = photos.photo(11)
        answer = self.send(same, same).json()
        self.assertEqual(answer["state"], "rejected")
        self.assertEqual(reason_codes(answer), ["same_file"])

    def test_a_copy_of_the_card_in_another_file_goes_to_an_officer(self):
        answer = self.send(photos.photo(11, nonce=99),
                           photos.photo(11, nonce=99, width=210)).json()
        self.assertEqual(answer["state"], "review", answer)
        self.assertEqual(reason_codes(answer), ["under_review"])

    def test_a_selfie_that_is_not_live_goes_to_review(self):
        answer = self.send(photos.photo(12),
                           photos.photo(12, photos.NOT_LIVE))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["state"], "review")
        self.assertEqual(reason_codes(answer.json()), ["under_review"])

    def test_an_unclear_match_goes_to_review(self):
        answer = self.send(photos.photo(13), photos.photo(13, photos.UNCLEAR))
        self.assertEqual(answer.json()["state"], "review", answer)
        self.assertEqual(reason_codes(answer.json()), ["under_review"])

    def test_scores_are_not_told_to_an_app(self):
        answer = self.send(photos.photo(13), photos.photo(13, photos.UNCLEAR))
        for word in (b"similarity", b"liveness", b"scores"):
            self.assertNotIn(word, answer.body)

    def test_wrong_numbers_are_rejected_each_with_the_reason(self):
        good = "11010519491231002X"
        for bad in (good[:-1] + "1", "110105194912310020", good[:-1],
                    "11010519490231002X", "110105291231002", "", "no number",
                    "1101051949123100２２X", "000000000000000000"):
            with self.subTest(number=bad):
                person = holder()
                person["id_number"] = bad
                answer = self.send(*photos.pair(1), person=person)
                if not bad:
                    self.assert_problem(answer, 422, "field_invalid")
                    continue
                self.assertEqual(answer.status, 200, repr(answer))
                self.assertEqual(reason_codes(answer.json()),
                                 ["id_number_invalid"])

    def test_a_number_with_a_credential_is_in_use(self):
        person = holder()
        first = self.app.enrol(who=20, person=person)
        self.assertEqual(first["state"], "approved")
        answer = self.send(*photos.pair(20), person=person)
        self.assertEqual(answer.status, 200)
        self.assertEqual(reason_codes(answer.json()), ["id_number_in_use"])
        self.assertFalse(answer.json()["reasons"][0]["retryable"])

    def test_a_number_is_free_again_after_its_credential_is_revoked(self):
        person = holder()
        first = self.app.enrol(who=21, person=person)
        self.assertEqual(self.app.revoke(credential_of(first)).status, 200)
        second = self.app.enrol(who=21, person=person)
        self.assertEqual(second["state"], "approved", second)
        self.assertNotEqual(credential_of(first), credential_of(second))

    def test_a_number_written_differently_is_still_in_use(self):
        number = holder()["id_number"]
        self.app.enrol(who=22, person=holder(id_number=number))
        spaced = number[:6] + " " + number[6:]
        answer = self.send(*photos.pair(22), person=holder(id_number=spaced))
        self.assertEqual(reason_codes(answer.json()), ["id_number_in_use"])

    def test_a_rejected_person_may_try_again(self):
        person = holder()
        first = self.app.enrol(who=23, person=person,
                               selfie_flaw=photos.BLURRED)
        self.assertEqual(first["state"], "rejected")
        self.assertTrue(first["reasons"][0]["retryable"])
        self.assertEqual(self.app.enrol(who=23, person=person)["state"],
                         "approved")

    # ---- idempotency -----------------------------------------------------
    def test_a_retry_returns_the_first_answer_and_the_same_secret(self):
        person, pair = holder(), photos.pair(30)
        first = self.send(*pair, person=person, idempotency='"retry-1"')
        second = self.send(*pair, person=person, idempotency='"retry-1"')
        self.assertEqual(first.status, 201, repr(first))
        self.assertEqual(second.status, first.status, repr(second))
        self.assertEqual(first.json(), second.json())
        self.assertIn("holder_secret", second.json())
        self.assertEqual(first.header("location"), second.header("location"))

    def test_a_key_without_quotes_is_the_same_key(self):
        person, pair = holder(), photos.pair(31)
        first = self.send(*pair, person=person, idempotency="retry-2")
        second = self.send(*pair, person=person, idempotency='"retry-2"')
        self.assertEqual(first.json()["id"], second.json()["id"])

    def test_the_same_key_with_another_payload_is_422(self):
        person, pair = holder(), photos.pair(32)
        self.send(*pair, person=person, idempotency="retry-3")
        other_photo = self.send(pair[0], photos.photo(32), person=person,
                                idempotency="retry-3")
        self.assert_problem(other_photo, 422, "idempotency_mismatch")
        other_name = dict(person, name="Li Example")
        answer = self.send(*pair, person=other_name, idempotency="retry-3")
        self.assert_problem(answer, 422, "idempotency_mismatch")

    def test_two_apps_may_use_the_same_key(self):
        other = self.daemon.api(self.daemon.add_client("app", "second app"))
        first = self.send(*photos.pair(33), idempotency="shared")
        second = other.submit(holder(), *photos.pair(34), wait=30,
                              idempotency="shared")
        self.assertEqual(second.status, 201, repr(second))
        self.assertNotEqual(first.json()["id"], second.json()["id"])

    def test_a_retry_of_a_rejected_enrolment_is_still_rejected(self):
        person = holder()
        pair = photos.photo(35), photos.photo(35, photos.NO_FACE)
        first = self.send(*pair, person=person, idempotency="retry-4")
        second = self.send(*pair, person=person, idempotency="retry-4")
        self.assertEqual(second.json(), first.json())
        self.assertEqual(second.json()["state"], "rejected")

    def test_an_idempotency_key_that_is_too_long_is_refused(self):
        answer = self.send(*photos.pair(36), idempotency="k" * 400)
        self.assertEqual(answer.status, 400, repr(answer))

    def test_a_retry_while_the_first_is_under_way_makes_no_second_one(self):
        for index in range(5):
            person, pair = holder(), photos.pair(index)
            ids = []

            def work(_):
                answer = self.send(*pair, person=person,
                                   idempotency="race-%d" % index)
                self.assertEqual(answer.status, 201, repr(answer))
                ids.append((answer.json()["id"],
                            answer.json()["holder_secret"]))

            threads(8, work)
            self.assertGreaterEqual(len(ids), 1)
            self.assertEqual(len(set(ids)), 1)

    def test_of_sixteen_at_once_with_one_number_one_is_approved(self):
        person = holder()
        states = []

        def work(index):
            body = self.app.enrol(who=index, person=person)
            states.append((body["state"], tuple(reason_codes(body))))

        threads(16, work)
        self.assertEqual(sorted(states), [("approved", ())] +
                         [("rejected", ("id_number_in_use",))] * 15)

    # ---- malformed -------------------------------------------------------
    def post_parts(self, parts):
        kind, body = multipart(parts)
        return self.daemon.request(
            "POST", "/v1/enrollments",
            self.app.headers({"Content-Type": kind, "Prefer": "wait=30"}),
            body)

    def test_each_missing_part_is_named(self):
        parts = form(holder(), *photos.pair(1))
        for index, part in enumerate(parts):
            with self.subTest(missing=part[0]):
                rest = parts[:index] + parts[index + 1:]
                answer = self.post_parts(rest)
                self.assert_problem(answer, 422, "field_missing")
                self.assertIn(part[0].encode(), answer.body)

    def test_an_unknown_part_is_refused(self):
        parts = form(holder(), *photos.pair(1)) + [
            ("extra", "text/plain", b"x")]
        self.assert_problem(self.post_parts(parts), 422, "field_unknown")

    def test_a_part_given_twice_is_refused(self):
        parts = form(holder(), *photos.pair(1))
        answer = self.post_parts(parts + [parts[1]])
        self.assertIn(answer.status, (400, 422), repr(answer))

    def test_each_missing_field_of_the_holder_is_refused(self):
        for field in ("name", "id_number", "consent"):
            with self.subTest(field=field):
                person = holder()
                del person[field]
                answer = self.send(*photos.pair(1), person=person)
                self.assert_problem(answer, 422, "field_missing")
                self.assertIn(field.encode(), answer.body)

    def test_wrong_fields_of_the_holder_are_refused(self):
        for change in ({"name": ""}, {"name": 7}, {"name": "x" * 200},
                       {"name": None}, {"phone": 7}, {"phone": "1" * 60},
                       {"consent": {}}, {"consent": "yes"},
                       {"consent": {"version": "1"}},
                       {"consent": {"version": "1", "given_at": "today"}},
                       {"consent": {"version": "v" * 99,
                                    "given_at": "2026-01-05T08:00:00Z"}},
                       {"id_number": 7}, {"nickname": "x"}):
            with self.subTest(change=change):
                answer = self.send(*photos.pair(1), person=holder(**change))
                self.assert_problem(answer, 422)

    def test_a_name_with_a_line_break_or_a_nul_is_refused(self):
        for name in ("a\nb", "a\u0000b", "a\u001bb"):
            with self.subTest(name=name):
                answer = self.send(*photos.pair(1), person=holder(name))
                self.assertIn(answer.status, (400, 422), repr(answer))

    def test_a_holder_that_is_no_json_is_refused(self):
        for bad in (b"", b"{", b"[]", b"7", b"\xff\xfe", b"null",
                    b'{"name":"a","name":"b"}'):
            with self.subTest(bad=bad):
                parts = form(bad, *photos.pair(1))
                answer = self.post_parts(parts)
                self.assert_problem(answer, 400 if bad else 422)

    def test_an_unknown_enrolment_is_404(self):
        for one in ("enr_0000000000000000000000000000", "enr_x", "x"):
            self.assert_problem(self.app.get("/v1/enrollments/" + one), 404,
                                "not_found")

    def test_every_settled_state_is_a_known_word(self):
        body = self.app.enrol(who=40)
        self.assertIn(body["state"], SETTLED)


class LivenessOff(DaemonCase):
    SETTINGS = {"face.liveness_action": "off"}

    def test_with_off_liveness_is_not_looked_at(self):
        body = self.app.enrol(who=1, selfie_flaw=photos.NOT_LIVE)
        self.assertEqual(body["state"], "approved")


class FullQueue(DaemonCase):
    SETTINGS = {"face.queue_capacity": "2", "face.workers": "1"}

    def test_when_every_place_is_taken_the_next_gets_503_before_its_body(
            self):
        # Two slow ones hold the places; the third only sends its head.
        ids = []
        shed = None
        kind, body = multipart(form(holder(), *photos.pair(1)))
        for _ in range(40):
            for _ in range(3):
                answer = self.app.submit(
                    holder(), photos.photo(1),
                    photos.photo(1, photos.SLOW))
                if answer.status == 202:
                    ids.append(answer.json()["id"])
            with self.daemon.connect() as connection:
                head = self.app.headers({
                    "Content-Type": kind, "Expect": "100-continue",
                    "Content-Length": str(len(body))})
                lines = "".join("%s: %s\r\n" % h for h in head.items())
                connection.send(("POST /v1/enrollments HTTP/1.1\r\n"
                                 "Host: x\r\n" + lines + "\r\n").encode())
                status, headers = connection.head()
                if status == 503:
                    shed = dict(headers)
                    break
        self.assertIsNotNone(shed)
        self.assertIn("retry-after", shed)
        for one in ids:
            self.assertIn(self.app.settled(one)["state"], ("approved",))


if __name__ == "__main__":
    unittest.main()
