"""What every end-to-end test stands on: the daemon as a process, smartidctl,
and a small client of the API.

Nothing here sleeps to synchronise: the daemon's own log lines are waited for,
and answers are waited for by the API's own means (Prefer: wait). Environment:
E2E_BIN (folder of the binaries), E2E_ROOT (project root), E2E_SEED (seed of
random choices; printed when a test fails), E2E_SLOW (factor on time limits).
"""

import atexit
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import photos
from daemon_log import Log, parse_line
from http_raw import Connection, multipart

ROOT = os.environ.get("E2E_ROOT", os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
BIN = os.path.abspath(os.environ.get("E2E_BIN", os.path.join(ROOT, "build")))
SEED = int(os.environ.get("E2E_SEED", "20261123"))


def _slowness():
    """Sanitizers make everything slower; so do limits on time then."""
    if "E2E_SLOW" in os.environ:
        return float(os.environ["E2E_SLOW"])
    for name in ("smartidd-fake", "smartidd"):
        path = os.path.join(BIN, name)
        if os.path.exists(path):
            with open(path, "rb") as stream:
                content = stream.read()
            return 5.0 if b"__asan_init" in content or \
                b"__tsan_init" in content or \
                b"__ubsan_handle" in content else 1.0
    return 1.0


SLOW = _slowness()
# Folder for what all files of a run share; run.py makes it.
TEMPLATES = os.environ.get("E2E_TEMPLATES") or tempfile.mkdtemp(prefix="sid-")
if "E2E_TEMPLATES" not in os.environ:
    atexit.register(shutil.rmtree, TEMPLATES)
MODEL_DIR = os.path.abspath(
    os.environ.get("MODEL_DIR", os.path.join(ROOT, ".data", "models")))
DATA = os.path.abspath(os.environ.get("DATA", os.path.join(ROOT, ".data")))

START_LIMIT_S = 30 * SLOW
STOP_LIMIT_S = 40 * SLOW

SANITIZER = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|"
    r"event=assert_failed|terminate called")

PURPOSES = {
    "household_registration": {"name", "id_number", "birth_date", "sex",
                               "region"},
    "bank_account": {"name", "id_number", "birth_date", "sex"},
    "train_ticket": {"name", "id_number"},
    "drivers_licence": {"name", "id_number", "birth_date", "sex"},
    "hotel_check_in": {"name", "id_number", "age_over_18"},
    "security_check": {"name_masked", "id_number_masked", "age_over_18"},
    "emergency_service": {"name", "birth_date", "sex"},
    "immigration_service": {"name", "id_number", "birth_date", "sex",
                            "region"},
}
ROLES = ("app", "clerk", "officer", "admin")
SETTLED = ("approved", "review", "rejected", "failed")


def program(name):
    return os.path.join(BIN, name)


