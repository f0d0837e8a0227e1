#!/usr/bin/env python3
"""Measures the daemon on this machine, beside servers that answer a constant.

Usage: bench.py --bin DIR [--seconds S] [--rounds N] [--json FILE]
[--plots FOLDER] [--sizes N,N,...] [--store postgres]. Standard library only, wrk for the load.
Environment: DATA, MODEL_DIR. Prints a table in Markdown, as it stands in
README.md.

Rounds of the servers take turns, so that a busy machine hurts all of them;
medians are told. Figures that wait for the disk stand beside what a synced
write of 4 KiB takes at that moment: at more than a millisecond the disk was
busy, and the run says little."""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time

import checks
import enrolment
import fairness
import growth
import plot
import stores
from daemon import Daemon

DISK_BUSY_US = 1000   # an idle disk of this kind takes 200 to 250


def machine():
    """One line about what was measured on."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return "%d cores of %s, Linux %s, load %.1f" % (
        os.cpu_count(), model, platform.release().split("-")[0],
        os.getloadavg()[0])


class Bench(Daemon):
    """The settings of a run, and the rows it has found."""

    def __init__(self, options, folder):
        super().__init__(options.bin, folder)
        self.seconds = options.seconds
        self.rounds = options.rounds
        self.plots = options.plots
        self.rows = []
        self.syncs = []

    @staticmethod
    def say(text):
        print("bench: " + text, file=sys.stderr, flush=True)

    def row(self, what, value, aim=""):
        self.rows.append((what, value, aim))

    def plot(self, name, title, x_label, y_label, lines):
        os.makedirs(self.plots, exist_ok=True)
        with open(os.path.join(self.plots, name + ".svg"), "w",
                  encoding="utf-8") as out:
            out.write(plot.svg(title, x_label, y_label, lines))

    def table(self):
        print("| what | measured | aim |\n|---|---|---|")
        for row in self.rows:
            print("| %s | %s | %s |" % row)
        print("\n" + machine())
        if statistics.median(self.syncs) > DISK_BUSY_US:
            print("The disk was busy: the checks per second of this run say"
                  " little.")

    def write_json(self, path):
        with open(path, "w", encoding="utf-8") as out:
            out.write(json.dumps({"machine": machine()}) + "\n")
            for what, value, aim in self.rows:
                out.write(json.dumps({"what": what, "measured": value,
                                      "aim": aim}) + "\n")


def measure(bench, sizes, store):
    if store:
        stores.measure(bench)
        return
    if sizes:
        growth.measure(bench, sizes)
        return
    bench.say("making 12-megapixel photos, settings and keys")
    bench.prepare()
    bench.make_photos()
    checks.measure(bench)
    checks.commits(bench)
    enrolment.measure(bench)
    fairness.measure(bench)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seconds", type=int, default=4,
                        help="of one run of checks (default 4)")
    parser.add_argument("--rounds", type=int, default=3,
                        help="of all servers (default 3)")
    parser.add_argument("--json", help="a file for the rows, one a line")
    parser.add_argument("--plots", help="a folder for SVG plots")
    parser.add_argument("--sizes", help="measure databases of so many "
                        "credentials instead, for example 10000,1000000")
    parser.add_argument("--store", choices=["postgres"], help="measure checks "
                        "on a server beside SQLite instead")
    options = parser.parse_args()
    sizes = [int(size) for size in (options.sizes or "").split(",") if size]
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix="smartid-bench-")
    bench = Bench(options, folder)
    try:
        measure(bench, sizes, options.store)
        bench.table()
        if options.json:
            bench.write_json(options.json)
        bench.say("%.0f s in all" % (time.monotonic() - began))
    finally:
        for server in bench.servers:
            server.end()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
