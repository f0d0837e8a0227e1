"""The daemon on a PostgreSQL server: the same story, the same schema, and a
server that goes away in the middle of it."""

import glob
import os
import re
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
import unittest

from faceproc import metric
from harness import (MODEL_DIR, ROLES, ROOT, SLOW, Api, Case, Daemon,
                     run_tool)
from manager import Notices
from several import PURPOSE, postgres, until

# Issue 8, letter E: after a new primary is there, work goes on within 10 s.
BACK_LIMIT_S = 10
TRIPS = "smartidd_store_round_trips_total"


def setUpModule():
    """One server for the file: the tests run one after the other. One that
    crashes does not lose what the kernel has, so it need not sync."""
    Case.server = postgres.Server()
    unittest.addModuleCleanup(Case.server.stop)


class OnServer(Case):
    """A daemon in a schema of its own."""

    def setUp(self):
        schema = "s%d" % id(self)
        self.server.sql("CREATE SCHEMA " + schema)
        self.schema = schema
        self.folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.init = ["init", "--dir", self.folder, "--database",
                     self.server.uri(schema)]
        if os.path.isdir(MODEL_DIR):
            self.init += ["--model-dir", MODEL_DIR]
        run_tool(*self.init)
        self.daemon = Daemon(folder=self.folder)
        self.addCleanup(self.daemon.close)
        self.daemon.set_clock(0)
        keys = {role: self.daemon.add_client(role) for role in ROLES}
        self.daemon.start()
        for role, key in keys.items():
            setattr(self, role, Api(self.daemon, key))

    def rows(self, text):
        return self.server.sql(text, self.schema).splitlines()

    def approved(self, who=1):
        enrolment = self.app.enrol(who)
        self.assertEqual(enrolment["state"], "approved", enrolment)
        return enrolment["credential"]["id"] \
            if isinstance(enrolment.get("credential"), dict) \
            else enrolment["credential_id"]

    def check(self, code, clerk=None):
        """The result of a check, its id or None; whatever the status."""
        answer = (clerk or self.clerk).post(
            "/v1/verifications", {"code": code, "purpose": PURPOSE})
        document = answer.json()
        self.assertIn(answer.status, (200, 503), repr(answer))
        return document.get("result"), document.get("verification_id",
                                                     document.get("id"))


