"""Pages inside WeChat: the way out of a chat onto a page and who one is there,
every forged or failed return, clerks who bind their account, the signature of
the JS-SDK."""

import hashlib
import json
import os
import re
import unittest
from urllib.parse import parse_qs, urlsplit

import photos
from harness import Daemon, DaemonCase, credential_of, form, holder
from http_raw import multipart
from wechat_accounts import PAGES, accounts_file, section
from wechat_standin import Account, Pusher, Standin

CITY = "/channels/wechat/city"
VISIT = re.compile(r"^sid_visit=([0-9a-z]{52}); Path=/; HttpOnly; "
                   r"SameSite=Lax; Max-Age=600$")


class Phone:
    """A browser inside WeChat: keeps cookies, follows nothing by itself."""

    def __init__(self, case, openid, account=CITY, extra=None):
        self.daemon, self.standin = case.daemon, case.standin
        self.openid, self.account = openid, account
        self.extra = extra or {}
        self.cookies, self.token = {}, None

    def ask(self, method, path, value=None, headers=None, data=None):
        lines = dict(self.extra, **(headers or {}))
        if self.cookies:
            lines["Cookie"] = "; ".join("%s=%s" % pair
                                        for pair in self.cookies.items())
        if self.token is not None:
            lines["X-CSRF-Token"] = self.token
        if value is not None:
            lines["Content-Type"] = "application/json"
            data = json.dumps(value).encode()
        answer = self.daemon.request(method, path, lines, data)
        if answer.header("set-cookie"):
            name, value = answer.header("set-cookie").split(";")[0] \
                .split("=", 1)
            self.cookies[name] = value
        return answer

    def set_out(self, to):
        """Taps a link; returns the address at WeChat."""
        answer = self.ask("GET", "%s/enter?to=%s" % (self.account, to))
        assert answer.status == 303, answer
        return answer.header("location")

    def state_of(self, to):
        return parse_qs(urlsplit(self.set_out(to)).query)["state"][0]

    def come_back(self, state, code=None, **made):
        if code is None:
            code = self.standin.add_code(self.openid, **made)
        return self.ask("GET", "%s/oauth?code=%s&state=%s" % (
            self.account, code, state))

    def tap(self, to, **made):
        """All the way: returns where it led."""
        answer = self.come_back(self.state_of(to), **made)
        assert answer.status == 303, answer
        return answer.header("location")

    def session(self):
        """What the page asks first."""
        answer = self.ask("GET", "/v1/sessions")
        if answer.status == 200:
            self.token = answer.json()["csrf_token"]
        return answer

    def enrol(self, who, person=None):
        parts = form(person or holder(), *photos.pair(who))
        kind, body = multipart(parts)
        return self.ask("POST", "/v1/enrollments", data=body, headers={
            "Content-Type": kind, "Prefer": "wait=20"})


class PageCase(DaemonCase):
    SETTINGS = {"pages.card": "on", "pages.scan": "on", "pages.enroll": "on",
                "pages.applicant_per_minute": "0",
                "http.trusted_proxies": "127.0.0.1/32"}

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.BINARY, settings=cls.SETTINGS, keys=True)
        cls.addClassCleanup(cls.daemon.close)
        cls.keys = cls.daemon.keys
        cls.standin = Standin()
        cls.addClassCleanup(cls.standin.close)
        other = Account("wx0000000000000002")
        cls.other = Standin(other)
        cls.addClassCleanup(cls.other.close)
        folder = cls.daemon.folder
        client = cls.daemon.client_id("e2e app")
        cls.daemon.env.update({
            "SMARTIDD_PAGES_CLIENT": client,
            "SMARTIDD_WECHAT_ACCOUNTS": accounts_file(
                folder,
                section(folder, "city", cls.standin, page_base=PAGES,
                        client=client),
                section(folder, "town", cls.other, page_base=PAGES,
                        client=client, domain_file=cls.domain_file(folder)),
                section(folder, "chat-only", Standin(
                    Account("wx0000000000000003")), client=client))})
        cls.daemon.start()

    @staticmethod
    def domain_file(folder):
        path = os.path.join(folder, "MP_verify_8Qw3rTy5uI.txt")
        with open(path, "w", encoding="ascii") as out:
            out.write("8Qw3rTy5uI\n")
        return path

    def tearDown(self):
        self.standin.heal()
        super().tearDown()

    def phone(self, openid=None, **options):
        return Phone(self, openid or "o" + self.id()[-26:].rjust(27, "x"),
                     **options)

    def resident(self, who, **options):
        """Somebody who has enrolled by the chat's link."""
        phone = self.phone(**options)
        self.assertEqual(phone.tap("enroll"), "/enroll#wechat")
        self.assertEqual(phone.session().json()["role"], "applicant")
        answer = phone.enrol(who)
        self.assertEqual(answer.status, 201, answer)
        phone.secret = answer.json()["holder_secret"]
        phone.enrolment = answer.json()["id"]
        phone.credential = credential_of(answer.json())
        return phone

    def events(self, name):
        rows = [json.loads(line) for line in
                self.daemon.ctl("audit", "export").stdout.splitlines()]
        return [row for row in rows if row["event"] == name]


