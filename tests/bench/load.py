"""wrk as the load: one run, its rate, latencies and the server's CPU time."""

import collections
import concurrent.futures
import json
import os
import re
import subprocess

import servers

ENROL_WAIT_S = 30
Run = collections.namedtuple("Run", "rate p50_ms p99_ms p999_ms cpu_us")

LUA = """
local bodies = {%s}
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = %s
wrk.body = bodies[1]
if #bodies > 1 then
    function request()
        at = at %% #bodies + 1
        return wrk.format(nil, nil, nil, bodies[at])
    end
end
if %d > 0 then
    function delay() return %d end
end
"""

DONE = """
function done(summary, latency)
    print(string.format("measured p50=%d p99=%d p999=%d errors=%d",
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), summary.errors.status))
end
"""

# The body is a file of which only the ID number changes.
ENROL_LUA = """
local file = io.open(%s, "rb")
local before, after = file:read(%d), file:read("*a")
local next_number = io.lines(%s)
local headers = {["Content-Type"] = %s, ["Authorization"] = %s,
                 ["Prefer"] = "wait=%d"}
function request()
    return wrk.format("POST", "/v1/enrollments", headers,
                      before .. next_number() .. after)
end
"""


def write_script(folder, key, codes, pause_ms=0):
    """A script for wrk that checks these codes in turn; each connection pauses
    so long before it asks again."""
    path = os.path.join(folder, "checks-%d.lua" % pause_ms)
    bodies = [json.dumps(json.dumps({"code": code,
                                     "purpose": "train_ticket"}))
              for code in codes]
    with open(path, "w", encoding="ascii") as out:
        out.write(LUA % (",\n".join(bodies), json.dumps(key), pause_ms,
                         pause_ms) + DONE)
    return path


def write_enrol_script(folder, key, kind, body, number, numbers):
    """A script for wrk that enrols one person after the other: the body, in
    which the number is replaced by each of those."""
    body_path, numbers_path, path = (
        os.path.join(folder, name)
        for name in ("enrolment", "numbers", "enrol.lua"))
    with open(body_path, "wb") as out:
        out.write(body.replace(number.encode(), b"", 1))
    with open(numbers_path, "w", encoding="ascii") as out:
        out.write("".join(one + "\n" for one in numbers))
    with open(path, "w", encoding="ascii") as out:
        out.write(ENROL_LUA % (
            json.dumps(body_path), body.index(number.encode()),
            json.dumps(numbers_path), json.dumps(kind), json.dumps(key),
            ENROL_WAIT_S) + DONE)
    return path


def wrk(server, script, connections, seconds):
    """CPU time is that of the server's whole family, per request."""
    cpu = servers.cpu_s(server.pid)
    text = subprocess.run(
        ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--timeout",
         "60s", "-s", script,
         "http://127.0.0.1:%d/v1/verifications" % server.port],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    cpu = servers.cpu_s(server.pid) - cpu
    said = re.search(r"p50=(\d+) p99=(\d+) p999=(\d+) errors=(\d+)", text)
    if "Socket errors" in text or int(said.group(4)) > 0:
        raise RuntimeError("wrk saw errors:\n" + text)
    count = int(re.search(r"(\d+) requests in", text).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    times = [int(said.group(i)) / 1000 for i in (1, 2, 3)]
    return Run(rate, *times, cpu / count * 1e6)


def wrk_all(daemons, script, connections, seconds):
    """The same over several at once, each with its share of the connections:
    the sum of their rates, the worst of their latencies."""
    if len(daemons) == 1:
        return wrk(daemons[0], script, connections, seconds)
    share = connections // len(daemons)
    with concurrent.futures.ThreadPoolExecutor(len(daemons)) as pool:
        runs = list(pool.map(
            lambda one: wrk(one, script, share, seconds), daemons))
    rate = sum(run.rate for run in runs)
    return Run(rate, max(run.p50_ms for run in runs),
               max(run.p99_ms for run in runs),
               max(run.p999_ms for run in runs),
               sum(run.cpu_us * run.rate for run in runs) / rate)
