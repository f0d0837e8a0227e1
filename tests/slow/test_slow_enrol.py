"""Photos of 12 megapixels through the real networks, with figures: how long
checks take beside a flood of them, and what all processes need together."""

import concurrent.futures
import os
import re
import statistics
import threading
import unittest

from faceproc import children
from harness import DaemonCase, holder
from load import Checks
from samples import MAN, card, data_of, mkphoto, sample

SIZE = "4000x3000"
ROUNDS = 3
ROUND_S = int(os.environ.get("LOAD_S", "60")) // 12
CHECKS = 200000
AT_ONCE = 50
# Source: issue 4 part F; growth is what the allocator may keep more of.
IDLE_MIB, PEAK_MIB, GROWTH_MIB = 120, 400, 4


class Enrolling(DaemonCase):
    BINARY = "smartidd-clock"
    SETTINGS = {"face.workers": "2", "limits.clerk_per_minute": "0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.idle_mib = cls.pss_mib()
        cls.photos = (
            data_of(card(MAN[0], "card-12.jpg", size=SIZE)),
            data_of(mkphoto("selfie-12.jpg", "scale", sample(MAN[1]), "OUT",
                            "--size", SIZE)))
        state = cls.enrol()
        cls.code = cls.app.code(state["credential_id"])["code"]

    @classmethod
    def enrol(cls):
        """Until it is taken."""
        while True:
            answer = cls.app.submit(holder(), *cls.photos, wait=60)
            if answer.status != 503:
                return answer.json()

    @classmethod
    def pss_mib(cls):
        """Of all processes together, what they share counted once."""
        kib = 0
        for pid in (cls.daemon.process.pid, *children(cls.daemon),
                    *children(cls.daemon, "smartidd-forker")):
            with open("/proc/%d/smaps_rollup" % pid,
                      encoding="ascii") as stream:
                kib += int(re.search(r"^Pss:\s+(\d+)", stream.read(),
                                     re.M)[1])
        return kib / 1024

    def test_checks_beside_a_flood_of_enrolments(self):
        quiet, crowded, done = [], [], []
        for _ in range(ROUNDS):
            quiet.append(Checks(self, self.code, ROUND_S).end().p99)
            over = threading.Event()

            def flood(until=over):
                while not until.is_set():
                    done.append(self.enrol()["state"])
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                for _ in range(4):
                    pool.submit(flood)
                crowded.append(Checks(self, self.code, ROUND_S).end().p99)
                over.set()
        before, beside = (statistics.median(p99) * 1000
                          for p99 in (quiet, crowded))
        print("p99 of a check quiet %.1f ms, beside %d enrolments %.1f ms: "
              "%.1f times" % (before, len(done), beside, beside / before))
        self.assertEqual(set(done), {"approved"})

    def test_memory_idle_and_at_its_most(self):
        most, over = [self.idle_mib], threading.Event()

        def look():
            while not over.wait(0.02):
                try:
                    most.append(self.pss_mib())
                except (FileNotFoundError, ProcessLookupError, TypeError):
                    continue  # one of them has just ended
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE + 1) as pool:
            pool.submit(look)
            states = list(pool.map(lambda _: self.enrol()["state"],
                                   range(AT_ONCE)))
            over.set()
        print("idle %.0f MiB, %d enrolments at once %.0f MiB" %
              (self.idle_mib, AT_ONCE, max(most)))
        self.assertEqual(set(states), {"approved"})
        self.assertLess(self.idle_mib, IDLE_MIB)
        self.assertLess(max(most), PEAK_MIB)

    def test_memory_does_not_grow_over_200000_checks(self):
        Checks(self, self.code, 2, connections=32).end()
        before, count = self.pss_mib(), 0
        while count < CHECKS:
            count += Checks(self, self.code, 5, connections=32).end().count
        after = self.pss_mib()
        print("%d checks: %.1f MiB before, %.1f after" %
              (count, before, after))
        self.assertLess(after - before, GROWTH_MIB)


if __name__ == "__main__":
    unittest.main()
