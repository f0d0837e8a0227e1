"""One connection in the daemon writes, and its thread alone moves the log: with
two, SQLite 3.7.0 to 3.51.2 can damage the database (reliability A9). Readers
beside it see a whole database each time.

ONE_WRITER_S: how long (3 seconds)."""

import collections
import json
import os
import sqlite3
import threading
import time
import unittest
from contextlib import closing

import photos
from harness import SLOW, Case, Daemon, holder, program, threads

SECONDS = float(os.environ.get("ONE_WRITER_S", "3"))
LIMIT_S = 60  # on a machine that is busy
CLIENTS = 4
READERS = 4
WRITER = "sid-writer"


class OneWriter(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        self.notes = os.path.join(self.daemon.folder, "notes")
        with open(self.notes, "w", encoding="ascii"):
            pass
        self.daemon.env.update({
            "LD_PRELOAD": program("one_writer.so"), "ONE_WRITER": self.notes,
            # The library comes before the sanitizer's, which minds.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"})
        self.daemon.start()
        self.app = self.daemon.api(self.daemon.keys["app"])
        self.clerk = self.daemon.api(self.daemon.keys["clerk"])
        state = self.app.enrol(who=1)
        self.code = self.app.code(state["credential_id"])["code"]
        self.lock = threading.Lock()
        self.whole = self.writes = self.opened = 0

    def read_notes(self, start=0):
        """How often each thread did what, from a place in the file on."""
        with open(self.notes, encoding="ascii") as stream:
            stream.seek(start)
            return collections.Counter(stream.read().splitlines())

    def opened_to_write(self):
        """Descriptors of the database's file that one can write by."""
        folder = "/proc/%d/" % self.daemon.process.pid
        found = 0
        for number in os.listdir(folder + "fd"):
            try:
                path = os.readlink(folder + "fd/" + number)
                with open(folder + "fdinfo/" + number,
                          encoding="ascii") as stream:
                    flags = int(stream.read().split("flags:")[1].split()[0], 8)
            except FileNotFoundError:
                continue  # closed since
            found += path == self.daemon.database and flags & os.O_ACCMODE != 0
        return found

    def goes_on(self, end):
        """Until the time is over and the log has been moved meanwhile."""
        now = time.monotonic()
        return now < end or (now < end + LIMIT_S * SLOW and not self.read_notes(
            self.started)[WRITER + " writes"])

    def write(self, end):
        while self.goes_on(end):
            answer = self.app.submit(holder(), *photos.pair(1), wait=30)
            self.assertIn(answer.status, (201, 503), repr(answer))
            self.assertTrue(self.clerk.verify(self.code)["valid"])
            with self.lock:
                self.writes += 1

    def read(self, end):
        uri = "file:%s?mode=ro" % self.daemon.database
        while self.goes_on(end):
            with closing(sqlite3.connect(uri, uri=True, timeout=20)) as reader:
                for query, answer in (("PRAGMA integrity_check", [("ok",)]),
                                      ("PRAGMA foreign_key_check", [])):
                    self.assertEqual(reader.execute(query).fetchall(), answer)
            opened = self.opened_to_write()
            with self.lock:
                self.whole += 1
                self.opened = max(self.opened, opened)

    def test_one_connection_writes_and_its_thread_moves_the_log(self):
        self.started = os.path.getsize(self.notes)
        end = time.monotonic() + SECONDS
        threads(CLIENTS + READERS, lambda index: self.write(end)
                if index < CLIENTS else self.read(end))
        beside = self.read_notes(self.started)
        self.daemon.stop()
        every = self.read_notes()
        print(json.dumps({"rounds": self.writes, "whole": self.whole,
                          "beside": beside, "opened": self.opened}),
              flush=True)
        self.assertGreater(self.whole, 0)
        self.assertEqual(self.opened, 1)
        self.assertEqual(sum(count for note, count in every.items()
                             if note.endswith(" opens_to_write")), 1, every)
        for act in ("checkpoints", "writes"):
            self.assertEqual({note for note in beside if note.endswith(act)},
                             {"%s %s" % (WRITER, act)}, beside)


if __name__ == "__main__":
    unittest.main()
