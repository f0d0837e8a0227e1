"""WeChat's client from the outside, against a stand-in of WeChat's API."""

import base64
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from wechat_driver import Driver
from wechat_standin import Account, Standin

SEND = "/cgi-bin/message/custom/send"
TOKEN = "/cgi-bin/stable_token"
MEDIA = "/cgi-bin/media/get"
TICKET = "/cgi-bin/ticket/getticket"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
OPENID = "oOPENIDofNobody_28characters"


class WechatCase(unittest.TestCase):
    """A stand-in, a driver on it, and after each test: nothing secret was
    logged, and the driver ended well."""

    figures = {"backoff_ms": 1}

    def setUp(self):
        self.standin = self.standin_of(Account())

    def standin_of(self, account, tls=None):
        standin = Standin(account, tls=tls)
        self.addCleanup(standin.close)
        return standin

    def driver(self, *standins, env=None, **figures):
        driver = Driver(*(standins or (self.standin,)), env=env,
                        **dict(self.figures, **figures))
        self.addCleanup(driver.close)
        self.addCleanup(self.check_end, driver)
        return driver

    def check_end(self, driver):
        log = driver.stop()
        for standin in driver.standins:
            account = standin.account
            for secret in (account.secret, account.token, account.aes_key,
                           "TOKEN_", "TICKET_", "OAUTH_", OPENID, "hello",
                           "access_token", standin.base):
                self.assertNotIn(secret, log)

    def good(self, answer):
        self.assertEqual(answer["err"], "ok", answer)
        return answer

    def texts(self):
        return [content for _, _, content in self.standin.sent]


class Tokens(WechatCase):
    def test_one_token_is_fetched_for_many_calls_at_once(self):
        driver = self.driver()
        ids = [driver.begin("send_text", openid=OPENID, body="hello %d" % i)
               for i in range(40)]
        for number in ids:
            self.good(driver.end(number))
        self.assertEqual(self.standin.count(TOKEN), 1)
        self.assertEqual(sorted(self.texts()),
                         sorted("hello %d" % i for i in range(40)))

    def test_a_token_is_renewed_five_minutes_before_its_end(self):
        driver = self.driver()
        self.good(driver.do("callback_ips"))
        driver.shift(6890)
        self.good(driver.do("callback_ips"))
        self.assertEqual(self.standin.count(TOKEN), 1)
        driver.shift(10)
        self.good(driver.do("callback_ips"))
        self.assertEqual(self.standin.count(TOKEN), 2)

    def test_a_token_that_is_refused_is_renewed_and_the_call_repeated(self):
        driver = self.driver()
        self.good(driver.do("send_text", openid=OPENID, body="hello 1"))
        self.standin.expire_token()
        self.good(driver.do("send_text", openid=OPENID, body="hello 2"))
        self.assertEqual(self.texts(), ["hello 1", "hello 2"])
        self.assertEqual(self.standin.count(TOKEN), 2)
        self.assertEqual(self.standin.count(SEND), 3)
        for code in (40001, 40014, 42001):
            self.standin.fail("errcode", SEND, times=1, value=code)
            self.good(driver.do("send_text", openid=OPENID, body="hello"))
        self.assertEqual(self.standin.count(TOKEN), 5)

    def test_a_token_that_is_refused_twice_is_not_tried_a_third_time(self):
        driver = self.driver()
        self.standin.fail("errcode", SEND, value=42001)
        answer = driver.do("send_text", openid=OPENID, body="hello")
        self.assertEqual((answer["err"], answer["errcode"]),
                         ("api_refused", 42001))
        self.assertFalse(answer["maybe_done"])
        self.assertEqual(self.standin.count(SEND), 2)

    def test_many_calls_with_a_refused_token_renew_it_once(self):
        driver = self.driver()
        self.good(driver.do("callback_ips"))
        self.standin.expire_token()
        ids = [driver.begin("send_text", openid=OPENID, body="hello")
               for _ in range(12)]
        for number in ids:
            self.good(driver.end(number))
        self.assertEqual(self.standin.count(TOKEN), 2)
        self.assertEqual(len(self.standin.sent), 12)

    def test_a_wrong_secret_is_told_to_all_who_wait(self):
        other = Account(app_id="wxother", secret="x" * 32)
        driver = self.driver(self.standin, self.standin_of(other))
        other.secret = "y" * 32  # changed in the admin page
        ids = [driver.begin("callback_ips", account=1) for _ in range(3)]
        for number in ids:
            answer = driver.end(number)
            self.assertEqual((answer["err"], answer["errcode"]),
                             ("api_refused", 40125))
        self.good(driver.do("callback_ips", account=0))

    def test_each_account_has_its_own_token(self):
        second = self.standin_of(Account(app_id="wxother", secret="x" * 32))
        driver = self.driver(self.standin, second)
        for number in (0, 1):
            self.good(driver.do("send_text", account=number, openid=OPENID,
                                body="hello %d" % number))
        self.assertEqual(self.texts(), ["hello 0"])
        self.assertEqual(second.sent, [(OPENID, "text", "hello 1")])
        self.assertEqual((self.standin.count(TOKEN), second.count(TOKEN)),
                         (1, 1))

    def test_no_token_in_time_is_a_timeout(self):
        driver = self.driver()
        self.standin.fail("slow", TOKEN)
        number = driver.begin("callback_ips")
        self.standin.wait(lambda: TOKEN in self.standin.calls)
        driver.shift(31)
        self.assertEqual(driver.end(number)["err"], "timeout")
        self.standin.release()


