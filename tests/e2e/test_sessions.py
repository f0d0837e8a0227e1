"""Sessions of the pages: signing in, what a session may do (never more than
its key), every refusal, and how it ends."""

import json
import re
import unittest

import photos
from front import Front
from harness import Daemon, DaemonCase, form, holder
from http_raw import multipart

COOKIE = re.compile(r"^sid_session=([0-9a-z]{52}); Path=/; HttpOnly; "
                    r"SameSite=Strict; Max-Age=28800$")
PAGES = {"pages.scan": "on", "pages.console": "on",
         "http.trusted_proxies": "127.0.0.1/32"}
HOST = "localhost"


class Browser:
    """Keeps a cookie and a token, as a page does."""

    def __init__(self, daemon, name="sid_session", extra=None):
        self.daemon = daemon
        self.name = name
        self.cookie = None
        self.token = None
        self.extra = extra or {}

    def ask(self, method, path, value=None, headers=None, data=None):
        lines = dict(self.extra)
        if self.cookie is not None:
            lines["Cookie"] = "other=1; %s=%s" % (self.name, self.cookie)
        if self.token is not None:
            lines["X-CSRF-Token"] = self.token
        if value is not None:
            lines["Content-Type"] = "application/json"
            data = json.dumps(value).encode()
        lines.update(headers or {})
        lines = {k: v for k, v in lines.items() if v is not None}
        return self.daemon.request(method, path, lines, data)

    def sign_in(self, value):
        answer = self.ask("POST", "/v1/sessions", value)
        if answer.status == 201:
            self.take(answer)
        return answer

    def take(self, answer):
        pair = answer.header("set-cookie").split(";")[0]
        self.name, self.cookie = pair.split("=", 1)
        self.token = answer.json()["csrf_token"]


class SessionCase(DaemonCase):
    SETTINGS = PAGES

    def browser(self, role="clerk"):
        one = Browser(self.daemon)
        answer = one.sign_in({"key": self.keys[role]})
        self.assertEqual(answer.status, 201, answer)
        return one

    def check(self, browser, **headers):
        """A check of something that is no code."""
        return browser.ask("POST", "/v1/verifications",
                           {"code": "SID1:", "purpose": "train_ticket"},
                           headers=headers)


class Counted(SessionCase):
    def test_sessions_and_what_is_refused_of_them_are_counted(self):
        one = self.browser()
        one.ask("GET", "/v1/sessions", headers={"Origin": "null"})
        one.token = None
        self.check(one)
        text = self.daemon.request("GET", "/metrics").body.decode()
        for line in ('smartidd_sessions_opened_total{by="key"} 1',
                     'smartidd_session_refusals_total{reason="csrf"} 1',
                     'smartidd_session_refusals_total'
                     '{reason="foreign_origin"} 1'):
            self.assertIn(line + "\n", text)


