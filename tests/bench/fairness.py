"""What an enrolment flood does to those who are being checked: a check's
latency while it lasts beside the same without it, in turns."""

import concurrent.futures
import os
import statistics
import threading

import checks
import load
import servers

CONNECTIONS = 32   # counters, each of which asks some 100 times a second
PAUSE_MS = 10
SENDERS = 6        # enrolments at once: more than the workers take
ANSWER_BYTES = 400  # of those beside it, about a check's


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


def ratio(column):
    """Of p99 in the flood to p99 without it."""
    return statistics.median(flooded.p99_ms / quiet.p99_ms
                             for quiet, flooded in column)


def measure(bench):
    bench.say("%d rounds of %d s of checks, without and with enrolments; and "
              "of servers that take no enrolments, beside the same" % (
                  bench.rounds, bench.seconds))
    server = bench.start()
    code = bench.make_code(server)
    script = load.write_script(bench.folder, bench.keys["clerk"], [code],
                               PAUSE_MS)
    bench.enrol(server.port)   # the workers have their buffers
    # What busy cores do to whoever answers, whatever is done for it.
    folder = os.path.join(bench.folder, "beside")
    os.mkdir(folder)
    rows = servers.durable(bench.bin, ANSWER_BYTES, folder, "rows")
    bare = servers.bare(bench.bin, ANSWER_BYTES, folder)
    runs = {asked: [] for asked in (server, rows, bare)}
    enrolled = 0
    for _ in range(bench.rounds):
        for asked, column in runs.items():
            quiet = load.wrk(asked, script, CONNECTIONS, bench.seconds)
            flood = Flood(bench, server.port)
            flooded = load.wrk(asked, script, CONNECTIONS, bench.seconds)
            column.append((quiet, flooded))
            done = flood.end()
            enrolled += done if asked is server else 0
    for name, column in zip(("without", "with"), zip(*runs[server])):
        run = checks.median(column)
        bench.row("%.0f checks per second, p50 / p99 / p99.9 %s enrolments, ms"
                  % (run.rate, name), "%.1f / %.1f / %.1f" % (
                      run.p50_ms, run.p99_ms, run.p999_ms))
    bench.row("p99 of a check in a flood of enrolments, ratio",
              "%.1f" % ratio(runs[server]), "2")
    bench.row("the same of a libmicrohttpd with a row in SQLite, of one with a "
              "constant, beside that flood",
              "%.1f, %.1f" % (ratio(runs[rows]), ratio(runs[bare])))
    bench.row("p99 of those, without and in the flood, ms", "; ".join(
        "%.1f and %.1f" % tuple(checks.median(column).p99_ms
                                for column in zip(*runs[asked]))
        for asked in (rows, bare)))
    bench.row("enrolled in the flood", "%d" % enrolled)
    for asked in runs:
        asked.end()
