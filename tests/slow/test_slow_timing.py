"""Who may not see something cannot tell by the time whether it is there
(reliability D2): 2 x 20,000 requests, one kind after the other in random
order, compared by Mann-Whitney. TIMING_REQUESTS is the number of each kind.

A pair of equals falls below P_LEAST once in a hundred times: it is then asked
again, with half as many again, and has to fall below a second time to fail."""

import os
import random
import signal
import statistics
import time
import unittest

from harness import DaemonCase, SEED, credential_of
from http_raw import head_bytes
from rank import mann_whitney

REQUESTS = int(os.environ.get("TIMING_REQUESTS", "20000"))
P_LEAST = 0.01
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# So many things of each kind that no single page of the database decides.
THINGS = 64


class RankTest(unittest.TestCase):
    """The judge is judged first."""

    def test_it_gives_the_values_of_a_worked_example(self):
        # Ranks of a: 1 2 3 5.5 7, one tie: U 3.5, mean 12.5, variance
        # 25/12 (11 - 6/90).
        z, p = mann_whitney([1, 2, 3, 5, 6], [4, 5, 7, 8, 9])
        self.assertAlmostEqual(z, -1.7810, 4)
        self.assertAlmostEqual(p, 0.0749, 4)

    def test_equals_pass_and_a_shift_of_two_percent_is_found(self):
        rng = random.Random(SEED)
        a = [rng.lognormvariate(0, 0.2) for _ in range(20000)]
        b = [rng.lognormvariate(0, 0.2) for _ in range(20000)]
        self.assertGreater(mann_whitney(a, b)[1], P_LEAST)
        self.assertLess(mann_whitney(a, [x * 1.02 for x in b])[1], 1e-6)
        self.assertEqual(mann_whitney([1] * 30, [1] * 30), (0.0, 1.0))


class Timing(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = [cls.app.enrol(who=i) for i in range(THINGS)]
        add = cls.daemon.add_client
        cls.other = add("app", "other")
        cls.revoked = [add("app", "dead %d" % i) for i in range(8)]
        cls.expired = [add("app", "old %d" % i, expires="1m")
                       for i in range(8)]
        for i in range(8):
            cls.daemon.ctl("client", "revoke",
                           cls.daemon.client_id("dead %d" % i))
        cls.daemon.set_clock(3600)
        cls.rng = random.Random(SEED)
        cls.be_quiet()

    @classmethod
    def be_quiet(cls):
        """No line for each request: this process would have to read it."""
        with open(cls.daemon.config, "a", encoding="utf-8") as stream:
            stream.write("\n[log]\nlog_level = error\n")
        cls.daemon.signal(signal.SIGHUP)
        cls.daemon.log.wait(lambda line: "name=log_level" in line)
        cls.app.get("/v1/enrollments/" + cls.people[0]["id"])

    def unknown(self, known):
        """The id just before a known one: both make the daemon read the same
        row (OR_NEXT in store_sqlite_query.c). Random ids would share rows, so
        that caches would serve them better than as many known ones."""
        digits = list(known)
        at = len(digits) - 1
        while digits[at] == ALPHABET[0]:
            digits[at] = ALPHABET[-1]
            at -= 1
        digits[at] = ALPHABET[ALPHABET.index(digits[at]) - 1]
        return "".join(digits)

    def wrong_keys(self):
        return ["sidk_%s_%s" % tuple("".join(
            self.rng.choices(ALPHABET, k=n)) for n in (12, 52))
            for _ in range(8)]

    def get(self, path, key):
        return head_bytes("GET", path, {"X-Request-Id": "same",
                                        "Authorization": "Bearer " + key})

    def measure(self, kinds, status, count):
        """ns of each request of the two kinds, in random order."""
        took = ([], [])
        order = [0, 1] * count
        self.rng.shuffle(order)
        with self.daemon.connect() as connection:
            sock = connection.sock
            for kind in [0, 1] * 100 + order:
                data = kinds[kind][self.rng.randrange(len(kinds[kind]))]
                began = time.perf_counter_ns()
                sock.sendall(data)
                answer = sock.recv(65536)
                took[kind].append(time.perf_counter_ns() - began)
                if not answer.startswith(b"HTTP/1.1 %d " % status):
                    raise AssertionError(answer)
        return took[0][100:], took[1][100:]

    def assert_same(self, name, first, second, status):
        for count in (REQUESTS, REQUESTS * 3 // 2):
            a, b = self.measure((first, second), status, count)
            z, p = mann_whitney(a, b)
            print("    %s: 2 x %d, medians %.1f and %.1f us, z %.2f, p %.3f"
                  % (name, count, statistics.median(a) / 1000,
                     statistics.median(b) / 1000, z, p), flush=True)
            if p > P_LEAST:
                return
        self.fail("%s: p %g" % (name, p))

    def compare_ids(self, name, path, known):
        foreign = [self.get(path % one, self.other) for one in known]
        unknown = [self.get(path % self.unknown(one), self.other)
                   for one in known]
        self.assert_same(name, foreign, unknown, 404)

    def test_an_enrolment_of_others_and_none(self):
        self.compare_ids("enrolment, foreign or unknown", "/v1/enrollments/%s",
                         [one["id"] for one in self.people])

    def test_a_credential_of_others_and_none(self):
        self.compare_ids("credential, foreign or unknown",
                         "/v1/credentials/%s",
                         [credential_of(one) for one in self.people])

    def test_a_code_of_others_and_none(self):
        self.compare_ids("code, foreign or unknown", "/v1/credentials/%s/code",
                         [credential_of(one) for one in self.people])

    def compare_keys(self, name, keys):
        path = "/v1/enrollments/" + self.people[0]["id"]
        self.assert_same(name, [self.get(path, key) for key in keys],
                         [self.get(path, key) for key in self.wrong_keys()],
                         401)

    def test_an_expired_key_and_an_unknown_one(self):
        self.compare_keys("key, expired or unknown", self.expired)

    def test_a_revoked_key_and_an_unknown_one(self):
        self.compare_keys("key, revoked or unknown", self.revoked)

    def test_a_key_with_a_wrong_secret_and_an_unknown_one(self):
        swapped = [a[:18] + b[18:] for a, b in zip(self.revoked,
                                                   self.wrong_keys())]
        self.compare_keys("key, wrong or unknown", swapped)


if __name__ == "__main__":
    unittest.main()
