"""My code in a chat where there are no pages: a picture, made when it is sent,
and until when it is good."""

import itertools
import time
import unittest

import photos
from wechat_case import ChatCase

APPROVED = "核验通过"
WHO = itertools.count(1)
UPLOAD, SEND = "/cgi-bin/media/upload", "/cgi-bin/message/custom/send"


class CodeCase(ChatCase):
    def enrolled(self):
        """Somebody new who has a credential."""
        if not hasattr(self, "numbers"):
            self.numbers = self.rng()
        person = self.person()
        person.enrols(next(WHO), photos.random_number(self.numbers))
        self.assertIn(APPROVED, person.hears()[0])
        [(person.credential, person.enrolment)] = self.rows(
            "SELECT id, enrolment_id FROM credential "
            "ORDER BY serial DESC LIMIT 1")
        return person

    def picture(self, person):
        """What the API gives for the same day."""
        answer = self.app.get(
            "/v1/credentials/%s/code?scale=10" % person.credential,
            {"Accept": "image/png"})
        self.assertEqual(answer.status, 200, answer)
        return answer.body

    def pictures(self, person):
        """What was shown of them."""
        with self.standin.lock:
            return [self.standin.media[content][1]
                    for openid, kind, content in self.standin.sent
                    if openid == person.openid and kind == "image"]

    def empty(self):
        self.until(lambda: self.rows("SELECT count(*) FROM wechat_outbox") ==
                   [(0,)])

    def files(self):
        data = b""
        for behind in ("", "-wal"):
            with open(self.daemon.database + behind, "rb") as stream:
                data += stream.read()
        return data


class Picture(CodeCase):
    SHARED = True

    def test_it_comes_as_a_picture_and_then_until_when_it_is_good(self):
        person = self.enrolled()
        self.assertIn("以图片发给您", person.presses("CODE"))
        said = person.hears(3)[2]
        self.assertEqual(self.pictures(person), [self.picture(person)])
        until = self.app.code(person.credential)["not_after"]
        local = time.gmtime(time.mktime(time.strptime(
            until, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone + 8 * 3600)
        self.assertIn("有效期至%d月%d日%02d:%02d" % (
            local.tm_mon, local.tm_mday, local.tm_hour, local.tm_min), said)
        self.assertEqual(self.rows(
            "SELECT actor FROM audit WHERE event = 'code_issued' AND "
            "subject = '%s'" % person.credential)[0], ("wechat:city",))

    def test_who_has_none_or_has_stopped_it_is_told_so_at_once(self):
        person = self.person()
        self.assertIn("您还没有", person.says("我的码"))
        person = self.enrolled()
        person.says("确认挂失")
        self.assertIn("恢复", person.says("我的码"))
        self.empty()
        self.assertEqual(self.pictures(person), [])


class Waiting(CodeCase):
    def test_while_wechat_is_down_one_waits_and_none_lies_on_the_disk(self):
        person = self.enrolled()
        self.standin.fail("503", path=UPLOAD)
        for _ in range(3):
            person.says("我的码")
        self.until(lambda: self.metric(
            'smartidd_wechat_calls_total{op="send",outcome="later"}') > 0)
        code = self.app.code(person.credential)["code"]
        data = self.files()
        self.assertNotIn(b"\x89PNG", data)
        self.assertNotIn(code.encode(), data)
        self.assertNotIn(code, self.daemon.log.text())
        self.daemon.restart()
        self.standin.heal()
        person.hears(3)
        self.empty()
        self.assertEqual(len(person.told()), 3)
        self.assertEqual(self.pictures(person), [self.picture(person)])

    def test_a_picture_of_unknown_fate_is_not_repeated_and_the_words_come(self):
        person = self.enrolled()
        self.standin.fail("lost", path=SEND, times=1)
        person.says("我的码")
        self.assertIn("没有收到图片", person.hears(3)[2])
        self.empty()
        self.assertEqual(len(self.pictures(person)), 1)

    def test_a_picture_that_is_not_taken_is_given_up_without_words(self):
        person = self.enrolled()
        for path, value in ((UPLOAD, 45001), (SEND, 45047)):
            self.standin.fail("errcode", path=path, value=value)
            person.says("我的码")
            self.empty()
            self.standin.heal()
        self.assertEqual(len(person.told()), 1)
        self.assertIn("why=quota_used", self.daemon.log.text())

    def test_an_upload_with_no_media_id_is_given_up(self):
        person = self.enrolled()
        self.standin.fail("nonsense", path=UPLOAD)
        person.says("我的码")
        self.empty()
        self.assertEqual(len(person.told()), 1)

    def wait_with_one(self, person):
        later = 'smartidd_wechat_calls_total{op="send",outcome="later"}'
        before = self.metric(later)
        self.standin.fail("503", path=UPLOAD)
        person.says("我的码")
        self.until(lambda: self.metric(later) > before)

    def test_what_was_stopped_or_revoked_meanwhile_is_not_sent(self):
        for change, value, words in (
                ("suspend", None, "已停用"),
                ("revoke", {"reason": "lost"}, "您还没有")):
            with self.subTest(change=change):
                person = self.enrolled()
                self.wait_with_one(person)
                self.app.change(person.credential, change, value)
                self.standin.heal()
                self.assertIn(words, person.hears(2)[1])
                self.assertEqual(self.pictures(person), [])


    def test_who_was_parted_meanwhile_gets_none(self):
        person = self.enrolled()
        self.wait_with_one(person)
        self.assertEqual(self.officer.post(
            "/v1/credentials/%s/recover" % person.credential,
            {"reason": "new_phone"}).status, 200)
        self.standin.heal()
        self.assertIn("另一部手机", person.hears(2)[1])
        self.empty()
        self.assertEqual(len(person.told()), 2)

    def test_after_a_crash_it_can_be_asked_for_again(self):
        person = self.enrolled()
        self.standin.fail("slow", path=UPLOAD)
        person.says("我的码")
        self.assertTrue(self.standin.wait(
            lambda: UPLOAD in self.standin.calls))
        self.daemon.kill()
        self.standin.heal()
        self.standin.release()
        self.start()
        self.empty()
        person.says("我的码")
        person.hears(3)
        self.assertEqual(len(self.pictures(person)), 1)


if __name__ == "__main__":
    unittest.main()
