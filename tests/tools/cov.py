#!/usr/bin/env python3
"""Reads what the tests have run through, and prints for each file of src/ how
many of its branches were taken, and which lines have one that was not. Usage:
cov.py BUILD [FILE...]: with files, the lines are told for these only, without,
for none. The last line is the total.

A branch is counted once, however many programs have it. Left out are asserts,
which hold, and what the compiler adds for exceptions."""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys


def read(data):
    """The files of one object's data, as gcov tells them."""
    result = subprocess.run(
        ["gcov", "--json-format", "--stdout", "--branch-probabilities",
         os.path.abspath(data)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
        cwd=os.getcwd())
    files = []
    for line in result.stdout.splitlines():
        files += json.loads(line)["files"]
    return files


def is_assert(source, number):
    """An assert may stand on several lines: gcov names its first."""
    return number <= len(source) and "SID_ASSERT" in source[number - 1]


def gather(build):
    """{file: {(line, function, place): times taken}}"""
    taken = collections.defaultdict(collections.Counter)
    sources = {}
    # Of a file that no test has run there is this half only.
    data = sorted(pathlib.Path(build, "src").rglob("*.gcno"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for files in pool.map(read, data):
            for file in files:
                name = os.path.relpath(file["file"])
                if not name.startswith("src/"):
                    continue
                if name not in sources:
                    sources[name] = pathlib.Path(name).read_text(
                        "utf-8").splitlines()
                for line in file["lines"]:
                    number = line["line_number"]
                    if is_assert(sources[name], number):
                        continue
                    function = line.get("function_name", "")
                    for place, branch in enumerate(line["branches"]):
                        if not branch["throw"]:
                            taken[name][number, function, place] += (
                                branch["count"])
    return taken


def main():
    taken = gather(sys.argv[1])
    asked = sys.argv[2:]
    all_run = all_there = 0
    for name in sorted(taken):
        branches = taken[name]
        there = len(branches)
        run = sum(count > 0 for count in branches.values())
        all_run += run
        all_there += there
        share = 100 * run / there if there else 100
        print("%6.1f %%  %4d of %4d  %s" % (share, run, there, name))
        if name in asked:
            lines = sorted({at[0] for at, n in branches.items() if n == 0})
            source = pathlib.Path(name).read_text("utf-8").splitlines()
            for number in lines:
                print("%10d: %s" % (number, source[number - 1].strip()))
    print("%.1f %% of branches: %d of %d" % (
        100 * all_run / max(all_there, 1), all_run, all_there))


if __name__ == "__main__":
    main()
