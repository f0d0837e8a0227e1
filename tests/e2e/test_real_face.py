"""The face at the counter on real photos, with the real face engine: what the
portrait shows, and what a photo from the counter's camera is worth."""

import unittest

from harness import DaemonCase, credential_of, holder
from http_raw import multipart
from samples import MAN, OTHER, data_of, sample
from test_real_story import NO_LIVENESS


class AtTheCounter(DaemonCase):
    BINARY = "smartidd-clock"
    SETTINGS = NO_LIVENESS

    def face(self, check, photo):
        kind, body = multipart([("photo", "image/jpeg", photo, "camera.jpg")])
        answer = self.daemon.request(
            "POST", "/v1/verifications/%s/face" % check,
            self.clerk.headers({"Content-Type": kind}), body, timeout=90)
        self.assertEqual(answer.status, 200, repr(answer))
        return answer.json()

    def test_the_man_is_told_from_others_and_by_his_portrait(self):
        person = holder(consent={"version": "2026-01", "portrait": True,
                                 "given_at": "2026-01-05T08:00:00Z"})
        body = self.app.submit(person, data_of(sample(MAN[0])),
                               data_of(sample(MAN[1])), wait=60).json()
        self.assertEqual(body["state"], "approved", body)
        code = self.app.code(credential_of(body))["code"]
        check = self.clerk.verify(code, "bank_account")
        portrait = self.clerk.get(check["holder"]["portrait_url"]).body
        # A face that says little in so few pixels would not be found, or not
        # be his: the portrait is no worse than a photo.
        for photo, result in ((data_of(sample(MAN[2])), "match"),
                              (portrait, "match"),
                              (data_of(sample(OTHER[2])), "no_match")):
            answer = self.face(check["id"], photo)
            self.assertEqual(answer["result"], result, answer)
            self.assertNotIn("similarity", answer)


if __name__ == "__main__":
    unittest.main()
