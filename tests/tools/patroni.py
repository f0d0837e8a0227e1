"""Two PostgreSQL servers that Patroni keeps, one of which can be written to, and
the etcd that it asks: on loopback, in a folder that goes away, as a user
without privileges."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from postgres import binaries, free_port

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                       "config", "patroni.example")


class Node:
    """One server and its Patroni."""

    def __init__(self, cluster, name):
        self.name = name
        self.api = free_port()
        self.port = free_port()
        self.folder = os.path.join(cluster.folder, name)
        self.data = os.path.join(self.folder, "data")
        self.config = os.path.join(self.folder, "config.yml")
        cluster.make_folder(self.folder)
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(self.settings(cluster))
        self.process = cluster.spawn("patroni", self.config, log=self.name)

    def settings(self, cluster):
        """The file that operators get, with what is this run's own."""
        with open(EXAMPLE, encoding="utf-8") as stream:
            text = stream.read()
        for old, new in (
                ("name: db1", "name: " + self.name),
                ("10.0.1.1:8008", "127.0.0.1:%d" % self.api),
                ("10.0.1.1:5432", "127.0.0.1:%d" % self.port),
                ("10.0.1.1:2379,10.0.1.2:2379,10.0.1.3:2379",
                 "127.0.0.1:%d" % cluster.etcd_port),
                ("/var/lib/postgresql/15/smartidd", self.data),
                ("/usr/lib/postgresql/15/bin", binaries()),
                ("/var/lib/postgresql/pgpass",
                 os.path.join(self.folder, "pgpass")),
                ("/var/run/postgresql", self.folder),
                ("username: postgres", "username: " + cluster.role),
                ('ssl: "on"', 'ssl: "off"'),
                ("hostssl", "host"),
                ("local all all peer", "local all all trust"),
                ("10.0.0.0/24 scram-sha-256", "127.0.0.1/32 trust"),
                ("10.0.1.0/24 scram-sha-256", "127.0.0.1/32 trust")):
            if old not in text:
                raise RuntimeError("%s has no %r" % (EXAMPLE, old))
            text = text.replace(old, new)
        return text

    def crash(self):
        """The server dies with all its processes; its Patroni lives on."""
        with open(os.path.join(self.data, "postmaster.pid"),
                  encoding="utf-8") as stream:
            os.kill(int(stream.readline()), signal.SIGKILL)


class Cluster:
    def __init__(self):
        for program in ("patroni", "etcd"):
            if shutil.which(program) is None:
                raise RuntimeError("install patroni and etcd-server")
        self.folder = tempfile.mkdtemp(prefix="sidha", dir="/tmp")
        self.user = "nobody" if os.geteuid() == 0 else None
        self.role = self.user or pwd.getpwuid(os.geteuid()).pw_name
        self.make_folder(self.folder)
        self.etcd_port = free_port()
        self.processes = []
        client = "http://127.0.0.1:%d" % self.etcd_port
        peer = "http://127.0.0.1:%d" % free_port()
        try:
            self.spawn("etcd", "--data-dir", os.path.join(self.folder, "etcd"),
                       "--listen-client-urls", client,
                       "--advertise-client-urls", client,
                       "--listen-peer-urls", peer,
                       "--initial-advertise-peer-urls", peer,
                       "--initial-cluster", "default=" + peer,
                       "--unsafe-no-fsync", log="etcd")
            self.nodes = [Node(self, name) for name in ("a", "b")]
            self.wait_whole(120)
        except BaseException:
            self.stop()
            raise

    def make_folder(self, folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(folder, account.pw_uid, account.pw_gid)

    def spawn(self, program, *arguments, log):
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                       "HOME": self.folder}
        with open(os.path.join(self.folder, log + ".log"), "wb") as out:
            process = subprocess.Popen(
                [program, *arguments], user=self.user, cwd=self.folder,
                extra_groups=[] if self.user else None, env=environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.processes.append(process)
        return process

    def members(self):
        """What Patroni says of each; {} while it says nothing."""
        for node in self.nodes:
            try:
                with urllib.request.urlopen("http://127.0.0.1:%d/cluster" %
                                            node.api, timeout=2) as answer:
                    return {one["name"]: one
                            for one in json.load(answer)["members"]}
            except (OSError, ValueError, KeyError):
                continue
        return {}

    def primary(self):
        """The node that leads, or None."""
        found = self.members()
        for node in self.nodes:
            one = found.get(node.name, {})
            if one.get("role") == "leader" and one.get("state") == "running":
                return node
        return None

    def is_whole(self):
        """A leader, and another one that has all that was committed."""
        found = self.members()
        return sorted((one.get("role"), one.get("state") in (
            "running", "streaming")) for one in found.values()) == [
                ("leader", True), ("sync_standby", True)]

    def wait_whole(self, limit_s):
        end = time.monotonic() + limit_s
        while not self.is_whole():
            if time.monotonic() > end:
                raise RuntimeError("not whole: %r" % self.members())
            time.sleep(0.2)

    def uri(self, schema=None):
        """Of whichever can be written to, or of one schema in it."""
        hosts = ",".join("127.0.0.1:%d" % node.port for node in self.nodes)
        query = {"user": self.role, "target_session_attrs": "read-write"}
        if schema:
            query["options"] = "-csearch_path=" + schema
        return "postgresql://%s/postgres?%s" % (hosts, urllib.parse.urlencode(
            query, quote_via=urllib.parse.quote))

    def sql(self, text, schema=None):
        """What psql answers on the primary, a row each line."""
        result = subprocess.run(
            [os.path.join(binaries(), "psql"), "-X", "-q", "-A", "-t", "-d",
             self.uri(schema), "-c", text], check=True, capture_output=True,
            text=True, env={"PATH": "/usr/bin:/bin"})
        return result.stdout.strip()

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
