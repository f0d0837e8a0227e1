#!/usr/bin/env python3
"""Runs the unit tests: binaries of cmocka, a few at a time, each with a time
limit. Usage: run.py [-j N] BINARY... Prints the failures and, last,
`N passed, N failed`. A binary that is missing, crashes, hangs, has no test or
does not end all it began counts as a failure. STORE@BINARY runs a binary of
the store's tests on that store: memory or pgsql (see store_fixture.h). A skipped test is named and
counts as neither."""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

LIMIT_S = int(os.environ.get("UNIT_LIMIT_S", "300"))
RAN = re.compile(r"^\[=+\] (\d+) test\(s\) run\.", re.M)
BEGAN = re.compile(r"^\[=+\] Running (\d+) test\(s\)\.", re.M)
PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.", re.M)
SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) test\(s\)", re.M)


def total(pattern, text):
    return sum(int(n) for n in pattern.findall(text))


def run(binary):
    """Returns (binary, passed, failed, seconds, text to show or "")."""
    began = time.monotonic()
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="stdout")
    # Folder names in tests must not depend on where the tests are started.
    for name, default in (("DATA", ".data"), ("MODEL_DIR", ".data/models")):
        environment[name] = os.path.abspath(environment.get(name, default))
    store, _, program = binary.rpartition("@")
    if store:
        environment["SID_TEST_STORE"] = store
    environment["SMARTID_DATA"] = environment["DATA"]
    environment["SMARTID_TEST_DATA"] = os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
    try:
        result = subprocess.run(
            [program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment, timeout=LIMIT_S,
            check=False)
        text = result.stdout.decode("utf-8", "replace")
        end = "exit status %d" % result.returncode
        good = result.returncode == 0
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode("utf-8", "replace")
        end, good = "did not end within %d s" % LIMIT_S, False
    except OSError as error:
        text, end, good = "", str(error), False
    expected, passed = total(BEGAN, text), total(PASSED, text)
    failed = max(expected - passed - total(SKIPPED, text), 0)
    if good and (expected == 0 or total(RAN, text) != expected):
        end, good = "no test was run to its end", False
    if not good:
        failed = max(failed, 1)
    if failed == 0:
        text = "\n".join(line for line in text.splitlines()
                         if line.startswith("[  SKIPPED ]"))
    else:
        kept = [line for line in text.splitlines()
                if not line.startswith(("[ RUN      ]", "[       OK ]"))]
        text = "\n".join(kept[-80:] + [end])
    return binary, passed, failed, time.monotonic() - began, text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-j", dest="jobs", type=int, default=2)
    parser.add_argument("binaries", nargs="*")
    options = parser.parse_args()
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for binary, good, bad, seconds, text in pool.map(run,
                                                         options.binaries):
            store, _, program = binary.rpartition("@")
            name = "/".join(program.split("/")[-2:])
            name += " on " + store if store else ""
            print("%-32s %3d passed, %d failed (%.1f s)" % (
                name, good, bad, seconds), flush=True)
            if text:
                print(text, flush=True)
            passed += good
            failed += bad
    if passed + failed == 0:
        print("no test was found")
        failed = 1
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
