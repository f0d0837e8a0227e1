"""What an enrolment flood does to those who are being checked: a check's
latency while it lasts beside the same without it, in turns."""

import concurrent.futures
import os
import statistics
import threading

import checks
import load

CONNECTIONS = 32   # counters, each of which asks some 100 times a second
PAUSE_MS = 10
SENDERS = 6        # enrolments at once: more than the workers take


class Flood:
    """Enrolments, one after the other from each sender, until it is ended. The
    senders stand back behind the load that is measured, as they would be on
    another machine."""

    def __init__(self, bench, port):
        self.bench, self.port = bench, port
        self.over, self.count = threading.Event(), 0
        self.pool = concurrent.futures.ThreadPoolExecutor(
            SENDERS, initializer=lambda: os.setpriority(
                os.PRIO_PROCESS, threading.get_native_id(), 10))
        self.running = [self.pool.submit(self.send) for _ in range(SENDERS)]

    def send(self):
        done = 0
        while not self.over.is_set():
            self.bench.enrol(self.port)
            done += 1
        return done

    def end(self):
        """How many were enrolled."""
        self.over.set()
        done = sum(one.result() for one in self.running)
        self.pool.shutdown()
        return done


def measure(bench):
    bench.say("%d rounds of %d s of checks, without and with enrolments" % (
        bench.rounds, bench.seconds))
    server = bench.start()
    code = bench.make_code(server)
    script = load.write_script(bench.folder, bench.keys["clerk"], [code],
                               PAUSE_MS)
    bench.enrol(server.port)   # the workers have their buffers
    runs = {"without": [], "with": []}
    enrolled = 0
    for _ in range(bench.rounds):
        runs["without"].append(load.wrk(server, script, CONNECTIONS,
                                        bench.seconds))
        flood = Flood(bench, server.port)
        runs["with"].append(load.wrk(server, script, CONNECTIONS,
                                     bench.seconds))
        enrolled += flood.end()
    for name, column in runs.items():
        run = checks.median(column)
        bench.row("%.0f checks per second, p50 / p99 / p99.9 %s enrolments, ms"
                  % (run.rate, name), "%.1f / %.1f / %.1f" % (
                      run.p50_ms, run.p99_ms, run.p999_ms))
    bench.row("p99 of a check in a flood of enrolments, ratio",
              "%.1f" % statistics.median(
                  flooded.p99_ms / quiet.p99_ms for quiet, flooded in
                  zip(runs["without"], runs["with"])), "2")
    bench.row("enrolled in the flood", "%d" % enrolled)
    server.end()
