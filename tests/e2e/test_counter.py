"""What an officer does with the person and the card at the counter: enrolling
without a face, and making a credential surer."""

import json
import re
import time
import unittest

import photos
from harness import Case, Daemon, DaemonCase, credential_of, holder, \
    reason_codes

SEEN = {"person_seen": True, "card_seen": True}


class AtCounter(DaemonCase):
    def enrol(self, person=None, **more):
        return self.officer.post("/v1/counter/enrollments", {
            "holder": person or holder(), **SEEN, **more})

    def rows(self, event):
        out = self.daemon.ctl("audit", "export", "--event", event).stdout
        return [json.loads(line) for line in out.splitlines()]


class WithoutFace(AtCounter):
    def test_a_person_is_enrolled_without_a_face(self):
        person = holder("Zhang Counter")
        answer = self.enrol(person)
        self.assertEqual(answer.status, 201, repr(answer))
        body = answer.json()
        self.assertEqual((body["state"], body["method"]),
                         ("approved", "counter"))
        self.assertNotIn("scores", body)
        own = self.daemon.api(body["holder_secret"])
        credential = credential_of(body)
        seen = own.get("/v1/credentials/" + credential).json()
        self.assertEqual(seen["assurance"], "counter")
        verdict = self.clerk.verify(own.code(credential)["code"])
        self.assertEqual((verdict["valid"], verdict["holder"]["name"],
                          verdict["credential"]["assurance"]),
                         (True, "Zhang Counter", "counter"))
        row = [r for r in self.rows("enrolment_received")
               if r["subject"] == body["id"]][0]
        self.assertEqual(row["detail"], {"method": "counter"})
        self.assertEqual(own.get("/v1/enrollments/" +
                                 body["id"]).json()["method"], "counter")

    def test_without_a_face_only_a_counter_can_recover(self):
        body = self.enrol().json()
        credential = credential_of(body)
        self.assert_problem(self.app.recover(credential, photos.photo(1)),
                            404)  # no app has enrolled this person
        answer = self.officer.change(credential, "recover",
                                     {"reason": "new_phone"}).json()
        self.assertTrue(answer["recovered"])
        self.assertEqual(answer["credential"]["assurance"], "counter")

    def test_person_and_card_must_have_been_seen(self):
        for change, code, field in (
                ({"person_seen": False}, "field_invalid", "person_seen"),
                ({"card_seen": "yes"}, "field_invalid", "card_seen"),
                ({"card_seen": None}, "field_invalid", "card_seen"),
                ({"replace": "yes"}, "field_invalid", "replace"),
                ({"selfie": "x"}, "field_unknown", "selfie")):
            document = self.assert_problem(self.enrol(**change), 422, code)
            self.assertEqual(document.get("field"), field)
        for missing in ("person_seen", "card_seen", "holder"):
            value = {"holder": holder(), **SEEN}
            del value[missing]
            document = self.assert_problem(self.officer.post(
                "/v1/counter/enrollments", value), 422, "field_missing")
            self.assertEqual(document["field"], missing)
        self.assert_problem(self.officer.post(
            "/v1/counter/enrollments", {"holder": "x", **SEEN}), 422,
            "field_invalid")
        document = self.assert_problem(self.enrol(holder(phone="?")), 422)
        self.assertEqual(document["field"], "holder.phone")

    def test_the_rules_of_the_number_and_the_card_hold_here_too(self):
        for person, code in ((holder(id_number="110105194912310021"),
                              "id_number_invalid"),
                             (holder(valid_until="2020-01-01"),
                              "card_expired")):
            answer = self.enrol(person)
            self.assertEqual(answer.status, 200)
            self.assertEqual((answer.json()["state"],
                              reason_codes(answer.json())),
                             ("rejected", [code]))

    def test_one_that_stands_is_replaced_only_when_that_is_asked_for(self):
        person = holder()
        first, credential = self.approved(who=2, person=person)
        code = self.app.code(credential)["code"]
        refused = self.enrol(person).json()
        self.assertEqual(reason_codes(refused), ["id_number_in_use"])
        self.assertTrue(self.clerk.verify(code)["valid"])
        following = self.enrol(person, replace=True).json()
        self.assertEqual(following["state"], "approved")
        self.assertFalse(self.clerk.verify(code)["valid"])
        state = self.app.get("/v1/credentials/" + credential).json()
        self.assertEqual((state["state"], state["replaced_by"]),
                         ("replaced", credential_of(following)))
        self.assertEqual(self.rows("verification")[-1]["outcome"], "replaced")
        self.assertEqual(self.app.get("/v1/enrollments/" +
                                      first["id"]).status, 200)

    def test_a_retry_gets_the_first_answer(self):
        value = {"holder": holder(), **SEEN}
        headers = {"Idempotency-Key": "counter-1"}
        first, again = (self.officer.post("/v1/counter/enrollments", value,
                                          headers) for _ in range(2))
        self.assertEqual(first.json(), again.json())
        self.assertEqual(again.header("idempotent-replayed"), "true")
        self.assert_problem(self.officer.post(
            "/v1/counter/enrollments", {"holder": holder(), **SEEN}, headers),
            422, "idempotency_mismatch")
        value["replace"] = True
        self.assert_problem(self.officer.post(
            "/v1/counter/enrollments", value, headers), 422,
            "idempotency_mismatch")

    def test_attempts_of_the_day_are_not_for_counters(self):
        person = holder(valid_until="2020-01-01")
        for _ in range(7):
            self.assertEqual(self.enrol(person).status, 200)

    def test_the_metrics_count_it(self):
        def count():
            text = self.daemon.request("GET", "/metrics").body.decode()
            return [int(re.search(r"(?m)^%s (\d+)$" % re.escape(name),
                                  text).group(1)) for name in (
                "smartidd_enrolments_at_counters_total",
                'smartidd_enrolments_decided_total{state="approved"}')]
        before = count()
        self.enrol()
        self.approved(who=3)
        self.assertEqual([n - m for n, m in zip(count(), before)], [1, 2])

    def test_it_can_be_erased_like_any_other(self):
        body = self.enrol().json()
        own = self.daemon.api(body["holder_secret"])
        self.assertEqual(own.delete("/v1/enrollments/" + body["id"]).status,
                         204)
        self.assert_problem(own.get("/v1/credentials/" +
                                    credential_of(body)), 404)


