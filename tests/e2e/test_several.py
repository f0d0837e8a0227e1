"""Three daemons on one PostgreSQL database: what one has done holds at the
others, and one may die."""

import json
import signal
import threading
import time
import unittest

import photos
from front import Front
from harness import Api, Case, credential_of, holder, program, run_tool
from receiver import Receiver
from several import PURPOSE, Cluster, Roaming, postgres, until

# Issue 8, letter C.
KNOWN_LIMIT_S = 5
# A lease, what clocks may differ, a look; and the work.
TAKEN_OVER_LIMIT_S = 90  # on a busy machine; check-slow asserts the figure


def setUpModule():
    Case.server = postgres.Server()
    unittest.addModuleCleanup(Case.server.stop)


class Several(Case):
    settings = {}

    def setUp(self):
        self.cluster = Cluster(self.server, settings=self.settings)
        self.addCleanup(self.cluster.close)
        self.a, self.b, self.c = self.cluster.daemons
        self.app = [self.cluster.api("app", i) for i in range(3)]
        self.clerk = [self.cluster.api("clerk", i) for i in range(3)]
        self.admin = [self.cluster.api("admin", i) for i in range(3)]

    def approved(self, at=0, who=1):
        enrolment = self.app[at].enrol(who)
        self.assertEqual(enrolment["state"], "approved", enrolment)
        return credential_of(enrolment)

    def result(self, at, code):
        return self.clerk[at].verify(code)["result"]

    def audit_verify(self, good=True):
        result = self.a.ctl("audit", "verify", check=False)
        self.assertEqual(result.returncode, 0 if good else 1, result)
        return result.stdout


