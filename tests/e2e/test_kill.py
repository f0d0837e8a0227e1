"""Killed at any moment while eight clients write, again and again on one
database. KILL_CYCLES: how often (50)."""

import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
import unittest

import photos
from harness import SETTLED, SLOW, Case, Daemon, credential_of, holder
from http_raw import Closed

CYCLES = int(os.environ.get("KILL_CYCLES", "50"))
READY_LIMIT_S = 2
# Each must be empty, whatever the moment was.
HALF_DONE = {
    "decided without its row in the audit log, or twice":
        "SELECT e.id FROM enrolment e WHERE (SELECT count(*) FROM audit a "
        "WHERE a.event = 'enrolment_decided' AND a.subject = e.id) != "
        "(e.state NOT IN ('received', 'processing'))",
    "received without its row, or twice":
        "SELECT e.id FROM enrolment e WHERE (SELECT count(*) FROM audit a "
        "WHERE a.event = 'enrolment_received' AND a.subject = e.id) != 1",
    "a row about an enrolment that is not there":
        "SELECT subject FROM audit WHERE event IN ('enrolment_received', "
        "'enrolment_decided') AND subject NOT IN (SELECT id FROM enrolment)",
    "photos missing, or left":
        "SELECT e.id FROM enrolment e WHERE (SELECT count(*) FROM photo p "
        "WHERE p.enrolment_id = e.id) != "
        "2 * (e.state IN ('received', 'processing')) + "
        "4 * (e.state = 'review')",  # and the faces of both
    "templates counted wrongly":
        "SELECT count FROM tally WHERE name = 'template' AND "
        "count != (SELECT count(*) FROM template)",
    "not one credential for one approval":
        "SELECT e.id FROM enrolment e WHERE (SELECT count(*) FROM credential "
        "c WHERE c.enrolment_id = e.id) != (e.state = 'approved')",
    "a credential without its enrolment":
        "SELECT id FROM credential WHERE enrolment_id NOT IN "
        "(SELECT id FROM enrolment)",
    "revoked without its row, or the row alone":
        "SELECT c.id FROM credential c WHERE (c.state = 'revoked') != EXISTS "
        "(SELECT 1 FROM audit a WHERE a.event = 'credential_revoked' AND "
        "a.subject = c.id)",
}

LOST = "acknowledged and lost|a told state changed|told and not in the audit " \
    "log|revoked and forgotten"


class Told:
    """What the clients were told."""

    def __init__(self):
        self.lock = threading.Lock()
        self.first = threading.Event()
        self.enrolled = {}  # id -> state
        self.checks = set()
        self.revoked = set()

    def count(self):
        return len(self.enrolled) + len(self.checks) + len(self.revoked)


