"""Start, memory, and what an enrolment costs."""

import concurrent.futures
import statistics
import time

import servers
from daemon import WORKERS

STARTS = 5       # to tell the time to ready
ENROLMENTS = 10  # one by one, for the CPU time
PARALLEL = 50    # at once, for the memory


def time_to_ready(bench):
    bench.say("starting it %d times" % STARTS)
    times = []
    for _ in range(STARTS):
        server = bench.start()
        times.append(server.ready_s)
        server.end()
    bench.row("start to ready, s", "%.2f" % statistics.median(times), "0.5")


def idle_memory(bench):
    server = bench.start()
    time.sleep(1)   # what is still being touched after the start
    bench.row("memory idle, %d workers, MiB" % WORKERS,
              "%.0f" % servers.memory_mib(server.pid), "120")
    server.end()


def cpu(bench):
    bench.say("%d enrolments, one by one" % ENROLMENTS)
    server = bench.start(SMARTIDD_FACE_WORKERS="1")
    bench.enrol(server.port)   # the first also warms up
    began, spent = time.perf_counter(), servers.cpu_s(server.pid)
    for _ in range(ENROLMENTS):
        bench.enrol(server.port)
    spent = (servers.cpu_s(server.pid) - spent) / ENROLMENTS
    wall = (time.perf_counter() - began) / ENROLMENTS
    server.end()
    bench.row("CPU per enrolment, two 12-Mpx JPEGs, ms",
              "%.0f" % (spent * 1000), "90")
    bench.row("an enrolment's client waits, ms", "%.0f" % (wall * 1000))


def peak_memory(bench):
    bench.say("%d enrolments at once" % PARALLEL)
    server = bench.start()
    requests = [bench.enrolment() for _ in range(PARALLEL)]
    peak = servers.Peak(server.pid)
    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda r: bench.enrol(server.port, r), requests))
    took = time.perf_counter() - began
    bench.row("memory peak, %d enrolments at once, MiB" % PARALLEL,
              "%.0f" % peak.end(), "400")
    bench.row("enrolments per second, %d at once" % PARALLEL,
              "%.1f" % (PARALLEL / took), "20")
    server.end()


def measure(bench):
    time_to_ready(bench)
    idle_memory(bench)
    cpu(bench)
    peak_memory(bench)