def clean_environment(extra=None):
    """The caller's environment without settings of the daemon."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("SMARTIDD_")}
    env.update(extra or {})
    return env


def run_tool(*arguments, check=True, env=None, timeout=120, binary=None,
             text=True):
    """Runs smartidctl (or another binary) to its end."""
    result = subprocess.run(
        [binary or program("smartidctl"), *arguments], text=text,
        capture_output=True, timeout=timeout * SLOW, check=False,
        stdin=subprocess.DEVNULL, env=clean_environment(env))
    if check and result.returncode != 0:
        raise AssertionError("%s exited with %d: %s%s" % (
            " ".join(arguments), result.returncode, result.stdout,
            result.stderr))
    errors = result.stderr if text else result.stderr.decode("latin-1")
    if SANITIZER.search(errors):
        raise AssertionError("sanitizer report of %s:\n%s" % (arguments,
                                                              errors))
    return result


def fresh_folder(keys=False):
    """A new data folder as `smartidctl init` makes it, and the keys in it: one
    of each role, or none. It is made once for all files of a run and copied."""
    base = os.path.join(TEMPLATES, "keys" if keys else "empty")
    while not os.path.exists(base):
        try:
            os.mkdir(base + ".made")  # by one process; others wait for its end
        except FileExistsError:
            time.sleep(0.01)
        else:
            make_template(base, keys)
    folder = tempfile.mkdtemp(prefix="sid-")
    shutil.copytree(base, folder, dirs_exist_ok=True)
    config = os.path.join(folder, "smartidd.conf")
    with open(config, encoding="utf-8") as stream:
        text = stream.read()
    with open(config, "w", encoding="utf-8") as stream:
        stream.write(text.replace(base + ".made", folder))
    with open(os.path.join(base + ".json"), encoding="utf-8") as stream:
        return folder, json.load(stream)


def make_template(base, keys):
    daemon = Daemon(folder=base + ".made")
    try:
        daemon.init()
        made = {role: daemon.add_client(role) for role in ROLES} if keys else {}
        with open(base + ".json", "w", encoding="utf-8") as stream:
            json.dump(made, stream)
        shutil.copytree(base + ".made", base + ".new")
        os.rename(base + ".new", base)
    finally:
        shutil.rmtree(base + ".made")


class Daemon:
    """One data folder and the process on it. keys: with one of each role."""

    def __init__(self, binary="smartidd-fake", env=None, settings=None,
                 folder=None, keys=False):
        self.binary = program(binary)
        self.prefix = []  # a command that runs it
        self.pass_fds = ()  # descriptors that it inherits
        self.own_folder = folder is None
        self.keys = {}
        self.folder = folder
        if folder is None:
            self.folder, self.keys = fresh_folder(keys)
        self.config = os.path.join(self.folder, "smartidd.conf")
        self.database = os.path.join(self.folder, "smartidd.db")
        self.clock_file = os.path.join(self.folder, "clock")
        self.env = {
            "SMARTIDD_HTTP_LISTEN_PORT": "0",
            "SMARTIDD_FACE_WORKERS": "2",
            # Tests show wrong keys all the time; those of the limit set it.
            "SMARTIDD_LIMITS_AUTH_FAILURES_PER_MINUTE": "0",
            # Tests check more often than any clerk.
            "SMARTIDD_LIMITS_CLERK_PER_MINUTE": "0",
            # Tests send one person more often than people come.
            "SMARTIDD_LIMITS_ATTEMPTS_PER_DAY": "0",
        }
        if "clock" in binary or "fake" in binary:
            self.env["SMARTIDD_TEST_CLOCK"] = self.clock_file
        self.env.update(env or {})
        self.process = None
        self.log = None
        self.all_logs = []
        self.port = None
        self.expect_crash = False
        if folder is None:
            self.set_clock(0)
        for key, value in (settings or {}).items():
            section, name = key.split(".")
            self.env["SMARTIDD_%s_%s" % (section.upper(),
                                         name.upper())] = str(value)

    def init(self):
        models = ["--model-dir", MODEL_DIR] if os.path.isdir(MODEL_DIR) else []
        run_tool("init", "--dir", self.folder, *models)

    # ---- life ------------------------------------------------------------
    def spawn(self, *arguments):
        """Starts the process without waiting for anything."""
        self.process = subprocess.Popen(
            [*self.prefix, self.binary, "-c", self.config, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=clean_environment(self.env),
            pass_fds=self.pass_fds)
        self.log = Log(self.process.stderr)
        self.all_logs.append(self.log)
        return self

    def start(self):
        """Starts and waits until the daemon says that it is ready."""
        self.spawn()
        line = self.log.wait(lambda l: " event=ready" in l, START_LIMIT_S)
        if line is None:
            self.process.kill()
            self.process.wait()
            raise AssertionError("not ready:\n" + self.log.text()[-4000:])
        self.port = int(parse_line(line)["port"])
        return self

    def wait_exit(self, limit_s=STOP_LIMIT_S):
        code = self.process.wait(limit_s)
        self.log.thread.join(10)
        return code

    def stop(self, check=True):
        """SIGTERM; checks exit status 0 and that no sanitizer spoke."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.wait_exit()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("did not stop:\n" +
                                 self.log.text()[-4000:]) from None
        self.process = None
        self.check_log()
        if check and code != 0:
            raise AssertionError("exit status %d:\n%s" % (
                code, self.log.text()[-4000:]))

    def kill(self):
        """SIGKILL and wait."""
        self.process.kill()
        self.wait_exit()
        self.process = None
        self.check_log()

    def restart(self):
        self.stop()
        return self.start()

    def check_log(self):
        found = SANITIZER.search(self.log.text())
        if found and not self.expect_crash:
            raise AssertionError("the daemon reported %r:\n%s" % (
                found.group(0), self.log.text()[-8000:]))

    def close(self):
        """Ends everything and removes the folder."""
        try:
            if self.process is not None:
                self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def signal(self, number):
        self.process.send_signal(number)

    # ---- time -------------------------------------------------------------
    def set_clock(self, seconds):
        """Shifts the wall clock of a test build."""
        fresh = self.clock_file + ".new"
        with open(fresh, "w", encoding="ascii") as out:
            out.write("%d\n" % seconds)
        os.replace(fresh, self.clock_file)
        self.shift = seconds

    def now(self):
        return int(time.time()) + self.shift

    # ---- keys -------------------------------------------------------------
    def ctl(self, *arguments, **options):
        """Its smartidctl, with faces like its own."""
        tool = program("smartidctl" + "-fake" * self.binary.endswith("-fake"))
        return run_tool("-c", self.config, *arguments, binary=tool,
                        env=self.ctl_environment(), **options)

    def ctl_environment(self):
        return {}

    def add_client(self, role, name=None, purposes=(), expires=None,
                   networks=(), party=None, per_minute=None):
        """Makes a key and returns its text."""
        arguments = ["client", "add", "--role", role,
                     "--name", name or "e2e " + role]
        if role == "clerk" and not purposes:
            purposes = sorted(PURPOSES)
        for purpose in purposes:
            arguments += ["--purpose", purpose]
        for network in networks:
            arguments += ["--network", network]
        if per_minute:
            arguments += ["--per-minute", str(per_minute)]
        if party:
            arguments += ["--party", party]
        if expires:
            arguments += ["--expires", expires]
        out = self.ctl(*arguments).stdout
        keys = re.findall(r"sidk_[0-9A-Za-z]{12}_[0-9A-Za-z]{52}", out)
        if len(keys) != 1:
            raise AssertionError("no single key in %r" % out)
        return keys[0]

    def client_id(self, name):
        """The id of the client of that name, from client list."""
        for line in self.ctl("client", "list").stdout.splitlines():
            found = re.search(r"cli_[0-9A-Za-z]+", line)
            if found and name in line.replace(found.group(0), ""):
                return found.group(0)
        raise AssertionError("no client %r" % name)

    # ---- talking ----------------------------------------------------------
    def connect(self, timeout=60):
        return Connection(("127.0.0.1", self.port), timeout * SLOW)

    def request(self, method, path, headers=None, body=None, timeout=60):
        """One request on a connection of its own."""
        with self.connect(timeout) as connection:
            return connection.request(method, path, headers, body)

    def api(self, key=None):
        return Api(self, key)

    # ---- the database, after a stop ----------------------------------------
    def sql(self, query, *values):
        """Rows of a read-only query; only while no daemon runs."""
        if self.process is not None:
            raise AssertionError("the daemon runs")
        uri = "file:%s?mode=ro" % self.database
        with sqlite3.connect(uri, uri=True) as connection:
            rows = connection.execute(query, values).fetchall()
        connection.close()
        return rows


