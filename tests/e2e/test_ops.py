"""What an operator sees: health, metrics, settings, signals, refusals to
start."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import photos
from harness import (Case, Daemon, DaemonCase, ROOT, form, holder, run_tool,
                     threads)
from http_raw import Closed, head_bytes, multipart


class Health(DaemonCase):
    def test_healthz_readyz_and_version_answer(self):
        self.assertEqual(self.nobody.get("/healthz").status, 200)
        self.assertEqual(self.nobody.get("/readyz").status, 200)
        answer = self.nobody.get("/version")
        self.assertEqual(answer.status, 200)
        body = answer.json()
        self.assertRegex(body["version"], r"^\d+\.\d+\.\d+")
        self.assertEqual(body["test_clock"], True)

    def test_the_metrics_are_clean_for_promtool(self):
        enrolment, credential = self.approved(who=1)
        self.clerk.verify(self.app.code(credential)["code"])
        self.clerk.verify("SID1:")
        self.nobody.get("/v1/nothing")
        answer = self.nobody.get("/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.header("content-type"),
                         "text/plain; version=0.0.4; charset=utf-8")
        result = subprocess.run(
            [promtool(), "check", "metrics"], input=answer.body,
            capture_output=True, check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (0, b"", b""))

    def value(self, name):
        for line in self.nobody.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError("no metric " + name)

    def test_counters_count(self):
        valid = 'smartidd_verifications_total{result="valid"}'
        bad = 'smartidd_verifications_total{result="not_valid"}'
        approved = 'smartidd_enrolments_decided_total{state="approved"}'
        codes = 'smartidd_codes_issued_total{kind="day"}'
        names = (valid, bad, approved, codes,
                 "smartidd_auth_refused_total",
                 "smartidd_verification_seconds_count",
                 "smartidd_enrolments_received_total")
        before = {name: self.value(name) for name in names}
        _, credential = self.approved(who=2)
        code = self.app.code(credential)["code"]
        self.clerk.verify(code)
        self.clerk.verify(code)
        self.clerk.verify("SID1:")
        self.nobody.get("/v1/credentials/" + credential)
        after = {name: self.value(name) - before[name] for name in names}
        self.assertEqual(after, {
            valid: 2, bad: 1, approved: 1, codes: 1,
            "smartidd_auth_refused_total": 1,
            "smartidd_verification_seconds_count": 3,
            "smartidd_enrolments_received_total": 1})

    def test_labels_hold_no_personal_data(self):
        person = holder("Canary Metric")
        self.approved(who=3, person=person)
        body = self.nobody.get("/metrics").body
        self.assertNotIn(b"Canary", body)
        self.assertNotIn(person["id_number"].encode(), body)
        self.assertNotIn(b"crd_", body)

    def test_every_log_line_is_one_event(self):
        self.approved(who=4)
        self.daemon.request("GET", "/v1/x", {"X-Request-Id": "a=b event=no"})
        for line in self.daemon.log.text().splitlines():
            self.assertRegex(
                line, r"^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                r"level=(debug|info|warn|error) event=[a-z0-9_]+( |$)")


def promtool():
    """On the PATH, or where make setup puts tools."""
    found = shutil.which("promtool")
    return found or os.path.join(ROOT, ".data", "tools", "promtool")


class Settings(Case):
    """--check-config, --print-config and what is refused."""

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        with open(self.daemon.config, encoding="utf-8") as stream:
            self.good = stream.read()

    def check(self, text=None, env=None, option="--check-config"):
        if text is not None:
            with open(self.daemon.config, "w", encoding="utf-8") as stream:
                stream.write(text)
        return run_tool("-c", self.daemon.config, option, check=False,
                        env=env, binary=self.daemon.binary)

    def test_a_good_file_passes(self):
        result = self.check()
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_each_bad_file_is_refused_with_file_line_and_what_is_taken(self):
        lines = len(self.good.splitlines())
        for added, number, words in (
                ("[http]\nlisten_prot = 1\n", 2, ["listen_prot"]),
                ("[https]\nlisten_port = 1\n", 1, ["https"]),
                ("[http]\nlisten_port = 70000\n", 2,
                 ["listen_port", "65535"]),
                ("[http]\nlisten_port = many\n", 2, ["listen_port"]),
                ("[http]\nio_threads = 0\n", 2, ["io_threads", "64"]),
                ("[http]\nio_threads =\n", 2, ["io_threads"]),
                ("[log]\nlog_level = loud\n", 2,
                 ["log_level", "debug", "error"]),
                ("[code]\ncode_period_s = 59\n", 2,
                 ["code_period_s", "60"]),
                ("[log]\nlog_level = info\nlog_level = warn\n", 3,
                 ["log_level"]),
                ("[face]\nmatch_accept = nan\n", 2, ["match_accept"]),
                ("[face]\nmatch_accept = 1.5\n", 2, ["match_accept"]),
                ("[face]\nmatch_accept = 0.3\nmatch_review = 0.4\n", None,
                 ["match_review"]),
                ("[http]\nlisten_address = localhost\n", 2,
                 ["listen_address", "IPv4 or IPv6"]),
                ("[store]\ncontrol_socket = /%s\n" % ("a" * 107), 2,
                 ["control_socket", "107 bytes"]),
                ("[limits]\nupload_total_bytes = 250000\n", 2,
                 ["upload_total_bytes", "23134208"]),
                ("[http]\nlisten_port = 80 ; usual\n", 2,
                 ["listen_port"]),
                ("[http]\nthis is no setting\n", 2, [])):
            with self.subTest(added=added):
                result = self.check(self.good + "\n" + added)
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertIn(self.daemon.config, result.stderr)
                if number is not None:
                    self.assertIn(":%d:" % (lines + 1 + number),
                                  result.stderr)
                for word in words:
                    self.assertIn(word, result.stderr)

    def test_the_environment_is_checked_too(self):
        for env in ({"SMARTIDD_HTTP_LISTEN_PROT": "1"},
                    {"SMARTIDD_HTTP_LISTEN_PORT": "x"},
                    {"SMARTIDD_CONFIG": "/etc/smartidd.conf"},
                    {"SMARTIDD_NOTHING": "1"}):
            with self.subTest(env=env):
                result = self.check(env=env)
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertIn(list(env)[0], result.stderr)

    def test_a_missing_file_is_refused_by_its_name(self):
        os.unlink(self.daemon.config)
        result = self.check()
        self.assertEqual(result.returncode, 78)
        self.assertIn(self.daemon.config, result.stderr)

    def test_print_config_shows_what_is_in_force(self):
        result = self.check(env={"SMARTIDD_CODE_CODE_GRACE_S": "77"},
                            option="--print-config")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"(?m)^code_grace_s = 77\b")
        self.assertIn(self.daemon.database, result.stdout)

    def test_what_print_config_prints_is_a_good_file(self):
        printed = self.check(option="--print-config").stdout
        self.assertEqual(self.check(printed).returncode, 0)
        self.assertEqual(self.check(option="--print-config").stdout, printed)

    def test_help_and_version_go_to_stdout(self):
        for option in ("--help", "--version"):
            result = run_tool(option, binary=self.daemon.binary)
            self.assertNotEqual(result.stdout, "")
            self.assertEqual(result.stderr, "")

    def test_wrong_arguments_are_a_usage_error(self):
        for arguments in (("--nonsense",), ("-c",), ("stray",)):
            result = run_tool(*arguments, check=False,
                              binary=self.daemon.binary)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertNotEqual(result.stderr, "")


class Refusals(Case):
    """What a daemon must not start with."""

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def refuses(self, daemon=None):
        daemon = daemon or self.daemon
        daemon.spawn()
        ready = daemon.log.wait(lambda line: " event=ready" in line)
        if ready is not None:
            daemon.stop(check=False)
            self.fail("started nevertheless: " + ready)
        code = daemon.wait_exit()
        daemon.process = None
        daemon.check_log()
        self.assertNotEqual(code, 0, daemon.log.text())
        self.assertGreater(code, 0, daemon.log.text())
        self.assertNotIn("event=ready", daemon.log.text())
        return daemon.log.text()

    def test_a_second_daemon_on_the_same_data_is_refused(self):
        self.daemon.start()
        second = Daemon(folder=self.daemon.folder)
        second.clock_file = self.daemon.clock_file
        text = self.refuses(second)
        self.assertRegex(text, "locked|another process|Another process")
        self.assertEqual(self.daemon.request("GET", "/readyz").status, 200)
        # Nor did it take the control socket away from the first.
        self.daemon.add_client("app", "still reachable")

    def test_a_master_key_others_may_read_is_refused(self):
        key = os.path.join(self.daemon.folder, "master.key")
        for mode in (0o644, 0o640, 0o660, 0o604):
            os.chmod(key, mode)
            self.assertIn("0600", self.refuses())
        os.chmod(key, 0o400)
        self.daemon.start()

    def test_a_master_key_that_is_a_link_is_refused(self):
        key = os.path.join(self.daemon.folder, "master.key")
        os.rename(key, key + ".real")
        os.symlink(key + ".real", key)
        self.refuses()

    def test_a_master_key_of_the_wrong_form_is_refused(self):
        key = os.path.join(self.daemon.folder, "master.key")
        with open(key, encoding="ascii") as stream:
            good = stream.read()
        for bad in ("", good[:-3], good.replace(good[0], "g"), good + good):
            with open(key, "w", encoding="ascii") as stream:
                stream.write(bad)
            text = self.refuses()
            self.assertNotIn(good.strip()[:20], text)

    def test_a_missing_master_key_is_refused_by_its_name(self):
        key = os.path.join(self.daemon.folder, "master.key")
        os.unlink(key)
        self.assertIn("master.key", self.refuses())

    def test_another_master_key_cannot_open_the_data(self):
        api = self.daemon.api(self.daemon.add_client("app"))
        self.daemon.start()
        self.assertEqual(api.enrol(who=1)["state"], "approved")
        self.daemon.stop()
        key = os.path.join(self.daemon.folder, "master.key")
        with open(key, "w", encoding="ascii") as stream:
            stream.write("ab" * 32 + "\n")
        self.refuses()

    def test_a_missing_database_is_refused_by_its_name(self):
        os.unlink(self.daemon.database)
        self.assertIn("smartidd.db", self.refuses())

    def test_a_database_that_is_none_is_refused(self):
        with open(self.daemon.database, "wb") as stream:
            stream.write(b"this is no database" * 1000)
        self.refuses()

    def test_a_taken_port_is_refused_by_its_number(self):
        self.daemon.start()
        other = Daemon(env={"SMARTIDD_HTTP_LISTEN_PORT":
                            str(self.daemon.port)})
        self.addCleanup(other.close)
        self.assertIn(str(self.daemon.port), self.refuses(other))

    def test_an_unknown_key_in_the_file_is_refused_at_the_start(self):
        with open(self.daemon.config, "a", encoding="utf-8") as stream:
            stream.write("\n[http]\ncolour = red\n")
        self.assertIn("colour", self.refuses())


class Reload(DaemonCase):
    # No challenge is missed at whatever similarity.
    SETTINGS = {"challenge.challenge": "off"}

    def setUp(self):
        with open(self.daemon.config, encoding="utf-8") as stream:
            self.good = stream.read()

    def tearDown(self):
        self.write(self.good)
        self.hup()

    def write(self, text):
        with open(self.daemon.config + ".new", "w",
                  encoding="utf-8") as stream:
            stream.write(text)
        os.replace(self.daemon.config + ".new", self.daemon.config)

    def hup(self, text=None, word=""):
        """SIGHUP; the log lines from then to the end of the reload, the one
        that tells of `word`: one that was asked for before may end first."""
        if text is not None:
            self.write(text)
        log = self.daemon.log
        start = len(log.lines)
        self.daemon.signal(signal.SIGHUP)
        told = log.wait(lambda l: word in l, start=start)
        self.assertIsNotNone(told, log.text()[-3000:])
        line = log.wait(
            lambda l: re.search(r"event=(reloaded|reload_refused)\b", l),
            start=log.lines.index(told, start))
        self.assertIsNotNone(line, log.text()[-3000:])
        return "\n".join(log.lines[start:])

    def test_the_threshold_is_taken_over_without_a_restart(self):
        self.assertEqual(
            self.app.enrol(who=1, selfie_flaw=photos.UNCLEAR)["state"],
            "review")
        section = "" if "[face]" in self.good else "[face]\n"
        lines = self.hup(self.good + "\n" + section +
                         "match_accept = 0.2\nmatch_review = 0.1\n",
                         "match_accept")
        self.assertIn("match_accept", lines)
        self.assertEqual(
            self.app.enrol(who=1, selfie_flaw=photos.UNCLEAR)["state"],
            "approved")

    def test_the_log_level_is_taken_over(self):
        self.hup(self.good + "\n[log]\nlog_level = debug\n", "log_level")
        self.hup(self.good + "\n[log]\nlog_level = debug\n\n[code]\n"
                 "code_grace_s = 60\n")

    def test_what_needs_a_restart_is_said(self):
        lines = self.hup(self.good + "\n[http]\nio_threads = 3\n", "io_threads")
        line = [l for l in lines.splitlines() if "io_threads" in l]
        self.assertTrue(line, lines)
        self.assertIn("restart", line[0])

    def test_a_bad_file_changes_nothing(self):
        lines = self.hup(self.good + "\n[http]\ncolour = red\n", "colour")
        self.assertIn("colour", lines)
        self.assertEqual(self.app.enrol(who=2)["state"], "approved")

    def test_a_hundred_reloads_under_load_lose_nothing(self):
        def work(index):
            if index == 0:
                for _ in range(100):
                    self.daemon.signal(signal.SIGHUP)
                    self.assertEqual(self.app.get("/healthz").status, 200)
            else:
                for _ in range(20):
                    self.assertFalse(self.clerk.verify("SID1:")["valid"])

        threads(4, work)


class Stopping(Case):
    def test_a_stop_during_twenty_waiting_enrolments_answers_all(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        api = daemon.api(daemon.add_client("app"))
        daemon.start()
        acknowledged, refused = [], []
        connections = []
        for index in range(20):
            kind, body = multipart(form(
                holder(), photos.photo(index),
                photos.photo(index, photos.SLOW)))
            connection = daemon.connect()
            self.addCleanup(connection.close)
            connection.send(head_bytes(
                "POST", "/v1/enrollments",
                api.headers({"Content-Type": kind, "Prefer": "wait=60"}),
                body) + body)
            connections.append(connection)
        # All are in once the counter says so.
        end = time.monotonic() + 30
        while time.monotonic() < end:
            metrics = daemon.request("GET", "/metrics").body.decode()
            if re.search(r"(?m)^smartidd_enrolments_received_total 20$",
                         metrics):
                break
        else:
            self.fail("twenty were never received")
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        for connection in connections:
            answer = connection.answer()
            if answer.status == 503:
                refused.append(answer)
                self.assertIsNotNone(answer.header("retry-after"))
            else:
                self.assertIn(answer.status, (200, 201, 202), repr(answer))
                acknowledged.append(answer.json())
        self.assertEqual(daemon.wait_exit(), 0, daemon.log.text()[-3000:])
        daemon.process = None
        daemon.check_log()
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(len(acknowledged) + len(refused), 20)
        # What was not finished is taken up by the next start.
        daemon.start()
        for body in acknowledged:
            self.assertEqual(api.settled(body["id"])["state"], "approved")

    def test_a_stop_ends_an_idle_daemon_at_once(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon.start()
            with daemon.connect() as idle:
                idle.request("GET", "/healthz")
                began = time.monotonic()
                daemon.signal(number)
                self.assertEqual(daemon.wait_exit(), 0)
                daemon.process = None
            self.assertLess(time.monotonic() - began, 10)
            daemon.check_log()

    def test_a_half_sent_upload_does_not_hold_up_the_stop_for_long(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        api = daemon.api(daemon.add_client("app"))
        daemon.start()
        kind, body = multipart(form(holder(), *photos.pair(1)))
        with daemon.connect() as connection:
            connection.send(head_bytes(
                "POST", "/v1/enrollments",
                api.headers({"Content-Type": kind}), body) + body[:100])
            daemon.request("GET", "/healthz")
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait_exit(), 0)
            daemon.process = None

    def test_ten_starts_and_stops_under_load_end_cleanly(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        api = daemon.api(daemon.add_client("clerk"))
        for _ in range(10):
            daemon.start()

            def work(_):
                try:
                    with daemon.connect() as connection:
                        body = (b'{"code": "SID1:", '
                                b'"purpose": "train_ticket"}')
                        head = head_bytes(
                            "POST", "/v1/verifications", api.headers(
                                {"Content-Type": "application/json"}), body)
                        for _ in range(500):
                            connection.send(head + body)
                            answer = connection.answer()
                            if answer.status != 200:
                                self.assertEqual(answer.status, 503)
                                return
                except (Closed, OSError):
                    return  # the stop came in between

            from threading import Thread
            clients = [Thread(target=work, args=(i,)) for i in range(4)]
            for client in clients:
                client.start()
            daemon.request("GET", "/readyz")
            daemon.stop()
            for client in clients:
                client.join()

    def test_the_control_socket_and_its_mode(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        path = daemon.database + ".sock"
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        daemon.stop()
        self.assertFalse(os.path.exists(path))

    def test_an_old_control_socket_of_a_dead_daemon_is_replaced(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.start()
        daemon.kill()
        self.assertTrue(os.path.exists(daemon.database + ".sock"))
        # With nobody listening the tool opens the database itself …
        daemon.add_client("app", "in between")
        # … and the next daemon takes the socket over.
        daemon.start()
        daemon.add_client("app", "afterwards")


if __name__ == "__main__":
    unittest.main()
