"""Strangers at the channel's door, and people who write what nobody expects:
nothing is done twice, nothing is believed, and the next push is answered."""

import json
import unittest
import xml.etree.ElementTree as tree  # for what our own side wrote

import photos
from harness import SLOW
from wechat_case import ChatCase
from wechat_standin import Account, Pusher

KIB_64 = 65536


class Attack(ChatCase):
    SHARED = True

    def taken(self):
        return self.metric('smartidd_wechat_pushes_total{outcome="taken"}')

    def refused(self, answer):
        self.assertEqual(answer.status, 403, (answer.status, answer.body[:99]))
        self.assertLess(answer.seconds, 1.0 * SLOW)

    def alive(self):
        self.assertIn("回复", self.person().says("帮助"))


class Sealed(Attack):
    def test_a_request_that_was_overheard_does_nothing_more(self):
        person = self.person()
        person.begins()
        query, body = self.pusher.request(self.pusher.image(
            person.openid, photos.photo(1), "image/png"))
        first = self.pusher.send("POST", query, body)
        self.assertIn("自拍照", person.content(first))
        before = self.taken()
        for _ in range(3):
            again = self.pusher.send("POST", query, body)
            self.assertEqual(person.content(again), person.content(first))
        self.assertEqual(self.taken(), before)
        self.assertIn("自拍照", person.says("好的"))  # not one step further
        stale = dict(query, timestamp=str(int(query["timestamp"]) - 601))
        for changed in (stale, dict(query, nonce=query["nonce"] + "1"),
                        dict(query, msg_signature="0" * 40),
                        dict(query, msg_signature=query["signature"]),
                        dict(query, encrypt_type="raw"),
                        {k: v for k, v in query.items()
                         if k != "msg_signature"}):
            self.refused(self.pusher.send("POST", changed, body))
        self.refused(self.pusher.send(
            "POST", query, body.replace("<Encrypt><![CDATA[",
                                        "<Encrypt><![CDATA[A")))
        self.alive()

    def test_an_account_with_the_same_token_and_key_is_another_one(self):
        mine = self.standin.account
        other = Pusher(Account(app_id="wxother", token=mine.token,
                               aes_key=mine.aes_key), self.pusher.url,
                       standin=self.standin)
        self.refused(other.deliver(other.text("oX", "帮助")))
        self.alive()


