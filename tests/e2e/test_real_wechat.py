"""A whole enrolment by chat on real photos, with the real face engine: every
push thrice, and half of WeChat's calls failing."""

import unittest

from samples import MAN, OTHER, card, data_of, sample
from wechat_case import ChatCase


class Real(ChatCase):
    BINARY = "smartidd-clock"
    SETTINGS = {"face.liveness_action": "off"}

    def enrol(self, person, id_photo, selfie, number):
        person.begins(number=number)
        for photo in (id_photo, selfie):
            person.push(self.pusher.image(person.openid, data_of(photo)))

    def test_the_man_is_accepted_and_somebody_else_with_his_card_is_not(self):
        for path in ("/cgi-bin/media/get", "/cgi-bin/message/custom/send"):
            self.standin.fail("503", share=0.5, path=path)
        man = self.person(copies=3)
        self.enrol(man, card(MAN[0]), sample(MAN[1]), "11010519491231002X")
        self.assertIn("核验通过", man.hears()[0])
        other = self.person(copies=3)
        self.enrol(other, card(MAN[0]), sample(OTHER[0]), "440524188001010014")
        self.assertIn("与证件照不一致", other.hears()[0])
        self.assertEqual(self.rows("SELECT state FROM enrolment "
                                   "ORDER BY created_at_s, state"),
                         [("approved",), ("rejected",)])
        self.assertEqual((len(man.told()), len(other.told())), (1, 1))


if __name__ == "__main__":
    unittest.main()
