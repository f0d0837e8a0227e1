"""WeChat's pushes from the outside: the stand-in signs, seals and delivers, the
channel opens and answers; each was written without the other's code."""

import http.server
import json
import os
import threading
import time
import unittest
import urllib.parse

import wechat_crypto as crypto
from harness import ROOT, SLOW
from wechat_driver import Driver
from wechat_standin import Account, Pusher, Standin

OPENID = "oOPENIDofNobody_28characters"
OLD_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
KINDS = ("text", "image", "subscribe", "unsubscribe", "SCAN", "CLICK", "VIEW",
         "scancode_push", "scancode_waitmsg", "other message", "other event")


class Receiver:
    """An HTTP server that hands what is pushed to the driver's channel."""

    def __init__(self, driver):
        self.taken = []       # what the channel read, in order
        self.refused = []     # its errors
        self.say = None       # the reply's text; None: success
        self.hold = None      # an Event the answer waits for
        self.lock = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, format, *args):  # pylint: disable=W0622
                pass

            def do_GET(self):
                query = receiver.query(self.path)
                err = driver.do("verify_url", query=query,
                                now=int(time.time()))["err"]
                self.answer(err, query["echostr"])

            def do_POST(self):
                size = int(self.headers["Content-Length"])
                body = self.rfile.read(size).decode()
                with receiver.lock:
                    err, text = receiver.take(driver,
                                              receiver.query(self.path), body)
                if receiver.hold is not None:
                    receiver.hold.wait(60)
                self.answer(err, text)

            def answer(self, err, text):
                data = text.encode() if err == "ok" else b""
                self.send_response(200 if err == "ok" else 403)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a stand-in that has lost its patience

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/channels/wechat/a0" % \
            self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True,
                         kwargs={"poll_interval": 0.05}).start()

    @staticmethod
    def query(path):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))

    def take(self, driver, query, body):
        now = int(time.time())
        found = driver.do("take", query=query, body=body, now=now)
        if found["err"] != "ok":
            self.refused.append(found["err"])
            return found["err"], ""
        self.taken.append(found)
        self.lock.notify_all()
        if self.say is None:
            return "ok", "success"
        return "ok", driver.do("reply", text=self.say, now=now)["body"]

    def wait_for(self, number):
        """Until so many pushes were taken."""
        with self.lock:
            return self.lock.wait_for(lambda: len(self.taken) >= number,
                                      20 * SLOW)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class PushCase(unittest.TestCase):
    def setUp(self):
        self.standin = Standin(Account())
        self.addCleanup(self.standin.close)

    def start(self, mode="secure", form="xml", **options):
        """A driver, a receiver on it, and the side that pushes to it."""
        driver = Driver(self.standin, mode=mode, **options)
        self.addCleanup(driver.close)
        self.addCleanup(driver.stop)
        self.receiver = Receiver(driver)
        self.addCleanup(self.receiver.close)
        return Pusher(self.standin.account, self.receiver.url, mode, form,
                      standin=self.standin)


class Modes(PushCase):
    def test_wechats_question_is_answered_and_a_strangers_is_not(self):
        pusher = self.start()
        self.assertTrue(pusher.verify_url())
        stranger = Pusher(Account(token="guessed"), self.receiver.url)
        self.assertFalse(stranger.verify_url())
        late = Pusher(self.standin.account, self.receiver.url,
                      clock=lambda: time.time() - 700)
        self.assertFalse(late.verify_url())

    def happen(self, pusher):
        return [
            (pusher.text(OPENID, "我要办理 ]]> <&>\n完"), "text",
             {"content": "我要办理 ]]> <&>\n完"}),
            (pusher.image(OPENID, b"\xff\xd8\xff"), "image", {}),
            (pusher.event(OPENID, "subscribe"), "subscribe", {}),
            (pusher.event(OPENID, "subscribe", "qrscene_7"), "subscribe",
             {"event_key": "qrscene_7"}),
            (pusher.event(OPENID, "SCAN", "7"), "SCAN", {"event_key": "7"}),
            (pusher.event(OPENID, "CLICK", "apply"), "CLICK",
             {"event_key": "apply"}),
            (pusher.scan(OPENID, "SID1:ABC% $"), "scancode_waitmsg",
             {"scan_result": "SID1:ABC% $", "event_key": "scan"}),
            (pusher.event(OPENID, "unsubscribe"), "unsubscribe", {}),
            (pusher.message(OPENID, "voice", MediaId="v"), "other message",
             {"media_id": "v"}),
            (pusher.event(OPENID, "LOCATION", Latitude="1"), "other event",
             {}),
        ]

    def test_everything_arrives_in_every_mode_and_form(self):
        for mode in ("plain", "compat", "secure"):
            for form in ("xml", "json"):
                with self.subTest(mode=mode, form=form):
                    pusher = self.start(mode, form)
                    self.receiver.say = "收到 ]]> \"<&>\""
                    for message, kind, fields in self.happen(pusher):
                        done = pusher.push(message)
                        self.assertEqual(len(done), 1)
                        shown = pusher.shown(done[0])
                        self.assertEqual(shown["Content"], self.receiver.say)
                        self.assertEqual(shown["ToUserName"], OPENID)
                        self.assertEqual(shown["FromUserName"],
                                         self.standin.account.original_id)
                        found = self.receiver.taken[-1]
                        self.assertEqual(KINDS[found["kind"]], kind)
                        self.assertEqual(found["from"], OPENID)
                        for name, value in fields.items():
                            self.assertEqual(found[name], value)

    def test_an_account_of_another_mode_takes_nothing(self):
        pusher = self.start("secure")
        pusher.mode = "plain"
        done = pusher.push(pusher.text(OPENID, "hello"))
        self.assertEqual([d.status for d in done], [403, 403, 403])
        self.assertEqual(set(self.receiver.refused), {"push_format"})

    def test_the_published_samples_fit_the_tests_own_crypto(self):
        path = os.path.join(ROOT, "tests", "data", "wechat_vectors.json")
        with open(path, encoding="utf-8") as stream:
            vectors = json.load(stream)["vectors"]
        checked = 0
        for v in vectors:
            if "encrypt" not in v:
                continue
            self.assertEqual(crypto.decrypt(
                v["encodingAESKey"], v["appid"], v["encrypt"]).decode(),
                v["plaintext"])
            self.assertEqual(crypto.encrypt(
                v["encodingAESKey"], v["appid"], v["plaintext"].encode(),
                v["random"].encode()), v["encrypt"])
            self.assertEqual(crypto.sign(v["token"], v["timestamp"],
                                         v["nonce"], v["encrypt"]),
                             v["msg_signature"])
            checked += 1
        self.assertEqual(checked, 5)


