"""The active challenge: made, answered once, judged; what it does to the
decision and to the credential's assurance; attempts per day."""

import datetime
import unittest

import photos
from harness import DaemonCase, credential_of, holder, reason_codes

DAY_S = 86400


def flaw_for(step):
    return photos.TURNS[step]


class Base(DaemonCase):
    def enrol(self, who=1, person=None, challenge=None, frames=None,
              selfie=None, **options):
        """Answers a challenge; frames default to those it asks for."""
        challenge = challenge or self.app.challenge()
        if frames is None:
            frames = photos.frames(who, challenge["steps"])
        return self.app.submit(person or holder(), photos.photo(who),
                               selfie or photos.photo(who), wait=30,
                               challenge=challenge["id"], frames=frames,
                               **options)

    def audit(self, *columns):
        """Stops the daemon and reads the audit log."""
        self.daemon.stop()
        rows = self.daemon.sql("SELECT %s FROM audit ORDER BY seq" %
                               ", ".join(columns))
        self.daemon.start()
        return rows


class Challenge(Base):
    def test_a_challenge_has_two_or_three_turns_and_an_end(self):
        for asked, count in ((None, 2), (2, 2), (3, 3)):
            for _ in range(6):
                body = self.app.challenge(asked)
                self.assertRegex(body["id"], r"^chl_[0-9a-z]{26}$")
                self.assertEqual(len(body["steps"]), count)
                for step in body["steps"]:
                    self.assertIn(step, photos.TURNS)
                self.assertEqual(len(set(body["steps"])), count)
                left_s = (datetime.datetime.fromisoformat(
                    body["expires_at"].replace("Z", "+00:00")).timestamp() -
                    self.daemon.now())
                self.assertTrue(110 < left_s <= 121, left_s)

    def test_other_bodies_are_refused(self):
        for bad in ({"steps": 1}, {"steps": 4}, {"steps": "2"},
                    {"steps": 2.0}, {"steps": None}):
            answer = self.app.post("/v1/challenges", bad)
            document = self.assert_problem(answer, 422, "field_invalid")
            self.assertEqual(document["field"], "steps")
        self.assert_problem(self.app.post("/v1/challenges", {"turns": 2}),
                            422, "field_unknown")
        self.assert_problem(self.app.post("/v1/challenges", b"[]"), 400)

    def test_only_apps_make_challenges(self):
        for api in (self.clerk, self.officer, self.admin):
            self.assert_problem(api.post("/v1/challenges", {}), 403)
        self.assert_problem(self.nobody.post("/v1/challenges", {}), 401)

    def test_a_challenge_that_passes_makes_the_credential_remote_live(self):
        for steps in (2, 3):
            answer = self.enrol(who=2, challenge=self.app.challenge(steps))
            self.assertEqual(answer.status, 201, repr(answer))
            credential = credential_of(answer.json())
            seen = self.app.get("/v1/credentials/" + credential).json()
            self.assertEqual(seen["assurance"], "remote_live")
            code = self.app.code(credential)["code"]
            self.assertEqual(self.clerk.verify(code)["credential"]
                             ["assurance"], "remote_live")

    def test_without_one_the_credential_is_remote(self):
        _, credential = self.approved(who=2)
        seen = self.app.get("/v1/credentials/" + credential).json()
        self.assertEqual(seen["assurance"], "remote")

    # ---- refused before anything is stored ---------------------------------
    def refused(self, answer, field, code="field_invalid"):
        document = self.assert_problem(answer, 422, code)
        self.assertEqual(document["field"], field)

    def test_an_unknown_challenge_is_refused(self):
        for id_text in ("chl_" + "0" * 26, "chl_x", "enr_" + "0" * 26, "x"):
            self.refused(self.enrol(challenge={"id": id_text,
                                               "steps": ["left", "up"]}),
                         "challenge_id")

    def test_a_challenge_is_used_once(self):
        challenge = self.app.challenge()
        self.assertEqual(self.enrol(challenge=challenge).status, 201)
        self.refused(self.enrol(challenge=challenge), "challenge_id")

    def test_a_challenge_belongs_to_the_app_that_made_it(self):
        made = self.admin.post("/v1/clients",
                               {"name": "other app", "role": "app"}).json()
        other = self.daemon.api(made["key"])
        self.refused(self.enrol(challenge=other.challenge()), "challenge_id")

    def test_a_challenge_expires(self):
        self.addCleanup(self.daemon.set_clock, 0)
        challenge = self.app.challenge()
        self.daemon.set_clock(60)
        self.assertEqual(self.enrol(challenge=challenge).status, 201)
        challenge = self.app.challenge()
        self.daemon.set_clock(60 + 121)
        self.refused(self.enrol(challenge=challenge), "challenge_id")

    def test_the_frames_are_as_many_as_the_steps(self):
        three = photos.frames(1, ["left", "up", "left"])
        challenge = self.app.challenge(2)
        self.refused(self.enrol(challenge=challenge, frames=three),
                     "frame_3")
        self.refused(self.enrol(challenge=challenge, frames=three[:1]),
                     "frame_2", "field_missing")
        self.refused(self.enrol(challenge=challenge, frames=[]),
                     "frame_1", "field_missing")
        # The challenge is still good.
        self.assertEqual(self.enrol(challenge=challenge).status, 201)
        answer = self.app.submit(holder(), photos.photo(1), photos.photo(1),
                                 frames=three[:2])
        self.refused(answer, "challenge_id", "field_missing")

    def test_a_frame_has_a_quarter_of_a_photos_bytes(self):
        challenge = self.app.challenge()
        frames = photos.frames(1, challenge["steps"])
        frames[1] += b"\0" * (2 << 20)
        document = self.assert_problem(
            self.enrol(challenge=challenge, frames=frames), 413)
        self.assertIn("2097152 bytes", document["detail"])

    def test_a_retry_gets_the_first_answer_and_other_frames_do_not(self):
        challenge = self.app.challenge()
        person, card, selfie = holder(), photos.photo(3), photos.photo(3)
        frames = photos.frames(3, challenge["steps"])

        def send(frames):
            return self.app.submit(person, card, selfie, wait=30,
                                   idempotency='"chl-retry"',
                                   challenge=challenge["id"], frames=frames)
        first = send(frames)
        self.assertEqual(first.status, 201, repr(first))
        again = send(frames)
        self.assertEqual(again.status, 201, repr(again))
        self.assertEqual(again.header("idempotent-replayed"), "true")
        self.assertEqual(again.json()["id"], first.json()["id"])
        self.assert_problem(send(frames[::-1]), 422, "idempotency_mismatch")

    # ---- quality: told, and the frame is named ------------------------------
    def told(self, answer, code, photo):
        self.assertEqual(answer.status, 200, repr(answer))
        body = answer.json()
        self.assertEqual(body["state"], "rejected", body)
        found = [r for r in body["reasons"] if r["code"] == code]
        self.assertEqual([r["photo"] for r in found], [photo], body)
        self.assertTrue(found[0]["retryable"])
        self.assertNotIn("class", found[0])
        return found[0]

    def test_a_frame_without_a_usable_face_is_told(self):
        for flaw, code in ((photos.NO_FACE, "no_face"),
                           (photos.BLURRED, "too_blurred"),
                           (photos.TOO_SMALL, "face_too_small"),
                           (photos.MANY, "many_faces")):
            challenge = self.app.challenge()
            frames = photos.frames(4, challenge["steps"])
            frames[1] = photos.photo(4, flaw)
            self.told(self.enrol(who=4, challenge=challenge, frames=frames),
                      code, "frame_2")

    def test_a_head_that_has_not_turned_is_told(self):
        challenge = self.app.challenge()
        frames = photos.frames(5, challenge["steps"])
        frames[0] = photos.photo(5)
        reason = self.told(self.enrol(who=5, challenge=challenge,
                                      frames=frames),
                           "not_turned", "frame_1")
        self.assertIn("first frame", reason["message"])

    def test_a_head_that_turned_to_another_side_is_told(self):
        challenge = self.app.challenge()
        other = {"left": "right", "right": "left", "up": "down",
                 "down": "up"}
        frames = photos.frames(5, [other[s] for s in challenge["steps"]])
        answer = self.enrol(who=5, challenge=challenge, frames=frames)
        self.assertEqual(reason_codes(answer.json()), ["not_turned"] * 2)

    def test_a_head_turned_too_far_is_told(self):
        challenge = self.app.challenge()
        frames = photos.frames(5, challenge["steps"])
        frames[1] = photos.photo(5, photos.TURNED)
        answer = self.enrol(who=5, challenge=challenge, frames=frames)
        self.assertIn("turned_too_far", reason_codes(answer.json()))

    # ---- fraud: an officer sees it, the app does not -------------------------
    def failed(self, answer):
        body = answer.json()
        self.assertEqual(body["state"], "review", body)
        self.assertEqual(reason_codes(body), ["under_review"])
        self.assertNotIn(b"challenge_failed", answer.body)
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["challenge_failed"])
        self.assertEqual(seen["reasons"][0]["class"], "fraud")
        self.assertEqual(seen["challenge"]["outcome"], "failed")
        return body, seen

    def test_a_frame_of_somebody_else_goes_to_an_officer(self):
        challenge = self.app.challenge()
        frames = photos.frames(6, challenge["steps"])
        frames[1] = photos.photo(7, flaw_for(challenge["steps"][1]))
        _, seen = self.failed(self.enrol(who=6, challenge=challenge,
                                         frames=frames))
        self.assertGreater(seen["challenge"]["steps"][0]["similarity"], 0.8)
        self.assertLess(seen["challenge"]["steps"][1]["similarity"], 0.3)

    def test_flat_copies_of_selfie_or_frames_go_to_an_officer(self):
        for same in ("selfie", "frames"):
            challenge = self.app.challenge()
            first, second = [flaw_for(s) for s in challenge["steps"]]
            frames = [photos.photo(6, first, nonce=201),
                      photos.photo(6, second,
                                   nonce=201 if same == "frames" else 202)]
            selfie = photos.photo(6, nonce=202 if same == "selfie" else 203)
            _, seen = self.failed(self.enrol(who=6, challenge=challenge,
                                             frames=frames, selfie=selfie))
            steps = seen["challenge"]["steps"]
            self.assertGreater(max(s["flatness"] for s in steps), 0.99)

    def test_the_officer_sees_frames_and_angles_until_the_decision(self):
        challenge = self.app.challenge()
        frames = photos.frames(8, challenge["steps"])
        frames[0] = photos.photo(9, flaw_for(challenge["steps"][0]))
        body, seen = self.failed(self.enrol(who=8, challenge=challenge,
                                            frames=frames))
        self.assertEqual([s["turn"] for s in seen["challenge"]["steps"]],
                         challenge["steps"])
        for step in seen["challenge"]["steps"]:
            self.assertEqual(step["turned_deg"], 25)
        base = "/v1/enrollments/%s/photos/" % body["id"]
        for i, frame in enumerate(frames, 1):
            answer = self.officer.get(base + "frame_%d" % i)
            self.assertEqual(answer.status, 200, repr(answer))
            self.assertEqual(answer.body, frame)
        self.assert_problem(self.officer.get(base + "frame_3"), 404)
        answer = self.officer.post("/v1/enrollments/%s/decision" % body["id"],
                                   {"decision": "approve", "reason": "seen"})
        self.assertEqual(answer.status, 200, repr(answer))
        self.assert_problem(self.officer.get(base + "frame_1"), 404)
        # Approved by hand, but not by a challenge.
        credential = credential_of(answer.json())
        self.assertEqual(self.app.get("/v1/credentials/" + credential)
                         .json()["assurance"], "remote")

    def test_an_officers_approval_after_a_passed_challenge_is_remote_live(self):
        challenge = self.app.challenge()
        body = self.enrol(who=9, challenge=challenge,
                          selfie=photos.photo(9, photos.NOT_LIVE)).json()
        self.assertEqual(body["state"], "review", body)
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["selfie_not_live"])
        self.assertEqual(seen["challenge"]["outcome"], "passed")
        answer = self.officer.post("/v1/enrollments/%s/decision" % body["id"],
                                   {"decision": "approve", "reason": "seen"})
        credential = credential_of(answer.json())
        self.assertEqual(self.app.get("/v1/credentials/" + credential)
                         .json()["assurance"], "remote_live")

    def test_strangers_are_told_that_they_are_and_no_more(self):
        """The challenge failed, too: that is for officers and auditors."""
        challenge = self.app.challenge()
        body = self.enrol(who=10, challenge=challenge,
                          frames=photos.frames(10, challenge["steps"]),
                          selfie=photos.photo(11)).json()
        self.assertEqual((body["state"], reason_codes(body)),
                         ("rejected", ["faces_differ"]))
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen),
                         ["faces_differ", "challenge_failed"])


