"""What the tests of the face processes share: finding them, counting what
became of photos, waiting for the end of processes that are not ours."""

import os
import re
import select
import time

from harness import SLOW


def children(daemon, name="smartidd-face"):
    """The daemon's children of that name: face processes; fork servers are
    smartidd-forker."""
    pid = daemon.process.pid
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/children" % (pid, task),
                      encoding="ascii") as stream:
                listed = stream.read().split()
            for child in listed:
                with open("/proc/%s/comm" % child, encoding="ascii") as stream:
                    if stream.read().strip() == name:
                        found.append(int(child))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found


def metric(daemon, name):
    text = daemon.request("GET", "/metrics").body.decode()
    found = re.search(r"^%s (\d+)$" % re.escape(name), text, re.M)
    return int(found.group(1))


def faults(daemon, reason):
    return metric(daemon, 'smartidd_face_process_faults_total{reason="%s"}' %
                  reason)


def confined(daemon):
    """A build with a sanitizer has neither filter nor limit on memory."""
    return "event=face_process_unconfined" not in daemon.log.text()


class Ends:
    """Waits for the end of processes that are not ours."""

    def __init__(self, pids):
        self.handles = [os.pidfd_open(pid) for pid in pids]

    def wait(self, limit_s=10):
        end = time.monotonic() + limit_s * SLOW
        for handle in self.handles:
            left = max(0.0, end - time.monotonic())
            ready = select.select([handle], [], [], left)[0]
            os.close(handle)
            if not ready:
                raise AssertionError("a process has not ended")
