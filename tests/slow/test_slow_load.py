"""A minute each of what tests/e2e/test_load.py does for seconds, with figures."""

import collections
import concurrent.futures
import os
import re
import threading
import time
import unittest

import photos
from harness import DaemonCase, holder, parse_line
from load import Checks, Crawlers, Crowd

LOAD_S = int(os.environ.get("LOAD_S", "60"))


def ms(seconds):
    return "%.1f ms" % (seconds * 1000)


class LoadCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        state = cls.app.enrol(who=1)
        cls.code = cls.app.code(state["credential_id"])["code"]

    def memory_mib(self):
        with open("/proc/%d/status" % self.daemon.process.pid,
                  encoding="ascii") as stream:
            return int(re.search(r"VmHWM:\s+(\d+)", stream.read())[1]) // 1024


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
        quiet = Checks(self, self.code, LOAD_S // 3).end()
        crawlers = Crawlers(self, 1000)
        self.addCleanup(crawlers.end)
        crawlers.wait()
        crowded = Checks(self, self.code, LOAD_S).end()
        crawlers.wait()
        crawlers.end()
        print("p99 quiet %s, beside 1,000 slow ones (%d begun in all) %s; "
              "%d checks, no error" % (ms(quiet.p99), crawlers.begun,
                                       ms(crowded.p99), crowded.count))
        self.assertLess(crowded.p99, 2 * quiet.p99)


class Crowded(LoadCase):
    SETTINGS = {"face.queue_capacity": "16"}

    def test_200_enrol_at_once_into_a_queue_of_16(self):
        before = self.memory_mib()
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
        print("%s; 503 after at most %.1f ms in the daemon, p99 %.1f ms, seen "
              "by the client after %s (median); checks: %d, none failed, p99 "
              "%s; memory %d, at most %d MiB; room again after %.1f s" % (
                  crowd.statuses, refused[-1] / 1000,
                  refused[len(refused) * 99 // 100] / 1000,
                  ms(sorted(crowd.refusals)[len(crowd.refusals) // 2]),
                  checks.count, ms(checks.p99), before, self.memory_mib(),
                  recovery))
        self.assertEqual(set(crowd.statuses), {202, 503})
        self.assertLess(refused[len(refused) * 99 // 100], 100000)
        self.assertLess(checks.p99, 0.05)
        self.assertLess(recovery, 10)
        self.assertLess(self.memory_mib(), 500)


if __name__ == "__main__":
    unittest.main()
