"""Checks on a PostgreSQL server beside SQLite, in turns: the same people, moved
from one to the other. With that what a move, a backup and a restore take, and
how much room a person has in each."""

import os
import shutil
import statistics
import sys
import time

import checks
import load
import servers
from daemon import Daemon

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "tools"))
import postgres  # noqa: E402 pylint: disable=wrong-import-position

PEOPLE = 100000
CODES = 2000          # different people that are checked
CONNECTIONS = (32, 256)
DAEMONS = (1, 2)      # on the server's database, side by side
WRITERS = 3           # connections of one more daemon there


class Both:
    """A file, and a server that has the same."""

    def __init__(self, bench):
        self.bench = bench
        self.daemon = Daemon(bench.bin, os.path.join(bench.folder, "lite"))
        os.mkdir(self.daemon.folder)
        self.daemon.prepare()
        self.file = os.path.join(self.daemon.folder, "smartidd.db")
        self.server = postgres.Server(durable=True)
        self.uri = self.server.uri()

    def took(self, *arguments):
        began = time.perf_counter()
        self.daemon.run("smartidctl", "-c", self.daemon.config, *arguments)
        return time.perf_counter() - began

    def fill(self):
        codes = self.daemon.run(
            "mkcredentials", self.file,
            os.path.join(self.daemon.folder, "master.key"), str(PEOPLE),
            str(CODES)).split("\n")
        return load.write_script(
            self.daemon.folder, self.daemon.keys["clerk"],
            [code for code in codes if code.startswith("SID1:")])

    def move(self):
        """There and back."""
        row = self.bench.row
        size = os.path.getsize(self.file)
        rows = 3 * PEOPLE
        there = self.took("migrate", "--quiet", "--from", self.file, "--to",
                          self.uri)
        back = os.path.join(self.daemon.folder, "back.db")
        home = self.took("migrate", "--quiet", "--from", self.uri, "--to",
                         back)
        os.unlink(back)
        self.server.sql("VACUUM FULL")
        server = int(self.server.sql(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE "
            "relkind = 'r' AND relnamespace = 'public'::regnamespace"))
        row("moved to the server and compared, rows/s", "%.0f" % (rows / there))
        row("moved back and compared, rows/s", "%.0f" % (rows / home))
        row("bytes of a person, SQLite / PostgreSQL",
            "%.0f / %.0f" % (size / PEOPLE, server / PEOPLE))

    def back_up(self):
        """Of a file, in which all seals are real."""
        os.unlink(self.file)
        config = self.daemon.config
        os.unlink(config)
        os.unlink(os.path.join(self.daemon.folder, "master.key"))
        self.daemon.run("smartidctl", "init", "--dir", self.daemon.folder)
        self.daemon.run("mkcredentials", self.file,
                        os.path.join(self.daemon.folder, "master.key"),
                        str(PEOPLE), str(PEOPLE))
        copy = os.path.join(self.daemon.folder, "copy")
        self.bench.row("backup of %d people, s" % PEOPLE,
                       "%.1f" % self.took("backup", "--to", copy))
        self.bench.row("restored and verified, s", "%.1f" % self.took(
            "restore", "--from", copy, "--database",
            os.path.join(self.daemon.folder, "restored.db")), "60")

    def back_up_server(self):
        """The same people on the server, by its own tools, as README has them.
        """
        server, copy = self.server, os.path.join(self.server.folder, "copy")
        server.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.took("migrate", "--quiet", "--from", self.file, "--to", self.uri)
        began = time.perf_counter()
        server.run("pg_basebackup", "-d", self.uri, "-D", copy, "-X", "stream",
                   "-c", "fast")
        server.run("pg_verifybackup", copy)
        self.bench.row("backup of %d people on a server, s" % PEOPLE,
                       "%.1f" % (time.perf_counter() - began))
        server.crash()
        shutil.rmtree(server.data)
        began = time.perf_counter()
        os.rename(copy, server.data)
        server.start()
        self.took("restore", "--verify", "--database", self.uri)
        self.bench.row("restored there and verified, s",
                       "%.1f" % (time.perf_counter() - began), "60")

    def start_one(self, on_server=None, writers=1):
        """A daemon on the file, or the one of this number on the server."""
        settings = {}
        if on_server is not None:
            folder = os.path.join(self.bench.folder, "server%d" % on_server)
            os.mkdir(folder)
            settings = {
                "SMARTIDD_STORE_DATABASE": self.uri,
                "SMARTIDD_STORE_PG_WRITERS": str(writers),
                "SMARTIDD_STORE_CONTROL_SOCKET": os.path.join(folder, "sock"),
                "SMARTIDD_AUDIT_HEAD_FILE": os.path.join(folder, "heads")}
        started = self.daemon.start(**settings)
        self.bench.servers.append(started)
        return started

    def contenders(self):
        """(name, daemons that the load is spread over)"""
        there = [self.start_one(i) for i in range(max(DAEMONS))]
        return [("SQLite", [self.start_one()])] + [
            ("PostgreSQL, %d daemon%s" % (n, "s" * (n > 1)), there[:n])
            for n in DAEMONS] + [
            ("PostgreSQL, 1 daemon with pg_writers = %d" % WRITERS,
             [self.start_one(max(DAEMONS), WRITERS)])]

    def server_cpu_s(self):
        with open(os.path.join(self.server.data, "postmaster.pid"),
                  encoding="ascii") as stream:
            return servers.cpu_s(int(stream.readline()))


