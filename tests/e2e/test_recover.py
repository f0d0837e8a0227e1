"""A lost phone: a fresh selfie, or an officer, gives a new holder secret, and
what the old phone has is dead at once."""

import json
import re
import threading
import unittest

import photos
from harness import DaemonCase, holder, threads
from http_raw import multipart


class Recover(DaemonCase):
    def person(self, who, **more):
        """id of the credential, the old phone's client and its code."""
        enrolment, credential = self.approved(who=who, **more)
        old = self.daemon.api(enrolment["holder_secret"])
        return credential, old, self.app.code(credential)["code"]

    def recovered(self, answer):
        self.assertEqual(answer.status, 200, repr(answer))
        body = answer.json()
        self.assertTrue(body["recovered"], body)
        self.assertRegex(body["holder_secret"], r"^sidh_[0-9a-z]{52}$")
        return self.daemon.api(body["holder_secret"])

    def refused(self, answer, codes, left):
        self.assertEqual(answer.status, 200, repr(answer))
        body = answer.json()
        self.assertFalse(body["recovered"], body)
        self.assertEqual(set(body), {"recovered", "reasons", "tries_left"})
        self.assertEqual([r["code"] for r in body["reasons"]], codes)
        self.assertEqual(body["tries_left"], left)

    def assert_dead(self, credential, old, code):
        for path in ("", "/code"):
            self.assert_problem(
                old.get("/v1/credentials/%s%s" % (credential, path)), 404)
        self.assertEqual(self.clerk.verify(code)["reason"], "not_valid")
        self.assertEqual(self.outcome("verification", credential), "recovered")

    def outcome(self, event, subject):
        out = self.daemon.ctl("audit", "export", "--event", event).stdout
        rows = [line for line in out.splitlines() if subject in line]
        return re.search(r'"outcome": ?"([^"]*)"', rows[-1]).group(1)

    def details(self, event):
        out = self.daemon.ctl("audit", "export", "--event", event).stdout
        return [" ".join("%s=%s" % member for member in
                         json.loads(line)["detail"].items())
                for line in out.splitlines()]


