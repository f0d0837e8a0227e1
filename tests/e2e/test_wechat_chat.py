"""The chat on WeChat from the outside: enrolling, commands, retries, clerks."""

import contextlib
import itertools
import os
import sqlite3
import unittest

import photos
from harness import credential_of, holder
from wechat_case import APPLY, SPECIMEN, ChatCase, secret
from wechat_standin import Account, Pusher

APPROVED = "核验通过"
WHO = itertools.count(1)


class Enrolling(ChatCase):
    def test_a_whole_enrolment_by_chat_ends_in_an_approval_that_is_told(self):
        self.standin.enforce_quota = True
        person = self.person()
        self.assertIn("欢迎", person.event("subscribe"))
        self.assertIn("同意", person.says("办理"))
        self.assertIn("姓名", person.says("同意"))
        self.assertIn("不像是姓名", person.says("12"))
        self.assertIn("身份证号码", person.says("王样例"))
        self.assertIn("不正确", person.says("11010519491231002Y"))
        self.assertIn("人像面", person.says("11010519491231002x"))
        self.assertIn("自拍照", person.sends(photos.photo(1)))
        self.assertIn("正在核验", person.sends(photos.photo(1)))
        self.assertIn(APPROVED, person.hears()[0])
        rows = self.rows("SELECT state FROM enrolment")
        self.assertEqual(rows, [("approved",)])
        self.assertEqual(self.rows("SELECT count(*) FROM wechat_chat"), [(0,)])
        self.assertEqual(self.rows("SELECT count(*) FROM wechat_photo"),
                         [(0,)])
        self.assertIn("已有", person.says("办理"))
        self.assertIn(APPROVED, person.says("进度"))
        # Only the API is asked, and never an address that a push names.
        self.assertEqual({path.split("/")[1] for path in self.standin.calls},
                         {"cgi-bin"})

    def test_pushed_thrice_out_of_order_with_half_the_calls_failing_there_is_one(
            self):
        self.standin.fail("503", share=0.5, path="/cgi-bin/media/get")
        self.standin.fail("503", share=0.5,
                          path="/cgi-bin/message/custom/send")
        self.standin.fail("busy", share=0.5, path="/cgi-bin/stable_token")
        people = [self.person("oPERSON%d" % i, copies=3) for i in (1, 2)]
        numbers = ("11010519491231002X", "440524188001010014")
        for who, person in enumerate(people, 1):
            person.enrols(who, numbers[who - 1])
        for person in people:
            self.assertEqual(len(person.hears()), 1, person.told())
            self.assertIn(APPROVED, person.told()[0])
        self.until(lambda: self.rows("SELECT count(*) FROM wechat_outbox") ==
                   [(0,)])
        self.assertEqual(self.rows("SELECT count(*) FROM enrolment"), [(2,)])
        self.assertEqual([len(person.told()) for person in people], [1, 1])
        self.assertGreater(
            self.metric('smartidd_wechat_pushes_total{outcome="again"}'), 10)

    def test_a_rejection_says_what_to_do_and_another_try_succeeds(self):
        person = self.person()
        person.enrols(selfie_flaw=photos.BLURRED)
        self.assertIn("自拍照模糊", person.hears()[0])
        person.enrols()
        self.assertIn(APPROVED, person.hears(2)[1])

    def test_r_photos_that_come_in_the_wrong_order_are_what_they_show(self):
        person = self.person()
        for card_earlier_s in (0, 5):
            with self.subTest(card_earlier_s=card_earlier_s):
                person.begins()
                card, selfie = (
                    self.pusher.image(person.openid, photo, "image/png")
                    for photo in (photos.photo(1),
                                  photos.photo(1, photos.BLURRED)))
                if card_earlier_s:  # the time counts, then the number
                    card["MsgId"], selfie["MsgId"] = selfie["MsgId"], \
                        card["MsgId"]
                    card["CreateTime"] -= card_earlier_s
                told = len(person.told())
                person.push(selfie)
                self.assertIn("正在核验", person.push(card))
                self.assertIn("自拍照模糊", person.hears(told + 1)[-1])

    def test_r_of_swapped_photos_the_one_that_is_missing_is_asked_for(self):
        person = self.person()
        person.begins()
        card, selfie = (self.pusher.image(person.openid, photos.photo(1),
                                          "image/png") for _ in "ab")
        self.standin.fail("503", path="/cgi-bin/media/get")
        person.push(selfie)
        person.push(card)
        self.until(lambda: self.metric(
            'smartidd_wechat_calls_total{op="fetch",outcome="later"}') > 0)
        del self.standin.media[selfie["MediaId"]]
        self.standin.heal()
        self.assertIn("没有收到", person.hears()[0])
        self.until(lambda: len(self.rows("SELECT kind FROM wechat_photo")) == 1)
        self.assertIn("自拍照", person.says("好的"))
        self.assertIn("正在核验", person.sends(photos.photo(1)))
        self.assertIn(APPROVED, person.hears(2)[1])

    def test_words_that_come_in_the_wrong_order_are_not_taken_for_others(self):
        person = self.person()
        person.says(APPLY)
        person.says("同意")
        name, number = (self.pusher.text(person.openid, text)
                        for text in ("王样例", SPECIMEN))
        self.assertIn("不像是姓名", person.push(number))
        self.assertIn("身份证号码", person.push(name))
        photo = self.pusher.image(person.openid, photos.photo(1), "image/png")
        number = self.pusher.text(person.openid, SPECIMEN)
        self.assertIn("还没有进行到", person.push(photo))
        self.assertIn("人像面", person.push(number))

    def test_a_photo_that_cannot_be_had_is_asked_for_again(self):
        person = self.person()
        person.begins()
        self.standin.fail("errcode", path="/cgi-bin/media/get", times=1,
                          value=40007)
        person.sends(photos.photo(1))
        self.assertIn("没有收到", person.hears()[0])
        self.assertIn("人像面", person.says("好的"))
        self.assertIn("自拍照", person.sends(photos.photo(1)))
        person.sends(photos.photo(1))
        self.assertIn(APPROVED, person.hears(2)[1])

    def test_the_photos_may_come_in_any_pace_and_be_given_up(self):
        person = self.person()
        self.assertIn("还没有进行到", person.sends(photos.photo(1)))
        person.begins()
        person.sends(photos.photo(1))
        self.until(lambda: self.rows("SELECT kind FROM wechat_photo") ==
                   [("id_photo",)])
        self.assertIn("已取消", person.says("取消"))
        self.assertEqual(self.rows("SELECT count(*) FROM wechat_photo"),
                         [(0,)])
        person.enrols()
        self.assertIn(APPROVED, person.hears()[0])

    def test_a_conversation_is_dropped_after_half_an_hour_of_silence(self):
        person = self.person()
        person.begins()
        self.daemon.set_clock(1801)
        self.pusher.clock = self.daemon.now
        # It may have been swept away before anybody spoke again.
        self.assertRegex(person.says("好的"), "时间太久|没有看懂")
        self.assertEqual(self.rows("SELECT count(*) FROM wechat_chat"), [(0,)])

    def test_nothing_that_was_said_lies_in_the_database_as_it_was(self):
        person = self.person("oCANARYOPENID")
        person.begins("金丝雀", "11010519491231002X")
        person.sends(photos.photo(1))
        with open(self.daemon.database, "rb") as stream:
            data = stream.read()
        with open(self.daemon.database + "-wal", "rb") as stream:
            data += stream.read()
        for word in ("金丝雀", "11010519491231002X", "oCANARYOPENID"):
            self.assertNotIn(word.encode(), data)
            self.assertNotIn(word, self.daemon.log.text())