class Calls(WechatCase):
    def test_a_picture_is_fetched_by_its_media_id(self):
        driver = self.driver()
        for data, kind, form in ((JPEG, "image/jpeg", "jpeg"),
                                 (PNG, "image/png", "png")):
            media_id = self.standin.add_media(data, kind)
            answer = self.good(driver.do("media_get", param=media_id))
            self.assertEqual(base64.b64decode(answer["answer"]), data)
            self.assertEqual(answer["format"], form)

    def test_what_is_no_picture_is_refused(self):
        driver = self.driver()
        answer = driver.do("media_get", param="unknown")
        self.assertEqual((answer["err"], answer["errcode"]),
                         ("api_refused", 40007))
        for data, kind in ((b"GIF89a", "image/gif"), (b"BM", "image/jpeg"),
                           (self.standin.base.encode() + b"/x", "video/mp4")):
            media_id = self.standin.add_media(data, kind)
            answer = driver.do("media_get", param=media_id)
            self.assertEqual(answer["err"], "api_answer")
            self.assertEqual(answer["answer"], "")
        self.assertNotIn("/x", self.standin.calls)

    def test_a_picture_over_the_limit_is_cut_off(self):
        driver = self.driver(media_max_bytes=len(JPEG))
        media_id = self.standin.add_media(JPEG)
        self.good(driver.do("media_get", param=media_id))
        media_id = self.standin.add_media(JPEG + b"x")
        answer = driver.do("media_get", param=media_id)
        self.assertEqual(answer["err"], "body_too_large")
        self.assertEqual(answer["answer"], "")
        self.standin.fail("huge", "/cgi-bin/getcallbackip", value=70000)
        self.assertEqual(driver.do("callback_ips")["err"], "api_answer")

    def test_a_picture_is_uploaded_and_sent(self):
        driver = self.driver()
        data = PNG + os.urandom(50000) + b"\r\n--x"
        answer = self.good(driver.do(
            "media_upload", body64=base64.b64encode(data).decode()))
        self.assertEqual(self.standin.media[answer["text"]],
                         ("image/png", data))
        self.good(driver.do("send_image", openid=OPENID,
                            param=answer["text"]))
        self.assertEqual(self.standin.sent,
                         [(OPENID, "image", answer["text"])])

    def test_a_text_arrives_as_it_was_written(self):
        driver = self.driver()
        text = "hello 您好\n\"<&>\" 😀 \\u4e2d"
        self.good(driver.do("send_text", openid=OPENID, body=text))
        self.assertEqual(self.texts(), [text])
        body = [b for p, _, b in self.standin.queries if p == SEND][0]
        self.assertIn("您好".encode(), body)  # WeChat shows \u as it stands

    def test_the_quota_is_told_by_its_errcode(self):
        driver = self.driver()
        self.standin.enforce_quota = True
        answer = driver.do("send_text", openid=OPENID, body="hello")
        self.assertEqual((answer["err"], answer["errcode"]),
                         ("api_refused", 45015))
        self.standin.account.spoke[OPENID] = [self.standin.clock(), 1]
        self.good(driver.do("send_text", openid=OPENID, body="hello"))
        answer = driver.do("send_text", openid=OPENID, body="hello")
        self.assertEqual((answer["err"], answer["errcode"]),
                         ("api_refused", 45047))
        self.assertEqual(len(self.standin.sent), 1)

    def test_an_oauth_code_gives_an_openid_once(self):
        driver = self.driver()
        code = self.standin.add_code(OPENID)
        self.assertEqual(self.good(driver.do("oauth_code", param=code))["text"],
                         OPENID)
        for param, errcode in ((code, 40163), ("never", 40029)):
            answer = driver.do("oauth_code", param=param)
            self.assertEqual((answer["err"], answer["errcode"]),
                             ("api_refused", errcode))
        code = self.standin.add_code(OPENID, snapshot=True)
        answer = driver.do("oauth_code", param=code)
        self.assertEqual((answer["err"], answer["snapshot"], answer["text"]),
                         ("api_refused", True, ""))
        self.assertEqual(self.standin.count(TOKEN), 0)

    def test_the_ticket_of_the_pages_is_kept(self):
        driver = self.driver()
        ids = [driver.begin("jsapi_ticket") for _ in range(8)]
        texts = {self.good(driver.end(number))["text"] for number in ids}
        self.assertEqual(texts, {"TICKET_1"})
        self.assertEqual((self.standin.count(TICKET),
                          self.standin.count(TOKEN)), (1, 1))
        driver.shift(6901)
        self.assertEqual(self.good(driver.do("jsapi_ticket"))["text"],
                         "TICKET_2")

    def test_the_addresses_that_push_are_told(self):
        driver = self.driver()
        answer = self.good(driver.do("callback_ips"))
        self.assertEqual(base64.b64decode(answer["answer"]),
                         b"127.0.0.1\n203.0.113.0/24\n")

    def test_what_cannot_be_asked_is_refused_at_once(self):
        driver = self.driver()
        for what, fields in (
                ("send_text", {"openid": OPENID}),
                ("send_text", {"body": "hello"}),
                ("send_text", {"openid": "a b", "body": "hello"}),
                ("send_text", {"openid": OPENID, "body": "x" * 2049}),
                ("send_image", {"openid": OPENID}),
                ("media_get", {}),
                ("media_get", {"param": "a\nb"}),
                ("media_upload", {}),
                ("media_upload", {"body64": base64.b64encode(
                    bytes((2 << 20) + 1)).decode()}),
                ("oauth_code", {}),
                ("callback_ips", {"account": 1}),
                ("fetch_token", {})):
            self.assertEqual(driver.do(what, **fields)["err"], "argument",
                             (what, fields))
        self.assertEqual(self.standin.calls, [])


