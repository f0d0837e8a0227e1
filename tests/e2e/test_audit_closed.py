"""Nothing is done and nothing is shown whose row cannot be written: the row
and what it records are one transaction."""

import sqlite3
import unittest

import photos
from harness import DaemonCase, holder

DECISION = {"decision": "approve", "reason": "same person"}
SEEN = {"person_seen": True, "card_seen": True}
STATES = ("SELECT 'enrolment', id, state || recovery_failures || "
          "holder_generation FROM enrolment "
          "UNION SELECT 'credential', id, state || assurance FROM credential "
          "UNION SELECT 'client', id, revoked_at_s FROM client "
          "ORDER BY 1, 2")


class Closed(DaemonCase):
    def setUp(self):
        enrolment, self.credential = self.approved(who=3)
        self.holder = self.daemon.api(enrolment["holder_secret"])
        self.code = self.app.code(self.credential)["code"]
        self.check, other = [self.clerk.verify(self.code)["id"]
                             for _ in range(2)]
        self.disputed = self.holder.post(
            "/v1/verifications/%s/dispute" % other,
            {"credential_id": self.credential, "reason": "x"}).json()["id"]
        _, self.asleep = self.approved(who=6)
        self.app.change(self.asleep, "suspend")
        seen = self.app.enrol(who=4, selfie_flaw=photos.UNCLEAR)
        self.assertEqual(seen["state"], "review")
        self.review = "/v1/enrollments/" + seen["id"]

    def sql(self, text):
        """Beside the daemon, which only a test may do."""
        database = sqlite3.connect(self.daemon.database, timeout=30)
        try:
            with database:
                return database.execute(text).fetchall()
        finally:
            database.close()

    def actions(self):
        """What is asked, and the status when all is well. The last ones end
        what those before need."""
        def new():
            return self.app.submit(holder(), photos.photo(5),
                                   photos.photo(5), wait=30)
        return [
            ("list", lambda: self.officer.get("/v1/enrollments?state=review"),
             200),
            ("look", lambda: self.officer.get(self.review), 200),
            ("photo", lambda: self.officer.get(self.review +
                                               "/photos/id_photo"), 200),
            ("state", lambda: self.officer.get(
                "/v1/credentials/" + self.credential), 200),
            ("clients", lambda: self.admin.get("/v1/clients"), 200),
            ("check", lambda: self.clerk.post("/v1/verifications", {
                "code": self.code, "purpose": "train_ticket"}), 200),
            ("checks", lambda: self.clerk.post("/v1/verifications/batch", {
                "checks": [{"code": self.code}],
                "purpose": "train_ticket"}), 200),
            ("dispute", lambda: self.holder.post(
                "/v1/verifications/%s/dispute" % self.check,
                {"credential_id": self.credential, "reason": "x"}), 201),
            ("disputes", lambda: self.officer.get("/v1/disputes"), 200),
            ("settle", lambda: self.officer.post(
                "/v1/disputes/%s/settle" % self.disputed,
                {"outcome": "dismissed", "note": "x"}), 200),
            ("code", lambda: self.app.get(
                "/v1/credentials/%s/code" % self.credential), 200),
            ("enrol", new, 201),
            ("client", lambda: self.admin.post("/v1/clients", {
                "name": "new", "role": "officer"}), 201),
            ("key", lambda: self.admin.post("/v1/keys/rotate", {
                "use": "code", "revoke_old": False}), 200),
            ("decide", lambda: self.officer.post(
                self.review + "/decision", DECISION), 200),
            ("recover", lambda: self.app.recover(self.credential,
                                                 photos.photo(3)), 200),
            ("officer recovers", lambda: self.officer.change(
                self.credential, "recover", {"reason": "lost"}), 200),
            ("upgrade", lambda: self.officer.change(
                self.credential, "upgrade", SEEN), 200),
            ("issue", lambda: self.app.change(self.credential, "issue", {
                "type": "drivers_licence", "fields": {
                    "classes": "C1", "first_issue": "2020-01-01"}}), 201),
            ("counter", lambda: self.officer.post(
                "/v1/counter/enrollments", {"holder": holder(), **SEEN}), 201),
            ("suspend", lambda: self.app.change(self.credential, "suspend"),
             200),
            ("resume", lambda: self.app.change(self.asleep, "resume"), 200),
            ("revoke", lambda: self.app.revoke(self.credential), 200),
        ]

    def test_without_its_row_nothing_is_done_or_shown(self):
        before = self.sql(STATES)
        keys = self.admin.get("/v1/keys").json()
        # The number that the next row will want is taken.
        self.sql(
            "INSERT INTO audit SELECT max(seq) + 1, 0, 'x', 'x', 'x', 'x', "
            "'x', zeroblob(32) FROM audit")
        for name, act, _ in self.actions():
            with self.subTest(name):
                self.assert_problem(act(), 503)
        self.assertEqual(self.sql(STATES), before)
        self.assertEqual(self.admin.get("/v1/keys").json(), keys)
        # With the number free, all goes on, and the log is whole.
        self.sql("DELETE FROM audit WHERE event = 'x'")
        for name, act, status in self.actions():
            with self.subTest(name):
                self.assertEqual(act().status, status)
        result = self.daemon.ctl("audit", "verify")
        self.assertIn("chain unbroken", result.stdout)


if __name__ == "__main__":
    unittest.main()
