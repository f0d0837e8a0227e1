#!/usr/bin/env python3
"""The story told in a chat, against a real daemon with real faces: a man follows
the bureau's account on WeChat, enrols there with a photo of his ID card and a
selfie, shows his code, and a clerk scans it from the menu. WeChat is a stand-in
on this machine, which delivers everything three times. Each answer is compared
with what the story says; the first that differs ends the demo with status 1.

Usage: demo_wechat.py --bin DIR
Environment: DATA (sample photos), MODEL_DIR

Everything lies in fresh temporary folders, which are removed."""

import argparse
import json
import os
import sys
import time
from urllib.parse import parse_qs, urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
MAN, CLERK = "oDemo-the-man-0000000000001", "oDemo-the-clerk-00000000002"
NAME, NUMBER = "张样本", "440524188001010014"
STEP = 0


class Failed(Exception):
    """What is not as the story says."""


def step(text):
    global STEP  # pylint: disable=global-statement
    STEP += 1
    print("\n%2d. %s" % (STEP, text))


def note(text):
    print("    " + text, flush=True)


def expect(what, found, wanted):
    if found != wanted:
        raise Failed("%s is %r, but should be %r" % (what, found, wanted))


def expect_in(what, found, wanted):
    if wanted not in (found or ""):
        raise Failed("%s is %r, but should have %r in it" % (
            what, found, wanted))


def bubble(who, text):
    """One message, as a chat shows it."""
    for i, line in enumerate(text.splitlines()):
        print("    %s %s" % (who if i == 0 else " " * len(who), line))
    sys.stdout.flush()


class Story:
    def __init__(self):
        self.standin = Standin(Account(original_id="gh_city"))
        self.daemon = Daemon("smartidd", keys=True, settings={
            "pages.card": "on", "pages.enroll": "on", "pages.scan": "on"})
        self.heard = {}  # openid -> how many messages were shown already
        self.client = self.daemon.client_id("e2e app")
        self.credential = self.push = None

    def close(self):
        self.daemon.close()
        self.standin.close()

    def start(self):
        daemon = self.daemon
        daemon.env["SMARTIDD_PAGES_CLIENT"] = self.client
        daemon.env["SMARTIDD_WECHAT_ACCOUNTS"] = accounts_file(
            daemon.folder, section(
                daemon.folder, "city", self.standin, page_base=PAGES,
                client=self.client, purposes="hotel_check_in"))
        daemon.start()
        note("ready on http://127.0.0.1:%d (process %d); WeChat's stand-in: %s"
             % (daemon.port, daemon.process.pid, self.standin.base))
        self.push = Pusher(
            self.standin.account,
            "http://127.0.0.1:%d/channels/wechat/city" % daemon.port,
            standin=self.standin)

    # ---- the chat ---------------------------------------------------------
    def three_times(self, message):
        """Delivers it three times; what the person sees, once."""
        answers = [self.push.deliver(message) for _ in range(3)]
        expect("the statuses", [a.status for a in answers], [200] * 3)
        slowest = max(a.seconds for a in answers)
        if slowest > 1:
            raise Failed("an answer took %.1f s" % slowest)
        seen = [self.push.shown(a) for a in answers]
        words = {s["Content"] for s in seen if s is not None}
        expect("the number of different answers", len(words) < 2, True)
        for text in words:
            bubble("city:", text)
        return words.pop() if words else ""

    def says(self, openid, text):
        bubble("man: ", text)
        return self.three_times(self.push.text(openid, text))

    def sends(self, openid, file):
        bubble("man: ", "[photo %s]" % os.path.basename(file))
        with open(file, "rb") as stream:
            return self.three_times(self.push.image(openid, stream.read()))

    def taps(self, openid, who, label, key):
        bubble(who, "[menu: %s]" % label)
        return self.three_times(self.push.event(openid, "CLICK", key))

    def told(self, openid, words):
        """Waits for a message that comes by itself, with these words."""
        def here():
            return [c for o, k, c in self.standin.sent
                    if o == openid and k == "text" and words in c]
        if not self.standin.wait(here, 60):
            raise Failed("no message with %r; sent were %r" % (
                words, self.standin.sent))
        time.sleep(1)  # a second one would come now
        found = here()
        expect("how often it came", len(found), 1)
        bubble("city:", found[0])
        return found[0]

    def rows(self, event):
        """Of the audit log."""
        found = [json.loads(line) for line in
                 self.daemon.ctl("audit", "export").stdout.splitlines()]
        return [row for row in found if row["event"] == event]

    # ---- a browser inside WeChat ------------------------------------------
    def opens(self, openid, link):
        """Opens a link of the chat; a Phone with the session that began."""
        where = urlsplit(link)
        phone = Phone(self.daemon)
        away = phone.ask("GET", where.path + "?" + where.query)
        expect("the status", away.status, 303)
        asked = parse_qs(urlsplit(away.header("location")).query)
        note("to WeChat, which says silently who this is (%s), and back" %
             asked["scope"][0])
        back = phone.ask("GET", "%s?code=%s&state=%s" % (
            urlsplit(asked["redirect_uri"][0]).path,
            self.standin.add_code(openid), asked["state"][0]))
        expect("the status", back.status, 303)
        note("leads to " + back.header("location"))
        phone.where = back.header("location")
        phone.session = phone.ask("GET", "/v1/sessions").json()
        return phone


class Phone:
    """Keeps cookies."""

    def __init__(self, daemon):
        self.daemon, self.cookies = daemon, {}
        self.session = self.where = None

    def ask(self, method, path, headers=None):
        lines = dict(headers or {})
        if self.cookies:
            lines["Cookie"] = "; ".join("%s=%s" % c
                                        for c in self.cookies.items())
        if self.session is not None:
            lines["X-CSRF-Token"] = self.session["csrf_token"]
        answer = self.daemon.request(method, path, lines)
        if answer.header("set-cookie"):
            name, value = answer.header("set-cookie").split(";")[0] \
                .split("=", 1)
            self.cookies[name] = value
        return answer