class Faults(WechatCase):
    def test_with_half_the_calls_failing_every_message_arrives_once(self):
        driver = self.driver(attempts=10, breaker_failures=1000)
        self.standin.fail("503", share=0.3)
        self.standin.fail("busy", share=0.3, seed=2)
        ids = []
        for i in range(30):
            ids.append(driver.begin("send_text", openid=OPENID,
                                    body="hello %d" % i))
            ids.append(driver.begin(
                "media_get", param=self.standin.add_media(JPEG)))
        for number in ids:
            self.good(driver.end(number))
        self.assertEqual(sorted(self.texts()),
                         sorted("hello %d" % i for i in range(30)))
        self.assertGreater(self.standin.count(SEND), 40)

    def test_a_message_whose_answer_is_lost_is_not_sent_again(self):
        driver = self.driver()
        self.good(driver.do("callback_ips"))  # leaves a connection open
        self.standin.fail("lost", SEND)
        answer = driver.do("send_text", openid=OPENID, body="hello")
        self.assertEqual((answer["err"], answer["maybe_done"]),
                         ("api_unreachable", True))
        self.assertEqual(self.texts(), ["hello"])
        self.assertEqual(self.standin.count(SEND), 1)

    def test_what_may_be_repeated_is_when_its_answer_is_lost(self):
        driver = self.driver()
        media_id = self.standin.add_media(JPEG)
        for mode in ("lost", "drop", "500", "nonsense"):
            self.standin.fail(mode, MEDIA, times=2)
            self.standin.fail(mode, TOKEN, times=2)
            before = self.standin.count(MEDIA)
            answer = self.good(driver.do("media_get", param=media_id))
            self.assertFalse(answer["maybe_done"])
            # Some of them were repeated by libcurl itself.
            self.assertEqual(self.standin.count(MEDIA), before + 3)

    def test_a_message_that_wechat_may_have_seen_is_told_as_such(self):
        driver = self.driver(breaker_failures=1000)
        for mode, err in (("drop", "api_unreachable"),
                          ("500", "api_unreachable"),
                          ("nonsense", "api_answer")):
            self.standin.fail(mode, SEND, times=1)
            answer = driver.do("send_text", openid=OPENID, body="hello")
            self.assertEqual((answer["err"], answer["maybe_done"]),
                             (err, True))
        self.assertEqual(self.standin.count(SEND), 3)

    def test_attempts_end(self):
        driver = self.driver(attempts=4)
        self.good(driver.do("callback_ips"))
        self.standin.fail("503")
        answer = driver.do("send_text", openid=OPENID, body="hello")
        self.assertEqual((answer["err"], answer["attempts"],
                          answer["maybe_done"]),
                         ("api_unreachable", 4, False))
        self.assertTrue(driver.logged("event=wechat_call_failed"))

    def test_a_service_that_is_not_there_is_unreachable(self):
        gone = self.standin_of(Account())
        gone.close()
        driver = self.driver(gone)
        answer = driver.do("oauth_code", param="x")
        self.assertEqual((answer["err"], answer["attempts"]),
                         ("api_unreachable", 3))

    def test_a_service_that_does_not_answer_is_given_up(self):
        driver = self.driver(timeout_ms=300, attempts=2)
        self.good(driver.do("callback_ips"))
        self.standin.fail("slow")
        ids = [driver.begin("send_text", openid=OPENID, body="hello"),
               driver.begin("callback_ips")]
        sent, ips = driver.end(ids[0]), driver.end(ids[1])
        self.assertEqual((sent["err"], sent["maybe_done"], sent["attempts"]),
                         ("api_unreachable", True, 1))
        self.assertEqual((ips["err"], ips["maybe_done"], ips["attempts"]),
                         ("api_unreachable", False, 2))
        self.standin.release()

    def test_a_redirect_is_not_followed(self):
        other = self.standin_of(Account())
        driver = self.driver()
        self.standin.fail("redirect", value=other.base + MEDIA)
        media_id = self.standin.add_media(JPEG)
        self.assertEqual(driver.do("media_get", param=media_id)["err"],
                         "api_answer")
        self.assertEqual((other.calls, other.connections), ([], 0))

    def test_a_certificate_that_nobody_trusts_is_not_taken(self):
        folder = tempfile.mkdtemp(prefix="sid-tls-")
        self.addCleanup(shutil.rmtree, folder)
        files = [os.path.join(folder, name) for name in ("cert", "key")]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
             "-out", files[0], "-keyout", files[1]],
            check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*files)
        false = self.standin_of(Account(), tls)
        driver = self.driver(false)
        answer = driver.do("oauth_code", param=false.add_code(OPENID))
        self.assertEqual(answer["err"], "api_unreachable")
        self.assertEqual(false.calls, [])

    def test_no_proxy_of_the_environment_is_used(self):
        proxy = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(proxy.close)
        address = "http://127.0.0.1:%d" % proxy.getsockname()[1]
        driver = self.driver(env={"http_proxy": address,
                                  "ALL_PROXY": address})
        self.good(driver.do("callback_ips"))
        proxy.setblocking(False)
        self.assertRaises(BlockingIOError, proxy.accept)


