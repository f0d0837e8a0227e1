"""The edges of HTTP (edges.py), straight and through nginx as it is shipped:
each request has one meaning, and a refusal is a problem document."""

import json
import socket
import unittest

from edges import all_edges
from front import Front
from harness import Case, DaemonCase, parse_line
from http_raw import Answer, Closed, Connection

NEXT = b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HTTP_09 = "version b''"


def ask(connection, data, method="GET"):
    """The answer, or None when it is hung up on; then whether the connection
    is in step: that answer is the only one before it is closed, but for that
    to the next request if it is kept open."""
    answer = None
    try:
        connection.send(data)
        answer = connection.answer(method)
        if answer.header("connection", "").lower() != "close":
            connection.send(NEXT)
            if b'"version"' not in connection.answer().body:
                return answer, False
    except (Closed, OSError):
        pass
    except ValueError:  # what comes is no answer
        return answer, False
    return answer, connection.closed_by_peer(20) and not connection.buffer


def bare(data):
    """The answer of HTTP/0.9: a problem document, and only that, without a
    head."""
    document = json.loads(data)
    return Answer(document["status"], [
        ("content-type", "application/problem+json"),
        ("x-request-id", document["request_id"])], data)


class Later(Connection):
    """To a server that answers at once, and says more when each answer has
    been read, until it has no more to say and closes."""

    def __init__(self, *answers):
        with socket.create_server(("127.0.0.1", 0)) as server:
            super().__init__(server.getsockname())
            self.peer = server.accept()[0]
        self.answers = list(answers)
        self.say()

    def say(self):
        self.peer.sendall(self.answers.pop(0))

    def answer(self, *_):
        found = super().answer()
        self.peer.recv(65536)  # unread it would be a reset
        while self.answers:
            self.say()
        self.peer.close()
        return found


class Twice(Case):
    """The control of ask()."""

    REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
    CLOSE = REFUSED + b"Connection: close\r\n\r\n"
    KEEP = REFUSED + b"\r\n"
    VERSION = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\"version\""
    HEALTH = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    def asked(self, *answers):
        with Later(*answers) as connection:
            answer, in_step = ask(connection, b"x")
            self.assertEqual(answer.status, 400)
            return in_step

    def test_a_server_that_answers_twice_is_found_out(self):
        self.assertTrue(self.asked(self.CLOSE))
        self.assertTrue(self.asked(self.KEEP, self.VERSION))
        self.assertFalse(self.asked(self.CLOSE, self.HEALTH))
        self.assertFalse(self.asked(self.CLOSE + self.HEALTH))
        self.assertFalse(self.asked(self.KEEP, self.HEALTH, self.VERSION))
        self.assertFalse(self.asked(self.KEEP, self.VERSION, self.HEALTH))
        self.assertFalse(self.asked(self.KEEP, self.HEALTH[:9]))


class Edges(DaemonCase):
    # What never becomes a request for the one at the other end is waited for
    # until the end of this.
    SETTINGS = {"http.head_timeout_s": "2"}
    # Nothing that a client of HTTP would send.
    NO_ANSWER = {"target b''", "method b'G\\x00T'", "a tab for a blank",
                 HTTP_09}
    # What nginx makes one good request of: it leaves out lines whose name is
    # none, takes LF for CR LF and blanks for one, and unpacks chunks.
    FINE_THROUGH_NGINX = {
        *("byte %02x in a name" % byte
          for byte in b"\"(),/;<=>?@[\\]{}\x80\xff"),
        "a line without a colon", "a bare LF after a line", "bare LFs only",
        "a bare LF hides a line", "version b'HTTP/1.1 '", "two blanks",
        "two blanks more", "coding b'chunked'", "coding b'Chunked'",
        "coding b'CHUNKED'"}

    def test_there_are_more_than_300_of_them(self):
        names = [name for name, _ in all_edges(self.keys["clerk"])]
        self.assertGreater(len(names), 300)
        self.assertEqual(len(set(names)), len(names))

    def problem(self, answer):
        self.assertGreaterEqual(answer.status, 400, repr(answer))
        self.assertLess(answer.status, 500, repr(answer))
        self.assert_problem(answer, answer.status)

    def ask_all(self, connect):
        """The answers by their cases' names, and the daemon's log lines of
        requests by their ids: each case has at most one."""
        answers, lines = {}, {}
        for name, data in all_edges(self.keys["clerk"]):
            with self.subTest(name), connect(20) as connection:
                answer, in_step = ask(connection, data)
                if name == HTTP_09 and connection.buffer:
                    answer, in_step = bare(connection.buffer), True
                self.assertTrue(in_step, repr(answer))
                if answer is None:
                    self.assertIn(name, self.NO_ANSWER)
                else:
                    answers[name] = answer
        self.daemon.stop()  # now the log is whole
        for line in map(parse_line, self.daemon.log.lines):
            if line.get("event") == "request" and \
                    line["route"] not in ("/version", "/readyz"):
                self.assertNotIn(line["request_id"], lines)
                lines[line["request_id"]] = line
        self.daemon.start()
        ids = [answer.header("x-request-id") for answer in answers.values()]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(set(lines) - set(ids), set(), "not answered")
        return answers, lines

    def test_straight_each_is_refused_once(self):
        answers, _ = self.ask_all(self.daemon.connect)
        for name, answer in answers.items():
            with self.subTest(name):
                self.problem(answer)
        self.assertEqual(self.nobody.get("/readyz").status, 200)

    def test_through_nginx_each_has_one_meaning(self):
        front = Front(self.daemon)
        self.addCleanup(front.close)
        with front.connect() as connection:
            connection.send(NEXT)
            self.assertEqual(connection.answer().status, 200)
        answers, lines = self.ask_all(front.connect)
        for name, answer in answers.items():
            with self.subTest(name):
                if name not in self.FINE_THROUGH_NGINX:
                    self.problem(answer)
                    continue
                self.assertEqual(answer.status, 200)
                self.assertEqual(
                    lines[answer.header("x-request-id")]["route"],
                    "/v1/verifications" if name.startswith("coding")
                    else "/healthz")


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
