"""What bounds the memory of uploads: bytes of bodies in flight."""

import re
import time
import unittest

import photos
from harness import SLOW, DaemonCase, form, holder, threads
from http_raw import head_bytes, multipart

PHOTO_MAX = 1 << 20
FRAME_MAX = PHOTO_MAX // 4
ONE_MAX = 2 * PHOTO_MAX + 3 * FRAME_MAX + 65536  # the largest body there is


class Budget(DaemonCase):
    SETTINGS = {"limits.photo_max_bytes": PHOTO_MAX,
                "limits.upload_total_bytes": ONE_MAX}

    def large(self, who):
        """A whole enrolment that leaves no room for another one."""
        pair = [photo + b"\0" * (PHOTO_MAX - len(photo) - 10000)
                for photo in photos.pair(who)]
        challenge = self.app.challenge(3)
        frames = [frame + b"\0" * (FRAME_MAX - len(frame) - 100)
                  for frame in photos.frames(who, challenge["steps"])]
        kind, body = multipart(form(holder(), *pair, challenge["id"], frames))
        headers = self.app.headers({"Content-Type": kind,
                                    "Prefer": "wait=30"})
        return head_bytes("POST", "/v1/enrollments", headers, body), body

    def assert_full(self, answer):
        self.assert_problem(answer, 503, "queue_full")
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)

    def test_a_body_over_the_total_is_refused_before_it_is_sent(self):
        head, body = self.large(1)
        with self.daemon.connect() as first:
            # Asked to go on, it has its bytes.
            first.send(head[:-2] + b"Expect: 100-continue\r\n\r\n")
            self.assertEqual(first.head()[0], 100)
            first.send(body[:1000])
            with self.daemon.connect() as second:
                interim = []
                second.send(head[:-2] + b"Expect: 100-continue\r\n\r\n")
                self.assert_full(second.answer("POST", interim))
                self.assertEqual(interim, [])
            # A small one finds no room either: it is bytes that count …
            self.assert_full(self.app.submit(
                holder(), *[p + b"\0" * 50000 for p in photos.pair(2)]))
            # … and everything that needs none goes on.
            self.assertEqual(self.app.get("/v1/enrollments/enr_0").status,
                             404)
            first.send(body[1000:])
            self.assertEqual(first.answer("POST").status, 201)
        # Once the photos are stored the bytes are free again.
        with self.daemon.connect() as third:
            head, body = self.large(3)
            third.send(head + body)
            self.assertEqual(third.answer("POST").status, 201)

    def test_the_bytes_of_who_waits_for_a_decision_are_free(self):
        """Stored photos are no upload any more, however long it takes."""
        head, body = self.large(5)
        slow = [photos.photo(6, photos.SLOW) + b"\0" * (PHOTO_MAX - 20000)
                for _ in range(2)]
        with self.daemon.connect() as connection:
            for _ in range(3):  # far more than the total, one by one
                # Each is somebody: a number that was approved meanwhile is in
                # use, and settled at once.
                kind, slow_body = multipart(form(holder(), *slow))
                slow_head = head_bytes(
                    "POST", "/v1/enrollments",
                    self.app.headers({"Content-Type": kind}), slow_body)
                connection.send(slow_head + slow_body)
                answer = connection.answer("POST")
                self.assertEqual(answer.status, 202, repr(answer))
            connection.send(head + body)
            # 202: on a slow machine those before it take longer than it waits.
            self.assertIn(connection.answer("POST").status, (201, 202))

    def test_refused_and_aborted_bodies_give_their_bytes_back(self):
        head, body = self.large(7)
        for cut in (0, 1000, len(body) - 1):
            with self.daemon.connect() as connection:
                connection.send(head + body[:cut])
            # Whole, but refused: the boundary never closes.
            with self.daemon.connect() as connection:
                self.try_until_room(connection, head,
                                    body[:-4] + b"xxxx", 400)
        with self.daemon.connect() as connection:
            self.try_until_room(connection, head, body, 201)

    def try_until_room(self, connection, head, body, status):
        """The cut-off request before it may not be noticed yet."""
        while True:
            connection.send(head + body)
            answer = connection.answer("POST")
            if answer.status != 503:
                self.assertEqual(answer.status, status, repr(answer))
                return
            connection.close()
            connection.__init__(("127.0.0.1", self.daemon.port))


class Memory(DaemonCase):
    """Sixteen uploads of 12 MiB, of which the budget lets through two."""

    SETTINGS = {"limits.upload_total_bytes": 32 << 20}

    def mib(self, what):
        with open("/proc/%d/status" % self.daemon.process.pid,
                  encoding="ascii") as stream:
            return int(re.search(what + r":\s+(\d+)", stream.read())
                       .group(1)) // 1024

    def enrol_large(self, who):
        pair = [p + b"\0" * (6 << 20) for p in photos.pair(who)]
        kind, body = multipart(form(holder(), *pair))
        head = head_bytes("POST", "/v1/enrollments", self.app.headers({
            "Content-Type": kind, "Prefer": "wait=60",
            "Expect": "100-continue"}), body)
        while True:
            with self.daemon.connect() as connection:
                connection.send(head)
                status, _ = connection.head()
                if status == 100:
                    connection.send(body)
                    answer = connection.answer("POST")
                    self.assertEqual(answer.status, 201, repr(answer))
                    return
            self.assertEqual(status, 503)
            time.sleep(0.2)

    def test_uploads_at_once_stay_within_bounds_and_go_back(self):
        began = self.mib("VmRSS")
        threads(16, self.enrol_large)
        # Sanitizers keep what is freed on purpose: nothing to see then.
        if SLOW != 1:
            return
        # The bodies, as many bytes of sealed photos, SQLite's pages, and with
        # each of the two workers a pair of photos sealed and one opened, and
        # the same again of what malloc holds on to. Without a budget it is
        # twice that.
        self.assertLess(self.mib("VmHWM"), began + 3 * 32 + 2 * 4 * 12)
        end = time.monotonic() + 30
        while self.mib("VmRSS") > began + 32 + 16:
            self.assertLess(time.monotonic(), end, "it keeps %d MiB" %
                            self.mib("VmRSS"))
            time.sleep(0.2)


if __name__ == "__main__":
    unittest.main()
