"""A daemon with an account on WeChat, the stand-in that it talks to, and
somebody who chats with it."""

import itertools
import os
import sqlite3
import time

import photos
from harness import SLOW, Case, Daemon
from wechat_standin import Account, Pusher, Standin

_people = itertools.count(1)
SPECIMEN = "11010519491231002X"
APPLY = "聊天办理"


def secret(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text + "\n")
    os.chmod(path, 0o600)
    return path


class Person:
    """One who follows the account; each push is delivered as often as
    `copies` says, and the earlier ones come once more behind it."""

    def __init__(self, case, openid, copies=1):
        self.case, self.openid, self.copies = case, openid, copies
        self.before = []

    def push(self, message):
        """What is shown as the answer; None for nothing."""
        pusher = self.case.pusher
        first = pusher.deliver(message)
        self.case.assertTrue(first.taken(), (first.status, first.body))
        self.case.assertLess(first.seconds, 1.0 * SLOW)
        shown = self.content(first)
        self.before.append((message, shown))
        for _ in range(self.copies - 1):
            for old, answer in reversed(self.before):
                again = pusher.deliver(old)
                self.case.assertEqual(
                    (again.status, self.content(again)), (200, answer))
        return shown

    def content(self, delivery):
        shown = self.case.pusher.shown(delivery)
        return None if shown is None else shown["Content"]

    def says(self, text):
        return self.push(self.case.pusher.text(self.openid, text))

    def sends(self, photo):
        return self.push(self.case.pusher.image(self.openid, photo,
                                                "image/png"))

    def presses(self, key):
        return self.push(self.case.pusher.event(self.openid, "CLICK", key))

    def event(self, name, **fields):
        return self.push(self.case.pusher.event(self.openid, name, **fields))

    def begins(self, name="王样例", number=SPECIMEN):
        self.says(APPLY)
        self.says("同意")
        self.says(name)
        return self.says(number)

    def enrols(self, who=1, number=SPECIMEN, selfie_flaw=photos.OK):
        self.begins(number=number)
        self.sends(photos.photo(who))
        return self.sends(photos.photo(who, selfie_flaw))

    def told(self):
        """The messages that were sent, in order."""
        with self.case.standin.lock:
            return [content for openid, _, content in self.case.standin.sent
                    if openid == self.openid]

    def hears(self, count=1):
        """Waits for so many messages; all of them."""
        standin = self.case.standin
        self.case.assertTrue(
            standin.wait(lambda: len(self.told()) >= count, 30 * SLOW),
            "%r; %s" % (self.told(), self.case.daemon.log.text()[-3000:]))
        return self.told()


class ChatCase(Case):
    """Each test has its own daemon, unless they share one."""

    SHARED = False
    BINARY = "smartidd-fake"
    PAGES = ""
    ACCOUNT = {}
    SETTINGS = {}
    MODE, FORM = "secure", "xml"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.SHARED:
            cls.set_up(cls, cls.addClassCleanup)

    def setUp(self):
        if not self.SHARED:
            self.set_up(self, self.addCleanup)
        self.pusher = Pusher(self.standin.account,
                             "http://127.0.0.1:%d/channels/wechat/city" %
                             (self.daemon.port or 0), self.MODE, self.FORM,
                             standin=self.standin)

    @classmethod
    def set_up(cls, owner, cleanup):
        owner.standin = Standin(Account())
        cleanup(owner.standin.close)
        owner.daemon = Daemon(cls.BINARY, keys=True, settings={
            "wechat.pause_after": 100, **cls.SETTINGS})
        cleanup(owner.daemon.close)
        cls.write_account(owner, **cls.ACCOUNT)
        cls.start(owner)

    def write_account(self, behind="", **more):
        """behind: sections that follow."""
        folder, account = self.daemon.folder, self.standin.account
        client = self.daemon.client_id("app")
        rows = {"app_id": account.app_id,
                "app_secret_file": secret(folder, "app_secret",
                                          account.secret),
                "token_file": secret(folder, "token", account.token),
                "mode": self.MODE, "api_base": self.standin.base,
                "page_base": self.PAGES, "client": client, **more}
        if self.MODE != "plain":
            rows["aes_key_file"] = secret(folder, "aes_key", account.aes_key)
        path = os.path.join(folder, "wechat.accounts")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("[wechat.city]\n" + "".join(
                "%s = %s\n" % row for row in rows.items()) + behind)
        self.daemon.env["SMARTIDD_WECHAT_ACCOUNTS"] = path

    def start(self):
        self.daemon.start()
        self.app, self.clerk, self.officer, self.admin = (
            self.daemon.api(self.daemon.keys[role])
            for role in ("app", "clerk", "officer", "admin"))
        if getattr(self, "pusher", None) is not None:
            self.pusher.url = "http://127.0.0.1:%d/channels/wechat/city" % \
                self.daemon.port

    def person(self, openid=None, copies=1):
        """Somebody new; of shared daemons nobody has that number."""
        return Person(self, openid or "oPERSON%d" % next(_people), copies)

    def until(self, condition):
        end = time.monotonic() + 30 * SLOW
        while not condition():
            self.assertLess(time.monotonic(), end,
                            self.daemon.log.text()[-3000:])
            time.sleep(0.02)

    def rows(self, query):
        """What a query gives while the daemon runs."""
        base = sqlite3.connect("file:%s?mode=ro" % self.daemon.database,
                               uri=True, timeout=10)
        try:
            return base.execute(query).fetchall()
        finally:
            base.close()

    def metric(self, name):
        text = self.daemon.request("GET", "/metrics").body.decode()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError("no metric " + name)
