"""One allocation fails in the middle of a request: that one is refused, the
next is fine. NO_MEMORY_EACH: how many places are tried per kind of request (10;
0: all)."""

import collections
import mmap
import os
import struct
import unittest

import photos
from harness import Case, Daemon, credential_of, holder, program
from http_raw import Closed

EACH = int(os.environ.get("NO_MEMORY_EACH", "10"))


class NoMemory(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        path = os.path.join(self.daemon.folder, "order")
        with open(path, "wb") as out:
            out.write(bytes(16))
        with open(path, "r+b") as both:
            self.order = mmap.mmap(both.fileno(), 16)
        self.addCleanup(self.order.close)
        self.daemon.env.update({"LD_PRELOAD": program("no_memory.so"),
                                "NO_MEMORY": path})
        self.daemon.start()
        self.app, self.clerk, self.officer, self.admin = (
            self.daemon.api(self.daemon.keys[role])
            for role in ("app", "clerk", "officer", "admin"))
        self.credential = credential_of(self.app.enrol(who=1))
        self.code = self.app.code(self.credential)["code"]

    def fail_after(self, count):
        self.order[0:8] = struct.pack("<q", count)

    def left(self):
        return struct.unpack("<q", self.order[0:8])[0]

    def kinds(self):
        path = "/v1/credentials/%s/code" % self.credential
        pair = photos.pair(3)
        return {
            "code": lambda: self.app.get(path),
            "image": lambda: self.app.get(path, {"Accept": "image/png"}),
            "check": lambda: self.clerk.post("/v1/verifications", {
                "code": self.code, "purpose": "train_ticket"}),
            "enrol and wait": lambda: self.app.submit(holder(), *pair,
                                                      wait=20),
            "challenge": lambda: self.app.post("/v1/challenges", {}),
            "list": lambda: self.officer.get(
                "/v1/enrollments?state=approved"),
            "clients": lambda: self.admin.get("/v1/clients"),
            "metrics": lambda: self.daemon.request("GET", "/metrics"),
            "ready": lambda: self.daemon.request("GET", "/readyz"),
            "nothing": lambda: self.app.get("/v1/nothing"),
        }

    def once(self, ask, count):
        """What an answer says when that allocation fails; None: none did."""
        self.fail_after(count)
        try:
            status = ask().status
        except (Closed, OSError):
            status = "closed"
        happened = self.left() <= 0
        self.fail_after(0)
        return status if happened else None

    def test_one_allocation_that_fails_costs_one_request_at_most(self):
        rng = self.rng()
        seen = collections.Counter()
        for kind, ask in self.kinds().items():
            good = ask().status
            top = 1
            while self.once(ask, top * 2) is not None and top < 4096:
                top *= 2
            places = range(1, top * 2)
            if EACH and len(places) > EACH:
                places = rng.sample(places, EACH)
            for place in places:
                status = self.once(ask, place)
                if status is None:
                    continue
                seen[kind, status] += 1
                # 200: done, and decided at once.
                self.assertIn(status, (good, 200, 503, "closed"),
                              "%s, allocation %d" % (kind, place))
                self.assertEqual(ask().status, good,
                                 "after %s, allocation %d" % (kind, place))
        print(dict(seen), flush=True)
        self.assertGreater(sum(seen.values()), 0)


if __name__ == "__main__":
    unittest.main()
