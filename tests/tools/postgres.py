#!/usr/bin/env python3
"""A PostgreSQL server for a test run: in a folder of its own that goes away
with it, on a Unix socket in that folder and nowhere else, as a user without
privileges. Usage: postgres.py COMMAND [ARGUMENT...] runs the command with
SID_TEST_PG, the URI of the server, in its environment."""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse

# Without syncs a server that is killed finds everything again, one whose machine
# loses its power does not: nearly all tests can do with that.
QUICK = ["fsync=off", "full_page_writes=off", "synchronous_commit=on"]
SAFE = ["fsync=on", "synchronous_commit=on"]


def binaries():
    """The folder of the newest server that is installed."""
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if not found:
        raise RuntimeError("no PostgreSQL server is installed: run make setup")
    return os.path.dirname(max(found, key=lambda path: int(path.split("/")[4])))


def free_port():
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


class Server:
    """Started when it is made; stop() takes it down and its folder away. port:
    it listens there on 127.0.0.1, too. of: another server, whose hot standby it
    is."""

    def __init__(self, durable=False, port=None, of=None):
        self.bin = binaries()
        self.folder = tempfile.mkdtemp(prefix="sidpg", dir="/tmp")
        self.data = os.path.join(self.folder, "data")
        # initdb and postgres refuse to run as root.
        self.user = "nobody" if os.geteuid() == 0 else None
        self.settings = (SAFE if durable else QUICK) + [
            "listen_addresses=" + ("127.0.0.1" if port else ""),
            "port=%d" % (port or 5432),
            "unix_socket_directories=" + self.folder,
            "max_connections=64", "shared_buffers=32MB",
            "autovacuum=off", "max_wal_size=256MB", "logging_collector=off"]
        os.chmod(self.folder, 0o700)
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.role = self.user or pwd.getpwuid(os.geteuid()).pw_name
        self.port = port
        try:
            if of:
                self.run("pg_basebackup", "-d", of.uri(), "-D", self.data,
                         "-R", "-X", "stream", "-c", "fast", "--no-sync")
            else:
                self.run("initdb", "-D", self.data, "-A", "trust",
                         "-U", self.role, "-E", "UTF8", "--locale=C.UTF-8",
                         "--no-sync")
            self.start()
        except BaseException:
            self.stop()
            raise

    def run(self, program, *arguments):
        """Runs one of the server's programs as its user."""
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        result = subprocess.run(
            [os.path.join(self.bin, program)] + list(arguments),
            user=self.user, cwd=self.folder, env=environment, check=False,
            extra_groups=[] if self.user else None,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        if result.returncode != 0:
            raise RuntimeError("%s: %s" % (
                program, result.stdout.decode("utf-8", "replace")))
        return result.stdout.decode("utf-8", "replace")

    def start(self):
        options = " ".join("-c %s" % setting for setting in self.settings)
        self.run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l",
                 os.path.join(self.folder, "log"), "-o", options, "start")

    def crash(self):
        """As a power cut leaves it."""
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def stop(self):
        try:
            self.run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")
        except RuntimeError:
            pass  # it is down already
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, schema=None):
        """Of the server, or of one schema in it."""
        query = {"host": self.folder, "user": self.role}
        if self.port:
            query["port"] = self.port
        if schema:
            query["options"] = "-csearch_path=" + schema
        return "postgresql:///postgres?" + urllib.parse.urlencode(
            query, quote_via=urllib.parse.quote)

    def sql(self, text, schema=None):
        """What psql answers, a row each line."""
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                        "-d", self.uri(schema), "-c", text).strip()