def form(holder, id_photo, selfie, challenge=None, frames=(),
         statement=None):
    """The parts of an enrolment, or with holder None of an appeal, and without
    an id_photo of a recovery."""
    def kind(data):
        return "image/png" if data[:4] == b"\x89PNG" else "image/jpeg"
    parts = []
    if holder is not None:
        parts.append(("holder", "application/json",
                      holder if isinstance(holder, bytes)
                      else json.dumps(holder).encode()))
    if id_photo is not None:
        parts.append(("id_photo", kind(id_photo), id_photo, "card.png"))
    parts.append(("selfie", kind(selfie), selfie, "selfie.png"))
    if challenge is not None:
        parts.append(("challenge_id", None, challenge.encode()))
    for i, frame in enumerate(frames, 1):
        parts.append(("frame_%d" % i, kind(frame), frame, "frame.png"))
    if statement is not None:
        parts.append(("statement", "text/plain", statement.encode()))
    return parts


_rng = random.Random(SEED ^ os.getpid())


def holder(name="Wang Example", id_number=None, **more):
    """A holder part; the number is valid and nobody's."""
    person = {"name": name,
              "id_number": id_number or photos.random_number(_rng),
              "consent": {"version": "2026-01",
                          "given_at": "2026-01-05T08:00:00Z"}}
    person.update(more)
    return person


