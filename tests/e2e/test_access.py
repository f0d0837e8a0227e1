"""Where keys may be used, how often a wrong one may be shown, what is written
down of refusals, and how the end of a key is announced."""

import json
import re
import signal
import unittest

from harness import DaemonCase, threads
from http_raw import head_bytes

PATH = "/v1/enrollments/enr_" + "0" * 26
WRONG = "sidk_" + "0" * 12 + "_" + "0" * 52
NGINX = "127.0.0.1/32"


class AccessCase(DaemonCase):
    def ask(self, key, forwarded=None, path=PATH):
        """GET with this key and these X-Forwarded-For lines."""
        pairs = []
        if key is not None:
            pairs.append(("Authorization", "Bearer " + key))
        for line in [forwarded] if isinstance(forwarded, str) \
                else forwarded or ():
            pairs.append(("X-Forwarded-For", line))
        with self.daemon.connect() as connection:
            connection.send(head_bytes("GET", path, pairs))
            return connection.answer()

    def status(self, key, forwarded=None):
        return self.ask(key, forwarded).status

    def metric(self, name):
        text = self.nobody.get("/metrics").body.decode()
        found = re.search(r"^%s (\d+)$" % re.escape(name), text, re.M)
        self.assertIsNotNone(found, name)
        return int(found.group(1))

    def refusals(self):
        """Rows of refusals, after a stop; the daemon is started again."""
        self.daemon.stop()
        rows = self.daemon.sql(
            "SELECT actor, subject, outcome, detail FROM audit "
            "WHERE event = 'authorisation_refused' ORDER BY seq")
        self.daemon.start()
        return rows


