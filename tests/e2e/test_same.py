"""Who may not see something gets the same bytes whether it is there or not:
every route with an {id}, every kind of bad key, every code that is no good
(reliability D9). How long it takes: tests/slow/test_slow_timing.py."""

import json
import unittest

import photos
from harness import DaemonCase
from test_routes import LICENCE, OWNERS, ROLE_OF, UNKNOWN, Thing, appeal_form, \
    recovery_form, table

GOOD_BODY = {"decision": {"decision": "reject", "reason": "test"},
             "upgrade": {"person_seen": True, "card_seen": True},
             "issue": LICENCE, "revoke": {"reason": "lost"}, "{id}": {"reason": "request"}}


class SameBytes(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        add = cls.daemon.add_client
        cls.callers = dict(cls.keys, **{"other app": add("app", "other app")})
        cls.dead = add("app", "dead")
        cls.daemon.ctl("client", "revoke", cls.daemon.client_id("dead"))
        cls.old = add("app", "old", expires="1m")
        cls.abroad = add("app", "abroad", networks=["203.0.113.0/24"])
        cls.daemon.set_clock(3600)
        other = cls.daemon.api(cls.callers["other app"])
        cls.callers["other holder"] = other.enrol(who=2)["holder_secret"]
        cls.person = Thing(cls.app.enrol(who=1))
        cls.callers["holder"] = cls.person.secret
        cls.in_review = Thing(cls.app.enrol(
            who=3, selfie_flaw=photos.UNCLEAR))
        cls.client = cls.daemon.client_id("e2e clerk")

    def raw(self, method, path, key, body):
        """The whole answer but its date; the request's id is given."""
        headers = {"X-Request-Id": "same"}
        if key is not None:
            headers["Authorization"] = "Bearer " + key
        data = None
        if body is not None and path.endswith("/appeal"):
            headers["Content-Type"], data = appeal_form()
        elif body is not None and path.endswith("/recover"):
            headers["Content-Type"], data = recovery_form()
        elif body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        answer = self.daemon.request(method, path, headers, data)
        return answer.status, [pair for pair in answer.headers
                               if pair[0] != "date"], answer.body

    def known(self, path):
        if path.startswith("/v1/clients/"):
            return self.client
        person = self.in_review if "/decision" in path or \
            "/photos/" in path else self.person
        return person.credential if "/credentials/" in path \
            else person.enrolment

    def compare(self, row, method, caller):
        """A known and unknown ids of one route for one caller."""
        bodies = [None]
        if method in ("POST", "DELETE"):
            bodies = [{}, GOOD_BODY.get(row.path.rsplit("/", 1)[1], {})]
        known = self.known(row.path)
        for body in bodies:
            answers = []
            for one in (known, known[:4] + "0" * 26, known[:4] + "z" * 26,
                        known[:-1] + ("0" if known[-1] != "0" else "1")):
                path = row.path.replace("{id}", one)
                answers.append(self.raw(
                    method, path.replace("{photo}", "selfie"),
                    self.callers[caller], body))
            for answer in answers[1:]:
                self.assertEqual(answer, answers[0])
            self.assertIn(answers[0][0], (403, 404, 422))
        return len(bodies)

    def test_known_and_unknown_ids_look_alike_on_every_route(self):
        compared = 0
        routes = set()
        for row in table():
            if "{id}" not in row.path:
                continue
            for method in row.methods:
                for caller in self.callers:
                    if ROLE_OF[caller] in row.every or (
                            ROLE_OF[caller] in row.own and caller in OWNERS):
                        continue
                    with self.subTest(route=row.path, method=method,
                                      caller=caller):
                        compared += self.compare(row, method, caller)
                        routes.add(row.path)
        self.assertEqual(routes, {row.path for row in table()
                                  if "{id}" in row.path})
        self.assertGreater(compared, 60)

    def test_every_bad_key_looks_like_an_unknown_one(self):
        right = self.keys["app"]
        wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
        unknown = "sidk_" + "0" * 12 + right[17:]
        keys = [unknown, wrong, self.dead, self.old, self.abroad, "x",
                right + "0", "sidk_"]
        for method, path in (("GET", "/v1/enrollments/" +
                              self.person.enrolment),
                             ("GET", "/v1/enrollments/enr_" + UNKNOWN),
                             ("GET", "/v1/keys")):
            answers = [self.raw(method, path, key, None) for key in keys]
            for key, answer in zip(keys, answers):
                self.assertEqual(answer, answers[0], key[:5])
            self.assertEqual(answers[0][0], 401)

    def test_every_code_that_is_no_good_looks_like_a_forged_one(self):
        one, gone = Thing(self.app.enrol(who=4)), Thing(self.app.enrol(who=5))
        codes = [self.app.code(person.credential)["code"]
                 for person in (one, gone, self.person)]
        self.app.revoke(one.credential)
        self.officer.delete("/v1/enrollments/" + gone.enrolment)
        good = codes[2]
        forged = good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB")
        answers = []
        for code in (forged, codes[0], codes[1], good[:-1], good + "0",
                     "SID1:" + "A" * 51, "SID1:" + "%" * 51, "", "x" * 500,
                     "SID2:" + good[5:]):
            status, headers, body = self.raw(
                "POST", "/v1/verifications", self.keys["clerk"],
                {"code": code, "purpose": "train_ticket"})
            document = json.loads(body)
            self.assertRegex(document.pop("id"), r"\Aver_[0-9a-z]{26}\Z")
            document.pop("checked_at")
            answers.append((status, headers, len(body), document))
        for answer in answers:
            self.assertEqual(answer, answers[0])
        self.assertEqual(answers[0][3], {"valid": False, "result": "not_valid",
                                         "reason": "not_valid"})


if __name__ == "__main__":
    unittest.main()