class ChallengeRecords(Base):
    """What remains: rows, sealed frames, the audit log."""

    def test_everything_is_written_down_and_nothing_is_left(self):
        used, spare = self.app.challenge(), self.app.challenge()
        self.assertEqual(self.enrol(challenge=used).status, 201)
        self.assert_problem(self.enrol(challenge=used), 422)
        late = self.app.challenge()
        self.daemon.set_clock(200)
        self.addCleanup(self.daemon.set_clock, 0)
        self.assert_problem(self.enrol(challenge=late), 422)
        rows = self.audit("event", "subject", "outcome", "detail")
        self.assertEqual([r[1] for r in rows if r[0] == "challenge_made"],
                         [used["id"], spare["id"], late["id"]])
        self.assertIn(("challenge_made", used["id"], "made",
                       " ".join(used["steps"])), rows)
        self.assertEqual([r[1:] for r in rows if r[0] == "challenge_refused"],
                         [(used["id"], "field_invalid", "used"),
                          (late["id"], "field_invalid", "expired")])
        decided = [r for r in rows if r[0] == "enrolment_decided"]
        self.assertEqual(len(decided), 1)
        self.assertIn("challenge=passed", decided[0][3])
        received = [r for r in rows if r[0] == "enrolment_received"]
        self.assertEqual([r[3] for r in received], [used["id"]])
        self.daemon.stop()
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM photo"),
                         [(0,)])
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM enrolment"),
                         [(1,)])
        self.daemon.start()


