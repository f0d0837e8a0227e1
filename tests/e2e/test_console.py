"""What the officer's console asks for: a person by number or credential, what
waits and how the service fares, the audit log."""

import json
import unittest

import photos
from harness import DaemonCase, holder


class Search(DaemonCase):
    def search(self, **what):
        return self.officer.post("/v1/credentials/search", what)

    def test_a_person_is_found_by_number_and_by_credential(self):
        one = holder()
        enrolment = self.app.enrol(who=1, person=one)
        credential = enrolment["credential_id"]
        shown = self.officer.get("/v1/credentials/" + credential).json()
        number = one["id_number"]
        for what in ({"id_number": number}, {"credential_id": credential},
                     {"id_number": " " + number[:10] + " " + number[10:]}):
            answer = self.search(**what)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json(), {"credentials": [shown]})

    def test_all_that_the_person_has_is_shown(self):
        one = holder()
        enrolment = self.app.enrol(who=2, person=one)
        licence = self.app.post(
            "/v1/credentials/%s/issue" % enrolment["credential_id"],
            {"type": "drivers_licence",
             "fields": {"classes": "C1", "first_issue": "2020-01-01"}})
        self.assertEqual(licence.status, 201, licence)
        found = self.search(id_number=one["id_number"]).json()["credentials"]
        self.assertEqual([c["type"] for c in found],
                         ["resident_id", "drivers_licence"])
        self.assertEqual(found[1]["fields"]["classes"], "C1")

    def test_a_suspended_person_is_found(self):
        one = holder()
        enrolment = self.app.enrol(who=3, person=one)
        self.app.change(enrolment["credential_id"], "suspend")
        found = self.search(id_number=one["id_number"]).json()["credentials"]
        self.assertEqual(found[0]["state"], "suspended")

    def test_nobody_is_an_empty_list(self):
        self.assertEqual(self.search(id_number=holder()["id_number"]).json(),
                         {"credentials": []})
        self.assertEqual(self.search(credential_id="crd_" + "0" * 26).json(),
                         {"credentials": []})

    def test_what_cannot_be_is_refused(self):
        for what, code, field in (
                ({}, "field_missing", "id_number"),
                ({"id_number": "1"}, "field_invalid", "id_number"),
                ({"id_number": 1}, "field_invalid", "id_number"),
                ({"credential_id": "crd_x"}, "field_invalid",
                 "credential_id"),
                ({"credential_id": "crd_" + "0" * 26,
                  "id_number": holder()["id_number"]}, "field_invalid",
                 "id_number"),
                ({"name": "x"}, "field_unknown", "name")):
            with self.subTest(what=what):
                answer = self.search(**what)
                self.assert_problem(answer, 422, code)
                self.assertEqual(answer.json()["field"], field)

    def test_each_look_is_written_down_without_the_number(self):
        one = holder()
        enrolment = self.app.enrol(who=4, person=one)
        self.search(id_number=one["id_number"])
        nobody = holder()["id_number"]
        self.search(id_number=nobody)
        text = self.daemon.ctl("audit", "export").stdout
        rows = [json.loads(line) for line in text.splitlines()]
        looked = [r for r in rows if r["event"] == "credential_viewed"
                  and r["subject"] == enrolment["credential_id"]]
        self.assertEqual([(r["outcome"], r["detail"]) for r in looked],
                         [("active", {"by": "number"})])
        self.assertIn(("credential_searched", "", "none"),
                      [(r["event"], r["subject"], r["outcome"])
                       for r in rows])
        for number in (one["id_number"], nobody):
            self.assertNotIn(number, text)
            self.assertNotIn(number, self.daemon.log.text())


