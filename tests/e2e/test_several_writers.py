"""One daemon with several connections that write to its PostgreSQL server: checks
are spread over them, and each has a place and an audit chain of its own."""

import itertools
import os
import re
import threading
import unittest

from harness import Case, credential_of
from several import PURPOSE, Cluster, postgres, until

WRITERS = 3
ASKERS = 12       # clerks at once: more than a batch takes up at a time
SPREAD_LIMIT_S = 60
HEADS = "smartidd.db.heads"


def setUpModule():
    Case.server = postgres.Server()
    unittest.addModuleCleanup(Case.server.stop)


class Writers(Case):
    COUNT = 1

    def setUp(self):
        self.cluster = Cluster(self.server, self.COUNT,
                               {"store.pg_writers": WRITERS})
        self.addCleanup(self.cluster.close)
        self.daemon = self.cluster.daemons[0]
        self.app = self.cluster.api("app", 0)
        self.clerk = self.cluster.api("clerk", 0)
        self.people = itertools.count(1)

    def approved(self):
        enrolment = self.app.enrol(next(self.people))
        self.assertEqual(enrolment["state"], "approved", enrolment)
        return credential_of(enrolment)

    def crowd(self, code, stop, answers):
        """Clerks who ask until they are stopped."""
        body = {"code": code, "purpose": PURPOSE}

        def ask():
            api = self.cluster.api("clerk", 0)
            while not stop.is_set():
                answers.append(api.post("/v1/verifications", body))

        clerks = [threading.Thread(target=ask) for _ in range(ASKERS)]
        for clerk in clerks:
            clerk.start()
        return clerks

    def chains_with_checks(self):
        return {int(row) for row in self.cluster.sql(
            "SELECT DISTINCT seq >> 40 FROM audit WHERE event = "
            "'verification'")}

    def verified(self, status=0, heads=HEADS):
        result = self.daemon.ctl("audit", "verify", "--heads",
                                 os.path.join(self.daemon.folder, heads),
                                 check=False)
        self.assertEqual(result.returncode, status, result)
        return result.stdout + result.stderr


class Alone(Writers):
    def test_checks_are_spread_and_each_has_its_row_in_one_of_the_chains(self):
        code = self.app.code(self.approved())["code"]
        stop, answers = threading.Event(), []
        clerks = self.crowd(code, stop, answers)
        try:
            until(lambda: len(self.chains_with_checks()) == WRITERS,
                  SPREAD_LIMIT_S, "each writer has done a check")
        finally:
            stop.set()
            for clerk in clerks:
                clerk.join()
        self.assertEqual({answer.json()["result"] for answer in answers},
                         {"valid"})
        ids = sorted(answer.json()["id"] for answer in answers)
        rows = self.cluster.sql("SELECT detail FROM audit WHERE event = "
                                "'verification'")
        self.assertEqual(sorted(re.search(r"\bid=(\S+)", row).group(1)
                                for row in rows), ids)
        out = self.verified()
        self.assertIn("%d chains unbroken" % WRITERS, out)
        # Every chain ends with a row of its own and a signed head.
        self.daemon.stop()
        ends = self.cluster.sql(
            "SELECT event FROM audit WHERE seq IN (SELECT max(seq) FROM audit "
            "GROUP BY seq >> 40)")
        self.assertEqual(ends, ["daemon_stopped"] * WRITERS)
        self.verified()
        self.daemon.start()
        self.assertEqual(self.clerk.verify(code)["result"], "valid")
        self.verified()

    def test_a_tail_that_is_cut_off_a_further_chain_is_found(self):
        self.daemon.stop()
        last = self.cluster.sql("SELECT max(seq) FROM audit WHERE seq >> 40 = "
                                "%d" % (WRITERS - 1))[0]
        self.cluster.sql("DELETE FROM audit WHERE seq = " + last)
        self.assertIn(last, self.verified(1))

    def test_a_file_of_heads_that_is_not_there_is_named(self):
        self.assertIn("no.heads cannot be read: There is nothing",
                      self.verified(1, "no.heads"))
        result = self.daemon.ctl("audit", "verify", "--heads", "-", "--heads",
                                 "other.heads", check=False)
        self.assertIn("smartidctl: other.heads cannot be read", result.stderr)

    def test_no_check_is_valid_after_its_credential_was_revoked(self):
        for _ in range(8):
            credential = self.approved()
            code = self.app.code(credential)["code"]
            stop, before = threading.Event(), []
            clerks = self.crowd(code, stop, before)
            try:
                until(lambda seen=before: len(seen) > 2 * ASKERS,
                      SPREAD_LIMIT_S, "checks are under way")
                self.assertEqual(self.app.revoke(credential).status, 200)
                after = [self.clerk.verify(code)["result"] for _ in range(10)]
            finally:
                stop.set()
                for clerk in clerks:
                    clerk.join()
            self.assertEqual(after, ["not_valid"] * 10)

    def test_one_live_code_is_used_up_by_one_of_many_checks_at_once(self):
        credential = self.approved()
        for _ in range(8):
            live = self.app.get("/v1/credentials/%s/code?kind=live" %
                                credential).json()["code"]
            results, gate = [], threading.Barrier(ASKERS)

            def ask(code=live, into=results, gate=gate):
                api = self.cluster.api("clerk", 0)
                gate.wait()
                into.append(api.verify(code)["result"])

            clerks = [threading.Thread(target=ask) for _ in range(ASKERS)]
            for clerk in clerks:
                clerk.start()
            for clerk in clerks:
                clerk.join()
            self.assertEqual(sorted(results),
                             ["not_valid"] * (ASKERS - 1) + ["valid"])

    def test_its_own_writers_are_no_other_daemons(self):
        self.daemon.ctl("key", "rotate", "master")
        code = self.app.code(self.approved())["code"]
        self.assertEqual(self.clerk.verify(code)["result"], "valid")
        self.assert_logged(" event=leads ")

    def test_after_a_crash_it_takes_free_places_and_all_chains_are_whole(self):
        code = self.app.code(self.approved())["code"]
        stop, answers = threading.Event(), []
        clerks = self.crowd(code, stop, answers)
        until(lambda: len(answers) > 10 * ASKERS, SPREAD_LIMIT_S, "checks")
        stop.set()
        for clerk in clerks:
            clerk.join()
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.clerk.verify(code)["result"], "valid")
        self.verified()

    def test_one_that_has_lost_a_place_ends(self):
        self.cluster.sql("UPDATE lease SET owner = 'somebody else' WHERE one = "
                         "%d" % WRITERS)
        self.assertEqual(self.daemon.wait_exit(), 1)
        self.assertIn("another process has this one's place",
                      self.daemon.log.text())
        self.daemon.process = None


class TwoOfThem(Writers):
    COUNT = 2

    def test_two_daemons_share_the_places_and_one_of_them_leads(self):
        code = self.app.code(self.approved())["code"]
        other = self.cluster.api("clerk", 1)
        self.assertEqual(other.verify(code)["result"], "valid")
        result = self.daemon.ctl("key", "rotate", "master", check=False)
        self.assertEqual(result.returncode, 1, result)
        second = self.cluster.daemons[1]
        self.daemon.stop()
        line = second.log.wait(lambda line: " event=leads " in line, 30)
        self.assertIsNotNone(line)
        self.assertEqual(other.verify(code)["result"], "valid")


if __name__ == "__main__":
    unittest.main()