class Networks(AccessCase):
    def test_a_key_from_elsewhere_looks_like_a_wrong_key(self):
        here = self.daemon.add_client("app", "here", networks=["127.0.0.0/8"])
        away = self.daemon.add_client(
            "app", "away", networks=["203.0.113.0/24", "2001:db8::/32"])
        self.assertEqual(self.status(here), 404)
        answers = [self.ask(away), self.ask(WRONG)]
        looks = []
        for answer in answers:
            document = answer.json()
            document.pop("request_id")
            looks.append((answer.status, json.dumps(document, sort_keys=True),
                          sorted(name for name, _ in answer.headers)))
        self.assertEqual(looks[0], looks[1])
        self.assertEqual(looks[0][0], 401)

    def test_a_header_of_a_stranger_is_not_believed(self):
        away = self.daemon.add_client("app", "far away",
                                      networks=["203.0.113.0/24"])
        self.assertEqual(self.status(away, "203.0.113.9"), 401)
        # Nor judged: it may say what it likes, as often as it likes.
        app = self.keys["app"]
        self.assertEqual(self.status(app, "rubbish"), 404)
        self.assertEqual(self.status(app, ["a", "b"] * 10), 404)

    def test_networks_are_listed_with_and_without_a_daemon(self):
        self.daemon.add_client("clerk", "listed", networks=[
            "10.0.0.0/8", "2001:DB8::/32", "10.0.0.0/8"], party="Bank")
        running = self.daemon.ctl("client", "list").stdout
        row = [r for r in running.splitlines() if r.endswith("listed")][0]
        self.assertIn(" 10.0.0.0/8,2001:db8::/32 ", row)
        rows = {c["name"]: c for c in
                self.admin.get("/v1/clients").json()["clients"]}
        self.assertEqual(rows["listed"]["networks"],
                         ["10.0.0.0/8", "2001:db8::/32"])
        self.assertEqual(rows["listed"]["party"], "Bank")
        self.assertEqual(rows["e2e clerk"]["party"], "e2e clerk")
        self.assertEqual(rows["e2e app"]["networks"], [])
        self.assertNotIn("party", rows["e2e app"])
        self.daemon.stop()
        self.assertEqual(self.daemon.ctl("client", "list").stdout, running)
        self.daemon.start()

    def test_what_is_no_network_is_refused_by_the_tool(self):
        for bad in ("nginx", "10.1.0.0/8", "10.0.0.0/33", "::1/129", ""):
            result = self.daemon.ctl(
                "client", "add", "--role", "app", "--name", "x", "--network",
                bad, check=False)
            self.assertEqual(result.returncode, 2, bad)
            self.assertIn("10.1.0.0/16", result.stderr)

    def test_failures_are_counted_for_the_key_whose_name_was_shown(self):
        key = self.daemon.add_client("app", "guessed at")
        wrong = key[:-4] + ("0000" if key[-4:] != "0000" else "1111")
        for _ in range(3):
            self.assertEqual(self.status(wrong), 401)
        rows = {c["name"]: c for c in
                self.admin.get("/v1/clients").json()["clients"]}
        self.assertEqual(rows["guessed at"]["failures"], 3)
        self.assertEqual(rows["e2e officer"]["failures"], 0)

    def test_a_revoked_key_is_dead_at_once_on_open_connections(self):
        key = self.daemon.add_client("clerk", "soon gone")
        headers = self.daemon.api(key).headers()
        client = self.daemon.client_id("soon gone")
        connections = [self.daemon.connect() for _ in range(8)]
        for connection in connections:
            self.addCleanup(connection.close)
            self.assertEqual(connection.request("GET", PATH,
                                                headers).status, 403)
        self.assertEqual(self.admin.post(
            "/v1/clients/%s/revoke" % client, {}).status, 200)
        for connection in connections:
            self.assertEqual(connection.request("GET", PATH,
                                                headers).status, 401)

    def test_r_a_key_revoked_while_a_body_arrives_gets_no_answer_for_it(self):
        key = self.daemon.add_client("clerk", "gone half-way")
        body = b'{"code":"SID1:","purpose":"train_ticket"}'
        head = head_bytes("POST", "/v1/verifications", self.daemon.api(
            key).headers({"Content-Type": "application/json"}), body)
        with self.daemon.connect() as connection:
            connection.send(head + body[:-1])
            # Its head has been judged when this one's answer is there.
            self.assertEqual(self.status(key), 403)
            self.assertEqual(self.admin.post(
                "/v1/clients/%s/revoke" % self.daemon.client_id(
                    "gone half-way"), {}).status, 200)
            connection.send(body[-1:])
            self.assert_problem(connection.answer("POST"), 401)


class Quota(DaemonCase):
    SETTINGS = {"limits.clerk_per_minute": 3}

    def ask(self, key, times):
        return [self.daemon.api(key).post("/v1/verifications", {
            "code": "SID1:", "purpose": "train_ticket"})
            for _ in range(times)]

    def test_a_clerk_that_asks_too_often_is_told_when_to_ask_again(self):
        *good, last = self.ask(self.daemon.add_client("clerk"), 4)
        self.assertEqual([a.status for a in good], [200] * 3)
        self.assert_problem(last, 429, "too_many_requests")
        self.assertIn(int(last.header("retry-after")), range(1, 21))
        # Nobody else is in its way, and other roles have no such limit.
        self.assertEqual(self.ask(self.keys["clerk"], 1)[0].status, 200)
        for _ in range(10):
            self.assertEqual(self.app.get("/v1/enrollments/enr_0").status, 404)
        self.assertRegex(self.nobody.get("/metrics").body.decode(),
                         "smartidd_over_quota_total [1-9]")

    def test_a_key_may_have_a_number_of_its_own_whatever_its_role(self):
        many = self.daemon.add_client("clerk", "gate", per_minute=100)
        self.assertEqual({a.status for a in self.ask(many, 20)}, {200})
        app = self.daemon.api(self.daemon.add_client("app", "small",
                                                     per_minute=2))
        self.assertEqual([app.get("/v1/enrollments/enr_0").status
                          for _ in range(3)], [404, 404, 429])
        rows = {c["name"]: c.get("per_minute") for c in
                self.admin.get("/v1/clients").json()["clients"]}
        self.assertEqual((rows["gate"], rows["small"], rows["e2e app"]),
                         (100, 2, None))
        # It is kept.
        self.daemon.restart()
        self.assertEqual({a.status for a in self.ask(many, 20)}, {200})

    def test_what_is_no_number_is_refused_by_the_tool(self):
        for bad in ("0", "-1", "x", "1x", "1000001", ""):
            result = self.daemon.ctl(
                "client", "add", "--role", "app", "--name", "x",
                "--per-minute", bad, check=False)
            self.assertEqual(result.returncode, 2, bad)
            self.assertIn("1 to 1000000", result.stderr)


