"""Nothing personal where it does not belong: logs, database, errors."""

import glob
import os
import shutil
import unittest

import photos
from harness import (Case, Daemon, PURPOSES, SLOW, credential_of, form,
                     holder)
from http_raw import head_bytes, multipart


class Canaries(Case):
    """A run over good and bad ways with marks that must not turn up."""

    NAME = "Canary-Nightingale"
    CHINESE = "金丝雀夜莺"
    PHONE = "13911112222"
    PHOTO = "CANARY-IN-THE-PHOTO-7d1f"
    NOTE = "note that stays inside"

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(settings={"log.log_level": "debug"})
        cls.addClassCleanup(cls.daemon.close)
        cls.keys = {role: cls.daemon.add_client(role, "e2e " + role)
                    for role in ("app", "clerk", "officer")}
        cls.daemon.start()
        cls.secrets = set(cls.keys.values())
        cls.bodies = []
        cls.files = {}
        cls.run_all()
        cls.snapshot("running")
        cls.daemon.kill()
        cls.snapshot("killed")
        cls.daemon.start()
        cls.daemon.stop()
        cls.snapshot("stopped")
        cls.log = "\n".join(log.text() for log in cls.daemon.all_logs)

    @classmethod
    def snapshot(cls, when):
        for path in glob.glob(cls.daemon.folder + "/**", recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as stream:
                    cls.files[when + " " + os.path.basename(path)] = \
                        stream.read()

    @classmethod
    def photo(cls, who, flaw=photos.OK):
        return photos.photo(who, flaw, text=cls.PHOTO)

    @classmethod
    def run_all(cls):
        app = cls.daemon.api(cls.keys["app"])
        clerk = cls.daemon.api(cls.keys["clerk"])
        officer = cls.daemon.api(cls.keys["officer"])
        cls.numbers = set()
        for index, flaw in enumerate((photos.OK, photos.UNCLEAR,
                                      photos.UNCLEAR, photos.NO_FACE)):
            person = holder(cls.NAME if index % 2 else cls.CHINESE,
                            phone=cls.PHONE)
            cls.numbers.add(person["id_number"])
            answer = app.submit(person, cls.photo(index),
                                cls.photo(index, flaw), wait=30,
                                idempotency="canary-key-%d" % index)
            body = answer.json()
            cls.secrets.add(body["holder_secret"])
            if index == 1:
                officer.get("/v1/enrollments/" + body["id"])
                officer.get("/v1/enrollments/%s/photos/selfie" % body["id"])
                officer.post("/v1/enrollments/%s/decision" % body["id"],
                             {"decision": "approve", "reason": "seen"})
                body = app.get("/v1/enrollments/" + body["id"]).json()
            credential = credential_of(body)
            if credential is None:
                continue
            code = app.code(credential)["code"]
            cls.secrets.add(code)
            for purpose in PURPOSES:
                clerk.verify(code, purpose)
            app.get("/v1/credentials/%s/code" % credential,
                    {"Accept": "image/png"})
            cls.bad_ways(app, clerk, person, code)
            app.recover(credential, cls.photo(index + 1))
            cls.secrets.add(officer.change(credential, "recover", {
                "reason": "lost"}).json()["holder_secret"])
            app.revoke(credential, note="gone " + cls.NAME)
            clerk.verify(code)

    @classmethod
    def bad_ways(cls, app, clerk, person, code):
        """Requests that fail, with the marks in every place."""
        number = person["id_number"]
        bad_number = dict(person, id_number=number[:-1] + "?")
        cls.numbers.add(number[:-1] + "?")
        for change in (bad_number, dict(person, nickname=cls.NAME),
                       dict(person, name=cls.NAME * 20),
                       dict(person, consent=cls.NAME)):
            cls.bodies.append(app.submit(change, cls.photo(1), cls.photo(1),
                                         wait=30).body)
        app.submit(person, cls.photo(1), cls.photo(1), wait=30)
        for bad in ({"code": code, "purpose": cls.NAME},
                    {"code": cls.NAME, "purpose": "train_ticket"},
                    {"code": code, "purpose": "train_ticket",
                     "counter": cls.CHINESE + "\n"}):
            cls.bodies.append(clerk.post("/v1/verifications", bad).body)
        for path in ("/v1/" + cls.NAME, "/v1/enrollments/" + number,
                     "/v1/enrollments?state=" + number,
                     "/v1/credentials/%s/code?level=%s" % (number, number)):
            cls.bodies.append(app.get(path).body)
        for key in (cls.keys["app"][:-1] + "z", "sidh_" + "q" * 52):
            cls.secrets.add(key)
            cls.daemon.api(key).get("/v1/enrollments/enr_0")
        kind, body = multipart(form(person, cls.photo(1), cls.photo(1)))
        with cls.daemon.connect() as connection:
            connection.send(head_bytes(
                "POST", "/v1/enrollments",
                app.headers({"Content-Type": kind}), body) + body[:-100])

    def marks(self):
        out = [self.NAME, self.CHINESE, self.PHONE, self.PHOTO]
        return out + sorted(self.numbers) + sorted(self.secrets)

    def test_no_mark_is_in_the_log(self):
        for mark in self.marks():
            self.assertNotIn(mark, self.log)

    def test_no_secret_is_in_the_log_in_part(self):
        for secret in self.secrets:
            self.assertNotIn(secret[-30:], self.log)

    def test_no_mark_is_in_any_file_in_clear(self):
        for mark in self.marks():
            for data in (mark.encode(), mark.encode("utf-16-le")):
                for name, content in self.files.items():
                    self.assertNotIn(data, content, (mark, name))

    def test_the_photos_files_are_not_in_the_database_in_clear(self):
        for name, content in self.files.items():
            self.assertNotIn(b"\x89PNG\r\n\x1a\n", content, name)
            self.assertNotIn(b"IHDR", content, name)

    def test_errors_do_not_repeat_what_was_sent(self):
        for body in self.bodies:
            for mark in self.marks():
                self.assertNotIn(mark.encode(), body)

    def test_the_files_belong_to_their_owner_alone(self):
        for name in ("smartidd.db", "smartidd.db.heads", "master.key",
                     "smartidd.conf"):
            mode = os.stat(os.path.join(self.daemon.folder, name)).st_mode
            self.assertEqual(mode & 0o077, 0, name)

    def test_nothing_was_left_beside_the_known_files(self):
        allowed = ("smartidd.conf", "master.key", "smartidd.db",
                   "smartidd.db.lock", "smartidd.db.heads", "clock",
                   "smartidd.db-wal",
                   "smartidd.db-shm", "smartidd.db.photos")
        left = [n for n in os.listdir(self.daemon.folder)
                if n not in allowed]
        self.assertEqual(left, [])


class Hardened(Case):
    """What the process takes away from itself."""

    def test_it_leaves_no_core_and_lets_no_neighbour_look_in(self):
        daemon = Daemon()
        self.addCleanup(daemon.close)
        if os.geteuid() == 0:
            # As another user, who owns the files and could trace the process.
            other = 65534
            binary = os.path.join(daemon.folder, "smartidd")
            shutil.copy(daemon.binary, binary)
            for path in glob.glob(daemon.folder + "/*") + [daemon.folder]:
                os.chown(path, other, other)
            daemon.binary = binary
            daemon.prefix = ["setpriv", "--reuid=%d" % other,
                             "--regid=%d" % other, "--clear-groups", "--"]
        daemon.start()
        pid = daemon.process.pid
        with open("/proc/%d/limits" % pid, encoding="ascii") as stream:
            limits = stream.read()
        self.assertRegex(limits, r"Max core file size\s+0\s+0")
        if SLOW == 1.0:  # sanitizers look into themselves by the same means
            self.assertEqual(os.stat("/proc/%d/environ" % pid).st_uid, 0)
        daemon.stop()


if __name__ == "__main__":
    unittest.main()
