"""The route table is what happens: each route times each method times each
caller. What is expected is worked out from `smartidd --print-routes` alone, so
that table and behaviour can only change together; only the answer to those who
may stands here, by route. A new route needs a row in WELCOME."""

import json
import shutil
import unittest

import photos
from harness import DaemonCase, credential_of, form, holder, program, \
    run_tool
from http_raw import Closed, multipart
from pages import FILES, folder_of

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
NO_KEY = ("none", "malformed key", "revoked key", "expired key",
          "key of a foreign network")
# Whom the table means by each caller that has a good key.
ROLE_OF = {"app": "app", "other app": "app", "holder": "holder",
           "other holder": "holder", "clerk": "clerk", "officer": "officer",
           "admin": "admin"}
OWNERS = ("app", "holder", "clerk")
UNKNOWN = "0" * 26


class Row:
    """One row of the table."""

    def __init__(self, cells):
        methods, path, every, own, self.body = cells
        self.methods = methods.split(", ")
        self.path = path.strip("`")
        self.every = every.split(", ")
        self.own = own.split(", ")


def read_table(text):
    rows = []
    for line in text.splitlines()[2:]:
        rows.append(Row([cell.strip() for cell in line.strip("|").split("|")]))
    return rows


def table():
    return read_table(run_tool("--print-routes",
                               binary=program("smartidd-fake")).stdout)


class Thing:
    """A person's enrolment and credential, and what proves to be that
    person."""

    def __init__(self, enrolment):
        self.enrolment = enrolment["id"]
        self.credential = credential_of(enrolment)
        self.secret = enrolment["holder_secret"]


def enrolment_form():
    return multipart(form(holder(), *photos.pair(4)))


def appeal_form():
    return multipart(form(None, *photos.pair(6)))


def recovery_form():
    return multipart(form(None, None, photos.photo(5)))


def number_form():
    return multipart([("id_number", None, holder()["id_number"].encode()),
                      ("selfie", "image/png", photos.photo(5), "s.png")])


def camera_form():
    return multipart([("photo", "image/png", photos.photo(1), "camera.png")])


LICENCE = {"type": "drivers_licence",
           "fields": {"classes": "C1", "first_issue": "2020-01-01"}}


def counter_body():
    return "application/json", json.dumps({
        "holder": holder(), "person_seen": True, "card_seen": True}).encode()


