"""The audit log from the outside: it is read while the daemon serves, its end
is signed and written elsewhere, what is done to it shows, and what it says can
be exported and searched for misuse."""

import datetime
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import photos
from harness import (Case, Daemon, DaemonCase, clean_environment,
                     parse_line, program, run_tool, threads)

INTERVAL_S = 5
HEAD = re.compile(r"version=1 chain=([0-9a-f]{16}) after=(\d+) seq=(\d+) "
                  r"time=(\S+Z) mac=([0-9a-f]{64}) sig=([0-9a-f]{128})")


def heads_of(daemon):
    with open(daemon.database + ".heads", encoding="ascii") as stream:
        return [HEAD.fullmatch(line.rstrip("\n")) for line in stream]


def export(daemon, *options):
    """The rows as dicts; each line must be one of them."""
    out = daemon.ctl("audit", "export", *options).stdout
    return [json.loads(line) for line in out.split("\n")[:-1]]


class Live(DaemonCase):
    SETTINGS = {"audit.head_interval_s": str(INTERVAL_S)}

    def test_the_log_is_checked_while_the_daemon_serves(self):
        _, credential = self.approved(who=1)
        code = self.app.code(credential)["code"]

        def work(index):
            for _ in range(4):
                if index < 2:
                    for _ in range(10):
                        self.assertTrue(self.clerk.verify(code)["valid"])
                else:
                    result = self.daemon.ctl("audit", "verify")
                    self.assertIn("chain unbroken", result.stdout)
                    self.assertIn("all fit", result.stdout)
        threads(3, work)
        # Nobody was in anybody's way, and nothing is left locked.
        self.assertTrue(self.clerk.verify(code)["valid"])
        self.daemon.add_client("app", "after the check")
        self.assertNotIn("event=store_error", self.daemon.log.text())

    def test_a_head_follows_new_rows_within_the_interval(self):
        start = len(self.daemon.log.lines)
        self.clerk.verify("SID1:")
        last = export(self.daemon)[-1]
        line = self.daemon.log.wait(
            lambda l: " event=audit_head " in l and
            int(parse_line(l)["seq"]) >= last["seq"], INTERVAL_S * 4, start)
        self.assertIsNotNone(line, "no head")
        found = HEAD.search(line)
        self.assertIsNotNone(found, line)
        in_file = heads_of(self.daemon)
        self.assertNotIn(None, in_file)
        self.assertIn(found.group(0), [head.group(0) for head in in_file])
        row = [r for r in export(self.daemon)
               if r["seq"] == int(found.group(3))][0]
        self.assertEqual(row["mac"], found.group(5))

    def public_key(self):
        key = self.daemon.ctl("audit", "public-key").stdout.strip()
        self.assertRegex(key, "^[0-9a-f]{64}$")
        return key

    def check_heads(self, source, key, text=None):
        """Without settings, database or keys."""
        return subprocess.run(
            [program("smartidctl"), "audit", "check-heads", source,
             "--public-key", key], input=text, text=True,
            capture_output=True, check=False, env=clean_environment())

    def test_heads_are_checked_with_nothing_but_the_public_key(self):
        key = self.public_key()
        path = self.daemon.database + ".heads"
        result = self.check_heads(path, key)
        self.assertEqual(result.returncode, 0, result)
        self.assertRegex(result.stdout, r"heads: \d+, all signed by this key")
        # The log is as good a place, with all that stands between.
        log = "\n".join(l for l in self.daemon.log.lines
                        if "event=audit_head " in l) + "\n"
        result = self.check_heads("-", key, log)
        self.assertEqual(result.returncode, 0, result)
        result = self.check_heads(path, "00" * 32)
        self.assertEqual(result.returncode, 1)
        self.assertIn("is not signed by this key", result.stdout)
        result = self.check_heads("-", key, "")
        self.assertEqual((result.returncode, result.stdout),
                         (1, "heads: none was found\n"))

    def test_a_second_implementation_takes_the_signature(self):
        """openssl alone, by what audit_head.h says of the line."""
        key = bytes.fromhex(self.public_key())
        head = heads_of(self.daemon)[0]
        signed = "smartid audit head\n" + head.group(0).split(" sig=")[0]
        folder = self.daemon.folder
        for name, content in (
                ("key.der", bytes.fromhex("302a300506032b6570032100") + key),
                ("signed", signed.encode()),
                ("signature", bytes.fromhex(head.group(6)))):
            with open(os.path.join(folder, name), "wb") as out:
                out.write(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform",
                   "DER", "-inkey", "key.der", "-rawin", "-in", "signed",
                   "-sigfile", "signature"]
        result = subprocess.run(command, cwd=folder, text=True,
                                capture_output=True, check=False)
        self.assertEqual(result.returncode, 0, result)
        with open(os.path.join(folder, "signed"), "ab") as out:
            out.write(b"x")
        result = subprocess.run(command, cwd=folder, text=True,
                                capture_output=True, check=False)
        self.assertNotEqual(result.returncode, 0)

    def test_what_officers_and_admins_look_at_is_in_the_export(self):
        before = export(self.daemon)[-1]["seq"]
        seen = self.app.enrol(who=2, selfie_flaw=photos.UNCLEAR)
        self.assertEqual(seen["state"], "review")
        base = "/v1/enrollments/" + seen["id"]
        for path in ("/v1/enrollments?state=review", base,
                     base + "/photos/id_photo"):
            self.assertEqual(self.officer.get(path).status, 200)
        self.assertEqual(self.admin.get("/v1/clients").status, 200)
        self.app.get(base)
        rows = [r for r in export(self.daemon) if r["seq"] > before]
        self.assertEqual(
            [(r["event"], r["outcome"]) for r in rows],
            [("enrolment_received", "received"),
             ("enrolment_begun", "processing"),
             ("enrolment_decided", "review"),
             ("enrolments_listed", "review"),
             ("enrolment_viewed", "review"), ("photo_viewed", "shown"),
             ("clients_listed", "shown")])
        self.assertEqual(rows[4]["detail"], {"shown": "holder"})
        self.assertEqual(rows[4]["subject"], seen["id"])
        self.assertRegex(rows[4]["actor"], "^cli_")
        self.assertEqual(rows[5]["detail"], {"photo": "id_photo"})

    def test_the_export_is_cut_by_time_and_event(self):
        self.clerk.verify("SID1:", counter="12 a=b")
        rows = export(self.daemon)
        self.assertEqual([r["seq"] for r in rows],
                         list(range(1, len(rows) + 1)))
        checks = export(self.daemon, "--event", "verification")
        self.assertEqual(checks, [r for r in rows
                                  if r["event"] == "verification"])
        self.assertEqual(set(checks[-1]["detail"]),
                         {"id", "purpose", "counter"})
        self.assertEqual(checks[-1]["detail"]["counter"], "12 a=b")
        at = rows[len(rows) // 2]["at"]
        late = export(self.daemon, "--since", at)
        early = export(self.daemon, "--until", at)
        self.assertEqual([r["seq"] for r in early + late],
                         [r["seq"] for r in rows])
        day = datetime.datetime.fromisoformat(
            rows[-1]["at"].replace("Z", "+00:00"))
        tomorrow = (day + datetime.timedelta(days=2)).strftime("%Y-%m-%d")
        self.assertEqual(export(self.daemon, "--since", tomorrow), [])
        self.assertEqual(export(self.daemon, "--until", tomorrow)[:3],
                         rows[:3])

    def test_a_reload_is_in_the_log_with_what_it_changed(self):
        with open(self.daemon.config, encoding="utf-8") as stream:
            good = stream.read()
        self.addCleanup(self.write_config, good)
        before = export(self.daemon)[-1]["seq"]
        self.reload(good + "\n[face]\nmatch_accept = 0.45\nmatch_review = "
                    "0.25\n", "event=reloaded")
        self.reload(good + "\n[face]\nmatch_accept = 7\n",
                    "event=reload_refused")
        self.reload(good, "event=reloaded")
        rows = [(r["event"], r["subject"], r["outcome"], r["detail"])
                for r in export(self.daemon) if r["seq"] > before]
        self.assertEqual(rows, [
            ("setting_changed", "face.match_accept", "in_force",
             {"value": "0.45"}),
            ("setting_changed", "face.match_review", "in_force",
             {"value": "0.25"}),
            ("settings_read", "", "taken", {"changed": "2"}),
            ("settings_read", "", "refused", {}),
            ("setting_changed", "face.match_accept", "in_force",
             {"value": "0.5"}),
            ("setting_changed", "face.match_review", "in_force",
             {"value": "0.35"}),
            ("settings_read", "", "taken", {"changed": "2"})])

    def write_config(self, text):
        with open(self.daemon.config, "w", encoding="utf-8") as stream:
            stream.write(text)

    def reload(self, text, word):
        self.write_config(text)
        start = len(self.daemon.log.lines)
        self.daemon.signal(signal.SIGHUP)
        self.assertIsNotNone(self.daemon.log.wait(lambda l: word in l,
                                                  start=start))

    def test_readyz_and_metrics_tell_of_the_heads(self):
        answer = self.nobody.get("/readyz")
        self.assertEqual(answer.json()["checks"]["audit_head"], "ok")
        metrics = self.nobody.get("/metrics").body.decode()
        self.assertIn("\nsmartidd_audit_head_errors_total 0\n", metrics)
        self.assertRegex(metrics, r"\nsmartidd_audit_heads_total [1-9]")


class Stopped(Case):
    """A database after three runs; each test begins with that one."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.clerk = cls.daemon.api(cls.daemon.add_client("clerk"))
        cls.old = []
        for run in range(3):
            cls.daemon.start()
            for _ in range(3):
                cls.clerk.verify("SID1:")
            cls.daemon.stop()
            cls.old.append(os.path.join(cls.daemon.folder, "old%d" % run))
            shutil.copy(cls.daemon.database, cls.old[-1])
        shutil.copy(cls.daemon.database + ".heads", cls.old[2] + ".heads")

    def setUp(self):
        self.addCleanup(setattr, self.daemon, "env", dict(self.daemon.env))
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.daemon.database + suffix):
                os.unlink(self.daemon.database + suffix)
        shutil.copy(self.old[2], self.daemon.database)
        shutil.copy(self.old[2] + ".heads", self.daemon.database + ".heads")

    def verify(self, *options):
        return self.daemon.ctl("audit", "verify", *options, check=False)

    def change(self, sql, *values):
        with sqlite3.connect(self.daemon.database) as database:
            self.assertGreater(database.execute(sql, values).rowcount, 0)
        database.close()

    def expect(self, words, *options):
        result = self.verify(*options)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(words, result.stdout)

    def test_a_stop_is_the_last_row_and_is_signed(self):
        rows = export(self.daemon)
        self.assertEqual(rows[-1]["event"], "daemon_stopped")
        self.assertEqual(int(heads_of(self.daemon)[-1].group(3)),
                         rows[-1]["seq"])
        result = self.verify()
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual([r["outcome"] for r in rows
                          if r["event"] == "daemon_started"],
                         ["started"] * 3)

    def test_what_was_done_to_a_row_is_told_by_number_and_kind(self):
        self.change("UPDATE audit SET outcome = ? WHERE seq = 10", "valid")
        self.expect("row 10: changed")
        self.change("DELETE FROM audit WHERE seq = 12")
        self.expect("row 12: missing")

    def test_a_tail_that_was_cut_off_is_found(self):
        self.change("DELETE FROM audit WHERE seq > 20")
        self.expect("the log ends with row 20, but the head of ")

    def test_an_older_file_is_found_by_the_file_or_by_a_kept_head(self):
        heads = self.daemon.database + ".heads"
        kept = heads_of(self.daemon)[-1].group(0)
        shutil.copy(heads, heads + ".copy")
        shutil.copy(self.old[1], self.daemon.database)
        self.expect("or an older file was put in its place")
        self.expect("or an older file was put in its place", "--heads",
                    heads + ".copy")
        # Both places taken back: only what lies elsewhere can tell.
        last = self.daemon.sql("SELECT max(seq) FROM audit")[0][0]
        lines = [h.group(0) for h in heads_of(self.daemon)
                 if int(h.group(3)) <= last]
        with open(heads, "w", encoding="ascii") as out:
            out.write("\n".join(lines) + "\n")
        self.assertEqual(self.verify().returncode, 0)
        self.expect("its tail was cut off", "--head",
                    "ts=x level=info event=audit_head " + kept)

    def test_a_log_that_was_taken_back_is_noticed_at_the_next_start(self):
        shutil.copy(self.old[1], self.daemon.database)
        self.daemon.start()
        self.assert_logged("event=audit_log_behind_head")
        self.assertEqual([r["outcome"] for r in export(self.daemon)
                          if r["event"] == "daemon_started"],
                         ["started", "started", "behind_head"])
        self.expect("an older log was put in place")
        self.daemon.stop()

    def test_heads_that_were_taken_away_are_found(self):
        path = self.daemon.database + ".heads"
        lines = [h.group(0) for h in heads_of(self.daemon)]
        for name, left in (("first", lines[1:]),
                           ("middle", lines[:2] + lines[3:]),
                           ("last", lines[:-1]), ("all", [])):
            with self.subTest(name):
                with open(path, "w", encoding="ascii") as out:
                    out.write("".join(line + "\n" for line in left))
                self.assertEqual(self.verify().returncode, 1)

    def test_a_key_that_is_not_the_databases_is_found(self):
        key = self.daemon.ctl("audit", "public-key").stdout.strip()
        self.assertEqual(self.verify("--public-key", key).returncode, 0)
        self.expect("signs with another key", "--public-key", "00" * 32)

    def test_after_a_kill_the_log_is_good_before_and_after_the_next_start(
            self):
        self.daemon.start()
        self.clerk.verify("SID1:")
        self.daemon.kill()
        result = self.verify()
        self.assertEqual(result.returncode, 0, result)
        self.daemon.restart()
        result = self.verify()
        self.assertEqual(result.returncode, 0, result)
        self.daemon.stop()

    def test_a_head_file_that_cannot_be_written_is_a_warning(self):
        self.daemon.env["SMARTIDD_AUDIT_HEAD_FILE"] = "/dev/full"
        self.daemon.start()
        answer = self.daemon.request("GET", "/readyz")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["checks"]["audit_head"], "not_written")
        metrics = self.daemon.request("GET", "/metrics").body.decode()
        self.assertRegex(metrics,
                         r"\nsmartidd_audit_head_errors_total [1-9]")
        self.assert_logged("event=audit_head_not_written")
        # It is in the log all the same, and the service goes on.
        self.assert_logged(" event=audit_head version=1 ")
        self.assertFalse(self.clerk.verify("SID1:")["valid"])
        self.daemon.stop()

    def test_r_heads_wait_while_the_last_one_cannot_be_read(self):
        path = self.daemon.database + ".heads"
        self.daemon.env["SMARTIDD_AUDIT_HEAD_INTERVAL_S"] = str(INTERVAL_S)
        os.rename(path, path + ".away")
        os.mkdir(path)
        self.daemon.start()
        self.assert_logged("event=audit_heads_not_read")
        answer = self.daemon.request("GET", "/readyz").json()
        self.assertEqual(answer["checks"]["audit_head"], "not_written")
        os.rmdir(path)
        os.rename(path + ".away", path)
        before = len(heads_of(self.daemon))
        mark = len(self.daemon.log.lines)
        self.clerk.verify("SID1:")
        self.daemon.log.wait(lambda l: "event=audit_head " in l, start=mark)
        heads = heads_of(self.daemon)
        self.assertEqual(len(heads), before + 1)
        self.assertEqual(heads[-1][2], heads[-2][3])
        for _ in range(1000):  # the line comes a moment before
            answer = self.daemon.request("GET", "/readyz").json()
            if answer["checks"]["audit_head"] == "ok":
                break
        self.assertEqual(answer["checks"]["audit_head"], "ok")
        result = self.verify()
        self.assertEqual(result.returncode, 0, result)
        self.daemon.stop()

    def test_heads_are_in_the_log_at_every_level(self):
        self.daemon.env["SMARTIDD_LOG_LOG_LEVEL"] = "error"
        self.daemon.spawn()
        self.assertIsNotNone(self.daemon.log.wait(
            lambda l: " level=info event=audit_head " in l))
        self.daemon.stop()


PAYLOADS = [shape % seed for shape in (
    "%s", "a%s", "%sb", "a%sb", "x=1 %s", "%s event=x", '"%s"', "\\%s",
    "%s{", "counter=%s") for seed in (
    "\r\n", "\n", "\r", "\x1b[2J", "\u2028", "\u2029", "\u0085", "%0a", '"',
    "\\", "\\n", '"}\n{"', "' OR 1=1--", "\x7f", "\x0b", "\x01",
    "\x1c", "\u00ff\u00fe", "</script>", "ts=1 level=info")]


class Escaping(Case):
    def test_two_hundred_payloads_are_one_line_each_in_the_export(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        self.assertEqual(len(PAYLOADS), 200)
        with sqlite3.connect(daemon.database) as database:
            first = database.execute(
                "SELECT max(seq) FROM audit").fetchone()[0]
            for i, text in enumerate(PAYLOADS):
                database.execute(
                    "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (first + 1 + i, 1795428000000000 + i, text, text, text,
                     text, "counter=" + text, os.urandom(32)))
            # What is no text at all.
            database.execute(
                "INSERT INTO audit VALUES (?, 0, 'x', 'x', 'x', 'x', "
                "CAST(x'ff0a80' AS TEXT), zeroblob(32))", (first + 201,))
        database.close()
        out = daemon.ctl("audit", "export", text=False).stdout
        for separator in (b"\r", b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85",
                          b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\x1b"):
            self.assertNotIn(separator, out)
        rows = [json.loads(line) for line in out.split(b"\n")[:-1]]
        self.assertEqual(len(rows), first + 201)
        for row, text in zip(rows[first:], PAYLOADS):
            for member in ("event", "actor", "subject", "outcome"):
                self.assertEqual(row[member], text)
            self.assertEqual(row["detail"], {"counter": text})
        self.assertEqual(rows[-1]["detail"], "\ufffd\n\ufffd")
        result = daemon.ctl("audit", "report")
        self.assertEqual(result.returncode, 0)

    def test_two_hundred_payloads_are_one_line_each_in_log_and_rows(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        clerk = daemon.api(daemon.add_client("clerk"))
        daemon.start()
        answered = 0
        for text in PAYLOADS:
            answer = clerk.post("/v1/verifications", {
                "code": text, "purpose": "train_ticket", "counter": text})
            self.assertIn(answer.status, (200, 422), text)
            answered += answer.status == 200
        daemon.stop()
        for line in daemon.log.text().split("\n"):
            self.assertRegex(
                line, r"^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                r"level=(debug|info|warn|error) event=[a-z0-9_]+( |$)")
        self.assertEqual(
            len([l for l in daemon.log.lines if "event=request " in l]), 200)
        rows = export(daemon, "--event", "verification")
        self.assertEqual(len(rows), answered)
        self.assertGreater(answered, 50)
        for row in rows:
            self.assertEqual(row["detail"]["purpose"], "train_ticket")
            self.assertEqual(set(row["detail"]), {"id", "purpose", "counter"})


class Report(Case):
    """The tool on rows that were put into the table: the rules have tests of
    their own."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        # Tuesday 2026-11-24, 10:00 in Beijing.
        cls.morning = 1795485600
        rows = []
        for i in range(7):
            rows.append((cls.morning + 600 * i, "cli_curious", "crd_often",
                         "bank_account", "1"))
        rows.append((cls.morning + 14 * 3600, "cli_night", "crd_night",
                     "bank_account", "1"))
        rows += [(cls.morning + 100, "cli_a", "crd_twice", "train_ticket",
                  "east"),
                 (cls.morning + 700, "cli_b", "crd_twice", "train_ticket",
                  "west")]
        with sqlite3.connect(cls.daemon.database) as database:
            seq = database.execute("SELECT max(seq) FROM audit").fetchone()[0]
            for at, client, credential, purpose, counter in sorted(rows):
                seq += 1
                database.execute(
                    "INSERT INTO audit VALUES (?, ?, 'verification', ?, ?, "
                    "'valid', ?, ?)",
                    (seq, at * 1000000, client, credential,
                     "id=ver_x purpose=%s counter=%s" % (purpose, counter),
                     os.urandom(32)))
        database.close()
        cls.counters = os.path.join(cls.daemon.folder, "counters.csv")
        with open(cls.counters, "w", encoding="utf-8") as out:
            out.write("counter,latitude,longitude\neast,39.9,116.6\n"
                      "west,39.9,116.2\n")

    def report(self, *options):
        out = self.daemon.ctl("audit", "report", "--json", *options).stdout
        return [json.loads(line) for line in out.splitlines()]

    def rules(self, *options):
        return sorted(r["rule"] for r in self.report(*options))

    def test_what_looks_like_misuse_is_listed_as_text(self):
        out = self.daemon.ctl("audit", "report").stdout
        self.assertIn("2026-11-24 00:00  often       cli_curious crd_often  "
                      "7 looks at one person by one key in a day (limit 5)\n",
                      out)
        self.assertIn("2026-11-25 00:00  night       cli_night  1 checks at "
                      "night", out)
        self.assertTrue(out.endswith("\n2 found\n"), out)

    def test_and_as_json_lines(self):
        found = self.report("--counters", self.counters)
        self.assertEqual(sorted(r["rule"] for r in found),
                         ["night", "often", "two_places"])
        places = [r for r in found if r["rule"] == "two_places"][0]
        self.assertEqual(
            (places["client"], places["other_client"], places["credential"],
             places["count"], places["at"]),
            ("cli_b", "cli_a", "crd_twice", 2, "2026-11-24T02:11:40Z"))
        self.assertIn("34 km in 10 minutes (limit 150 km/h)", places["text"])

    def test_limits_times_and_the_clock_are_options(self):
        self.assertEqual(self.rules("--often", "7"), ["night"])
        self.assertEqual(self.rules("--night", "23-23", "--often", "6"),
                         ["often"])
        self.assertEqual(self.rules("--utc-offset", "-6:30"), ["often"])
        self.assertEqual(self.rules("--night-purposes", "bank_account"),
                         ["often"])
        self.assertEqual(self.rules("--near", "10"),
                         ["night", "often", "two_places"])
        self.assertEqual(
            self.rules("--counters", self.counters, "--speed", "300"),
            ["night", "often"])
        self.assertEqual(self.rules("--since", "2026-11-25"), ["night"])
        self.assertEqual(self.rules("--until", "2026-11-25"), ["often"])
        self.assertEqual(
            self.rules("--since", "2026-11-24T16:00:01Z"), [])

    def test_a_bad_table_of_counters_is_told_with_its_line(self):
        path = os.path.join(self.daemon.folder, "bad.csv")
        with open(path, "w", encoding="utf-8") as out:
            out.write("counter,latitude,longitude\neast,39.9,x\n")
        result = self.daemon.ctl("audit", "report", "--counters", path,
                                 check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("line 2", result.stderr)


class Readers(Case):
    def test_without_the_right_key_or_database_nothing_is_read(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        other = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, other)
        run_tool("init", "--dir", other)
        for command in (("verify",), ("public-key",)):
            for variables, code, words in (
                    ({}, 0, ""),
                    ({"SMARTIDD_KEYS_MASTER_KEY_FILE":
                      other + "/master.key"}, 78,
                     "does not belong to this database"),
                    ({"SMARTIDD_STORE_DATABASE":
                      daemon.folder + "/none.db"}, 1, "none.db")):
                daemon.ctl_environment = lambda given=variables: given
                result = daemon.ctl("audit", *command, check=False)
                self.assertEqual(result.returncode, code, result)
                self.assertIn(words, result.stderr)
        self.assertFalse(os.path.exists(daemon.folder + "/none.db.lock"))


if __name__ == "__main__":
    unittest.main()
