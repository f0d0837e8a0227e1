"""Checks in flight beside suspensions: how many pass that began after the
suspension was answered. None may."""

import json
import threading

from harness import threads

CHECKERS = 4


class Race:
    """late: checks that passed and should not; after: checks that began while
    it was suspended; beside: those before or meanwhile."""

    def __init__(self, case, credential, code):
        self.case = case
        self.credential = credential
        self.body = json.dumps({"code": code,
                                "purpose": "train_ticket"}).encode()
        self.late = self.after = self.beside = 0
        self.lock = threading.Lock()

    def run(self, rounds, checks):
        """In each round CHECKERS clerks check without a pause; meanwhile it is
        suspended, and resumed when each has checked so often after that."""
        for _ in range(rounds):
            self.suspended = threading.Event()
            started = threading.Barrier(CHECKERS + 1)
            threads(CHECKERS + 1, lambda index: self.check(started, checks)
                    if index else self.suspend(started))
            answer = self.case.app.change(self.credential, "resume")
            self.case.assertEqual(answer.status, 200, repr(answer))

    def suspend(self, started):
        started.wait()
        answer = self.case.app.change(self.credential, "suspend")
        self.suspended.set()
        self.case.assertEqual(answer.status, 200, repr(answer))

    def check(self, started, checks):
        headers = self.case.clerk.headers({"Content-Type": "application/json"})
        beside = after = late = 0
        with self.case.daemon.connect() as connection:
            connection.request("GET", "/healthz")
            started.wait()
            while after < checks:
                is_after = self.suspended.is_set()
                answer = connection.request("POST", "/v1/verifications",
                                            headers, self.body)
                valid = answer.json()["valid"]
                after += is_after
                late += is_after and valid
                beside += not is_after
        with self.lock:
            self.late += late
            self.after += after
            self.beside += beside
