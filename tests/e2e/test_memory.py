"""Allocations fail in the middle of a request of each kind: it is refused, the
next is fine, and the rows are whole. NO_MEMORY_EACH: how many places are tried
per kind (2; 0: all)."""

import collections
import functools
import mmap
import os
import struct
import threading
import time
import unittest

import photos
from harness import SLOW, Case, Daemon, credential_of, holder, program
from http_raw import Closed, multipart
from test_crash import check_database

EACH = int(os.environ.get("NO_MEMORY_EACH", "2"))
WORK = ("enrol and wait", "appeal")  # go on when they were answered
PLACES_MAX = collections.defaultdict(lambda: 1000, {
    "key": 100})  # there are 255 versions, and each place takes two
MOMENT_S = 0.02  # for which nothing can be allocated
SEEN = {"person_seen": True, "card_seen": True}
do = functools.partial
# What another answer of the same kind must have, too; other texts and numbers
# differ.
SAME = ("state", "outcome", "method", "assurance", "result", "code")


def shape(value, name=None):
    """What is left of an answer without what differs each time."""
    if isinstance(value, dict):
        return {key: shape(one, key) for key, one in value.items()}
    if isinstance(value, list):  # grows while the test runs
        return [shape(one) for one in value[:1]]
    if isinstance(value, bool) or (name in SAME and len(str(value)) < 20):
        return value
    return type(value).__name__


def told(answer):
    if answer.header("content-type", "").startswith("application/json"):
        return answer.status, shape(answer.json())
    return (answer.status, answer.header("content-type"),
            len(answer.body) > 0)