class SettingOut(PageCase):
    def test_a_link_leads_to_wechat_with_a_state_of_this_browser(self):
        phone = self.phone()
        answer = phone.ask("GET", CITY + "/enter?to=card")
        self.assertEqual(answer.status, 303)
        self.assertRegex(answer.header("set-cookie"), VISIT)
        self.assertEqual(answer.header("cache-control"), "no-store")
        url = urlsplit(answer.header("location"))
        self.assertEqual(url._replace(query="").geturl(),
                         "https://open.weixin.qq.com/connect/oauth2/"
                         "authorize#wechat_redirect")
        asked = parse_qs(url.query)
        self.assertEqual(asked.pop("state")[0].strip("0123456789abcdefghjkmnp"
                                                     "qrstvwxyz"), "")
        self.assertEqual(asked, {
            "appid": [self.standin.account.app_id],
            "redirect_uri": [PAGES + CITY + "/oauth"],
            "response_type": ["code"], "scope": ["snsapi_base"]})
        self.assertNotIn(phone.cookies["sid_visit"], url.query)

    def test_behind_tls_its_cookie_is_the_hosts_own(self):
        phone = self.phone(extra={"X-Forwarded-Proto": "https"})
        answer = phone.ask("GET", CITY + "/enter?to=card")
        self.assertRegex(answer.header("set-cookie"),
                         "^__Host-sid_visit=.*; Secure$")

    def test_there_is_no_way_to_what_is_not_there(self):
        for path in ("/channels/wechat/village/enter?to=card",
                     "/channels/wechat/village/oauth?code=a&state=b",
                     "/channels/wechat/chat-only/enter?to=card",
                     "/channels/wechat/%s/enter?to=card" % ("x" * 40)):
            self.assert_problem(self.phone().ask("GET", path), 404,
                                "not_found")

    def test_only_three_pages_are_meant(self):
        for query, field, code in (("", "to", "field_missing"),
                                   ("?to=console", "to", "field_invalid"),
                                   ("?to=card&a=b", "a", "field_unknown")):
            answer = self.phone().ask("GET", CITY + "/enter" + query)
            self.assert_problem(answer, 422, code)
            self.assertEqual(answer.json()["field"], field)