class Strict(ChatCase):
    SETTINGS = {"challenge.challenge": "required"}

    def test_where_faces_must_be_live_a_chat_is_not_enough(self):
        self.assertIn("不能在对话中办理", self.person().says(APPLY))


class Long(ChatCase):
    """The bureau's words may be long, and several be said together."""

    def write_account(self, **more):
        path = os.path.join(self.daemon.folder, "texts")
        with open(path, "w", encoding="utf-8") as stream:
            for key in ("welcome", "how_it_works", "reason_too_blurred",
                        "reason_too_dark"):
                stream.write("%s = %s\n" % (key, key + "长" * 490))
            stream.write("rejected = {reasons}\n")
        ChatCase.write_account(self, texts_file=path, **more)

    def test_r_what_is_too_long_for_a_message_is_cut_and_said(self):
        person = self.person()
        shown = person.event("subscribe")
        self.assertTrue(shown.startswith("welcome长"))
        self.assertIn("how_it_works长", shown)
        self.assertTrue(shown.endswith("长…"))
        self.assertLessEqual(len(shown.encode()), 2048)
        person.begins()
        person.sends(photos.photo(1, photos.BLURRED))
        person.sends(photos.photo(1, photos.BLURRED))
        told = person.hears()[0]
        self.assertTrue(told.endswith("长…"), told[-20:])
        self.assertLessEqual(len(told.encode()), 2048)


