"""Checks per second: the daemon beside a bare libmicrohttpd, one that syncs a
line first, one that writes a row of SQLite's, and an nginx that all answer a
constant, in turns; and rows on disk, many to a commit beside one."""

import os
import sqlite3
import statistics
import time

import load
import servers

CONNECTIONS = (32, 256)
RATIO = {32: "0.45", 256: "0.55"}   # aims
P99_MS = {32: "3", 256: "10"}
CPU_US = {32: "", 256: "25"}
CURVE = (1, 8, 32, 128, 256)        # connections of the plot
ROW = ("verification", "cli_" + "0" * 26, "crd_" + "0" * 26, "valid",
       "id=ver_%s purpose=train_ticket counter=12" % ("0" * 26), b"m" * 32)


def synced_write_us(folder):
    """What the disk takes to write 4 KiB and sync them, at this moment."""
    path = os.path.join(folder, "sync")
    took = []
    with open(path, "wb", buffering=0) as out:
        for _ in range(20):
            began = time.perf_counter()
            out.write(b"x" * 4096)
            os.fdatasync(out.fileno())
            took.append(time.perf_counter() - began)
    os.unlink(path)
    return statistics.median(took) * 1e6


def median(runs):
    """Of each figure by itself."""
    return load.Run(*[statistics.median(column) for column in zip(*runs)])


def rounds(bench, script, contenders):
    """Runs by (name, connections); the order turns, so that a busy machine
    hurts all of them."""
    runs = {}
    for _ in range(bench.rounds):
        bench.syncs.append(synced_write_us(bench.folder))
        for connections in CONNECTIONS:
            for name, server in contenders:
                runs.setdefault((name, connections), []).append(
                    load.wrk(server, script, connections, bench.seconds))
    return {key: median(value) for key, value in runs.items()}


def tell(bench, runs, names):
    for connections in CONNECTIONS:
        ours = runs["daemon", connections]
        at = " at %d connections" % connections
        bench.row("checks per second, audited on disk," + at,
                  "%.0f" % ours.rate)
        for name in names[1:]:
            other = runs[name, connections]
            bench.row("constant answers per second, %s,%s" % (name, at),
                      "%.0f" % other.rate)
            bench.row("ratio to %s,%s" % (name, at),
                      "%.2f" % (ours.rate / other.rate),
                      RATIO[connections] if name == names[1] else "")
        bench.row("p50 / p99 / p99.9 of a check, ms," + at,
                  "%.1f / %.1f / %.1f" % (ours.p50_ms, ours.p99_ms,
                                          ours.p999_ms),
                  "p99 " + P99_MS[connections])
        bench.row("daemon CPU per check (s per 1000: the same in ms), us," +
                  at, "%.0f" % ours.cpu_us, CPU_US[connections])
        for name in names[1:]:
            other = runs[name, connections]
            bench.row("p99, ms / CPU, us, of a constant of %s,%s" % (name, at),
                      "%.1f / %.0f" % (other.p99_ms, other.cpu_us))


def measure(bench):
    bench.say("%d rounds of %d s of checks" % (bench.rounds, bench.seconds))
    server = bench.start()
    code = bench.make_code(server)
    size = bench.check_once(server.port, code)
    script = load.write_script(bench.folder, bench.keys["clerk"], [code])
    bare = servers.bare(bench.bin, size, bench.folder)
    durable = servers.durable(bench.bin, size, bench.folder)
    rows = servers.durable(bench.bin, size, bench.folder, "rows")
    nginx = servers.Nginx(size, bench.folder)
    bench.servers += [bare, durable, rows, nginx]
    contenders = [("daemon", server), ("libmicrohttpd", bare),
                  ("libmicrohttpd and a line synced", durable),
                  ("libmicrohttpd and a row of SQLite's", rows)]
    if nginx.pid is not None:
        contenders.append(("nginx", nginx))
    peak = servers.Peak(server.pid, 0.5)
    runs = rounds(bench, script, contenders)
    peak_mib = peak.end()
    tell(bench, runs, [name for name, _ in contenders])
    bench.row("memory peak while checking, MiB", "%.0f" % peak_mib)
    bench.row("synced write of 4 KiB, us",
              "%.0f" % statistics.median(bench.syncs))
    if bench.plots:
        curve = [(c, load.wrk(server, script, c, bench.seconds))
                 for c in CURVE]
        bench.plot("latency", "Latency of a check against load",
                   "checks per second", "ms",
                   {name: [(run.rate, getattr(run, field))
                           for _, run in curve]
                    for name, field in (("p50", "p50_ms"), ("p99", "p99_ms"),
                                        ("p99.9", "p999_ms"))})
    bench.check_once(server.port, code)
    for one in (server, bare, durable, rows, nginx):
        one.end()


# ---- commits ---------------------------------------------------------------
def rows_per_second(folder, per_commit, seconds):
    path = os.path.join(folder, "commits.db")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, at_us "
        "INTEGER, event TEXT, actor TEXT, subject TEXT, outcome TEXT, detail "
        "TEXT, mac BLOB)")
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(per_commit):
            connection.execute("INSERT INTO audit VALUES (NULL, 0, ?, ?, ?, ?,"
                               " ?, ?)", ROW)
        connection.execute("COMMIT")
        count += per_commit
    took = time.perf_counter() - began
    connection.close()
    return count / took


def commits(bench):
    """What a batch gains, with SQLite alone."""
    bench.say("rows of the audit log, one and 64 to a commit")
    took = {1: [], 64: []}
    for _ in range(bench.rounds):
        for per_commit, rates in took.items():
            rates.append(rows_per_second(bench.folder, per_commit, 1))
    one, many = (statistics.median(rates) for rates in took.values())
    bench.row("SQLite rows per second, one to a commit", "%.0f" % one)
    bench.row("SQLite rows per second, 64 to a commit", "%.0f" % many)
    bench.row("what commits of 64 gain, ratio", "%.0f" % (many / one))