class ComingBack(PageCase):
    def refused(self, answer, where="/card#wechat=again"):
        self.assertEqual((answer.status, answer.header("location")),
                         (303, where))
        self.assertIsNone(answer.header("set-cookie"))

    def test_a_wrong_state_asks_wechat_for_nothing(self):
        phone = self.phone()
        state = phone.state_of("card")
        before = self.standin.count("/sns/oauth2/access_token")
        wrong = ("0" if state[0] != "0" else "1") + state[1:]
        self.refused(phone.come_back(wrong))
        self.refused(phone.ask("GET", CITY + "/oauth?code=abc"))
        self.refused(phone.ask("GET", CITY + "/oauth"))
        self.assertEqual(self.standin.count("/sns/oauth2/access_token"),
                         before)

    def test_a_state_is_good_once(self):
        phone = self.phone()
        state = phone.state_of("enroll")
        self.assertEqual(phone.come_back(state).header("location"),
                         "/enroll#wechat")
        self.refused(phone.come_back(state))

    def test_a_state_of_another_browser_is_none(self):
        mine, other = self.phone("openid-mine"), self.phone("openid-other")
        state = mine.state_of("card")
        self.refused(other.come_back(state))  # has none
        other.set_out("card")
        self.refused(other.come_back(state))  # has another one

    def test_a_state_of_another_account_is_none(self):
        phone = self.phone()
        state = phone.state_of("card")
        phone.account = "/channels/wechat/town"
        # A code that the other account's WeChat would take.
        code = self.other.add_code(phone.openid)
        before = self.other.count("/sns/oauth2/access_token")
        self.refused(phone.come_back(state, code))
        self.assertEqual(self.other.count("/sns/oauth2/access_token"), before)

    def test_a_state_is_good_for_ten_minutes(self):
        phone = self.phone()
        self.daemon.set_clock(self.daemon.shift)
        state = phone.state_of("card")
        self.daemon.set_clock(self.daemon.shift + 601)
        self.refused(phone.come_back(state))

    def test_a_snapshot_visitor_is_told_what_to_tap(self):
        phone = self.phone()
        answer = phone.come_back(phone.state_of("card"), snapshot=True)
        self.refused(answer, "/card#wechat=snapshot")
        self.assertIn(b'smartidd_wechat_visits_total{end="snapshot"} 1\n',
                      self.daemon.request("GET", "/metrics").body)

    def test_a_code_that_wechat_does_not_know_is_no_proof(self):
        phone = self.phone()
        self.refused(phone.come_back(phone.state_of("enroll"), code="f" * 32),
                     "/enroll#wechat=again")

    def test_a_code_of_no_form_is_no_proof(self):
        phone = self.phone()
        self.refused(phone.come_back(phone.state_of("card"), code="x" * 300))

    def test_when_wechat_is_down_the_page_says_so(self):
        phone = self.phone()
        state = phone.state_of("card")
        self.standin.fail("503", "/sns/oauth2/access_token")
        self.refused(phone.come_back(state), "/card#wechat=down")

    def test_a_secret_that_wechat_refuses_is_not_the_persons_fault(self):
        phone = self.phone()
        state = phone.state_of("card")
        self.standin.fail("errcode", "/sns/oauth2/access_token", value=40125)
        self.refused(phone.come_back(state), "/card#wechat=down")