class BehindNginx(AccessCase):
    SETTINGS = {"http.trusted_proxies": NGINX + " ::1/128, 10.0.0.0/8"}

    def test_the_right_most_address_that_is_not_trusted_counts(self):
        v4 = self.daemon.add_client("app", "v4", networks=["203.0.113.0/24"])
        v6 = self.daemon.add_client("app", "v6", networks=["2001:db8::/32"])
        nginx = self.daemon.add_client("app", "nginx", networks=[NGINX])
        for key, forwarded, status in (
                (v4, "203.0.113.9", 404), (v4, "198.51.100.1", 401),
                (v4, "203.0.113.9, 198.51.100.1", 401),
                (v4, "198.51.100.1, 203.0.113.9", 404),
                (v4, "203.0.113.9, 10.1.2.3, 127.0.0.1", 404),
                (v4, ["198.51.100.1", "203.0.113.9"], 404),
                (v4, ["203.0.113.9", "198.51.100.1"], 401),
                (v4, "::ffff:203.0.113.9", 404), (v4, None, 401),
                (v6, "2001:db8::7", 404), (v6, "2001:db9::7", 401),
                (v6, "203.0.113.9", 401), (nginx, None, 404),
                (nginx, "127.0.0.1", 404), (nginx, "203.0.113.9", 401)):
            with self.subTest(forwarded=forwarded):
                self.assertEqual(self.status(key, forwarded), status)

    def test_what_is_not_a_list_of_addresses_is_400(self):
        for bad in ("", "unknown", "203.0.113.9:80", "[2001:db8::7]",
                    "203.0.113.9,", "a, 203.0.113.9", ["203.0.113.9"] * 9):
            with self.subTest(forwarded=bad):
                self.assert_problem(self.ask(self.keys["app"], bad), 400,
                                    "bad_request")
                self.assert_problem(self.ask(WRONG, bad), 400, "bad_request")