class SigningIn(SessionCase):
    def test_a_clerk_is_told_what_the_page_needs(self):
        answer = Browser(self.daemon).sign_in({"key": self.keys["clerk"]})
        self.assertEqual(answer.status, 201)
        self.assertRegex(answer.header("set-cookie"), COOKIE)
        self.assertEqual(answer.header("cache-control"), "no-store")
        told = answer.json()
        self.assertEqual(told["role"], "clerk")
        self.assertEqual(told["idle_s"], 1800)
        self.assertRegex(told["csrf_token"], "^[0-9a-z]{52}$")
        hotel = [p for p in told["purposes"] if p["name"] == "hotel_check_in"]
        self.assertEqual(set(hotel[0]), {"name", "tells", "code", "assurance",
                                         "counter", "portrait", "face"})
        self.assertIn(hotel[0]["code"], ("any", "live"))
        self.assertIs(hotel[0]["portrait"], "portrait" in hotel[0]["tells"])

    def test_a_clerk_sees_the_granted_purposes_only(self):
        key = self.daemon.add_client("clerk", "one purpose",
                                     purposes=["train_ticket"])
        told = Browser(self.daemon).sign_in({"key": key}).json()
        self.assertEqual([p["name"] for p in told["purposes"]],
                         ["train_ticket"])

    def test_officers_and_admins_have_no_purposes(self):
        for role in ("officer", "admin"):
            told = Browser(self.daemon).sign_in(
                {"key": self.keys[role]}).json()
            self.assertEqual((told["role"], told["purposes"]), (role, []))

    def test_the_present_session_is_told_again(self):
        one = self.browser()
        first = one.ask("GET", "/v1/sessions")
        self.assertEqual(first.status, 200)
        self.assertEqual(first.json()["csrf_token"], one.token)
        self.assertIsNone(first.header("set-cookie"))

    def test_who_has_none_is_told_so(self):
        self.assert_problem(Browser(self.daemon).ask("GET", "/v1/sessions"),
                            401, "unauthenticated")

    def test_a_key_in_the_head_is_no_session(self):
        one = self.browser()
        self.assert_problem(
            one.ask("GET", "/v1/sessions",
                    headers={"Authorization": "Bearer " + self.keys["clerk"]}),
            401, "unauthenticated")

    def test_an_app_has_no_page(self):
        self.assert_problem(
            Browser(self.daemon).sign_in({"key": self.keys["app"]}),
            403, "forbidden")

    def test_a_persons_secret_is_no_key(self):
        self.assert_problem(
            Browser(self.daemon).sign_in({"key": "sidh_" + "0" * 52}),
            403, "forbidden")

    def test_a_wrong_key_is_refused_and_written_down(self):
        wrong = self.keys["clerk"][:-1] + (
            "0" if self.keys["clerk"][-1] != "0" else "1")
        answer = Browser(self.daemon).sign_in({"key": wrong})
        self.assert_problem(answer, 401, "unauthenticated")
        self.assertIsNone(answer.header("set-cookie"))

    def test_the_body_is_a_key_or_a_page(self):
        for value, status, code, field in (
                ({}, 422, "field_missing", "key"),
                ({"key": 1}, 422, "field_invalid", "key"),
                ({"key": "x" * 200}, 422, "field_invalid", "key"),
                ({"page": "scan"}, 422, "field_invalid", "page"),
                ({"key": "x", "page": "enroll"}, 422, "field_invalid",
                 "page"),
                ({"name": "x"}, 422, "field_unknown", "name")):
            with self.subTest(value=value):
                answer = Browser(self.daemon).ask("POST", "/v1/sessions",
                                                  value)
                self.assert_problem(answer, status, code)
                self.assertEqual(answer.json()["field"], field)

    def test_the_page_to_enrol_is_off_here(self):
        self.assert_problem(Browser(self.daemon).sign_in({"page": "enroll"}),
                            404, "not_found")

    def test_behind_tls_the_cookie_is_secure_and_of_this_host(self):
        tls = {"X-Forwarded-Proto": "https"}
        one = Browser(self.daemon, extra=tls)
        answer = one.sign_in({"key": self.keys["clerk"]})
        line = answer.header("set-cookie")
        self.assertTrue(line.startswith("__Host-sid_session="), line)
        self.assertTrue(line.endswith("; Secure"), line)
        self.assertEqual(one.ask("GET", "/v1/sessions").status, 200)
        # A cookie that a subdomain or plain HTTP could have set.
        one.name = "sid_session"
        self.assertEqual(one.ask("GET", "/v1/sessions").status, 401)

    def test_signing_in_from_another_origin_is_refused(self):
        one = Browser(self.daemon, extra={"Origin": "https://evil.example"})
        answer = one.sign_in({"key": self.keys["clerk"]})
        self.assert_problem(answer, 403, "foreign_origin")