class NoMemory(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True, settings={"pages.scan": "on"})
        self.addCleanup(self.daemon.close)
        path = os.path.join(self.daemon.folder, "order")
        with open(path, "wb") as out:
            out.write(bytes(24))
        with open(path, "r+b") as both:
            self.order = mmap.mmap(both.fileno(), 24)
        self.addCleanup(self.order.close)
        self.daemon.env.update({"LD_PRELOAD": program("no_memory.so"),
                                "NO_MEMORY": path})
        self.daemon.start()
        self.app, self.clerk, self.officer, self.admin = (
            self.daemon.api(self.daemon.keys[role])
            for role in ("app", "clerk", "officer", "admin"))
        self.nobody = self.daemon.api(None)
        self.revoked = []  # of which we were told so
        self.person = holder(consent={"version": "2026-01", "portrait": True,
                                      "given_at": "2026-01-05T08:00:00Z"})
        made = self.app.enrol(who=1, person=self.person)
        self.credential = credential_of(made)
        self.holder = self.daemon.api(made["holder_secret"])
        self.code = self.app.code(self.credential)["code"]

    # ---- what fails ---------------------------------------------------------
    def fail_after(self, count, everything=False):
        self.order[16:24] = struct.pack("<q", 0)
        self.order[0:8] = struct.pack("<q", count)
        self.order[16:24] = struct.pack("<q", int(everything))

    def left(self):
        return struct.unpack("<q", self.order[0:8])[0]

    def allocations(self, ask):
        """What it answers when all is well, and how many there are in it."""
        many = 1 << 40
        self.fail_after(many)
        answer = ask()
        used = many - self.left()
        self.fail_after(0)
        return answer, used

    def answer(self, ask):
        try:
            return told(ask())
        except (Closed, OSError):
            return "closed", None

    def once(self, ask, count):
        """What is answered when that allocation fails; None: none did."""
        self.fail_after(count)
        answer = self.answer(ask)
        happened = self.left() <= 0
        self.fail_after(0)
        return answer if happened else None

    def for_a_moment(self, ask, count):
        """The same when all fail behind it, too, until a moment later."""
        answers = []
        self.fail_after(count, everything=True)
        asker = threading.Thread(
            target=lambda: answers.append(self.answer(ask)))
        asker.start()
        end = time.monotonic() + 20 * SLOW
        while self.left() > 0 and asker.is_alive():
            self.assertLess(time.monotonic(), end)
        happened = self.left() <= 0
        time.sleep(MOMENT_S)  # what is tried, not a synchronisation
        self.fail_after(0)
        asker.join()
        return answers[0] if happened else None

    # ---- kinds of requests --------------------------------------------------
    def check(self, purpose="train_ticket"):
        return self.clerk.verify(self.code, purpose)["id"]

    def counter(self):
        return self.officer.post("/v1/counter/enrollments",
                                 {"holder": holder(), **SEEN})

    def enrolled(self):
        return credential_of(self.app.enrol(who=3))

    def number(self):
        """Somebody else's each time: made photos repeat after 256, and the
        selfie of an enrolment is no new one."""
        person = holder()
        self.app.enrol(who=3, person=person)
        return person["id_number"].encode()

    def review(self):
        return "/v1/enrollments/" + self.app.enrol(
            who=4, selfie_flaw=photos.UNCLEAR)["id"]

    def decide(self, path, decision="approve"):
        return self.officer.post(path + "/decision", {
            "decision": decision, "reason": "x"})

    def rejected(self):
        path = self.review()
        self.assertEqual(self.decide(path, "reject").status, 200)
        return path.rsplit("/", 1)[1]

    def dispute(self, check):
        return self.holder.post(
            "/v1/verifications/%s/dispute" % check,
            {"credential_id": self.credential, "reason": "x"})

    def parts(self, api, path, parts):
        kind, body = multipart(parts)
        return self.daemon.request("POST", path,
                                   api.headers({"Content-Type": kind}), body)

    def revoke(self, credential):
        answer = self.officer.revoke(credential)
        if answer.status == 200:
            self.revoked.append(credential)
        return answer

    def suspended(self):
        credential = credential_of(self.counter().json())
        self.assertEqual(self.officer.change(credential, "suspend").status,
                         200)
        return credential

    def client(self):
        return self.admin.post("/v1/clients", {"name": "new",
                                               "role": "officer"})

    def sign_in(self):
        return self.nobody.post("/v1/sessions",
                                {"key": self.daemon.keys["clerk"]})

    def sign_out(self):
        made = self.sign_in()
        return do(self.daemon.request, "DELETE", "/v1/sessions", {
            "Cookie": made.header("set-cookie").split(";")[0],
            "X-CSRF-Token": made.json()["csrf_token"]})

    def kinds(self):
        """Each makes ready what it needs, and returns what asks."""
        own = "/v1/credentials/" + self.credential
        review = self.review()
        pair = photos.pair(3)

        def changes(change, value=None, of=None):
            of = of or (lambda: credential_of(self.counter().json()))
            return lambda: do(self.officer.change, of(), change, value)

        def gets(api, path, headers=None):
            return lambda: do(api.get, path, headers)

        def posts(api, path, value):
            return lambda: do(api.post, path, value)

        return {
            # First, while the log that it reads is short.
            "misuse": gets(self.officer, "/v1/audit/report"),
            "code": gets(self.app, own + "/code"),
            "image": gets(self.app, own + "/code", {"Accept": "image/png"}),
            "offline code": gets(
                self.holder,
                own + "/code?kind=offline&attributes=age_over_18"),
            "offline keys": gets(self.nobody,
                                 "/.well-known/smartid-keys.json"),
            "check": posts(self.clerk, "/v1/verifications", {
                "code": self.code, "purpose": "train_ticket"}),
            "batch": posts(self.clerk, "/v1/verifications/batch", {
                "checks": [{"code": self.code}] * 3,
                "purpose": "train_ticket"}),
            "portrait": lambda: do(
                self.clerk.get, "/v1/verifications/%s/portrait" %
                self.check("hotel_check_in")),
            "face": lambda: do(
                self.parts, self.clerk, "/v1/verifications/%s/face" %
                self.check("hotel_check_in"),
                [("photo", "image/png", photos.photo(1), "p.png")]),
            "enrol and wait": lambda: do(self.app.submit, holder(), *pair,
                                         wait=20),
            "counter": lambda: self.counter,
            "challenge": posts(self.app, "/v1/challenges", {}),
            "list": gets(self.officer, "/v1/enrollments?state=approved"),
            "look": gets(self.officer, review),
            "photo": gets(self.officer, review + "/photos/selfie"),
            "decide": lambda: do(self.decide, self.review()),
            "appeal": lambda: do(self.app.appeal, self.rejected(), *pair,
                                 wait=20),
            "state": gets(self.holder, own),
            "visits": gets(self.holder, own + "/checks"),
            "dispute": lambda: do(self.dispute, self.check()),
            "disputes": gets(self.officer, "/v1/disputes"),
            "settle": lambda: do(
                self.officer.post, "/v1/disputes/%s/settle" %
                self.dispute(self.check()).json()["id"],
                {"outcome": "dismissed", "note": "x"}),
            "suspend": changes("suspend"),
            "resume": changes("resume", of=self.suspended),
            "revoke": lambda: do(self.revoke,
                                 credential_of(self.counter().json())),
            "upgrade": changes("upgrade", SEEN, self.enrolled),
            "issue": changes("issue", {
                "type": "drivers_licence", "fields": {
                    "classes": "C1", "first_issue": "2020-01-01"}}),
            "officer recovers": changes("recover", {"reason": "new_phone"}),
            "recover": lambda: do(self.app.recover, self.enrolled(),
                                  photos.photo(3)),
            "recover by number": lambda: do(
                self.parts, self.app, "/v1/recoveries", [
                    ("id_number", None, self.number()),
                    ("selfie", "image/png", photos.photo(3), "s.png")]),
            "delete": lambda: do(self.officer.delete, "/v1/enrollments/" +
                                 self.counter().json()["id"]),
            "search": posts(self.officer, "/v1/credentials/search", {
                "id_number": self.person["id_number"]}),
            "clients": gets(self.admin, "/v1/clients"),
            "new client": lambda: self.client,
            "client ends": lambda: do(
                self.admin.post, "/v1/clients/%s/revoke" %
                self.client().json()["id"], {}),
            "keys": gets(self.admin, "/v1/keys"),
            "key": posts(self.admin, "/v1/keys/rotate", {"use": "code"}),
            "sign in": lambda: self.sign_in,
            "sign out": self.sign_out,
            "overview": gets(self.officer, "/v1/overview"),
            "audit": gets(self.admin, "/v1/audit?event=enrolment_erased"),
            "retention": gets(self.admin, "/v1/retention"),
            "metrics": gets(self.nobody, "/metrics"),
            "ready": gets(self.nobody, "/readyz"),
            "page": gets(self.nobody, "/scan"),
            "nothing": gets(self.app, "/v1/nothing"),
        }

    # ---- tests --------------------------------------------------------------
    def fits(self, kind, answer, good):
        """Refused, or as if nothing had happened, or not decided so far."""
        if answer[0] in (503, "closed"):
            return True
        if answer[0] == 200 and kind == "batch":  # told for each code
            return answer == good or answer[1]["results"][0]["result"] == \
                "could_not_check"
        if answer[0] in (200, 201, 202) and kind in WORK:
            return answer[1]["state"] in ("received", "processing") or \
                answer[1] == good[1]
        return answer == good

    def settle(self):
        """What an answer that was cut left undone is done; then the rows."""
        end = time.monotonic() + 20 * SLOW
        while any(self.officer.get("/v1/enrollments?state=" + state).json()
                  ["enrollments"] for state in ("received", "processing")):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.daemon.stop()
        check_database(self, self.daemon)
        self.assertEqual(self.daemon.sql(
            "SELECT id FROM enrolment WHERE state = 'failed' OR id IN "
            "(SELECT subject FROM audit WHERE event = 'enrolment_decided' AND "
            "detail LIKE '%processing_failed%')"), [])
        states = dict(self.daemon.sql("SELECT id, state FROM credential"))
        self.assertEqual({states[one] for one in self.revoked} - {"revoked"},
                         set())

    def test_r_one_allocation_that_fails_costs_one_request_at_most(self):
        rng = self.rng()
        seen, wrong = collections.Counter(), []
        for kind, make in self.kinds().items():
            make()()  # what is made once only
            good, used = self.allocations(make())
            good = told(good)
            self.assertEqual(good[0] // 100, 4 if kind == "nothing" else 2)
            places = rng.sample(range(1, used + 1),
                                min(used, PLACES_MAX[kind]))
            refused = 0
            for tried, place in enumerate(places):
                if EACH and tried >= EACH and refused:
                    break
                answer = self.once(make(), place)
                if answer is None:
                    continue
                seen[answer[0]] += 1
                refused += answer[0] in (503, "closed")
                where = "%s, allocation %d" % (kind, place)
                if not self.fits(kind, answer, good):
                    wrong.append((where, answer))
                after = told(make()())
                if after != good:
                    wrong.append(("after " + where, answer, after))
            self.assertGreater(refused, 0, kind)
        print(dict(seen), flush=True)
        self.assertEqual(wrong, [])
        self.settle()

    def test_without_any_memory_for_a_moment_it_goes_on_afterwards(self):
        rng = self.rng()
        seen, wrong = collections.Counter(), []
        for kind, make in self.kinds().items():
            good, used = self.allocations(make())
            good = told(good)
            for place in rng.sample(range(1, used + 1),
                                    min(used, EACH and 1 or 20)):
                answer = self.for_a_moment(make(), place)
                if answer is None:
                    continue
                seen[answer[0]] += 1
                where = "%s, from allocation %d on" % (kind, place)
                if not self.fits(kind, answer, good):
                    wrong.append((where, answer))
                after = told(make()())
                if after != good:
                    wrong.append(("after " + where, answer, after))
        print(dict(seen), flush=True)
        self.assertEqual(wrong, [])
        self.assertGreater(seen[503] + seen["closed"], 0)
        self.settle()


if __name__ == "__main__":
    unittest.main()