def tell(bench, runs, server_cpu, name):
    for connections in CONNECTIONS:
        run = runs[name, connections]
        lite = runs["SQLite", connections]
        at = " at %d connections" % connections
        bench.row("%s: checks per second, audited on disk,%s" % (name, at),
                  "%.0f" % run.rate)
        if name != "SQLite":
            bench.row("%s: ratio to SQLite,%s" % (name, at),
                      "%.2f" % (run.rate / lite.rate))
        bench.row("%s: p50 / p99 / p99.9, ms,%s" % (name, at),
                  "%.1f / %.1f / %.1f" % (run.p50_ms, run.p99_ms,
                                          run.p999_ms))
        bench.row("%s: CPU per check, us: daemon%s,%s" % (
            name, "" if name == "SQLite" else " / server", at),
                  "%.0f" % run.cpu_us if name == "SQLite" else
                  "%.0f / %.0f" % (run.cpu_us,
                                   server_cpu[name, connections]))


def measure(bench):
    both = Both(bench)
    try:
        bench.say("making %d people, moving them to a server and back" %
                  PEOPLE)
        script = both.fill()
        both.move()
        contenders = both.contenders()
        bench.say("%d rounds of %d s of checks" % (bench.rounds,
                                                   bench.seconds))
        runs, server_cpu = {}, {}
        for _ in range(bench.rounds):
            bench.syncs.append(checks.synced_write_us(bench.folder))
            for connections in CONNECTIONS:
                for name, daemons in contenders:
                    before = both.server_cpu_s()
                    run = load.wrk_all(daemons, script, connections,
                                       bench.seconds)
                    used = both.server_cpu_s() - before
                    runs.setdefault((name, connections), []).append(run)
                    server_cpu.setdefault((name, connections), []).append(
                        used / (run.rate * bench.seconds) * 1e6)
        runs = {key: checks.median(value) for key, value in runs.items()}
        server_cpu = {key: statistics.median(value)
                      for key, value in server_cpu.items()}
        for name, _ in contenders:
            tell(bench, runs, server_cpu, name)
        bench.row("synced write of 4 KiB, us",
                  "%.0f" % statistics.median(bench.syncs))
        for server in bench.servers:
            server.end()
        both.back_up()
        both.back_up_server()
    finally:
        for server in bench.servers:
            server.end()
        both.server.stop()
