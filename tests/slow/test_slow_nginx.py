"""Slow clients before nginx, as it is shipped, hinder nobody behind it."""

import time
import unittest

from front import Front, with_tls
from harness import DaemonCase
from http_raw import Closed
from load import Checks, Crawlers, by_turns

ESTABLISHED = "01"  # in /proc/net/tcp; source: proc(5), net/tcp_states.h


class ThroughNginx(Crawlers):
    LARGE = "/openapi.json"

    def connect(self, sock):
        sock.connect(("127.0.0.1", self.case.front.port))
        return with_tls(sock)

    def connections(self):
        with open("/proc/net/tcp", encoding="ascii") as stream:
            rows = [line.split() for line in stream]
        return sum(row[1].endswith(":%04X" % self.case.front.port) and
                   row[3] == ESTABLISHED for row in rows)


class Nginx(DaemonCase):
    SETTINGS = {"pages.docs": "on"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.front = Front(cls.daemon)
        cls.addClassCleanup(cls.front.close)

    def test_a_head_that_trickles_in_is_ended_in_time(self):
        with self.front.connect() as connection:
            began = time.monotonic()
            connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
            while not connection.closed_by_peer(0.5):
                self.assertLess(time.monotonic() - began, 12)
                try:
                    connection.send(b"a")
                except OSError:
                    break
            self.assertGreater(time.monotonic() - began, 8)
            self.assertRaises(Closed, connection.answer)

    def test_200_that_crawl_are_in_nobodys_way(self):
        code = self.app.code(self.app.enrol()["credential_id"])["code"]
        base = "https://127.0.0.1:%d" % self.front.port
        quiet, crowded, begun = by_turns(
            self, lambda: Checks(self, code, 40, base=base),
            lambda: ThroughNginx(self, 200),  # 256 are allowed to an address
            turns=3)
        self.assertGreater(begun, 3 * 300)  # they were cut off
        self.assertLess(crowded, 2 * quiet)


if __name__ == "__main__":
    unittest.main()