class Api:
    """A client of the API with one key."""

    def __init__(self, daemon, key):
        self.daemon = daemon
        self.key = key

    def headers(self, more=None):
        out = {}
        if self.key is not None:
            out["Authorization"] = "Bearer " + self.key
        out.update(more or {})
        return out

    def get(self, path, headers=None, timeout=60):
        return self.daemon.request("GET", path, self.headers(headers),
                                   timeout=timeout)

    def post(self, path, value, headers=None):
        body = value if isinstance(value, bytes) else \
            json.dumps(value).encode()
        more = {"Content-Type": "application/json"}
        more.update(headers or {})
        return self.daemon.request("POST", path, self.headers(more), body)

    def challenge(self, steps=None):
        """A fresh challenge: id, steps, expires_at."""
        answer = self.post("/v1/challenges",
                           {} if steps is None else {"steps": steps})
        if answer.status != 201:
            raise AssertionError(repr(answer))
        return answer.json()

    def appeal(self, enrolment, id_photo, selfie, wait=None, **parts):
        """POST /v1/enrollments/{id}/appeal; returns the raw answer."""
        kind, body = multipart(form(None, id_photo, selfie, **parts))
        more = {"Content-Type": kind}
        if wait is not None:
            more["Prefer"] = "wait=%d" % wait
        return self.daemon.request(
            "POST", "/v1/enrollments/%s/appeal" % enrolment,
            self.headers(more), body, timeout=90)

    def delete(self, path, value=None):
        if value is None:
            return self.daemon.request("DELETE", path, self.headers())
        body = value if isinstance(value, bytes) else \
            json.dumps(value).encode()
        return self.daemon.request(
            "DELETE", path,
            self.headers({"Content-Type": "application/json"}), body)

    def submit(self, person, id_photo, selfie, wait=None, idempotency=None,
               headers=None, challenge=None, frames=()):
        """POST /v1/enrollments; returns the raw answer."""
        kind, body = multipart(form(person, id_photo, selfie, challenge,
                                    frames))
        more = {"Content-Type": kind}
        if wait is not None:
            more["Prefer"] = "wait=%d" % wait
        if idempotency is not None:
            more["Idempotency-Key"] = idempotency
        more.update(headers or {})
        return self.daemon.request("POST", "/v1/enrollments",
                                   self.headers(more), body, timeout=90)

    def enrol(self, who=1, person=None, id_flaw=photos.OK,
              selfie_flaw=photos.OK, wait=30):
        """Enrols and returns the settled enrolment as a dict, holder_secret
        included."""
        answer = self.submit(person or holder(),
                             photos.photo(who, id_flaw),
                             photos.photo(who, selfie_flaw), wait=wait)
        if answer.status not in (200, 201):
            raise AssertionError(repr(answer))
        return answer.json()

    def code(self, credential):
        answer = self.get("/v1/credentials/%s/code" % credential)
        if answer.status != 200:
            raise AssertionError(repr(answer))
        return answer.json()

    def verify(self, code, purpose="train_ticket", **more):
        answer = self.post("/v1/verifications",
                           dict(code=code, purpose=purpose, **more))
        if answer.status != 200:
            raise AssertionError(repr(answer))
        return answer.json()

    def settled(self, enrolment, wait=30):
        """The enrolment once it is settled."""
        answer = self.get("/v1/enrollments/" + enrolment,
                          {"Prefer": "wait=%d" % wait})
        end = time.monotonic() + wait * SLOW
        while answer.status == 200 and \
                answer.json()["state"] not in SETTLED and \
                time.monotonic() < end:
            answer = self.get("/v1/enrollments/" + enrolment,
                              {"Prefer": "wait=%d" % wait})
        if answer.status != 200:
            raise AssertionError(repr(answer))
        return answer.json()

    def revoke(self, credential, reason="lost", note=None):
        return self.change(credential, "revoke", {
            "reason": reason, **({} if note is None else {"note": note})})

    def recover(self, credential, selfie, **parts):
        """POST /v1/credentials/{id}/recover as an app; the raw answer."""
        kind, body = multipart(form(None, None, selfie, **parts))
        return self.daemon.request(
            "POST", "/v1/credentials/%s/recover" % credential,
            self.headers({"Content-Type": kind}), body, timeout=90)

    def change(self, credential, change, value=None):
        """POST /v1/credentials/{id}/suspend, /resume and so on."""
        return self.post("/v1/credentials/%s/%s" % (credential, change),
                         {} if value is None else value)


