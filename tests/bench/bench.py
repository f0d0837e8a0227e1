#!/usr/bin/env python3
"""Measures the daemon: checks per second beside a bare libmicrohttpd, CPU time
of an enrolment, memory, time to ready. Usage: bench.py --bin DIR [--seconds S].
Standard library only, wrk for the load. Environment: DATA, MODEL_DIR.

Rounds of the daemon and of the bare server take turns, so that a busy machine
hurts both; medians are told. Beside the figures that wait for the disk stands
what a synced write of 4 KiB takes at that moment: at more than a millisecond
the disk was busy, and the run says little."""

import argparse
import concurrent.futures
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid

CONNECTIONS = 32      # keep-alive, of wrk
ROUNDS = 3            # of each server
STARTS = 5            # to tell the time to ready
ENROLMENTS = 10       # one by one, for the CPU time
PARALLEL = 50         # at once, for the memory
WORKERS = 2
PHOTO_SIZE = "4000x3000"   # 12 megapixels, as phones make them
WAIT_S = 60
DISK_BUSY_US = 1000   # an idle disk of this kind takes 200 to 250

LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = %s
wrk.body = %s
"""


def say(text):
    print("bench: " + text, flush=True)


def number_of(index):
    """A valid ID number of somebody born in 1880 (GB 11643-1999)."""
    digits = "44052418800101%03d" % index
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    total = sum(int(d) * w for d, w in zip(digits, weights))
    return digits + "10X98765432"[total % 11]


def family(pid):
    """The daemon and its face processes, which are all its children."""
    pids = [pid]
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task),
                  encoding="ascii") as stream:
            pids += [int(child) for child in stream.read().split()]
    return pids


def cpu_s(pid):
    """User and system time of the family so far, ended children included."""
    ticks = 0
    for one in family(pid):
        with open("/proc/%d/stat" % one, encoding="ascii") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(pid):
    """Memory of the family: proportional set sizes, as it shares much; where
    those may not be read (not root), resident ones, which count it twice."""
    kib = 0
    for one in family(pid):
        try:
            with open("/proc/%d/smaps_rollup" % one,
                      encoding="ascii") as stream:
                found = re.search(r"^Pss:\s+(\d+) kB", stream.read(), re.M)
        except PermissionError:
            with open("/proc/%d/status" % one, encoding="ascii") as stream:
                found = re.search(r"^VmRSS:\s+(\d+) kB", stream.read(), re.M)
        kib += int(found.group(1))
    return kib / 1024


class Peak(threading.Thread):
    """The most memory the family has had, looked at all the time."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.mib, self.over = pid, 0.0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            try:
                self.mib = max(self.mib, memory_mib(self.pid))
            except (FileNotFoundError, ProcessLookupError, AttributeError):
                continue   # one of them has just ended

    def end(self):
        self.over.set()
        self.join()
        return self.mib


def synced_write_us(folder):
    """Median time of a synced append of 4 KiB."""
    path = os.path.join(folder, "sync")
    times = []
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for _ in range(100):
        began = time.perf_counter()
        os.write(handle, b"x" * 4096)
        os.fdatasync(handle)
        times.append(time.perf_counter() - began)
    os.close(handle)
    os.unlink(path)
    return statistics.median(times) * 1e6