class Resident(PageCase):
    def test_who_enrols_by_the_link_is_bound_and_sees_the_card(self):
        phone = self.resident(1)
        self.assertEqual(phone.tap("card"), "/card#wechat")
        told = phone.session().json()
        self.assertEqual((told["role"], told["enrollment_id"],
                          told["credential_id"], told["wechat"]),
                         ("holder", phone.enrolment, phone.credential, "city"))
        path = "/v1/credentials/" + phone.credential
        self.assertEqual(phone.ask("GET", path).json()["state"], "active")
        self.assertEqual(phone.ask("GET", path + "/code").status, 200)
        # /enroll has nothing to enrol any more.
        self.assertEqual(phone.tap("enroll"), "/card#wechat")

    def test_a_session_may_what_the_holders_secret_may(self):
        phone = self.resident(2)
        phone.tap("card")
        phone.session()
        path = "/v1/credentials/" + phone.credential
        for step in ("suspend", "resume"):
            self.assertEqual(phone.ask("POST", path + "/" + step, {}).status,
                             200)
        self.assertEqual(phone.ask("GET", path + "/checks").status, 200)
        self.assertEqual(
            phone.ask("DELETE", "/v1/enrollments/" + phone.enrolment).status,
            204)
        self.assert_problem(phone.ask("GET", path), 404, "not_found")

    def test_without_the_token_nothing_is_changed(self):
        phone = self.resident(3)
        phone.tap("card")
        phone.token = None
        path = "/v1/credentials/%s/suspend" % phone.credential
        self.assert_problem(phone.ask("POST", path, {}), 403, "csrf")
        phone.session()
        self.assert_problem(
            phone.ask("POST", path, {}, headers={"Host": "id.example",
                                                 "Origin": "https://evil"}),
            403, "foreign_origin")

    def test_a_session_may_no_more_than_that(self):
        phone, other = self.resident(4), self.resident(5, openid="openid-five")
        phone.tap("card")
        phone.session()
        self.assert_problem(
            phone.ask("GET", "/v1/credentials/" + other.credential),
            404, "not_found")
        self.assert_problem(
            phone.ask("POST", "/v1/verifications",
                      {"code": "SID1:", "purpose": "train_ticket"}),
            403, "forbidden")
        self.assert_problem(phone.ask("POST", "/v1/challenges", {}), 403,
                            "forbidden")

    def test_a_forwarded_link_shows_the_receivers_own_card(self):
        sender = self.resident(6)
        sender.tap("card")
        receiver = self.resident(7, openid="openid-seven")
        # The very same address, opened by somebody else.
        self.assertEqual(receiver.tap("card"), "/card#wechat")
        self.assertEqual(receiver.session().json()["credential_id"],
                         receiver.credential)
        stranger = self.phone("openid-stranger")
        self.assertEqual(stranger.tap("card"), "/enroll#wechat")
        told = stranger.session().json()
        self.assertEqual(told["role"], "applicant")
        self.assertNotIn("credential_id", told)

    def test_an_account_does_not_know_who_was_bound_to_another(self):
        phone = self.resident(8)
        phone.account, phone.standin = "/channels/wechat/town", self.other
        self.assertEqual(phone.tap("card"), "/enroll#wechat")

    def test_while_it_is_looked_at_the_page_follows_the_enrolment(self):
        phone = self.phone()
        phone.tap("enroll")
        phone.session()
        parts = form(holder(), photos.photo(9),
                     photos.photo(9, photos.UNCLEAR))
        kind, body = multipart(parts)
        sent = phone.ask("POST", "/v1/enrollments", data=body, headers={
            "Content-Type": kind, "Prefer": "wait=20"})
        self.assertEqual(sent.json()["state"], "review", sent)
        self.assertEqual(phone.tap("card"), "/enroll#wechat")
        told = phone.session().json()
        self.assertEqual(told["role"], "holder")
        self.assertNotIn("credential_id", told)
        found = phone.ask("GET", "/v1/enrollments/" + told["enrollment_id"])
        self.assertEqual(found.json()["state"], "review")

    def test_a_new_phone_ends_the_session(self):
        phone = self.resident(10)
        phone.tap("card")
        phone.session()
        path = "/v1/credentials/" + phone.credential
        self.daemon.api(self.keys["app"]).recover(phone.credential,
                                                  photos.photo(10))
        self.assert_problem(phone.ask("GET", path), 404, "not_found")

    def recover(self, phone, number, who):
        """As /card does it, after a link of /enroll."""
        phone.session()
        opened = phone.ask("POST", "/v1/sessions", {"page": "enroll"})
        self.assertEqual(opened.status, 201, opened)
        phone.token = opened.json()["csrf_token"]
        kind, body = multipart([
            ("id_number", None, number.encode()),
            ("selfie", "image/png", photos.photo(who), "s.png")])
        answer = phone.ask("POST", "/v1/recoveries", data=body,
                           headers={"Content-Type": kind})
        self.assertEqual(answer.status, 200, answer)
        return opened.json(), answer.json()

    def told(self, phone):
        with self.standin.lock:
            return [content for openid, _, content in self.standin.sent
                    if openid == phone.openid]

    def test_r_a_recovery_on_a_page_in_wechat_binds_that_chat_anew(self):
        old = self.phone("openid-old")
        old.tap("enroll")
        old.session()
        person = holder()
        answer = old.enrol(20, person)
        self.assertEqual(answer.status, 201, answer)
        credential = credential_of(answer.json())
        new = self.phone("openid-new")
        self.assertEqual(new.tap("card"), "/enroll#wechat")
        opened, answer = self.recover(new, person["id_number"], 20)
        self.assertEqual(opened["wechat"], "city")
        self.assertTrue(answer["recovered"], answer)
        self.assertEqual(new.tap("card"), "/card#wechat")
        self.assertEqual(new.session().json()["credential_id"], credential)
        self.assertEqual(new.ask(
            "GET", "/v1/credentials/%s/code" % credential).status, 200)
        self.assertEqual(old.tap("card"), "/enroll#wechat")
        self.assertTrue(self.standin.wait(lambda: len(self.told(old)) == 2))
        self.assertIn("另一部手机", self.told(old)[1])
        self.assertEqual(self.told(new), [])
        bound = [row["outcome"] for row in self.events("wechat_bound")
                 if row["subject"] == answer["credential"]["enrollment_id"]]
        self.assertEqual(bound, ["bound", "parted", "bound"])

    def test_a_wrong_face_on_a_page_in_wechat_moves_nothing(self):
        old = self.phone("openid-stays")
        old.tap("enroll")
        old.session()
        person = holder()
        old.enrol(22, person)
        new = self.phone("openid-thief")
        new.tap("card")
        _, answer = self.recover(new, person["id_number"], 23)
        self.assertFalse(answer["recovered"])
        self.assertEqual(new.tap("card"), "/enroll#wechat")
        self.assertEqual(old.tap("card"), "/card#wechat")

    def test_r_another_try_on_the_page_is_bound_to_the_chat_as_well(self):
        phone = self.phone()
        phone.tap("enroll")
        phone.session()
        kind, body = multipart(form(holder(), *photos.pair(
            27, selfie_flaw=photos.BLURRED)))
        first = phone.ask("POST", "/v1/enrollments", data=body, headers={
            "Content-Type": kind, "Prefer": "wait=20"})
        self.assertEqual(first.json()["state"], "rejected", first)
        self.assertEqual(phone.tap("enroll"), "/enroll#wechat")
        self.assertEqual(phone.session().json()["role"], "holder")
        opened = phone.ask("POST", "/v1/sessions", {"page": "enroll"})
        phone.token = opened.json()["csrf_token"]
        self.assertEqual(opened.json()["wechat"], "city")
        answer = phone.enrol(28)
        self.assertEqual(answer.json()["state"], "approved", answer)
        self.assertEqual(phone.tap("card"), "/card#wechat")

    def test_of_a_holder_a_new_page_session_keeps_no_chat(self):
        phone = self.resident(24)
        phone.tap("card")
        phone.session()
        opened = phone.ask("POST", "/v1/sessions", {"page": "enroll"})
        self.assertEqual(opened.json()["role"], "applicant")
        self.assertNotIn("wechat", opened.json())

    def push(self, event, openid):
        """Something happens at the account."""
        pusher = Pusher(self.standin.account, "http://127.0.0.1:%d%s" % (
            self.daemon.port, CITY), standin=self.standin)
        answer = pusher.deliver(pusher.event(openid, event))
        self.assertEqual(answer.status, 200)

    def test_r_who_stops_following_is_signed_out_everywhere(self):
        phone = self.resident(25)
        phone.tap("card")
        other = self.resident(26, openid="openid-that-stays")
        other.tap("card")
        applicant = self.phone("openid-of-nobody-yet")
        applicant.tap("enroll")
        for one in (phone, other, applicant):
            self.assertEqual(one.session().status, 200)
        self.push("subscribe", phone.openid)
        self.assertEqual(phone.session().status, 200)
        for one in (phone, applicant):
            self.push("unsubscribe", one.openid)
        path = "/v1/credentials/%s" % phone.credential
        self.assert_problem(phone.ask("GET", path), 401, "unauthenticated")
        self.assert_problem(phone.session(), 401, "unauthenticated")
        self.assert_problem(applicant.session(), 401, "unauthenticated")
        self.assertEqual(other.session().status, 200)
        # The link leads in again, as somebody new.
        self.assertEqual(phone.tap("card"), "/enroll#wechat")

    def test_who_signs_out_is_signed_out(self):
        phone = self.resident(11)
        phone.tap("card")
        phone.session()
        self.assertEqual(phone.ask("DELETE", "/v1/sessions").status, 204)
        self.assert_problem(phone.session(), 401, "unauthenticated")

    def test_it_is_written_down_by_account_and_never_by_openid(self):
        phone = self.resident(12, openid="openid-that-nobody-may-see")
        phone.tap("card")
        phone.session()
        phone.ask("POST", "/v1/credentials/%s/suspend" % phone.credential, {})
        opened = [row for row in self.events("session_opened")
                  if row["subject"] == phone.enrolment]
        self.assertEqual([(row["actor"], row["detail"]) for row in opened],
                         [("wechat:city", {"source": "loopback"})])
        suspended = [row for row in self.events("credential_suspended")
                     if row["subject"] == phone.credential]
        self.assertEqual([row["actor"] for row in suspended],
                         ["wechat:city"])
        everything = self.daemon.ctl("audit", "export").stdout + \
            self.daemon.log.text() + \
            self.daemon.request("GET", "/metrics").body.decode()
        self.assertNotIn(phone.openid, everything)
        with open(self.daemon.database, "rb") as stream:
            self.assertNotIn(phone.openid.encode(), stream.read())


