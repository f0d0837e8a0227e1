"""Requests with marks in every field, over every good way and every refusal
there is. LeakedNothing in test_leaks.py sends them and looks for the marks."""

import base64
import itertools
import json
import os
import sqlite3
import time

import photos
from harness import PURPOSES, SLOW, Daemon, credential_of, form, holder, program
from http_raw import Closed, head_bytes, multipart
from marks import BASE32, Marks

PHOTO_MAX = 131072
BODY_MAX = 425984  # the least for photos of that size
# Failures that one source may have in a minute: the rest is answered 429.
FAILURES = 150


def wrong_key(rng):
    return "sidk_%s_%s" % ("".join(rng.choices(BASE32, k=12)),
                           "".join(rng.choices(BASE32, k=52)))


class Flood:
    """A daemon, keys of each kind, people with marks, and the answers.
    errors: the answers that refuse; codes: of their problem documents."""

    def __init__(self, rng):
        self.rng = rng
        self.began_s = time.time()
        self.marks = Marks()
        self.sent = 0
        self.errors = []
        self.codes = set()
        self.daemon = Daemon(settings={
            # Heads that end in the middle are over when memory is looked at.
            "http.head_timeout_s": 2,
            "log.log_level": "debug", "limits.photo_max_bytes": PHOTO_MAX,
            "limits.upload_total_bytes": BODY_MAX,
            "limits.attempts_per_day": 9,
            "pages.scan": "on", "pages.console": "on",
            "limits.auth_failures_per_minute": FAILURES})
        self.full = os.path.join(self.daemon.folder, "full")
        self.temp = os.path.join(self.daemon.folder, "temp")
        os.mkdir(self.temp)
        self.daemon.env.update({
            "TMPDIR": self.temp,
            "LD_PRELOAD": program("full_disk.so"), "FULL_DISK": self.full,
            # The library comes before the sanitizer's, which minds.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"})
        add = self.daemon.add_client
        self.keys = {role: add(role, role)
                     for role in ("app", "clerk", "officer", "admin")}
        self.keys["other"] = add("app", "other")
        self.keys["revoked"] = add("clerk", "revoked")
        self.daemon.ctl("client", "revoke", self.daemon.client_id("revoked"))
        self.keys["expired"] = add("clerk", "expired", expires="1m")
        self.keys["poor"] = add("clerk", "poor", purposes=["train_ticket"])
        self.keys["abroad"] = add("clerk", "abroad", networks=["203.0.113.0/24"])
        self.daemon.set_clock(3600)
        self.daemon.start()
        self.connection = None
        self.nonces = itertools.count()  # no photo is the one before
        self.people = []
        self.damage_one()

    # ---- sending ----------------------------------------------------------
    def send(self, data, method="POST"):
        """Bytes of one request; its answer, None when there is none."""
        self.sent += 1
        if self.connection is None:
            self.connection = self.daemon.connect()
        try:
            self.connection.send(data)
            answer = self.connection.answer(method)
        except (Closed, OSError):
            answer = None
        if answer is None or answer.header("connection") == "close":
            self.connection.close()
            self.connection = None
        if answer is not None:
            self.note(answer)
        return answer

    def note(self, answer):
        if answer.status < 400:
            return
        kind = answer.header("content-type", "")
        if kind.startswith("application/problem+json"):
            self.codes.add(answer.code())
        self.errors.append(answer)

    def ask(self, who, method, path, body=None, headers=None):
        """who: a name of self.keys, a whole key, or None."""
        pairs = list((headers or {}).items())
        if who is not None:
            pairs.append(("Authorization",
                          "Bearer " + self.keys.get(who, who)))
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None and "Content-Type" not in (headers or {}):
            pairs.append(("Content-Type", "application/json"))
        pairs.append(("X-Request-Id", "%s-%d" % (self.marks.passing,
                                                 self.sent)))
        return self.send(head_bytes(method, path, pairs, body) +
                         (body or b""), method)

    def photo(self, who, flaw=photos.OK, height=170):
        return photos.png(who % 32 * 8, flaw * 16, next(self.nonces) % 256,
                          170, height, "Exif " + self.marks.text,
                          self.marks.pixels, level=who % 2)

    def person(self, **more):
        marks = self.marks
        name = marks.chinese if marks.count % 2 else "Li " + marks.text
        out = holder(name, marks.number(), phone=marks.phone)
        out["consent"].update(version=marks.passing, portrait=True)
        out.update(more)
        return out

    def upload(self, parts, who="app", headers=None):
        kind, body = multipart(parts, boundary="b" + self.marks.text)
        more = {"Content-Type": kind, "Prefer": "wait=20"}
        more.update(headers or {})
        return self.ask(who, "POST", "/v1/enrollments", body, more)

    def enrol(self, person=None, flaw=photos.OK, headers=None):
        who = self.rng.randrange(1, 32)
        parts = form(person or self.person(), self.photo(who),
                     self.photo(who, flaw))
        return self.upload(parts, headers=headers)

    # ---- people to ask about -------------------------------------------------
    def approved(self):
        """Enrols somebody; id, credential, code and secret of that person."""
        answer = self.enrol()
        if answer is None or answer.status != 201:
            raise AssertionError(repr(answer))
        body = answer.json()
        one = {"id": body["id"], "credential": credential_of(body),
               "secret": body["holder_secret"]}
        one["code"] = self.ask("app", "GET", "/v1/credentials/%s/code" %
                               one["credential"]).json()["code"]
        self.marks.add("code without prefix", one["code"][5:40], False)
        return one

    def damage_one(self):
        """Somebody whose sealed data do not open: what answers 500."""
        self.broken = self.approved()
        self.connection.close()
        self.connection = None
        self.daemon.stop()
        with sqlite3.connect(self.daemon.database) as db:
            db.execute("UPDATE credential SET holder_sealed = "
                       "zeroblob(length(holder_sealed)) WHERE id = ?",
                       (self.broken["credential"],))
        db.close()
        self.daemon.start()

    # ---- good ways -------------------------------------------------------
    def live(self, turn):
        """The life of somebody's enrolment."""
        flaw = (photos.OK, photos.UNCLEAR, photos.NO_FACE, photos.OK,
                photos.NOT_LIVE, photos.BLURRED)[turn % 6]
        retry = {"Idempotency-Key": "%s-%d" % (self.marks.text, turn)}
        person = self.person()
        parts = form(person, self.photo(turn), self.photo(turn, flaw))
        answer = self.upload(parts, headers=retry)
        self.upload(parts, headers=retry)
        self.enrol(person=self.person(), headers=retry)  # a mismatch
        body = answer.json()
        path = "/v1/enrollments/" + body["id"]
        for who in ("app", "other", "officer", body["holder_secret"]):
            self.ask(who, "GET", path)
        for kind in ("selfie", "id_photo", self.marks.text):
            self.ask("officer", "GET", path + "/photos/" + kind)
        for word in ("approve", "reject", self.marks.text):
            self.ask("officer", "POST", path + "/decision",
                     {"decision": word, "reason": "saw " +
                      self.marks.text})
        self.appeal(path, turn)
        body = self.ask("app", "GET", path).json()
        credential = credential_of(body)
        if credential is not None:
            self.use(credential, person)
        if turn % 6 == 0:
            self.at_the_counter()
        if turn % 2:
            self.ask("officer", "DELETE", path, {"reason": self.marks.text})
            self.ask("officer", "DELETE", path, {"reason": "request"})

    def appeal(self, path, turn):
        """With words and a challenge; only a rejected person may."""
        text, key = self.marks.text, self.keys["app"]
        challenge = self.ask("app", "POST", "/v1/challenges", {}).json()["id"]
        for one, words in ((challenge, self.marks.chinese), (text, text * 99),
                           (challenge, text + "\n\0"), (text, text)):
            pair = self.photo(turn), self.photo(turn)
            kind, body = multipart(form(None, *pair, one, pair, words))
            self.ask(key, "POST", path + "/appeal", body, {
                "Content-Type": kind})

    def use(self, credential, person):
        path = "/v1/credentials/" + credential
        code = self.ask("app", "GET", path + "/code").json()["code"]
        self.marks.add("code without prefix", code[5:40], False)
        for kind in ("image/png", "image/svg+xml", "x/" + self.marks.text):
            self.ask("app", "GET", path + "/code?level=Q&scale=4",
                     headers={"Accept": kind})
        for purpose in [*PURPOSES, self.marks.text]:
            self.verify(code, purpose)
        self.look(code)
        self.verify(code[:-1] + ("A" if code[-1] != "A" else "B"))
        self.verify(code.lower())
        self.verify(code, "bank_account", "poor")
        self.enrol(person=person)  # a number that is in use
        for _ in range(2):
            self.ask("app", "POST", path + "/revoke",
                     {"reason": "lost", "note": "lost " + self.marks.text})
        self.ask("app", "GET", path + "/code")
        self.verify(code)

    def verify(self, code, purpose="train_ticket", who="clerk"):
        return self.ask(who, "POST", "/v1/verifications",
                        {"code": code, "purpose": purpose,
                         "counter": self.marks.passing})

    def look(self, code):
        """The face behind a check, with marks in the photo."""
        text = self.marks.text
        check = self.verify(code, "hotel_check_in").json()
        path = "/v1/verifications/%s/" % check["id"]
        for who in ("clerk", "poor", "officer"):
            self.ask(who, "GET", path + "portrait")
        for parts in (
                [("photo", "image/png", self.photo(1), text + ".png")],
                [("photo", "image/png", text.encode() * 20, text)],
                [("photo", text + "/" + text, self.photo(1))],
                [(text, None, text.encode())]):
            kind, body = multipart(parts, boundary="b" + text)
            self.ask("clerk", "POST", path + "face", body,
                     {"Content-Type": kind})
        for _ in range(4):
            self.camera(check["id"])

    def camera(self, check):
        kind, body = multipart([("photo", "image/png", self.photo(2),
                                 self.marks.text)])
        self.ask("clerk", "POST", "/v1/verifications/%s/face" % check, body,
                 {"Content-Type": kind})

    def at_the_counter(self):
        """Somebody without a face."""
        answer = self.ask("officer", "POST", "/v1/counter/enrollments", {
            "holder": self.person(), "person_seen": True, "card_seen": True})
        one = answer.json()
        code = self.ask(one["holder_secret"], "GET",
                        "/v1/credentials/%s/code" % one["credential_id"]
                        ).json()["code"]
        self.marks.add("code without prefix", code[5:40], False)
        self.camera(self.verify(code, "hotel_check_in").json()["id"])

    def lose(self, _):
        """A phone that is lost: suspended, not recovered by a stranger's face,
        and a new credential at the counter."""
        person = self.person()
        one = self.upload(form(person, self.photo(7), self.photo(7)))
        path = "/v1/credentials/" + credential_of(one.json())
        self.ask("app", "POST", path + "/suspend", {})
        self.ask("app", "GET", path + "/code")
        self.ask("app", "POST", path + "/resume", {})
        for _ in range(5):
            kind, body = multipart(form(None, None, self.photo(20)))
            self.ask("app", "POST", path + "/recover", body,
                     {"Content-Type": kind})
        self.ask("officer", "POST", path + "/recover",
                 {"reason": self.marks.text})
        self.ask("officer", "POST", "/v1/counter/enrollments", {
            "holder": person, "person_seen": True, "card_seen": True,
            "replace": True})
        self.ask("app", "GET", path + "/code")

    # ---- refusals --------------------------------------------------------
    def bad_json(self, _):
        text = self.marks.text
        good = {"code": "SID1:" + text.upper(), "purpose": "train_ticket",
                "counter": self.marks.passing}
        bodies = [
            text.encode(), b'"' + text.encode() + b'"', b"\xff" +
            text.encode(), b'{"code":"' + text.encode(),
            ("[" * 50 + text).encode(), json.dumps([text]).encode(),
            b'{"code":"a\\u0000' + text.encode() + b'","purpose":"x"}',
            b'{"%b":1,"%b":2}' % (text.encode(), text.encode()),
            json.dumps(dict(good, **{text: text})).encode(),
            json.dumps(dict(good, **{"x" * 300 + text: text})).encode(),
            json.dumps(dict(good, code=[text])).encode(),
            json.dumps(dict(good, counter=text + "\n")).encode(),
            json.dumps(dict(good, counter=text * 20)).encode(),
            json.dumps(dict(good, purpose=text)).encode(),
            json.dumps({"purpose": text}).encode(),
            json.dumps({text: {text: {text: text}}}).encode(),
            json.dumps(dict(good, code=text * 1300)).encode(),
            json.dumps(dict(good, code=text * 6000)).encode(),
        ]
        one = "/v1/enrollments/" + self.broken["id"]
        card = "/v1/credentials/" + self.broken["credential"]
        for body in bodies:
            self.ask("clerk", "POST", "/v1/verifications", body)
            self.ask("officer", "POST", one + "/decision", body)
            self.ask("app", "POST", card + "/revoke", body)
            self.ask("app", "POST", card + "/suspend", body)
            self.ask("officer", "DELETE", one, body)
            self.ask("admin", "POST", "/v1/clients", body)
            self.ask("admin", "POST", "/v1/keys/rotate", body)
            self.ask("app", "POST", "/v1/challenges", body)

    def bad_client(self, _):
        text = self.marks.text
        good = {"name": self.marks.passing, "role": "clerk",
                "purposes": ["train_ticket"]}
        for change in ({"role": text}, {"purposes": [text]},
                       {"purposes": text}, {"networks": [text]},
                       {"lifetime_s": text}, {"party": text * 30},
                       {"name": text * 30}, {text: 1}):
            self.ask("admin", "POST", "/v1/clients", dict(good, **change))
        self.ask("admin", "POST", "/v1/clients/cli_%s/revoke" % text, {})
        self.ask("admin", "POST", "/v1/keys/rotate", {"use": text})
        made = self.ask("admin", "POST", "/v1/clients", good)
        self.ask("admin", "POST", "/v1/clients/%s/revoke" %
                 made.json()["id"], {})

    def bad_holder(self, _):
        marks, text = self.marks, self.marks.text
        consent = self.person()["consent"]
        changes = [
            {"name": text * 30}, {"name": text + "\n"}, {"name": [text]},
            {"name": None}, {"phone": text}, {"phone": marks.phone * 9},
            {"id_number": text}, {"id_number": marks.number()[:-1] + "?"},
            {"id_number": marks.number() * 9}, {"id_number": {text: text}},
            {text: text}, {marks.chinese: 1}, {marks.number(): 1},
            {"consent": text}, {"consent": dict(consent, **{text: 1})},
            {"consent": dict(consent, version=text * 99)},
            {"consent": dict(consent, given_at=text)},
            {"consent": dict(consent, given_at="2199-01-01T00:00:00Z")},
        ]
        for change in changes:
            self.enrol(person=self.person(**change))
        for raw in (text, '{"name":"%s"' % text, "[" * 99 + text,
                    '{"name":"%s"}' % text, '"%s"' % text, text * 3000):
            self.enrol(person=raw.encode())

    def bad_parts(self, turn):
        text = self.marks.text.encode()
        first, card, selfie = form(self.person(), self.photo(turn),
                                   self.photo(turn))
        word = self.marks.text
        jpeg = (b"\xff\xd8\xff\xe1\0\x40Exif\0\0" + text * 8 +
                self.marks.pixels)
        for parts in (
                [first, card, selfie, (word, None, text)],
                [first, card, selfie, selfie], [first, card], [],
                [first, card, ("selfie", word + "/" + word, selfie[2])],
                [first, card, ("selfie", "image/png", b"", word)],
                [first, card, ("selfie", "image/png", text * 20, word)],
                [first, card, ("selfie", "image/jpeg", jpeg, word + ".jpg")],
                form(self.person(), self.photo(2), self.photo(2, height=60)),
                [first, card, ("selfie", "image/png",
                               selfie[2][:-30] + text, word)],
                [first, card, ("selfie", "image/png", text * 12000, word)],
                [first, card, ("selfie\"; x=\"" + word, "image/png", text)],
                [("x" * 300 + word, None, text)],
                [first, card, ("selfie", "image/png",
                               photos.huge_header() + text, word)]):
            self.upload(parts)
        kind, body = multipart([first, card, selfie], "b" + word)
        for broken in (text + body, body[:-4], body.replace(
                b"form-data", text), body.replace(b"\r\n\r\n", b"\r\nX-" +
                                                  text + b"\r\n\r\n")):
            self.ask("app", "POST", "/v1/enrollments", broken,
                     {"Content-Type": kind})
        for other in ("multipart/form-data", "multipart/form-data; boundary=",
                      "multipart/form-data; boundary=\"<%s>\"" % word, word,
                      "application/" + word):
            self.ask("app", "POST", "/v1/enrollments", body,
                     {"Content-Type": other})
        head = head_bytes("POST", "/v1/enrollments", {
            "Content-Type": kind, "Authorization": "Bearer " +
            self.keys["app"]}, body)
        with self.daemon.connect() as connection:  # hangs up in the middle
            connection.send(head + body[:-100])
        self.sent += 1

    def bad_keys(self, _):
        text = self.marks.text
        right = self.keys["clerk"]
        basic = base64.b64encode(("user:" + text).encode()).decode()
        for value in (
                "Bearer " + text, "Bearer sidk_" + text, "Basic " + basic,
                "Digest username=\"%s\"" % text, text, "Bearer",
                "Bearer " + right[:-1] + ("0" if right[-1] != "0" else "1"),
                "Bearer " + right + text, "Bearer " + right[:40],
                "Bearer " + wrong_key(self.rng), right, "bearer\t" + right,
                "Bearer " + self.keys["revoked"],
                "Bearer " + self.keys["expired"],
                "Bearer " + self.keys["abroad"],
                "Bearer sidh_" + "".join(self.rng.choices(BASE32, k=52)),
                "Bearer " + text * 400, "Bearer " + self.marks.chinese.encode(
                    ).decode("latin-1")):
            self.ask(None, "POST", "/v1/verifications",
                     {"code": text, "purpose": text},
                     {"Authorization": value})
        for who in ("app", "officer", "admin"):  # not theirs to ask
            self.ask(who, "POST", "/v1/verifications",
                     {"code": text, "purpose": text})

    def sign_in(self):
        signed = self.ask(None, "POST", "/v1/sessions",
                          {"key": self.keys["clerk"]})
        cookie = signed.header("set-cookie").split(";")[0]
        # Of memory that was given back, the first bytes are the heap's.
        self.marks.add("session", cookie.split("=")[1][20:], spelt=False)
        return cookie, signed.json()["csrf_token"]

    def bad_pages(self, _):
        """What a page of another site, or a broken one of ours, sends."""
        text = self.marks.text
        cookie, token = self.sign_in()
        for headers in (
                {"Cookie": cookie}, {"Cookie": cookie, "X-CSRF-Token": text},
                {"Cookie": cookie, "X-CSRF-Token": token,
                 "Origin": "https://" + text},
                {"Cookie": "sid_session=" + text, "X-CSRF-Token": text},
                {"Cookie": cookie, "X-CSRF-Token": token}):
            self.ask(None, "POST", "/v1/verifications",
                     {"code": text, "purpose": text}, headers)
        for body in ({"key": text}, {"page": text}, {"key": wrong_key(
                self.rng)}, {"key": self.keys["app"]}, {text: text}):
            self.ask(None, "POST", "/v1/sessions", body)
        for body in ({"id_number": self.marks.number()}, {"id_number": text},
                     {"credential_id": text}, {text: text}):
            self.ask("officer", "POST", "/v1/credentials/search", body)
        for path in ("subject=" + text, "event=" + text, "after=" + text):
            self.ask("admin", "GET", "/v1/audit?" + path)
        for number in (self.marks.number(), text):
            kind, body = multipart([
                ("id_number", None, number.encode()),
                ("selfie", "image/png", self.photo(9), text + ".png")])
            self.ask("app", "POST", "/v1/recoveries", body,
                     {"Content-Type": kind})

    def bad_paths(self, _):
        marks, text = self.marks, self.marks.text
        number, one = marks.number(), self.broken["credential"]
        for path in (
                "/" + text, "/v1/" + text, "/v1/enrollments/" + number,
                "/v1/enrollments/enr_" + text, "/v1/credentials/" + text,
                "/v1/enrollments/enr_" + "0" * 26 + text,
                "/v1/enrollments/%s/%s" % (self.broken["id"], text),
                "/v1/enrollments?state=" + number,
                "/v1/enrollments?state=review&after=" + text,
                "/v1/enrollments?state=review&limit=" + text,
                "/v1/enrollments?%s=%s" % (text, number),
                "/v1/credentials/%s/code?level=%s" % (one, text),
                "/v1/credentials/%s/code?scale=%s" % (one, text),
                "/v1/credentials/%s/code?%s" % (one, text),
                "/v1/credentials/%s?%s=1" % (one, text),
                "/healthz?" + text, "/metrics/" + text, "/%00" + text,
                "/v1/%0d%0a" + text, "/../" + text, "//" + text,
                "/" + text * 4000, "http://" + text + "/", "*" + text, text):
            for who in ("app", "officer"):
                self.ask(who, "GET", path)

    def bad_heads(self, turn):
        text = self.marks.text
        body = b'{"code":"%b","purpose":"train_ticket"}' % text.encode()
        key = "Authorization: Bearer " + self.keys["clerk"]
        base = ["Host: x", key, "Content-Type: application/json",
                "Content-Length: %d" % len(body)]
        post = "POST /v1/verifications HTTP/1.1"
        for line, heads in (
                (post, ["X-Request-Id: a b " + text]),
                (post, ["X-Request-Id: " + text * 20]),
                (post, ["X-Request-Id: \"%s\x1b\"" % text]),
                (post, ["X-%s: \x01%s" % (text, text)]),
                (post, ["X Y%s: 1" % text]), (post, [" folded " + text]),
                (post, ["User-Agent: " + text, "Cookie: k=" + text,
                        "Referer: http://h/" + text, "X-Forwarded-For: " +
                        text, "Forwarded: for=" + text]),
                (post, ["Host: " + text]), (post, ["Content-Length: " + text]),
                (post, ["Transfer-Encoding: " + text]),
                (post, ["Expect: " + text]), (post, ["Prefer: " + text]),
                (post, ["X-Long: " + text * 4000]),
                (post, ["X-A: 1"] * 300 + ["X-B: " + text]),
                (text + " /v1/verifications HTTP/1.1", []),
                ("POST /v1/verifications HTTP/" + text, []),
                ("POST /v1/verifications", []), (text, []),
                ("PUT /v1/enrollments/" + text + " HTTP/1.1", [])):
            data = "\r\n".join([line, *base, *heads]) + "\r\n\r\n"
            self.send(data.encode("latin-1") + body)
            if self.connection is not None:  # a head may be half a request
                self.connection.close()
                self.connection = None
        without = [line for line in base if "Length" not in line]
        self.send("\r\n".join([post, *without, "", ""]).encode())
        for bad in (text * 20, text + "\x01", '"' + text):
            self.enrol(headers={"Idempotency-Key": bad})
        self.ask("app", "GET", "/v1/credentials/%s/code" %
                 self.broken["credential"], headers={"Accept": text + "/x"})

    def try_often(self, _):
        """One person, until there were enough attempts for a day."""
        person = self.person()
        for _ in range(20):
            answer = self.enrol(person=person, flaw=photos.NO_FACE)
            if answer.status == 429:
                break

    # ---- what the service cannot help ----------------------------------------
    def no_disk(self, turn):
        one = self.approved()
        with open(self.full, "w", encoding="ascii"):
            pass
        self.verify(one["code"])
        self.enrol()
        self.ask("app", "POST", "/v1/credentials/%s/revoke" %
                 one["credential"], {"reason": "lost",
                                     "note": self.marks.text})
        os.unlink(self.full)
        self.wait_ready()
        self.verify(self.broken["code"], "bank_account")

    def wait_ready(self):
        """Waits until the daemon has noticed that there is room again."""
        end = time.monotonic() + 20 * SLOW
        while self.daemon.request("GET", "/readyz").status != 200:
            if time.monotonic() > end:
                raise AssertionError("not ready")
            time.sleep(0.05)

    def no_place(self, _):
        pair = [photo + b"\0" * (PHOTO_MAX - len(photo) - 9000)
                for photo in (self.photo(2), self.photo(4))]
        kind, body = multipart(form(self.person(), *pair))
        head = head_bytes("POST", "/v1/enrollments", {
            "Content-Type": kind, "Authorization": "Bearer " +
            self.keys["app"]}, body)
        with self.daemon.connect() as first:
            # Asked to go on, it has its bytes: nobody else finds room.
            first.send(head[:-2] + b"Expect: 100-continue\r\n\r\n")
            if first.head()[0] != 100:
                raise AssertionError("no room for the first")
            first.send(body[:1000])
            answer = self.upload(form(self.person(), *pair))
            if answer is not None and answer.status != 503:
                raise AssertionError(repr(answer))
        self.sent += 1

    def run(self, count):
        """At least `count` requests: each way once, then lives until there are
        enough."""
        for way in (self.bad_json, self.bad_client, self.bad_holder,
                    self.bad_parts, self.bad_keys, self.bad_pages,
                    self.bad_paths, self.bad_heads, self.try_often, self.lose, self.no_disk,
                    self.no_place):
            way(1)
        for turn in itertools.count():
            if turn >= 12 and self.sent >= count:
                break
            self.live(turn)
        while "too_many_requests" not in self.codes:
            self.bad_keys(0)
        # Last, when nothing else comes to lie where it was.
        for _ in range(20):
            self.sign_in()
        if self.connection is not None:
            self.connection.close()
            self.connection = None