class Commands(ChatCase):
    SHARED = True
    PAGES = "https://id.example"

    def enrolled(self, person=None):
        """Somebody new who has a credential: its id is person.credential."""
        person = person or self.person()
        person.enrols(next(WHO), photos.random_number(self.rng()))
        self.assertIn(APPROVED, person.hears()[0])
        [(person.credential, person.enrolment)] = self.rows(
            "SELECT id, enrolment_id FROM credential "
            "ORDER BY serial DESC LIMIT 1")
        return person

    def state(self, person):
        """None when there is no such credential."""
        found = self.rows("SELECT state FROM credential WHERE id = '%s'" %
                          person.credential)
        return found[0][0] if found else None

    def test_the_menu_offers_links_that_hold_no_secret(self):
        person = self.person()
        self.assertIn("https://id.example/channels/wechat/city/enter?to=enroll",
                      person.presses("APPLY"))
        self.assertIn("您还没有", person.presses("CODE"))
        self.assertIn("办理", person.presses("HELP"))
        self.assertIn("没有看懂", person.presses("OTHER"))
        self.enrolled(person)
        self.assertIn("https://id.example/channels/wechat/city/enter?to=card",
                      person.says("我的码"))

    def test_a_lost_phone_is_stopped_and_found_again_as_its_holder(self):
        person = self.enrolled()
        credential = person.credential
        code = self.app.code(credential)["code"]
        self.assertIn("确认挂失", person.presses("LOST"))
        self.assertTrue(self.clerk.verify(code)["valid"])
        self.assertIn("已挂失", person.says("确认挂失"))
        self.assertFalse(self.clerk.verify(code)["valid"])
        self.assertIn("已挂失", person.says("确认挂失"))
        self.assertIn("恢复", person.says("我的码"))
        self.assertIn("已恢复", person.says("恢复"))
        self.assertTrue(self.clerk.verify(code)["valid"])
        actors = self.rows("SELECT actor FROM audit WHERE event LIKE "
                           "'credential_%' AND actor LIKE 'wechat%'")
        self.assertEqual(set(actors), {("wechat:city",)})

    def test_what_an_officer_has_stopped_the_chat_does_not_resume(self):
        person = self.enrolled()
        self.officer.change(person.credential, "suspend")
        self.assertIn("办事窗口", person.says("恢复"))

    def test_who_asked_is_told_with_time_party_and_purpose(self):
        person = self.enrolled()
        self.assertIn("还没有人", person.presses("ASKED"))
        code = self.app.code(person.credential)["code"]
        self.clerk.verify(code, "train_ticket")
        said = person.says("谁查过我")
        self.assertIn("train_ticket", said)
        self.assertIn("月", said)

    def test_deleting_is_asked_twice_and_leaves_nobody(self):
        person = self.enrolled()
        self.assertIn("确认删除", person.says("删除"))
        self.assertEqual(self.state(person), "active")
        self.assertIn("已删除", person.says("确认删除"))
        self.assertIsNone(self.state(person))
        self.assertEqual(self.rows("SELECT id FROM enrolment WHERE id = '%s'" %
                                   person.enrolment), [])
        self.assertIn("没有您的资料", person.says("删除"))
        self.assertIn("没有您的资料", person.says("确认删除"))

    def test_r_a_recovery_parts_the_chat_which_is_told_once(self):
        person = self.enrolled()
        credential = person.credential
        self.assertIn("enter?to=card", person.says("我的码"))
        answer = self.officer.post(
            "/v1/credentials/%s/recover" % credential, {"reason": "new_phone"})
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("另一部手机", person.hears(2)[1])
        for words in ("我的码", "确认挂失", "恢复", "谁查过我"):
            self.assertIn("您还没有", person.says(words))
        self.assertIn("没有您的资料", person.says("确认删除"))
        self.assertEqual(self.state(person), "active")
        self.app.recover(credential, photos.photo(2))
        self.until(lambda: self.rows("SELECT count(*) FROM wechat_outbox") ==
                   [(0,)])
        self.assertEqual(len(person.told()), 2)
        self.assertEqual(self.rows(
            "SELECT outcome, detail FROM audit WHERE event = 'wechat_bound' "
            "AND subject = '%s'" % person.enrolment),
            [("bound", "city"), ("parted", "city")])

    def test_who_leaves_is_unbound_but_not_deleted(self):
        person = self.enrolled()
        self.assertIsNone(person.event("unsubscribe"))
        self.assertEqual(self.rows(
            "SELECT id FROM wechat_contact WHERE enrolment_id = '%s'" %
            person.enrolment), [])
        self.assertEqual(self.state(person), "active")
        self.assertIn("您还没有", person.says("我的码"))

    def test_strangers_may_do_nothing_of_this(self):
        person = self.enrolled()
        stranger = self.person()
        for words in ("确认挂失", "恢复", "谁查过我", "我的码"):
            self.assertIn("您还没有", stranger.says(words))
        self.assertIn("没有您的资料", stranger.says("确认删除"))
        self.assertEqual(self.state(person), "active")

    def test_other_messages_are_answered_or_taken_in_silence(self):
        person = self.person()
        self.assertIn("没有看懂", person.says("你好"))
        self.assertIn("文字和照片", person.push(
            self.pusher.message(person.openid, "voice", MediaId="m")))
        self.assertIsNone(person.event("VIEW", key="https://id.example"))
        self.assertIn("没有绑定", person.push(
            self.pusher.scan(person.openid, "SID1:X")))


