"""A move that is killed at 50 random moments, and backups under load."""

import os
import sqlite3
import subprocess
import threading
import unittest

from harness import clean_environment, credential_of, program
from test_backup import Backed
from test_migrate import Moving, setUpModule  # noqa: F401 - makes the server

KILLS = int(os.environ.get("MOVE_KILLS", "50"))
ROWS = 60000
WRITERS = 8


class Killed(Moving):
    def kills(self, target, count, longest_s):
        """Starts the move again and again; how often it was killed."""
        rng = self.rng()
        killed = 0
        while killed < count:
            process = subprocess.Popen(
                [program("smartidctl"), "-c", self.daemon.config, "migrate",
                 "--from", self.file, "--to", target, "--quiet"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, env=clean_environment())
            try:
                said = process.communicate(
                    timeout=rng.uniform(0.005, longest_s))[1]
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                killed += 1
                continue
            self.assertEqual(process.returncode, 0, said)
            return killed
        return killed

    def end(self, target, count):
        """Moves what is left; count says how many rows of a table there are."""
        self.move(self.file, target)
        with sqlite3.connect("file:%s?mode=ro" % self.file, uri=True) as lite:
            expected = {table: lite.execute(
                "SELECT count(*) FROM " + table).fetchone()[0]
                for table in ("audit", "client", "wrapped_key", "credential")}
        self.assertEqual({table: count(table) for table in expected}, expected)
        self.place(target)
        self.daemon.start()
        self.daemon.stop()
        self.verify_log()

    def test_at_random_moments_into_a_file(self):
        self.fill_log(ROWS)
        rng, done, rounds = self.rng(), 0, 0
        while done < KILLS:
            target = os.path.join(self.daemon.folder, "to%d.db" % rounds)
            done += self.kills(target, min(10, KILLS - done),
                               rng.uniform(0.1, 1.5))
            rounds += 1
            if os.path.exists(target) and done < KILLS:
                try:
                    self.move(self.file, target)
                except AssertionError as error:
                    # It had come to its end before the last kill.
                    self.assertIn("no move has put there", str(error))
        target = os.path.join(self.daemon.folder, "last.db")

        def count(table):
            with sqlite3.connect("file:%s?mode=ro" % target,
                                 uri=True) as lite:
                return lite.execute("SELECT count(*) FROM " +
                                    table).fetchone()[0]
        self.kills(target, 5, 0.3)
        self.end(target, count)
        print("%d kills of moves into %d files" % (done + 5, rounds + 1))

    def test_at_random_moments_into_a_server(self):
        self.fill_log(ROWS)
        killed = 0
        for _ in range(8):
            killed += self.kills(self.uri, 1, 1.5)
            try:  # it need not wait for the lease of a process that is dead
                self.server.sql("UPDATE lease SET until_us = 0", self.schema)
            except RuntimeError:
                pass  # no tables yet
            if killed == 8:
                break
        self.end(self.uri, lambda table: self.number(
            "SELECT count(*) FROM " + table))
        print("%d kills of a move into a server" % killed)


class UnderLoad(Backed):
    def test_8_writers_and_all_that_was_answered_is_in_the_copy(self):
        self.daemon.start()
        app, clerk = self.role("app"), self.role("clerk")
        code = app.code(credential_of(app.enrol(1)))["code"]
        answered, stop = [], threading.Event()

        def check():
            while not stop.is_set():
                answered.append(clerk.verify(code)["id"])

        crowd = [threading.Thread(target=check) for _ in range(WRITERS)]
        for one in crowd:
            one.start()
        lost = looked_at = 0
        try:
            for n in range(20):
                before = set(answered)
                copy = os.path.join(self.folder, str(n))
                self.backup(copy)
                other = self.machine()
                other.ctl("restore", "--from", copy)
                with sqlite3.connect(other.database) as lite:
                    there = {row[0].split()[0][3:] for row in lite.execute(
                        "SELECT detail FROM audit WHERE event = "
                        "'verification'")}
                lost += len(before - there)
                looked_at += len(before)
        finally:
            stop.set()
            for one in crowd:
                one.join()
        print("20 backups beside %d writers: %d answers, %d lost" % (
            WRITERS, looked_at, lost))
        self.assertEqual(lost, 0)
        self.assertGreater(looked_at, 1000)


# They are make check's.
del Backed, Moving

if __name__ == "__main__":
    unittest.main()
