"""Challenges with the real face engine: a head that turns is approved, flat
pictures of it are not. Many more of them: tests/unit/photo/test_challenge.c."""

import unittest

from harness import DaemonCase, credential_of, holder, reason_codes
from samples import card, data_of, mkphoto, sample

# The film's man: selfie, and frames in which his head has turned from there.
TURNS = [("franck_02045.jpg", {"right": "franck_04000.jpg",
                               "down": "franck_03979.jpg"}),
         ("franck_01829.jpg", {"left": "franck_03909.jpg",
                               "down": "franck_03979.jpg"})]
# The portrait on his card: another frame, which none of those looks like.
PORTRAIT = "franck_02888.jpg"


class RealChallenge(DaemonCase):
    BINARY = "smartidd-clock"
    # Frames of a film look like a screen to the liveness network.
    SETTINGS = {"face.liveness_action": "off",
                "challenge.match_accept_without": "0.99"}

    def challenge_for(self, *turns):
        """A challenge that the sample frames can answer, with them."""
        for _ in range(200):
            challenge = self.app.challenge()
            for selfie, frames in turns:
                if set(challenge["steps"]) <= set(frames):
                    return challenge, selfie, [frames[s] for s in
                                               challenge["steps"]]
        raise AssertionError("no such challenge in 200")

    def enrol(self, challenge, selfie, frames):
        answer = self.app.submit(
            holder(), data_of(card(PORTRAIT, "challenge-card.jpg")),
            data_of(selfie), wait=60, challenge=challenge["id"],
            frames=[data_of(f) for f in frames])
        self.assertIn(answer.status, (200, 201), repr(answer))
        return answer.json()

    def test_a_head_that_turns_is_approved_by_itself(self):
        for turns in TURNS:
            challenge, selfie, frames = self.challenge_for(turns)
            body = self.enrol(challenge, sample(selfie),
                              [sample(f) for f in frames])
            self.assertEqual(body["state"], "approved", (challenge, body))
            seen = self.app.get("/v1/credentials/" + credential_of(body))
            self.assertEqual(seen.json()["assurance"], "remote_live")

    def test_the_selfie_turned_as_a_sheet_has_not_turned(self):
        turn = {"left": ("yaw", -30), "right": ("yaw", 30),
                "up": ("pitch", -30), "down": ("pitch", 30)}
        selfie = sample("franck_02045.jpg")
        for sign in (1, -1):
            challenge = self.app.challenge()
            frames = []
            for step in challenge["steps"]:
                axis, degrees = turn[step]
                frames.append(mkphoto(
                    "sheet-%s-%d.jpg" % (step, sign), "plane", selfie, "OUT",
                    "--yaw", "0", "--" + axis, str(sign * degrees)))
            body = self.enrol(challenge, selfie, frames)
            self.assertEqual(body["state"], "rejected", body)
            self.assertEqual(set(reason_codes(body)), {"not_turned"}, body)

    def test_one_turned_photo_shown_twice_goes_to_an_officer(self):
        # On 04000 the head is turned to the right and down: it answers both
        # steps, the second time as a print of it.
        challenge, selfie, _ = self.challenge_for(TURNS[0])
        turned = sample("franck_04000.jpg")
        again = mkphoto("print-again.jpg", "degrade", turned, "OUT",
                        "--rotate", "2", "--gain", "0.9", "--noise", "3")
        body = self.enrol(challenge, sample(selfie), [turned, again])
        self.assertEqual(body["state"], "review", body)
        self.assertEqual(reason_codes(body), ["under_review"])
        seen = self.officer.get("/v1/enrollments/" + body["id"]).json()
        self.assertEqual(reason_codes(seen), ["challenge_failed"], seen)
        self.assertGreater(seen["challenge"]["steps"][1]["flatness"], 0.95)


if __name__ == "__main__":
    unittest.main()
