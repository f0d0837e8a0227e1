"""smartidctl: making the folder, keys, a QR in the terminal."""

import json
import os
import pwd
import re
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from harness import (Case, Daemon, clean_environment, program,
                     run_tool)
from svg import rasterise

CODE = "SID1:" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:ABCDEF"


class Init(Case):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sid-ctl-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def test_init_makes_settings_key_and_database_for_the_owner_alone(self):
        run_tool("init", "--dir", self.folder)
        for name in ("smartidd.conf", "master.key", "smartidd.db"):
            mode = os.stat(os.path.join(self.folder, name)).st_mode
            self.assertEqual(mode & 0o777, 0o600, name)
        with open(os.path.join(self.folder, "master.key"),
                  encoding="ascii") as stream:
            self.assertRegex(stream.read(), r"^[0-9a-f]{64}\n$")
        with sqlite3.connect(os.path.join(self.folder,
                                          "smartidd.db")) as database:
            mode = database.execute("PRAGMA journal_mode").fetchone()[0]
        database.close()
        self.assertEqual(mode, "wal")

    def test_two_inits_make_different_keys(self):
        keys = set()
        for name in ("a", "b"):
            folder = os.path.join(self.folder, name)
            run_tool("init", "--dir", folder)
            with open(os.path.join(folder, "master.key"),
                      encoding="ascii") as stream:
                keys.add(stream.read())
        self.assertEqual(len(keys), 2)

    def test_init_overwrites_nothing(self):
        run_tool("init", "--dir", self.folder)
        before = {}
        for name in os.listdir(self.folder):
            if name.endswith(".photos"):
                continue  # an empty folder
            with open(os.path.join(self.folder, name), "rb") as stream:
                before[name] = stream.read()
        result = run_tool("init", "--dir", self.folder, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("exists", result.stderr)
        for name in ("smartidd.conf", "master.key", "smartidd.db"):
            os.rename(os.path.join(self.folder, name),
                      os.path.join(self.folder, name + ".away"))
            others = set(os.listdir(self.folder))
            # Any one of the others is enough to refuse …
            self.assertNotEqual(
                run_tool("init", "--dir", self.folder,
                         check=False).returncode, 0)
            self.assertEqual(set(os.listdir(self.folder)), others)
            os.rename(os.path.join(self.folder, name + ".away"),
                      os.path.join(self.folder, name))
        for name, content in before.items():
            with open(os.path.join(self.folder, name), "rb") as stream:
                self.assertEqual(stream.read(), content, name)

    def test_a_wrong_model_dir_leaves_nothing_behind(self):
        result = run_tool("init", "--dir", self.folder, "--model-dir",
                          self.folder + "/none", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("none", result.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def test_init_says_what_it_made(self):
        result = run_tool("init", "--dir", self.folder)
        for name in ("smartidd.conf", "master.key", "smartidd.db"):
            self.assertIn(name, result.stdout)
        self.assertNotRegex(result.stdout, "[0-9a-f]{64}")


class Clients(Case):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def rows(self):
        lines = self.daemon.ctl("client", "list").stdout.splitlines()
        return [line for line in lines if "cli_" in line]

    def both_ways(self, work):
        """With the daemon stopped, then with it running."""
        with self.subTest(daemon="stopped"):
            work("stopped")
        self.daemon.start()
        with self.subTest(daemon="running"):
            work("running")
        self.daemon.stop()

    def test_add_prints_the_key_alone_on_stdout(self):
        def work(when):
            result = self.daemon.ctl("client", "add", "--role", "app",
                                     "--name", "app " + when)
            self.assertRegex(result.stdout,
                             r"^sidk_[0-9a-z]{12}_[0-9a-z]{52}\n$")
            self.assertNotIn("sidk_", result.stderr)

        self.both_ways(work)

    def test_r_an_output_that_cannot_be_written_is_no_success(self):
        """A full disk must not swallow a key that is shown once, or a
        verdict."""
        for arguments in (("--version",), ("--help",), ("client", "list"),
                          ("client", "add", "--role", "app", "--name", "x"),
                          ("audit", "verify"), ("audit", "public-key"),
                          ("audit", "export"), ("audit", "report"),
                          ("audit", "--help")):
            with self.subTest(arguments=arguments), \
                    open("/dev/full", "wb") as full:
                result = subprocess.run(
                    [program("smartidctl"), "-c", self.daemon.config,
                     *arguments], stdout=full, stderr=subprocess.PIPE,
                    stdin=subprocess.DEVNULL, env=clean_environment(),
                    text=True, timeout=60, check=False)
                self.assertEqual(result.returncode, 1, result)
                self.assertIn("smartidctl: ", result.stderr)

    def test_list_shows_every_client_and_no_key(self):
        keys = []

        def work(when):
            for role in ("app", "clerk", "officer", "admin"):
                keys.append(self.daemon.add_client(role, role + " " + when))
            rows = "\n".join(self.rows())
            for role in ("app", "clerk", "officer", "admin"):
                self.assertIn(role + " " + when, rows)
            for key in keys:
                self.assertNotIn(key[-20:], rows)
            self.assertIn("active", rows)

        self.both_ways(work)
        self.assertEqual(len(self.rows()), 8)

    def test_both_ways_print_the_same_list(self):
        self.daemon.add_client("app", "first of all")
        self.daemon.add_client("clerk", "张三 of the east window")
        stopped = self.daemon.ctl("client", "list").stdout
        self.daemon.start()
        self.assertEqual(self.daemon.ctl("client", "list").stdout, stopped)

    def test_revoke_works_once(self):
        def work(when):
            name = "gone " + when
            self.daemon.add_client("app", name)
            one = self.daemon.client_id(name)
            self.daemon.ctl("client", "revoke", one)
            row = [r for r in self.rows() if name in r][0]
            self.assertIn("revoked", row)
            again = self.daemon.ctl("client", "revoke", one, check=False)
            self.assertNotEqual(again.returncode, 0)
            self.assertNotEqual(again.stderr, "")

        self.both_ways(work)

    def test_an_unknown_client_cannot_be_revoked(self):
        def work(_):
            for one in ("cli_" + "0" * 26, "cli_x", "nonsense", ""):
                result = self.daemon.ctl("client", "revoke", one,
                                         check=False)
                self.assertIn(result.returncode, (1, 2), one)
                self.assertNotEqual(result.stderr, "")

        self.both_ways(work)

    def test_wrong_orders_are_refused_with_the_way_to_do_it(self):
        def work(_):
            before = self.rows()
            for arguments in (
                    (), ("--role", "app"), ("--name", "x"),
                    ("--role", "king", "--name", "x"),
                    ("--role", "holder", "--name", "x"),
                    ("--role", "clerk", "--name", "x"),
                    ("--role", "app", "--name", "x", "--purpose",
                     "train_ticket"),
                    ("--role", "clerk", "--name", "x", "--purpose",
                     "spying"),
                    ("--role", "app", "--name", "x" * 65),
                    ("--role", "app", "--name", ""),
                    ("--role", "app", "--name", "x", "--expires", "9"),
                    ("--role", "app", "--name", "x", "--expires", "0d"),
                    ("--role", "app", "--name", "x", "--expires", "-5d"),
                    ("--role", "app", "--name", "x", "--expires", "1y"),
                    ("--role", "app", "--name", "x", "--expires",
                     "99999999999999999999d"),
                    ("--role", "app", "--name", "x", "--expires", "4000d"),
                    ("--role", "app", "--name", "a\nb"),
                    ("--role", "app", "--name"),
                    ("--role", "app", "--name", "x", "--colour", "red")):
                with self.subTest(arguments=arguments):
                    result = self.daemon.ctl("client", "add", *arguments,
                                             check=False)
                    self.assertIn(result.returncode, (1, 2))
                    self.assertEqual(result.stdout, "")
                    self.assertNotEqual(result.stderr, "")
            self.assertEqual(self.rows(), before)

        self.both_ways(work)

    def test_a_name_that_is_not_utf_8_is_refused(self):
        def work(_):
            result = subprocess.run(
                [program("smartidctl"), "-c", self.daemon.config, "client",
                 "add", "--role", "app", "--name", b"\xff\xfe"],
                capture_output=True, check=False, env=clean_environment())
            self.assertIn(result.returncode, (1, 2), result)
            self.assertEqual(result.stdout, b"")

        self.both_ways(work)

    def test_a_tool_without_settings_says_where_it_looked(self):
        result = run_tool("-c", "/nonexistent/smartidd.conf", "client",
                          "list", check=False)
        self.assertEqual(result.returncode, 78)
        self.assertIn("/nonexistent/smartidd.conf", result.stderr)

    def test_keys_are_stored_as_hashes_only(self):
        key = self.daemon.add_client("app")
        with open(self.daemon.database, "rb") as stream:
            content = stream.read()
        for suffix in ("-wal",):
            if os.path.exists(self.daemon.database + suffix):
                with open(self.daemon.database + suffix, "rb") as stream:
                    content += stream.read()
        self.assertNotIn(key[-52:].encode(), content)


class Usage(Case):
    def test_help_and_version_go_to_stdout(self):
        for arguments in (("--help",), ("--version",), ("client", "--help"),
                          ("init", "--help"), ("qr", "--help"),
                          ("audit", "--help"), ("audit", "verify", "--help"),
                          ("audit", "report", "--help"), ("compare", "--help"),
                          ("calibrate", "--help"), ("purposes", "--help")):
            with self.subTest(arguments=arguments):
                result = run_tool(*arguments, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertNotEqual(result.stdout, "")
                self.assertEqual(result.stderr, "")

    def test_wrong_usage_is_told_on_stderr_with_exit_code_2(self):
        for arguments in ((), ("nonsense",), ("client",), ("--nonsense",),
                          ("client", "nonsense"), ("audit",), ("qr", "a", "b"),
                          ("audit", "nonsense"), ("audit", "verify", "x"),
                          ("audit", "verify", "--head"),
                          ("audit", "verify", "--public-key", "00"),
                          ("audit", "check-heads", "x"),
                          ("audit", "export", "--since", "yesterday"),
                          ("audit", "report", "--night", "22"),
                          ("audit", "report", "--often", "0"),
                          ("audit", "report", "--utc-offset", "15"),
                          ("init", "--dir"), ("init", "stray"), ("-c",),
                          ("compare",), ("compare", "a"), ("calibrate",),
                          ("compare", "--jobs", "0", "a", "b"),
                          ("purposes", "x"),
                          ("calibrate", "--svg", "a", "--no-svg", "b")):
            with self.subTest(arguments=arguments):
                result = run_tool(*arguments, check=False)
                self.assertEqual(result.returncode, 2, result)
                self.assertEqual(result.stdout, "")
                self.assertNotEqual(result.stderr, "")


class Terminal(Case):
    """The QR in the terminal, read back by the independent decoder."""

    def picture(self, text):
        """Half blocks and 256-colour codes as rows of dark modules."""
        rows = []
        for line in text.splitlines():
            upper, lower, fore, back = [], [], None, None
            for code, char in re.findall("\x1b\\[([0-9;]*)m|(\u2580)", line):
                if char:
                    upper.append(fore)
                    lower.append(back)
                    continue
                found = re.match(r"38;5;(\d+);48;5;(\d+)$", code)
                if found:
                    fore, back = found.group(1), found.group(2)
            if upper:
                rows += [upper, lower]
        return rows

    def decode(self, rows):
        side = len(rows[0])
        boxes = "".join(
            "M%d %dh1v1h-1z" % (x, y) for y, row in enumerate(rows)
            for x, colour in enumerate(row) if colour == "16")
        svg = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d">'
               '<path fill="#000" d="%s"/></svg>' % (side, len(rows), boxes))
        with tempfile.NamedTemporaryFile(suffix=".png") as out:
            out.write(rasterise(svg, 6))
            out.flush()
            result = subprocess.run(
                ["ZXingReader", "-format", "QRCode", out.name],
                capture_output=True, text=True, check=False, timeout=60)
        return result.stdout

    def test_a_decoder_reads_what_the_terminal_shows(self):
        for level in "MQ":
            result = run_tool("qr", "--level", level, CODE)
            rows = self.picture(result.stdout)
            self.assertEqual({c for row in rows for c in row}, {"16", "231"})
            out = self.decode(rows)
            self.assertIn('"%s"' % CODE, out)
            self.assertRegex(out, r"EC Level:\s+" + level)

    def test_the_code_may_come_on_standard_input(self):
        result = subprocess.run(
            [program("smartidctl"), "qr"], input=CODE + "\n", text=True,
            capture_output=True, check=True, env=clean_environment())
        self.assertEqual(result.stdout, run_tool("qr", CODE).stdout)

    def test_what_no_code_can_be_is_refused(self):
        for text in ("lower case", "é", "A" * 5000):
            result = run_tool("qr", text, check=False)
            self.assertEqual(result.returncode, 1, text[:20])
            self.assertEqual(result.stdout, "")


class Mistakes(Case):
    """r_: what the audit of the first issue found."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_an_unknown_owner_is_told_before_anything_is_made(self):
        target = os.path.join(self.folder, "new")
        result = run_tool("init", "--dir", target, "--owner", "nosuchuser",
                          check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no such user", result.stderr)
        self.assertFalse(os.path.exists(target))

    def test_r_everything_that_init_makes_is_the_owners(self):
        """Root gives it away; who is not root can only keep it."""
        owner = 65534 if os.geteuid() == 0 else os.geteuid()
        run_tool("init", "--dir", self.folder, "--owner",
                 pwd.getpwuid(owner).pw_name)
        for name in [".", *os.listdir(self.folder)]:
            info = os.stat(os.path.join(self.folder, name))
            self.assertEqual(info.st_uid, owner, name)

    def test_a_folder_that_settings_cannot_name_is_refused(self):
        for name, word in (("a ;b", "' ;'"), ("x" * 110, "too long")):
            target = os.path.join(self.folder, name)
            result = run_tool("init", "--dir", target, check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn(word, result.stderr)

    def test_ten_years_are_taken_with_and_without_a_daemon(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        daemon.add_client("app", "  lead", expires="3652d")
        daemon.start()
        daemon.add_client("app", "  lead", expires="3652d")
        names = [c["name"] for c in json.loads(
            daemon.api(daemon.add_client("admin")).get(
                "/v1/clients").body)["clients"]]
        self.assertEqual(names.count("lead"), 2)
        result = daemon.ctl("client", "add", "--role", "app", "--name",
                            "n" * 65, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("64 bytes", result.stderr)
        self.assertNotIn("usage:", result.stderr)


if __name__ == "__main__":
    unittest.main()