class Using(SessionCase):
    def test_a_session_does_what_its_key_may(self):
        one = self.browser()
        self.assertEqual(self.check(one).status, 200)
        officer = self.browser("officer")
        self.assertEqual(officer.ask("GET", "/v1/disputes").status, 200)
        admin = self.browser("admin")
        self.assertEqual(admin.ask("GET", "/v1/clients").status, 200)

    def test_it_does_nothing_else(self):
        one = self.browser()
        for method, path, value in (
                ("GET", "/v1/disputes", None), ("GET", "/v1/clients", None),
                ("POST", "/v1/challenges", {}),
                ("POST", "/v1/keys/rotate", {"use": "code"})):
            with self.subTest(path=path):
                self.assert_problem(one.ask(method, path, value), 403,
                                    "forbidden")

    def test_a_check_is_its_clients(self):
        enrolment, credential = self.approved(who=1)
        code = self.app.code(credential)["code"]
        answer = self.browser().ask(
            "POST", "/v1/verifications",
            {"code": code, "purpose": "hotel_check_in"})
        self.assertEqual(answer.json()["result"], "valid")
        seen = self.daemon.api(enrolment["holder_secret"]).get(
            "/v1/credentials/%s/checks" % credential).json()["checks"]
        self.assertEqual(seen[0]["id"], answer.json()["id"])

    def test_what_changes_something_needs_the_token(self):
        one = self.browser()
        good = one.token
        for token in (None, "", good[:-1], good + "0", "0" * 52,
                      self.browser().token):
            with self.subTest(token=token):
                one.token = token
                self.assert_problem(self.check(one), 403, "csrf")
                self.assert_problem(one.ask("DELETE", "/v1/sessions"), 403,
                                    "csrf")
        one.token = None
        self.assertEqual(one.ask("GET", "/v1/sessions").status, 200)
        one.token = good
        self.assertEqual(self.check(one).status, 200)

    def test_a_page_of_another_origin_is_refused(self):
        one = self.browser()
        for origin in ("null", "https://evil.example", "https://localhost:1",
                       "https://localhost.evil", "ftp://localhost", "",
                       "https://evil.example:443", "http://localhost:443"):
            with self.subTest(origin=origin):
                self.assert_problem(self.check(one, Origin=origin), 403,
                                    "foreign_origin")
                self.assert_problem(
                    one.ask("GET", "/v1/sessions",
                            headers={"Origin": origin}), 403, "foreign_origin")
        for origin, host in (("https://localhost", HOST),
                             ("http://localhost", HOST),
                             ("https://LOCALHOST:443", HOST),
                             ("https://localhost", "localhost:443"),
                             ("http://localhost:81", "localhost:81"),
                             ("https://[::1]", "[::1]"),
                             ("https://[::1]:7", "[::1]:7")):
            with self.subTest(origin=origin, host=host):
                self.assertEqual(
                    self.check(one, Origin=origin, Host=host).status, 200)
        # Behind TLS only a page that came by TLS is ours.
        tls = Browser(self.daemon, extra={"X-Forwarded-Proto": "https"})
        tls.sign_in({"key": self.keys["clerk"]})
        self.assert_problem(self.check(tls, Origin="http://localhost"), 403,
                            "foreign_origin")
        self.assertEqual(self.check(tls, Origin="https://localhost").status,
                         200)

    def test_a_key_in_the_head_goes_before_the_cookie(self):
        one = self.browser("officer")
        one.token = None
        answer = self.check(one, Authorization="Bearer " + self.keys["clerk"])
        self.assertEqual(answer.status, 200)
        self.assert_problem(
            self.check(one, Authorization="Bearer sidk_wrong"), 401,
            "unauthenticated")

    def test_a_cookie_that_is_none_opens_nothing(self):
        one = self.browser()
        good = one.cookie
        for cookie in ("0" * 52, good[:-1], good + "0", "",
                       good + "; sid_session=" + good, good.upper()):
            with self.subTest(cookie=cookie):
                one.cookie = cookie
                self.assert_problem(self.check(one), 401, "unauthenticated")
        one.cookie = good
        self.assertEqual(self.check(one).status, 200)

    def test_of_two_cookie_lines_none_counts(self):
        one = self.browser()
        line = ("Cookie", "sid_session=" + one.cookie)
        for lines, status in (([line], 200), ([("Cookie", "a=b"), line], 401),
                              ([line, line], 401), ([line] * 3, 401)):
            with self.daemon.connect() as connection:
                answer = connection.request("GET", "/v1/sessions", lines)
            self.assertEqual(answer.status, status, lines)

    def test_no_secret_of_a_session_is_logged(self):
        one = self.browser()
        self.check(one)
        one.ask("DELETE", "/v1/sessions")
        text = self.daemon.log.text()
        for secret in (one.cookie, one.token, self.keys["clerk"]):
            self.assertNotIn(secret, text)

    def test_nginx_makes_the_session_one_of_tls(self):
        front = Front(self.daemon)
        self.addCleanup(front.close)
        host = "localhost:%d" % front.port
        with front.connect() as connection:
            lines = {"Content-Type": "application/json", "Host": host,
                     "Origin": "https://" + host}
            answer = connection.request(
                "POST", "/v1/sessions", lines,
                json.dumps({"key": self.keys["clerk"]}).encode())
            self.assertEqual(answer.status, 201, answer)
            cookie = answer.header("set-cookie").split(";")[0]
            self.assertTrue(cookie.startswith("__Host-"))
            lines.update({"Cookie": cookie,
                          "X-CSRF-Token": answer.json()["csrf_token"]})
            body = json.dumps({"code": "SID1:",
                               "purpose": "train_ticket"}).encode()
            self.assertEqual(connection.request(
                "POST", "/v1/verifications", lines, body).status, 200)
            lines["Origin"] = "https://elsewhere"
            self.assert_problem(connection.request(
                "POST", "/v1/verifications", lines, body), 403,
                "foreign_origin")


