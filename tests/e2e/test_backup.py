"""smartidctl backup and restore: what was acknowledged is in the copy, and
nothing that is not whole becomes a database."""

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import unittest

import photos
from harness import ROOT, Case, Daemon, credential_of, holder, run_tool

sys.path.insert(0, os.path.join(ROOT, "tests", "tools"))
import postgres  # noqa: E402 pylint: disable=wrong-import-position


class Backed(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        self.folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.copy = os.path.join(self.folder, "copy")

    def role(self, name, daemon=None):
        daemon = daemon or self.daemon
        return daemon.api(self.daemon.keys[name])

    def backup(self, to=None):
        return self.daemon.ctl("backup", "--to", to or self.copy)

    def machine(self, master=True):
        """Another one: settings and master key, no database yet."""
        other = Daemon(keys=True)  # all of a run have one master key
        self.addCleanup(other.close)
        if not master:
            with open(os.path.join(other.folder, "master.key"), "w",
                      encoding="ascii") as out:
                out.write(os.urandom(32).hex() + "\n")
        self.take_away(other)
        return other

    @staticmethod
    def take_away(daemon):
        for tail in ("", "-wal", "-shm"):
            if os.path.exists(daemon.database + tail):
                os.unlink(daemon.database + tail)
        shutil.rmtree(daemon.database + ".photos", ignore_errors=True)

    def refused(self, text, daemon, *more, source=None):
        """Also: nothing is left behind."""
        before = sorted(os.listdir(daemon.folder))
        result = daemon.ctl("restore", "--from", source or self.copy, *more,
                            check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(text, result.stderr)
        self.assertEqual(sorted(os.listdir(daemon.folder)), before)

    def manifest(self):
        with open(os.path.join(self.copy, "manifest.json"),
                  encoding="utf-8") as stream:
            return json.load(stream)

    def write_manifest(self, manifest):
        with open(os.path.join(self.copy, "manifest.json"), "w",
                  encoding="utf-8") as out:
            json.dump(manifest, out)

    def name_as_it_is(self):
        """The manifest of somebody who can compute SHA-256, too."""
        manifest = self.manifest()
        for part in manifest["parts"]:
            with open(os.path.join(self.copy, part["name"]), "rb") as stream:
                data = stream.read()
            part["bytes"] = len(data)
            part["sha256"] = hashlib.sha256(data).hexdigest()
        self.write_manifest(manifest)


class Whole(Backed):
    def test_a_running_daemon_is_copied_and_lives_on_elsewhere(self):
        self.daemon.start()
        app = self.role("app")
        credential = credential_of(app.enrol(1))
        code = app.code(credential)["code"]
        selfie = photos.photo(4, photos.UNCLEAR)
        waiting = app.submit(holder(), photos.photo(4), selfie,
                             wait=30).json()["id"]
        told = self.backup().stdout
        self.assertIn("photos      1 files, 0 gone", told)
        self.assertRegex(told, r"master key  [0-9a-f]{16}: not in it")
        for path, _, names in os.walk(self.copy):
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o700)
            for name in names:
                self.assertEqual(os.stat(os.path.join(
                    path, name)).st_mode & 0o777, 0o600)
        # What comes later is not in it.
        self.assertEqual(app.revoke(credential).status, 200)
        other = self.machine()
        checked = other.ctl("restore", "--verify", "--from", self.copy)
        self.assertIn("verified", checked.stdout)
        self.assertFalse(os.path.exists(other.database))
        self.assertEqual(os.listdir(self.folder), ["copy"])
        told = other.ctl("restore", "--from", self.copy).stdout
        self.assertRegex(told, r"photos among them: [1-9]")
        other.start()
        self.assertEqual(self.role("clerk", other).verify(code)["result"],
                         "valid")
        self.assertEqual(self.role("clerk").verify(code)["result"],
                         "not_valid")
        self.assertEqual(self.role("officer", other).get(
            "/v1/enrollments/%s/photos/selfie" % waiting).body, selfie)
        self.assertEqual(self.role("app", other).enrol(5)["state"], "approved")
        other.stop()

    def test_all_that_was_answered_before_it_began_is_in_it(self):
        self.daemon.start()
        app, clerk = self.role("app"), self.role("clerk")
        code = app.code(credential_of(app.enrol(1)))["code"]
        answered, stop = [], threading.Event()

        def check():
            while not stop.is_set():
                answered.append(clerk.verify(code)["id"])

        crowd = [threading.Thread(target=check) for _ in range(4)]
        for one in crowd:
            one.start()
        try:
            for n in range(3):
                before = set(answered)
                self.backup(os.path.join(self.folder, str(n)))
                with sqlite3.connect(os.path.join(
                        self.folder, str(n), "smartidd.db")) as lite:
                    there = "\n".join(row[0] for row in lite.execute(
                        "SELECT detail FROM audit"))
                self.assertEqual([i for i in before if i not in there], [])
        finally:
            stop.set()
            for one in crowd:
                one.join()
        self.assertGreater(len(answered), 20)
        self.daemon.ctl("restore", "--verify", "--from",
                        os.path.join(self.folder, "2"))

    def test_it_verifies_a_database_where_it_lies(self):
        told = self.daemon.ctl("restore", "--verify").stdout
        self.assertRegex(told, r"client +4 rows")
        self.assertIn("verified the database", told)
        with sqlite3.connect(self.daemon.database) as lite:
            lite.execute("DELETE FROM audit WHERE seq = 2")
        result = self.daemon.ctl("restore", "--verify", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("does not verify", result.stderr)


class Refused(Backed):
    def test_one_that_was_broken_off(self):
        partial = self.copy + ".partial"
        os.makedirs(os.path.join(partial, "photos"))
        shutil.copy(self.daemon.database, os.path.join(partial, "smartidd.db"))
        other = self.machine()
        self.refused("broken off", other, source=partial)
        self.refused("there is no such folder", other)
        # The next one takes its place.
        self.backup()
        self.assertEqual(os.listdir(self.folder), ["copy"])
        other.ctl("restore", "--from", self.copy)

    def test_r_a_database_that_is_not_there_leaves_no_backup(self):
        other = self.machine()
        before = sorted(os.listdir(other.folder))
        for arguments in (("backup", "--to", self.copy),
                          ("restore", "--verify")):
            result = other.ctl(*arguments, check=False)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn("there is no file of this name", result.stderr)
        self.assertEqual(os.listdir(self.folder), [])
        self.assertEqual(sorted(os.listdir(other.folder)), before)

    def test_a_place_that_has_something(self):
        self.backup()
        result = self.daemon.ctl("backup", "--to", self.copy, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("exists already: name a new folder", result.stderr)
        self.refused("is there already", self.daemon)
        other = self.machine()
        os.mkdir(other.database + ".photos")
        self.refused("smartidd.db.photos: is there already", other)

    def test_while_a_daemon_runs_even_on_files_that_are_gone(self):
        self.backup()
        self.daemon.start()
        self.take_away(self.daemon)
        self.refused("a daemon runs on it", self.daemon)
        self.daemon.expect_crash = True
        self.daemon.kill()

    def test_r_a_database_that_was_made_meanwhile_is_not_overwritten(self):
        self.daemon.start()
        self.assertEqual(self.role("app").enrol(
            3, selfie_flaw=photos.UNCLEAR)["state"], "review")
        self.backup()
        photo = os.path.join(self.copy, "photos",
                             os.listdir(self.copy + "/photos")[0])
        with open(photo, "rb") as stream:
            data = stream.read()
        os.unlink(photo)
        os.mkfifo(photo)  # it waits here, and has looked at the place
        other = self.machine()
        result = []
        thread = threading.Thread(target=lambda: result.append(other.ctl(
            "restore", "--from", self.copy, check=False)))
        thread.start()
        with open(photo, "wb") as stream:
            with open(other.database, "wb") as made:
                made.write(b"somebody's")
            stream.write(data)
        thread.join(60)
        self.assertEqual(result[0].returncode, 1, result)
        self.assertIn("was made meanwhile", result[0].stderr)
        with open(other.database, "rb") as stream:
            self.assertEqual(stream.read(), b"somebody's")
        # Nothing is in the way of the next one.
        os.unlink(other.database)
        self.assertEqual([n for n in os.listdir(other.folder)
                          if "photos" in n or "partial" in n], [])

    def test_r_a_photo_that_is_being_overwritten_is_not_taken_for_whole(self):
        """As the daemon does, from its beginning on, before it removes it."""
        self.daemon.start()
        self.assertEqual(self.role("app").enrol(
            3, selfie_flaw=photos.UNCLEAR)["state"], "review")
        folder = self.daemon.database + ".photos"
        with open(os.path.join(folder, os.listdir(folder)[0]), "r+b") as stream:
            stream.write(bytes(64))
        self.assertIn("photos      0 files, 1 gone", self.backup().stdout)
        self.assertEqual(os.listdir(self.copy + "/photos"), [])
        self.machine().ctl("restore", "--from", self.copy)

    def test_r_two_backups_of_one_name_are_not_mixed(self):
        partial = self.copy + ".partial"
        os.mkdir(partial, 0o700)
        path = os.path.join(partial, "half")
        with open(path, "wb"):
            pass
        other = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, other)
        fcntl.flock(other, fcntl.LOCK_EX)  # as the other one does
        result = self.daemon.ctl("backup", "--to", self.copy, check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("another backup is being made", result.stderr)
        self.assertTrue(os.path.exists(path))
        fcntl.flock(other, fcntl.LOCK_UN)
        self.backup()
        self.assertEqual(sorted(os.listdir(self.copy)),
                         ["manifest.json", "photos", "smartidd.db"])

    def test_another_master_key(self):
        self.backup()
        self.refused("made under the master key " +
                     self.manifest()["master_key"], self.machine(False))

    def test_a_byte_that_changed(self):
        self.backup()
        path = os.path.join(self.copy, "smartidd.db")
        with open(path, "r+b") as stream:
            stream.seek(5000)
            byte = stream.read(1)
            stream.seek(5000)
            stream.write(bytes([byte[0] ^ 1]))
        self.refused("is not what the backup says", self.machine())

    def test_a_damaged_page_that_the_manifest_agrees_with(self):
        self.backup()
        with open(os.path.join(self.copy, "smartidd.db"), "r+b") as stream:
            stream.seek(0, os.SEEK_END)
            end = stream.tell()
            for at in range(4096 * 3, end, 4096):
                stream.seek(at)
                stream.write(b"\xff" * 64)
        self.name_as_it_is()
        result = self.machine().ctl("restore", "--from", self.copy,
                                    check=False)
        self.assertEqual(result.returncode, 1, result)

    def test_a_log_that_somebody_changed(self):
        self.backup()
        with sqlite3.connect(os.path.join(self.copy, "smartidd.db")) as lite:
            lite.execute("UPDATE audit SET actor = 'x' WHERE seq = 2")
        lite.close()  # and moves its log into the file
        self.name_as_it_is()
        self.refused("audit log: it does not verify", self.machine())

    def test_an_older_database_in_the_place_of_the_newer_one(self):
        first = os.path.join(self.folder, "first")
        self.backup(first)
        self.daemon.start()
        self.daemon.stop()
        self.backup()
        shutil.copy(os.path.join(first, "smartidd.db"),
                    os.path.join(self.copy, "smartidd.db"))
        self.name_as_it_is()
        self.refused("audit: ", self.machine())
        manifest = self.manifest()
        del manifest["rows"]
        self.write_manifest(manifest)
        self.refused("audit log: it does not verify", self.machine())

    def test_a_photo_that_is_missing(self):
        self.daemon.start()
        self.assertEqual(self.role("app").enrol(
            3, selfie_flaw=photos.UNCLEAR)["state"], "review")
        self.backup()
        folder = os.path.join(self.copy, "photos")
        os.unlink(os.path.join(folder, os.listdir(folder)[0]))
        self.refused("is not in the backup any more", self.machine())

    def test_a_manifest_that_leads_elsewhere(self):
        self.backup()
        good = self.manifest()
        for name in ("../smartidd.db", "photos/../../x", "/etc/passwd",
                     "photos/blb_x", "other"):
            bad = json.loads(json.dumps(good))
            bad["parts"].append(dict(bad["parts"][0], name=name))
            self.write_manifest(bad)
            self.refused("is not what backup writes", self.machine())
        for bad in ({}, {"smartid_backup": 1}, {"smartid_backup": 2,
                                                "parts": []}):
            self.write_manifest(bad)
            self.refused("is not what backup writes", self.machine())
        self.write_manifest(dict(good, parts=[]))
        self.refused("names no database", self.machine())

    def test_r_a_password_in_a_place_is_not_repeated(self):
        for place in ("postgresql://a:secretword@127.0.0.1:1/x",
                      "postgresql://127.0.0.1:1/x?password=secretword"):
            result = self.daemon.ctl("restore", "--verify", "--database",
                                     place, check=False)
            self.assertEqual(result.returncode, 1, result)
            self.assertNotIn("secretword", result.stdout + result.stderr)
            self.assertIn("passfile=", result.stderr)

    def test_r_root_makes_no_database_that_the_daemon_cannot_open(self):
        if os.geteuid() != 0:
            return  # the system keeps all others out of it
        self.backup()
        other = self.machine()
        os.chown(other.folder, 65534, 65534)
        self.refused("sudo -u nobody", other)
        result = self.daemon.ctl(
            "migrate", "--from", self.daemon.database, "--to",
            os.path.join(other.folder, "to.db"), check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("sudo -u nobody", result.stderr)
        self.assertFalse(os.path.exists(other.folder + "/to.db"))
        os.chown(other.folder, 0, 0)
        other.ctl("restore", "--from", self.copy)

    def test_r_a_backup_that_cannot_be_read_is_not_called_broken_off(self):
        self.backup()
        path = os.path.join(self.copy, "manifest.json")
        os.rename(path, path + ".aside")
        os.symlink("manifest.json", path)
        self.refused("symbolic links", self.machine())
        result = self.machine().ctl("restore", "--from", self.copy,
                                    check=False)
        self.assertNotIn("broken off", result.stderr)

    def test_wrong_usage(self):
        for arguments in (["backup"], ["backup", "--to", ""],
                          ["backup", "--to", "x/"], ["restore"],
                          ["restore", "--from"], ["restore", "--more"],
                          ["restore", "--database", "x"]):
            result = self.daemon.ctl(*arguments, check=False)
            self.assertEqual(result.returncode, 2, arguments)


class OnServer(Case):
    """The server's own tools, as README has them."""

    def test_a_base_backup_is_restored_and_verified(self):
        server = postgres.Server()
        self.addCleanup(server.stop)
        folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, folder, True)
        run_tool("init", "--dir", folder, "--database", server.uri())
        config = os.path.join(folder, "smartidd.conf")
        for name in ("a", "b", "c"):
            run_tool("-c", config, "client", "add", "--role", "app", "--name",
                     name)
        refused = run_tool("-c", config, "backup", "--to",
                           os.path.join(folder, "copy"), check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("pg_basebackup", refused.stderr)
        copy = os.path.join(server.folder, "copy")
        server.run("pg_basebackup", "-d", server.uri(), "-D", copy, "-X",
                   "stream", "-c", "fast", "--no-sync")
        # What comes later is lost with the server.
        run_tool("-c", config, "client", "add", "--role", "app", "--name", "d")
        server.crash()
        shutil.rmtree(server.data)
        os.rename(copy, server.data)
        server.run("pg_verifybackup", server.data)
        server.start()
        told = run_tool("-c", config, "restore", "--verify").stdout
        self.assertRegex(told, r"client +3 rows")
        self.assertIn("verified the database", told)
        server.sql("UPDATE audit SET actor = 'x' WHERE seq = 2")
        result = run_tool("-c", config, "restore", "--verify", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("does not verify", result.stderr)


if __name__ == "__main__":
    unittest.main()
