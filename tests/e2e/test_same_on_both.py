"""What one asks a daemon on a file and one on a server, both answer alike, and
write down alike: seeded sequences of operations. SAME_SEQUENCES: how many (24);
SAME_SEED: the first one's."""

import collections
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import unittest

from harness import (MODEL_DIR, ROLES, ROOT, SEED, Case, Daemon, run_tool,
                     threads)
from twins import Sequence, Twin, alike

sys.path.insert(0, os.path.join(ROOT, "tests", "tools"))
import postgres  # noqa: E402 pylint: disable=wrong-import-position

SEQUENCES = int(os.environ.get("SAME_SEQUENCES", "24"))
FIRST = int(os.environ.get("SAME_SEED", str(SEED)))
STEPS = 50
# Of one pair of daemons, so that lists stay short.
OF_A_PAIR = 50
PAIRS_AT_ONCE = 2

ROWS = "SELECT event, actor, subject, outcome, detail FROM audit WHERE " \
    "seq > %d ORDER BY seq"


def setUpModule():
    Same.server = postgres.Server()
    unittest.addModuleCleanup(Same.server.stop)


class Same(Case):
    def setUp(self):
        self.differ = []
        self.counts = collections.Counter()
        self.waiting = list(range(FIRST, FIRST + SEQUENCES))
        self.lock = threading.Lock()

    def start(self, database):
        """A daemon with a key of each role; database: None for a file."""
        folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, folder, True)
        init = ["init", "--dir", folder]
        if database is not None:
            init += ["--database", database]
        if os.path.isdir(MODEL_DIR):
            init += ["--model-dir", MODEL_DIR]
        run_tool(*init)
        daemon = Daemon(folder=folder)
        self.addCleanup(daemon.close)
        daemon.set_clock(0)
        daemon.keys = {role: daemon.add_client(role) for role in ROLES}
        return Twin(daemon.start())

    def rows(self, twins, schema, after):
        """What each has written down since, and how far the log is now."""
        lite = sqlite3.connect("file:%s?mode=ro" % twins[0].daemon.database,
                               uri=True)
        one = [[str(value) for value in row]
               for row in lite.execute(ROWS % after[0])]
        lite.close()
        other = [line.split("\x1f") for line in self.server.run(
            "psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-d",
            self.server.uri(schema), "-c", ROWS % after[1]).splitlines()]
        return [twins[0].names.plain(one), twins[1].names.plain(other)], \
            (after[0] + len(one), after[1] + len(other))

    def run_sequence(self, seed, twins):
        """None, or how the two differ."""
        sequence = Sequence(twins, seed)
        for _ in range(STEPS):
            seen = sequence.step()
            if seen is not None:
                return sequence.done[-3:], seen
        # A refusal is written down after its answer: this comes behind it.
        sequence.both("admin", "GET", "/v1/audit?limit=1")
        with self.lock:
            self.counts.update(line.split()[-1] for line in sequence.done)
        return None

    def run_pair(self, seeds, schema):
        self.server.sql("CREATE SCHEMA " + schema)
        twins = [self.start(None), self.start(self.server.uri(schema))]
        # What each says of its own settings is its own.
        logs, after = self.rows(twins, schema, (0, 0))
        for seed in seeds:
            problem = self.run_sequence(seed, twins)
            logs, after = self.rows(twins, schema, after)
            if problem is None and not alike(*logs):
                problem = [len(log) for log in logs], [
                    pair for pair in zip(*logs) if not alike(*pair)][:2]
            with self.lock:
                self.counts["rows"] += len(logs[0])
                if problem is not None:
                    self.differ.append((seed, problem))
            if problem is not None:
                return  # what follows from it says nothing
        for twin in twins:
            twin.close()
            twin.daemon.stop()

    def work(self, number):
        part = 0
        while True:
            with self.lock:
                seeds = self.waiting[:OF_A_PAIR]
                del self.waiting[:OF_A_PAIR]
            if not seeds:
                return
            self.run_pair(seeds, "same_%d_%d" % (number, part))
            part += 1

    def test_both_answer_alike_and_write_down_alike(self):
        threads(PAIRS_AT_ONCE if SEQUENCES > OF_A_PAIR else 1, self.work)
        rows = self.counts.pop("rows", 0)
        print(json.dumps({"seed": FIRST, "sequences": SEQUENCES,
                          "steps": STEPS, "rows": rows,
                          "statuses": dict(sorted(self.counts.items())),
                          "differ": len(self.differ)}), flush=True)
        self.assertEqual(self.differ, [])
        self.assertGreater(rows, 0)


if __name__ == "__main__":
    unittest.main()
