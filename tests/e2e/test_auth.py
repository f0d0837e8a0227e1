"""Keys and roles: who may call what, judged before the body is read."""

import json
import unittest

import photos
from harness import DaemonCase, credential_of, form, holder
from http_raw import head_bytes, multipart


class Keys(DaemonCase):
    """What is no key, and how that is told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enrolment = cls.app.enrol(who=1)
        cls.credential = credential_of(cls.enrolment)
        revoked = cls.daemon.add_client("app", "revoked app")
        cls.revoked_id = cls.daemon.client_id("revoked app")
        cls.daemon.ctl("client", "revoke", cls.revoked_id)
        cls.wrong = {
            "none": None,
            "revoked": "Bearer " + revoked,
            "unknown": "Bearer sidk_" + "a" * 12 + "_" + "b" * 52,
            "changed": "Bearer " + cls.keys["app"][:-4] + "aaaa",
            "too long": "Bearer " + cls.keys["app"] + "a",
            "too short": "Bearer " + cls.keys["app"][:-1],
            "empty": "Bearer ",
            "basic": "Basic dXNlcjpwYXNz",
            "no scheme": cls.keys["app"],
            "other scheme": "Token " + cls.keys["app"],
            "two": "Bearer %s %s" % (cls.keys["app"], cls.keys["app"]),
            "rubbish": "Bearer \x7f\x01",
        }

    # Each route times each caller is test_routes.py's.
    ROUTES = (("GET", "/v1/clients", None), ("POST", "/v1/enrollments", {}),
              ("POST", "/v1/verifications", {}))

    def call(self, method, path, body, authorization):
        headers = {}
        if authorization is not None:
            headers["Authorization"] = authorization
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            if path == "/v1/enrollments":
                headers["Content-Type"] = "multipart/form-data; boundary=x"
            data = json.dumps(body).encode()
        return self.daemon.request(method, path, headers, data)

    def test_no_route_takes_a_key_that_is_not_valid(self):
        for method, path, body in self.ROUTES:
            for name, authorization in self.wrong.items():
                with self.subTest(route="%s %s" % (method, path), key=name):
                    answer = self.call(method, path, body, authorization)
                    if name == "rubbish" and answer.status == 400:
                        continue
                    self.assert_problem(answer, 401, "unauthenticated")
                    self.assertTrue(answer.header(
                        "www-authenticate", "").startswith("Bearer"))

    def test_all_refused_keys_are_answered_alike(self):
        bodies = set()
        for name in ("none", "revoked", "unknown", "changed", "basic"):
            answer = self.call("GET", "/v1/credentials/" + self.credential,
                               None, self.wrong[name])
            document = answer.json()
            document.pop("request_id")
            bodies.add(json.dumps(document, sort_keys=True))
        self.assertEqual(len(bodies), 1)

    def test_the_scheme_is_read_without_regard_to_case(self):
        for scheme in ("bearer", "BEARER", "Bearer"):
            answer = self.call("GET", "/v1/credentials/" + self.credential,
                               None, scheme + " " + self.keys["app"])
            self.assertEqual(answer.status, 200, scheme)

    def test_open_routes_need_no_key(self):
        for path in ("/healthz", "/readyz", "/version", "/metrics"):
            self.assertEqual(self.call("GET", path, None, None).status, 200)

    def test_a_second_authorization_header_is_refused(self):
        with self.daemon.connect() as connection:
            connection.send(head_bytes("GET", "/v1/credentials/" +
                                       self.credential, [
                ("Authorization", "Bearer " + self.keys["app"]),
                ("Authorization", "Bearer " + self.keys["clerk"])]))
            self.assertIn(connection.answer().status, (400, 401))


class BeforeTheBody(DaemonCase):
    """Method, route, content type, size, key and role are judged when only
    the head has been sent."""

    def head_only(self, method, path, headers, length=4000000, expect=True):
        """Sends a head that promises a body and reads what comes back."""
        pairs = [("Host", "x"), ("Content-Length", str(length))]
        if expect:
            pairs.append(("Expect", "100-continue"))
        pairs += list(headers.items())
        connection = self.daemon.connect()
        self.addCleanup(connection.close)
        connection.send(head_bytes(method, path, pairs))
        return connection

    def early(self, *arguments, **options):
        interim = []
        answer = self.head_only(*arguments, **options).answer(interim=interim)
        self.assertEqual(interim, [], "100 Continue was sent")
        return answer

    def multipart_headers(self, key):
        return {"Content-Type": "multipart/form-data; boundary=b",
                "Authorization": "Bearer " + key}

    def test_no_key_is_401_while_the_body_is_still_at_home(self):
        answer = self.early("POST", "/v1/enrollments", {
            "Content-Type": "multipart/form-data; boundary=b"})
        self.assert_problem(answer, 401, "unauthenticated")

    def test_a_wrong_role_is_403_while_the_body_is_still_at_home(self):
        answer = self.early("POST", "/v1/enrollments",
                            self.multipart_headers(self.keys["clerk"]))
        self.assert_problem(answer, 403, "forbidden")

    def test_an_unknown_route_is_404_while_the_body_is_still_at_home(self):
        answer = self.early("POST", "/v1/nothing",
                            self.multipart_headers(self.keys["app"]))
        self.assert_problem(answer, 404, "not_found")

    def test_a_wrong_method_is_405_while_the_body_is_still_at_home(self):
        answer = self.early("PUT", "/v1/enrollments",
                            self.multipart_headers(self.keys["app"]))
        self.assert_problem(answer, 405, "method_not_allowed")

    def test_a_wrong_content_type_is_415_while_the_body_is_still_at_home(
            self):
        answer = self.early("POST", "/v1/enrollments", {
            "Content-Type": "application/json",
            "Authorization": "Bearer " + self.keys["app"]})
        self.assert_problem(answer, 415, "unsupported_media_type")

    def test_a_body_that_is_too_long_is_413_while_it_is_still_at_home(self):
        answer = self.early("POST", "/v1/enrollments",
                            self.multipart_headers(self.keys["app"]),
                            length=200 << 20)
        self.assert_problem(answer, 413, "body_too_large")
        answer = self.early("POST", "/v1/verifications", {
            "Content-Type": "application/json",
            "Authorization": "Bearer " + self.keys["clerk"]},
            length=10 << 20)
        self.assert_problem(answer, 413, "body_too_large")

    def test_the_first_refusal_is_told_even_without_expect(self):
        """Without 100-continue the client sends at once: it may be cut off,
        but it gets its answer."""
        connection = self.head_only("POST", "/v1/enrollments", {
            "Content-Type": "multipart/form-data; boundary=b"},
            length=100, expect=False)
        connection.send(b"x" * 100)
        self.assertEqual(connection.answer().status, 401)

    def test_who_is_welcome_is_asked_to_continue(self):
        kind, body = multipart(form(holder(), *photos.pair(1)))
        connection = self.head_only(
            "POST", "/v1/enrollments",
            {"Content-Type": kind, "Prefer": "wait=30",
             "Authorization": "Bearer " + self.keys["app"]},
            length=len(body))
        self.assertEqual(connection.head()[0], 100)
        connection.send(body)
        answer = connection.answer()
        self.assertEqual(answer.status, 201, repr(answer))


class Expiry(DaemonCase):
    def test_a_key_dies_at_its_date(self):
        key = self.daemon.add_client("app", "short lived", expires="1d")
        api = self.daemon.api(key)
        path = "/v1/enrollments/enr_000"
        self.daemon.set_clock(86400 - 30)
        self.assertEqual(api.get(path).status, 404)
        self.daemon.set_clock(86400 + 5)
        self.assert_problem(api.get(path), 401, "unauthenticated")
        self.daemon.set_clock(0)

    def test_a_key_lives_ninety_days_unless_told_otherwise(self):
        path = "/v1/enrollments/enr_000"
        self.daemon.set_clock(89 * 86400)
        self.assertEqual(self.app.get(path).status, 404)
        self.daemon.set_clock(90 * 86400 + 100)
        self.assertEqual(self.app.get(path).status, 401)
        self.daemon.set_clock(0)


class WhileRunning(DaemonCase):
    def test_a_key_made_while_running_works_at_once(self):
        key = self.daemon.add_client("clerk", "new at work")
        answer = self.daemon.api(key).verify("SID1:")
        self.assertFalse(answer["valid"])

    def test_a_revoked_key_is_refused_at_once(self):
        key = self.daemon.add_client("app", "soon gone")
        api = self.daemon.api(key)
        path = "/v1/enrollments/enr_000"
        self.assertEqual(api.get(path).status, 404)
        client = self.daemon.client_id("soon gone")
        # On a connection that was open before, too.
        with self.daemon.connect() as connection:
            self.assertEqual(connection.request(
                "GET", path, api.headers()).status, 404)
            self.daemon.ctl("client", "revoke", client)
            answer = connection.request("GET", path, api.headers())
            self.assertEqual(answer.status, 401)
        self.assertEqual(api.get(path).status, 401)

    def test_a_revocation_outlives_a_restart(self):
        key = self.daemon.add_client("app", "gone for good")
        self.daemon.ctl("client", "revoke",
                        self.daemon.client_id("gone for good"))
        self.daemon.restart()
        answer = self.daemon.api(key).get("/v1/enrollments/enr_000")
        self.assertEqual(answer.status, 401)


if __name__ == "__main__":
    unittest.main()
