"""The edges of HTTP (edges.py), straight and through nginx as it is shipped:
each request has one meaning, and a refusal is a problem document."""

import unittest

from edges import all_edges
from front import Front
from harness import DaemonCase
from http_raw import Closed

NEXT = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"


def ask(connection, data, method="GET"):
    """The answer, or None when it is hung up on; then whether the connection
    is in step: closed, or the next request has the next answer."""
    try:
        connection.send(data)
        answer = connection.answer(method)
    except (Closed, OSError):
        return None, True
    if answer.header("connection", "").lower() == "close":
        return answer, connection.closed_by_peer(20) and \
            not connection.buffer
    try:
        connection.send(NEXT)
        return answer, b'"version"' in connection.answer().body
    except (Closed, OSError):
        return answer, not connection.buffer
    except ValueError:  # what comes is no answer
        return answer, False


class Edges(DaemonCase):
    # What never becomes a request for the one at the other end is waited for
    # until the end of this.
    SETTINGS = {"http.head_timeout_s": "2"}
    # Nothing that a client of HTTP would send.
    NO_ANSWER = {"target b''", "method b'G\\x00T'", "a tab for a blank",
                 "version b''"}

    def test_there_are_more_than_300_of_them(self):
        names = [name for name, _ in all_edges(self.keys["clerk"])]
        self.assertGreater(len(names), 300)
        self.assertEqual(len(set(names)), len(names))

    def problem(self, answer):
        self.assertGreaterEqual(answer.status, 400, repr(answer))
        self.assertLess(answer.status, 500, repr(answer))
        self.assert_problem(answer, answer.status)

    def test_straight_each_is_refused_once(self):
        for name, data in all_edges(self.keys["clerk"]):
            with self.subTest(name), self.daemon.connect(20) as connection:
                answer, in_step = ask(connection, data)
                self.assertTrue(in_step, repr(answer))
                if answer is None:
                    self.assertIn(name, self.NO_ANSWER)
                    continue
                self.problem(answer)
        self.assertNotIn("hidden", self.daemon.log.text())
        self.assertEqual(self.nobody.get("/readyz").status, 200)

    def test_through_nginx_each_has_one_answer(self):
        front = Front(self.daemon)
        self.addCleanup(front.close)
        with front.connect() as connection:
            connection.send(NEXT)
            self.assertEqual(connection.answer().status, 200)
        for name, data in all_edges(self.keys["clerk"]):
            with self.subTest(name), front.connect(20) as connection:
                answer, in_step = ask(connection, data)
                self.assertTrue(in_step, repr(answer))
                if answer is None:
                    self.assertIn(name, self.NO_ANSWER)
                elif answer.status != 200:
                    self.problem(answer)


class Front503(DaemonCase):
    def test_what_nginx_itself_refuses_is_a_problem_document_too(self):
        front = Front(self.daemon)
        self.addCleanup(front.close)
        cases = [("GET", "/metrics", None, 404, "not_found"),
                 ("GET", "/x", None, 404, "not_found"),
                 ("POST", "/v1/verifications", b"x" * 70000, 413,
                  "body_too_large")]
        for method, path, body, status, code in cases:
            with front.connect() as connection:
                self.assert_problem(connection.request(
                    method, path, {}, body), status, code)
        self.daemon.stop()
        with front.connect() as connection:
            answer = connection.request("GET", "/healthz")
            self.assert_problem(answer, 503, "unavailable")
            self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        self.daemon.start()


if __name__ == "__main__":
    unittest.main()
