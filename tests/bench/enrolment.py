"""Start, memory, and what an enrolment costs."""

import concurrent.futures
import json
import statistics
import time

import load
import servers
from daemon import WORKERS

STARTS = 5       # to tell the time to ready
ENROLMENTS = 5   # one by one, for the CPU time, a round
PARALLEL = 50    # at once, for the memory
AT_ONCE = 8      # at once, for the rate: fewer than fill the queue
NETWORK_ROUNDS = 5


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


def networks(bench):
    """Bare networks and enrolments in one process: see enrol_cost.cpp."""
    return json.loads(bench.run(
        "bench-enrol", bench.models, bench.photo("card"),
        bench.photo("selfie"), str(NETWORK_ROUNDS)))


def at_most(bench):
    """Enrolments a second with each core at work on nothing but the networks,
    by our layers, and the least that libjpeg can do."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        alone = list(pool.map(lambda _: networks(bench), range(WORKERS)))
    return sum(1000 / (one["bare_ms"] + one["jpeg_ms"]) for one in alone)


def enrolments(bench, **settings):
    """CPU ms of the daemon and ms of the client's waiting, per enrolment."""
    server = bench.start(**settings)
    bench.enrol(server.port)   # the first also warms up
    began, spent = time.perf_counter(), servers.cpu_s(server.pid)
    for _ in range(ENROLMENTS):
        bench.enrol(server.port)
    spent = servers.cpu_s(server.pid) - spent
    took = time.perf_counter() - began
    server.end()
    return spent / ENROLMENTS * 1000, took / ENROLMENTS * 1000


def cost(bench):
    """In turns with the networks, so that a busy machine hurts both."""
    bench.say("%d rounds of %d enrolments, one by one, and of the networks "
              "alone" % (bench.rounds, ENROLMENTS))
    rounds = []
    for _ in range(bench.rounds):
        alone = networks(bench)
        cpu_ms, wall_ms = enrolments(bench, SMARTIDD_FACE_WORKERS="1")
        _, both_ms = enrolments(bench)
        rounds.append((cpu_ms, wall_ms, both_ms,
                       alone["stock_ms"], alone["bare_ms"],
                       cpu_ms / alone["stock_ms"], cpu_ms / alone["bare_ms"],
                       alone["ratio"], both_ms / alone["stock_ms"],
                       alone["jpeg_ms"]))
    (cpu, wall, both_wall, stock, bare, to_stock, to_bare, inner, waits,
     jpeg) = (statistics.median(column) for column in zip(*rounds))
    bench.row("CPU per enrolment over HTTP, two 12-Mpx JPEGs, ms",
              "%.0f" % cpu, "90")
    bench.row("CPU of its networks alone, by OpenCV and by our layers, ms",
              "%.0f, %.0f" % (stock, bare))
    bench.row("CPU of the least that libjpeg can do with its photos, ms",
              "%.0f" % jpeg)
    bench.row("ratio to the networks by OpenCV, over HTTP",
              "%.2f" % to_stock, "1.4")
    bench.row("ratio to the networks by our layers, over HTTP",
              "%.2f" % to_bare)
    bench.row("ratio to the networks by our layers, photos to facts in one "
              "process", "%.2f" % inner)
    bench.row("an enrolment's client waits, one worker, ms", "%.0f" % wall)
    bench.row("the same with %d workers that have nothing else to do, ms"
              % WORKERS, "%.0f" % both_wall)
    bench.row("ratio of that to the networks by OpenCV, one after the other",
              "%.2f" % waits, "1.4")


def peak_memory(bench):
    bench.say("%d enrolments at once" % PARALLEL)
    server = bench.start()
    requests = [bench.enrolment() for _ in range(PARALLEL)]
    peak = servers.Peak(server.pid)
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda r: bench.enrol(server.port, r), requests))
    bench.row("memory peak, %d enrolments at once, MiB" % PARALLEL,
              "%.0f" % peak.end(), "400")
    server.end()


def throughput(bench):
    """With a sender that takes next to nothing of the cores."""
    bench.say("%d rounds of %d s of enrolments, %d at once" % (
        bench.rounds, 2 * bench.seconds, AT_ONCE))
    server = bench.start()
    bench.enrol(server.port)
    rates, most = [], []
    for _ in range(bench.rounds):
        most.append(at_most(bench))
        numbers = [bench.number() for _ in range(100 * bench.seconds)]
        kind, body = bench.enrolment(numbers[0])
        script = load.write_enrol_script(bench.folder, bench.keys["app"], kind,
                                         body, numbers[0], numbers)
        rates.append(load.wrk(server, script, AT_ONCE, 2 * bench.seconds))
    bench.row("enrolments per second, %d at once" % AT_ONCE,
              "%.1f" % statistics.median(run.rate for run in rates), "20")
    bench.row("the same if networks, by our layers, and libjpeg's least were "
              "all", "%.1f" % statistics.median(most))
    bench.row("CPU per enrolment then, ms", "%.0f" % (
        statistics.median(run.cpu_us for run in rates) / 1000))
    server.end()


def measure(bench):
    time_to_ready(bench)
    idle_memory(bench)
    cost(bench)
    peak_memory(bench)
    throughput(bench)