class Server:
    """A process that serves until it is ended; what it says goes to a file, as
    nobody reads a pipe while the load runs."""

    def __init__(self, command, env, ready, folder):
        path = os.path.join(folder, os.path.basename(command[0]) + ".log")
        began = time.perf_counter()
        with open(path, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=dict(os.environ, **env))
        while True:
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
            found = re.search(ready, text)
            if found:
                break
            if self.process.poll() is not None or \
                    time.perf_counter() - began > 60:
                self.process.kill()
                sys.exit("bench: %s did not start:\n%s" % (command[0],
                                                           text[-2000:]))
            time.sleep(0.002)
        self.ready_s = time.perf_counter() - began
        self.port = int(found.group(1))
        self.pid = self.process.pid

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Bench:
    def __init__(self, options, folder):
        self.bin = os.path.abspath(options.bin)
        self.seconds = options.seconds
        self.folder = folder
        self.photos = os.path.join(os.environ.get("DATA", ".data"), "photos")
        self.models = os.path.abspath(
            os.environ.get("MODEL_DIR", ".data/models"))
        self.rows = []
        self.next_number = 0
        self.servers = []
        self.sync_us = 0.0

    def run(self, program, *arguments):
        result = subprocess.run(
            [os.path.join(self.bin, program), *arguments], check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit("bench: %s: %s" % (program, result.stderr))
        return result.stdout.strip()

    def row(self, what, value, aim):
        self.rows.append((what, value, aim))

    # ---- the daemon ------------------------------------------------------
    def start(self, **settings):
        env = {"SMARTIDD_HTTP_LISTEN_PORT": "0",
               "SMARTIDD_FACE_WORKERS": str(WORKERS),
               "SMARTIDD_LIMITS_CLERK_PER_MINUTE": "0"}
        env.update(settings)
        server = Server([os.path.join(self.bin, "smartidd"), "-c",
                         self.config], env, r"event=ready.* port=(\d+)",
                        self.folder)
        self.servers.append(server)
        return server

    def prepare(self):
        say("making 12-megapixel photos, settings and keys")
        self.run("smartidctl", "init", "--dir", self.folder, "--model-dir",
                 self.models)
        self.config = os.path.join(self.folder, "smartidd.conf")
        self.keys = {}
        for role, more in (("app", []),
                           ("clerk", ["--purpose", "train_ticket"])):
            self.keys[role] = "Bearer " + self.run(
                "smartidctl", "-c", self.config, "client", "add", "--role",
                role, "--name", "bench", *more)
        card = os.path.join(self.folder, "card.jpg")
        selfie = os.path.join(self.folder, "selfie.jpg")
        self.run("mkphoto", "card",
                 os.path.join(self.photos, "franck_01829.jpg"), card,
                 "--models", self.models, "--size", PHOTO_SIZE)
        self.run("mkphoto", "scale",
                 os.path.join(self.photos, "franck_04000.jpg"), selfie,
                 "--size", PHOTO_SIZE)
        self.files = []
        for name, path in (("id_photo", card), ("selfie", selfie)):
            with open(path, "rb") as stream:
                self.files.append((name, stream.read()))
        say("card %d KiB, selfie %d KiB" % tuple(
            len(data) // 1024 for _, data in self.files))

    # ---- requests ----------------------------------------------------------
    def enrolment(self):
        """Content type and body of an enrolment with a number of its own."""
        holder = {"name": "Zhang Yangben",
                  "id_number": number_of(self.next_number),
                  "consent": {"version": "2026-01",
                              "given_at": "2026-01-05T08:00:00Z"}}
        self.next_number += 1
        boundary = uuid.uuid4().hex
        head = "--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n" \
            "Content-Type: %s\r\n\r\n"
        body = (head % (boundary, "holder", "", "application/json")).encode()
        body += json.dumps(holder).encode() + b"\r\n"
        for name, data in self.files:
            body += (head % (boundary, name, '; filename="%s.jpg"' % name,
                             "image/jpeg")).encode() + data + b"\r\n"
        body += ("--%s--\r\n" % boundary).encode()
        return "multipart/form-data; boundary=" + boundary, body

    def enrol(self, port, request=None):
        """Until it is taken: one over the limits is asked to come again."""
        kind, body = request or self.enrolment()
        while True:
            status, text, again_s = self.enrol_once(port, kind, body)
            if status != 503:
                break
            time.sleep(again_s)
        if status != 201:
            raise RuntimeError("enrolment: %d %s" % (status, text))
        return json.loads(text)

    def enrol_once(self, port, kind, body):
        connection = http.client.HTTPConnection("127.0.0.1", port,
                                                timeout=120)
        connection.request("POST", "/v1/enrollments", body, {
            "Authorization": self.keys["app"], "Content-Type": kind,
            "Prefer": "wait=%d" % WAIT_S})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text, int(answer.getheader("Retry-After", "0"))

    def get(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path,
                           headers={"Authorization": self.keys["app"]})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return json.loads(text)

    def check_once(self, port, body):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/v1/verifications", body, {
            "Authorization": self.keys["clerk"],
            "Content-Type": "application/json"})
        answer = connection.getresponse().read()
        connection.close()
        if json.loads(answer).get("valid") is not True:
            raise RuntimeError("a check was not valid: %r" % answer)
        return len(answer)

    # ---- what is measured ----------------------------------------------------
    def time_to_ready(self):
        say("starting it %d times" % STARTS)
        times = []
        for _ in range(STARTS):
            server = self.start()
            times.append(server.ready_s)
            server.end()
        self.row("start to ready, s", "%.2f" % statistics.median(times),
                 "0.5")

    def idle_memory(self):
        server = self.start()
        time.sleep(1)   # what is still being touched after the start
        self.row("memory idle, %d workers, MiB" % WORKERS,
                 "%.0f" % memory_mib(server.pid), "200")
        server.end()

    def enrolment_cpu(self):
        say("%d enrolments, one by one" % ENROLMENTS)
        server = self.start(SMARTIDD_FACE_WORKERS="1")
        self.enrol(server.port)   # the first also warms up
        began, cpu = time.perf_counter(), cpu_s(server.pid)
        for _ in range(ENROLMENTS):
            self.enrol(server.port)
        cpu = (cpu_s(server.pid) - cpu) / ENROLMENTS
        wall = (time.perf_counter() - began) / ENROLMENTS
        server.end()
        self.row("CPU per enrolment, two 12-Mpx JPEGs, ms",
                 "%.0f" % (cpu * 1000), "150")
        self.row("  the client waits, ms", "%.0f" % (wall * 1000), "")

    def peak_memory(self):
        say("%d enrolments at once" % PARALLEL)
        server = self.start()
        requests = [self.enrolment() for _ in range(PARALLEL)]
        peak = Peak(server.pid)
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(lambda r: self.enrol(server.port, r), requests))
        took = time.perf_counter() - began
        self.row("memory peak, %d enrolments at once, MiB" % PARALLEL,
                 "%.0f" % peak.end(), "500")
        self.row("  enrolments per second", "%.1f" % (PARALLEL / took), "")
        server.end()

    def wrk(self, server, script):
        """Requests per second, p99 in ms, CPU microseconds per request."""
        cpu = cpu_s(server.pid)
        text = subprocess.run(
            ["wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % self.seconds,
             "--latency", "-s", script,
             "http://127.0.0.1:%d/v1/verifications" % server.port],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        cpu = cpu_s(server.pid) - cpu
        if "Non-2xx" in text or "Socket errors" in text:
            raise RuntimeError("wrk saw errors:\n" + text)
        count = int(re.search(r"(\d+) requests in", text).group(1))
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
        scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}[p99.group(2)]
        return rate, float(p99.group(1)) * scale, cpu / count * 1e6

    def checks(self):
        say("%d rounds of %d s of checks, %d connections" % (
            2 * ROUNDS, self.seconds, CONNECTIONS))
        server = self.start()
        credential = self.enrol(server.port)["credential_id"]
        code = self.get(server.port,
                        "/v1/credentials/%s/code" % credential)["code"]
        body = json.dumps({"code": code, "purpose": "train_ticket"})
        size = self.check_once(server.port, body)
        script = os.path.join(self.folder, "post.lua")
        with open(script, "w", encoding="ascii") as out:
            out.write(LUA % (json.dumps(self.keys["clerk"]),
                             json.dumps(body)))
        bare = Server([os.path.join(self.bin, "ceiling"), str(size), "2"],
                      {}, r"port=(\d+)\n", self.folder)
        self.servers.append(bare)
        ours, theirs, syncs = [], [], []
        for _ in range(ROUNDS):
            syncs.append(synced_write_us(self.folder))
            ours.append(self.wrk(server, script))
            theirs.append(self.wrk(bare, script))
        self.check_once(server.port, body)
        server.end()
        bare.end()
        mine = [statistics.median(column) for column in zip(*ours)]
        other = [statistics.median(column) for column in zip(*theirs)]
        self.row("checks per second, audited on disk", "%.0f" % mine[0], "")
        self.row("  p99, ms", "%.1f" % mine[1], "")
        self.row("  CPU per check, us", "%.0f" % mine[2], "")
        self.row("bare libmicrohttpd, requests per second", "%.0f" % other[0],
                 "")
        self.row("  p99, ms", "%.1f" % other[1], "")
        self.row("  CPU per request, us", "%.0f" % other[2], "")
        self.row("ratio", "%.2f" % (mine[0] / other[0]), "0.3")
        self.sync_us = statistics.median(syncs)
        self.row("synced write of 4 KiB, us", "%.0f" % self.sync_us, "")

    def table(self):
        width = max(len(what) for what, _, _ in self.rows)
        print()
        print("%-*s %10s %8s" % (width, "", "measured", "aim"))
        for what, value, aim in self.rows:
            print("%-*s %10s %8s" % (width, what, value, aim))
        if self.sync_us > DISK_BUSY_US:
            print("\nThe disk was busy: the checks per second of this run say"
                  " little.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seconds", type=int, default=4,
                        help="of one round of checks (default 4)")
    options = parser.parse_args()
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix="smartid-bench-")
    bench = Bench(options, folder)
    try:
        bench.prepare()
        bench.time_to_ready()
        bench.idle_memory()
        bench.enrolment_cpu()
        bench.peak_memory()
        bench.checks()
        bench.table()
        print("\n%.0f s in all" % (time.monotonic() - began))
    finally:
        for server in bench.servers:
            server.end()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
