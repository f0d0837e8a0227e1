"""Load from the right side and the wrong one: clerks who check codes as fast as
they are answered, clients that are slow, and crowds that enrol at once."""

import concurrent.futures
import json
import os
import re
import socket
import ssl
import statistics
import subprocess
import threading
import time

import photos
from faceproc import metric
from harness import SLOW, form, holder, threads
from http_raw import head_bytes, multipart

LUA = """wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer %s"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
function response(status, headers, body)
    if status ~= 200 or not body:find('"valid":true') then
        print("WRONG " .. status .. " " .. body)
    end
end
"""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Checks:
    """One run of checks that must all be valid. Seconds: p99, slowest."""

    def __init__(self, case, code, seconds, connections=4, base=None):
        """base: where, if not straight at the daemon."""
        self.case = case
        base = base or "http://127.0.0.1:%d" % case.daemon.port
        script = os.path.join(case.daemon.folder, "checks.lua")
        body = json.dumps({"code": code, "purpose": "train_ticket"})
        with open(script, "w", encoding="ascii") as out:
            out.write(LUA % (case.keys["clerk"], json.dumps(body)))
        self.process = subprocess.Popen(
            ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds,
             "--timeout", "%ds" % (30 * SLOW), "--latency", "-s", script,
             base + "/v1/verifications"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def running(self):
        return self.process.poll() is None

    def end(self):
        text = self.process.communicate()[0]
        self.case.assertEqual(self.process.returncode, 0, text)
        for word in ("WRONG", "Non-2xx", "Socket errors"):
            self.case.assertNotIn(word, text, text[-2000:])
        self.count = int(re.search(r"(\d+) requests in", text).group(1))
        self.p99 = self._time(r"99%\s+([\d.]+)(us|ms|s|m)\b", text)
        self.slowest = self._time(
            r"Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s|m)\b", text)
        return self

    @staticmethod
    def _time(pattern, text):
        found = re.search(pattern, text)
        return float(found.group(1)) * _UNITS[found.group(2)]


class Crawlers:
    """Clients that send a head, a body, or take answers, byte by byte, and
    begin anew when they are cut off; until end() is called. begun: how many
    connections they have had."""

    LARGE = "/metrics"  # an answer that does not fit into buffers
    SLICES = 100  # those of one have their turn at once; own choice

    def __init__(self, case, count):
        self.case = case
        self.count = count
        self.over = threading.Event()
        kind, body = multipart(form(holder(), *photos.pair(1)))
        head = head_bytes("POST", "/v1/enrollments", case.app.headers(
            {"Content-Type": kind}), body)
        large = head_bytes("GET", self.LARGE)
        self.ways = (
            (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", b"a" * 10000),
            (head, body),
            (large * 12, large * 100))
        self.begun = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        crawling = [self.start(number) for number in range(self.count)]
        turn = 0
        # Each five times a second; not all at once, as clients that know
        # nothing of each other would not.
        while not self.over.wait(0.2 / self.SLICES):
            for number in range(turn, self.count, self.SLICES):
                sock, rest = crawling[number]
                try:
                    # Also those that only read: who has been cut off learns
                    # it by sending.
                    sock.send(rest[:1])
                    crawling[number] = (sock, rest[1:])
                    if not sock.recv(1):
                        raise ConnectionError
                except (BlockingIOError, ssl.SSLWantReadError,
                        ssl.SSLWantWriteError):
                    pass
                except OSError:
                    sock.close()
                    crawling[number] = self.start(number)
            turn = (turn + 1) % self.SLICES
        for sock, _ in crawling:
            sock.close()

    def start(self, number):
        time.sleep(0.003)  # they are slow, not a flood
        first, rest = self.ways[number % 3]
        sock = socket.socket()
        # Small, so that an answer that is not taken stays with the sender,
        # whose buffer is some segments.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        sock.settimeout(30 * SLOW)
        try:
            sock = self.connect(sock)
            self.begun += 1
            sock.setblocking(False)
            sock.send(first)
        except OSError:
            pass  # seen when it sends
        return sock, rest

    def connect(self, sock):
        sock.connect(("127.0.0.1", self.case.daemon.port))
        return sock

    def connections(self):
        """How many the other side has."""
        return metric(self.case.daemon, "smartidd_http_connections")

    def wait(self):
        """Until nine of ten are there: some are about to begin anew."""
        end = time.monotonic() + 30 * SLOW
        while self.connections() < 0.9 * self.count:
            self.case.assertLess(time.monotonic(), end, "they are not there")
            self.over.wait(0.1)
        return self

    def end(self):
        self.over.set()
        self.thread.join()


def by_turns(case, checks, crawlers, turns):
    """Checks alone and beside slow clients, by turns, as the disk is faster in
    one minute than in the next; says what it found. checks, crawlers: start
    them. Both medians of the p99, and how many connections were begun."""
    quiet, crowded, begun = [], [], 0
    for _ in range(turns):
        quiet.append(checks().end())
        slow = crawlers()
        case.addCleanup(slow.end)
        slow.wait()
        crowded.append(checks().end())
        slow.wait()
        slow.end()
        begun += slow.begun
    print("p99 quiet %s ms, beside %d slow ones (%d begun in all) %s ms; %d "
          "checks, no error" % (
              " ".join("%.1f" % (one.p99 * 1000) for one in quiet), slow.count,
              begun, " ".join("%.1f" % (one.p99 * 1000) for one in crowded),
              sum(one.count for one in crowded)))
    return [statistics.median(one.p99 for one in each)
            for each in (quiet, crowded)] + [begun]


class Crowd:
    """Enrolments from many connections at once, again and again."""

    def __init__(self, case, count, seconds):
        self.case = case
        self.until = time.monotonic() + seconds
        self.statuses = {}
        self.refusals = []  # seconds until a 503 came
        self.lock = threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.future = self.pool.submit(threads, count, self.enrol)

    def enrol(self, who):
        pair = photos.photo(who, photos.SLOW), photos.photo(who)
        while time.monotonic() < self.until:
            began = time.monotonic()
            answer = self.case.app.submit(holder(), *pair)
            took = time.monotonic() - began
            with self.lock:
                self.statuses[answer.status] = \
                    self.statuses.get(answer.status, 0) + 1
                if answer.status == 503:
                    self.refusals.append(took)
            if answer.status == 503:
                assert int(answer.header("retry-after")) >= 1, repr(answer)
                assert answer.code() == "queue_full", repr(answer)
                time.sleep(0.5)  # a fourth of what it is asked to wait

    def end(self):
        self.future.result()
        self.pool.shutdown()
        self.refusals.sort()
        return self

    def refusal_s(self, percent):
        """Within that time so many of a hundred 503 came."""
        return self.refusals[len(self.refusals) * percent // 100]