def link_in(text):
    for word in text.split():
        if word.startswith(PAGES):
            return word
    raise Failed("no link in %r" % text)


def draw_card(daemon):
    card = os.path.join(daemon.folder, "card.jpg")
    run_tool("card", os.path.join(DATA, "photos", "franck_02045.jpg"), card,
             "--models", MODEL_DIR, "--name", "Zhang Yangben", "--number",
             NUMBER, "--fill", "0.6", "--turn", "4",
             binary=program("mkphoto"))
    return card


def enrol(story):
    step("A man follows the account")
    expect_in("the welcome", story.three_times(story.push.event(
        MAN, "subscribe")), "办理")

    step("He applies, and stays in the chat")
    link_in(story.taps(MAN, "man: ", "办理", "APPLY"))
    expect_in("what he is asked", story.says(MAN, "聊天办理"), "同意")
    expect_in("what he is asked", story.says(MAN, "同意"), "姓名")
    expect_in("what he is asked", story.says(MAN, NAME), "身份证号")
    expect_in("a wrong number", story.says(MAN, NUMBER[:-1] + "3"), "身份证号")
    story.says(MAN, NUMBER)

    step("The card and a selfie: real photos, looked at by the real models")
    story.sends(MAN, draw_card(story.daemon))
    story.sends(MAN, os.path.join(DATA, "photos", "franck_03979.jpg"))
    story.told(MAN, "核验通过")
    rows = story.rows("enrolment_received")
    expect("the number of enrolments", len(rows), 1)
    note("one enrolment, although all was delivered three times")


def show_code(story):
    step("He taps 我的码: a link without a secret in it")
    link = link_in(story.taps(MAN, "man: ", "我的码", "CODE"))
    phone = story.opens(MAN, link)
    expect("whose session it is", phone.session["role"], "holder")
    credential = phone.session["credential_id"]
    code = phone.ask("GET", "/v1/credentials/%s/code" % credential).json()
    note("his code: %s, until %s" % (code["code"], code["not_after"]))

    step("Forwarded, the link shows the friend who opens it what is the friend's")
    friend = story.opens("oDemo-a-friend-000000000003", link)
    expect("whose session it is", friend.session["role"], "applicant")
    return credential, code["code"]


def clerk_checks(story, code):
    step("A clerk comes out of the chat, signs in and binds this WeChat")
    phone = story.opens(CLERK, PAGES + "/channels/wechat/city/enter?to=scan")
    answer = story.daemon.request("POST", "/v1/sessions", {
        "Cookie": "; ".join("%s=%s" % c for c in phone.cookies.items()),
        "Content-Type": "application/json"},
        ('{"key": "%s"}' % story.daemon.keys["clerk"]).encode())
    expect("the status", answer.status, 201)
    phone.session = answer.json()
    name, value = answer.header("set-cookie").split(";")[0].split("=", 1)
    phone.cookies[name] = value
    expect("the status", phone.ask("POST", "/v1/sessions/wechat").status, 204)

    step("From then on the menu's 扫码核验 checks a code in the chat")
    bubble("clerk:", "[menu: 扫码核验, scans the man's code]")
    expect_in("the answer", story.three_times(story.push.scan(
        CLERK, code, key="CHECK")), "有效")
    step("One character changed: not valid")
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    bubble("clerk:", "[menu: 扫码核验, scans something else]")
    expect_in("the answer", story.three_times(story.push.scan(
        CLERK, wrong, key="CHECK")), "无效")


def life(story, code):
    step("Who asked about me?")
    story.taps(MAN, "man: ", "谁查过我", "ASKED")
    step("The phone is lost: two words, and no check passes any more")
    story.taps(MAN, "man: ", "挂失", "LOST")
    story.says(MAN, "确认挂失")
    # WeChat's events have no id: the same scan in the same second is a copy.
    time.sleep(1)
    bubble("clerk:", "[menu: 扫码核验, scans the man's code]")
    expect_in("the answer", story.three_times(story.push.scan(
        CLERK, code, key="CHECK")), "无效")
    story.says(MAN, "恢复")
    step("Nothing that was said or who said it is in the log")
    everything = "".join(log.text() for log in story.daemon.all_logs) + \
        story.daemon.ctl("audit", "export").stdout
    for secret in (MAN, CLERK, NAME, NUMBER, code):
        expect("whether it is there", secret in everything, False)
    note("neither openid, name, number nor code in journal and audit log")
    step("He deletes everything")
    story.says(MAN, "删除")
    expect_in("the answer", story.says(MAN, "确认删除"), "已删除")


def tell():
    story = Story()
    try:
        step("A daemon with an account on WeChat, and WeChat")
        story.start()
        step("The account's admin page saves the server configuration: "
             "WeChat asks the URL")
        expect("the answer", story.push.verify_url(), True)
        enrol(story)
        _, code = show_code(story)
        clerk_checks(story, code)
        life(story, code)
        story.daemon.stop()
    finally:
        story.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    options = parser.parse_args()
    os.environ["E2E_BIN"] = os.path.abspath(options.bin)
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
    # pylint: disable=import-outside-toplevel
    import harness
    import wechat_accounts
    import wechat_pusher
    import wechat_standin
    for module in (harness, wechat_accounts, wechat_pusher, wechat_standin):
        globals().update(vars(module))
    try:
        tell()
    except Failed as problem:
        print("\nThe demo has failed: %s" % problem, file=sys.stderr)
        return 1
    print("\nThe story is told; every answer was as it should be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
