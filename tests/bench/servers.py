"""Servers under measurement: started, watched from outside, ended."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

NGINX = """daemon off;
worker_processes 2;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events { worker_connections 2048; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    server {
        listen 127.0.0.1:%(port)d reuseport;
        location / { default_type application/json; return 200 "%(text)s"; }
    }
}
"""


def family(pid):
    """A server and its processes, which are all its children."""
    pids = [pid]
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task),
                  encoding="ascii") as stream:
            pids += [int(child) for child in stream.read().split()]
    return pids


def cpu_s(pid):
    """User and system time of the family so far, ended children included."""
    ticks = 0
    for one in family(pid):
        with open("/proc/%d/stat" % one, encoding="ascii") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(pid):
    """Memory of the family: proportional set sizes, as it shares much; where
    those may not be read (not root), resident ones, which count it twice."""
    kib = 0
    for one in family(pid):
        try:
            with open("/proc/%d/smaps_rollup" % one,
                      encoding="ascii") as stream:
                found = re.search(r"^Pss:\s+(\d+) kB", stream.read(), re.M)
        except PermissionError:
            with open("/proc/%d/status" % one, encoding="ascii") as stream:
                found = re.search(r"^VmRSS:\s+(\d+) kB", stream.read(), re.M)
        kib += int(found.group(1))
    return kib / 1024


class Peak(threading.Thread):
    """The most memory the family has had, looked at so often. A look takes
    some 5 ms of a core."""

    def __init__(self, pid, every_s=0.02):
        super().__init__()
        self.pid, self.mib, self.over = pid, 0.0, threading.Event()
        self.every_s = every_s
        self.start()

    def run(self):
        while not self.over.wait(self.every_s):
            try:
                self.mib = max(self.mib, memory_mib(self.pid))
            except (FileNotFoundError, ProcessLookupError, AttributeError):
                continue   # one of them has just ended

    def end(self):
        self.over.set()
        self.join()
        return self.mib


class Server:
    """A process that says its port, runs until it is ended; what it says goes
    to a file, as nobody reads a pipe while the load runs."""

    def __init__(self, command, env, ready, folder):
        path = os.path.join(folder, os.path.basename(command[0]) + ".log")
        began = time.perf_counter()
        with open(path, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=dict(os.environ, **env))
        while True:
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
            found = re.search(ready, text)
            if found:
                break
            if self.process.poll() is not None or \
                    time.perf_counter() - began > 60:
                self.process.kill()
                sys.exit("bench: %s did not start:\n%s" % (command[0],
                                                           text[-2000:]))
            time.sleep(0.002)
        self.ready_s = time.perf_counter() - began
        self.port = int(found.group(1))
        self.pid = self.process.pid

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def bare(binaries, size, folder):
    """libmicrohttpd with a constant answer of this size."""
    return Server([os.path.join(binaries, "ceiling"), str(size), "2"], {},
                  r"port=(\d+)\n", folder)


def durable(binaries, size, folder, what="lines"):
    """The same once a line about each answer is on disk, or a row of SQLite's
    ("rows"), in the daemon's way with threads."""
    return Server([os.path.join(binaries, "durable"), str(size),
                   os.path.join(folder, what)] + ["rows"] * (what == "rows"),
                  {}, r"port=(\d+)\n", folder)


class Nginx:
    """nginx with a constant answer of this size, or .pid None where there is
    no nginx."""

    def __init__(self, size, folder):
        self.pid = self.process = None
        program = shutil.which("nginx", path=os.pathsep.join(
            [os.environ["PATH"], "/usr/sbin"]))
        if program is None:
            return
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        inner = os.path.join(folder, "nginx")
        os.makedirs(inner, exist_ok=True)
        with open(os.path.join(inner, "nginx.conf"), "w",
                  encoding="ascii") as out:
            out.write(NGINX % {"folder": inner, "port": self.port,
                               "text": "x" * size})
        self.process = subprocess.Popen(
            [program, "-c", os.path.join(inner, "nginx.conf"), "-p", inner],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", self.port)) != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit("bench: nginx did not start")
            time.sleep(0.02)
        self.pid = self.process.pid

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