class ByFace(Recover):
    def test_a_fresh_selfie_gives_a_new_secret_and_the_old_phone_is_dead(self):
        credential, old, code = self.person(1)
        answer = self.app.recover(credential, photos.photo(1))
        new = self.recovered(answer)
        self.assertEqual(answer.json()["credential"]["state"], "active")
        self.assertEqual(answer.header("cache-control"), "no-store")
        self.assert_dead(credential, old, code)
        fresh = new.code(credential)["code"]
        self.assertNotEqual(fresh, code)
        self.assertTrue(self.clerk.verify(fresh)["valid"])
        self.assertEqual(self.app.code(credential)["code"], fresh)
        self.assertEqual(self.outcome("credential_recovered", credential),
                         "face")
        # And once more, for the next phone.
        newest = self.recovered(self.app.recover(credential, photos.photo(1)))
        self.assert_problem(new.get("/v1/credentials/" + credential), 404)
        self.assertEqual(newest.get("/v1/credentials/" +
                                    credential).status, 200)

    def test_it_is_so_after_a_restart_and_with_a_new_template_key(self):
        credential, old, code = self.person(2)
        self.daemon.ctl("key", "rotate", "template")
        new = self.recovered(self.app.recover(credential, photos.photo(2)))
        self.daemon.restart()
        self.assert_dead(credential, old, code)
        self.assertTrue(self.clerk.verify(new.code(credential)["code"])
                        ["valid"])

    def test_three_failures_leave_it_to_the_counter(self):
        credential, old, code = self.person(3)
        for left in (2, 1, 0):
            self.refused(self.app.recover(credential, photos.photo(4)),
                         ["not_recognised"], left)
        self.assertEqual(self.details("recovery_failed")[-1],
                         "failures=3 challenge=none reasons=faces_differ")
        for _ in range(2):
            self.assert_problem(self.app.recover(credential, photos.photo(3)),
                                409, "recovery_locked")
        # Nothing has changed for who has the phone.
        self.assertEqual(old.code(credential)["code"], code)
        self.assertTrue(self.clerk.verify(code)["valid"])
        new = self.recovered(self.officer.change(credential, "recover",
                                                 {"reason": "lost"}))
        self.assert_dead(credential, old, code)
        self.assertEqual(self.outcome("credential_recovered", credential),
                         "counter")
        # The counter has lifted the lock.
        self.recovered(self.app.recover(credential, photos.photo(3)))
        self.assert_problem(new.get("/v1/credentials/" + credential), 404)

    def test_many_at_once_are_no_more_tries_than_three(self):
        credential, _, _ = self.person(5)
        answers = []
        threads(8, lambda index: answers.append(
            self.app.recover(credential, photos.photo(6))))
        self.assertEqual(sorted(a.status for a in answers),
                         [200] * 3 + [409] * 5)

    def test_a_photo_that_can_be_mended_is_no_failure(self):
        credential, _, _ = self.person(7)
        for flaw, code in ((photos.BLURRED, "too_blurred"),
                           (photos.NO_FACE, "no_face"),
                           (photos.TURNED, "face_turned_away"),
                           (photos.DARK, "too_dark")):
            self.refused(self.app.recover(credential, photos.photo(7, flaw)),
                         [code], 3)
        self.refused(self.app.recover(credential, b"\x89PNG no photo"),
                     ["image_unreadable"], 3)
        self.recovered(self.app.recover(credential, photos.photo(7)))

    def test_nothing_is_told_but_that_it_was_not_recognised(self):
        for who, selfie, reason in (
                (8, photos.photo(8, photos.UNCLEAR), "faces_unclear"),
                (8, photos.photo(8, photos.NOT_LIVE), "selfie_not_live"),
                (8, photos.photo(9), "faces_differ")):
            credential, _, _ = self.person(who)
            self.refused(self.app.recover(credential, selfie),
                         ["not_recognised"], 2)
            self.assertIn("reasons=" + reason,
                          self.details("recovery_failed")[-1])

    def test_the_photo_of_the_enrolment_is_no_fresh_one(self):
        selfie = photos.photo(10, nonce=77)
        other_file = photos.photo(10, nonce=77, level=9)
        self.assertNotEqual(selfie, other_file)
        answer = self.app.submit(holder(), photos.photo(10), selfie, wait=30)
        credential = answer.json()["credential_id"]
        for left, copy in ((2, selfie), (1, other_file)):
            self.refused(self.app.recover(credential, copy),
                         ["not_recognised"], left)
            self.assertIn("selfie_known", self.details("recovery_failed")[-1])

    def test_a_challenge_is_judged_and_used_once(self):
        credential, _, _ = self.person(11)
        asked = self.app.challenge()
        frames = photos.frames(11, asked["steps"])
        answer = self.app.recover(credential, photos.photo(11),
                                  challenge=asked["id"], frames=frames)
        self.recovered(answer)
        self.assertEqual(self.details("credential_recovered")[-1],
                         "challenge=passed")
        self.assert_problem(
            self.app.recover(credential, photos.photo(11),
                             challenge=asked["id"], frames=frames), 422,
            "field_invalid")
        asked = self.app.challenge()
        selfie = photos.photo(11, nonce=5)
        flat = [photos.photo(11, photos.TURNS[step], nonce=5)
                for step in asked["steps"]]
        self.refused(self.app.recover(credential, selfie,
                                      challenge=asked["id"], frames=flat),
                     ["not_recognised"], 2)
        self.assertIn("challenge_failed", self.details("recovery_failed")[-1])

    def test_parts_that_are_missing_or_too_many_are_named(self):
        credential, _, _ = self.person(12)
        path = "/v1/credentials/%s/recover" % credential
        selfie = ("selfie", "image/png", photos.photo(12), "s.png")
        for parts, code, field in (
                ([("challenge_id", None, b"chl_" + b"0" * 26)],
                 "field_missing", "selfie"),
                ([selfie, ("id_photo", "image/png", photos.photo(12), "i")],
                 "field_unknown", "id_photo"),
                ([selfie, ("holder", None, b"{}")], "field_unknown",
                 "holder")):
            kind, body = multipart(parts)
            answer = self.daemon.request("POST", path, self.app.headers(
                {"Content-Type": kind}), body)
            self.assertEqual(self.assert_problem(answer, 422, code)["field"],
                             field)
        self.assert_problem(self.app.change(credential, "recover",
                                            {"reason": "lost"}), 415,
                            "unsupported_media_type")

    def test_what_has_ended_is_not_recovered_and_what_sleeps_goes_on_sleeping(
            self):
        credential, old, code = self.person(13)
        self.app.change(credential, "suspend")
        answer = self.app.recover(credential, photos.photo(13))
        self.recovered(answer)
        self.assertEqual(answer.json()["credential"]["state"], "suspended")
        self.assert_problem(old.change(credential, "resume"), 404)
        self.app.change(credential, "resume")
        self.assert_dead(credential, old, code)
        self.app.revoke(credential)
        for answer in (self.app.recover(credential, photos.photo(13)),
                       self.officer.change(credential, "recover",
                                           {"reason": "lost"})):
            self.assert_problem(answer, 409, "credential_revoked")

    def test_a_retried_enrolment_does_not_give_the_secret_away(self):
        person, pair = holder(), photos.pair(14)
        first = self.app.submit(person, *pair, wait=30, idempotency="again")
        credential = first.json()["credential_id"]
        again = self.app.submit(person, *pair, wait=30, idempotency="again")
        self.assertEqual(again.json()["holder_secret"],
                         first.json()["holder_secret"])
        self.recovered(self.app.recover(credential, photos.photo(14)))
        self.assert_problem(
            self.app.submit(person, *pair, wait=30, idempotency="again"), 409,
            "conflict")

    def test_an_erased_person_is_not_recovered(self):
        credential, old, code = self.person(15)
        new = self.recovered(self.app.recover(credential, photos.photo(15)))
        enrolment = new.get("/v1/credentials/" +
                            credential).json()["enrollment_id"]
        self.assert_problem(old.delete("/v1/enrollments/" + enrolment), 404)
        self.assertEqual(new.delete("/v1/enrollments/" + enrolment).status,
                         204)
        self.assert_problem(self.app.recover(credential, photos.photo(15)),
                            404)
        self.clerk.verify(code)
        self.assertEqual(self.outcome("verification", credential), "erased")

    def test_what_was_under_way_on_the_old_phone_is_dead_too(self):
        """Requests of the old phone that were let in before the answer, and
        what they were given."""
        credential, old, _ = self.person(16)
        done = threading.Event()
        late, codes = [], set()

        def work(index):
            if index == 0:
                self.recovered(self.app.recover(credential, photos.photo(16)))
                done.set()
                return
            for _ in range(400):
                after = done.is_set()
                answer = old.get("/v1/credentials/%s/code" % credential)
                if answer.status == 200:
                    codes.add(answer.json()["code"])
                    late.extend([answer] if after else [])
                elif after:
                    return
        threads(4, work)
        self.assertEqual(late, [])
        for code in codes:
            self.assertFalse(self.clerk.verify(code)["valid"])

    def test_the_metrics_count_each_outcome(self):
        def counts():
            text = self.daemon.request("GET", "/metrics").body.decode()
            return dict(re.findall(
                r'smartidd_recoveries_total{outcome="(\w+)"} (\d+)', text))
        credential, _, _ = self.person(17)
        before = counts()
        self.app.recover(credential, photos.photo(17, photos.BLURRED))
        for _ in range(4):
            self.app.recover(credential, photos.photo(18))
        self.officer.change(credential, "recover", {"reason": "new_phone"})
        self.app.recover(credential, photos.photo(17))
        self.assertEqual({name: int(n) - int(before[name])
                          for name, n in counts().items()},
                         {"face": 1, "counter": 1, "failed": 3, "retake": 1,
                          "locked": 1})


