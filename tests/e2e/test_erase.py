"""Erasure is real: after a DELETE, or the time that retention allows, nothing
of a person is left in any file, while others go on being served.

ERASE_PEOPLE people are enrolled, used and deleted (default 100; tests/slow has
1,000)."""

import contextlib
import glob
import multiprocessing
import os
import random
import shutil
import sqlite3
import string
import tempfile
import threading
import time
import unittest

import photos
from harness import (SEED, SLOW, Case, Daemon, DaemonCase, credential_of,
                     holder, threads)

PEOPLE = int(os.environ.get("ERASE_PEOPLE", "100"))
# What is promised for photos (reliability F6) and what is held here: the log
# is emptied 5 s after a deletion at the latest, or after 1 s of rest.
PROMISED_S = 60
HELD_S = 20 * SLOW
# Makes a photo fill several pages of the database, as real ones do.
LONG = "x" * 12000


class Needles:
    """Byte strings that are looked for, many at once: by the eight bytes at
    one place of each, then in full."""

    def __init__(self):
        self.by_eight = {}

    def add(self, kind, value, at=0):
        if isinstance(value, str):
            value = value.encode()
        assert len(value) >= at + 8
        eight = int.from_bytes(value[at:at + 8], "little")
        self.by_eight.setdefault(eight, set()).add((kind, value))

    def __len__(self):
        return sum(len(v) for v in self.by_eight.values())

    def find(self, data):
        """How many of each kind are in data."""
        found = {}
        wanted = self.by_eight.keys()
        candidates = set()
        for shift in range(8):
            end = len(data) - (len(data) - shift) % 8
            if end > shift:
                view = memoryview(data)[shift:end].cast("Q")
                candidates |= set(wanted).intersection(view)
        for eight in candidates:
            for kind, value in self.by_eight[eight]:
                if value in data:
                    found[kind] = found.get(kind, 0) + 1
        return found

    def find_in(self, daemon):
        """The same over every file of the daemon, and its log."""
        found = {}
        sources = [log.text().encode() for log in daemon.all_logs]
        for path in glob.glob(daemon.folder + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as stream:
                    sources.append(stream.read())
        for data in sources:
            for kind, count in self.find(data).items():
                found[kind] = found.get(kind, 0) + count
        return found

    def wait_gone(self, daemon, limit_s):
        """Seconds until none is found; what is still there at the end."""
        began = time.monotonic()
        while True:
            found = self.find_in(daemon)
            took = time.monotonic() - began
            if not found or took > limit_s:
                return took, found
            time.sleep(0.2)


SEALED = (
    ("SELECT id, holder_sealed, id_index, holder_hash FROM enrolment",
     ("holder", "id_index", "holder_hash")),
    ("SELECT enrolment_id, holder_sealed, id_index FROM credential",
     ("holder", "id_index")),
    ("SELECT id, note_sealed FROM enrolment WHERE note_sealed <> X''",
     ("reason",)),
    ("SELECT enrolment_id, note_sealed FROM credential "
     "WHERE note_sealed <> X''", ("reason",)),
    ("SELECT enrolment_id, details_sealed FROM credential "
     "WHERE details_sealed <> X''", ("details",)),
    ("SELECT enrolment_id, sealed FROM template", ("template",)),
    ("SELECT enrolment_id, sealed FROM portrait", ("portrait",)),
    ("SELECT subject, data_wrapped, template_wrapped FROM subject_key",
     ("data key", "template key")),
)


def add_pieces(needles, kind, value):
    """From behind the head that all seals share to the end: a long value lies
    in several pages."""
    for at in [*range(8, len(value) - 16, 2000), len(value) - 16]:
        needles.add(kind, value[at:at + 16])


def read_sealed(daemon, needles, enrolments, kinds=None):
    """Adds what is stored of these people, read from a copy of database and
    log; while that is made the log must not be moved."""
    with tempfile.TemporaryDirectory(prefix="sid-copy-") as folder:
        copy = os.path.join(folder, "copy.db")
        shutil.copy(daemon.database, copy)
        shutil.copy(daemon.database + "-wal", copy + "-wal")
        with contextlib.closing(sqlite3.connect(copy)) as db:
            for query, names in SEALED:
                for row in db.execute(query):
                    if row[0] not in enrolments:
                        continue
                    for kind, value in zip(names, row[1:]):
                        if kinds is None or kind in kinds:
                            add_pieces(needles, kind, value)
            for enrolment, blob in db.execute(
                    "SELECT DISTINCT enrolment_id, blob FROM photo "
                    "WHERE blob <> ''"):
                if enrolment in enrolments:
                    with open(os.path.join(daemon.database + ".photos", blob),
                              "rb") as stream:
                        add_pieces(needles, "photo", stream.read()[28:])


def wait_rest(daemon):
    """Until the daemon has had nothing to do and has emptied its log."""
    end = time.monotonic() + 30 * SLOW
    while os.path.getsize(daemon.database + "-wal") > 0:
        if time.monotonic() > end:
            raise AssertionError("the log is never emptied")
        time.sleep(0.1)


def check_all_the_time(daemon, headers, code, pace_s, stop, count, longest_us):
    """In a process of its own, so that no work of the test makes it pause."""
    body = ('{"code":"%s","purpose":"train_ticket"}' % code).encode()
    with daemon.connect() as connection:
        last = time.monotonic()
        while not stop.wait(pace_s):
            answer = connection.request("POST", "/v1/verifications", headers,
                                        body)
            if answer.status != 200 or not answer.json()["valid"]:
                raise AssertionError(repr(answer))
            now = time.monotonic()
            count.value += 1
            longest_us.value = max(longest_us.value, int((now - last) * 1e6))
            last = now


@contextlib.contextmanager
def constant_load(daemon, clerk_key, code, pace_s=0):
    """Checks without a pause: the writer never rests. Gives a function that
    tells how many there were, and the longest time between two."""
    fork = multiprocessing.get_context("fork")
    stop, count, longest = fork.Event(), fork.Value("q"), fork.Value("q")
    headers = daemon.api(clerk_key).headers(
        {"Content-Type": "application/json"})
    process = fork.Process(target=check_all_the_time, args=(
        daemon, headers, code, pace_s, stop, count, longest))
    process.start()
    try:
        yield lambda: "%d checks, %.2f s between two at most" % (
            count.value, longest.value / 1e6)
        end = time.monotonic() + 30 * SLOW
        while count.value < 10 and time.monotonic() < end:
            time.sleep(0.05)  # what was watched is over already
    finally:
        stop.set()
        process.join()
    if process.exitcode != 0 or count.value < 10:
        raise AssertionError("the load ended with %d after %d checks" % (
            process.exitcode, count.value))


class Person:
    """Somebody with marks in everything that can be stored of them."""

    def __init__(self, index, rng):
        self.index = index
        word = "".join(rng.choice(string.ascii_lowercase) for _ in range(12))
        self.name = "Canary %s" % word
        self.phone = "+861%011d" % rng.randrange(10 ** 11)
        self.note = "note " + word[::-1]
        self.photo = "photo " + word
        self.number = photos.random_number(rng)
        # One of five goes through an officer's hands.
        self.review = index % 5 == 0
        self.code = None
        self.portrait = None

    def marks(self, needles):
        needles.add("name", self.name, 7)
        needles.add("phone", self.phone, 5)
        needles.add("note", self.note, 5)
        needles.add("photo text", self.photo, 6)
        needles.add("number", self.number, 10)
        if self.portrait is not None:
            needles.add("portrait file", self.portrait, 160)

    def enrol(self, app):
        flaw = photos.UNCLEAR if self.review else photos.OK
        answer = app.submit(
            holder(self.name, self.number, phone=self.phone,
                   consent={"version": "2026-01", "portrait": True,
                            "given_at": "2026-01-05T08:00:00Z"}),
            photos.photo(self.index, text=self.photo + LONG),
            photos.photo(self.index, flaw, text=self.photo + LONG), wait=60,
            idempotency="canary-%d" % self.index)
        self.take(answer.json())

    def take(self, body):
        self.id = body["id"]
        self.state = body["state"]
        self.secret = body.get("holder_secret") or self.secret
        self.credential = credential_of(body)

    def use(self, app, clerk, officer):
        """Is decided if need be, gets a code, is checked; every tenth is
        revoked, another tenth recovered."""
        if self.review:
            officer.get("/v1/enrollments/%s/photos/selfie" % self.id)
            self.take(officer.post(
                "/v1/enrollments/%s/decision" % self.id,
                {"decision": "approve", "reason": self.note}).json())
        if self.index % 10 == 3:
            app.change(self.credential, "issue", {
                "type": "drivers_licence", "fields": {
                    "classes": "C1", "first_issue": "2020-01-01"}})
        self.code = app.code(self.credential)["code"]
        if not clerk.verify(self.code, "household_registration")["valid"]:
            raise AssertionError("not valid")
        if self.index % 3 == 0:
            check = clerk.verify(self.code, "hotel_check_in")
            portrait = clerk.get(check["holder"]["portrait_url"])
            if portrait.status != 200:
                raise AssertionError(repr(portrait))
            self.portrait = portrait.body
        if self.index % 10 == 1:
            app.revoke(self.credential, note=self.note)
        if self.index % 10 == 2:
            # What the old rows were lies in pages that are free now.
            self.secret = app.recover(
                self.credential,
                photos.photo(self.index, text=self.photo)).json()[
                    "holder_secret"]


class ErasedPeople(Case):
    """The whole way of PEOPLE people, walked once."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(settings={"log.log_level": "debug"})
        cls.addClassCleanup(cls.daemon.close)
        keys = {role: cls.daemon.add_client(role)
                for role in ("app", "clerk", "officer")}
        cls.daemon.start()
        cls.app, cls.clerk, cls.officer = (
            cls.daemon.api(keys[role]) for role in ("app", "clerk", "officer"))
        rng = random.Random(SEED)
        cls.people = [Person(i, rng) for i in range(PEOPLE)]
        cls.bystander = cls.app.enrol(who=9)
        code = cls.app.code(credential_of(cls.bystander))["code"]
        cls.needles = Needles()
        cls.enrol_and_use()
        cls.before = cls.needles.find_in(cls.daemon)
        with constant_load(cls.daemon, keys["clerk"], code) as load:
            cls.erase_all()
            cls.took_s, cls.left = cls.needles.wait_gone(cls.daemon, HELD_S)
            cls.load = load()
        cls.answers = cls.ask_again()
        cls.daemon.stop()
        cls.left_after_stop = cls.needles.find_in(cls.daemon)

    @classmethod
    def each(cls, work, people=None):
        """work(person) for everybody, four at a time."""
        waiting = list(cls.people if people is None else people)
        lock = threading.Lock()

        def run(_):
            while True:
                with lock:
                    if not waiting:
                        return
                    person = waiting.pop()
                work(person)
        threads(4, run)

    @classmethod
    def enrol_and_use(cls):
        cls.each(lambda p: p.enrol(cls.app))
        theirs = {p.id for p in cls.people}
        wait_rest(cls.daemon)
        read_sealed(cls.daemon, cls.needles, theirs)  # photos in review
        cls.each(lambda p: p.use(cls.app, cls.clerk, cls.officer))
        wait_rest(cls.daemon)
        read_sealed(cls.daemon, cls.needles, theirs)
        for person in cls.people:
            person.marks(cls.needles)

    @classmethod
    def erase_all(cls):
        """Half of them themselves, half by an officer; others come in."""
        cls.statuses = []
        cls.newcomers = []

        def erase(person):
            who = cls.officer if person.index % 2 else \
                cls.daemon.api(person.secret)
            answer = who.delete("/v1/enrollments/" + person.id)
            cls.statuses.append(answer.status)
            if person.index % 10 == 0:
                cls.newcomers.append(cls.app.enrol(who=3))
        cls.each(erase)

    @classmethod
    def ask_again(cls):
        """The status of everything anybody can ask about the erased."""
        answers = {}

        def ask(person):
            mine = cls.daemon.api(person.secret)
            enrolment = "/v1/enrollments/" + person.id
            credential = "/v1/credentials/" + person.credential
            for name, answer in (
                    ("get", cls.app.get(enrolment)),
                    ("officer", cls.officer.get(enrolment)),
                    ("holder", mine.get(enrolment)),
                    ("photo", cls.officer.get(enrolment + "/photos/selfie")),
                    ("delete", cls.officer.delete(enrolment)),
                    ("own delete", mine.delete(enrolment)),
                    ("credential", cls.app.get(credential)),
                    ("code", mine.get(credential + "/code")),
                    ("revoke", cls.app.revoke(person.credential))):
                answers.setdefault(name, set()).add(answer.status)
            verdict = cls.clerk.verify(person.code)
            answers.setdefault("check", set()).add(
                (verdict["valid"], verdict.get("reason")))
        cls.each(ask)
        return answers

    def test_what_is_looked_for_was_there_before(self):
        for kind in ("holder", "id_index", "template", "portrait", "data key",
                     "template key", "reason", "details"):
            self.assertGreater(self.before.get(kind, 0), 0, self.before)
        for kind in ("name", "number", "phone", "photo text", "portrait file",
                     "note"):
            self.assertNotIn(kind, self.before)
        self.assertGreaterEqual(len(self.needles), 15 * PEOPLE)

    def test_every_delete_is_204_and_every_later_request_404(self):
        self.assertEqual(self.statuses, [204] * PEOPLE)
        self.assertEqual(self.answers.pop("check"), {(False, "not_valid")})
        for name, statuses in self.answers.items():
            self.assertEqual(statuses, {404}, name)

    def test_nothing_of_them_is_left_within_seconds_and_under_load(self):
        print("%d people: %d values, gone %.1f s after the last DELETE, "
              "during %s" % (PEOPLE, len(self.needles), self.took_s,
                             self.load))
        self.assertEqual(self.left, {})
        self.assertLess(self.took_s, HELD_S)
        self.assertLess(HELD_S / SLOW, PROMISED_S)

    def test_nothing_of_them_is_left_after_a_stop(self):
        self.assertEqual(self.left_after_stop, {})

    def test_a_tombstone_and_the_audit_log_tell_by_ids_what_happened(self):
        tombstones = dict(self.daemon.sql(
            "SELECT enrolment_id, credential_id FROM erasure"))
        self.assertEqual(tombstones,
                         {p.id: p.credential for p in self.people})
        rows = self.daemon.sql(
            "SELECT subject, actor, detail FROM audit WHERE "
            "event = 'enrolment_erased' AND outcome = 'request'")
        self.assertEqual({r[0]: r[2] for r in rows}, tombstones)
        own = sum(1 for p in self.people if p.index % 2 == 0)
        self.assertEqual(sum(1 for r in rows if r[1] == "holder"), own)
        checks = self.daemon.sql(
            "SELECT count(DISTINCT subject) FROM audit WHERE "
            "event = 'verification' AND outcome = 'erased'")
        self.assertEqual(checks, [(PEOPLE,)])
        self.assertIn("unbroken", self.daemon.ctl("audit", "verify").stdout)

    def test_the_others_are_whole(self):
        ids = {self.bystander["id"]} | {n["id"] for n in self.newcomers}
        for table, column in (("enrolment", "id"), ("template", "enrolment_id"),
                              ("subject_key", "subject"),
                              ("credential", "enrolment_id")):
            self.assertEqual({r[0] for r in self.daemon.sql(
                "SELECT %s FROM %s" % (column, table))}, ids, table)
        self.assertEqual({bytes(r[0]) for r in self.daemon.sql(
            "SELECT fingerprint FROM idempotency")}, {bytes(32)})
        self.assertEqual(self.daemon.sql("PRAGMA integrity_check"), [("ok",)])


class PhotosUnderLoad(DaemonCase):
    """A photo is gone soon after the decision, also when the daemon never
    rests and does not have so much to do that its log is begun anew."""

    def test_photos_are_out_of_every_file_within_seconds_of_the_decision(self):
        _, credential = self.approved(who=9)
        code = self.app.code(credential)["code"]
        with constant_load(self.daemon, self.keys["clerk"], code,
                           pace_s=0.2) as load:
            waiting = [self.app.submit(
                holder(), photos.photo(i, text=LONG),
                photos.photo(i, photos.UNCLEAR, text=LONG),
                wait=30).json()["id"] for i in range(6)]
            needles = Needles()
            read_sealed(self.daemon, needles, waiting, ("photo",))
            self.assertEqual(needles.find_in(self.daemon),
                             {"photo": len(needles)})
            for index, enrolment in enumerate(waiting):
                answer = self.officer.post(
                    "/v1/enrollments/%s/decision" % enrolment,
                    {"decision": "approve" if index % 2 else "reject",
                     "reason": "seen"})
                self.assertEqual(answer.status, 200, answer)
            took_s, left = needles.wait_gone(self.daemon, HELD_S)
            print("photos gone after %.1f s during %s" % (took_s, load()))
        self.assertEqual(left, {})
        self.assertLess(took_s, HELD_S)


class Rotated(DaemonCase):
    def test_a_new_template_key_leaves_nothing_of_the_faces_old_form(self):
        people = [self.approved(who=i)[0]["id"] for i in range(5)]
        wait_rest(self.daemon)
        old, new = Needles(), Needles()
        read_sealed(self.daemon, old, people, ("template", "template key"))
        self.assertGreaterEqual(len(old), 10)
        self.daemon.ctl("key", "rotate", "template")
        took_s, left = old.wait_gone(self.daemon, HELD_S)
        self.assertEqual(left, {}, took_s)
        wait_rest(self.daemon)
        read_sealed(self.daemon, new, people, ("template", "template key"))
        self.assertEqual(len(new), len(old))


class Killed(Case):
    def test_what_was_erased_before_a_kill_is_gone_after_the_next_start(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        keys = [daemon.add_client(role) for role in ("app", "officer")]
        daemon.start()
        app, officer = (daemon.api(key) for key in keys)
        enrolment = app.submit(
            holder("Canary Killed"), photos.photo(1, text=LONG),
            photos.photo(1, photos.UNCLEAR, text=LONG), wait=30).json()["id"]
        needles = Needles()
        wait_rest(daemon)
        read_sealed(daemon, needles, [enrolment])
        answer = officer.delete("/v1/enrollments/" + enrolment)
        daemon.kill()
        self.assertEqual(answer.status, 204, answer)
        self.assertNotEqual(needles.find_in(daemon), {})
        daemon.start()
        self.assertEqual(
            officer.get("/v1/enrollments/" + enrolment).status, 404)
        took_s, left = needles.wait_gone(daemon, HELD_S)
        self.assertEqual(left, {}, took_s)
        daemon.stop()


class Deleting(DaemonCase):
    """The endpoint's manners."""

    def test_the_answer_is_204_without_a_body_or_a_type_of_one(self):
        enrolment, _ = self.approved(who=1)
        with self.daemon.connect() as connection:
            answer = connection.request(
                "DELETE", "/v1/enrollments/" + enrolment["id"],
                self.officer.headers())
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.assertIsNone(answer.header("content-type"))
            self.assertIsNone(answer.header("content-length"))
            # The connection can go on.
            self.assertEqual(connection.request("GET", "/healthz").status, 200)

    def test_each_reason_of_the_list_is_recorded_and_no_other_is_taken(self):
        for reason in ("request", "consent_withdrawn", "purpose_ended",
                       "mistake", "unlawful"):
            enrolment, _ = self.approved(who=2)
            path = "/v1/enrollments/" + enrolment["id"]
            for bad in ({"reason": "Zhang has died"}, {"reason": "rejected"},
                        {"reason": 7}, {"reason": ""}):
                self.assert_problem(self.officer.delete(path, bad), 422,
                                    "field_invalid")
            self.assert_problem(self.officer.delete(path, {"cause": reason}),
                                422, "field_unknown")
            self.assert_problem(self.officer.delete(path, b"[]"), 400,
                                "bad_json")
            answer = self.officer.delete(path, {"reason": reason})
            self.assertEqual(answer.status, 204, answer)
        self.daemon.restart()

    def test_a_stranger_cannot_tell_an_enrolment_from_none(self):
        mine, _ = self.approved(who=3)
        other, _ = self.approved(who=4)
        stranger = self.daemon.api(other["holder_secret"])
        bodies = set()
        for path in (mine["id"], "enr_" + "0" * 26, "enr_x", mine["id"] + "0"):
            answer = stranger.delete("/v1/enrollments/" + path)
            document = self.assert_problem(answer, 404, "not_found")
            document.pop("request_id")
            bodies.add(str(sorted(document.items())))
        self.assertEqual(len(bodies), 1)
        self.assertEqual(self.app.get("/v1/enrollments/" + mine["id"]).status,
                         200)

    def test_an_enrolment_at_work_is_erased_and_who_waits_is_told(self):
        sent = self.app.submit(
            holder("Wang At Work"), photos.photo(5, photos.SLOW),
            photos.photo(5, photos.SLOW), idempotency="at-work")
        self.assertEqual(sent.status, 202, sent)
        enrolment = sent.json()["id"]
        answers = []

        def wait_or_erase(index):
            path = "/v1/enrollments/" + enrolment
            answers.append(self.officer.delete(path) if index else
                           self.app.get(path, {"Prefer": "wait=30"}))
        threads(2, wait_or_erase)
        self.assertEqual({a.status for a in answers}, {204, 404})
        # The worker puts its job away: the next one is done.
        self.approved(who=6)
        self.approved(who=7)
        self.assert_problem(self.app.get("/v1/enrollments/" + enrolment), 404)
        # A retry of that request enrols nobody anew, whatever it has.
        for flaw in (photos.SLOW, photos.OK):
            again = self.app.submit(
                holder("Wang At Work"), photos.photo(5, flaw),
                photos.photo(5, flaw), wait=30, idempotency="at-work")
            self.assert_problem(again, 409, "conflict")

    def test_an_erased_number_can_be_enrolled_again(self):
        person = holder("Wang Twice")
        first, _ = self.approved(who=8, person=person)
        second = self.app.enrol(who=8, person=person)
        self.assertEqual(second["state"], "rejected")
        own = self.daemon.api(first["holder_secret"])
        self.assertEqual(
            own.delete("/v1/enrollments/" + first["id"]).status, 204)
        self.assertEqual(self.app.enrol(who=8, person=person)["state"],
                         "approved")


if __name__ == "__main__":
    unittest.main()
