"""What the process promises when it is killed."""

import os
import re
import threading
import unittest

import photos
from harness import (Case, Daemon, SETTLED, credential_of, holder,
                     threads)
from http_raw import Closed


def check_database(case, daemon):
    """Invariants of a stopped daemon's database."""
    case.assertEqual(daemon.sql("PRAGMA integrity_check"), [("ok",)])
    case.assertEqual(daemon.sql("PRAGMA foreign_key_check"), [])
    half = daemon.sql(
        "SELECT id FROM enrolment WHERE state IN ('received', 'processing')")
    case.assertEqual(half, [], "unfinished enrolments")
    # An approved one has one credential, and each credential its enrolment.
    case.assertEqual(daemon.sql(
        "SELECT e.id FROM enrolment e WHERE e.state = 'approved' AND "
        "(SELECT count(*) FROM credential c WHERE c.enrolment_id = e.id "
        "AND c.id = e.credential_id) != 1"), [])
    case.assertEqual(daemon.sql(
        "SELECT c.id FROM credential c LEFT JOIN enrolment e "
        "ON e.id = c.enrolment_id WHERE e.state IS NOT 'approved'"), [])
    # Photos exist only while an officer has to look.
    case.assertEqual(daemon.sql(
        "SELECT p.enrolment_id FROM photo p JOIN enrolment e "
        "ON e.id = p.enrolment_id WHERE e.state != 'review'"), [])
    case.assertEqual(daemon.sql(
        "SELECT e.id FROM enrolment e WHERE e.state = 'review' AND "
        "(SELECT count(*) FROM photo p WHERE p.enrolment_id = e.id) != 4"),
        [])  # and the faces of both
    case.assertEqual(
        sorted(os.listdir(daemon.database + ".photos")),
        [row[0] for row in daemon.sql("SELECT DISTINCT blob FROM photo "
                                      "WHERE blob <> '' ORDER BY blob")])
    case.assertEqual(
        daemon.sql("SELECT count FROM tally WHERE name = 'template'"),
        daemon.sql("SELECT count(*) FROM template"))
    # Every decision left exactly one row in the audit log; an officer's and one
    # after an appeal come after others.
    case.assertEqual(daemon.sql(
        "SELECT * FROM (SELECT e.decided_by, e.appealed_at_s, "
        "(SELECT count(*) FROM audit a WHERE a.event = 'enrolment_decided' "
        "AND a.subject = e.id) AS rows FROM enrolment e) WHERE rows < 1 OR "
        "(rows > 1 AND decided_by = '' AND appealed_at_s = 0)"), [])
    case.assertEqual(daemon.sql(
        "SELECT e.id FROM enrolment e WHERE (SELECT count(*) FROM audit a "
        "WHERE a.event = 'enrolment_received' AND a.subject = e.id) != 1"),
        [])
    result = daemon.ctl("audit", "verify")
    case.assertRegex(result.stdout, r"\d+ rows, chain unbroken")


