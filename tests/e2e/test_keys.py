"""The daemon's keys from the outside: listed, rotated and replaced while it
serves, and after: nothing that was good becomes bad, nothing that is destroyed
opens any more."""

import os
import re
import shutil
import threading
import unittest

import photos
from harness import (Case, Daemon, DaemonCase, credential_of, holder,
                     threads)

DAY_S = 86400


def rows_of(text):
    """{(use, version): state} of `smartidctl key list`."""
    return {(m[1], int(m[2])): m[3] for m in re.finditer(
        r"^(root|data|template|code) +(\d+)  (\S+)", text, re.M)}


class Rotation(DaemonCase):
    """Each test leaves the keys as it finds them but for higher versions."""

    def versions(self):
        return rows_of(self.daemon.ctl("key", "list").stdout)

    def current(self, use):
        found = [v for (u, v), s in self.versions().items()
                 if u == use and s == "current"]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_the_list_has_one_current_key_of_every_use(self):
        for use in ("root", "data", "template", "code"):
            self.current(use)

    def test_a_code_lives_out_its_day_under_the_key_it_was_made_with(self):
        _, credential = self.approved()
        before = self.app.code(credential)
        self.daemon.ctl("key", "rotate", "code")
        again = self.app.code(credential)
        # The same window gives the same code, whatever key is current by now.
        self.assertEqual(again, before)
        self.assertTrue(self.clerk.verify(before["code"])["valid"])
        self.daemon.set_clock(DAY_S + 200)
        self.addCleanup(self.daemon.set_clock, 0)
        tomorrow = self.app.code(credential)
        self.assertTrue(self.clerk.verify(tomorrow["code"])["valid"])
        self.assertEqual(self.clerk.verify(before["code"])["reason"],
                         "expired")

    def test_a_new_credential_gets_codes_of_the_new_key(self):
        self.daemon.ctl("key", "rotate", "code")
        kid = self.current("code")
        self.daemon.set_clock(2)  # a window keeps the key of its first second
        self.addCleanup(self.daemon.set_clock, 0)
        _, credential = self.approved()
        code = self.app.code(credential)["code"]
        alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
        first = [alphabet.index(c) for c in code[5:8]]
        value = first[0] + 45 * first[1] + 2025 * first[2]
        self.assertEqual(value, 1 << 8 | kid)  # version 1, key id

    def test_revoke_old_kills_the_codes_that_are_out(self):
        _, credential = self.approved()
        before = self.app.code(credential)["code"]
        self.daemon.ctl("key", "rotate", "code", "--revoke-old")
        answer = self.clerk.verify(before)
        self.assertEqual((answer["valid"], answer["reason"]),
                         (False, "not_valid"))
        after = self.app.code(credential)["code"]
        self.assertNotEqual(after, before)
        self.assertTrue(self.clerk.verify(after)["valid"])
        states = {s for (u, v), s in self.versions().items()
                  if u == "code" and v != self.current("code")}
        self.assertEqual(states, {"destroyed"})

    def test_peoples_keys_are_wrapped_again_and_the_old_key_destroyed(self):
        _, credential = self.approved()
        code = self.app.code(credential)["code"]
        review = self.app.enrol(selfie_flaw=photos.UNCLEAR)
        self.assertEqual(review["state"], "review")
        for use in ("data", "template"):
            old = self.current(use)
            out = self.daemon.ctl("key", "rotate", use).stdout
            self.assertIn("all are wrapped by the current keys", out)
            self.assertEqual(self.current(use), old + 1)
            self.assertEqual(self.versions()[(use, old)], "destroyed")
        answer = self.clerk.verify(code, "household_registration")
        self.assertEqual(answer["holder"]["name"], "Wang Example")
        photo = self.officer.get("/v1/enrollments/%s/photos/selfie"
                                 % review["id"])
        self.assertEqual(photo.header("content-type"), "image/png")
        status = self.daemon.ctl("key", "status").stdout
        self.assertIn("all are wrapped by the current keys", status)
        metrics = self.nobody.get("/metrics").body.decode()
        self.assertIn("\nsmartidd_keys_rewrap_left 0\n", metrics)

    def test_a_master_key_changes_while_it_serves(self):
        enrolment, credential = self.approved()
        code = self.app.code(credential)["code"]
        path = os.path.join(self.daemon.folder, "master.key")
        with open(path, encoding="ascii") as stream:
            old = stream.read()
        out = self.daemon.ctl("key", "rotate", "master").stdout
        self.assertIn("keep a copy", out)
        with open(path, encoding="ascii") as stream:
            new = stream.read()
        self.assertNotEqual(new, old)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertFalse(os.path.exists(path + ".next"))
        self.assertTrue(self.clerk.verify(code)["valid"])
        # New versions are wrapped by the new one.
        self.daemon.ctl("key", "rotate", "code")
        self.daemon.restart()
        self.assertTrue(self.clerk.verify(code)["valid"])
        self.assertEqual(
            self.app.get("/v1/enrollments/" + enrolment["id"]).status, 200)

    def test_the_old_master_key_opens_nothing_any_more(self):
        path = os.path.join(self.daemon.folder, "master.key")
        shutil.copy(path, path + ".old")
        self.daemon.ctl("key", "rotate", "master")
        self.daemon.stop()
        shutil.copy(path, path + ".new")
        shutil.copy(path + ".old", path)
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait_exit(), 78)
        self.assert_logged("code=wrong_key")
        self.daemon.process = None
        os.replace(path + ".new", path)
        self.daemon.start()

    def test_an_interrupted_change_is_finished_at_the_next_start(self):
        """Killed after the commit and before the file was replaced."""
        path = os.path.join(self.daemon.folder, "master.key")
        shutil.copy(path, path + ".old")
        self.daemon.ctl("key", "rotate", "master")
        self.daemon.kill()
        os.replace(path, path + ".next")
        shutil.copy(path + ".old", path)
        self.daemon.start()
        self.assert_logged("event=master_key_change_finished")
        self.assertFalse(os.path.exists(path + ".next"))

    def test_a_key_file_of_ones_own_can_be_given(self):
        path = os.path.join(self.daemon.folder, "mine.key")
        with open(path, "w", encoding="ascii") as out:
            out.write("5a" * 32 + "\n")
        os.chmod(path, 0o600)
        self.daemon.ctl("key", "rotate", "master", "--new-key-file", path)
        with open(os.path.join(self.daemon.folder, "master.key"),
                  encoding="ascii") as stream:
            self.assertEqual(stream.read(), "5a" * 32 + "\n")
        self.daemon.restart()

    def test_a_key_file_that_others_can_read_is_refused(self):
        path = os.path.join(self.daemon.folder, "open.key")
        with open(path, "w", encoding="ascii") as out:
            out.write("5b" * 32 + "\n")
        os.chmod(path, 0o644)
        result = self.daemon.ctl("key", "rotate", "master", "--new-key-file",
                                 path, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("0600", result.stderr)
        os.unlink(path)

    def test_admins_rotate_over_http_but_name_no_files(self):
        answer = self.admin.post("/v1/keys/rotate", {"use": "code"})
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertEqual(answer.json()["version"], self.current("code"))
        self.assert_problem(self.admin.post("/v1/keys/master", {}), 403,
                            "forbidden")
        listed = self.admin.get("/v1/keys").json()["keys"]
        self.assertEqual({(k["use"], k["version"]): k["state"]
                          for k in listed}, self.versions())

    def test_senseless_orders_are_refused(self):
        for order, field in (({"use": "root"}, "use"),
                             ({"use": "pear"}, "use"),
                             ({"use": "data", "revoke_old": True},
                              "revoke_old"),
                             ({"use": "code", "revoke_old": 1}, "revoke_old"),
                             ({}, "use"), ({"use": "code", "x": 1}, "x")):
            with self.subTest(order=order):
                answer = self.admin.post("/v1/keys/rotate", order)
                self.assertEqual(answer.status, 422, repr(answer))
                self.assertEqual(answer.json()["field"], field)
        for arguments in (("rotate",), ("rotate", "root"), ("turn", "code"),
                          ("rotate", "code", "--no-wait"),
                          ("rotate", "data", "--revoke-old"),
                          ("rotate", "master", "--new-key-file", "rel.key")):
            with self.subTest(arguments=arguments):
                result = self.daemon.ctl("key", *arguments, check=False)
                self.assertEqual(result.returncode, 2)

    def test_key_changes_stand_in_the_audit_log(self):
        self.daemon.ctl("key", "rotate", "code", "--revoke-old")
        self.daemon.stop()
        events = [row[0] for row in self.daemon.sql(
            "SELECT event FROM audit WHERE event LIKE 'key_%' "
            "ORDER BY seq DESC LIMIT 2")]
        self.daemon.start()
        self.assertEqual(events[0], "key_retired")
        self.assertLessEqual(set(events), {"key_made", "key_retired"})


class Stopped(Case):
    """The same without a daemon."""

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def test_keys_are_listed_rotated_and_replaced(self):
        ctl = self.daemon.ctl
        self.assertEqual(rows_of(ctl("key", "list").stdout), {
            (use, 1): "current"
            for use in ("root", "data", "template", "code")})
        ctl("key", "rotate", "code")
        ctl("key", "rotate", "data", "--no-wait")
        ctl("key", "rotate", "master")
        rows = rows_of(ctl("key", "list").stdout)
        self.assertEqual(rows[("code", 1)], "valid")
        self.assertEqual(rows[("code", 2)], "current")
        self.assertEqual(rows[("data", 2)], "current")
        self.daemon.start()
        self.daemon.stop()

    def test_old_code_keys_are_destroyed_two_days_later(self):
        self.daemon.ctl("key", "rotate", "code")
        self.daemon.set_clock(2 * DAY_S + 3600)
        self.daemon.start()
        line = self.daemon.log.wait(
            lambda l: " event=code_keys_destroyed" in l)
        self.assertIsNotNone(line, self.daemon.log.text())
        rows = rows_of(self.daemon.ctl("key", "list").stdout)
        self.assertEqual(rows[("code", 1)], "destroyed")
        self.daemon.stop()

    def test_the_master_key_may_be_a_credential_of_systemd(self):
        key = os.path.join(self.daemon.folder, "master.key")
        folder = os.path.join(self.daemon.folder, "credentials")
        os.mkdir(folder)
        os.rename(key, os.path.join(folder, "kek"))
        os.chmod(os.path.join(folder, "kek"), 0o440)  # as systemd shows it
        self.daemon.env["CREDENTIALS_DIRECTORY"] = folder
        self.daemon.env["SMARTIDD_KEYS_MASTER_KEY_FILE"] = "credential:kek"
        self.daemon.start()
        self.daemon.stop()
        del self.daemon.env["CREDENTIALS_DIRECTORY"]
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait_exit(), 1)
        self.assert_logged("code=not_found")
        self.daemon.process = None


class UnderLoad(DaemonCase):
    def test_a_hundred_rotations_refuse_no_code_that_is_good(self):
        """D5 of the reliability notes, with the master key changed too."""
        _, credential = self.approved()
        stop = threading.Event()
        refused = []

        def clerk(_):
            while not stop.is_set():
                code = self.app.code(credential)["code"]
                answer = self.clerk.verify(code)
                if not answer["valid"]:
                    refused.append(answer)

        def rotate():
            for _ in range(100):
                self.assertEqual(self.admin.post(
                    "/v1/keys/rotate", {"use": "code"}).status, 200)
            for use in ("data", "template"):
                self.daemon.ctl("key", "rotate", use)
            self.daemon.ctl("key", "rotate", "master")

        def work(index):
            if index > 0:
                clerk(index)
                return
            try:
                rotate()
            finally:
                stop.set()

        threads(4, work)
        self.assertEqual(refused, [])
        fresh = self.app.enrol(person=holder())
        self.assertEqual(fresh["state"], "approved")
        self.assertTrue(self.clerk.verify(
            self.app.code(credential_of(fresh))["code"])["valid"])


if __name__ == "__main__":
    unittest.main()