class Clerk(PageCase):
    def clerk(self, **options):
        phone = self.phone(**options)
        self.assertEqual(phone.tap("scan"), "/scan#wechat")
        self.assertEqual(phone.session().json()["role"], "visitor")
        answer = phone.ask("POST", "/v1/sessions",
                           {"key": self.keys["clerk"]})
        self.assertEqual(answer.status, 201, answer)
        phone.token = answer.json()["csrf_token"]
        self.assertEqual(answer.json()["wechat"], "city")
        return phone

    def test_a_visitor_may_nothing(self):
        phone = self.phone()
        phone.tap("scan")
        phone.session()
        for path in ("/v1/verifications", "/v1/sessions/wechat",
                     "/v1/challenges"):
            self.assert_problem(phone.ask("POST", path, {}), 403, "forbidden")

    def test_a_clerk_binds_the_chat_and_parts_it_again(self):
        phone = self.clerk()
        for _ in range(2):
            self.assertEqual(phone.ask("POST", "/v1/sessions/wechat").status,
                             204)
        self.assertEqual(phone.ask("DELETE", "/v1/sessions/wechat").status,
                         204)
        self.assert_problem(phone.ask("DELETE", "/v1/sessions/wechat"), 404,
                            "not_found")

    def test_who_came_another_way_has_no_chat_to_bind(self):
        phone = self.phone()
        phone.token = phone.ask("POST", "/v1/sessions", {
            "key": self.keys["clerk"]}).json()["csrf_token"]
        self.assert_problem(phone.ask("POST", "/v1/sessions/wechat"), 409,
                            "conflict")
        self.assert_problem(self.daemon.request(
            "POST", "/v1/sessions/wechat",
            {"Authorization": "Bearer " + self.keys["clerk"]}), 409,
            "conflict")


