"""The audit log's oldest months leave the database for files: nothing is lost
at whatever step that is stopped, what is done to the files shows, and files and
log are checked as one chain."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import unittest
import unittest.mock

from harness import Case, Daemon, program, run_tool

ROWS = 4000
STEP_S = 2400   # 111 days: three whole months or more
LATE = "2999-01"


class Archived(Case):
    """A log of some months, made once, that each test copies."""

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp(prefix="smartid-archive-")
        cls.addClassCleanup(shutil.rmtree, cls.made)
        daemon = Daemon()
        cls.addClassCleanup(daemon.close)
        run_tool(daemon.database, daemon.folder + "/master.key",
                 daemon.database + ".heads", str(ROWS), "500", str(STEP_S),
                 binary=program("mkaudit"))
        for name in ("smartidd.db", "smartidd.db.heads", "master.key"):
            shutil.copy(os.path.join(daemon.folder, name), cls.made)

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.put_back(self.daemon.folder)
        self.folder = os.path.join(self.daemon.folder, "archive")
        os.mkdir(self.folder)
        self.last = dict(self.daemon.sql(
            "SELECT strftime('%Y-%m', at_us / 1000000, 'unixepoch') AS month, "
            "max(seq) FROM audit GROUP BY month"))
        self.months = sorted(self.last)

    def put_back(self, folder):
        for name in os.listdir(self.made):
            shutil.copy(os.path.join(self.made, name), folder)
        for name in ("smartidd.db-wal", "smartidd.db-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))

    def path(self, month):
        return os.path.join(self.folder, "audit-%s.jsonl" % month)

    def archive(self, until=LATE, check=True):
        return self.daemon.ctl("audit", "archive", "--until", until, "--to",
                               self.folder, check=check)

    def verify(self, *words, good=True):
        result = self.daemon.ctl("audit", "verify", "--archive", self.folder,
                                 check=False)
        self.assertEqual(result.returncode, 0 if good else 1, result)
        for word in words:
            self.assertIn(word, result.stdout)
        return result.stdout

    def first(self):
        return self.daemon.sql("SELECT min(seq) FROM audit")[0][0]

    def noted(self):
        return self.daemon.sql("SELECT actor, outcome, detail FROM audit WHERE "
                               "event = 'audit_archived' ORDER BY seq")

    # ---- the whole -------------------------------------------------------
    def test_whole_months_become_files_while_the_daemon_serves(self):
        before = [json.loads(line) for line in
                  self.daemon.ctl("audit", "export").stdout.splitlines()]
        self.daemon.start()
        api = self.daemon.api(self.daemon.add_client(
            "clerk", purposes=["train_ticket"]))
        api.verify("SID1:")
        out = self.archive().stdout
        self.assertIn("%s: is not over in the log; it stays" %
                      self.months[-1], out)
        whole = self.months[:-1]
        self.assertGreaterEqual(len(whole), 3)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["audit-%s.jsonl" % month for month in whole])
        held = []
        for month in whole:
            self.assertEqual(stat.S_IMODE(os.stat(self.path(month)).st_mode),
                             0o600)
            with open(self.path(month), encoding="utf-8") as stream:
                lines = [json.loads(line) for line in stream]
            self.assertEqual(lines[0]["month"], month)
            self.assertEqual(lines[0]["after"], len(held))
            self.assertEqual(lines[-1], {"rows": len(lines) - 2})
            held += lines[1:-1]
        self.assertEqual([row["seq"] for row in held],
                         list(range(1, self.last[whole[-1]] + 1)))
        for name in ("seq", "at", "event", "actor", "subject", "outcome",
                     "mac"):
            self.assertEqual([row[name] for row in held],
                             [row[name] for row in before[:len(held)]])
        self.verify("chain unbroken", "archive: %d of them, in %d segments" % (
            len(held), len(whole)), "all fit")
        self.assertIn("chain unbroken",
                      self.daemon.ctl("audit", "verify").stdout)
        self.assertEqual(self.archive().stdout.count("are in"), 0)
        api.verify("SID1:")   # it goes on
        self.verify("chain unbroken")
        self.daemon.stop()
        self.assertEqual(self.first(), len(held) + 1)
        firsts = [1] + [self.last[month] + 1 for month in whole]
        self.assertEqual(self.noted(), [
            ("control", "done", "month=%s first=%d last=%d" % (
                month, first, self.last[month]))
            for month, first in zip(whole, firsts)])

    def test_only_months_before_the_one_that_is_named(self):
        self.archive(until=self.months[1])
        self.assertEqual(os.listdir(self.folder),
                         ["audit-%s.jsonl" % self.months[0]])
        self.assertEqual(self.first(), self.last[self.months[0]] + 1)
        self.verify("in 1 segment\n")
        self.archive()
        self.verify("in %d segments" % (len(self.months) - 1))

    # ---- stopped ---------------------------------------------------------
    def test_a_kill_at_any_time_loses_nothing_and_is_made_good(self):
        for serves, step_ms in ((True, 45), (False, 90)):
            with self.subTest(serves=serves):
                self.setUp()
                if serves:
                    self.daemon.start()
                stopped = 0
                # Each time a little later, until it comes to its end.
                for wait_ms in range(5, 6000, step_ms):
                    process = subprocess.Popen(
                        [program("smartidctl"), "-c", self.daemon.config,
                         "audit", "archive", "--until", LATE, "--to",
                         self.folder], stdout=subprocess.DEVNULL,
                        stderr=subprocess.PIPE,
                        env=self.daemon.ctl_environment())
                    try:
                        self.assertEqual((process.wait(wait_ms / 1000),
                                          process.stderr.read()), (0, b""))
                        break
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                        stopped += 1
                    finally:
                        process.stderr.close()
                    if stopped % 2 == 0:
                        self.verify("audit log: ", "chain unbroken")
                self.assertGreater(stopped, 0)
                self.daemon.stop()
                self.assertEqual(len(self.noted()), len(self.months) - 1)
                self.assertNotIn("removed by age", self.verify())
                self.assertEqual(self.first(),
                                 self.last[self.months[-2]] + 1)
                self.assertEqual(len(os.listdir(self.folder)),
                                 len(self.months) - 1)

    def test_a_file_that_is_there_while_the_rows_are_not_gone_is_finished(
            self):
        self.archive(until=self.months[1])
        self.put_back(self.daemon.folder)   # the rows are back
        self.verify("%d rows of the archive are still in the log" %
                    self.last[self.months[0]])
        self.archive(until=self.months[1])
        self.assertEqual(self.first(), self.last[self.months[0]] + 1)
        self.assertNotIn("still", self.verify("chain unbroken"))

    def test_r_rows_stay_while_the_files_name_may_be_lost_by_a_power_cut(self):
        """The run before was stopped between naming the file and syncing the
        folder, and the folder still cannot be synced."""
        self.archive(until=self.months[1])
        self.put_back(self.daemon.folder)
        flag = os.path.join(self.daemon.folder, "bad")
        with open(flag, "w", encoding="ascii") as stream:
            stream.write("folders")
        environment = {
            "LD_PRELOAD": program("bad_sync.so"), "BAD_SYNC": flag,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"}
        with unittest.mock.patch.dict(os.environ, environment):
            result = self.archive(until=self.months[1], check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(self.folder, result.stderr)
        self.assertEqual(self.first(), 1)

    def test_rows_that_are_in_both_and_differ_are_found(self):
        self.archive(until=self.months[1])
        self.put_back(self.daemon.folder)
        self.sql_write("UPDATE audit SET outcome = 'x' WHERE seq = 40")
        self.verify("row 40: changed", good=False)
        self.put_back(self.daemon.folder)
        self.sql_write("DELETE FROM audit WHERE seq = 40")
        self.verify("row 40: missing", good=False)

    def sql_write(self, statement):
        with contextlib.closing(sqlite3.connect(self.daemon.database)) as db:
            db.execute(statement)
            db.commit()

    # ---- spoilt ----------------------------------------------------------
    def test_a_segment_that_was_taken_away_is_found(self):
        self.archive()
        for month in self.months[:-1]:
            with self.subTest(month=month):
                os.rename(self.path(month), self.path(month) + ".away")
                first = max([0] + [self.last[m] for m in self.months
                                   if m < month]) + 1
                self.verify("rows %d to %d: were archived, as the log says, "
                            "and are in no segment" % (first,
                                                       self.last[month]),
                            good=False)
                os.rename(self.path(month) + ".away", self.path(month))
        self.verify("chain unbroken")

    def change(self, month, pattern, to, count=1):
        with open(self.path(month), encoding="utf-8") as stream:
            text = stream.read()
        new, times = re.subn(pattern, to, text, count=count)
        self.assertGreater(times, 0, pattern)
        with open(self.path(month), "w", encoding="utf-8") as stream:
            stream.write(new)
        return text

    def test_a_segment_that_was_changed_is_found(self):
        self.archive()
        month = self.months[1]
        row = self.last[self.months[0]] + 20
        line = r'(?m)^\{"seq":%d,.*\n' % row
        head = r'\A\{.*\n'
        for pattern, to, words in (
                (r'("seq":%d,.*"outcome":)"valid"' % row, r'\1"x"',
                 "row %d: changed" % row),
                (r'("seq":%d,.*"detail":")id=' % row, r'\1ie=',
                 "row %d: changed" % row),
                (line, "", "row %d: missing" % row),
                (line, '{"seq":%d}\n' % row, "no row of the log"),
                (line, "{\n", "no line of a segment"),
                (line, "x" * 70000 + "\n", "no line of a segment"),
                (r'(?m)(^\{"seq":%d,.*\n)(.*\n)' % row, r'\2\1',
                 "cannot be"),
                (r'\{"rows":\d+\}\n\Z', "", "its end is missing"),
                (r'\{"rows":\d+\}\n\Z', '{"rows":3}\n',
                 "it has not as many rows as it says"),
                (r'\}\n\Z', "}\n\n", "something follows its end"),
                (head, "", "not the first line of a segment"),
                (r'"month":"[\d-]+"', '"month":"2001-01"',
                 "holds another month, 2001-01"),
                (head + line.replace("(?m)^", "(?:.*\n)*?"),
                 '{"segment":1,"month":"%s","after":%d,"mac":"%s"}\n' % (
                     month, row, "0" * 64), "were archived, as the log says"),
        ):
            with self.subTest(pattern=pattern):
                text = self.change(month, pattern, to)
                self.verify(words, good=False)
                with open(self.path(month), "w", encoding="utf-8") as stream:
                    stream.write(text)
        self.verify("chain unbroken")

    def test_segments_in_the_wrong_order_are_found(self):
        self.archive()
        one, two = (self.path(month) for month in self.months[:2])
        os.rename(one, one + ".away")
        os.rename(two, one)
        os.rename(one + ".away", two)
        self.verify("holds another month", "in the wrong order, or there twice",
                    good=False)

    def test_a_folder_of_another_log_is_found(self):
        self.archive()
        other = os.path.join(self.daemon.folder, "other")
        run_tool("init", "--dir", other)
        for name in ("smartidd.db", "master.key"):
            shutil.copy(os.path.join(other, name), self.daemon.folder)
        os.unlink(self.daemon.database + ".heads")
        self.verify("fit the chain", good=False)

    # ---- refused ---------------------------------------------------------
    def refused(self, words):
        result = self.archive(check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(words, result.stderr)
        self.daemon.stop()
        self.assertEqual(self.first(), 1)

    def test_nothing_is_removed_that_a_file_has_not(self):
        month = self.months[0]
        self.archive(until=self.months[1])
        whole = self.change(month, r'("seq":40,.*"outcome":)"valid"', r'\1"x"')
        self.put_back(self.daemon.folder)
        self.refused("its rows do not fit the chain")
        with open(self.path(month), "w", encoding="utf-8") as stream:
            stream.write("")
        self.refused("its end is missing")
        # Whole in itself, and half a month.
        lines = whole.splitlines()
        half = lines[:100] + ['{"rows":99}', ""]
        with open(self.path(month), "w", encoding="utf-8") as stream:
            stream.write("\n".join(half))
        self.refused("has not all rows of its month")
        self.change(month, r'"month":"[\d-]+"', '"month":"2001-01"')
        self.refused("is not what the log begins with")
        os.unlink(self.path(month))
        self.sql_write("UPDATE audit SET outcome = 'x' WHERE seq = 40")
        self.refused("its rows do not fit the chain")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_folder_that_cannot_be_written_is_told(self):
        os.rmdir(self.folder)
        self.refused("No such file or directory")
        result = self.daemon.ctl("audit", "verify", "--archive", self.folder,
                                 check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("No such file or directory", result.stderr)

    def test_rows_that_the_apps_backend_was_not_told_of_stay(self):
        self.sql_write("INSERT INTO webhook_place (slot, seq) VALUES (0, 10)")
        self.daemon.env["SMARTIDD_WEBHOOK_WEBHOOK_URL"] = \
            "http://127.0.0.1:9/events"
        self.daemon.start()
        self.refused("Its present state does not allow this.")
        self.assertEqual(self.noted(), [])

    def test_wrong_arguments_get_the_usage(self):
        for arguments in ((), ("--to", "."), ("--until", "2026-10"),
                          ("--until", "2026-10-01", "--to", "."),
                          ("--until", "2026-13", "--to", "."),
                          ("--until", "2026-10", "--to"),
                          ("--until", "2026-10", "--to", ".", "--x", "y")):
            result = self.daemon.ctl("audit", "archive", *arguments,
                                     check=False)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("usage", result.stderr)


if __name__ == "__main__":
    unittest.main()
