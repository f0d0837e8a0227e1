"""A client whose line breaks sends again: never is anybody enrolled twice.

Each request is cut at a random byte, of itself or of its answer, and sent again
three times. RETRY_KEYS: how many (60)."""

import json
import os
import random
import socket
import threading
import unittest

import photos
from harness import SEED, Case, Daemon, form, holder, threads
from http_raw import head_bytes, multipart

KEYS = int(os.environ.get("RETRY_KEYS", "60"))
CLIENTS = 8
AGAIN = 3
# About what an answer has, so that half the cuts lie in it.
ANSWER_BYTES = 1200
# Approved, rejected, for an officer: only the first would be found again by its
# number alone.
SELFIES = (photos.OK, photos.BLURRED, photos.UNCLEAR)


class Retried(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        self.app = self.daemon.api(self.daemon.keys["app"])
        self.daemon.start()
        self.lock = threading.Lock()
        self.told = {}  # key -> the id, the same in each answer
        self.cut = {"request": 0, "answer": 0}

    def request(self, key, person, pair, wait):
        kind, body = multipart(form(person, *pair))
        headers = {"Content-Type": kind, "Idempotency-Key": key,
                   "Connection": "close"}
        if wait:
            headers["Prefer"] = "wait=30"
        return head_bytes("POST", "/v1/enrollments",
                          self.app.headers(headers), body) + body

    def break_off(self, data, rng):
        """Sends it and hangs up at a random byte, with a reset or without."""
        at = rng.randrange(len(data) + ANSWER_BYTES)
        with self.daemon.connect() as connection:
            connection.send(data[:at])
            left = at - len(data)  # of the answer, which may be shorter
            while left > 0:
                piece = connection.sock.recv(left)
                if not piece:
                    break
                left -= len(piece)
            if rng.randrange(2):
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           b"\1\0\0\0\0\0\0\0")
        with self.lock:
            self.cut["request" if at < len(data) else "answer"] += 1

    def send(self, data):
        """Its answer; 503 says to try again, and so does a broken line."""
        while True:
            with self.daemon.connect() as connection:
                connection.send(data)
                answer = connection.answer("POST")
            if answer.status != 503:
                return answer

    def one(self, index, rng):
        key = "retry-%d" % index
        person = holder("Person %d" % index, photos.random_number(rng))
        pair = photos.photo(index), photos.photo(
            index, SELFIES[index % len(SELFIES)])
        wait = rng.randrange(2)
        data = self.request(key, person, pair, wait)
        self.break_off(data, rng)
        ids = set()
        for _ in range(AGAIN):
            answer = self.send(data)
            self.assertIn(answer.status, (200, 201, 202), repr(answer))
            ids.add(answer.json()["id"])
        self.assertEqual(len(ids), 1, key)
        other = self.send(self.request(
            key, dict(person, name="Other"), pair, wait))
        self.assert_problem(other, 422, "idempotency_mismatch")
        with self.lock:
            self.told[key] = ids.pop()

    def work(self, client):
        for index in range(client, KEYS, CLIENTS):
            self.one(index, random.Random("%d %d" % (SEED, index)))

    def test_whatever_is_cut_each_key_enrols_once(self):
        threads(CLIENTS, self.work)
        self.assertEqual(len(self.told), KEYS)
        for one in self.told.values():
            self.app.settled(one)
        self.daemon.stop()
        # One enrolment each, and nobody else's.
        ids = [row[0] for row in self.daemon.sql("SELECT id FROM enrolment")]
        self.assertEqual(sorted(ids), sorted(self.told.values()))
        for event in ("enrolment_received", "enrolment_decided"):
            rows = self.daemon.sql(
                "SELECT subject FROM audit WHERE event = ?", event)
            self.assertEqual(sorted(row[0] for row in rows), sorted(ids), event)
        print(json.dumps({"seed": SEED, "keys": KEYS, "cut": self.cut,
                          "enrolled": len(ids)}), flush=True)


if __name__ == "__main__":
    unittest.main()