class Deliveries(PushCase):
    def test_without_an_answer_a_push_comes_three_times(self):
        pusher = self.start()
        pusher.limit_s = 0.3
        self.receiver.hold = threading.Event()
        done = pusher.push(pusher.text(OPENID, "hello"))
        self.assertEqual([d.status for d in done], [None] * 3)
        self.assertTrue(self.receiver.wait_for(3))
        self.receiver.hold.set()
        keys = {found["dedupe"] for found in self.receiver.taken}
        self.assertEqual((len(self.receiver.taken), len(keys)), (3, 1))

    def test_three_of_everything_out_of_order_have_one_key_each(self):
        pusher = self.start()
        messages = [pusher.text("o%d" % i, "hello") for i in range(10)]
        messages += [pusher.event("o%d" % i, "CLICK", "apply")
                     for i in range(5)]
        messages += [pusher.event("o%d" % i, "subscribe") for i in range(5)]
        self.assertTrue(all(d.taken() for d in pusher.storm(messages)))
        keys = [found["dedupe"] for found in self.receiver.taken]
        self.assertEqual((len(keys), len(set(keys))), (60, 20))

    def test_the_very_same_request_again_is_told_as_such(self):
        pusher = self.start()
        request = pusher.request(pusher.text(OPENID, "hello"))
        for _ in range(3):
            self.assertEqual(pusher.send("POST", *request).status, 200)
        self.assertEqual([found["again"] for found in self.receiver.taken],
                         [False, True, True])

    def test_a_plain_signature_carries_no_second_body(self):
        pusher = self.start("plain")
        query, body = pusher.request(pusher.text(OPENID, "hello"))
        self.assertEqual(pusher.send("POST", query, body).status, 200)
        forged = body.replace("hello", "adieu")
        self.assertEqual(pusher.send("POST", query, forged).status, 403)
        self.assertEqual(self.receiver.refused, ["push_replayed"])


class Strangers(PushCase):
    def refused(self, account, error):
        stranger = Pusher(account, self.receiver.url, standin=self.standin)
        answer = stranger.deliver(stranger.text(OPENID, "hello"))
        self.assertEqual((answer.status, answer.body), (403, b""))
        self.assertEqual(self.receiver.refused[-1], error)

    def test_whoever_does_not_know_the_secrets_is_refused(self):
        self.start()
        self.refused(Account(token="guessed"), "push_signature")
        self.refused(Account(aes_key=OLD_KEY), "push_sealed")
        self.refused(Account(app_id="wxother"), "push_sealed")
        self.assertEqual(self.receiver.taken, [])

    def test_after_a_change_of_key_both_are_taken(self):
        pusher = self.start(previous_key=OLD_KEY)
        self.receiver.say = "hello"
        old = Pusher(Account(aes_key=OLD_KEY), self.receiver.url,
                     standin=self.standin)
        for side, number in ((old, 1), (pusher, 0)):
            done = side.push(side.text(OPENID, "hello"))
            self.assertEqual(side.shown(done[0])["Content"], "hello")
            self.assertEqual(self.receiver.taken[-1]["key"], number)


if __name__ == "__main__":
    unittest.main()