class Refused(unittest.TestCase):
    """Each wrong place is told of in one line that says what to do."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.passfile = os.path.join(self.folder, "pgpass")

    def refused(self, uri, text, secret=None):
        result = run_tool("init", "--dir", self.folder, "--database", uri,
                          check=False)
        self.assertEqual(result.returncode, 1, result)
        told = [line for line in result.stderr.splitlines()
                if line.startswith("smartidctl: ")]
        self.assertEqual(len(told), 1, result.stderr)
        self.assertIn(text, told[0])
        if secret:
            self.assertNotIn(secret, result.stderr)
        # Nothing is in the way of the next try.
        self.assertEqual([name for name in os.listdir(self.folder)
                          if name != "pgpass"], [])

    def of(self, user, database):
        return "postgresql:///%s?host=%s&user=%s&passfile=%s" % (
            database, Case.server.folder, user, self.passfile)

    def with_password(self, word, mode=0o600):
        with open(self.passfile, "w", encoding="utf-8") as file:
            file.write("*:*:*:*:%s\n" % word)
        os.chmod(self.passfile, mode)

    def test_users_and_passwords(self):
        rules = os.path.join(Case.server.data, "pg_hba.conf")
        with open(rules, encoding="utf-8") as file:
            before = file.read()
        with open(rules, "w", encoding="utf-8") as file:
            file.write("local all locked scram-sha-256\n"
                       "local all shut reject\n" + before)
        Case.server.sql("SELECT pg_reload_conf()")
        Case.server.sql("CREATE ROLE locked LOGIN PASSWORD 'rightword'")
        self.refused(self.of("locked", "postgres"), "passfile= names")
        self.with_password("wrongword")
        self.refused(self.of("locked", "postgres"), "refuses this user",
                     "wrongword")
        self.with_password("rightword", 0o644)
        self.refused(self.of("locked", "postgres"), "mode 0600", "rightword")
        self.with_password("rightword")
        # One that is let in, and may not make tables.
        self.refused(self.of("locked", "postgres"), "make it the owner",
                     "rightword")
        self.refused(self.of("shut", "postgres"), "pg_hba.conf")
        self.refused(self.of("nobody_knows", "postgres"), "CREATE ROLE")

    def test_databases(self):
        role = Case.server.role
        Case.server.sql("CREATE DATABASE plain ENCODING 'SQL_ASCII' "
                        "LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        self.refused(self.of(role, "plain"), "-E UTF8")
        self.refused(self.of(role, "nowhere"), "no such database")

    def test_servers(self):
        self.refused("postgresql://127.0.0.1:1/x", "no server is at the host")
        self.refused("postgresql:///x?host=" + self.folder,
                     "no server is at the socket")
        self.refused("postgresql://no-such-host.invalid/x", "DNS")

    def test_uris(self):
        self.refused("mysql://127.0.0.1/x", "postgresql://")
        self.refused("postgresql://127.0.0.1/x?sslmod=require", "libpq")
        # A password that is not encoded becomes part of something else.
        self.refused("postgresql://me:sec/ret@127.0.0.1/x", "libpq", "sec/")
        self.refused("postgresql://me:secret@127.0.0.1/x", "passfile=",
                     "secret")


class Story(OnServer):
    def test_a_credential_lives_and_ends_and_stays_so_after_a_restart(self):
        credential = self.approved()
        code = self.app.code(credential)["code"]
        self.assertEqual(self.check(code)[0], "valid")
        self.assertEqual(self.check("x")[0], "not_valid")
        self.daemon.restart()
        self.assertEqual(self.check(code)[0], "valid")
        self.assertEqual(self.app.revoke(credential).status, 200)
        self.assertEqual(self.check(code)[0], "not_valid")
        self.daemon.restart()
        self.assertEqual(self.check(code)[0], "not_valid")
        # Photos were in their rows, and are gone.
        self.assertEqual(self.rows("SELECT count(*) FROM photo"), ["0"])
        self.assertEqual(glob.glob(self.daemon.database + "*.blobs"), [])
        self.daemon.stop()
        result = self.daemon.ctl("audit", "verify")
        self.assertEqual(result.returncode, 0, result)

    def test_a_batch_of_day_codes_costs_two_ways_to_the_server(self):
        code = self.app.code(self.approved())["code"]

        def ways(batch):
            """The fewest: what the daemon asks each second comes between."""
            found = []
            for _ in range(10):
                before = metric(self.daemon, TRIPS)
                if batch:
                    answer = self.clerk.post("/v1/verifications/batch", {
                        "purpose": PURPOSE, "checks": [{"code": code}] * batch})
                    self.assertEqual([one["result"] for one in
                                      answer.json()["results"]],
                                     ["valid"] * batch)
                found.append(metric(self.daemon, TRIPS) - before)
            return min(found)

        # Twice that in the build that runs each batch twice.
        self.assertIn([ways(n) for n in (0, 1, 50)], ([0, 2, 2], [0, 4, 4]))

    def test_two_processes_cannot_have_it_at_once(self):
        second = run_tool("-c", self.daemon.config, "key", "rotate", "code",
                          check=False,
                          env={"SMARTIDD_STORE_CONTROL_SOCKET":
                               os.path.join(self.folder, "none.sock")})
        self.assertNotEqual(second.returncode, 0, second)

    def test_a_killed_daemon_leaves_the_database_to_the_next_one(self):
        credential = self.approved()
        code = self.app.code(credential)["code"]
        self.assertEqual(self.check(code)[0], "valid")
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.check(code)[0], "valid")

    def test_init_changes_nothing_that_is_there(self):
        before = self.rows("SELECT count(*) FROM wrapped_key")
        folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, folder, True)
        result = run_tool("init", "--dir", folder, "--database",
                          self.server.uri(self.schema), check=False)
        self.assertNotEqual(result.returncode, 0, result)
        self.assertIn("nothing was changed", result.stderr)
        self.assertEqual(self.rows("SELECT count(*) FROM wrapped_key"), before)

    def test_a_password_does_not_stand_in_the_settings(self):
        for place in ("postgresql://a:secretword@127.0.0.1/x",
                      "postgresql://127.0.0.1/x?password=secretword"):
            result = run_tool("-c", self.daemon.config, "client", "list",
                              check=False,
                              env={"SMARTIDD_STORE_DATABASE": place})
            self.assertNotEqual(result.returncode, 0, result)
            self.assertNotIn("secretword", result.stdout + result.stderr)
            self.assertIn("passfile", result.stderr)


class Faults(OnServer):
    def verified(self):
        """Ids of the checks that the log has as valid."""
        return set(re.findall(r"id=(ver_\w+)", "\n".join(self.rows(
            "SELECT detail FROM audit WHERE event = 'verification' AND "
            "outcome = 'valid'"))))

    def test_a_server_that_crashes_costs_no_answer_that_was_given(self):
        code = self.app.code(self.approved())["code"]
        answers = []
        stop = threading.Event()

        def clerk():
            while not stop.is_set():
                answers.append(self.check(code))

        crowd = [threading.Thread(target=clerk) for _ in range(4)]
        for one in crowd:
            one.start()
        try:
            for _ in range(3):
                mark = len(answers)
                until(lambda mark=mark: any(
                    a[0] == "valid" for a in answers[mark:]), 20, "valid")
                self.server.crash()
                mark = len(answers)
                until(lambda mark=mark: any(
                    a[0] == "could_not_check" for a in answers[mark:]), 20,
                      "could_not_check")
                self.server.start()
                mark = len(answers)
                until(lambda mark=mark: any(
                    a[0] == "valid" for a in answers[mark:]), BACK_LIMIT_S,
                      "valid again by itself")
        finally:
            stop.set()
            for one in crowd:
                one.join(60)
        told = {a[1] for a in answers if a[0] == "valid"}
        self.assertEqual({a[0] for a in answers}, {"valid", "could_not_check"})
        self.assertGreater(len(told), 3)
        self.daemon.stop()
        self.assertEqual(told - self.verified(), set())
        self.assertEqual(self.daemon.ctl("audit", "verify").returncode, 0)

    def test_a_commit_whose_answer_was_lost_is_looked_up(self):
        code = self.app.code(self.approved())["code"]
        self.assertEqual(self.check(code)[0], "valid")
        before = self.verified()
        # A commit is made, and then waits for a standby that never comes.
        self.server.sql("ALTER SYSTEM SET synchronous_standby_names = 'none'")
        self.server.sql("SELECT pg_reload_conf()")
        self.addCleanup(self.server.sql, "SELECT 1")
        result = []
        one = threading.Thread(target=lambda: result.append(self.check(code)))
        one.start()
        until(lambda: self.server.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        ) != "0", 20, "a commit that waits")
        self.server.sql("ALTER SYSTEM RESET synchronous_standby_names")
        self.server.sql("SELECT pg_terminate_backend(pid) FROM "
                        "pg_stat_activity WHERE wait_event = 'SyncRep'")
        self.server.sql("SELECT pg_reload_conf()")
        one.join(30)
        self.assertEqual(result[0][0], "valid")
        self.assertEqual(self.verified() - before, {result[0][1]})
        self.assertEqual(self.check(code)[0], "valid")


class Silent(OnServer):
    """A server of which nothing is heard any more."""

    def begin(self, period_s):
        """A daemon by a line that can be stopped, and its notices."""
        notices = Notices(self)
        line = postgres.Line(self.server)
        self.addCleanup(line.cut)
        self.daemon.stop()
        self.daemon.env.update({
            "SMARTIDD_STORE_DATABASE": line.uri(self.schema),
            "NOTIFY_SOCKET": notices.name,
            "WATCHDOG_USEC": str(int(period_s * 1e6))})
        self.daemon.start()
        self.assertEqual(self.check("x")[0], "not_valid")
        self.addCleanup(line.mend)
        return notices, line

    def test_r_a_reload_does_not_make_the_daemon_deaf(self):
        period_s = 0.9 * SLOW
        notices, line = self.begin(period_s)
        line.stop()
        mark = len(self.daemon.log.lines)
        self.daemon.signal(signal.SIGHUP)
        notices.wait("RELOADING", 3)
        for _ in range(3):
            notices.wait("WATCHDOG", period_s)
        self.daemon.signal(signal.SIGHUP)  # is done after the first
        line.mend()
        for _ in range(2):
            self.daemon.log.wait(lambda l: "event=reloaded" in l, start=mark)
            mark = len(self.daemon.log.lines)
        self.assertEqual(self.check("x")[0], "not_valid")
        line.stop()
        self.daemon.signal(signal.SIGHUP)
        began = time.monotonic()
        self.daemon.signal(signal.SIGTERM)
        self.assertIsNotNone(self.daemon.log.wait(
            lambda l: "event=stopping" in l, 2 * SLOW, start=mark))
        line.mend()
        self.daemon.stop()
        self.assertLess(time.monotonic() - began, 10 * SLOW)

    def test_the_watchdog_is_told_that_the_daemon_waits_and_does_not_hang(self):
        period_s = 0.9 * SLOW
        notices, line = self.begin(period_s)
        line.stop()
        result = []
        one = threading.Thread(target=lambda: result.append(self.check("x")))
        one.start()
        last = time.monotonic()
        # Less than the 10 s after which the server is given up.
        end = last + min(4 * period_s, 8)
        while time.monotonic() < end:
            notices.wait("WATCHDOG", period_s)
            self.assertLess(time.monotonic() - last, period_s)
            last = time.monotonic()
        self.assertEqual(result, [])
        line.mend()
        one.join(30)
        self.assertEqual(result[0][0], "not_valid")


class Schema(Case):
    """What the migrations of both leave behind means the same."""

    # Of PostgreSQL alone: whose it is, and numbers that SQLite makes itself.
    OWN = {"lease", "number"}
    KINDS = {"INTEGER": "int", "bigint": "int", "TEXT": "text", "text": "text",
             "BLOB": "bytes", "bytea": "bytes", "REAL": "real",
             "double precision": "real"}

    @classmethod
    def setUpClass(cls):
        cls.schema = "migrated"
        cls.server.sql("CREATE SCHEMA " + cls.schema)
        folder = tempfile.mkdtemp(prefix="sid-")
        cls.addClassCleanup(shutil.rmtree, folder, True)
        run_tool("init", "--dir", folder, "--database", cls.server.uri(cls.schema))
        cls.lite = sqlite3.connect(":memory:")
        cls.addClassCleanup(cls.lite.close)
        for path in cls.migrations("sqlite"):
            with open(path, encoding="utf-8") as stream:
                cls.lite.executescript(stream.read())

    @staticmethod
    def migrations(engine):
        return sorted(glob.glob(os.path.join(ROOT, "migrations", engine,
                                             "*.sql")))

    def query(self, text):
        return [tuple(line.split("|"))
                for line in self.server.sql(text).splitlines()]

    def lite_tables(self):
        return [row[0] for row in self.lite.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND "
            "name NOT LIKE 'sqlite_%'")]

    def test_the_tables_have_the_same_columns(self):
        lite = {(table, column[1], self.KINDS[column[2]],
                 bool(column[3] or column[5]))
                for table in self.lite_tables()
                for column in self.lite.execute(
                    "PRAGMA table_info(%s)" % table)}
        server = {(table, column, self.KINDS[kind], null == "NO")
                  for table, column, kind, null in self.query(
                      "SELECT table_name, column_name, data_type, is_nullable "
                      "FROM information_schema.columns WHERE table_schema = "
                      "'%s'" % self.schema)
                  if table not in self.OWN | {"schema_migration"}}
        self.assertEqual(lite ^ server, set())

    def test_the_same_is_unique_and_has_an_index(self):
        lite = set()
        for table in self.lite_tables():
            key = sorted((column[5], column[1]) for column in self.lite.execute(
                "PRAGMA table_info(%s)" % table) if column[5])
            lite.add((table, True, False, ",".join(name for _, name in key)))
            for index in self.lite.execute("PRAGMA index_list(%s)" % table):
                columns = ",".join(row[2] for row in self.lite.execute(
                    "PRAGMA index_info(%s)" % index[1]))
                lite.add((table, bool(index[2]), bool(index[4]), columns))
        server = {(table, unique == "t", partial == "t", columns)
                  for table, unique, partial, columns in self.query(
                      "SELECT t.relname, i.indisunique, i.indpred IS NOT NULL, "
                      "(SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM "
                      "unnest(i.indkey) WITH ORDINALITY AS k (c, n) JOIN "
                      "pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.c)"
                      " FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
                      "JOIN pg_namespace s ON s.oid = t.relnamespace WHERE "
                      "s.nspname = '%s'" % self.schema)
                  if table not in self.OWN | {"schema_migration"}}
        self.assertEqual(lite ^ server, set())

    # The server's words for what SQLite says in its own; a text without this
    # order would be sorted by the server's language.
    WORDS = {r"--.*": "", r'\bTEXT\b(?! COLLATE "C")': "UNORDERED_TEXT",
             r' COLLATE "C"': "", r"\bBIGINT\b": "INTEGER",
             r"\bBYTEA\b": "BLOB", r"\bDOUBLE PRECISION\b": "REAL"}
    # SQLite's for what the server's say.
    LITE_WORDS = {r"--.*": "", r" STRICT$": "", r"\bX''": "''",
                  r"PRIMARY KEY AUTOINCREMENT": "NOT NULL PRIMARY KEY"}

    @staticmethod
    def reworded(text, words):
        for before, after in words.items():
            text = re.sub(before, after, text)
        return text

    def meant(self, database):
        """Of each table and index the whole of its text."""
        return {(name, " ".join(re.findall(r"'[^']*'|\w+|[^\w\s\"]",
                                           self.reworded(text,
                                                         self.LITE_WORDS))))
                for name, text in database.execute(
                    "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL "
                    "AND name NOT LIKE 'sqlite_%'")
                if name not in self.OWN}

    def test_checks_references_defaults_and_conditions_are_the_same(self):
        server = sqlite3.connect(":memory:")
        self.addCleanup(server.close)
        for path in self.migrations("pgsql"):
            with open(path, encoding="utf-8") as stream:
                text = self.reworded(stream.read(), self.WORDS)
            for statement in text.split(";"):
                if not statement.strip().startswith("ALTER TABLE lease "):
                    server.execute(statement)
        self.assertEqual(self.meant(self.lite) ^ self.meant(server), set())

    def test_each_migration_has_its_twin(self):
        def numbers(paths):
            return [int(os.path.basename(path)[:4]) for path in paths]
        lite = numbers(self.migrations("sqlite"))
        first, *later = numbers(self.migrations("pgsql"))
        self.assertEqual(later, [n for n in lite if n > first])
        with open(self.migrations("pgsql")[0], encoding="utf-8") as stream:
            listed = [int(n) for line in stream if re.fullmatch(
                r"--(?: \d{4})+\n", line) for n in line.split()[1:]]
        self.assertEqual(listed, [n for n in lite if n <= first])


if __name__ == "__main__":
    unittest.main()
