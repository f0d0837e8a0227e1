"""A driving licence beside the ID: fields and a code of its own, and nothing
without the ID that it stands on."""

import json
import unittest

import photos
from harness import DaemonCase, holder

FIELDS = {"classes": "C1 D", "first_issue": "2020-05-17"}


class Licence(DaemonCase):
    def issue(self, base, who=None, fields=None, **more):
        return (who or self.app).change(base, "issue", {
            "type": "drivers_licence",
            "fields": FIELDS if fields is None else fields, **more})

    def person(self, who, **more):
        """The resident_id's id, the holder's client, the licence's id."""
        enrolment, base = self.approved(who=who, **more)
        answer = self.issue(base, valid_until="2040-12-31")
        self.assertEqual(answer.status, 201, repr(answer))
        body = answer.json()
        self.assertEqual(answer.header("location"),
                         "/v1/credentials/" + body["id"])
        self.assertEqual((body["type"], body["state"], body["valid_until"]),
                         ("drivers_licence", "active", "2040-12-31"))
        return base, self.daemon.api(enrolment["holder_secret"]), body["id"]

    def outcome(self):
        out = self.daemon.ctl("audit", "export", "--event",
                              "verification").stdout
        return json.loads(out.splitlines()[-1])["outcome"]

    def assert_dead(self, code):
        self.assertEqual(self.clerk.verify(code, "drivers_licence")["reason"],
                         "not_valid")

    def test_it_has_a_code_of_its_own_that_tells_its_fields(self):
        base, own, licence = self.person(1)
        codes = [own.code(one)["code"] for one in (base, licence)]
        self.assertNotEqual(*codes)
        verdict = self.clerk.verify(codes[1], "drivers_licence")
        self.assertEqual(verdict["credential"], {
            "type": "drivers_licence", "assurance": "remote",
            "details": FIELDS})
        self.assertIn("name", verdict["holder"])
        for code, purpose in ((codes[1], "train_ticket"),
                              (codes[0], "drivers_licence")):
            verdict = self.clerk.verify(code, purpose)
            self.assertTrue(verdict["valid"])
            self.assertNotIn("details", verdict["credential"])

    def test_whoever_may_see_it_sees_its_fields_and_strangers_nothing(self):
        base, own, licence = self.person(9)
        for who in (own, self.app, self.officer):
            body = who.get("/v1/credentials/" + licence).json()
            self.assertEqual(body["fields"], FIELDS)
            body = who.get("/v1/credentials/" + base).json()
            self.assertNotIn("fields", body)
        self.assertEqual(self.issue(base).json()["fields"], FIELDS)
        other = self.daemon.api(self.daemon.add_client("app", "stranger"))
        self.assert_problem(other.get("/v1/credentials/" + licence), 404)

    def test_the_enrolment_lists_what_stands(self):
        enrolment, base = self.approved(who=10)
        own = self.daemon.api(enrolment["holder_secret"])
        path = "/v1/enrollments/" + enrolment["id"]
        first = self.issue(base, self.officer).json()["id"]
        second = self.issue(base, self.officer).json()["id"]
        self.app.change(base, "suspend")
        for who in (own, self.app, self.officer):
            self.assertEqual(who.get(path).json()["credentials"], [
                {"id": base, "type": "resident_id", "state": "suspended"},
                {"id": second, "type": "drivers_licence", "state": "active"}])
        self.assertNotEqual(first, second)
        own.revoke(base)
        own.revoke(second)
        self.assertNotIn("credentials", own.get(path).json())

    def test_an_officer_enters_it_too_and_strangers_do_not(self):
        _, base = self.approved(who=2)
        other = self.daemon.api(self.daemon.add_client("app", "another"))
        self.assert_problem(self.issue(base, other), 404)
        self.assertEqual(self.issue(base, self.officer).status, 201)

    def test_fields_are_those_of_the_type(self):
        _, base = self.approved(who=3)
        for fields, code, field in (
                ({"classes": "C1"}, "field_missing", "fields.first_issue"),
                (dict(FIELDS, colour="red"), "field_unknown",
                 "fields.colour"),
                (dict(FIELDS, classes="C1  D"), "field_invalid",
                 "fields.classes"),
                (dict(FIELDS, classes="lorry"), "field_invalid",
                 "fields.classes"),
                (dict(FIELDS, first_issue="2020-02-30"), "field_invalid",
                 "fields.first_issue"),
                ([], "field_invalid", "fields")):
            document = self.assert_problem(self.issue(base, fields=fields),
                                           422, code)
            self.assertEqual(document["field"], field)
        for kind in ("resident_id", "fishing_licence", 7, ""):
            document = self.assert_problem(
                self.issue(base, type=kind), 422, "field_invalid")
            self.assertEqual(document["field"], "type")
        self.assert_problem(self.issue(base, valid_until="soon"), 422)
        self.assert_problem(self.issue(base, number="1"), 422,
                            "field_unknown")

    def test_it_needs_an_id_that_is_active(self):
        base, _, licence = self.person(4)
        self.assert_problem(self.issue(licence), 409, "conflict")
        self.app.change(base, "suspend")
        self.assert_problem(self.issue(base), 409, "credential_suspended")

    def test_what_happens_to_the_id_happens_to_its_use(self):
        base, own, licence = self.person(5)
        code = own.code(licence)["code"]
        own.change(base, "suspend")
        self.assert_dead(code)
        self.assertEqual(self.outcome(), "base_not_active")
        self.assert_problem(own.get("/v1/credentials/%s/code" % licence), 409,
                            "credential_suspended")
        own.change(base, "resume")
        self.assertTrue(self.clerk.verify(code, "drivers_licence")["valid"])
        own.revoke(base)
        self.assert_dead(code)

    def test_it_can_be_suspended_and_revoked_by_itself(self):
        base, own, licence = self.person(6)
        code = own.code(licence)["code"]
        own.change(licence, "suspend")
        self.assert_dead(code)
        self.assertEqual(self.outcome(), "suspended")
        self.assertTrue(self.clerk.verify(own.code(base)["code"])["valid"])
        self.officer.revoke(licence, "card_invalid")
        self.assertTrue(self.clerk.verify(own.code(base)["code"])["valid"])

    def test_the_next_one_takes_its_place(self):
        base, own, licence = self.person(7)
        code = own.code(licence)["code"]
        following = self.issue(base, fields=dict(
            FIELDS, classes="A1 C1 D")).json()
        state = own.get("/v1/credentials/" + licence).json()
        self.assertEqual((state["state"], state["replaced_by"]),
                         ("replaced", following["id"]))
        self.assert_dead(code)
        verdict = self.clerk.verify(own.code(following["id"])["code"],
                                    "drivers_licence")
        self.assertEqual(verdict["credential"]["details"]["classes"],
                         "A1 C1 D")

    def test_it_is_worth_what_the_id_is(self):
        base, own, licence = self.person(8)
        seen = {"person_seen": True, "card_seen": True}
        self.assert_problem(self.officer.change(licence, "upgrade", seen),
                            409, "conflict")
        self.officer.change(base, "upgrade", seen)
        verdict = self.clerk.verify(own.code(licence)["code"],
                                    "drivers_licence")
        self.assertEqual(verdict["credential"]["assurance"], "counter")

    def test_a_lost_phone_loses_both(self):
        base, own, licence = self.person(9)
        codes = [own.code(one)["code"] for one in (base, licence)]
        answer = self.app.recover(licence, photos.photo(9)).json()
        new = self.daemon.api(answer["holder_secret"])
        for one, code in zip((base, licence), codes):
            self.assert_dead(code)
            self.assertEqual(self.outcome(), "recovered")
            self.assert_problem(own.get("/v1/credentials/" + one), 404)
            self.assertTrue(self.clerk.verify(new.code(one)["code"])["valid"])

    def test_one_that_an_officer_has_suspended_is_not_issued_anew_by_an_app(
            self):
        base, own, licence = self.person(12)
        own.change(licence, "suspend")
        self.assert_problem(self.issue(base), 403, "forbidden")
        self.officer.change(licence, "suspend")
        self.assert_problem(self.issue(base), 403, "forbidden")
        state = own.get("/v1/credentials/" + licence).json()
        self.assertEqual(state["suspended_by"], "officer")
        out = self.daemon.ctl("audit", "export", "--event",
                              "credential_change_refused").stdout
        row = json.loads(out.splitlines()[-1])
        self.assertEqual((row["subject"], row["detail"]),
                         (licence, "issue"))
        self.assertEqual(self.issue(base, self.officer).status, 201)

    def test_what_has_expired_is_not_issued(self):
        base, own, licence = self.person(13)
        document = self.assert_problem(
            self.issue(base, valid_until="2020-05-16"), 422, "field_invalid")
        self.assertEqual(document["field"], "valid_until")
        self.assertEqual(own.get("/v1/credentials/" + licence).json()["state"],
                         "active")

    def test_what_has_ended_is_not_recovered_by_what_stands_on_it(self):
        base, _, licence = self.person(14)
        self.officer.revoke(base, "fraud")
        for answer in (self.app.recover(licence, photos.photo(14)),
                       self.officer.change(licence, "recover",
                                           {"reason": "lost"})):
            self.assert_problem(answer, 409, "credential_revoked")

    def test_an_old_phones_licence_does_not_come_back_with_a_new_id(self):
        person = holder()
        base, own, licence = self.person(10, person=person)
        code = own.code(licence)["code"]
        self.app.revoke(base)
        self.assertEqual(self.app.enrol(who=10, person=person)["state"],
                         "approved")
        self.assert_dead(code)
        self.assertEqual(self.outcome(), "base_not_active")

    def test_all_of_a_person_are_erased(self):
        base, own, licence = self.person(11)
        codes = [own.code(one)["code"] for one in (base, licence)]
        enrolment = own.get("/v1/credentials/" + base).json()["enrollment_id"]
        self.assertEqual(own.delete("/v1/enrollments/" + enrolment).status,
                         204)
        for one, code in zip((base, licence), codes):
            self.assert_problem(self.app.get("/v1/credentials/" + one), 404)
            self.assert_dead(code)
            self.assertEqual(self.outcome(), "erased")
        out = self.daemon.ctl("audit", "export", "--event",
                              "credential_erased").stdout
        erased = {json.loads(line)["subject"] for line in out.splitlines()}
        self.assertLessEqual({base, licence}, erased)


if __name__ == "__main__":
    unittest.main()
