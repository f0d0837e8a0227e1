"""The daemon under a service manager: what it tells, when its watchdog falls
silent, and sockets that it inherits and that outlive it."""

import configparser
import os
import socket
import time
import unittest

from faceproc import children, metric
from harness import ROOT, SLOW, Case, Daemon, program
from http_raw import Connection
from manager import Notices, hand_over, listening, restarts, under_load

WATCHDOG_S = 0.9 * SLOW
EXIT_CONFIG = 78


def unread(connection):
    """Bytes of a connection that have come and that nobody has read."""
    ends = ["%04X" % port for port in (connection.sock.getpeername()[1],
                                       connection.sock.getsockname()[1])]
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            fields = line.split()
            if [end.split(":")[-1] for end in fields[1:3]] == ends:
                return int(fields[4].split(":")[1], 16)
    raise AssertionError("no such connection")


class Told(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)

    def listen(self, **options):
        notices = Notices(self, **options)
        self.daemon.env["NOTIFY_SOCKET"] = notices.name
        return notices

    def test_it_is_ready_when_it_answers_and_stopping_before_it_stops(self):
        notices = self.listen()
        # A port known beforehand, so that the first look is at once.
        with listening() as free:
            self.daemon.port = free.getsockname()[1]
        self.daemon.env["SMARTIDD_HTTP_LISTEN_PORT"] = str(self.daemon.port)
        self.daemon.spawn()
        first = notices.next(30)
        self.assertEqual(first["READY"], "1")
        self.assertEqual(self.daemon.request("GET", "/readyz").status, 200)
        # A request that is being sent is waited for.
        with self.daemon.connect() as connection:
            connection.send(b"GET /version HTTP/1.1\r\nHost: ")
            end = time.monotonic() + 10 * SLOW
            while unread(connection) > 0:
                self.assertLess(time.monotonic(), end)
            self.daemon.signal(15)
            self.assertEqual(notices.wait("STOPPING")["STOPPING"], "1")
            self.assertIsNone(self.daemon.process.poll())
            connection.send(b"x\r\n\r\n")
            answer = connection.answer()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.header("connection"), "close")
        self.assertEqual(self.daemon.wait_exit(), 0)
        self.assertIsNone(notices.next(0.01))

    def test_a_reload_is_told_from_its_beginning_to_its_end(self):
        notices = self.listen(abstract=True)
        self.daemon.start()
        self.assertIn("READY", notices.next())
        before_us = time.monotonic_ns() // 1000
        self.daemon.signal(1)
        told = notices.next()
        self.assertEqual(told["RELOADING"], "1")
        self.assertLessEqual(before_us, int(told["MONOTONIC_USEC"]))
        self.assertLessEqual(int(told["MONOTONIC_USEC"]),
                             time.monotonic_ns() // 1000)
        self.assertEqual(notices.next()["READY"], "1")
        self.daemon.stop()
        self.assertIn("STOPPING", notices.next())

    def test_face_processes_inherit_neither_variables_nor_sockets(self):
        notices = self.listen()
        sock = listening()
        self.addCleanup(sock.close)
        for fd in hand_over(self.daemon, [sock], WATCHDOG_USEC="60000000"):
            self.addCleanup(os.close, fd)
        self.daemon.start()
        self.assertIn("READY", notices.next())
        found = children(self.daemon, "smartidd-forker")
        self.assertEqual(len(found), 1)
        with open("/proc/%d/environ" % found[0], "rb") as stream:
            environment = stream.read()
        for name in (b"NOTIFY_", b"WATCHDOG_", b"LISTEN_"):
            self.assertNotIn(name, environment)
        inode = os.fstat(sock.fileno()).st_ino
        at = "/proc/%d/fd" % found[0]
        links = [os.readlink(os.path.join(at, fd)) for fd in os.listdir(at)]
        self.assertNotIn("socket:[%d]" % inode, links)
        self.assertEqual(len([l for l in links if l.startswith("socket")]), 1,
                         links)

    def test_a_manager_that_cannot_be_reached_is_a_mistake(self):
        for name, value in (("NOTIFY_SOCKET", "relative"),
                            ("NOTIFY_SOCKET", "/nowhere/at/all"),
                            ("NOTIFY_SOCKET", "@" + 200 * "x"),
                            ("WATCHDOG_USEC", "1s"), ("WATCHDOG_USEC", "0"),
                            ("WATCHDOG_PID", "-1")):
            daemon = Daemon(env={"WATCHDOG_USEC": "1000000", name: value})
            self.addCleanup(daemon.close)
            daemon.spawn()
            self.assertEqual(daemon.wait_exit(), EXIT_CONFIG, (name, value))
            self.assertIn("event=service_manager", daemon.log.text())
            daemon.process = None


class Watched(Case):
    """The watchdog, and what must make it fall silent."""

    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        self.notices = Notices(self)
        self.flags = {name: os.path.join(self.daemon.folder, name)
                      for name in ("HANG_SYNC", "HANG_ACCEPT")}
        self.daemon.env.update(self.flags)
        self.daemon.env.update({
            "NOTIFY_SOCKET": self.notices.name,
            "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
            "LD_PRELOAD": program("hang.so"),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"})

    def beats(self, within_s):
        """How many come in that time, and the longest time between two."""
        end = time.monotonic() + within_s
        last, count, longest = time.monotonic(), 0, 0.0
        while time.monotonic() < end:
            notice = self.notices.next(end - time.monotonic() + 0.001, 1)
            if notice is not None and "WATCHDOG" in notice:
                longest = max(longest, time.monotonic() - last)
                last, count = time.monotonic(), count + 1
        return count, longest

    def hang(self, name):
        with open(self.flags[name], "w", encoding="ascii"):
            pass
        self.addCleanup(self.release, name)  # or it could not be stopped

    def release(self, name):
        if os.path.exists(self.flags[name]):
            os.unlink(self.flags[name])

    def silent(self):
        """More than a period without a sign, after what was under way."""
        self.beats(WATCHDOG_S / 3 + 0.3)
        return self.beats(1.5 * WATCHDOG_S)[0] == 0

    def test_it_is_told_in_time_that_the_daemon_lives(self):
        self.daemon.start()
        self.notices.wait("WATCHDOG")
        count, longest = self.beats(2 * WATCHDOG_S)
        self.assertGreaterEqual(count, 3)
        self.assertLess(longest, WATCHDOG_S)

    def test_it_is_told_although_all_connections_are_taken(self):
        """Who fills the house must not be able to have it restarted."""
        self.daemon.env["SMARTIDD_HTTP_MAX_CONNECTIONS"] = "8"
        self.daemon.start()
        held = [self.daemon.connect() for _ in range(24)]
        self.notices.drop_all()
        count, longest = self.beats(2 * WATCHDOG_S)
        for connection in held:
            connection.close()
        self.assertGreaterEqual(count, 3)
        self.assertLess(longest, WATCHDOG_S)

    def test_a_writer_that_hangs_makes_it_silent(self):
        self.daemon.start()
        self.notices.wait("WATCHDOG")
        self.hang("HANG_SYNC")
        with self.daemon.connect() as connection:
            api = self.daemon.api(self.daemon.keys["admin"])
            body = b'{"name":"x","role":"app"}'
            connection.send(
                b"POST /v1/clients HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % (api.headers()["Authorization"].encode(), len(body)) + body)
            self.assertTrue(self.silent())
            self.release("HANG_SYNC")
            self.assertEqual(connection.answer("POST").status, 201)
        self.notices.wait("WATCHDOG")

    def test_an_io_thread_that_hangs_makes_it_silent(self):
        self.daemon.start()
        self.notices.wait("WATCHDOG")
        self.hang("HANG_ACCEPT")
        with self.daemon.connect() as connection:
            self.assertTrue(self.silent())
            self.release("HANG_ACCEPT")
            self.assertEqual(connection.request("GET", "/version").status, 200)
        self.notices.wait("WATCHDOG")

    def test_another_process_s_watchdog_is_not_fed(self):
        self.daemon.env["WATCHDOG_PID"] = str(os.getpid())
        self.daemon.start()
        self.assertIn("READY", self.notices.next())
        self.assertEqual(self.beats(WATCHDOG_S)[0], 0)


class UnitFile(Case):
    def test_it_has_systemd_listen_and_wait_for_15_s_at_most(self):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # as systemd reads them
        unit.read(os.path.join(ROOT, "config", "smartidd.service"))
        self.assertEqual(unit["Service"]["Type"], "notify")
        self.assertIn(int(unit["Service"]["WatchdogSec"]), range(1, 16))


class Inherits(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)

    def give(self, sockets, **variables):
        for sock in sockets:
            self.addCleanup(sock.close)
        for fd in hand_over(self.daemon, sockets, **variables):
            self.addCleanup(os.close, fd)

    def version_at(self, address):
        with Connection(address) as connection:
            return connection.request("GET", "/version").status

    def test_it_serves_on_all_that_it_is_given_and_on_nothing_else(self):
        first, second = listening(), listening("::1")
        taken = listening()  # the port of the settings, unused by the daemon
        self.addCleanup(taken.close)
        self.daemon.env["SMARTIDD_HTTP_LISTEN_PORT"] = \
            str(taken.getsockname()[1])
        self.daemon.env["SMARTIDD_HTTP_IO_THREADS"] = "1"
        self.give([first, second])
        self.daemon.start()
        self.assert_logged(" address=inherited ")
        self.assertEqual(self.daemon.port, first.getsockname()[1])
        for sock in (first, second):
            for _ in range(4):
                self.assertEqual(self.version_at(sock.getsockname()[:2]), 200)

    def test_who_comes_while_no_daemon_runs_is_answered_by_the_next(self):
        sock = listening()
        self.give([sock])
        self.daemon.start()
        self.daemon.stop()
        with Connection(sock.getsockname()) as connection:
            connection.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            self.daemon.start()
            self.assertEqual(connection.answer().status, 200)

    def test_sockets_for_another_process_are_left_alone(self):
        sock = listening()
        self.give([sock], LISTEN_PID="1")
        self.daemon.start()
        self.assertNotEqual(self.daemon.port, sock.getsockname()[1])
        self.assertEqual(self.daemon.request("GET", "/version").status, 200)

    def test_what_is_no_listening_tcp_socket_is_refused_and_named(self):
        deaf = socket.socket()
        deaf.bind(("127.0.0.1", 0))
        packets = socket.socket(type=socket.SOCK_DGRAM)
        local = socket.socket(socket.AF_UNIX)
        local.bind(os.path.join(self.daemon.folder, "local"))
        local.listen()
        # pylint: disable-next=consider-using-with
        file = open(self.daemon.config, "rb")
        good = listening()
        cases = (([deaf], {}, "not listening"), ([packets], {}, "not TCP"),
                 ([local], {}, "not TCP"), ([file], {}, "not a socket"),
                 ([good, deaf], {}, "not listening"),
                 ([good], {"LISTEN_FDS": "17"}, "no number of 0 to 16"),
                 ([good], {"LISTEN_FDS": "-1"}, "no number of 0 to 16"),
                 ([good], {"LISTEN_FDS": "1x"}, "no number of 0 to 16"),
                 ([good], {"LISTEN_FDS": "16"}, "not open"),
                 ([good], {"LISTEN_PID": "x"}, "no process"))
        for sockets, variables, why in cases:
            daemon = Daemon(keys=True)
            self.addCleanup(daemon.close)
            for fd in hand_over(daemon, sockets, **variables):
                self.addCleanup(os.close, fd)
            daemon.spawn()
            self.assertEqual(daemon.wait_exit(), EXIT_CONFIG, why)
            self.assertIn(why, daemon.log.text())
            daemon.process = None
        for opened in (deaf, packets, local, file, good):
            opened.close()

    def test_restarts_under_load_refuse_and_fail_nobody(self):
        restarts(self, 4)

    def test_restarts_on_a_socket_for_each_io_thread_fail_nobody(self):
        restarts(self, 2, sockets=2)

    def test_who_binds_a_port_of_its_own_refuses_while_it_restarts(self):
        """The control of the two above: the same load sees it."""
        with listening() as free:
            self.daemon.env["SMARTIDD_HTTP_LISTEN_PORT"] = \
                str(free.getsockname()[1])
        load, _ = under_load(self.daemon, 1)
        self.assertIn("ConnectionRefusedError", " ".join(load.failed))


if __name__ == "__main__":
    unittest.main()