class Overview(DaemonCase):
    SETTINGS = {"review.review_two_person": "on"}

    def test_what_waits_is_counted(self):
        empty = self.officer.get("/v1/overview").json()
        self.assertEqual(empty["review"], {"waiting": 0, "waiting_second": 0})
        self.assertEqual(empty["disputes"], {"open": 0})
        self.assertEqual(empty["reasons_24h"], {})
        self.assertEqual(empty["latency_ms"]["checks"],
                         {"count": 0, "p50": 0, "p99": 0})
        for who in (1, 2):
            review = self.app.enrol(who=who, selfie_flaw=photos.UNCLEAR)
            self.assertEqual(review["state"], "review")
        self.app.enrol(who=3, selfie_flaw=photos.BLURRED)
        first = self.officer.post(
            "/v1/enrollments/%s/decision" % review["id"],
            {"decision": "approve", "reason": "test"})
        self.assertEqual(first.status, 200, first)
        enrolment, credential = self.approved(who=4)
        check = self.clerk.verify(self.app.code(credential)["code"])["id"]
        self.daemon.api(enrolment["holder_secret"]).post(
            "/v1/verifications/%s/dispute" % check,
            {"credential_id": credential, "reason": "test"})
        told = self.admin.get("/v1/overview").json()
        self.assertEqual((told["review"]["waiting"],
                          told["review"]["waiting_second"]), (2, 1))
        self.assertIn("oldest_at", told["review"])
        self.assertEqual(told["disputes"]["open"], 1)
        self.assertEqual(told["enrollments_24h"],
                         {"received": 0, "processing": 0, "review": 2,
                          "approved": 1, "rejected": 1, "failed": 0})
        self.assertEqual(told["reasons_24h"]["too_blurred"], 1)
        self.assertEqual(told["reasons_24h"]["faces_unclear"], 2)
        self.assertEqual(told["queue"], {"waiting": 0, "busy": 0,
                                         "capacity": 64})
        self.assertEqual(told["latency_ms"]["checks"]["count"], 1)
        self.assertEqual(told["latency_ms"]["enrolments"]["count"], 4)
        self.assertGreaterEqual(told["latency_ms"]["checks"]["p99"],
                                told["latency_ms"]["checks"]["p50"])
        self.daemon.set_clock(86400 + 60)
        later = self.officer.get("/v1/overview").json()
        self.assertEqual(set(later["enrollments_24h"].values()), {0})
        self.assertEqual(later["reasons_24h"], {})
        self.assertEqual(later["review"]["waiting"], 2)


class AuditLog(DaemonCase):
    def exported(self):
        return [json.loads(line) for line in
                self.daemon.ctl("audit", "export").stdout.splitlines()]

    def test_the_rows_are_those_of_the_export_newest_first(self):
        self.app.enrol(who=1)
        told = self.admin.get("/v1/audit?limit=50").json()
        rows = self.exported()
        last = told["rows"][0]["seq"]
        self.assertEqual(told["rows"],
                         [r for r in rows if r["seq"] <= last][::-1][:50])

    def test_page_by_page_all_are_shown_once(self):
        for who in range(2, 6):
            self.app.enrol(who=who)
        seen, after = [], ""
        while True:
            told = self.admin.get("/v1/audit?limit=3" + after).json()
            seen += [r["seq"] for r in told["rows"]]
            if "next" not in told:
                break
            after = "&after=%d" % told["next"]
        self.assertEqual(seen, list(range(seen[0], 0, -1)))

    def test_an_officer_reads_the_history_of_whom_they_name(self):
        enrolment, credential = self.approved(who=6)
        for subject in (enrolment["id"], credential):
            rows = self.officer.get("/v1/audit?subject=" +
                                    subject).json()["rows"]
            self.assertTrue(rows)
            self.assertEqual({r["subject"] for r in rows}, {subject})
        for query in ("", "?event=session_opened",
                      "?subject=cli_" + "0" * 26):
            self.assert_problem(self.officer.get("/v1/audit" + query), 403,
                                "forbidden")

    def test_events_are_chosen_by_name(self):
        enrolment, _ = self.approved(who=7)
        rows = self.admin.get("/v1/audit?event=enrolment_received&subject=" +
                              enrolment["id"]).json()["rows"]
        self.assertEqual([r["event"] for r in rows], ["enrolment_received"])

    def test_that_it_was_read_is_written_down(self):
        self.admin.get("/v1/audit?limit=1&event=audit_read")
        row = self.exported()[-1]
        self.assertEqual((row["event"], row["outcome"]),
                         ("audit_read", "shown"))
        self.assertEqual(row["detail"]["event"], "audit_read")

    def test_what_cannot_be_is_refused(self):
        for query, field in (("limit=0", "limit"), ("limit=51", "limit"),
                             ("after=0", "after"), ("after=-1", "after"),
                             ("after=99999999999999999999", "after"),
                             ("event=A", "event"), ("event=", "event"),
                             ("subject=x", "subject")):
            with self.subTest(query=query):
                answer = self.admin.get("/v1/audit?" + query)
                self.assert_problem(answer, 422, "field_invalid")
                self.assertEqual(answer.json()["field"], field)
        self.assert_problem(self.admin.get("/v1/audit?seq=1"), 422,
                            "field_unknown")
        self.assertEqual(self.admin.get("/v1/audit?after=999999999").status,
                         200)


if __name__ == "__main__":
    unittest.main()
