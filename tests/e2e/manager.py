"""A service manager for tests: hears what the daemon tells it, hands it
listening sockets, and restarts it while clients keep coming."""

import fcntl
import os
import re
import socket
import tempfile
import threading
import time

import photos
from harness import SLOW, Daemon, credential_of, form, holder, multipart
from http_raw import Closed, head_bytes

# Gives $0... the descriptors 3 on, for a process whose id is known only then.
HAND_OVER = ('n=3; for fd in $HANDED; do eval "exec $n<&$fd"; n=$((n + 1)); '
             'done; export LISTEN_PID=${LISTEN_PID:-$$}; exec "$@"')


class Notices:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, case, abstract=False):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        case.addCleanup(self.sock.close)
        self.folder = tempfile.TemporaryDirectory(prefix="sid-notify-")
        case.addCleanup(self.folder.cleanup)
        path = os.path.join(self.folder.name, "socket")
        self.name = "@" + path[1:] if abstract else path
        self.sock.bind("\0" + path[1:] if abstract else path)

    def next(self, limit_s=20, scale=SLOW):
        """The next datagram as a dict, or None."""
        self.sock.settimeout(limit_s * scale)
        try:
            data = self.sock.recv(4096)
        except (TimeoutError, socket.timeout):
            return None
        return dict(line.split("=", 1) for line in data.decode().split("\n"))

    def wait(self, key, limit_s=20):
        """The next one with that key, others being dropped."""
        end = time.monotonic() + limit_s * SLOW
        while time.monotonic() < end:
            notice = self.next(max(0.01, end - time.monotonic()), 1)
            if notice is not None and key in notice:
                return notice
        raise AssertionError("no " + key)

    def drop_all(self):
        self.sock.setblocking(False)
        try:
            while True:
                self.sock.recv(4096)
        except BlockingIOError:
            pass


def listening(address="127.0.0.1", reuse_port=False, port=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((address, port))
    sock.listen(4096)
    return sock


def hand_over(daemon, sockets, **variables):
    """From its next start on the daemon inherits these sockets (or files)."""
    # Away from the numbers that they will have in the daemon.
    copies = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 60)
              for s in sockets]
    daemon.prefix = ["bash", "-c", HAND_OVER, "bash"]
    daemon.pass_fds = tuple(copies)
    daemon.env["HANDED"] = " ".join(str(fd) for fd in copies)
    daemon.env["LISTEN_FDS"] = str(len(sockets))
    daemon.env["LISTEN_FDNAMES"] = ":".join("http" for _ in sockets)
    daemon.env.update(variables)
    return copies


