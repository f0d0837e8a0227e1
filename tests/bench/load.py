"""wrk as the load: one run, its rate, latencies and the server's CPU time."""

import collections
import json
import os
import re
import subprocess

import servers

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
function done(summary, latency)
    print(string.format("measured p50=%%d p99=%%d p999=%%d errors=%%d",
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), summary.errors.status))
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
                         pause_ms))
    return path


def wrk(server, script, connections, seconds):
    """CPU time is that of the server's whole family, per request."""
    cpu = servers.cpu_s(server.pid)
    text = subprocess.run(
        ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "-s", script,
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
