"""HTTP itself: refusals, keep-alive, pipelining."""

import json
import re
import threading
import time
import unittest

import photos
from harness import DaemonCase, form, holder, threads
from http_raw import exchange, head_bytes, multipart


class Requests(DaemonCase):
    def verification(self, code="SID1:", **headers):
        body = json.dumps({"code": code, "purpose": "train_ticket"}).encode()
        more = self.clerk.headers({"Content-Type": "application/json"})
        more.update(headers)
        return head_bytes("POST", "/v1/verifications", more, body) + body

    def raw(self, data, method="GET"):
        return exchange(self.daemon, data, method)

    # ---- refusals --------------------------------------------------------
    def test_unknown_routes_are_404(self):
        for path in ("/", "/v1", "/v1/", "/v2/enrollments", "/v1/enrollment",
                     "/v1/enrollments/a/b/c", "/healthz/", "/HEALTHZ",
                     "/v1//enrollments", "/v1/credentials/x/code/y",
                     "/v1/verifications/", "/.env", "/v1/enrollments/"):
            with self.subTest(path=path):
                answer = self.app.get(path)
                self.assert_problem(answer, 404, "not_found")

    def test_strange_targets_are_refused(self):
        for path in ("/v1/enrollments/%00", "/healthz%00x", "/%2e%2e/healthz",
                     "/healthz%0d%0aX: y", "/../healthz", "/v1/\x7f",
                     "/healthz%", "/h\x80", "/healthz;x", "//healthz"):
            with self.subTest(path=path):
                answer = self.raw(head_bytes("GET", path))
                if answer is not None:
                    self.assertIn(answer.status, (400, 404), repr(answer))

    def test_wrong_methods_are_405_with_allow(self):
        for path, allow in (("/v1/enrollments", {"GET", "HEAD", "POST"}),
                            ("/v1/verifications", {"POST"}),
                            ("/v1/enrollments/enr_0", {"GET", "HEAD", "DELETE"}),
                            ("/v1/credentials/crd_0/code", {"GET", "HEAD"}),
                            ("/v1/credentials/crd_0/revoke", {"POST"}),
                            ("/healthz", {"GET", "HEAD"}),
                            ("/metrics", {"GET", "HEAD"})):
            for method in {"DELETE", "PUT", "PATCH"} - allow:
                with self.subTest(path=path, method=method):
                    answer = self.daemon.request(method, path,
                                                 self.app.headers())
                    self.assert_problem(answer, 405, "method_not_allowed")
                    got = set(re.split(r",\s*", answer.header("allow")))
                    self.assertEqual(got, allow)

    def test_a_body_that_is_too_long_is_413(self):
        body = json.dumps({"code": "x" * 100000,
                           "purpose": "train_ticket"}).encode()
        answer = self.clerk.post("/v1/verifications", body)
        self.assert_problem(answer, 413, "body_too_large")

    def test_a_photo_that_is_too_long_is_413(self):
        photo = photos.photo(1) + b"\0" * ((8 << 20) + 1)
        answer = self.app.submit(holder(), photos.photo(1), photo)
        self.assert_problem(answer, 413, "body_too_large")

    def test_a_chunked_body_without_a_length_is_411(self):
        head = head_bytes("POST", "/v1/verifications", self.clerk.headers({
            "Content-Type": "application/json",
            "Transfer-Encoding": "chunked"}))
        answer = self.raw(head + b"2\r\n{}\r\n0\r\n\r\n", "POST")
        self.assert_problem(answer, 411, "length_required")
        head = head_bytes("POST", "/v1/enrollments", self.app.headers({
            "Content-Type": "multipart/form-data; boundary=b",
            "Transfer-Encoding": "chunked"}))
        answer = self.raw(head + b"0\r\n\r\n", "POST")
        self.assert_problem(answer, 411, "length_required")

    def test_a_post_without_any_length_is_refused(self):
        head = head_bytes("POST", "/v1/verifications", self.clerk.headers(
            {"Content-Type": "application/json"}))
        answer = self.raw(head, "POST")
        self.assertIn(answer.status, (400, 411), repr(answer))

    def test_other_content_types_are_415(self):
        for kind in (None, "text/plain", "application/xml",
                     "application/jsonx", "multipart/form-data; boundary=x",
                     "application/x-www-form-urlencoded", "json"):
            with self.subTest(kind=kind):
                headers = self.clerk.headers()
                if kind:
                    headers["Content-Type"] = kind
                answer = self.daemon.request("POST", "/v1/verifications",
                                             headers, b"{}")
                self.assert_problem(answer, 415, "unsupported_media_type")
        for kind in ("application/json", "multipart/mixed; boundary=x",
                     "image/png"):
            answer = self.daemon.request(
                "POST", "/v1/enrollments",
                self.app.headers({"Content-Type": kind}), b"x")
            self.assert_problem(answer, 415, "unsupported_media_type")

    def test_json_may_have_a_charset_and_any_case(self):
        for kind in ("application/json; charset=utf-8", "Application/JSON",
                     "application/json;charset=UTF-8"):
            answer = self.clerk.post("/v1/verifications",
                                     {"code": "x", "purpose": "train_ticket"},
                                     {"Content-Type": kind})
            self.assertEqual(answer.status, 200, repr(answer))

    def test_a_multipart_body_without_a_boundary_is_refused(self):
        for kind in ("multipart/form-data", "multipart/form-data; boundary=",
                     'multipart/form-data; boundary="',
                     "multipart/form-data; boundary=" + "b" * 3000):
            answer = self.daemon.request(
                "POST", "/v1/enrollments",
                self.app.headers({"Content-Type": kind}), b"--x\r\n\r\n")
            self.assertIn(answer.status, (400, 415, 431), repr(answer))

    def test_broken_multipart_bodies_are_400(self):
        kind, whole = multipart(form(holder(), *photos.pair(1)))
        for name, body in (
                ("empty", b""), ("no boundary", b"hello"),
                ("cut", whole[:len(whole) // 2]),
                ("no end", whole[:-8]),
                ("only end", whole[-40:]),
                ("no names", whole.replace(b'; name="', b'; title="')),
                ("long name", whole.replace(
                    b'name="selfie"', b'name="' + b"s" * 5000 + b'"'))):
            with self.subTest(body=name):
                answer = self.daemon.request(
                    "POST", "/v1/enrollments",
                    self.app.headers({"Content-Type": kind}), body)
                self.assert_problem(answer, 400)

    def test_big_headers_are_431(self):
        answer = self.raw(head_bytes("GET", "/healthz",
                                     {"X-Big": "x" * 200000}))
        self.assertTrue(answer is None or answer.status in (400, 413, 431),
                        repr(answer))
        answer = self.raw(head_bytes("GET", "/healthz", [
            ("X-%d" % i, "y" * 100) for i in range(2000)]))
        self.assertTrue(answer is None or answer.status in (400, 413, 431),
                        repr(answer))
        self.assertEqual(self.app.get("/healthz").status, 200)

    def test_a_target_of_a_hundred_thousand_characters_is_refused(self):
        answer = self.raw(head_bytes("GET", "/" + "a" * 100000))
        self.assertTrue(answer is None or answer.status in (400, 404, 414,
                                                            431))

    def test_contradictions_are_refused(self):
        auth = "Authorization: Bearer %s\r\n" % self.keys["clerk"]
        json_type = "Content-Type: application/json\r\n"
        post = "POST /v1/verifications HTTP/1.1\r\n"
        for name, data in (
                ("length and chunked", post + "Host: x\r\n" + auth +
                 json_type + "Content-Length: 2\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                ("two lengths", post + "Host: x\r\n" + auth + json_type +
                 "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
                ("negative length", post + "Host: x\r\n" + auth + json_type +
                 "Content-Length: -1\r\n\r\n{}"),
                ("no number", post + "Host: x\r\n" + auth + json_type +
                 "Content-Length: 2x\r\n\r\n{}"),
                ("two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\n"
                 "Host: b\r\n\r\n"),
                ("no host", "GET /healthz HTTP/1.1\r\n\r\n"),
                ("space before colon", "GET /healthz HTTP/1.1\r\nHost: x\r\n"
                 "X-A : b\r\n\r\n"),
                ("space in a length", "GET /healthz HTTP/1.1\r\nHost: x\r\n"
                 "Content-Length : 5\r\n\r\nhello"),
                ("no name", "GET /healthz HTTP/1.1\r\nHost: x\r\n"
                 ": b\r\n\r\n")):
            with self.subTest(name):
                answer = self.raw(data.encode())
                if answer is not None:
                    self.assertIn(answer.status, (400, 411), repr(answer))

    # ---- what every answer has -------------------------------------------
    def test_a_request_id_is_echoed_or_made(self):
        answer = self.daemon.request("GET", "/healthz", {
            "X-Request-Id": "abc-DEF_123.4"})
        self.assertEqual(answer.header("x-request-id"), "abc-DEF_123.4")
        made = {self.daemon.request("GET", "/healthz").header("x-request-id")
                for _ in range(10)}
        self.assertEqual(len(made), 10)
        for one in made:
            self.assertRegex(one, r"^[0-9A-Za-z_.-]{8,64}$")

    def test_a_request_id_that_could_do_harm_is_replaced(self):
        for bad in ("a b", "x" * 500, 'a"b', "a=b\x01", "\x80"):
            with self.subTest(bad=bad[:20]):
                answer = self.raw(head_bytes("GET", "/healthz",
                                             {"X-Request-Id": bad}))
                if answer is not None and answer.status == 200:
                    self.assertNotEqual(answer.header("x-request-id"), bad)

    def test_a_problem_names_the_request(self):
        answer = self.daemon.request("GET", "/v1/nothing",
                                     {"X-Request-Id": "request-77"})
        document = self.assert_problem(answer, 404, "not_found")
        self.assertEqual(document["request_id"], "request-77")
        self.assertEqual(document["title"], "Not Found")
        self.assertEqual(document["detail"],
                         "There is nothing here under this name.")
        self.assertEqual(document["type"], "urn:smartid:problem:not_found")

    def test_answers_tell_nothing_about_the_program(self):
        for path in ("/healthz", "/v1/nothing"):
            answer = self.daemon.request("GET", path)
            self.assertIsNone(answer.header("server"))
            self.assertIsNotNone(answer.header("date"))
            self.assertEqual(answer.header("x-content-type-options"),
                             "nosniff")

    def test_head_is_like_get_without_the_body(self):
        for path in ("/healthz", "/readyz", "/version", "/metrics",
                     "/v1/nothing"):
            with self.subTest(path=path):
                get = self.app.get(path)
                with self.daemon.connect() as connection:
                    head = connection.request("HEAD", path,
                                              self.app.headers())
                    self.assertEqual(head.status, get.status)
                    self.assertEqual(head.header("content-type"),
                                     get.header("content-type"))
                    # No body follows: the next answer begins at once.
                    self.assertEqual(connection.request(
                        "GET", "/healthz").status, 200)

    def test_head_works_wherever_get_does(self):
        _, credential = self.approved(who=5)
        waiting = self.app.enrol(who=6, selfie_flaw=photos.UNCLEAR)["id"]
        code = "/v1/credentials/%s/code" % credential
        for api, path, more in (
                (self.app, "/v1/enrollments/" + waiting, {}),
                (self.officer, "/v1/enrollments?state=review", {}),
                (self.officer, "/v1/enrollments/%s/photos/selfie" % waiting,
                 {}),
                (self.app, "/v1/credentials/" + credential, {}),
                (self.app, code, {}),
                (self.app, code, {"Accept": "image/png"}),
                (self.app, code, {"Accept": "text/html"}),
                (self.admin, "/v1/clients", {}),
                (self.nobody, "/v1/clients", {}),
                (self.clerk, "/v1/clients", {})):
            with self.subTest(path=path, more=more):
                get = api.get(path, more)
                with self.daemon.connect() as connection:
                    head = connection.request("HEAD", path,
                                              api.headers(more))
                    self.assertEqual(head.status, get.status)
                    for name in ("content-type", "cache-control",
                                 "content-disposition", "www-authenticate"):
                        self.assertEqual(head.header(name), get.header(name))
                    if get.status == 200:
                        self.assertEqual(head.header("content-length"),
                                         get.header("content-length"))
                    self.assertEqual(connection.request(
                        "GET", "/healthz").status, 200)

    def test_json_ends_with_a_newline(self):
        for answer in (self.nobody.get("/healthz"), self.app.get("/v1/x"),
                       self.admin.get("/v1/clients"),
                       self.clerk.post("/v1/verifications", {
                           "code": "x", "purpose": "train_ticket"})):
            self.assertTrue(answer.body.endswith(b"}\n"), repr(answer))

    def test_a_refusal_says_what_is_accepted(self):
        def detail(answer, status):
            return self.assert_problem(answer, status)["detail"]

        def enrol(kind, body):
            return self.daemon.request(
                "POST", "/v1/enrollments",
                self.app.headers({"Content-Type": kind}), body)

        def parts(photo_kind="image/png", photo=photos.photo(1),
                  holder_kind="application/json", person=None):
            return enrol(*multipart([
                ("id_photo", photo_kind, photo),
                ("selfie", "image/png", photos.photo(1)),
                ("holder", holder_kind,
                 json.dumps(person or holder()).encode())]))

        question = {"code": "x", "purpose": "train_ticket"}
        for answer, status, words in (
                (self.clerk.post("/v1/verifications", b"x",
                                 {"Content-Type": "text/plain"}), 415,
                 "application/json"),
                (enrol("image/png", b"x"), 415, "multipart/form-data"),
                (parts(photo_kind="image/gif"), 415,
                 "image/jpeg or image/png"),
                (parts(holder_kind="text/html"), 415, "application/json"),
                (self.clerk.post("/v1/verifications", b"x" * 16385), 413,
                 "16384 bytes"),
                (parts(photo=photos.photo(1) + b"\0" * (8 << 20)), 413,
                 "8388608 bytes"),
                (parts(person={"x": "x" * 5000}), 413, "4096 bytes"),
                (enrol("multipart/form-data; boundary=x", b"x" * (23 << 20)),
                 413, "23134208 bytes"),
                (parts(person=holder(phone="call me")), 422, "digits"),
                (parts(person=dict(holder(), consent={
                    "version": "1", "given_at": "yesterday"})), 422,
                 "2026-01-05T08:00:00Z"),
                (self.clerk.post("/v1/verifications",
                                 dict(question, counter="x" * 65)), 422,
                 "64 bytes")):
            with self.subTest(words=words):
                self.assertIn(words, detail(answer, status))

    def test_a_word_that_is_not_of_the_list_is_told_the_list(self):
        enrolment, credential = self.approved(who=4)
        path = "/v1/credentials/" + credential
        licence = {"type": "drivers_licence", "fields": {
            "classes": "C1", "first_issue": "2020-05-17"}}
        bad = dict(licence, fields=dict(licence["fields"], classes="lorry"))
        for who, path, value, words in (
                (self.app, path + "/revoke", {"reason": "x"}, "unwanted"),
                (self.officer, path + "/recover", {"reason": "x"},
                 "new_phone"),
                (self.app, path + "/issue", {"type": "x"}, "drivers_licence"),
                (self.app, path + "/issue", bad, "one blank"),
                (self.app, path + "/issue",
                 dict(licence, valid_until="2020-01-01"), "not yet over"),
                (self.officer, path + "/upgrade", {"person_seen": False},
                 "true."),
                (self.officer, "/v1/disputes/dsp_%s/settle" % ("0" * 26),
                 {"outcome": "x", "note": "x"}, "dismissed"),
                (self.admin, "/v1/webhook/replay", {"seq": 0}, "event")):
            with self.subTest(words=words):
                answer = who.post(path, value)
                self.assertIn(words, self.assert_problem(answer, 422)[
                    "detail"])
        answer = self.officer.delete("/v1/enrollments/" + enrolment["id"],
                                     {"reason": "x"})
        self.assertIn("mistake", self.assert_problem(answer, 422)["detail"])

    def test_who_may_not_resume_is_told_why(self):
        enrolment, credential = self.approved(who=4)
        own = self.daemon.api(enrolment["holder_secret"])
        self.app.change(credential, "suspend")
        for who, told in ((own, True), (self.clerk, False)):
            document = self.assert_problem(who.change(credential, "resume"),
                                           403)
            self.assertEqual("Somebody else" in document["detail"], told)

    # ---- connections -----------------------------------------------------
    def test_many_requests_go_over_one_connection(self):
        enrolment, credential = self.approved(who=2)
        code = self.app.code(credential)["code"]
        with self.daemon.connect() as connection:
            for index in range(300):
                connection.send(self.verification(code))
                self.assertTrue(connection.answer().json()["valid"])
                if index % 50 == 0:
                    answer = connection.request("GET", "/v1/nothing")
                    self.assertEqual(answer.status, 404)

    def test_twenty_pipelined_checks_get_twenty_answers_in_order(self):
        _, credential = self.approved(who=3)
        code = self.app.code(credential)["code"]
        with self.daemon.connect() as connection:
            connection.send(b"".join(
                self.verification(code if i % 2 else "SID1:",
                                  **{"X-Request-Id": "pipe-%02d" % i})
                for i in range(20)))
            for i in range(20):
                answer = connection.answer()
                self.assertEqual(answer.status, 200, repr(answer))
                self.assertEqual(answer.header("x-request-id"),
                                 "pipe-%02d" % i)
                self.assertEqual(answer.json()["valid"], bool(i % 2))

    def test_pipelined_enrolments_and_checks_keep_their_order(self):
        data = b""
        for i in range(4):
            kind, body = multipart(form(holder(), *photos.pair(i)))
            data += head_bytes("POST", "/v1/enrollments", self.app.headers({
                "Content-Type": kind, "Prefer": "wait=30",
                "X-Request-Id": "enrol-%d" % i}), body) + body
            data += self.verification(**{"X-Request-Id": "check-%d" % i})
        with self.daemon.connect() as connection:
            sender = threading.Thread(target=connection.send, args=(data,))
            sender.start()
            for i in range(4):
                answer = connection.answer()
                self.assertEqual((answer.status,
                                  answer.header("x-request-id")),
                                 (201, "enrol-%d" % i))
                answer = connection.answer()
                self.assertEqual((answer.status,
                                  answer.header("x-request-id")),
                                 (200, "check-%d" % i))
            sender.join()

    def test_connection_close_is_honoured(self):
        with self.daemon.connect() as connection:
            answer = connection.request("GET", "/healthz",
                                        {"Connection": "close"})
            self.assertEqual(answer.status, 200)
            self.assertTrue(connection.closed_by_peer())

    def test_a_client_of_http_1_0_is_served(self):
        answer = self.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertEqual(answer.status, 200)

    def test_a_request_in_single_bytes_is_served(self):
        data = self.verification()
        with self.daemon.connect() as connection:
            for i in range(len(data)):
                connection.send(data[i:i + 1])
            self.assertEqual(connection.answer().status, 200)

    def test_a_slow_client_does_not_hold_up_the_others(self):
        kind, body = multipart(form(holder(), *photos.pair(4)))
        slow = []
        for _ in range(20):
            connection = self.daemon.connect()
            self.addCleanup(connection.close)
            connection.send(head_bytes(
                "POST", "/v1/enrollments",
                self.app.headers({"Content-Type": kind}), body) + body[:50])
            slow.append(connection)
        for _ in range(30):
            began = time.monotonic()
            self.assertFalse(self.clerk.verify("SID1:")["valid"])
            self.assertLess(time.monotonic() - began, 5)
        for connection in slow:
            connection.send(body[50:])
        ids = {connection.answer().json()["id"] for connection in slow}
        self.assertEqual(len(ids), 20)
        for one in ids:
            self.app.settled(one)

    def test_a_waiting_client_that_hangs_up_does_no_harm(self):
        for _ in range(5):
            kind, body = multipart(form(holder(), photos.photo(5),
                                        photos.photo(5, photos.SLOW)))
            with self.daemon.connect() as connection:
                connection.send(head_bytes(
                    "POST", "/v1/enrollments", self.app.headers(
                        {"Content-Type": kind, "Prefer": "wait=30"}),
                    body) + body)
        self.assertEqual(self.app.enrol(who=6)["state"], "approved")
        self.assertEqual(self.app.get("/readyz").status, 200)

    def test_thirty_two_connections_check_at_once(self):
        _, credential = self.approved(who=7)
        code = self.app.code(credential)["code"]

        def work(_):
            with self.daemon.connect() as connection:
                for _ in range(20):
                    connection.send(self.verification(code))
                    self.assertTrue(connection.answer().json()["valid"])

        threads(32, work)


if __name__ == "__main__":
    unittest.main()
