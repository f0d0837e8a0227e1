"""What takes too long for every commit: ten thousand tamperings, twenty
months of misuse, a log of a million rows. Prints what it measured."""

import os
import re
import resource
import subprocess
import threading
import time
import unittest

from harness import BIN, SLOW, Case, Daemon, DaemonCase, program, run_tool

ROWS = 1000000
HEAD_EVERY = 500
STEP_S = 5   # two months in all, of those that become files


def unit(name, **variables):
    """Runs a unit test with more of everything; returns what it printed."""
    result = subprocess.run(
        [os.path.join(BIN, "unit", "ctl", name)], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(os.environ, **variables))
    if result.returncode != 0:
        raise AssertionError(result.stdout[-4000:])
    return result.stdout


class Found(Case):
    def test_ten_thousand_tamperings_are_all_found(self):
        out = unit("test_audit_tamper", SID_TAMPERINGS="10000")
        self.assertIn("10000 tamperings, 10000 found", out)
        print("tamperings: 10000, all found", flush=True)

    def test_misuse_is_found_in_twenty_months(self):
        out = unit("test_report_month", SID_MONTHS="20")
        months = re.findall(r"(\d+) checks, (\d+) of 20 abuses found, (\d+) "
                            r"false alarms, at most (\d+) for one key", out)
        self.assertEqual(len(months), 20)
        print("months: 20, %d checks, %d of 400 abuses found, %d false alarms,"
              " at most %d for one key and month" % (
                  sum(int(m[0]) for m in months),
                  sum(int(m[1]) for m in months),
                  sum(int(m[2]) for m in months),
                  max(int(m[3]) for m in months)), flush=True)


def measured(daemon, *arguments):
    """Seconds and peak memory (MiB) of one run of the tool."""
    out = os.path.join(daemon.folder, "out")
    began = time.monotonic()
    with open(out, "wb") as stream:
        child = subprocess.Popen(
            [program("smartidctl"), "-c", daemon.config, *arguments],
            stdout=stream, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise AssertionError("%s: %d" % (arguments, child.returncode))
    return time.monotonic() - began, usage.ru_maxrss / 1024, out


class Million(DaemonCase):
    """A log of a million rows and two thousand heads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon.stop()
        heads = cls.daemon.database + ".heads"
        os.unlink(heads)
        run_tool(cls.daemon.database, cls.daemon.folder + "/master.key",
                 heads, str(ROWS), str(HEAD_EVERY),
                 binary=program("mkaudit"), timeout=600)
        cls.daemon.start()

    def test_a_million_rows_are_checked_in_a_minute_while_it_serves(self):
        slowest = []
        done = threading.Event()

        def ask():
            while not done.is_set():
                began = time.monotonic()
                self.clerk.verify("SID1:")
                slowest.append(time.monotonic() - began)
        asker = threading.Thread(target=ask)
        asker.start()
        try:
            seconds, memory, out = measured(self.daemon, "audit", "verify")
        finally:
            done.set()
            asker.join()
        with open(out, encoding="utf-8") as stream:
            said = stream.read()
        self.assertRegex(said, r"audit log: 100\d{4} rows, chain unbroken")
        self.assertRegex(said, r"heads: 200\d, all fit")
        self.assertLess(seconds, 60 * SLOW)
        slowest.sort()
        print("verify: %d rows, %d heads in %.1f s, %.0f MiB; meanwhile %d "
              "checks, p99 %.0f ms, slowest %.0f ms" % (
                  ROWS, ROWS // HEAD_EVERY, seconds, memory, len(slowest),
                  slowest[len(slowest) * 99 // 100] * 1000,
                  slowest[-1] * 1000), flush=True)
        self.assertLess(memory, 200 * SLOW)

    def test_a_million_rows_are_exported_and_searched_in_little_memory(self):
        seconds, memory, out = measured(self.daemon, "audit", "export")
        with open(out, "rb") as stream:
            lines = sum(1 for _ in stream)
        self.assertGreaterEqual(lines, ROWS)
        print("export: %d rows in %.1f s, %.0f MiB" % (
            lines, seconds, memory), flush=True)
        self.assertLess(memory, 200 * SLOW)
        seconds, memory, _ = measured(self.daemon, "audit", "report",
                                      "--json")
        print("report: %d rows in %.1f s, %.0f MiB" % (
            lines, seconds, memory), flush=True)
        self.assertLess(memory, 300 * SLOW)


class Archived(DaemonCase):
    """A million rows of two months, most of which become files while the daemon
    answers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon.stop()
        heads = cls.daemon.database + ".heads"
        os.unlink(heads)
        run_tool(cls.daemon.database, cls.daemon.folder + "/master.key",
                 heads, str(ROWS), str(HEAD_EVERY), str(STEP_S),
                 binary=program("mkaudit"), timeout=600)
        cls.before = os.path.getsize(cls.daemon.database)
        cls.daemon.start()

    def test_whole_months_become_files_while_it_serves(self):
        folder = os.path.join(self.daemon.folder, "archive")
        os.mkdir(folder)
        slowest, done = [], threading.Event()

        def ask():
            while not done.is_set():
                began = time.monotonic()
                self.clerk.verify("SID1:")
                slowest.append(time.monotonic() - began)
        asker = threading.Thread(target=ask)
        asker.start()
        try:
            seconds, memory, _ = measured(
                self.daemon, "audit", "archive", "--until", "2999-01", "--to",
                folder)
        finally:
            done.set()
            asker.join()
        rows = size = 0
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            size += os.path.getsize(path)
            with open(path, "rb") as stream:
                rows += sum(1 for _ in stream) - 2
        slowest.sort()
        print("archive: %d rows in %.1f s, %.0f MiB, %.0f bytes each; "
              "meanwhile %d checks, p99 %.0f ms, slowest %.0f ms" % (
                  rows, seconds, memory, size / rows, len(slowest),
                  slowest[len(slowest) * 99 // 100] * 1000,
                  slowest[-1] * 1000), flush=True)
        self.assertGreater(rows, ROWS // 3)
        self.assertLess(memory, 200 * SLOW)
        seconds, memory, out = measured(self.daemon, "audit", "verify",
                                        "--archive", folder)
        with open(out, encoding="utf-8") as stream:
            self.assertIn("archive: %d of them" % rows, stream.read())
        print("verify: segments and log, %d rows in %.1f s, %.0f MiB" % (
            ROWS, seconds, memory), flush=True)
        self.assertLess(memory, 200 * SLOW)
        self.daemon.stop()
        print("database: %.0f bytes a row before, %.0f MiB became %.0f" % (
            self.before / ROWS, self.before / 2**20,
            os.path.getsize(self.daemon.database) / 2**20), flush=True)


if __name__ == "__main__":
    unittest.main()