class Ending(SessionCase):
    def test_signing_out_ends_it(self):
        one = self.browser()
        answer = one.ask("DELETE", "/v1/sessions")
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.header("set-cookie"),
                         "sid_session=; Path=/; HttpOnly; SameSite=Strict; "
                         "Max-Age=0")
        self.assert_problem(self.check(one), 401, "unauthenticated")
        self.assertEqual(one.ask("DELETE", "/v1/sessions").status, 204)

    def test_a_revoked_key_takes_its_sessions_along(self):
        key = self.daemon.add_client("officer", "to be revoked")
        one = Browser(self.daemon)
        one.sign_in({"key": key})
        self.assertEqual(one.ask("GET", "/v1/disputes").status, 200)
        self.daemon.ctl("client", "revoke",
                        self.daemon.client_id("to be revoked"))
        self.assert_problem(one.ask("GET", "/v1/disputes"), 401,
                            "unauthenticated")

    def test_a_key_of_an_office_opens_nothing_elsewhere(self):
        key = self.daemon.add_client("clerk", "bound",
                                     networks=["10.0.0.0/8"])
        home = {"X-Forwarded-For": "10.1.2.3"}
        one = Browser(self.daemon, extra=home)
        one.sign_in({"key": key})
        self.assertEqual(self.check(one).status, 200)
        one.extra = {"X-Forwarded-For": "192.0.2.1"}
        self.assert_problem(self.check(one), 401, "unauthenticated")

    def test_its_quota_is_the_keys(self):
        key = self.daemon.add_client("clerk", "seldom", per_minute=3)
        one = Browser(self.daemon)
        one.sign_in({"key": key})
        found = [self.check(one).status for _ in range(4)]
        self.assertEqual(found, [200, 200, 429, 429])

    def test_it_is_written_down_by_client(self):
        key = self.daemon.add_client("clerk", "noted")
        client = self.daemon.client_id("noted")
        one = Browser(self.daemon)
        one.sign_in({"key": key})
        one.ask("DELETE", "/v1/sessions")
        rows = [json.loads(line) for line in
                self.daemon.ctl("audit", "export").stdout.splitlines()]
        mine = [(r["event"], r["outcome"], r["detail"]) for r in rows
                if r["actor"] == client]
        self.assertEqual(mine, [
            ("session_opened", "done", {"source": "loopback"}),
            ("session_closed", "done", {"source": "loopback"})])