def credential_of(enrolment):
    """The id of the credential an enrolment's answer names, or None."""
    value = enrolment.get("credential_id")
    if value is None and isinstance(enrolment.get("credential"), dict):
        value = enrolment["credential"].get("id")
    return value or None


def reason_codes(enrolment):
    return [item["code"] for item in enrolment.get("reasons", [])]


class Case(unittest.TestCase):
    """A test that knows its seed."""

    maxDiff = None

    def rng(self):
        """A generator that depends on the seed and the test's name only."""
        return random.Random("%d %s" % (SEED, self.id()))

    def assert_logged(self, text, daemon=None):
        """Waits for a line with it: the log may be behind the answer."""
        log = (daemon or self.daemon).log
        self.assertIsNotNone(log.wait(lambda line: text in line),
                             "%r not in %s" % (text, log.text()))

    def assert_problem(self, answer, status, code=None):
        """An RFC 9457 problem document with all its members."""
        self.assertEqual(answer.status, status, repr(answer))
        self.assertEqual(answer.header("content-type", "").split(";")[0],
                         "application/problem+json", repr(answer))
        document = answer.json()
        for member in ("type", "title", "status", "detail", "code",
                       "request_id"):
            self.assertIn(member, document)
        self.assertEqual(document["status"], status)
        self.assertEqual(document["request_id"],
                         answer.header("x-request-id"))
        if code is not None:
            self.assertEqual(document["code"], code, repr(answer))
        return document


class DaemonCase(Case):
    """A test class with one daemon and one key of each role.

    Class attributes: BINARY, SETTINGS (section.name -> value), PREFIX (a
    command that runs it)."""

    BINARY = "smartidd-fake"
    SETTINGS = {}
    PREFIX = ()

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.BINARY, settings=cls.SETTINGS, keys=True)
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.prefix = list(cls.PREFIX)
        cls.keys = cls.daemon.keys
        cls.daemon.start()
        cls.app = cls.daemon.api(cls.keys["app"])
        cls.clerk = cls.daemon.api(cls.keys["clerk"])
        cls.officer = cls.daemon.api(cls.keys["officer"])
        cls.admin = cls.daemon.api(cls.keys["admin"])
        cls.nobody = cls.daemon.api(None)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def approved(self, **options):
        """An approved enrolment and its credential's id."""
        enrolment = self.app.enrol(**options)
        self.assertEqual(enrolment["state"], "approved", enrolment)
        credential = credential_of(enrolment)
        self.assertIsNotNone(credential, enrolment)
        return enrolment, credential


def threads(count, work):
    """Runs work(index) in `count` threads; re-raises the first error."""
    errors = []

    def run(index):
        try:
            work(index)
        except BaseException as error:  # noqa: B902 - handed to the caller
            errors.append(error)

    started = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    if errors:
        raise errors[0]
