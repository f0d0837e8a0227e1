"""The chat on WeChat when something fails: crashes, a WeChat that is down or
refuses the account, workers that are busy."""

import unittest

import photos
from harness import holder
from wechat_case import ChatCase

APPROVED = "核验通过"


class Busy(ChatCase):
    SETTINGS = {"face.workers": 1}

    def test_every_push_is_answered_at_once_whatever_the_workers_do(self):
        slow = photos.pair(1, photos.SLOW, photos.SLOW)
        for _ in range(4):
            self.app.submit(holder(), *slow)
        person = self.person()
        person.enrols(2)  # each answer within a second
        for words in ("进度", "帮助", "我的码"):
            person.says(words)
        self.assertGreater(
            self.rows("SELECT count(*) FROM enrolment WHERE state IN "
                      "('received', 'processing')")[0][0], 0)


class Failing(ChatCase):
    def test_a_crash_in_the_middle_loses_nothing_and_doubles_nothing(self):
        person = self.person()
        person.begins()
        self.standin.fail("slow", path="/cgi-bin/media/get")
        person.sends(photos.photo(1))
        person.sends(photos.photo(1))
        self.assertTrue(self.standin.wait(
            lambda: "/cgi-bin/media/get" in self.standin.calls))
        self.daemon.kill()
        self.standin.heal()
        self.standin.release()
        self.start()
        self.assertIn(APPROVED, person.hears()[0])
        self.assertEqual(self.rows("SELECT count(*) FROM enrolment"), [(1,)])
        for message, shown in person.before:
            again = self.pusher.deliver(message)
            self.assertEqual(person.content(again), shown)
        self.assertEqual(len(person.told()), 1)

    def test_while_wechat_is_down_enrolments_go_on_and_messages_wait(self):
        person = self.person()
        person.enrols()
        person.hears()
        self.standin.fail("503")
        enrolled = self.app.enrol(who=2)
        self.assertEqual(enrolled["state"], "approved")
        other = self.person("oOTHER")
        other.begins(number="440524188001010014")
        other.sends(photos.photo(3))
        other.sends(photos.photo(3))
        self.until(lambda: self.metric(
            'smartidd_wechat_calls_total{op="fetch",outcome="later"}') > 0)
        self.assertEqual(other.told(), [])
        self.daemon.restart()
        self.pusher.url = "http://127.0.0.1:%d/channels/wechat/city" % \
            self.daemon.port
        self.standin.heal()
        self.assertIn(APPROVED, other.hears()[0])

    def test_r_what_the_account_is_refused_waits_for_its_operator(self):
        person = self.person()
        person.begins()
        secret_now = self.standin.account.secret
        self.standin.account.secret = "another, made on the admin page"
        person.sends(photos.photo(1))
        person.sends(photos.photo(1))
        self.until(lambda: self.metric(
            'smartidd_wechat_calls_total{op="fetch",outcome="later"}') > 0)
        self.standin.fail("errcode", path="/cgi-bin/message/custom/send",
                          value=40164)  # not on the list of addresses
        self.standin.account.secret = secret_now
        self.until(lambda: self.metric(
            'smartidd_wechat_calls_total{op="send",outcome="later"}') > 0)
        self.assertEqual(person.told(), [])
        self.standin.heal()
        self.assertIn(APPROVED, person.hears()[0])
        self.assertEqual(len(person.told()), 1)

    def test_a_message_whose_fate_is_unknown_is_not_repeated(self):
        self.standin.fail("lost", path="/cgi-bin/message/custom/send",
                          times=1)
        person = self.person()
        person.enrols()
        person.hears()
        self.until(lambda: self.rows("SELECT count(*) FROM wechat_outbox") ==
                   [(0,)])
        self.assertEqual(len(person.told()), 1)
        self.assertEqual(self.metric(
            'smartidd_wechat_calls_total{op="send",outcome="unknown"}'), 1)

    def test_beyond_the_quota_a_message_is_given_up_and_logged(self):
        self.standin.fail("errcode", path="/cgi-bin/message/custom/send",
                          value=45047)
        person = self.person()
        person.enrols()
        self.until(lambda: "why=quota_used" in self.daemon.log.text())
        self.until(lambda: self.rows("SELECT count(*) FROM wechat_outbox") ==
                   [(0,)])


if __name__ == "__main__":
    unittest.main()