class Clerk(ChatCase):
    ACCOUNT = {"purposes": "train_ticket bank_account"}

    def bound(self, key="clerk"):
        """Somebody who is bound to a clerk's key, as the page does it."""
        person = self.person("oCLERK")
        person.event("subscribe")
        self.daemon.stop()
        with contextlib.closing(sqlite3.connect(self.daemon.database)) as base:
            base.execute("UPDATE wechat_contact SET client_id = ?",
                         (self.daemon.client_id(key),))
            base.commit()
        self.start()
        return person

    def scan(self, person, code):
        """A later one each time: the same code twice within a second is one
        push."""
        self.later = getattr(self, "later", 0) + 1
        message = self.pusher.scan(person.openid, code)
        message["CreateTime"] += self.later
        return person.push(message)

    def test_a_bound_clerk_scans_and_is_told_what_the_purpose_allows(self):
        clerk = self.bound()
        enrolled = self.app.enrol(person=holder(name="王样例"))
        credential = credential_of(enrolled)
        code = self.app.code(credential)["code"]
        asked = self.scan(clerk, code)
        self.assertIn("1 ", asked)
        self.assertIn("2 ", asked)
        number = next(line.split(" ")[0] for line in asked.splitlines()
                      if line.endswith(" train_ticket"))
        self.assertEqual(clerk.says("9"), asked)
        self.assertIn("train_ticket", clerk.says(number))
        self.assertIn("✅ 有效\n王样例", self.scan(clerk, code))
        self.app.change(credential, "suspend")
        self.assertIn("无效", self.scan(clerk, code))
        self.assertIn("无效", self.scan(clerk, "hello"))
        checks = self.rows("SELECT actor, outcome FROM audit "
                           "WHERE event = 'verification'")
        self.assertEqual({actor for actor, _ in checks},
                         {self.daemon.client_id("clerk")})
        self.assertEqual(len(checks), 3)
        self.assertIn("1 ", clerk.says("用途"))

    def test_two_scans_within_one_second_are_two_and_their_copies_none(self):
        clerk = self.bound()
        clerk.copies = 3
        first, second = (self.pusher.scan(clerk.openid, code)
                         for code in ("SID1:A", "SID1:B"))
        other = dict(first, Event="scancode_push")
        pressed = self.pusher.event(clerk.openid, "CLICK", "HELP")
        for message in (first, second, other, pressed):
            message["CreateTime"] = first["CreateTime"]
        before = self.metric('smartidd_wechat_pushes_total{outcome="taken"}')
        shown = [clerk.push(message)
                 for message in (first, second, other, pressed)]
        self.assertEqual(self.metric(
            'smartidd_wechat_pushes_total{outcome="taken"}'), before + 4)
        self.assertIn("1 ", shown[0])
        self.assertEqual(shown[1], shown[0])
        self.assertIn("用途：", clerk.says("1"))
        codes = []
        for text in ("SID1:A", "SID1:B"):
            scan = self.pusher.scan(clerk.openid, text)
            scan["CreateTime"] = codes[0]["CreateTime"] if codes else \
                scan["CreateTime"] + 5
            codes.append(scan)
            self.assertIn("无效", clerk.push(scan))
        self.assertEqual(self.rows("SELECT count(*) FROM audit WHERE "
                                   "event = 'verification'"), [(2,)])

    def test_a_revoked_clerk_is_one_no_longer(self):
        clerk = self.bound()
        self.admin.post("/v1/clients/%s/revoke" %
                        self.daemon.client_id("clerk"), {})
        self.assertIn("没有绑定", self.scan(clerk, "SID1:X"))
        self.assertIn("没有绑定", clerk.says("用途"))