class Breaker(WechatCase):
    figures = {"backoff_ms": 1, "attempts": 1, "breaker_failures": 3,
               "breaker_ms": 60000}

    def test_a_service_that_is_down_is_left_alone_and_probed(self):
        driver = self.driver()
        self.good(driver.do("callback_ips"))
        self.standin.fail("503")
        for _ in range(3):
            self.assertEqual(driver.do("callback_ips")["err"],
                             "api_unreachable")
        self.assertTrue(driver.logged("event=wechat_paused"))
        before = len(self.standin.calls)
        for _ in range(5):
            answer = driver.do("send_text", openid=OPENID, body="hello")
            self.assertEqual((answer["err"], answer["attempts"],
                              answer["maybe_done"]), ("api_paused", 0, False))
        self.assertEqual(len(self.standin.calls), before)
        driver.shift(61)  # the probe fails: a longer pause
        self.assertEqual(driver.do("callback_ips")["err"], "api_unreachable")
        self.assertEqual(driver.do("callback_ips")["err"], "api_paused")
        self.standin.heal()
        driver.shift(121)
        self.good(driver.do("send_text", openid=OPENID, body="hello"))
        self.assertTrue(driver.logged("event=wechat_resumed"))
        self.assertEqual(len(self.standin.calls), before + 2)

    def test_one_accounts_breaker_is_not_anothers(self):
        second = self.standin_of(Account(app_id="wxother", secret="x" * 32))
        driver = self.driver(self.standin, second)
        self.standin.fail("503")
        for _ in range(4):
            driver.do("callback_ips")
        self.assertEqual(driver.do("callback_ips")["err"], "api_paused")
        self.good(driver.do("callback_ips", account=1))

    def test_r_an_account_that_is_refused_is_left_alone_too(self):
        driver = self.driver()
        self.good(driver.do("callback_ips"))
        self.standin.fail("errcode", "/cgi-bin/getcallbackip", value=40164)
        errors = [driver.do("callback_ips")["err"] for _ in range(8)]
        self.assertEqual(errors[0], "api_refused")
        self.assertEqual(errors[-1], "api_paused")

    def test_a_refusal_is_no_failure(self):
        driver = self.driver()
        for _ in range(6):
            answer = driver.do("media_get", param="unknown")
            self.assertEqual(answer["errcode"], 40007)