class KillCase(Case):
    BINARY = "smartidd-fake"

    def setUp(self):
        self.daemon = Daemon(self.BINARY)
        self.addCleanup(self.daemon.close)
        self.app = self.daemon.api(self.daemon.add_client("app"))
        self.clerk = self.daemon.api(self.daemon.add_client("clerk"))
        self.pairs = [photos.pair(who) for who in range(8)]
        self.left_over = 0  # photos on disk whose row was not yet there
        self.credentials = []  # not yet revoked; only the revoker takes some

    def enrol(self, told, wait):
        answer = self.app.submit(holder(), *self.pairs[0 if wait else 1],
                                 wait=wait)
        if answer.status == 503:
            return  # every place is taken
        self.assertIn(answer.status, (200, 201, 202), repr(answer))
        body = answer.json()
        with told.lock:
            told.enrolled[body["id"]] = body["state"]
            if body["state"] == "approved":
                self.credentials.append(credential_of(body))

    def check(self, told):
        verdict = self.clerk.verify(self.code)
        self.assertTrue(verdict["valid"])
        with told.lock:
            told.checks.add(verdict["id"])

    def revoke(self, told):
        with told.lock:
            one = self.credentials.pop() if self.credentials else None
        if one is None:
            self.check(told)
            return
        self.assertEqual(self.app.revoke(one).status, 200)
        with told.lock:
            told.revoked.add(one)

    def write(self, index, told, errors):
        acts = (lambda: self.enrol(told, 30), lambda: self.enrol(told, None),
                lambda: self.check(told), lambda: self.revoke(told))
        try:
            while True:
                acts[index % len(acts)]()
                told.first.set()
        except (Closed, OSError):
            pass  # killed
        except BaseException as error:  # noqa: B902 - handed to the caller
            errors.append(error)
            told.first.set()

    def start(self):
        began = time.monotonic()
        self.daemon.start()
        return time.monotonic() - began

    def cycle(self, rng):
        """Returns what was told until the process was killed."""
        told, errors = Told(), []
        clients = [threading.Thread(target=self.write, args=(i, told, errors))
                   for i in range(8)]
        for client in clients:
            client.start()
        told.first.wait(30 * SLOW)
        time.sleep(rng.uniform(0, 0.1))  # the moment, not a synchronisation
        self.daemon.kill()
        for client in clients:
            client.join()
        if errors:
            raise errors[0]
        return told

    def check_left(self, told):
        """What a copy of the files says; the daemon's own stay as they are."""
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "copy.db")
            shutil.copyfile(self.daemon.database, copy)
            shutil.copyfile(self.daemon.database + "-wal", copy + "-wal")
            connection = sqlite3.connect(copy)
            try:
                self.check_rows(connection.execute, told)
                blobs = {row[0] for row in connection.execute(
                    "SELECT blob FROM photo WHERE blob <> ''")}
            finally:
                connection.close()
        files = set(os.listdir(self.daemon.database + ".photos"))
        self.assertEqual(blobs - files, set(), "photos that are not there")
        self.left_over += len(files - blobs)

    def check_rows(self, sql, told):
        self.assertEqual(sql("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(sql("PRAGMA foreign_key_check").fetchall(), [])
        # For the questions that follow, after many rounds.
        sql("CREATE INDEX by_subject ON audit (subject, event)")
        sql("CREATE INDEX by_enrolment ON credential (enrolment_id)")
        for what, query in HALF_DONE.items():
            self.assertEqual(sql(query).fetchall(), [], what)
        states = dict(sql("SELECT id, state FROM enrolment"))
        for one, state in told.enrolled.items():
            self.assertIn(one, states, "acknowledged and lost")
            if state in SETTLED:
                self.assertEqual(states[one], state, "a told state changed")
        details = "\n".join(row[0] for row in sql(
            "SELECT detail FROM audit WHERE event = 'verification'"))
        lost = [one for one in told.checks if one not in details]
        self.assertEqual(lost, [], "told and not in the audit log")
        revoked = {row[0] for row in sql(
            "SELECT id FROM credential WHERE state = 'revoked'")}
        self.assertEqual(told.revoked - revoked, set(), "revoked and forgotten")

    def begin(self):
        self.start()
        self.code = self.app.code(credential_of(self.app.enrol(who=1)))["code"]


class Killed(KillCase):
    def test_a_kill_at_any_moment_loses_nothing_acknowledged(self):
        rng = self.rng()
        self.begin()
        total, revoked, slowest = 0, 0, 0.0
        for cycle in range(1, CYCLES + 1):
            if len(self.credentials) < 3:
                self.credentials += [credential_of(self.app.enrol(who=2))
                                     for _ in range(6)]
            told = self.cycle(rng)
            self.check_left(told)
            total += told.count()
            revoked += len(told.revoked)
            if cycle % 10 == 0:  # what was broken once stays so
                self.assertRegex(self.daemon.ctl("audit", "verify").stdout,
                                 "chain unbroken")
            took = self.start()
            slowest = max(slowest, took)
            self.assertLess(took, READY_LIMIT_S * SLOW)
        self.assertGreater(revoked, 0)
        print(json.dumps({"kills": CYCLES, "acknowledged": total, "revoked": revoked,
                          "lost": 0, "slowest_start_s": round(slowest, 2),
                          "photos_before_their_row": self.left_over}),
              flush=True)
        # What was written for a row that never came is gone by now.
        self.daemon.stop()
        blobs = {row[0] for row in self.daemon.sql(
            "SELECT blob FROM photo WHERE blob <> ''")}
        self.assertEqual(set(os.listdir(self.daemon.database + ".photos")),
                         blobs)


class AnswersEarly(KillCase):
    """The control: the same kills and the same looks at what is left."""

    BINARY = "smartidd-early-fake"

    def test_a_daemon_that_answers_before_its_commit_is_found_out(self):
        rng = self.rng()
        self.begin()
        for _ in range(10):
            told = self.cycle(rng)
            try:
                self.check_left(told)
            except AssertionError as found:
                self.assertRegex(str(found), LOST)
                return
            self.start()
        self.fail("ten kills, and nothing was missing")


if __name__ == "__main__":
    unittest.main()