class Scripts(PageCase):
    def ask(self, query, account=CITY):
        return self.daemon.request("GET", account + "/jssdk" + query)

    def test_a_page_of_ours_is_signed(self):
        answer = self.ask("?page=scan")
        self.assertEqual(answer.status, 200, answer)
        told = answer.json()
        self.assertEqual(told["app_id"], self.standin.account.app_id)
        text = "jsapi_ticket=TICKET_%d&noncestr=%s&timestamp=%d&url=%s" % (
            self.standin.count("/cgi-bin/ticket/getticket"), told["nonce"],
            told["timestamp"], PAGES + "/scan")
        self.assertEqual(told["signature"],
                         hashlib.sha1(text.encode()).hexdigest())
        self.assertNotEqual(self.ask("?page=scan").json()["nonce"],
                            told["nonce"])

    def test_nobody_elses_page_is_signed(self):
        for query, code in (("?page=console", "field_invalid"),
                            ("?page=scan.evil.example", "field_invalid"),
                            ("?page=scan&url=b", "field_unknown"),
                            ("", "field_missing")):
            self.assert_problem(self.ask(query), 422, code)
        self.assert_problem(self.ask(
            "?page=scan", "/channels/wechat/chat-only"), 404, "not_found")

    def test_the_file_by_which_wechat_knows_the_domain_is_served(self):
        answer = self.daemon.request("GET", "/MP_verify_8Qw3rTy5uI.txt")
        self.assertEqual((answer.status, answer.body), (200, b"8Qw3rTy5uI"))
        self.assertEqual(answer.header("content-type"),
                         "text/plain; charset=utf-8")
        for name in ("MP_verify_8Qw3rTy5uJ.txt", "MP_verify_.txt",
                     "MP_verify_8Qw3rTy5uI.txt/", "MP_verify_"):
            self.assert_problem(self.daemon.request("GET", "/" + name), 404,
                                "not_found")

    def test_without_wechat_the_page_does_without_it(self):
        self.other.fail("503")
        self.assert_problem(self.ask("?page=scan", "/channels/wechat/town"),
                            503, "api_unreachable")


class Off(DaemonCase):
    SETTINGS = {"pages.card": "on"}

    def test_without_accounts_there_is_no_channel(self):
        for path in ("enter?to=card", "oauth?code=a&state=b", "jssdk?page=scan"):
            self.assert_problem(self.daemon.request(
                "GET", CITY + "/" + path), 404, "not_found")


if __name__ == "__main__":
    unittest.main()
