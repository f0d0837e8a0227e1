"""A server that crashes fifty times under load, and a network that is cut for
half a minute: nothing that was acknowledged is lost, nothing is done twice."""

import collections
import json
import os
import random
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import photos  # noqa: E402 pylint: disable=wrong-import-position
from harness import SEED, holder  # noqa: E402
from manager import Notices  # noqa: E402
from test_postgres import (BACK_LIMIT_S, OnServer, postgres,  # noqa: E402
                           setUpModule, until)

assert setUpModule  # the server of this file

# Issue 8, letter E.
CRASHES = int(os.environ.get("PG_CRASHES", "50"))
CUT_S = int(os.environ.get("PG_CUT_S", "30"))
WRITERS = int(os.environ.get("PG_WRITERS", "1"))  # connections for checks
WATCHDOG_S = 15  # of smartidd.service


class Load:
    """Three clerks and two apps that go on whatever happens, each at the daemon
    that case.at() gives it."""

    def __init__(self, case):
        self.case = case
        self.code = case.app.code(case.approved())["code"]
        self.over = threading.Event()
        self.answers = []   # of checks: result, id, when, how long, whose
        self.enrolled = {}  # key -> the ids that were answered
        self.statuses = collections.Counter()
        work = [lambda n=n: self.clerk(n) for n in range(3)]
        work += [lambda n=n: self.app(n) for n in range(2)]
        self.crowd = [threading.Thread(target=one) for one in work]
        for one in self.crowd:
            one.start()

    def clerk(self, client):
        clerk = self.case.at("clerk", client)
        while not self.over.is_set():
            began = time.monotonic()
            result, number = self.case.check(self.code, clerk)
            now = time.monotonic()
            self.answers.append((result, number, now, now - began, client))
            if result != "valid":
                time.sleep(0.02)  # as a counter would, only quicker

    def app(self, client):
        rng = random.Random("%d app %d" % (SEED, client))
        app = self.case.at("app", client)
        for index in range(10 ** 6):
            if self.over.is_set():
                return
            key = "app-%d-%d" % (client, index)
            person = holder("Person", photos.random_number(rng))
            pair = photos.photo(index), photos.photo(index)
            ids = self.enrolled.setdefault(key, set())
            # Each until it is taken, and once more.
            for _ in range(2):
                while True:
                    answer = app.submit(
                        person, *pair, headers={"Idempotency-Key": key})
                    self.statuses[answer.status] += 1
                    if answer.status in (200, 201, 202):
                        break
                    time.sleep(0.02)
                ids.add(answer.json()["id"])

    def wait(self, result, since, limit_s, client=None):
        """How long until that was answered to a check that began after since, of
        one clerk or of any."""
        def is_it(a):
            return (a[0] == result and a[2] - a[3] >= since and
                    client in (None, a[4]))

        until(lambda: any(map(is_it, self.answers[-5000:])), limit_s, result)
        return min(a[2] for a in self.answers if is_it(a)) - since

    def end(self):
        self.over.set()
        for one in self.crowd:
            one.join(120)