class ByOfficer(Recover):
    def test_the_reason_is_of_a_list_and_recorded(self):
        credential, _, _ = self.person(1)
        for bad in ({}, {"reason": "he said so"}, {"reason": ""},
                    {"reason": "lost", "selfie": "x"}):
            self.assert_problem(self.officer.change(credential, "recover",
                                                    bad), 422)
        for reason in ("lost", "stolen", "new_phone", "not_recognised"):
            self.recovered(self.officer.change(credential, "recover",
                                               {"reason": reason}))
            self.assertEqual(self.details("credential_recovered")[-1],
                             "reason=" + reason)

    def test_photos_are_not_for_officers(self):
        credential, _, _ = self.person(2)
        self.assert_problem(self.officer.recover(credential, photos.photo(2)),
                            415, "unsupported_media_type")


class Required(Recover):
    SETTINGS = {"challenge.challenge": "required"}

    def test_without_a_challenge_it_is_refused_at_the_door(self):
        asked = self.app.challenge()
        enrolment = self.app.submit(
            holder(), *photos.pair(1), wait=30, challenge=asked["id"],
            frames=photos.frames(1, asked["steps"])).json()
        credential = enrolment["credential_id"]
        self.assert_problem(self.app.recover(credential, photos.photo(1)),
                            422, "challenge_required")
        asked = self.app.challenge()
        answer = self.app.recover(credential, photos.photo(1),
                                  challenge=asked["id"],
                                  frames=photos.frames(1, asked["steps"]))
        self.recovered(answer)
        self.assertEqual(answer.json()["credential"]["assurance"],
                         "remote_live")


if __name__ == "__main__":
    unittest.main()