class Together(Several):
    def test_what_one_has_done_holds_at_the_others_at_once(self):
        credential = self.approved(0)
        code = self.app[1].code(credential)["code"]
        self.assertEqual([self.result(i, code) for i in range(3)],
                         ["valid"] * 3)
        self.assertEqual(self.app[1].revoke(credential).status, 200)
        self.assertEqual([self.result(i, code) for i in (0, 2, 1)],
                         ["not_valid"] * 3)
        # The holder sees all checks, the newest first, wherever they were.
        checks = self.app[2].get("/v1/credentials/%s/checks" % credential)
        times = [row["at"] for row in checks.json()["checks"]]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertEqual(len(times), 6)
        out = self.audit_verify()
        for chain in range(3):
            self.assertIn("chain %d:" % chain, out)
        self.assertIn("3 chains unbroken", out)

    def test_who_waits_at_one_is_told_what_another_has_decided(self):
        answer = self.app[0].submit(holder(), photos.photo(1, photos.SLOW),
                                    photos.photo(1, photos.SLOW))
        began = time.monotonic()
        enrolment = self.app[1].settled(answer.json()["id"], wait=20)
        self.assertEqual(enrolment["state"], "approved", enrolment)
        self.assertLess(time.monotonic() - began, 15)

    def test_a_client_is_known_and_revoked_everywhere_in_five_seconds(self):
        key = self.a.add_client("app", name="late")
        late = [self.b.api(key), self.c.api(key)]
        for api in late:
            until(lambda api=api: api.get("/v1/enrollments/none").status == 404,
                  KNOWN_LIMIT_S, "the new client is known")
        self.a.ctl("client", "revoke", self.a.client_id("late"))
        for api in late:
            until(lambda api=api: api.get("/v1/enrollments/none").status == 401,
                  KNOWN_LIMIT_S, "the revoked client is refused")

    def test_r_one_that_was_stopped_takes_no_key_that_was_revoked_since(self):
        key = self.a.add_client("clerk", name="late", purposes=[PURPOSE])
        late = self.c.api(key)
        code = self.app[0].code(self.approved())["code"]
        body = {"code": code, "purpose": PURPOSE}
        until(lambda: late.post("/v1/verifications", body).status == 200,
              KNOWN_LIMIT_S, "the new client is known")
        self.c.signal(signal.SIGSTOP)
        answers = []
        crowd = [threading.Thread(target=lambda: answers.append(late.post(
            "/v1/verifications", body).status)) for _ in range(4)]
        try:
            self.a.ctl("client", "revoke", self.a.client_id("late"))
            for one in crowd:
                one.start()
            time.sleep(KNOWN_LIMIT_S + 1)
        finally:
            self.c.signal(signal.SIGCONT)
        for one in crowd:
            one.join(30)
        self.assertEqual(len(answers), 4)
        self.assertNotIn(200, answers)
        until(lambda: self.clerk[2].post("/v1/verifications", body).status ==
              200, KNOWN_LIMIT_S, "it goes on")

    def test_codes_of_a_new_key_are_valid_everywhere(self):
        credential = self.approved()
        old = self.app[0].code(credential)["code"]
        self.a.ctl("key", "rotate", "code", "--revoke-old")
        until(lambda: self.result(1, old) == "not_valid" and
              self.result(2, old) == "not_valid", KNOWN_LIMIT_S,
              "codes of the old key are refused")
        code = self.app[1].code(credential)["code"]
        until(lambda: [self.result(i, code) for i in range(3)] == ["valid"] * 3,
              KNOWN_LIMIT_S, "it is valid everywhere")

    def test_people_enrol_everywhere_while_the_data_key_changes(self):
        stop, failed, made = threading.Event(), [], []

        def enrol(at):
            who = at
            while not stop.is_set():
                answer = self.app[at].submit(holder(), *photos.pair(who),
                                             wait=20)
                if answer.status not in (200, 201):
                    failed.append(answer)
                else:
                    made.append(answer.json()["id"])
                who = (who + 3) % 32

        crowd = [threading.Thread(target=enrol, args=(i,)) for i in range(3)]
        for one in crowd:
            one.start()
        self.a.ctl("key", "rotate", "data")
        until(lambda: self.cluster.sql(
            "SELECT count(*) FROM wrapped_key WHERE use = 'data' AND "
            "retired_at_s > 0") == ["1"], 40, "the old key is destroyed")
        stop.set()
        for one in crowd:
            one.join(60)
        # Nobody, and least of all the one that does it, was kept from writing.
        for daemon in self.cluster.daemons:
            self.assertNotIn("store_retries_spent", daemon.log.text())
        # One whose keys are a second behind is asked to try again.
        self.assertEqual({a.status for a in failed} - {503}, set())
        self.assertEqual(self.cluster.sql(
            "SELECT count(*) FROM subject_key WHERE data_version <> 2"), ["0"])
        for enrolment in made[:4] + made[-4:]:
            self.assertEqual(self.app[2].get(
                "/v1/enrollments/" + enrolment).status, 200)
        self.audit_verify()

    def test_r_what_was_refused_is_sent_again_whoever_is_asked_for_it(self):
        secret = self.a.ctl("webhook", "secret").stdout.strip()
        receiver = Receiver(secret)
        self.addCleanup(receiver.close)
        for daemon in self.cluster.daemons:
            daemon.env["SMARTIDD_WEBHOOK_WEBHOOK_URL"] = receiver.url
            daemon.restart()
        self.approved(1)
        until(receiver.taken, 10, "the first of them tells")
        self.cluster.sql(
            "INSERT INTO webhook_dead (seq, id, type, body, tries, tried_at_s, "
            "why, again) VALUES (1, 'evt_x', 'credential.checked', "
            "'{\"id\":\"evt_x\"}', 3, 1, 'http_422', 0)")
        self.c.ctl("webhook", "replay", "--all")
        until(lambda: self.cluster.sql("SELECT count(*) FROM webhook_dead") ==
              ["0"], KNOWN_LIMIT_S, "it is taken")
        self.assertEqual(receiver.taken()[-1], {"id": "evt_x"})

    def test_the_tool_alone_is_kept_out_while_any_of_them_runs(self):
        self.a.stop()
        result = self.a.ctl("key", "rotate", "code", check=False)
        self.assertNotEqual(result.returncode, 0, result)
        self.b.stop()
        self.c.stop()
        self.assertEqual(self.a.ctl("key", "rotate", "code").returncode, 0)

    def test_another_master_key_needs_the_others_to_be_stopped(self):
        result = self.a.ctl("key", "rotate", "master", check=False)
        self.assertNotEqual(result.returncode, 0, result)
        self.assertIn("all but this one first", result.stderr)
        self.b.stop()
        self.c.stop()
        self.assertEqual(self.a.ctl("key", "rotate", "master").returncode, 0)

    def test_r_one_with_an_old_master_key_makes_no_key_and_answers_nothing(self):
        """It was cut off while the master key was changed without it."""
        self.c.stop()
        self.b.signal(signal.SIGSTOP)
        try:
            until(lambda: self.a.ctl("key", "rotate", "master",
                                     check=False).returncode == 0,
                  TAKEN_OVER_LIMIT_S, "it is taken for dead")
        finally:
            self.b.signal(signal.SIGCONT)
        # By its key, what it made could be opened by nobody.
        result = self.b.ctl("key", "rotate", "code", check=False)
        self.assertNotEqual(result.returncode, 0, result)
        self.assertEqual(self.cluster.sql(
            "SELECT count(*) FROM wrapped_key WHERE use = 'code'"), ["1"])
        line = self.b.log.wait(lambda l: "event=keys_not_followed" in l,
                               TAKEN_OVER_LIMIT_S)
        self.assertIn("master key", line)
        self.assertEqual(self.clerk[0].get("/readyz").status, 200)
        until(lambda: self.clerk[1].get("/readyz").status == 503 and
              self.result_status(1) == 503, TAKEN_OVER_LIMIT_S,
              "it is not used")
        self.a.restart()

    def result_status(self, at):
        return self.clerk[at].post("/v1/verifications", {
            "code": "SID1:", "purpose": PURPOSE}).status

    def test_a_row_that_was_changed_shows_in_whichever_chain_it_is(self):
        self.approved(1)
        self.audit_verify()
        for daemon in self.cluster.daemons:
            daemon.stop()
        self.cluster.sql(
            "UPDATE audit SET outcome = 'rejected' WHERE seq = (SELECT min(seq) "
            "FROM audit WHERE seq > %d AND event = 'enrolment_decided')"
            % (1 << 40))
        out = self.audit_verify(good=False)
        self.assertIn("chain 1:", out)
        self.assertIn("changed", out)

    def test_r_a_chain_of_which_nothing_is_left_is_missed(self):
        self.audit_verify()
        self.cluster.sql("DELETE FROM audit WHERE seq > %d AND seq < %d" %
                         (1 << 40, 2 << 40))
        self.assertIn("chain 1: all its rows are missing",
                      self.audit_verify(good=False))

    def test_those_that_only_look_keep_their_places(self):
        end = time.monotonic() + 7  # longer than a lease
        while time.monotonic() < end:
            self.assertEqual(self.cluster.sql(
                "SELECT count(*) FROM lease WHERE until_us > "
                "extract(epoch FROM clock_timestamp()) * 1000000"), ["3"])
            time.sleep(0.2)