class Ends(WechatCase):
    def test_no_more_calls_are_held_than_configured(self):
        driver = self.driver(capacity=4)
        self.good(driver.do("callback_ips"))
        self.standin.fail("slow")
        ids = [driver.begin("callback_ips") for _ in range(4)]
        self.assertEqual(driver.do("callback_ips")["err"], "queue_full")
        self.standin.heal()
        self.standin.release()
        for number in ids:
            self.good(driver.end(number))
        self.good(driver.do("callback_ips"))

    def test_a_stop_completes_every_call_once(self):
        driver = self.driver(stop_ms=100)
        self.good(driver.do("callback_ips"))
        self.standin.fail("slow", SEND)
        self.standin.fail("slow", MEDIA)
        running = [driver.begin("send_text", openid=OPENID, body="hello"),
                   driver.begin("media_get", param="m")]
        self.assertTrue(self.standin.wait(
            lambda: {SEND, MEDIA} <= set(self.standin.calls)))
        self.standin.expire_token()
        driver.stop()
        for number in running:
            self.assertEqual(driver.end(number)["err"], "stopping")
        self.assertTrue(driver.end(running[0])["maybe_done"])
        self.assertFalse(driver.end(running[1])["maybe_done"])
        self.standin.release()

    def test_a_stop_does_not_wait_for_what_only_waits(self):
        driver = self.driver(stop_ms=100, backoff_ms=60000,
                             backoff_max_ms=60000, deadline_ms=600000)
        self.standin.fail("503", SEND)
        self.good(driver.do("callback_ips"))
        later = driver.begin("send_text", openid=OPENID, body="hello")
        self.assertTrue(self.standin.wait(
            lambda: SEND in self.standin.calls))
        driver.stop()
        answer = driver.end(later)
        self.assertEqual((answer["err"], answer["maybe_done"]),
                         ("stopping", False))

    def test_what_is_on_the_wire_may_end_in_the_grace(self):
        driver = self.driver(stop_ms=20000)
        self.good(driver.do("callback_ips"))
        self.standin.fail("503", "/none")
        number = driver.begin("send_text", openid=OPENID, body="hello")
        self.assertTrue(self.standin.wait(lambda: self.standin.sent))
        driver.stop()
        self.good(driver.end(number))

    def test_after_quiesce_no_call_is_taken(self):
        driver = self.driver()
        self.good(driver.do("callback_ips"))
        driver.begin("quiesce")
        self.assertEqual(driver.do("callback_ips")["err"], "stopping")


if __name__ == "__main__":
    unittest.main()