class TwoOfficers(Case):
    def test_with_two_persons_a_second_officer_decides(self):
        daemon = Daemon(settings={"review.review_two_person": "on"}, keys=True)
        self.addCleanup(daemon.close)
        other = daemon.add_client("officer", "second")
        daemon.start()
        first, second = (daemon.api(key)
                         for key in (daemon.keys["officer"], other))
        body = first.post("/v1/counter/enrollments", {
            "holder": holder(), **SEEN}).json()
        self.assertEqual(body["state"], "review")
        self.assertIsNone(credential_of(body))
        path = "/v1/enrollments/%s/decision" % body["id"]
        decision = {"decision": "approve", "reason": "seen"}
        self.assert_problem(first.post(path, decision), 409, "conflict")
        decided = second.post(path, decision).json()
        self.assertEqual((decided["state"], decided["method"]),
                         ("approved", "counter"))
        own = daemon.api(body["holder_secret"])
        self.assertEqual(own.get("/v1/credentials/" + credential_of(
            decided)).json()["assurance"], "counter")
        daemon.stop()

    def test_that_it_replaces_one_is_remembered_until_the_second_decides(self):
        daemon = Daemon(settings={"review.review_two_person": "on"}, keys=True)
        self.addCleanup(daemon.close)
        officers = [daemon.add_client("officer", "o%d" % i) for i in range(2)]
        daemon.start()
        first, second = (daemon.api(key) for key in officers)
        decision = {"decision": "approve", "reason": "seen"}
        person = holder()

        def enrol(**more):
            body = first.post("/v1/counter/enrollments", {
                "holder": person, **SEEN, **more}).json()
            path = "/v1/enrollments/" + body["id"]
            shown = second.get(path).json()
            self.assertEqual(shown.get("replaces", False),
                             more.get("replace", False))
            return second.post(path + "/decision", decision)
        before = credential_of(enrol().json())
        after = credential_of(enrol(replace=True).json())
        shown = first.get("/v1/credentials/" + before).json()
        self.assertEqual((shown["state"], shown["replaced_by"]),
                         ("replaced", after))
        daemon.stop()

    def test_a_card_that_expires_meanwhile_replaces_nothing(self):
        daemon = Daemon(settings={"review.review_two_person": "on"}, keys=True)
        self.addCleanup(daemon.close)
        other = daemon.add_client("officer", "second")
        daemon.start()
        app, first, second = (daemon.api(key) for key in (
            daemon.keys["app"], daemon.keys["officer"], other))
        person = holder()
        standing = credential_of(app.enrol(who=1, person=person))
        person["valid_until"] = time.strftime(
            "%Y-%m-%d", time.gmtime(daemon.now() + 86400))
        body = first.post("/v1/counter/enrollments", {
            "holder": person, "replace": True, **SEEN}).json()
        self.assertEqual(body["state"], "review")
        daemon.set_clock(3 * 86400)
        path = "/v1/enrollments/%s/decision" % body["id"]
        self.assert_problem(second.post(path, {
            "decision": "approve", "reason": "seen"}), 409,
            "credential_expired")
        self.assertEqual(app.get("/v1/credentials/" +
                                 standing).json()["state"], "active")
        daemon.stop()

    def test_an_appeal_with_photos_is_no_longer_of_a_counter(self):
        daemon = Daemon(settings={"review.review_two_person": "on"}, keys=True)
        self.addCleanup(daemon.close)
        officers = [daemon.add_client("officer", "o%d" % i) for i in range(4)]
        daemon.start()
        first, second, third, fourth = (daemon.api(key) for key in officers)
        body = first.post("/v1/counter/enrollments", {
            "holder": holder(), **SEEN}).json()
        path = "/v1/enrollments/%s/decision" % body["id"]
        first.post(path, {"decision": "withdraw", "reason": "error"})
        for officer in (first, second):
            officer.post(path, {"decision": "reject", "reason": "no"})
        own = daemon.api(body["holder_secret"])
        answer = own.appeal(body["id"], *photos.pair(1), wait=30)
        self.assertEqual(answer.json()["state"], "review", repr(answer))
        for officer in (third, fourth):
            decided = officer.post(path, {"decision": "approve",
                                          "reason": "yes"}).json()
        self.assertEqual(decided["state"], "approved", decided)
        self.assertNotIn("method", decided)
        self.assertEqual(own.get("/v1/credentials/" + credential_of(
            decided)).json()["assurance"], "remote")
        daemon.stop()