class Preferred(Base):
    """Without a challenge the match must be better (here: unreachable)."""

    SETTINGS = {"challenge.match_accept_without": "0.95"}

    def test_without_a_challenge_it_goes_to_an_officer(self):
        body = self.app.enrol(who=1)
        self.assertEqual(body["state"], "review", body)
        self.assertEqual(reason_codes(body), ["under_review"])
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["challenge_missing"])
        self.assertEqual(seen["reasons"][0]["class"], "other")

    def test_with_one_it_is_approved_by_itself(self):
        self.assertEqual(self.enrol(who=1).status, 201)

    def test_a_selfie_that_does_not_look_alive_goes_to_an_officer(self):
        answer = self.enrol(who=1, selfie=photos.photo(1, photos.NOT_LIVE))
        self.assertEqual(answer.json()["state"], "review")
        self.assertNotIn(b"not_live", answer.body)


class Required(Base):
    SETTINGS = {"challenge.challenge": "required"}

    def test_without_a_challenge_nothing_is_taken(self):
        answer = self.app.submit(holder(), photos.photo(1), photos.photo(1))
        document = self.assert_problem(answer, 422, "challenge_required")
        self.assertEqual(document["field"], "challenge_id")
        self.assertEqual(self.enrol().status, 201)
        self.daemon.stop()
        self.assertEqual(self.daemon.sql("SELECT count(*) FROM enrolment"),
                         [(1,)])
        self.daemon.start()