class Killed(Case):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.app = self.daemon.api(self.daemon.add_client("app"))
        self.daemon.start()

    rounds = 0

    def enrol_until_dead(self, count, kill_at, wait, flaws):
        """Eight clients send `count` enrolments; after `kill_at`
        acknowledgements the process is killed. Returns what was
        acknowledged: id -> (state told, person, photos, retry key)."""
        acknowledged = {}
        lock = threading.Lock()
        numbers = iter(range(count))
        self.rounds += 1
        prefix = "crash-%d-" % self.rounds

        def send(*arguments, **options):
            """Tries again while every place in the queue is taken."""
            while True:
                answer = self.app.submit(*arguments, **options)
                if answer.status != 503:
                    return answer

        def work(_):
            while True:
                with lock:
                    index = next(numbers, None)
                if index is None:
                    return
                person = holder("Person %d" % index)
                flaw = flaws[index % len(flaws)]
                pair = photos.photo(index), photos.photo(index, flaw)
                try:
                    answer = send(person, *pair, wait=wait,
                                  idempotency=prefix + str(index))
                except (Closed, OSError):
                    return  # dead
                if answer.status not in (200, 201, 202):
                    raise AssertionError(repr(answer))
                body = answer.json()
                with lock:
                    acknowledged[body["id"]] = (body["state"], person, pair,
                                                prefix + str(index),
                                                body["holder_secret"])
                    if len(acknowledged) == kill_at:
                        self.daemon.process.kill()

        threads(8, work)
        self.daemon.process.kill()
        self.daemon.wait_exit()
        self.daemon.process = None
        return acknowledged

    def test_an_enrolment_whose_photos_are_gone_ends_as_failed(self):
        """As after a database was put back without the folder beside it."""
        one = self.app.submit(holder(), photos.photo(1),
                              photos.photo(1, photos.SLOW)).json()["id"]
        self.daemon.kill()
        folder = self.daemon.database + ".photos"
        self.assertEqual(len(os.listdir(folder)), 1)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        self.daemon.start()
        answer = self.app.settled(one)
        self.assertEqual(answer["state"], "failed")
        self.assertEqual([r["code"] for r in answer["reasons"]],
                         ["processing_failed"])
        # Whoever tries again gets through.
        self.assertEqual(self.app.enrol(who=2)["state"], "approved")

    def test_refused_enrolments_leave_no_photos(self):
        person = holder()
        pair = photos.photo(1), photos.photo(1)
        self.assertEqual(self.app.submit(person, *pair, wait=30,
                                         idempotency="one").status, 201)
        # The same again; another one under its key; its number once more.
        for other, key, status in ((person, "one", 201), (holder(), "one", 422),
                                   (person, "two", 200)):
            answer = self.app.submit(other, *pair, wait=30, idempotency=key)
            self.assertEqual(answer.status, status, repr(answer))
        self.daemon.stop()
        check_database(self, self.daemon)
        self.assertEqual(os.listdir(self.daemon.database + ".photos"), [])

    def crash_and_check(self, count, wait):
        rng = self.rng()
        flaws = [photos.OK, photos.OK, photos.UNCLEAR, photos.BLURRED,
                 photos.OK]
        kill_at = rng.randrange(count // 8, count * 3 // 4)
        acknowledged = self.enrol_until_dead(count, kill_at, wait, flaws)
        self.assertGreaterEqual(len(acknowledged), kill_at)
        self.daemon.start()
        lost = []
        for one, (told, person, pair, key, secret) in acknowledged.items():
            answer = self.app.get("/v1/enrollments/" + one)
            if answer.status != 200:
                lost.append((one, answer))
                continue
            body = self.app.settled(one)
            self.assertIn(body["state"], ("approved", "review", "rejected"))
            if told in SETTLED:
                self.assertEqual(body["state"], told, "a told state changed")
            if body["state"] == "approved":
                code = self.app.code(credential_of(body))["code"]
                self.assertEqual(
                    self.daemon.api(secret).code(credential_of(body))["code"],
                    code)
        self.assertEqual(lost, [], "acknowledged and lost")
        # A retry with the same key finds the same enrolment.
        for one, (_, person, pair, key, secret) in list(
                acknowledged.items())[:20]:
            answer = self.app.submit(person, *pair, idempotency=key, wait=30)
            self.assertEqual(answer.json()["id"], one, repr(answer))
            self.assertEqual(answer.json()["holder_secret"], secret)
        self.wait_for_all()
        self.daemon.stop()
        check_database(self, self.daemon)
        # What was acknowledged is all there is, plus at most one of each
        # client whose answer the kill cut off.
        rows = self.daemon.sql("SELECT count(*) FROM enrolment")[0][0]
        self.assertGreaterEqual(rows, len(acknowledged))
        self.assertLessEqual(rows, len(acknowledged) + 8)

    def wait_for_all(self):
        """Until no enrolment waits any more, those of cut-off clients
        too."""
        officer = self.daemon.api(self.daemon.add_client("officer"))
        for state in ("received", "processing"):
            while True:
                answer = officer.get("/v1/enrollments?state=" + state)
                self.assertEqual(answer.status, 200, repr(answer))
                ids = re.findall(rb"enr_[0-9a-z]+", answer.body)
                if not ids:
                    break
                for one in ids:
                    officer.settled(one.decode())

    def test_a_kill_in_200_enrolments_loses_nothing_acknowledged(self):
        self.crash_and_check(200, wait=None)

    def test_a_kill_while_clients_wait_loses_nothing_acknowledged(self):
        self.crash_and_check(200, wait=30)

    def test_ten_kills_in_a_row_lose_nothing(self):
        """Each round is killed at once after some answers, so that the next
        start finds work of the round before."""
        rng = self.rng()
        acknowledged = {}
        for _ in range(10):
            acknowledged.update(self.enrol_until_dead(
                40, rng.randrange(1, 30), None, [photos.OK]))
            self.daemon.start()
        failed = [one for one in acknowledged
                  if self.app.settled(one)["state"] == "failed"]
        self.wait_for_all()
        self.daemon.stop()
        check_database(self, self.daemon)
        # A job that was on a worker during two kills is set aside: that may
        # be so, but only for those.
        for one in failed:
            attempts = self.daemon.sql(
                "SELECT attempts FROM enrolment WHERE id = ?", one)[0][0]
            self.assertGreaterEqual(attempts, 2)

    def test_a_kill_during_checks_keeps_the_audit_chain(self):
        clerk = self.daemon.api(self.daemon.add_client("clerk"))
        code = self.app.code(credential_of(self.app.enrol(who=1)))["code"]
        told = []
        lock = threading.Lock()

        def work(_):
            try:
                for _ in range(100):
                    answer = clerk.verify(code)
                    with lock:
                        told.append(answer["id"])
                        if len(told) == 150:
                            self.daemon.process.kill()
            except (Closed, OSError):
                pass

        threads(8, work)
        self.daemon.process.kill()
        self.daemon.wait_exit()
        self.daemon.process = None
        self.daemon.start()
        self.daemon.stop()
        rows = [row[0] for row in self.daemon.sql(
            "SELECT detail FROM audit WHERE event = 'verification'")]
        text = "\n".join(rows)
        missing = [one for one in told if one not in text]
        self.assertEqual(missing, [], "told, but not in the audit log")
        self.assertRegex(self.daemon.ctl("audit", "verify").stdout,
                         "chain unbroken")

    def test_more_unfinished_ones_than_the_queue_holds_are_all_taken_up(self):
        ids = []
        for who in range(30):
            answer = self.app.submit(holder(), photos.photo(who),
                                     photos.photo(who, photos.SLOW))
            ids.append(answer.json()["id"])
        self.daemon.kill()
        self.daemon.env["SMARTIDD_FACE_QUEUE_CAPACITY"] = "2"
        self.daemon.start()
        for one in ids:
            self.assertEqual(self.app.settled(one)["state"], "approved")
        # The queue is free for new ones again.
        self.assertEqual(self.app.enrol(who=1)["state"], "approved")
        self.daemon.stop()
        check_database(self, self.daemon)

    def test_a_kill_keeps_revocations_and_keys(self):
        enrolment = self.app.enrol(who=1)
        credential = credential_of(enrolment)
        code = self.app.code(credential)["code"]
        clerk = self.daemon.api(self.daemon.add_client("clerk"))
        self.assertEqual(self.app.revoke(credential).status, 200)
        self.daemon.kill()
        self.daemon.start()
        self.assertFalse(clerk.verify(code)["valid"])
        self.assertEqual(self.app.get("/v1/credentials/" + credential).json()
                         ["state"], "revoked")


class Poison(Case):
    def setUp(self):
        self.daemon = Daemon(settings={"face.workers": "1",
                                       "face.face_isolation": "thread"})
        self.daemon.expect_crash = True
        self.addCleanup(self.daemon.close)
        self.app = self.daemon.api(self.daemon.add_client("app"))

    def die(self):
        """Waits for the process to die by itself."""
        code = self.daemon.wait_exit()
        self.daemon.process = None
        self.assertNotEqual(code, 0)

    def poison(self):
        # Slow first: the answer shall be out when the process dies.
        answer = self.app.submit(holder(), photos.photo(1, photos.SLOW),
                                 photos.photo(1, photos.ABORT))
        self.assertEqual(answer.status, 202, repr(answer))
        return answer.json()["id"]

    def test_a_job_that_killed_the_process_twice_is_set_aside(self):
        self.daemon.start()
        one = self.poison()
        self.die()
        self.daemon.spawn()
        self.die()
        self.daemon.start()
        body = self.app.settled(one)
        self.assertEqual(body["state"], "failed")
        self.assertEqual([r["code"] for r in body["reasons"]],
                         ["processing_failed"])
        self.assertTrue(body["reasons"][0]["retryable"])
        self.assertEqual(self.app.enrol(who=2)["state"], "approved")
        self.assertEqual(self.daemon.request("GET", "/readyz").status, 200)
        self.daemon.stop()
        check_database(self, self.daemon)

    def test_r_an_appeal_that_killed_the_process_twice_goes_to_an_officer(self):
        """There is no second appeal, so it must not end as failed."""
        self.daemon.start()
        body = self.app.submit(holder(), photos.photo(3), photos.photo(4),
                               wait=30).json()
        self.assertEqual(body["state"], "rejected", body)
        answer = self.app.appeal(body["id"], photos.photo(3, photos.SLOW),
                                 photos.photo(3, photos.ABORT))
        self.assertEqual(answer.status, 202, repr(answer))
        self.die()
        self.daemon.spawn()
        self.die()
        self.daemon.start()
        seen = self.app.settled(body["id"])
        self.assertEqual(seen["state"], "review")

    def test_those_that_wait_behind_a_poisoned_job_are_still_decided(self):
        self.daemon.start()
        # A slow one keeps the only worker busy while the others arrive.
        first = self.app.submit(holder(), photos.photo(1),
                                photos.photo(1, photos.SLOW)).json()["id"]
        bad = self.poison()
        behind = []
        for who in range(2, 8):
            try:
                answer = self.app.submit(holder(), *photos.pair(who))
            except (Closed, OSError):
                break
            behind.append(answer.json()["id"])
        self.die()
        self.daemon.spawn()
        self.die()
        self.daemon.start()
        self.assertEqual(self.app.settled(bad)["state"], "failed")
        for one in [first] + behind:
            self.assertEqual(self.app.settled(one)["state"], "approved")


class PoisonBesideOthers(Case):
    def test_a_harmless_job_beside_a_poisoned_one_is_not_set_aside(self):
        """With two workers a harmless slow job runs beside the poisoned one
        both times the process dies. It killed nothing."""
        daemon = Daemon(settings={"face.workers": "2",
                                  "face.face_isolation": "thread"})
        daemon.expect_crash = True
        self.addCleanup(daemon.close)
        app = daemon.api(daemon.add_client("app"))
        daemon.start()

        def slow(who, selfie_flaw=photos.SLOW):
            return app.submit(holder(), photos.photo(who, photos.SLOW),
                              photos.photo(who, selfie_flaw)).json()["id"]

        # Both workers are at the first one while the others arrive.
        slow(1)
        bad = slow(2, photos.ABORT)
        harmless = slow(3)
        daemon.wait_exit()
        daemon.spawn().wait_exit()
        daemon.process = None
        daemon.start()
        self.assertEqual(app.settled(harmless)["state"], "approved")
        self.assertEqual(app.settled(bad)["state"], "failed")


if __name__ == "__main__":
    unittest.main()
