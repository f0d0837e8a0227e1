"""What the daemon does, says and promises while the disk is full, and when it
fails."""

import os
import time
import unittest

import photos
from harness import (SLOW, Case, Daemon, credential_of, holder, program,
                     threads)
from http_raw import Closed
from test_crash import check_database


class FullDisk(Case):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.flag = os.path.join(self.daemon.folder, "full")
        self.daemon.env.update({
            "LD_PRELOAD": program("full_disk.so"), "FULL_DISK": self.flag,
            # The library comes before the sanitizer's, which minds.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"})
        self.app = self.daemon.api(self.daemon.add_client("app"))
        self.clerk = self.daemon.api(self.daemon.add_client("clerk"))
        self.officer = self.daemon.api(self.daemon.add_client("officer"))
        self.nobody = self.daemon.api(None)
        self.daemon.start()

    def tearDown(self):
        self.daemon.stop()
        check_database(self, self.daemon)

    def fill(self, broken=False):
        """Full, or so that each write is an error."""
        with open(self.flag, "w", encoding="ascii") as out:
            out.write("broken" if broken else "")

    def empty(self):
        os.unlink(self.flag)

    def lines(self, event):
        return self.daemon.log.text().count(" event=%s " % event)

    def count(self, state):
        answer = self.officer.get("/v1/enrollments?state=" + state)
        return len(answer.json()["enrollments"])

    def becomes_ready(self):
        end = time.monotonic() + 20 * SLOW
        while self.nobody.get("/readyz").status != 200:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_who_waits_is_told_the_state_that_is_stored(self):
        """Decided, but not stored: the enrolment itself is."""
        answers = []

        def work(who):
            answers.append(self.app.submit(
                holder(), photos.photo(who),
                photos.photo(who, photos.SLOW), wait=int(3 * SLOW)))

        def wait_and_fill(who):
            if who < 6:
                work(who)
                return
            # All of them are acknowledged, and the last is at work.
            while sum(self.count(state) for state in (
                    "received", "processing", "approved")) < 6:
                time.sleep(0.02)
            self.fill()

        threads(7, wait_and_fill)
        for answer in answers:
            self.assertIn(answer.status, (200, 201, 202), repr(answer))
        undecided = [a.json()["id"] for a in answers
                     if a.json()["state"] in ("received", "processing")]
        self.assertNotEqual(undecided, [])
        self.empty()
        for one in undecided:
            self.assertEqual(self.app.settled(one)["state"], "approved")

    def test_a_full_disk_is_told_and_ends_by_itself(self):
        code = self.app.code(credential_of(self.app.enrol(who=1)))["code"]
        ready = self.nobody.get("/readyz")
        self.assertEqual(ready.json()["checks"]["storage"], "ok")
        self.fill()
        # Nobody can be checked without an audit row.
        question = {"code": code, "purpose": "train_ticket"}
        answer = self.clerk.post("/v1/verifications", question)
        document = self.assert_problem(answer, 507, "storage_full")
        self.assertEqual(document["result"], "could_not_check")
        ready = self.nobody.get("/readyz")
        self.assertEqual(ready.status, 503)
        self.assertFalse(ready.json()["ready"])
        self.assertEqual(ready.json()["checks"]["storage"], "storage_full")
        self.assertIsNotNone(ready.header("retry-after"))
        self.empty()
        self.becomes_ready()
        self.assertTrue(self.clerk.verify(code)["valid"])

    def test_a_decision_that_waits_for_the_disk_says_so_once(self):
        one = self.app.submit(holder(), photos.photo(1),
                              photos.photo(1, photos.SLOW)).json()["id"]
        self.fill()
        self.assertIsNotNone(self.daemon.log.wait(
            lambda line: " event=store_error " in line))
        # Long enough for forty ticks and some probes.
        time.sleep(4)
        self.assertEqual(self.lines("store_error"), 1,
                         self.daemon.log.text()[-3000:])
        self.assertIn(self.app.get("/v1/enrollments/" + one).json()["state"],
                      ("received", "processing"))
        self.empty()
        self.assertEqual(self.app.settled(one)["state"], "approved")

    def test_r_a_decision_outlives_writes_that_fail_for_a_while(self):
        one = self.app.submit(holder(), photos.photo(1),
                              photos.photo(1, photos.SLOW)).json()["id"]
        self.fill(broken=True)
        end = time.monotonic() + 20 * SLOW
        while b"smartidd_workers_busy 0\n" not in self.nobody.get(
                "/metrics").body:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        # What comes to the writer after the decision is refused, too.
        self.assert_problem(self.clerk.post("/v1/verifications", {
            "code": "SID1:", "purpose": "train_ticket"}), 503)
        self.assertNotIn("writer_stopped", self.daemon.log.text())
        self.empty()
        self.becomes_ready()
        self.assertEqual(self.app.settled(one)["state"], "approved")


class BadSync(Case):
    """A page that could not be synced counts as written for the kernel: no
    second sync can be believed."""

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.flag = os.path.join(self.daemon.folder, "bad")
        self.daemon.env.update({
            "LD_PRELOAD": program("bad_sync.so"), "BAD_SYNC": self.flag,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"})
        self.app = self.daemon.api(self.daemon.add_client("app"))
        self.clerk = self.daemon.api(self.daemon.add_client("clerk"))
        self.daemon.start()

    def tearDown(self):
        self.daemon.stop()
        check_database(self, self.daemon)

    def ends_by_itself(self):
        self.assertEqual(self.daemon.wait_exit(), 1)
        self.daemon.process = None
        log = self.daemon.log.text()
        for event in ("store_error", "writer_stopped", "stopping", "stopped"):
            self.assertIn(" event=%s" % event, log)
        self.assertIn("a sync failed", log)

    def test_photos_that_cannot_be_synced_are_refused_and_not_kept(self):
        with open(self.flag, "w", encoding="ascii"):
            pass
        answer = self.app.submit(holder(), photos.photo(1), photos.photo(1))
        self.assertEqual(answer.status, 503, repr(answer))
        os.unlink(self.flag)
        self.assertEqual(os.listdir(self.daemon.database + ".photos"), [])

    def test_a_failed_sync_is_no_yes_and_stops_the_daemon(self):
        code = self.app.code(credential_of(self.app.enrol(who=1)))["code"]
        answers = []
        with open(self.flag, "w", encoding="ascii"):
            pass

        def ask(_):
            try:
                answers.append(self.clerk.post(
                    "/v1/verifications",
                    {"code": code, "purpose": "train_ticket"}))
            except (Closed, OSError):
                pass  # it has stopped

        threads(8, ask)
        self.assertNotEqual(answers, [])
        for answer in answers:
            self.assertEqual(answer.status, 503, repr(answer))
        self.ends_by_itself()
        os.unlink(self.flag)
        self.daemon.start()
        self.assertTrue(self.clerk.verify(code)["valid"])
        self.daemon.stop()
        self.assertRegex(self.daemon.ctl("audit", "verify").stdout,
                         "chain unbroken")

    def test_it_does_not_start_while_its_log_cannot_be_synced(self):
        self.app.enrol(who=1)
        self.daemon.kill()  # leaves a log that has to be moved
        with open(self.flag, "w", encoding="ascii"):
            pass
        self.assertNotEqual(self.daemon.spawn().wait_exit(), 0)
        self.daemon.process = None
        self.assert_logged(" event=start_failed stage=store")
        os.unlink(self.flag)
        self.daemon.start()


if __name__ == "__main__":
    unittest.main()