class Load:
    """Clients that do not know that the daemon is restarted. Each counts what
    was answered as it must be, and keeps what was not."""

    def __init__(self, daemon, key, code, app_key):
        self.daemon = daemon
        self.key, self.code = key, code
        self.app = daemon.api(app_key)
        self.halt = threading.Event()
        self.lock = threading.Lock()
        self.done = {"verify": 0, "kept": 0, "enrol": 0, "retried": 0}
        self.failed = []
        self.told = {"verify": [], "enrol": []}  # ids
        self.slowest_s = 0.0
        self.threads = []

    def count(self, what, began=None):
        with self.lock:
            self.done[what] += 1
            if began is not None:
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def fail(self, what, why):
        with self.lock:
            self.failed.append("%s: %s" % (what, why))

    def verify(self):
        """A connection for each check, as from a proxy without keep-alive."""
        began = time.monotonic()
        answer = self.daemon.api(self.key).post(
            "/v1/verifications", {"code": self.code, "purpose": "train_ticket"})
        if answer.status != 200 or not answer.json()["valid"]:
            raise ValueError(repr(answer))
        self.told["verify"].append(answer.json()["id"])
        self.count("verify", began)

    def kept(self):
        """One connection as long as it lives. When it ends between two
        requests a GET may be sent again (RFC 9110 9.2.2), on a fresh one."""
        began = time.monotonic()
        fresh = self.connection is None
        if fresh:
            self.connection = self.daemon.connect()
        try:
            answer = self.connection.request("GET", "/version")
        except (Closed, OSError):
            self.connection.close()
            self.connection = None
            if fresh:
                raise
            self.count("retried")
            return
        if answer.status != 200:
            raise ValueError(repr(answer))
        if answer.header("connection") == "close":
            self.connection.close()
            self.connection = None
        self.count("kept", began)

    def enrol(self):
        """Two photos in a body that is sent in two halves."""
        kind, body = multipart(form(holder(), photos.photo(1),
                                    photos.photo(1)))
        head = self.app.headers({"Content-Type": kind})
        with self.daemon.connect() as connection:
            connection.send(head_bytes("POST", "/v1/enrollments", head, body))
            connection.send(body[:len(body) // 2])
            self.halt.wait(0.01)
            connection.send(body[len(body) // 2:])
            answer = connection.answer("POST")
        if answer.status not in (201, 202):
            raise ValueError(repr(answer))
        self.told["enrol"].append(answer.json()["id"])
        self.count("enrol")
        self.halt.wait(0.1)  # faces take their time

    def run(self, what, work):
        while not self.halt.is_set():
            try:
                work()
            except Exception as error:  # noqa: B902 - all of them count
                self.fail(what, "%s %s" % (type(error).__name__, error))
                self.halt.wait(0.05)

    def __enter__(self):
        self.connection = None
        works = [("verify", self.verify)] * 4 + [("kept", self.kept),
                                                 ("enrol", self.enrol)]
        self.threads = [threading.Thread(target=self.run, args=work)
                        for work in works]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.halt.set()
        for thread in self.threads:
            thread.join()
        if self.connection is not None:
            self.connection.close()

    def made(self):
        with self.lock:
            return min(self.done[k] for k in ("verify", "kept", "enrol"))


def inherits(case, daemon, sockets):
    """From its next start on the daemon inherits so many, of one port."""
    first = listening(reuse_port=sockets > 1)
    port = first.getsockname()[1]
    held = [first] + [listening(reuse_port=True, port=port)
                      for _ in range(sockets - 1)]
    for sock in held:
        case.addCleanup(sock.close)
    for fd in hand_over(daemon, held):
        case.addCleanup(os.close, fd)


def lost(daemon, load):
    """What the clients were told and a stopped daemon has no row of."""
    rows = {row[0] for row in daemon.sql("SELECT id FROM enrolment")}
    for row in daemon.sql(
            "SELECT detail FROM audit WHERE event = 'verification'"):
        rows.update(re.findall(r"ver_\w+", row[0]))
    return [one for one in load.told["enrol"] + load.told["verify"]
            if one not in rows]


def under_load(daemon, count):
    """Restarts a new daemon that often, under load; returns the load, and the
    longest stop in seconds."""
    daemon.start()
    enrolment = daemon.api(daemon.keys["app"]).enrol()
    code = daemon.api(daemon.keys["app"]).code(credential_of(enrolment))["code"]
    longest = 0.0
    with Load(daemon, daemon.keys["clerk"], code, daemon.keys["app"]) as load:
        for _ in range(count):
            # Each life serves each kind, so that each stop meets all of them.
            goal = load.made() + 1
            end = time.monotonic() + 30 * SLOW
            while load.made() < goal and time.monotonic() < end and \
                    not load.failed:
                time.sleep(0.002)
            began = time.monotonic()
            daemon.stop()
            longest = max(longest, time.monotonic() - began)
            daemon.start()
    daemon.stop()
    return load, longest


def restarts(case, count, sockets=1):
    """Restarts a daemon on inherited sockets that often, under load; returns
    the load, for its figures, and the longest stop in seconds."""
    daemon = Daemon(keys=True)
    case.addCleanup(daemon.close)
    inherits(case, daemon, sockets)
    load, longest = under_load(daemon, count)
    case.assertEqual(load.failed, [])
    case.assertGreaterEqual(load.made(), count)
    case.assertEqual(lost(daemon, load), [], "acknowledged and lost")
    return load, longest