class Limit(AccessCase):
    SETTINGS = {"http.trusted_proxies": NGINX,
                "limits.auth_failures_per_minute": 5}

    def fail_five(self, source):
        for _ in range(5):
            self.assert_problem(self.ask(WRONG, source), 401,
                                "unauthenticated")

    def test_the_sixth_failure_of_a_source_is_429_but_a_good_key_passes(self):
        limited = self.metric("smartidd_auth_limited_total")
        self.fail_five("203.0.113.1")
        for shown in (WRONG, "rubbish", self.keys["app"][:-1]):
            answer = self.ask(shown, "203.0.113.1")
            self.assert_problem(answer, 429, "too_many_requests")
            # What is left of the minute, and not the usual two seconds.
            self.assertTrue(10 <= int(answer.header("retry-after")) <= 60)
        self.assertEqual(self.metric("smartidd_auth_limited_total"),
                         limited + 3)
        self.assertEqual(self.status(self.keys["app"], "203.0.113.1"), 404)
        self.assertEqual(self.status(WRONG, "203.0.113.1"), 429)
        self.assertEqual(self.status(WRONG, "203.0.113.2"), 401)

    def test_a_clerk_goes_on_checking_while_somebody_guesses(self):
        """The counter shares its address with whoever guesses."""
        stop = []

        def work(index):
            if index == 0:
                for _ in range(200):
                    self.assertEqual(
                        self.status(WRONG, "203.0.113.77") in (401, 429), True)
                stop.append(True)
            while not stop:
                answer = self.ask(self.keys["app"], "203.0.113.77")
                self.assertEqual(answer.status, 404)

        threads(3, work)

    def test_who_shows_nothing_is_not_counted(self):
        for _ in range(20):
            self.assertEqual(self.status(None, "203.0.113.3"), 401)
        self.fail_five("203.0.113.3")
        self.assertEqual(self.status(None, "203.0.113.3"), 401)

    def test_one_subscriber_of_ipv6_is_one_source(self):
        for i in range(5):
            self.assertEqual(self.status(WRONG, "2001:db8::%d" % i), 401)
        self.assertEqual(self.status(WRONG, "2001:db8::ffff"), 429)
        self.assertEqual(self.status(WRONG, "2001:db8:0:1::1"), 401)

    def test_keys_from_elsewhere_and_false_holders_are_counted_too(self):
        away = self.daemon.add_client("app", "away",
                                      networks=["198.51.100.0/24"])
        for _ in range(3):
            self.assertEqual(self.status(away, "203.0.113.4"), 401)
        holder = "sidh_" + "0" * 52
        for _ in range(2):
            self.assertEqual(self.ask(holder, "203.0.113.4",
                                      "/v1/clients").status, 403)
        self.assertEqual(self.ask(holder, "203.0.113.4",
                                  "/v1/clients").status, 429)
        self.assertEqual(self.status(away, "203.0.113.4"), 429)

    def test_a_flood_of_sources_and_failures_leaves_a_bounded_record(self):
        before = len(self.refusals())
        unrecorded = self.metric("smartidd_refusals_unrecorded_total")
        with self.daemon.connect() as connection:
            for i in range(400):
                connection.request("GET", PATH, {
                    "Authorization": "Bearer " + WRONG,
                    "X-Forwarded-For": "198.51.100.%d" % (i % 4)})
        unrecorded = self.metric("smartidd_refusals_unrecorded_total") - \
            unrecorded
        rows = len(self.refusals()) - before
        self.assertEqual(rows + unrecorded, 400)
        self.assertLessEqual(rows, 4 * 6)


class Record(AccessCase):
    SETTINGS = {"http.trusted_proxies": NGINX}

    def test_each_refusal_is_a_row_that_says_why_and_never_has_the_key(self):
        app = self.keys["app"]
        wrong = app[:-4] + ("0000" if app[-4:] != "0000" else "1111")
        dead = self.daemon.add_client("app", "dead")
        dead_id = self.daemon.client_id("dead")
        self.daemon.ctl("client", "revoke", dead_id)
        old = self.daemon.add_client("app", "old", expires="1m")
        away = self.daemon.add_client("app", "away", networks=["10.0.0.0/8"])
        app_id = self.daemon.client_id("e2e app")
        old_id = self.daemon.client_id("old")
        away_id = self.daemon.client_id("away")
        self.daemon.set_clock(120)
        before = len(self.refusals())
        route = "/v1/enrollments/{id}"
        expected = []
        for key, forwarded, outcome, actor, detail in (
                ("rubbish", None, "key_malformed", "unknown",
                 "source=loopback"),
                (WRONG, "10.0.0.1", "key_unknown", "unknown",
                 "source=private"),
                (wrong, "203.0.113.9", "key_wrong", "unknown",
                 "source=public key_of=" + app_id),
                (dead, "2001:db8::1", "key_revoked", dead_id,
                 "source=public key_of=" + dead_id),
                (old, None, "key_expired", old_id,
                 "source=loopback key_of=" + old_id),
                (away, "203.0.113.9", "key_from_elsewhere", away_id,
                 "source=public key_of=" + away_id)):
            self.assertEqual(self.status(key, forwarded), 401)
            expected.append((actor, route, outcome, detail))
        self.assertEqual(self.ask(app, None, "/v1/clients").status, 403)
        expected.append((app_id, "/v1/clients", "wrong_role",
                         "source=loopback"))
        self.assertEqual(self.status(None), 401)  # nothing was shown
        rows = self.refusals()[before:]
        self.assertEqual([tuple(row) for row in rows], expected)
        self.daemon.set_clock(0)
        text = json.dumps(rows) + self.daemon.log.text()
        for key in (app, wrong, dead, old, away):
            self.assertNotIn(key[5:17], text)
            self.assertNotIn(key[18:], text)

    def test_a_refused_purpose_is_recorded_as_the_check_it_was(self):
        clerk = self.daemon.api(self.daemon.add_client(
            "clerk", "narrow", purposes=["train_ticket"]))
        answer = clerk.post("/v1/verifications", {
            "code": "SID1:", "purpose": "bank_account"})
        self.assert_problem(answer, 403, "purpose_forbidden")
        self.daemon.stop()
        rows = self.daemon.sql("SELECT event, outcome FROM audit "
                               "ORDER BY seq DESC LIMIT 2")
        self.daemon.start()
        self.assertEqual([tuple(row) for row in rows],
                         [("daemon_stopped", "stopped"),
                          ("verification", "purpose_forbidden")])