class ClerkWithout(Clerk):
    """An account that allows no purpose."""

    ACCOUNT = {}
    test_a_bound_clerk_scans_and_is_told_what_the_purpose_allows = None
    test_a_revoked_clerk_is_one_no_longer = None
    test_two_scans_within_one_second_are_two_and_their_copies_none = None

    def test_without_a_purpose_nothing_is_checked(self):
        clerk = self.bound()
        self.assertIn("没有可以", self.scan(clerk, "SID1:X"))
        self.assertIn("没有可以", clerk.says("用途"))
        self.assertEqual(self.rows("SELECT count(*) FROM audit "
                                   "WHERE event = 'verification'"), [(0,)])


class Door(ChatCase):
    SHARED = True

    def test_wechat_is_answered_what_it_asks_and_strangers_are_not(self):
        self.assertTrue(self.pusher.verify_url())
        account = self.standin.account
        token, account.token = account.token, "other"
        self.assertFalse(self.pusher.verify_url())
        answer = self.pusher.deliver(self.pusher.text("oX", "办理"))
        self.assertEqual(answer.status, 403)
        account.token = token
        self.assertTrue(self.pusher.verify_url())
        self.pusher.url = self.pusher.url.replace("city", "town")
        answer = self.pusher.deliver(self.pusher.text("oX", "办理"))
        self.assertEqual(answer.status, 404)
        self.assertEqual(self.rows("SELECT count(*) FROM wechat_contact"),
                         [(0,)])
        self.assertGreaterEqual(self.metric(
            'smartidd_wechat_pushes_total{outcome="refused"}'), 2)

    def test_a_body_over_64_kib_is_not_read(self):
        query = self.pusher.signed()
        answer = self.pusher.send("POST", query, "x" * 65537)
        self.assertEqual(answer.status, 413)

    def test_enrolling_by_rest_tells_nobody_in_the_chat(self):
        credential_of(self.app.enrol(person=holder()))
        self.assertEqual(self.rows("SELECT count(*) FROM wechat_outbox"),
                         [(0,)])


class Cities(ChatCase):
    def start(self):
        """With a second city, which has words of its own."""
        folder = self.daemon.folder
        texts = os.path.join(folder, "texts")
        with open(texts, "w", encoding="utf-8") as stream:
            stream.write("help = 小城的帮助\n")
        self.town = Account(app_id="wxtown", token="towntoken",
                            aes_key="jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q"
                                    "2B2C", original_id="gh_town")
        ChatCase.write_account(self, behind="""[wechat.town]
app_id = wxtown
app_secret_file = %s/app_secret
token_file = %s
aes_key_file = %s
api_base = %s
client = %s
texts_file = %s
""" % (folder, secret(folder, "town_token", self.town.token),
            secret(folder, "town_key", self.town.aes_key), self.standin.base,
            self.daemon.client_id("app"), texts))
        ChatCase.start(self)

    def test_two_cities_stand_side_by_side_and_know_nothing_of_each_other(self):
        person = self.person("oBOTH")
        person.begins()
        town = Pusher(self.town, self.pusher.url.replace("city", "town"),
                      "compat", "xml", standin=self.standin)
        self.pusher, city = town, self.pusher
        self.assertEqual(person.says("帮助"), "小城的帮助")
        self.assertIn("还没有进行到", person.sends(photos.photo(1)))
        self.pusher = city
        self.assertIn("您可以回复", person.says("帮助"))
        self.assertIn("自拍照", person.sends(photos.photo(1)))
        # What is signed for one is nothing to the other.
        self.pusher.url = town.url
        self.assertEqual(self.pusher.deliver(
            self.pusher.text("oBOTH", "帮助")).status, 403)


class Refused(ChatCase):
    """Accounts with which the daemon does not start."""

    def start(self):
        pass

    def refuse(self, text, **more):
        self.write_account(**more)
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait_exit(), 78)
        self.daemon.process = None
        self.assertIn(text, self.daemon.log.text())

    def test_an_account_needs_a_client_of_role_app(self):
        clerk = self.daemon.client_id("clerk")
        self.refuse("wechat.city.client: %s is no client of role app" % clerk,
                    client=clerk)

    def test_an_account_has_only_purposes_that_there_are(self):
        self.refuse("there is no purpose hotel", purposes="train_ticket hotel")

    def test_its_secrets_are_nobody_elses_to_read(self):
        self.write_account()
        os.chmod(os.path.join(self.daemon.folder, "token"), 0o644)
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait_exit(), 78)
        self.daemon.process = None
        self.assertIn("token_file: no regular file of this user",
                      self.daemon.log.text())


class Plain(Door):
    MODE, FORM = "plain", "json"


if __name__ == "__main__":
    unittest.main()
