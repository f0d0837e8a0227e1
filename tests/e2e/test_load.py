"""Clerks are answered while others are slow, many, or waiting. The long runs,
with their figures, are in tests/slow/test_slow_load.py."""

import unittest

import photos
from faceproc import metric
from harness import SLOW, DaemonCase, form, holder
from http_raw import head_bytes, multipart
from load import Checks, Crawlers, Crowd


class Load(DaemonCase):
    SETTINGS = {"face.queue_capacity": "64", "http.head_timeout_s": "2",
                "http.body_timeout_s": "2"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        state = cls.app.enrol(who=1)
        cls.code = cls.app.code(state["credential_id"])["code"]

    def test_64_that_wait_for_a_decision_starve_nobody(self):
        waiting = []
        for who in range(64):
            kind, body = multipart(form(
                holder(), photos.photo(who, photos.SLOW if who < 24
                                       else photos.OK), photos.photo(who)))
            connection = self.daemon.connect()
            self.addCleanup(connection.close)
            connection.send(head_bytes(
                "POST", "/v1/enrollments", self.app.headers(
                    {"Content-Type": kind, "Prefer": "wait=60"}),
                body) + body)
            waiting.append(connection)
        checks = Checks(self, self.code, 2).end()
        self.assertLess(checks.slowest, 1.0 * SLOW)
        for connection in waiting:
            self.assertIn(connection.answer().status, (200, 201))

    def test_200_that_crawl_are_in_nobodys_way(self):
        crawlers = Crawlers(self, 200)
        self.addCleanup(crawlers.end)
        crawlers.wait()
        Checks(self, self.code, 4).end()
        crawlers.wait()
        for reason in ("head_late", "body_late", "answer_late"):
            self.assertGreater(metric(
                self.daemon, 'smartidd_http_connections_cut_total{reason="%s"}'
                % reason), 0)
        crawlers.end()
        self.assertEqual(self.app.enrol(who=2)["state"], "approved")


class Full(DaemonCase):
    SETTINGS = {"face.queue_capacity": "16"}

    def test_a_crowd_is_told_to_come_back_and_checks_go_on(self):
        state = self.app.enrol(who=1)
        code = self.app.code(state["credential_id"])["code"]
        crowd = Crowd(self, 60, 3)
        Checks(self, code, 2).end()
        crowd.end()
        self.assertEqual(set(crowd.statuses), {202, 503})
        # Not each: neighbours on the machine make some wait.
        self.assertLess(crowd.refusal_s(50), 0.1 * SLOW)
        # All that were taken are decided, and there is room again.
        last = self.app.submit(holder(), *photos.pair(3), wait=60)
        while last.status == 503:
            last = self.app.submit(holder(), *photos.pair(3), wait=60)
        self.assertEqual(last.status, 201)


if __name__ == "__main__":
    unittest.main()