class ClocksApart(Several):
    def test_r_who_is_late_by_our_clock_is_not_dead(self):
        self.c.stop()
        self.a.signal(signal.SIGSTOP)
        self.addCleanup(self.a.signal, signal.SIGCONT)
        stop = threading.Event()

        def renew():
            """As a machine does whose clock is behind."""
            while not stop.is_set():
                self.cluster.sql(
                    "UPDATE lease SET until_us = CAST(extract(epoch FROM "
                    "clock_timestamp()) * 1000000 AS BIGINT) - 1000000 "
                    "WHERE one = 1")
                stop.wait(0.2)

        late = threading.Thread(target=renew)
        late.start()
        try:
            mark = len(self.b.log.lines)
            end = time.monotonic() + 3  # three looks
            while time.monotonic() < end:
                self.assertEqual([l for l in self.b.log.lines[mark:]
                                  if "event=leads" in l], [])
                time.sleep(0.1)
            # It has the old master key in its memory.
            result = self.b.ctl("key", "rotate", "master", check=False)
            self.assertNotEqual(result.returncode, 0, result)
        finally:
            stop.set()
            late.join()


class OneDies(Several):
    settings = {"face.workers": 1}  # so that the others wait for it

    def test_what_one_had_in_hand_another_finishes(self):
        ids = [self.app[0].submit(holder(), photos.photo(who, photos.SLOW),
                                  photos.photo(who, photos.SLOW)).json()["id"]
               for who in range(4)]
        self.a.kill()
        began = time.monotonic()
        for one in ids:
            until(lambda one=one: self.app[1].settled(one)["state"] ==
                  "approved", TAKEN_OVER_LIMIT_S, "it is decided elsewhere")
        self.assertLess(time.monotonic() - began, TAKEN_OVER_LIMIT_S)
        self.assertEqual(self.cluster.sql(
            "SELECT count(*) FROM audit WHERE event = 'enrolment_decided'"),
                         ["4"])
        self.a.start()
        self.audit_verify()

    def test_all_are_restarted_in_turn_and_nobody_is_refused(self):
        self.in_turn(lambda at: self.cluster.daemons[at].restart())
        self.audit_verify()

    def test_all_are_upgraded_in_turn_beside_older_ones(self):
        def upgrade(at):
            daemon = self.cluster.daemons[at]
            if at == 2:  # an older one's, and both others are newer
                self.others_finish(at)
            daemon.stop()
            daemon.binary = program("smartidd-newer-fake")
            daemon.start()
            if at == 0:  # both others are older
                self.holds_beside(0, 1)
                self.others_finish(0)
                daemon.start()

        older = self.c.binary
        self.in_turn(upgrade)
        self.assertEqual(
            self.cluster.sql("SELECT count(*) FROM to_come"), ["0"])
        found = run_tool("-c", self.a.config, "audit", "verify",
                         binary=program("smartidctl-newer-fake"))
        self.assertIn("chains unbroken", found.stdout)
        # An older one that is started now says why it does not.
        self.c.stop()
        self.c.binary = older
        self.c.spawn()
        self.assertNotEqual(self.c.wait_exit(), 0)
        self.assertIn("newer than this program", self.c.log.text())
        self.c.process = None

    def others_finish(self, at):
        """Stops one that has more in hand than it finishes."""
        ids = [self.app[at].submit(holder(), photos.photo(20, photos.SLOW),
                                   photos.photo(20, photos.SLOW)).json()["id"]
               for _ in range(3)]
        self.cluster.daemons[at].stop()
        other = self.app[(at + 1) % 3]
        for one in ids:
            until(lambda one=one: other.settled(one)["state"] == "approved",
                  TAKEN_OVER_LIMIT_S, "it is decided elsewhere")
        self.assertNotEqual(self.cluster.sql(
            "SELECT count(*) FROM audit WHERE event = 'enrolment_decided' AND "
            "seq >> 40 <> %d AND subject IN ('%s')" % (at, "','".join(ids))),
                            ["0"])

    def holds_beside(self, *pair):
        """What is done at one holds at the other, and the other way round."""
        for one, other in (pair, pair[::-1]):
            credential = self.approved(one)
            code = self.app[one].code(credential)["code"]
            self.assertEqual([self.result(i, code) for i in pair],
                             ["valid"] * 2)
            self.assertEqual(self.app[other].revoke(credential).status, 200)
            self.assertEqual([self.result(i, code) for i in pair],
                             ["not_valid"] * 2)

    def in_turn(self, change):
        """Stops, changes and starts one after the other, under load."""
        credential = self.approved()
        code = self.app[0].code(credential)["code"]
        stop, wrong, checks, enrolled = threading.Event(), [], [], []

        def check(first):
            clerk = Roaming(self.cluster, "clerk", first)
            body = {"code": code, "purpose": PURPOSE}
            while not stop.is_set():
                answer = clerk.call(
                    lambda api: api.post("/v1/verifications", body))
                checks.append(answer.json())
                if answer.json().get("result") != "valid":
                    wrong.append(answer)

        def enrol():
            app = Roaming(self.cluster, "app", 1)
            who = 2
            while not stop.is_set():
                pair = photos.pair(who)
                person, key = holder(), json.dumps("k%d" % who)
                answer = app.call(lambda api: api.submit(
                    person, *pair, wait=20, idempotency=key))
                enrolled.append(answer.json()["id"])
                who += 1

        crowd = [threading.Thread(target=check, args=(i,)) for i in range(3)]
        crowd.append(threading.Thread(target=enrol))
        for one in crowd:
            one.start()
        try:
            for at in range(3):
                mark = len(checks)
                change(at)
                until(lambda mark=mark: len(checks) > mark + 5, 20, "checks")
        finally:
            stop.set()
            for one in crowd:
                one.join(60)
        self.assertEqual(wrong, [])
        ids = [answer["id"] for answer in checks]
        self.assertEqual(len(set(ids)), len(ids))
        for one in enrolled:
            self.assertEqual(self.app[0].settled(one)["state"], "approved")
        rows = self.cluster.sql("SELECT count(*) FROM audit WHERE event = "
                                "'verification' AND outcome = 'valid'")
        self.assertGreaterEqual(int(rows[0]), len(ids))