class Upgraded(AtCounter):
    def test_an_officer_makes_a_credential_as_sure_as_a_counter(self):
        enrolment, credential = self.approved(who=1)
        answer = self.officer.change(credential, "upgrade", SEEN)
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertEqual(answer.json()["assurance"], "counter")
        code = self.app.code(credential)["code"]
        self.assertEqual(self.clerk.verify(code)["credential"]["assurance"],
                         "counter")
        row = self.rows("credential_upgraded")[-1]
        self.assertEqual((row["subject"], row["outcome"]),
                         (credential, "counter"))
        self.assert_problem(self.officer.change(credential, "upgrade", SEEN),
                            409, "conflict")
        # A selfie from afar is not a counter.
        answer = self.app.recover(credential, photos.photo(1)).json()
        self.assertEqual(answer["credential"]["assurance"], "remote")

    def test_person_and_card_must_have_been_seen(self):
        _, credential = self.approved(who=2)
        for bad in ({}, {"person_seen": True}, dict(SEEN, card_seen=False),
                    dict(SEEN, note="x")):
            self.assert_problem(
                self.officer.change(credential, "upgrade", bad), 422)
        self.assertEqual(self.app.get("/v1/credentials/" +
                                      credential).json()["assurance"],
                         "remote")

    def test_only_what_is_active_is_upgraded(self):
        _, credential = self.approved(who=3)
        self.officer.change(credential, "suspend")
        self.assert_problem(self.officer.change(credential, "upgrade", SEEN),
                            409, "credential_suspended")
        self.app.revoke(credential)
        self.assert_problem(self.officer.change(credential, "upgrade", SEEN),
                            409, "credential_revoked")


class Purposes(Case):
    def test_a_purpose_can_ask_for_what_only_a_counter_gives(self):
        daemon = Daemon(keys=True)
        self.addCleanup(daemon.close)
        path = daemon.folder + "/purposes"
        with open(path, "w", encoding="ascii") as out:
            out.write("[train_ticket]\nattributes = name\n"
                      "assurance = counter\n")
        daemon.env["SMARTIDD_PURPOSES_PURPOSES_FILE"] = path
        daemon.start()
        app, clerk, officer = (daemon.api(daemon.keys[role])
                               for role in ("app", "clerk", "officer"))
        credential = credential_of(app.enrol(who=1))
        code = app.code(credential)["code"]
        self.assertEqual(clerk.verify(code)["reason"], "assurance_too_low")
        officer.change(credential, "upgrade", SEEN)
        self.assertTrue(clerk.verify(code)["valid"])
        daemon.stop()


if __name__ == "__main__":
    unittest.main()
