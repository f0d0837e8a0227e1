"""A minute each of what tests/e2e/test_load.py does for seconds, with figures."""

import collections
import concurrent.futures
import os
import re
import threading
import time
import unittest

import photos
from faceproc import children
from harness import ROOT, DaemonCase, holder, parse_line
from load import Checks, Crawlers, Crowd, by_turns

LOAD_S = int(os.environ.get("LOAD_S", "60"))
UNIT = os.path.join(ROOT, "config", "smartidd.service")


def ms(seconds):
    return "%.1f ms" % (seconds * 1000)


class LoadCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        state = cls.app.enrol(who=1)
        cls.code = cls.app.code(state["credential_id"])["code"]



class Starving(LoadCase):
    def see_64_wait(self, checks):
        """While the checks run; some are between two enrolments at times."""
        most = 0
        while most < 64:
            self.assertTrue(checks.running(), "at most %d waited" % most)
            text = self.nobody.get("/metrics").body.decode()
            most = max(most, sum(map(int, re.findall(
                r"^smartidd_(?:queue_depth|workers_busy) (\d+)$", text, re.M))))

    def test_64_suspended_and_100000_checks(self):
        total, slowest, statuses = 0, 0.0, collections.Counter()
        took, over = [], threading.Event()

        def wait_again(who):
            while not over.is_set():
                began = time.monotonic()
                answer = self.app.submit(
                    holder(), photos.photo(who, photos.SLOW),
                    photos.photo(who), wait=60)
                took.append(time.monotonic() - began)
                statuses[answer.status] += 1

        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            waiting = [pool.submit(wait_again, who) for who in range(64)]
            try:
                while total < 100000:
                    checks = Checks(self, self.code, 5, connections=32)
                    self.see_64_wait(checks)
                    total += checks.end().count
                    slowest = max(slowest, checks.slowest)
            finally:
                over.set()
        for one in waiting:
            one.result()
        print("%d checks beside 64 that waited (%s, the longest %.1f s): "
              "slowest %s" % (total, dict(statuses), max(took), ms(slowest)))
        self.assertLessEqual(set(statuses), {200, 201})
        self.assertLess(max(took), 65)  # they would wait for 60
        self.assertLess(slowest, 1.0)


class Crawling(LoadCase):
    SETTINGS = {"http.max_connections": "2048"}

    def test_1000_slow_connections(self):
        # Each a minute on end: longer than a head's and a body's deadlines.
        quiet, crowded, _ = by_turns(
            self, lambda: Checks(self, self.code, LOAD_S),
            lambda: Crawlers(self, 1000), turns=3)
        self.assertLess(crowded, 2 * quiet)


def peak_bytes(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as stream:
        return int(re.search(r"VmHWM:\s+(\d+)", stream.read())[1]) * 1024


class Crowded(LoadCase):
    UPLOADS = 64 << 20
    SETTINGS = {"face.queue_capacity": "16",
                "limits.upload_total_bytes": UPLOADS}

    def check_memory(self, before):
        """What the daemon holds for enrolments is bounded by a setting, all
        its processes together by the unit. Pages that they share count in each
        of them, so it is less."""
        family = [self.daemon.process.pid] + children(self.daemon) + \
            children(self.daemon, "smartidd-forker")
        self.assertGreater(len(family), 2)
        peaks = [peak_bytes(pid) for pid in family]
        with open(UNIT, encoding="utf-8") as stream:
            bound = int(re.search(r"^MemoryMax=(\d+)G$", stream.read(),
                                  re.MULTILINE)[1]) << 30
        print("memory: daemon %d, then at most %d MiB; its %d processes %d of "
              "%d MiB" % (before >> 20, peaks[0] >> 20, len(peaks),
                          sum(peaks) >> 20, bound >> 20))
        self.assertLess(peaks[0] - before, self.UPLOADS)
        self.assertLess(sum(peaks), bound)

    def test_200_enrol_at_once_into_a_queue_of_16(self):
        before = peak_bytes(self.daemon.process.pid)
        crowd = Crowd(self, 200, LOAD_S)
        checks = Checks(self, self.code, LOAD_S - 5).end()
        crowd.end()
        began = time.monotonic()
        while self.app.submit(holder(), *photos.pair(3),
                              wait=60).status != 201:
            pass
        recovery = time.monotonic() - began
        refused = sorted(
            int(line["us"]) for line in map(parse_line, self.daemon.log.lines)
            if line.get("event") == "request" and line["status"] == "503")
        print("%s; 503 after at most %.1f ms in the daemon, p99 %.1f ms; seen "
              "by the client after %s (p99), %s (median), at most %s; checks: "
              "%d, none failed, p99 %s; room again after %.1f s" % (
                  crowd.statuses, refused[-1] / 1000,
                  refused[len(refused) * 99 // 100] / 1000,
                  ms(crowd.refusal_s(99)), ms(crowd.refusal_s(50)),
                  ms(crowd.refusals[-1]), checks.count, ms(checks.p99),
                  recovery))
        self.check_memory(before)
        self.assertEqual(set(crowd.statuses), {202, 503})
        self.assertLess(refused[-1], 100000)
        self.assertLess(crowd.refusal_s(99), 0.1)
        self.assertLess(checks.p99, 0.05)
        self.assertLess(recovery, 10)


if __name__ == "__main__":
    unittest.main()
