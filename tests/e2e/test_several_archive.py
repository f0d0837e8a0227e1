"""The audit log of several daemons: its months are archived chain by chain, and
a chain of which nothing is left is missed."""

import glob
import json
import os
import tempfile
import unittest

from harness import SLOW, Case
from several import PURPOSE, Cluster, postgres, until

DAY_S = 86400
LATE = "2999-01"


def setUpModule():
    Case.server = postgres.Server()
    unittest.addModuleCleanup(Case.server.stop)


class Chains(Case):
    def setUp(self):
        self.cluster = Cluster(self.server)
        self.addCleanup(self.cluster.close)
        self.a, self.b, self.c = self.cluster.daemons
        self.checks()

    def checks(self):
        """One at each; what is not taken in time is sent again."""
        for i in range(3):
            clerk = self.cluster.api("clerk", i)
            until(lambda clerk=clerk: clerk.post("/v1/verifications", {
                "code": "SID1:", "purpose": PURPOSE}).status == 200,
                  30 * SLOW, "a check is taken")

    def stop_all(self):
        for daemon in self.cluster.daemons:
            if daemon.process is not None:
                daemon.stop()

    def heads(self):
        """Those of all machines, as the README has it."""
        return [word for path in
                sorted(glob.glob(os.path.join(folder, "*.heads"))[0]
                       for folder in self.cluster.folders)
                for word in ("--heads", path)]

    def verify(self, *options, good=True):
        result = self.a.ctl("audit", "verify", *options, check=False)
        self.assertEqual(result.returncode, 0 if good else 1, result)
        return result.stdout


class Gone(Chains):
    def take_away(self, slot):
        self.cluster.sql("DELETE FROM audit WHERE seq > %d AND seq < %d" %
                         (slot << 40, (slot + 1) << 40))
        self.cluster.sql("DELETE FROM audit_anchor WHERE slot = %d" % slot)
        self.cluster.sql("DELETE FROM lease WHERE one = %d" % (slot + 1))

    def test_r_a_chain_that_went_with_its_lease_is_missed_by_the_others(self):
        # The second of them starts when the third has a chain.
        self.b.stop()
        self.b.start()
        self.stop_all()
        self.assertIn("3 chains unbroken", self.verify(*self.heads()))
        self.assertIn("3 chains unbroken", self.verify())
        self.take_away(2)
        self.assertIn("chain 2: is missing, and another chain says",
                      self.verify(good=False))

    def test_one_that_nobody_has_named_is_missed_by_its_heads(self):
        self.stop_all()
        self.take_away(2)
        out = self.verify(*self.heads(), good=False)
        self.assertIn("its tail was cut off", out)
        # Its heads lie on its own machine: nothing else knows of it.
        self.assertIn("2 chains unbroken", self.verify())


class Archived(Chains):
    """Months that have passed, by the clocks of all three."""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="sid-archive-",
                                       dir=self.cluster.folders[0])
        for months in (1, 2):
            self.stop_all()
            for daemon in self.cluster.daemons:
                daemon.set_clock(months * 31 * DAY_S)
                daemon.start()
            self.checks()

    def segments(self):
        return sorted(os.listdir(self.folder))

    def archive(self):
        return self.a.ctl("audit", "archive", "--until", LATE, "--to",
                          self.folder).stdout

    def rows(self):
        """Of the log, by number."""
        return [int(seq) for seq in
                self.cluster.sql("SELECT seq FROM audit ORDER BY seq")]

    def test_each_chain_has_its_files_and_all_are_checked_as_one_log(self):
        before = self.rows()
        self.archive()
        held = []
        for name in self.segments():
            with open(os.path.join(self.folder, name),
                      encoding="utf-8") as stream:
                held += [json.loads(line) for line in stream][1:-1]
        chains = {row["seq"] >> 40 for row in held}
        self.assertEqual(chains, {0, 1, 2})
        left = self.rows()
        numbers = sorted(row["seq"] for row in held)
        self.assertEqual(len(set(numbers)), len(numbers))
        self.assertEqual(set(numbers) & set(left), set())
        self.assertEqual(set(before) - set(numbers) - set(left), set())
        out = self.verify("--archive", self.folder, *self.heads())
        self.assertIn("3 chains unbroken", out)
        self.assertIn("archive: %d of them" % len(held), out)
        self.assertIn("3 chains unbroken", self.verify())
        # All of them go on, and the next run finds nothing to do.
        self.checks()
        names = self.segments()
        self.archive()
        self.assertEqual(self.segments(), names)
        self.verify("--archive", self.folder, *self.heads())

    def test_a_file_of_any_chain_that_was_taken_away_or_changed_is_found(self):
        self.archive()
        names = self.segments()
        self.assertGreaterEqual(len(names), 6)
        for name in names:
            with self.subTest(name):
                path = os.path.join(self.folder, name)
                with open(path, encoding="utf-8") as stream:
                    whole = stream.read()
                os.unlink(path)
                self.assertIn("are in no segment",
                              self.verify("--archive", self.folder,
                                          good=False))
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(whole.replace('"actor":"system"',
                                               '"actor":"nobody"', 1))
                self.assertIn("changed", self.verify("--archive", self.folder,
                                                     good=False))
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(whole)
        self.verify("--archive", self.folder)


if __name__ == "__main__":
    unittest.main()
