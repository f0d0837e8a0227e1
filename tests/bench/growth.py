"""What a check costs as the database grows: a folder each with so many
credentials, made by mkcredentials, checked in turns."""

import os
import statistics
import tempfile
import time

import checks
import load
import servers
from daemon import Daemon

CODES = 2000        # different people that are checked
CONNECTIONS = 256


def sync(path):
    """What the generator wrote, so that no start waits for it."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Grown:
    def __init__(self, bench, count):
        self.count = count
        self.daemon = Daemon(bench.bin,
                             tempfile.mkdtemp(dir=bench.folder))
        self.daemon.prepare()
        database = os.path.join(self.daemon.folder, "smartidd.db")
        began = time.perf_counter()
        codes = self.daemon.run(
            "mkcredentials", database,
            os.path.join(self.daemon.folder, "master.key"), str(count),
            str(CODES)).split("\n")
        self.made_s = time.perf_counter() - began
        self.script = load.write_script(
            self.daemon.folder, self.daemon.keys["clerk"],
            [code for code in codes if code.startswith("SID1:")])
        self.bytes_each = os.path.getsize(database) / count
        sync(database)
        self.server = self.daemon.start()
        bench.servers.append(self.server)
        self.runs = []

    def check(self, seconds):
        self.runs.append(load.wrk(self.server, self.script, CONNECTIONS,
                                  seconds))


def tell(bench, grown, first):
    run = checks.median(grown.runs)
    name = "%d credentials: " % grown.count
    bench.row(name + "checks per second", "%.0f" % run.rate)
    bench.row(name + "ratio to %d" % first.count,
              "%.2f" % (run.rate / checks.median(first.runs).rate),
              "" if grown is first else "0.8")
    bench.row(name + "CPU per check, us", "%.0f" % run.cpu_us)
    bench.row(name + "start to ready, s", "%.2f" % grown.server.ready_s, "1")
    bench.row(name + "memory, MiB",
              "%.0f" % servers.memory_mib(grown.server.pid), "300")
    bench.row(name + "bytes each in the file", "%.0f" % grown.bytes_each)
    bench.row(name + "made in, s", "%.0f" % grown.made_s,
              "300" if grown.count >= 10000000 else "")


def measure(bench, sizes):
    grown = []
    for count in sizes:
        bench.say("making %d credentials" % count)
        grown.append(Grown(bench, count))
    bench.say("%d rounds of %d s, %d databases" % (
        bench.rounds, bench.seconds, len(grown)))
    for one in grown:
        one.check(1)   # pages come from the disk once
    for one in grown:
        one.runs.clear()
    for _ in range(bench.rounds):
        bench.syncs.append(checks.synced_write_us(bench.folder))
        for one in grown:
            one.check(bench.seconds)
    for one in grown:
        tell(bench, one, grown[0])
    if bench.plots:
        bench.plot("growth", "CPU of a check against the database's size",
                   "credentials", "us",
                   {"daemon": [(one.count, checks.median(one.runs).cpu_us)
                               for one in grown]})
    for one in grown:
        one.server.end()
    return statistics.median(bench.syncs)