# method and path -> status for those who may, body, whether it uses up what it
# is done to.
WELCOME = {
    ("POST", "/v1/verifications"):
        (200, {"code": "SID1:", "purpose": "train_ticket"}, False),
    ("POST", "/v1/verifications/batch"):
        (200, {"checks": [{"code": "SID1:"}], "purpose": "train_ticket"},
         False),
    ("POST", "/v1/enrollments"): (202, enrolment_form, False),
    ("POST", "/v1/counter/enrollments"): (201, counter_body, False),
    ("POST", "/v1/challenges"): (201, {}, False),
    ("GET", "/v1/enrollments"): (200, None, False),
    ("GET", "/v1/enrollments/{id}"): (200, None, False),
    ("DELETE", "/v1/enrollments/{id}"): (204, None, True),
    ("POST", "/v1/enrollments/{id}/decision"):
        (200, {"decision": "reject", "reason": "test"}, True),
    ("POST", "/v1/enrollments/{id}/appeal"): (202, appeal_form, True),
    ("GET", "/v1/enrollments/{id}/photos/{photo}"): (200, None, False),
    ("GET", "/v1/credentials/{id}"): (200, None, False),
    ("GET", "/v1/credentials/{id}/code"): (200, None, False),
    ("POST", "/v1/credentials/{id}/suspend"): (200, {}, True),
    ("POST", "/v1/credentials/{id}/resume"): (200, {}, True),
    ("POST", "/v1/credentials/{id}/revoke"): (200, {"reason": "lost"}, True),
    ("POST", "/v1/credentials/{id}/issue"): (201, LICENCE, False),
    ("POST", "/v1/credentials/{id}/upgrade"):
        (200, {"person_seen": True, "card_seen": True}, True),
    # Of an officer: JSON, see OFFICERS.
    ("POST", "/v1/credentials/{id}/recover"): (200, recovery_form, True),
    ("GET", "/v1/verifications/{id}/portrait"): (200, None, False),
    ("POST", "/v1/verifications/{id}/face"): (200, camera_form, False),
    ("GET", "/v1/credentials/{id}/checks"): (200, None, False),
    ("POST", "/v1/verifications/{id}/dispute"): (201, None, True),
    ("GET", "/v1/disputes"): (200, None, False),
    ("POST", "/v1/disputes/{id}/settle"):
        (200, {"outcome": "upheld", "note": "test"}, True),
    ("POST", "/v1/clients"): (201, {"name": "made", "role": "app"}, False),
    ("GET", "/v1/clients"): (200, None, False),
    ("POST", "/v1/clients/{id}/revoke"): (200, {}, True),
    ("GET", "/v1/keys"): (200, None, False),
    ("POST", "/v1/keys/rotate"): (200, {"use": "code"}, False),
    ("POST", "/v1/keys/master"): (200, {}, False),
    ("GET", "/v1/retention"): (200, None, False),
    # The log is not yet that long.
    ("POST", "/v1/audit/archive"):
        (409, {"month": "2026-01", "first": 1, "last": 1000000,
               "mac": "0" * 64}, False),
    ("GET", "/v1/webhook"): (200, None, False),
    # Nothing was refused.
    ("POST", "/v1/webhook/replay"): (404, {}, False),
    ("POST", "/v1/recoveries"): (200, number_form, False),
    ("POST", "/v1/credentials/search"):
        (200, {"credential_id": "crd_" + UNKNOWN}, False),
    ("GET", "/v1/overview"): (200, None, False),
    ("GET", "/v1/audit"): (200, None, False),
    ("GET", "/v1/audit/report"): (200, None, False),
    # Of what has no key and no cookie.
    ("POST", "/v1/sessions"): (422, {}, False),
    ("GET", "/v1/sessions"): (401, None, False),
    ("DELETE", "/v1/sessions"): (204, None, False),
    # Who has come out of no chat.
    ("POST", "/v1/sessions/wechat"): (409, {}, False),
    ("DELETE", "/v1/sessions/wechat"): (409, None, False),
    # There is no account on WeChat here.
    ("GET", "/MP_verify_{file}"): (404, None, False),
    ("GET", "/channels/wechat/{account}/enter"): (404, None, False),
    ("GET", "/channels/wechat/{account}/oauth"): (404, None, False),
    ("GET", "/channels/wechat/{account}/jssdk"): (404, None, False),
    # Nobody enrols here.
    ("GET", "/"): (404, None, False),
    ("GET", "/enroll"): (404, None, False),
    ("GET", "/card"): (200, None, False),
    ("GET", "/scan"): (200, None, False),
    ("GET", "/console"): (200, None, False),
    ("GET", "/docs"): (200, None, False),
    ("GET", "/openapi.json"): (200, None, False),
    ("GET", "/sw.js"): (200, None, False),
    ("GET", "/manifest.webmanifest"): (200, None, False),
    ("GET", "/robots.txt"): (200, None, False),
    ("GET", "/web/{file}"): (200, None, False),
    # This daemon has no account.
    ("GET", "/channels/wechat/{account}"): (404, None, False),
    ("POST", "/channels/wechat/{account}"): (404, {}, False),
    ("GET", "/healthz"): (200, None, False),
    ("GET", "/readyz"): (200, None, False),
    ("GET", "/metrics"): (200, None, False),
    ("GET", "/.well-known/smartid-keys.json"): (200, None, False),
    ("GET", "/version"): (200, None, False),
}
OFFICERS = {("POST", "/v1/credentials/{id}/recover"): {"reason": "lost"}}
QUERY = {("GET", "/v1/enrollments"): "?state=review",
         ("GET", "/v1/audit"): "?subject=crd_" + UNKNOWN}