class Expiry(AccessCase):
    """The clock only goes forward here, so that days are days."""

    def expiring(self, role, within):
        return self.metric('smartidd_client_keys_expiring{role="%s",'
                           'within="%s"}' % (role, within))

    def expired(self, role):
        return self.metric('smartidd_client_keys_expired{role="%s"}' % role)

    def warnings(self):
        return [l for l in self.daemon.log.lines
                if "event=client_keys_expiring" in l]

    def let_it_look(self):
        """The main thread looks between one reload and the next."""
        log = self.daemon.log
        for _ in range(3):
            start = len(log.lines)
            self.daemon.signal(signal.SIGHUP)
            self.assertIsNotNone(log.wait(lambda l: "event=reloaded" in l,
                                          start=start))

    def test_the_end_of_a_key_is_announced_in_metrics_and_log(self):
        # One of each role, of 90 days, and one that is revoked.
        self.daemon.add_client("app", "gone")
        self.daemon.ctl("client", "revoke", self.daemon.client_id("gone"))
        self.assertEqual(self.expiring("app", "30d"), 0)
        self.assertEqual(self.warnings(), [])
        self.daemon.set_clock(61 * 86400)
        for role in ("app", "clerk", "officer", "admin"):
            self.assertEqual(self.expiring(role, "30d"), 1)
            self.assertEqual(self.expiring(role, "7d"), 0)
        self.assertIsNotNone(self.daemon.log.wait(
            lambda l: "event=client_keys_expiring" in l and
            "within_30_days=4" in l and "within_7_days=0" in l and
            "expired=0" in l))
        self.daemon.set_clock(84 * 86400)
        self.assertEqual(self.expiring("clerk", "7d"), 1)
        self.assertEqual(self.expiring("clerk", "30d"), 1)
        self.assertIsNotNone(self.daemon.log.wait(
            lambda l: "event=client_keys_expiring" in l and
            "within_7_days=4" in l))
        # Not again on the same day, however often the daemon looks.
        self.daemon.set_clock(84 * 86400 + 80000)
        self.let_it_look()
        self.assertEqual(len(self.warnings()), 2)
        self.daemon.set_clock(90 * 86400 + 100)
        self.assertEqual(self.expiring("clerk", "30d"), 0)
        self.assertEqual(self.expired("clerk"), 1)
        self.assertEqual(self.expired("app"), 1)


if __name__ == "__main__":
    unittest.main()
