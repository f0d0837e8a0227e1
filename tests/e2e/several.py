"""Several daemons on one PostgreSQL database, each in a folder of its own as on
a machine of its own, and a client that goes to the next one when one is away."""

import itertools
import os
import shutil
import sys
import tempfile
import threading
import time

from harness import MODEL_DIR, ROLES, ROOT, Api, Daemon, run_tool
from http_raw import Closed

sys.path.insert(0, os.path.join(ROOT, "tests", "tools"))
import postgres  # noqa: E402 pylint: disable=wrong-import-position

PURPOSE = "train_ticket"
_number = itertools.count(1)


def until(what, limit_s, text):
    """The first true answer."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("not within %d s: %s" % (limit_s, text))


class Cluster:
    """A schema of its own on the server, and the daemons on it."""

    def __init__(self, server, count=3, settings=None):
        self.server = server
        self.schema = "s%d" % next(_number)
        server.sql("CREATE SCHEMA " + self.schema)
        self.folders = [tempfile.mkdtemp(prefix="sid-") for _ in range(count)]
        first = self.folders[0]
        models = ["--model-dir", MODEL_DIR] if os.path.isdir(MODEL_DIR) else []
        run_tool("init", "--dir", first, "--database",
                 server.uri(self.schema), *models)
        for folder in self.folders[1:]:
            self.copy(first, folder)
        self.daemons = [Daemon(folder=folder, settings=settings)
                        for folder in self.folders]
        for daemon in self.daemons:
            daemon.set_clock(0)
        self.keys = {role: self.daemons[0].add_client(role) for role in ROLES}
        for daemon in self.daemons:
            daemon.start()

    @staticmethod
    def copy(source, target):
        """What an operator copies to the next machine."""
        shutil.copytree(source, target, dirs_exist_ok=True)
        path = os.path.join(target, "smartidd.conf")
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text.replace(source, target))

    def api(self, role, which):
        return Api(self.daemons[which], self.keys[role])

    def sql(self, text):
        return self.server.sql(text, self.schema).splitlines()

    def close(self):
        for daemon in self.daemons:
            daemon.close()
        for folder in self.folders:
            shutil.rmtree(folder, True)


class Roaming:
    """A client's calls, each to the first daemon that takes it, from its own on.
    A daemon that is away, or says that it stops, is passed over, as nginx does."""

    def __init__(self, cluster, role, first=0):
        self.cluster = cluster
        self.role = role
        self.at = first
        self.passed = 0
        self.lock = threading.Lock()

    def call(self, what, limit_s=30):
        """what(api) gives an answer with a status."""
        end = time.monotonic() + limit_s
        problem = None
        while time.monotonic() < end:
            at = self.at
            try:
                answer = what(self.cluster.api(self.role, at))
                if answer.status < 500:
                    return answer
                problem = answer
            except (OSError, Closed) as error:
                problem = error
            with self.lock:
                self.passed += 1
                if self.at == at:
                    self.at = (at + 1) % len(self.cluster.daemons)
            time.sleep(0.02)
        raise AssertionError("nobody took it: %r" % (problem,))