class Odd(Attack):
    MODE, FORM = "plain", "xml"

    def send(self, body):
        return self.pusher.send("POST", self.pusher.signed(), body)

    def deliver(self, message):
        """Without the openid that WeChat also puts into the address."""
        query, body = self.pusher.request(message)
        del query["openid"]
        return self.pusher.send("POST", query, body)

    @staticmethod
    def wrapped(inside):
        return "<xml>%s</xml>" % inside

    def test_documents_that_no_wechat_writes_are_refused_at_once(self):
        head = ("<ToUserName>gh_a</ToUserName><FromUserName>oX</FromUserName>"
                "<CreateTime>1348831860</CreateTime>")
        entities = "".join('<!ENTITY e%d "%s">' % (i, "&e%d;" % (i - 1) * 10)
                           for i in range(1, 30))
        deep = KIB_64 // 2 - 20
        for body in (
                "x", "<", "{", "[]", "<xml/>", "{}", "null", "0",
                '<!DOCTYPE x [<!ENTITY e0 "ha">%s]><xml>&e29;</xml>' % entities,
                '<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>',
                "<a>" * (KIB_64 // 3), "[" * KIB_64, '{"a":' * (KIB_64 // 5),
                "<xml %s/>" % " ".join('a%d="x"' % i for i in range(5000)),
                self.wrapped("<A/>" * (KIB_64 // 4 - 10)),
                self.wrapped(head + "<MsgType>text</MsgType><MsgId>1</MsgId>"),
                self.wrapped(head + "<MsgType>event</MsgType>"),
                self.wrapped(head.replace("oX", "o X") +
                             "<MsgType>event</MsgType><Event>SCAN</Event>"),
                self.wrapped(head.replace("oX", "o" * 65) +
                             "<MsgType>event</MsgType><Event>SCAN</Event>"),
                self.wrapped(head.replace("1348831860", "-1") +
                             "<MsgType>event</MsgType><Event>SCAN</Event>"),
                self.wrapped(head.replace("1348831860", "9" * 13) +
                             "<MsgType>event</MsgType><Event>SCAN</Event>"),
                '{"ToUserName":"gh_a","FromUserName":"oX","CreateTime":1e99,'
                '"MsgType":"event","Event":"SCAN"}',
                '{"ToUserName":"gh_a","FromUserName":"oX","CreateTime":'
                + "9" * 400 + ',"MsgType":"event","Event":"SCAN"}',
                '{"ToUserName":"gh_a","FromUserName":"o\\u0000X","CreateTime":1,'
                '"MsgType":"event","Event":"SCAN"}',
                '{"ToUserName":"gh_a","FromUserName":["oX"],"CreateTime":1,'
                '"MsgType":"event","Event":"SCAN"}',
                "\ufeff" + self.wrapped(head), "A" * deep):
            with self.subTest(body=body[:60]):
                self.refused(self.send(body))
        self.alive()

    def test_an_openid_is_nothing_but_an_address(self):
        for openid in ("o]]><Content>x</Content>", "o&lt;{url}{holder}%s%n",
                       "o'\"--;\\../..", "{purposes}"):
            answer = self.deliver(self.pusher.text(openid, "帮助"))
            self.assertEqual(answer.status, 200, answer.body)
            shown = tree.fromstring(answer.body.decode())
            self.assertEqual(shown.find("ToUserName").text, openid)
            self.assertEqual(len(shown.findall("Content")), 1)
            self.assertEqual(shown.find("Content").text,
                             self.person().says("帮助"))
            code = self.deliver(self.pusher.text(openid, "我的码"))
            self.assertIn("还没有", code.body.decode())
            self.assertNotIn(openid, self.daemon.log.text())

    def test_names_that_are_markup_or_commands_are_said_to_be_no_names(self):
        person = self.person()
        person.says("聊天办理")
        person.says("同意")
        for name in ("]]><x>", "{holder}", "<b>王</b>", "王\n样例", "😀" * 200,
                     "'; DROP TABLE client; --", "王" * 2000):
            said = person.says(name)
            self.assertTrue("不像是姓名" in said or "太长" in said,
                            (name[:20], said))
        self.assertIn("身份证号码", person.says("阿卜杜拉·买买提"))


class OddJson(Odd):
    MODE, FORM = "plain", "json"
    test_documents_that_no_wechat_writes_are_refused_at_once = None
    test_names_that_are_markup_or_commands_are_said_to_be_no_names = None

    def test_an_openid_is_nothing_but_an_address(self):
        for openid in ('o","Content":"x', "o\\u0041", "o]]>{url}"):
            answer = self.deliver(self.pusher.text(openid, "帮助"))
            self.assertEqual(answer.status, 200, answer.body)
            shown = json.loads(answer.body)
            self.assertEqual(shown["ToUserName"], openid)
            self.assertEqual(shown["Content"], self.person().says("帮助"))


class Media(ChatCase):
    SETTINGS = {"limits.photo_max_bytes": 65536}

    def test_a_photo_that_is_too_large_or_none_is_asked_for_again(self):
        person = self.person()
        person.begins()
        for i, (data, kind) in enumerate((
                (b"\xff\xd8\xff" + bytes(70000), "image/jpeg"),
                (b"GIF89a" + bytes(100), "image/gif"),
                (b"http://127.0.0.1/", "video/mp4"),
                (b"<html>", "text/html"), (b"", "image/jpeg"))):
            with self.subTest(kind=kind, size=len(data)):
                self.assertIn("自拍照", person.push(
                    self.pusher.image(person.openid, data, kind)))
                self.assertIn("没有收到", person.hears(i + 1)[i])
                self.assertIn("人像面", person.says("好的"))
        self.assertEqual(self.rows("SELECT count(*) FROM wechat_photo"),
                         [(0,)])


class Storm(ChatCase):
    def test_of_a_crowd_whose_token_is_refused_each_is_told_once(self):
        people = [self.person("oCROWD%d" % i) for i in range(12)]
        self.standin.fail("errcode", path="/cgi-bin/message/custom/send",
                          value=40001, times=12)
        numbers = self.rng()
        for who, person in enumerate(people, 1):
            person.enrols(who, photos.random_number(numbers))
        self.until(lambda: self.rows("SELECT count(*) FROM enrolment "
                                     "WHERE state = 'approved'") == [(12,)])
        self.until(lambda: self.rows("SELECT count(*) FROM wechat_outbox") ==
                   [(0,)])
        self.assertEqual([len(person.told()) for person in people], [1] * 12)
        self.assertLess(self.standin.count("/cgi-bin/stable_token"), 30)


class Breaker(ChatCase):
    SETTINGS = {"wechat.pause_after": 3, "wechat.pause_s": 1,
                "wechat.attempts": 1}

    def test_while_calls_pause_the_chat_goes_on_and_then_all_is_told(self):
        person = self.person()
        person.enrols(1)
        person.hears()
        self.standin.fail("503")
        other = self.person("oOTHER")
        other.begins(number="440524188001010014")
        other.sends(photos.photo(2))
        self.until(lambda: self.metric("smartidd_wechat_accounts_paused") == 1)
        calls = len(self.standin.calls)
        self.assertIn("正在核验", other.sends(photos.photo(2)))
        self.assertIn("通过", person.says("进度"))
        self.assertLess(len(self.standin.calls) - calls, 4)
        self.standin.heal()
        self.assertIn("核验通过", other.hears()[0])
        self.until(lambda: self.metric("smartidd_wechat_accounts_paused") == 0)


if __name__ == "__main__":
    unittest.main()