class Judged(OnServer):
    def setUp(self):
        super().setUp()
        self.daemon.env["SMARTIDD_STORE_PG_WRITERS"] = str(WRITERS)
        if WRITERS > 1:
            self.daemon.restart()

    def daemons(self):
        return [self.daemon]

    def at(self, role, _):
        """The API that a client of the load goes to."""
        return getattr(self, role)

    def judge(self, load, **figures):
        """What was told is there, once."""
        load.end()
        metrics = "".join(one.request("GET", "/metrics").body.decode()
                          for one in self.daemons())
        for one in self.daemons():
            one.stop()
        told = [a[1] for a in load.answers if a[0] == "valid"]
        rows = self.rows("SELECT detail FROM audit WHERE event = "
                         "'verification' AND outcome = 'valid'")
        written = [row.split()[0][len("id="):] for row in rows]
        chains = self.rows("SELECT DISTINCT seq >> 40 FROM audit WHERE "
                           "event = 'verification'")
        lost = set(told) - set(written)
        twice = len(written) - len(set(written))
        ids = sorted(one for some in load.enrolled.values() for one in some)
        received = self.rows("SELECT subject FROM audit WHERE event = "
                             "'enrolment_received'")
        people = self.rows("SELECT id FROM enrolment")
        print(json.dumps(dict(
            figures, chains_with_checks=len(chains),
            checks=len(load.answers), valid=len(told),
            could_not_check=sum(a[0] == "could_not_check"
                                for a in load.answers),
            slowest_s=round(max(a[3] for a in load.answers), 2),
            enrolled=len(load.enrolled), statuses=dict(load.statuses),
            run_again=[line.split()[1] for line in metrics.splitlines()
                       if line.startswith("smartidd_store_retries_total")],
            lost=len(lost) + len(set(ids) - set(people)),
            twice=twice + len(people) - 1 - len(load.enrolled))), flush=True)
        self.assertEqual({a[0] for a in load.answers},
                         {"valid", "could_not_check"})
        self.assertGreaterEqual(len(chains), WRITERS)
        self.assertEqual(lost, set())
        self.assertEqual(twice, 0)
        self.assertTrue(all(len(one) == 1 for one in load.enrolled.values()))
        self.assertEqual(set(ids) - set(people), set())
        self.assertEqual(len(people), len(load.enrolled) + 1)
        self.assertEqual(sorted(received), sorted(people))
        self.assertEqual(self.daemon.ctl("audit", "verify").returncode, 0)


class Faults(Judged):
    def test_fifty_crashes_lose_nothing_and_do_nothing_twice(self):
        load = Load(self)
        back = []
        rng = random.Random(SEED)
        try:
            for _ in range(CRASHES):
                load.wait("valid", time.monotonic(), 30)
                time.sleep(rng.random() / 4)  # any moment of what goes on
                self.server.crash()
                load.wait("could_not_check", time.monotonic(), 30)
                self.server.start()
                back.append(load.wait("valid", time.monotonic(), BACK_LIMIT_S))
        finally:
            load.end()
        self.judge(load, crashes=CRASHES, slowest_back_s=round(max(back), 2))

    def cut(self, line, how):
        notices = Notices(self)
        self.daemon.stop()
        self.daemon.env.update({
            "SMARTIDD_STORE_DATABASE": line.uri(self.schema),
            "NOTIFY_SOCKET": notices.name,
            "WATCHDOG_USEC": str(WATCHDOG_S * 1000000)})
        self.daemon.start()
        load = Load(self)
        longest = 0
        try:
            load.wait("valid", time.monotonic(), 30)
            getattr(line, how)()
            began = last = time.monotonic()
            while time.monotonic() - began < CUT_S:
                if "WATCHDOG" in (notices.next(1) or {}):
                    longest = max(longest, time.monotonic() - last)
                    last = time.monotonic()
            line.mend()
            mended = time.monotonic()
            back = load.wait("valid", mended, BACK_LIMIT_S)
        finally:
            load.end()
        # After those that were under way, the server's absence is told.
        late = [a for a in load.answers if a[0] == "valid" and
                began + 1 < a[2] < mended]
        self.assertEqual(late, [])
        self.assertLess(max(longest, mended - last), WATCHDOG_S)
        self.judge(load, cut=how, back_s=round(back, 2),
                   between_beats_s=round(longest, 2))

    def test_a_network_that_refuses_for_half_a_minute(self):
        line = postgres.Line(self.server)
        self.addCleanup(line.cut)
        self.cut(line, "cut")

    def test_a_network_that_swallows_everything_for_half_a_minute(self):
        line = postgres.Line(self.server)
        self.addCleanup(line.cut)
        self.cut(line, "stop")

    if os.geteuid() == 0:
        def test_a_network_out_of_which_nothing_comes_for_half_a_minute(self):
            cable = postgres.Cable(self.server)
            self.addCleanup(cable.end)
            self.cut(cable, "pull")


if __name__ == "__main__":
    unittest.main()