class Time(SessionCase):
    def test_who_does_nothing_is_signed_out(self):
        # The daemon's time never falls, whatever test came before.
        self.daemon.set_clock(100000)
        one = self.browser()
        self.daemon.set_clock(101700)
        self.assertEqual(self.check(one).status, 200)
        self.daemon.set_clock(101700 + 1790)
        self.assertEqual(self.check(one).status, 200)
        self.daemon.set_clock(101700 + 1790 + 1801)
        self.assert_problem(self.check(one), 401, "unauthenticated")

    def test_nobody_is_signed_in_for_ever(self):
        self.daemon.set_clock(10000)
        one = self.browser()
        for at in range(10000, 10000 + 28800, 1700):
            self.daemon.set_clock(at)
            self.assertEqual(self.check(one).status, 200)
        self.daemon.set_clock(10000 + 28801)
        self.assert_problem(self.check(one), 401, "unauthenticated")

    def test_z_a_restart_signs_everybody_out(self):
        one = self.browser()
        self.daemon.restart()
        self.assert_problem(self.check(one), 401, "unauthenticated")


class Limited(SessionCase):
    SETTINGS = dict(PAGES, **{"limits.auth_failures_per_minute": "3"})

    def test_wrong_keys_are_limited_as_anywhere(self):
        wrong = "sidk_" + "0" * 12 + "_" + "0" * 52
        here = {"X-Forwarded-For": "192.0.2.9"}
        found = [Browser(self.daemon, extra=here).sign_in({"key": wrong})
                 for _ in range(5)]
        self.assertEqual([a.status for a in found],
                         [401, 401, 401, 429, 429])
        self.assertGreater(int(found[-1].header("retry-after")), 0)
        # A good key passes all the while.
        good = Browser(self.daemon, extra=here).sign_in(
            {"key": self.keys["clerk"]})
        self.assertEqual(good.status, 201)

    def test_a_cookie_that_is_old_is_no_wrong_key(self):
        one = Browser(self.daemon, extra={"X-Forwarded-For": "192.0.2.10"})
        one.cookie, one.token = "0" * 52, "0" * 52
        for _ in range(6):
            self.assertEqual(self.check(one).status, 401)


class Switched(SessionCase):
    def test_a_page_that_is_switched_off_ends_its_sessions(self):
        with open(self.daemon.config, "a", encoding="utf-8") as out:
            out.write("\n[pages]\nscan = on\nconsole = on\n")
        for name in ("SCAN", "CONSOLE"):
            del self.daemon.env["SMARTIDD_PAGES_" + name]
        self.daemon.restart()
        clerk, officer = self.browser(), self.browser("officer")
        with open(self.daemon.config, encoding="utf-8") as stream:
            text = stream.read()
        with open(self.daemon.config, "w", encoding="utf-8") as out:
            out.write(text.replace("\nscan = on", "\nscan = off"))
        self.daemon.signal(1)
        self.assertIsNotNone(self.daemon.log.wait(
            lambda line: "event=reloaded" in line, 20))
        self.assert_problem(self.check(clerk), 401, "unauthenticated")
        self.assertEqual(officer.ask("GET", "/v1/disputes").status, 200)
        self.assert_problem(Browser(self.daemon).sign_in(
            {"key": self.keys["clerk"]}), 403, "forbidden")


