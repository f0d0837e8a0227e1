"""Ways to a PostgreSQL server: TLS with an authority of its own, several hosts
of which one is dead or only reads, and a test's server that goes with it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

from harness import MODEL_DIR, ROLES, ROOT, Api, Case, Daemon, run_tool
from several import PURPOSE, postgres, until

WORD = "rightword"


def setUpModule():
    """One server for the file, with TCP: TLS is not spoken by a socket."""
    Case.server = postgres.Server(port=postgres.free_port())
    unittest.addModuleCleanup(Case.server.stop)


class Way(Case):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.schema = "s%d" % id(self)
        self.server.sql("CREATE SCHEMA " + self.schema)

    def uri(self, hosts, **query):
        query["options"] = "-csearch_path=" + self.schema
        return "postgresql://%s/postgres?%s" % (hosts, urllib.parse.urlencode(
            query, quote_via=urllib.parse.quote))

    def init(self, uri, check=True):
        models = ["--model-dir", MODEL_DIR] if os.path.isdir(MODEL_DIR) else []
        return run_tool("init", "--dir", self.folder, "--database", uri,
                        *models, check=check)

    def refused(self, uri, text):
        result = self.init(uri, check=False)
        self.assertEqual(result.returncode, 1, result)
        told = [line for line in result.stderr.splitlines()
                if line.startswith("smartidctl: ")]
        self.assertEqual(len(told), 1, result.stderr)
        self.assertIn(text, told[0])
        self.assertNotIn(WORD, result.stdout + result.stderr)

    def lives(self, uri):
        """A daemon there, as long as the test, that has checked a code."""
        self.init(uri)
        daemon = Daemon(folder=self.folder)
        self.addCleanup(daemon.close)
        daemon.set_clock(0)
        keys = {role: daemon.add_client(role) for role in ROLES}
        daemon.start()
        app = Api(daemon, keys["app"])
        enrolment = app.enrol(1)
        self.assertEqual(enrolment["state"], "approved", enrolment)
        answer = Api(daemon, keys["clerk"]).post("/v1/verifications", {
            "code": app.code(enrolment["credential_id"])["code"],
            "purpose": PURPOSE})
        self.assertEqual(answer.json().get("result"), "valid", repr(answer))
        verified = daemon.ctl("audit", "verify", check=False)
        self.assertEqual(verified.returncode, 0, verified)
        return daemon


class Tls(Way):
    """TCP only with TLS, and with a password out of a file."""

    @classmethod
    def setUpClass(cls):
        server = cls.server
        cls.pki = tempfile.mkdtemp(prefix="sid-")
        cls.addClassCleanup(shutil.rmtree, cls.pki, True)
        for name in ("ours", "other"):
            cls.openssl("req", "-x509", "-subj", "/CN=" + name, "-keyout",
                        name + ".key", "-out", name + ".pem")
        cls.openssl("req", "-x509", "-subj", "/CN=server", "-keyout",
                    "server.key", "-out", "server.pem", "-CA", "ours.pem",
                    "-CAkey", "ours.key", "-addext",
                    "subjectAltName=IP:127.0.0.1")
        with open(os.path.join(cls.pki, "pgpass"), "w", encoding="utf-8") as f:
            f.write("*:*:postgres:locked:%s\n" % WORD)
        os.chmod(f.name, 0o600)
        for end in ("key", "pem"):
            path = os.path.join(server.data, "server." + end)
            shutil.copy(os.path.join(cls.pki, "server." + end), path)
            os.chmod(path, 0o600)
            status = os.stat(server.data)
            os.chown(path, status.st_uid, status.st_gid)
        rules = os.path.join(server.data, "pg_hba.conf")
        with open(rules, encoding="utf-8") as file:
            before = file.read()
        with open(rules, "w", encoding="utf-8") as file:
            file.write("hostssl all locked 127.0.0.1/32 scram-sha-256\n"
                       "host all locked 127.0.0.1/32 reject\n" + before)
        for text in ("CREATE ROLE locked LOGIN PASSWORD '%s'" % WORD,
                     "ALTER SYSTEM SET ssl_cert_file = 'server.pem'",
                     "ALTER SYSTEM SET ssl_key_file = 'server.key'",
                     "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"):
            server.sql(text)
        until(lambda: server.sql("SHOW ssl") == "on", 20, "TLS on")

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run(["openssl", *arguments, "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
                       cwd=cls.pki, check=True, capture_output=True)

    def by_tls(self, mode="verify-full", authority="ours", host="127.0.0.1"):
        return self.uri("locked@%s:%d" % (host, self.server.port),
                        hostaddr="127.0.0.1", sslmode=mode,
                        sslrootcert=os.path.join(self.pki, authority + ".pem"),
                        passfile=os.path.join(self.pki, "pgpass"))

    def test_a_certificate_of_the_right_authority_is_taken(self):
        self.server.sql("GRANT ALL ON SCHEMA %s TO locked" % self.schema)
        self.lives(self.by_tls())
        self.assertEqual(self.server.sql(
            "SELECT DISTINCT usename, ssl FROM pg_stat_activity JOIN "
            "pg_stat_ssl USING (pid) WHERE application_name = 'smartidd'"),
                         "locked|t")

    def test_any_other_certificate_is_refused_in_words_without_a_secret(self):
        self.refused(self.by_tls(authority="other"),
                     "not signed by what sslrootcert= names")
        self.refused(self.by_tls(authority="none"),
                     "name its file with sslrootcert=")
        self.refused(self.by_tls(host="db1"),
                     "for another name than the host of the URI")
        self.refused(self.by_tls(mode="disable"), "not with this sslmode=")
        self.assertEqual(self.server.sql(
            "SELECT count(*) FROM pg_tables WHERE schemaname = '%s'"
            % self.schema), "0")


class Hosts(Way):
    def at(self, *ports):
        return self.uri("%s@%s" % (self.server.role, ",".join(
            "127.0.0.1:%d" % port for port in ports)))

    def test_a_dead_host_is_passed_over(self):
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))  # nobody listens
            port = dead.getsockname()[1]
            self.refused(self.at(port), "no server is at the host")
            self.lives(self.at(port, self.server.port))

    def test_a_host_that_only_reads_is_passed_over(self):
        standby = postgres.Server(port=postgres.free_port(), of=self.server)
        self.addCleanup(standby.stop)
        self.assertEqual(standby.sql("SELECT pg_is_in_recovery()"), "t")
        self.refused(self.at(standby.port), "the primary is away")
        self.lives(self.at(standby.port, self.server.port))


class Ended(unittest.TestCase):
    """tests/tools/postgres.py leaves nothing, however it ends."""

    def begin(self, *command):
        """The process, and the folder and number of its server."""
        process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "tests", "tools",
                                          "postgres.py"), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.__exit__, None, None, None)
        uri = urllib.parse.urlsplit(process.stdout.readline().strip())
        folder = urllib.parse.parse_qs(uri.query)["host"][0]
        with open(os.path.join(folder, "data", "postmaster.pid"),
                  encoding="utf-8") as file:
            number = int(file.readline())
        self.assertTrue(self.runs(number))
        return process, folder, number

    @staticmethod
    def runs(number):
        try:
            with open("/proc/%d/stat" % number, encoding="utf-8") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def gone(self, process, folder, number, status):
        self.assertEqual(process.wait(60), status)
        # pg_ctl waits for the file with the number to go, which is its last deed.
        until(lambda: not self.runs(number), 10, "the server is gone")
        self.assertFalse(os.path.exists(folder))

    def test_the_server_goes_with_the_command(self):
        one = self.begin("sh", "-c", "echo $SID_TEST_PG; cat; exit 3")
        one[0].stdin.close()
        self.gone(*one, 3)

    def test_r_the_server_goes_when_its_tool_is_told_to_end(self):
        one = self.begin("sh", "-c", "echo $SID_TEST_PG; exec cat")
        one[0].send_signal(signal.SIGTERM)
        self.gone(*one, 128 + signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