class Cable:
    """A way to a server out of a network namespace of its own, in which it
    seems to stand. Pulled, no answer comes out of there any more, not even to
    TCP; what is sent arrives. For root."""

    NEAR, FAR, PORT = "10.77.93.1", "10.77.93.2", 5433

    def __init__(self, server):
        self.server = server
        self.space = "sid%d" % os.getpid()
        self.link = "sidv%d" % os.getpid()
        self.process = None
        try:
            self.ip("netns", "add", self.space)
            self.ip("link", "add", self.link, "type", "veth", "peer", "name",
                    "far", "netns", self.space)
            self.ip("addr", "add", self.NEAR + "/30", "dev", self.link)
            self.ip("link", "set", self.link, "up")
            self.inside("addr", "add", self.FAR + "/30", "dev", "far")
            self.inside("link", "set", "far", "up")
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.space, sys.executable, "-c",
                 "import sys, time; sys.path.insert(0, sys.argv[1]);"
                 "import postgres; s = lambda: 0; s.folder = sys.argv[2];"
                 "l = postgres.Line(s, sys.argv[3], int(sys.argv[4]));"
                 "print(l.port, flush=True); time.sleep(10 ** 6)",
                 os.path.dirname(os.path.abspath(__file__)), server.folder,
                 self.FAR, str(self.PORT)], stdout=subprocess.PIPE)
            self.process.stdout.readline()
        except BaseException:
            self.end()
            raise

    def ip(self, *arguments):
        subprocess.run(["ip", *arguments], check=True)

    def inside(self, *arguments):
        self.ip("-n", self.space, *arguments)

    def uri(self, schema):
        return uri_of(self.server.role, self.FAR, self.PORT, schema)

    def pull(self):
        self.inside("route", "add", "blackhole", self.NEAR)

    def mend(self):
        self.inside("route", "del", "blackhole", self.NEAR)

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        subprocess.run(["ip", "link", "del", self.link], check=False)
        subprocess.run(["ip", "netns", "del", self.space], check=False)


def uri_of(role, host, port, schema):
    query = {"host": host, "port": port, "user": role,
             "options": "-csearch_path=" + schema}
    return "postgresql:///postgres?" + urllib.parse.urlencode(
        query, quote_via=urllib.parse.quote)


class Line:
    """A way to a server by TCP that can be cut: made by the test, which ends
    it. Nothing is lost while it is stopped: what was sent before comes late,
    as after a network that was only slow."""

    def __init__(self, server, host="127.0.0.1", port=0):
        self.server = server
        self.flows = threading.Event()
        self.flows.set()
        self.open = set()
        self.lock = threading.Lock()
        self.host = host
        self.port = port
        self.listener = None
        self.mend()

    def uri(self, schema):
        return uri_of(self.server.role, self.host, self.port, schema)

    def mend(self):
        """After cut() or stop()."""
        self.flows.set()
        if self.listener is None:
            self.listener = socket.create_server((self.host, self.port))
            self.port = self.listener.getsockname()[1]
            threading.Thread(target=self.accept, args=(self.listener,),
                             daemon=True).start()

    def stop(self):
        """From now on nothing arrives, and nobody is told."""
        self.flows.clear()

    def cut(self):
        """Connections break, and new ones are refused."""
        listener, self.listener = self.listener, None
        if listener is not None:
            # A close alone leaves it open while accept() waits.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self.lock:
            pairs = list(self.open)
        for one in pairs:
            one.close_both()

    def accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            pair = Pair(self, near)
            with self.lock:
                self.open.add(pair)
            threading.Thread(target=pair.run, daemon=True).start()


class Pair:
    """One connection by a line."""

    def __init__(self, line, near):
        self.line = line
        self.near = near
        self.far = socket.socket(socket.AF_UNIX)

    def close_both(self):
        for one in (self.near, self.far):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def carry(self, source, target):
        try:
            while True:
                data = source.recv(65536)
                self.line.flows.wait()
                if not data:
                    break
                target.sendall(data)
        except OSError:
            pass
        self.close_both()

    def run(self):
        try:
            self.line.flows.wait()
            self.far.connect(os.path.join(self.line.server.folder,
                                          ".s.PGSQL.5432"))
            back = threading.Thread(target=self.carry,
                                    args=(self.far, self.near), daemon=True)
            back.start()
            self.carry(self.near, self.far)
            back.join()
        except OSError:
            pass  # the server is away
        finally:
            with self.line.lock:
                self.line.open.discard(self)
            self.near.close()
            self.far.close()


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    # The server is in a session of its own: nobody else ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    server = Server()
    try:
        return subprocess.run(
            sys.argv[1:], check=False,
            env=dict(os.environ, SID_TEST_PG=server.uri())).returncode
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