class Off(Base):
    SETTINGS = {"challenge.challenge": "off",
                "challenge.match_accept_without": "0.99"}

    def test_no_challenge_is_missed_and_one_that_comes_counts(self):
        _, credential = self.approved(who=1)
        self.assertEqual(self.app.get("/v1/credentials/" + credential)
                         .json()["assurance"], "remote")
        credential = credential_of(self.enrol().json())
        self.assertEqual(self.app.get("/v1/credentials/" + credential)
                         .json()["assurance"], "remote_live")


class Attempts(Base):
    SETTINGS = {"limits.attempts_per_day": 3}

    def try_once(self, person, **options):
        return self.app.submit(person, photos.photo(1),
                               photos.photo(1, photos.BLURRED), wait=30,
                               **options)

    def test_one_more_than_allowed_is_refused_until_a_day_has_passed(self):
        person = holder()
        for _ in range(3):
            self.assertEqual(self.try_once(person).status, 200)
        answer = self.try_once(person)
        self.assert_problem(answer, 429, "too_many_attempts")
        wait_s = int(answer.header("retry-after"))
        self.assertTrue(DAY_S - 60 < wait_s <= DAY_S, wait_s)
        # Another person is not hindered, nor is this one a day later.
        self.assertEqual(self.try_once(holder()).status, 200)
        self.addCleanup(self.daemon.set_clock, 0)
        self.daemon.set_clock(wait_s + 1)
        self.assertEqual(self.try_once(person).status, 200)

    def test_erasing_an_enrolment_does_not_give_the_attempt_back(self):
        person = holder()
        for _ in range(3):
            made = self.try_once(person).json()
            own = self.daemon.api(made["holder_secret"])
            self.assertEqual(own.delete("/v1/enrollments/" + made["id"])
                             .status, 204)
        self.assert_problem(self.try_once(person), 429, "too_many_attempts")

    def test_a_replay_is_no_attempt_and_a_refusal_is_audited(self):
        person = holder()
        card, selfie = photos.photo(2), photos.photo(2, photos.BLURRED)

        def send():
            return self.app.submit(person, card, selfie, wait=30,
                                   idempotency='"attempt"')
        first = send()
        for _ in range(4):
            self.assertEqual(send().json()["id"], first.json()["id"])
        for _ in range(2):
            self.assertEqual(self.try_once(person).status, 200)
        self.assert_problem(self.try_once(person), 429)
        self.assertEqual(send().status, 200)
        rows = self.audit("event", "outcome", "detail")
        self.assertIn(("enrolment_refused", "too_many_attempts", ""), rows)


if __name__ == "__main__":
    unittest.main()
