#!/usr/bin/env python3
"""Runs the end-to-end tests: each file in a process of its own, a few at a
time. Usage: run.py [--bin DIR] [-k PATTERN] [-j N] [--real | --fake-only]
[--instrumented] [--brief] [FILE...]. Prints the failures and, last, `N passed, N failed`."""

import argparse
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

# One file's; far beyond what any takes: what never ends must end as a failure.
# Those of tests/slow say how much longer they may take (FILE_LIMIT_S).
FILE_LIMIT_S = int(os.environ.get("FILE_LIMIT_S", "900"))
# Left out of instrumented builds: set-up, demo and installation are scripts;
# what the next two do with real faces, tests/unit/photo does under sanitizers,
# and what they do with the daemon, the tests with fake faces do; a failing
# allocator cannot stand before the sanitizers'; a page is for the browser.
PLAIN_ONLY = ("test_real_setup.py", "test_real_demo.py",
              "test_real_install.py", "test_real_story.py",
              "test_real_models.py", "test_memory.py", "test_docs.py")
# Left out besides where time is short (`make asan` has them): they repeat what
# shorter tests do once, or start programs by the hundred, which costs most.
LONG = ("test_faceproc_load.py", "test_load.py", "test_kill.py",
        "test_crash.py", "test_ctl.py", "test_real_ctl.py", "test_soak.py")
# The longest begin first, so that none runs alone at the end.
LONGEST = ("test_crash.py", "test_real_story.py", "test_service.py",
           "test_real_demo.py", "test_ctl.py", "test_real_ctl.py",
           "test_erase.py", "test_disk.py", "test_faceproc_load.py",
           "test_kill.py", "test_load.py", "test_limits.py", "test_ops.py",
           "test_leaks.py", "test_audit.py")
HERE = os.path.dirname(os.path.abspath(__file__))


def short(error):
    """The traceback without unittest's own frames."""
    kind, value, trace = error
    frames = [f for f in traceback.extract_tb(trace)
              if os.sep + "unittest" + os.sep not in f.filename]
    return "".join(traceback.format_list(frames) +
                   traceback.format_exception_only(kind, value))


class Collector(unittest.TestResult):
    """Keeps what the parent process prints."""

    def __init__(self):
        super().__init__()
        self.passed = []
        self.failed = []
        self.began = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.broken = False

    def _fail(self, test, error):
        self.broken = True
        self.failed.append([str(test), short(error)])

    def addSuccess(self, test):
        if not self.broken:
            self.passed.append([str(test), time.monotonic() - self.began])

    def addFailure(self, test, err):
        self._fail(test, err)

    def addError(self, test, err):
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._fail(subtest, err)

    def addSkip(self, test, reason):
        self.failed.append([str(test), "skipped: " + reason +
                            " (skips are not allowed)\n"])


def give_up(_number, _frame):
    signal.alarm(60)  # for the cleaning up
    raise TimeoutError("the tests of this file do not end")


def run_one(path, pattern, out):
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(FILE_LIMIT_S)
    sys.path[:0] = [os.path.dirname(path), HERE]
    loader = unittest.TestLoader()
    if pattern:
        loader.testNamePatterns = ["*%s*" % pattern]
    result = Collector()
    try:
        module = __import__(os.path.splitext(os.path.basename(path))[0])
        loader.loadTestsFromModule(module).run(result)
    except Exception:  # a file that does not load has failed
        result.failed.append([path, traceback.format_exc()])
    with open(out, "w", encoding="utf-8") as stream:
        json.dump({"passed": result.passed, "failed": result.failed}, stream)


def collect(path, out, code):
    try:
        with open(out, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return {"passed": [],
                "failed": [[path, "the test process ended with %d\n" % code]]}


def report(name, result, seconds, verbose):
    print("%-24s %3d passed, %d failed (%.1f s)" % (
        name, len(result["passed"]), len(result["failed"]), seconds),
        flush=True)
    if verbose:
        for test, took in result["passed"]:
            print("    %6.2f s  %s" % (took, test))
    for test, text in result["failed"]:
        print("FAILED %s\n%s" % (test, text), flush=True)


def run_all(paths, options):
    environment = dict(os.environ)
    if options.bin:
        environment["E2E_BIN"] = os.path.abspath(options.bin)
    waiting = list(paths)
    running = []
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="sid-e2e-") as folder:
        environment["E2E_TEMPLATES"] = folder
        while waiting or running:
            while waiting and len(running) < options.jobs:
                path = waiting.pop(0)
                out = os.path.join(folder, os.path.basename(path) + ".json")
                command = [sys.executable, os.path.abspath(__file__),
                           "--one", path, "--out", out]
                if options.pattern:
                    command += ["-k", options.pattern]
                running.append((path, out, time.monotonic(),
                                subprocess.Popen(command, env=environment)))
            # Whichever child ends first: none is polled for.
            pid, status = os.wait()
            for entry in list(running):
                path, out, began, child = entry
                if child.pid != pid:
                    continue
                child.returncode = os.waitstatus_to_exitcode(status)
                running.remove(entry)
                result = collect(path, out, child.returncode)
                report(os.path.basename(path), result,
                       time.monotonic() - began, options.verbose)
                passed += len(result["passed"])
                failed += len(result["failed"])
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", help="folder of the binaries")
    parser.add_argument("-k", dest="pattern", help="only tests named like it")
    # One more than cores: much of their time they wait.
    parser.add_argument("-j", dest="jobs", type=int,
                        default=(os.cpu_count() or 1) + 1)
    parser.add_argument("-v", dest="verbose", action="store_true")
    parser.add_argument("--real", action="store_true",
                        help="only the tests with real faces")
    parser.add_argument("--fake-only", action="store_true",
                        help="only the tests with the fake face engine")
    parser.add_argument("--instrumented", action="store_true",
                        help="without what sanitizers see elsewhere")
    parser.add_argument("--brief", action="store_true",
                        help="without what takes long and repeats")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    if options.one:
        run_one(options.one, options.pattern, options.out)
        return 0
    paths = [os.path.abspath(f) for f in options.files] or \
        sorted(glob.glob(os.path.join(HERE, "test_*.py")))
    left_out = (PLAIN_ONLY if options.instrumented else ()) + \
        (LONG if options.brief else ())
    paths = [p for p in paths if os.path.basename(p) not in left_out]
    real = [p for p in paths if os.path.basename(p).startswith("test_real_")]
    fake = [p for p in paths if p not in real]
    chosen = real if options.real else fake if options.fake_only else paths
    chosen.sort(key=lambda p: LONGEST.index(os.path.basename(p))
                if os.path.basename(p) in LONGEST else len(LONGEST))
    began = time.monotonic()
    passed, failed = run_all(chosen, options)
    print("%.1f s, seed %s" % (time.monotonic() - began,
                               os.environ.get("E2E_SEED", "20261123")))
    if passed + failed == 0:
        print("no test was found")
        failed = 1
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