class Through:
    """Requests through nginx, in the place of a daemon."""

    def __init__(self, front):
        self.front = front

    def request(self, method, path, headers=None, body=None, timeout=60):
        with self.front.connect(timeout) as connection:
            return connection.request(method, path, headers, body)


class BehindNginx(Several):
    def test_nginx_as_the_readme_has_it_passes_over_one_that_is_away(self):
        credential = self.approved()
        code = self.app[0].code(credential)["code"]
        front = Front(self.a, self.cluster.daemons)
        self.addCleanup(front.close)
        clerk = Api(Through(front), self.cluster.keys["clerk"])
        body = {"code": code, "purpose": PURPOSE}
        for daemon in self.cluster.daemons:
            daemon.env["SMARTIDD_HTTP_LISTEN_PORT"] = str(daemon.port)
            daemon.stop()
            # What was sent to it on a connection that it just closed is not
            # sent again by nginx: a check is no idempotent request.
            until(lambda: clerk.post("/v1/verifications", body).status == 200,
                  KNOWN_LIMIT_S, "a check is taken by another")
            self.assertEqual([clerk.verify(code)["result"] for _ in range(5)],
                             ["valid"] * 5)
            daemon.start()
        enrolment = Api(Through(front), self.cluster.keys["app"]).enrol(3)
        self.assertEqual(enrolment["state"], "approved", enrolment)


if __name__ == "__main__":
    unittest.main()