class Applicants(DaemonCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(keys=True, settings={
            "pages.enroll": "on", "pages.applicant_per_minute": "40",
            "http.trusted_proxies": "127.0.0.1/32"})
        cls.addClassCleanup(cls.daemon.close)
        cls.keys = cls.daemon.keys
        cls.client = cls.daemon.client_id("e2e app")
        cls.daemon.env["SMARTIDD_PAGES_CLIENT"] = cls.client
        cls.daemon.start()

    def applicant(self, source):
        one = Browser(self.daemon, extra={"X-Forwarded-For": source})
        answer = one.sign_in({"page": "enroll"})
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual((answer.json()["role"], answer.json()["purposes"]),
                         ("applicant", []))
        return one

    def enrol(self, one, who=1):
        kind, data = multipart(form(holder(), *photos.pair(who)))
        return one.ask("POST", "/v1/enrollments", data=data,
                       headers={"Content-Type": kind, "Prefer": "wait=30"})

    def test_somebody_enrols_for_the_pages_client(self):
        one = self.applicant("192.0.2.1")
        answer = self.enrol(one)
        self.assertEqual(answer.status, 201, answer)
        secret = answer.json()["holder_secret"]
        where = "/v1/enrollments/" + answer.json()["id"]
        mine = self.daemon.api(secret).get(where, {"Prefer": "wait=30"})
        self.assertEqual(mine.json()["state"], "approved")
        apps = self.daemon.api(self.keys["app"]).get(where)
        self.assertEqual(apps.status, 200)

    def test_somebody_may_do_no_more_than_that(self):
        one = self.applicant("192.0.2.2")
        self.assertEqual(one.ask("POST", "/v1/challenges", {}).status, 201)
        mine = self.enrol(one, 2).json()
        for method, path, value in (
                ("GET", "/v1/enrollments/" + mine["id"], None),
                ("GET", "/v1/enrollments?state=review", None),
                ("POST", "/v1/verifications",
                 {"code": "SID1:", "purpose": "train_ticket"}),
                ("POST", "/v1/credentials/crd_%s/suspend" % ("0" * 26), {}),
                ("GET", "/v1/credentials/crd_%s/code" % ("0" * 26), None),
                ("GET", "/v1/clients", None)):
            with self.subTest(path=path):
                self.assert_problem(one.ask(method, path, value), 403,
                                    "forbidden")

    def test_it_needs_the_token_too(self):
        one = self.applicant("192.0.2.3")
        one.token = None
        self.assert_problem(one.ask("POST", "/v1/challenges", {}), 403, "csrf")

    def test_a_key_has_no_page_here(self):
        self.assert_problem(
            Browser(self.daemon).sign_in({"key": self.keys["clerk"]}), 404,
            "not_found")

    def test_one_address_may_not_flood(self):
        one = self.applicant("192.0.2.4")
        found = [one.ask("POST", "/v1/challenges", {}) for _ in range(45)]
        self.assertEqual([a.status for a in found[:39]], [201] * 39)
        self.assertEqual([a.status for a in found[39:]], [429] * 6)
        self.assertGreater(int(found[-1].header("retry-after")), 0)
        more = Browser(self.daemon, extra=one.extra)
        self.assertEqual(more.sign_in({"page": "enroll"}).status, 429)
        text = self.daemon.request("GET", "/metrics").body.decode()
        self.assertIn('smartidd_session_refusals_total{reason="applicants"} 7'
                      '\n', text)
        self.assertEqual(self.applicant("192.0.2.5").ask(
            "POST", "/v1/challenges", {}).status, 201)

    def test_z_it_ends_with_the_pages_client(self):
        one = self.applicant("192.0.2.6")
        self.daemon.ctl("client", "revoke", self.client)
        self.assert_problem(one.ask("POST", "/v1/challenges", {}), 401,
                            "unauthenticated")
        again = Browser(self.daemon).sign_in({"page": "enroll"})
        self.assert_problem(again, 403, "forbidden")
        # Checks at the counters need none of that: the daemon starts.
        self.daemon.restart()


if __name__ == "__main__":
    unittest.main()
