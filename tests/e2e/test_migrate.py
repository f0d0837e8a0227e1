"""smartidctl migrate: a database moves from a file to a server and back, whole
or not at all."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

import photos
from harness import ROOT, SLOW, Case, Daemon, clean_environment, credential_of, \
    holder, program, run_tool

sys.path.insert(0, os.path.join(ROOT, "tests", "tools"))
import postgres  # noqa: E402 pylint: disable=wrong-import-position

ROWS = 25000   # of the log, so that a kill finds the move in the middle


def setUpModule():
    """One server for the file."""
    Case.server = postgres.Server()
    unittest.addModuleCleanup(Case.server.stop)


class Moving(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        self.file = self.daemon.database
        self.schema = "s%d" % id(self)
        self.server.sql("CREATE SCHEMA " + self.schema)
        self.uri = self.server.uri(self.schema)

    def role(self, name):
        return self.daemon.api(self.daemon.keys[name])

    def place(self, database):
        """Where the daemon and its smartidctl look from now on."""
        more = {"SMARTIDD_STORE_DATABASE": database,
                "SMARTIDD_STORE_CONTROL_SOCKET": self.file + ".sock",
                "SMARTIDD_AUDIT_HEAD_FILE": self.file + ".heads"}
        self.daemon.env.update(more)
        self.daemon.ctl_environment = lambda: more

    def move(self, source, target, *more, check=True):
        return run_tool("-c", self.daemon.config, "migrate", "--from", source,
                        "--to", target, *more, check=check)

    def refused(self, text, source, target, *more):
        result = self.move(source, target, *more, check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(text, result.stderr)

    def verify_log(self):
        result = self.daemon.ctl("audit", "verify", check=False)
        self.assertEqual(result.returncode, 0, result)

    def number(self, text):
        return int(self.server.sql(text, self.schema))

    def tables(self):
        return self.server.sql(
            "SELECT count(*) FROM information_schema.tables WHERE "
            "table_schema = '%s'" % self.schema)

    def fill_log(self, rows=ROWS):
        run_tool(self.file, os.path.join(self.daemon.folder, "master.key"),
                 os.path.join(self.daemon.folder, "made.heads"), str(rows),
                 "5000", binary=program("mkaudit"))


class Whole(Moving):
    def test_people_photos_and_codes_go_to_a_server_and_come_back(self):
        self.daemon.start()
        app, officer = self.role("app"), self.role("officer")
        stands = credential_of(app.enrol(1))
        ended = credential_of(app.enrol(2))
        waiting = app.enrol(3, selfie_flaw=photos.UNCLEAR)["id"]
        person = holder()
        card, selfie = photos.photo(4), photos.photo(4, photos.UNCLEAR)
        second = app.submit(person, card, selfie, wait=30).json()["id"]
        codes = {name: app.code(name)["code"] for name in (stands, ended)}
        self.assertEqual(app.revoke(ended).status, 200)
        self.daemon.stop()

        result = self.move("sqlite:" + self.file, self.uri)
        self.assertIn("audit log:", result.stdout)
        self.assertRegex(result.stdout, r"photos among them: [1-9]")
        self.assertRegex(result.stderr, r"copied: \d+ rows in .* rows/s")
        self.assertEqual(self.number("SELECT count(*) FROM photo WHERE "
                                     "length(sealed) = 0 OR blob <> ''"), 0)
        self.place(self.uri)
        self.daemon.start()
        clerk, app, officer = (self.role(r) for r in ("clerk", "app",
                                                      "officer"))
        self.assertEqual(clerk.verify(codes[stands])["result"], "valid")
        self.assertEqual(clerk.verify(codes[ended])["result"], "not_valid")
        path = "/v1/enrollments/%s/photos/selfie" % second
        self.assertEqual(officer.get(path).body, selfie)
        decided = officer.post("/v1/enrollments/%s/decision" % waiting,
                               {"decision": "approve", "reason": "seen"})
        self.assertEqual(decided.status, 200, repr(decided))
        made = credential_of(app.get("/v1/enrollments/" + waiting).json())
        codes[made] = app.code(made)["code"]
        self.daemon.stop()
        self.verify_log()
        # A serial that was given is not given again.
        self.assertEqual(self.number("SELECT max(serial) FROM credential"), 3)

        back = os.path.join(self.daemon.folder, "back.db")
        result = self.move(self.uri, back, "--quiet")
        self.assertEqual(result.stderr, "")
        self.assertEqual(os.stat(back).st_mode & 0o777, 0o600)
        self.place(back)
        self.daemon.start()
        clerk, app, officer = (self.role(r) for r in ("clerk", "app",
                                                      "officer"))
        for name, result in ((stands, "valid"), (made, "valid"),
                             (ended, "not_valid")):
            self.assertEqual(clerk.verify(codes[name])["result"], result)
        self.assertEqual(officer.get(path).body, selfie)
        self.assertEqual(app.enrol(5)["state"], "approved")
        self.daemon.stop()
        self.verify_log()
        with sqlite3.connect(back) as lite:
            self.assertEqual(lite.execute(
                "SELECT max(serial) FROM credential").fetchone()[0], 4)

    def test_from_one_file_to_another(self):
        self.daemon.start()
        app = self.role("app")
        code = app.code(credential_of(app.enrol(1)))["code"]
        self.assertEqual(app.enrol(3, selfie_flaw=photos.UNCLEAR)["state"],
                         "review")
        self.daemon.stop()
        other = os.path.join(self.daemon.folder, "other.db")
        told = self.move(self.file, "sqlite:" + other).stdout
        self.assertIn("heads: not looked at", told)
        self.place(other)
        self.daemon.start()
        self.assertEqual(self.role("clerk").verify(code)["result"], "valid")
        self.daemon.stop()
        self.verify_log()


class Refused(Moving):
    def test_a_daemon_on_either_side(self):
        other = Daemon(keys=True)
        self.addCleanup(other.close)
        self.daemon.start()
        self.refused("--from: a daemon", self.file, self.uri)
        self.assertEqual(self.tables(), "0")
        self.refused("--to: a daemon", other.database, self.file)

    def test_a_target_that_is_in_use_is_left_alone(self):
        other = Daemon(keys=True)
        self.addCleanup(other.close)
        self.refused("data in it that no move has put there", self.file,
                     other.database)
        self.refused("name a new file, or an empty database", self.file,
                     other.database)
        self.refused("data in it that no move has put there", self.file,
                     other.database, "--anew")
        self.assertEqual(len(other.ctl("client", "list").stdout.splitlines()),
                         len(self.daemon.ctl("client",
                                             "list").stdout.splitlines()))

    def test_a_place_that_is_not_there(self):
        missing = os.path.join(self.daemon.folder, "missing.db")
        before = sorted(os.listdir(self.daemon.folder))
        for source, why in (
                ("sqlite:" + missing, "there is no file of this name"),
                (missing + "/x.db", "its folder does not exist"),
                (self.uri, "there are no tables in this database")):
            self.refused(why, source, self.file + ".new")
            self.assertEqual(sorted(os.listdir(self.daemon.folder)), before)
        self.refused("--from " + missing + ": there", missing, self.uri)
        self.assertEqual(self.tables(), "0")
        self.refused("its folder does not exist", self.file, missing + "/x.db")
        self.assertEqual(sorted(os.listdir(self.daemon.folder)), before)
        self.refused("--to", self.file, "postgresql://127.0.0.1:1/none")

    def test_r_an_empty_file_is_no_database_to_start_on(self):
        """What is left of a move that was killed before its first table."""
        other = os.path.join(self.daemon.folder, "other.db")
        with open(other, "w", encoding="ascii"):
            pass
        self.place(other)
        self.daemon.spawn()
        self.assertNotEqual(self.daemon.wait_exit(), 0)
        self.daemon.process = None
        self.assertIn("the file is empty: a move into it",
                      self.daemon.log.text())
        for command in (("client", "list"), ("audit", "verify"),
                        ("backup", "--to", other + ".copy")):
            result = self.daemon.ctl(*command, check=False)
            self.assertNotEqual(result.returncode, 0, command)
            self.assertIn("the file is empty", result.stderr)
        self.assertEqual(os.path.getsize(other), 0)
        self.assertFalse(os.path.exists(other + ".copy"))
        self.move(self.file, other)
        self.daemon.start()
        self.daemon.stop()
        self.verify_log()

    def test_r_another_master_key_is_noticed_before_anything_is_copied(self):
        path = os.path.join(self.daemon.folder, "master.key")
        with open(path, "r+", encoding="ascii") as stream:
            right = stream.read()
            stream.seek(0)
            stream.write(os.urandom(32).hex())
        target = os.path.join(self.daemon.folder, "to.db")
        self.refused("master key does not belong", self.file, target)
        self.refused("--from", self.file, target)
        with sqlite3.connect(target) as lite:
            self.assertEqual(lite.execute(
                "SELECT count(*) FROM client").fetchone(), (0,))
        with open(path, "w", encoding="ascii") as stream:
            stream.write(right)
        self.move(self.file, target)

    def test_wrong_usage(self):
        for arguments in ([], ["--from", self.file], ["--from"],
                          ["--from", self.file, "--to", ""],
                          ["--from", self.file, "--to", "x", "--more"]):
            result = run_tool("-c", self.daemon.config, "migrate", *arguments,
                              check=False)
            self.assertEqual(result.returncode, 2, arguments)

    def test_a_target_that_init_has_made_takes_the_keys_of_the_source(self):
        folder = os.path.join(self.daemon.folder, "made")
        run_tool("init", "--dir", folder, "--database", self.uri)
        self.move(self.file, self.uri)
        self.place(self.uri)
        self.daemon.start()
        self.assertEqual(self.role("app").enrol(1)["state"], "approved")
        self.daemon.stop()
        self.verify_log()


class BrokenOff(Moving):
    """Killed in the middle: to the server, and to a file."""

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        process.stderr.close()

    def stand_in_the_middle(self, target, rows_there):
        """Starts a move and stops it when rows of the log are there. It stands
        still while they are counted, which may take longer than the rest."""
        process = subprocess.Popen(
            [program("smartidctl"), "-c", self.daemon.config, "migrate",
             "--from", self.file, "--to", target],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=clean_environment(), text=True)
        self.addCleanup(self.end, process)
        end = time.monotonic() + 60 * SLOW
        process.send_signal(signal.SIGSTOP)
        while rows_there() == 0:
            process.send_signal(signal.SIGCONT)
            self.assertIsNone(process.poll(), "it was quicker than the kill")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.002)   # its share
            process.send_signal(signal.SIGSTOP)
        return process

    def kill_in_the_middle(self, target, rows_there):
        self.end(self.stand_in_the_middle(target, rows_there))

    def rows_of_server(self):
        try:
            return self.number("SELECT count(*) FROM audit, moving WHERE "
                               "seq > 10")
        except RuntimeError:
            return 0   # no tables yet

    @staticmethod
    def rows_of_file(path):
        # Who looks at a file before it has its log is in the way of that.
        if not os.path.exists(path + "-wal"):
            return 0
        try:
            with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as lite:
                return lite.execute("SELECT count(*) FROM audit, moving WHERE "
                                    "seq > 10").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def start_refused(self):
        self.daemon.spawn()
        self.assertNotEqual(self.daemon.wait_exit(), 0)
        self.daemon.process = None
        self.assertIn("a move into this database is not finished",
                      self.daemon.log.text())
        self.assertNotIn("newer than this program", self.daemon.log.text())

    def test_progress_is_told_on_the_way(self):
        self.fill_log()
        process = self.stand_in_the_middle(self.uri, self.rows_of_server)
        time.sleep(1.1)  # it tells once in a second
        process.send_signal(signal.SIGCONT)
        told = process.communicate(timeout=60 * SLOW)[1]
        self.assertEqual(process.returncode, 0, told)
        done, rows = map(int, re.search(
            r"^copying: audit (\d+) of (\d+) rows, \d+ rows/s$", told,
            re.MULTILINE).groups())
        self.assertTrue(0 < done < rows and rows >= ROWS, told)

    def test_it_goes_on_where_it_was_and_no_daemon_starts_meanwhile(self):
        self.fill_log()
        self.kill_in_the_middle(self.uri, self.rows_of_server)
        there = self.number("SELECT count(*) FROM audit")
        self.assertLess(there, ROWS)
        self.place(self.uri)
        self.start_refused()
        listed = self.daemon.ctl("audit", "verify", check=False)
        self.assertNotEqual(listed.returncode, 0)
        result = self.move(self.file, self.uri)
        self.assertIn("going on with the move", result.stderr)
        copied = int(re.search(r"copied: (\d+) rows", result.stderr).group(1))
        self.assertLessEqual(copied, ROWS + 100 - there)
        self.daemon.start()
        self.daemon.stop()
        self.verify_log()

    def test_a_source_that_changed_in_between_is_noticed(self):
        other = os.path.join(self.daemon.folder, "other.db")
        self.fill_log()
        self.kill_in_the_middle(other, lambda: self.rows_of_file(other))
        self.daemon.start()
        self.daemon.stop()
        self.refused("has changed since", self.file, other)
        self.move(self.file, other, "--anew")
        self.place(other)
        self.daemon.start()
        self.daemon.stop()
        self.verify_log()

    def test_a_row_that_is_not_the_same_is_noticed(self):
        self.fill_log()
        other = os.path.join(self.daemon.folder, "other.db")
        self.kill_in_the_middle(other, lambda: self.rows_of_file(other))
        with sqlite3.connect(other) as lite:
            lite.execute("UPDATE client SET name = 'x' WHERE role = 'app'")
        self.refused("the table client is not the same", self.file, other)
        self.place(other)
        self.start_refused()

    def test_a_spoilt_log_is_not_moved_in_silence(self):
        with sqlite3.connect(self.file) as lite:
            lite.execute("UPDATE audit SET actor = 'x' WHERE seq = 3")
        result = self.move(self.file, self.uri, check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("does not verify", result.stderr)


if __name__ == "__main__":
    unittest.main()