class Matrix(DaemonCase):
    @classmethod
    def setUpClass(cls):
        folder = folder_of(FILES)
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.SETTINGS = {"pages.card": "on", "pages.scan": "on",
                        "pages.console": "on", "pages.dir": folder}
        super().setUpClass()
        daemon = cls.daemon
        dead = daemon.add_client("app", "revoked app")
        cls.revoked_id = daemon.client_id("revoked app")
        daemon.ctl("client", "revoke", cls.revoked_id)
        cls.fixed = {
            "none": None,
            "malformed key": "sidk_short",
            "revoked key": dead,
            "expired key": daemon.add_client("app", "old", expires="1m"),
            "key of a foreign network": daemon.add_client(
                "app", "abroad", networks=["203.0.113.0/24", "2001:db8::/32"]),
            "app": cls.keys["app"],
            "other app": daemon.add_client("app", "other app"),
            "clerk": cls.keys["clerk"],
            "officer": cls.keys["officer"],
            "admin": cls.keys["admin"],
        }
        daemon.set_clock(3600)
        one = holder()
        one["consent"]["portrait"] = True
        cls.person = Thing(cls.app.enrol(who=1, person=one))
        cls.other_person = Thing(daemon.api(cls.fixed["other app"]).enrol(
            who=2))
        cls.in_review = Thing(cls.review())
        cls.check = cls.checked(cls.person)
        cls.disputed = cls.dispute(cls.person)
        cls.rows = table()
        cls.spare_clients = 0

    @classmethod
    def review(cls):
        return cls.app.enrol(who=3, selfie_flaw=photos.UNCLEAR)

    @classmethod
    def checked(cls, person):
        """The id of a check of that person."""
        code = cls.app.code(person.credential)["code"]
        return cls.clerk.verify(code, "hotel_check_in")["id"]

    @classmethod
    def dispute(cls, person):
        answer = cls.daemon.api(person.secret).post(
            "/v1/verifications/%s/dispute" % cls.checked(person),
            {"credential_id": person.credential, "reason": "test"})
        return answer.json()["id"]

    def new_client(self):
        Matrix.spare_clients += 1
        name = "spare %d" % Matrix.spare_clients
        answer = self.admin.post("/v1/clients", {"name": name, "role": "app"})
        return answer.json()["id"]

    def target(self, path, fresh):
        """The path with an object of `app` and its holder in it, and that
        person; a fresh one for what uses it up."""
        person = self.person
        if path.startswith("/v1/clients/"):
            one = self.new_client() if fresh else self.revoked_id
            return path.replace("{id}", one), person
        if path.startswith("/v1/verifications/{id}"):
            one = self.checked(person) if fresh else self.check
            return path.replace("{id}", one), person
        if path.startswith("/v1/disputes/{id}"):
            one = self.dispute(person) if fresh else self.disputed
            return path.replace("{id}", one), person
        if "/decision" in path or "/photos/" in path:
            person = Thing(self.review()) if fresh else self.in_review
        elif fresh and "/appeal" in path:
            person = Thing(self.app.enrol(who=6, selfie_flaw=photos.BLURRED))
        elif fresh:
            person = Thing(self.app.enrol(who=5))
        path = path.replace("{file}", "css/own.css")
        path = path.replace("{account}", "city")
        one = person.credential if "/credentials/" in path \
            else person.enrolment
        return path.replace("{id}", one).replace("{photo}", "selfie"), person

    def authorization(self, caller, person):
        if caller == "holder":
            return person.secret
        if caller == "other holder":
            return self.other_person.secret
        return self.fixed[caller]

    def expected(self, rows, method, caller):
        """Status for this caller, worked out from the rows of one path."""
        served = [row for row in rows if method in row.methods]
        if not served:
            return 405
        row = served[0]
        if row.every == ["everybody"]:
            return "welcome"
        if caller in NO_KEY:
            return 401
        if ROLE_OF[caller] in row.every:
            return "welcome"
        if ROLE_OF[caller] in row.own:
            return "welcome" if caller in OWNERS else 404
        return 403

    def ask(self, connection, method, path, key, body):
        headers = {}
        if key is not None:
            headers["Authorization"] = "Bearer " + key
        if callable(body):
            headers["Content-Type"], data = body()
        elif method == "POST":
            headers["Content-Type"] = "application/json"
            data = json.dumps(body if body is not None else {}).encode()
        else:
            data = None
        try:
            return connection[0].request(method, path, headers, data)
        except (Closed, BrokenPipeError, ConnectionResetError):
            connection[0].close()
            connection[0] = self.daemon.connect()
            return connection[0].request(method, path, headers, data)

    def check_cell(self, connection, rows, method, caller):
        pattern = rows[0].path
        expected = self.expected(rows, method, caller)
        asked = ("GET" if method == "HEAD" else method, pattern)
        status, body, uses_up = WELCOME.get(asked, (200, None, False))
        if caller == "officer":
            body = OFFICERS.get(asked, body)
        path, person = self.target(pattern,
                                   uses_up and expected == "welcome")
        if "/dispute" in path and body is None:
            body = {"credential_id": person.credential, "reason": "test"}
        if "/resume" in path and expected == "welcome":
            # Only who has suspended it, or an officer, may.
            self.daemon.api(self.authorization(caller, person)).change(
                person.credential, "suspend")
        answer = self.ask(connection, method,
                          path + QUERY.get(asked, ""),
                          self.authorization(caller, person), body)
        if expected == "welcome":
            expected = status
        self.assertEqual(answer.status, expected, "%s %s as %s: %r" % (
            method, pattern, caller, answer))
        if answer.status == 405:
            allowed = {m for row in rows for m in row.methods}
            self.assertEqual(set(answer.header("allow").split(", ")), allowed)
        if answer.status == 401:
            self.assertIn("Bearer", answer.header("www-authenticate"))
        if (answer.header("connection") or "").lower() == "close":
            connection[0].close()
            connection[0] = self.daemon.connect()

    def test_every_cell_of_the_table_is_what_happens(self):
        callers = list(NO_KEY) + list(ROLE_OF)
        self.assertEqual(len(callers), 12)
        cells = 0
        connection = [self.daemon.connect()]
        for pattern in dict.fromkeys(row.path for row in self.rows):
            rows = [row for row in self.rows if row.path == pattern]
            for method in METHODS:
                for caller in callers:
                    cells += 1
                    with self.subTest(route=pattern, method=method,
                                      caller=caller):
                        self.check_cell(connection, rows, method, caller)
        connection[0].close()
        paths = {row.path for row in self.rows}
        self.assertEqual(cells, len(paths) * len(METHODS) * 12)

    def test_each_route_of_the_table_is_known_here_and_no_other(self):
        known = {(method, row.path) for row in self.rows
                 for method in row.methods if method != "HEAD"}
        self.assertEqual(known, set(WELCOME))

    def test_what_is_somebody_elses_looks_like_what_is_not_there(self):
        enrolment, credential = self.person.enrolment, self.person.credential
        others = {"other app": self.fixed["other app"],
                  "other holder": self.other_person.secret}
        asked = [
            ("GET", "/v1/enrollments/%s", enrolment, "enr_", None),
            ("POST", "/v1/enrollments/%s/appeal", enrolment, "enr_",
             appeal_form),
            ("GET", "/v1/credentials/%s", credential, "crd_", None),
            ("GET", "/v1/credentials/%s/code", credential, "crd_", None),
            ("GET", "/v1/credentials/%s/checks", credential, "crd_", None),
            ("POST", "/v1/credentials/%s/suspend", credential, "crd_", {}),
            ("POST", "/v1/credentials/%s/resume", credential, "crd_", {}),
            ("POST", "/v1/credentials/%s/revoke", credential, "crd_",
             {"reason": "lost"}),
        ]
        of_apps = [("POST", "/v1/credentials/%s/recover", credential, "crd_",
                    recovery_form),
                   ("POST", "/v1/credentials/%s/issue", credential, "crd_",
                    LICENCE)]
        for caller, key in others.items():
            more = of_apps if caller == "other app" else []
            for method, pattern, one, prefix, body in asked + more:
                paths = [pattern % one, pattern % (prefix + UNKNOWN),
                         pattern % (prefix + "x"), pattern % "nonsense",
                         "/v1/nothing/at/all"]
                with self.subTest(caller=caller, route=pattern):
                    self.assertEqual(len({self.looks(method, path, key, body)
                                          for path in paths}), 1)

    def looks(self, method, path, key, body):
        """What an answer shows, but for what names the request."""
        with self.daemon.connect() as connection:
            answer = self.ask([connection], method, path, key, body)
        self.assertEqual(answer.status, 404, repr(answer))
        document = answer.json()
        self.assertEqual(document.pop("request_id"),
                         answer.header("x-request-id"))
        # Vary tells of the route, which is no secret.
        names = sorted(name for name, _ in answer.headers if name != "vary")
        return (answer.status, json.dumps(document, sort_keys=True),
                tuple(names))

    def test_an_unknown_path_is_404_for_everybody_and_every_method(self):
        with self.daemon.connect() as connection:
            for method in METHODS:
                for caller, key in self.fixed.items():
                    with self.subTest(method=method, caller=caller):
                        answer = self.ask([connection], method, "/v1/nothing",
                                          key, None)
                        self.assertEqual(answer.status, 404)


if __name__ == "__main__":
    unittest.main()
