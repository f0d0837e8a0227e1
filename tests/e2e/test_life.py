"""The life of a credential: suspended for a while, revoked for ever, expired
with the card, replaced by the next one."""

import datetime
import re
import unittest

import photos
from harness import DaemonCase, credential_of, holder, reason_codes
from suspending import Race

DAY_S = 86400


class Life(DaemonCase):
    def person(self, **more):
        """An enrolled person: holder's client, credential, code."""
        enrolment, credential = self.approved(**more)
        own = self.daemon.api(enrolment["holder_secret"])
        return own, credential, self.app.code(credential)["code"]

    def assert_usable(self, credential, code, usable):
        answer = self.clerk.verify(code)
        self.assertEqual(answer["valid"], usable)
        if not usable:
            self.assertEqual(answer["reason"], "not_valid")
        self.assertEqual(self.app.get("/v1/credentials/%s/code" %
                                      credential).status,
                         200 if usable else 409)

    def last_outcome(self, credential, event="verification"):
        out = self.daemon.ctl("audit", "export", "--event", event).stdout
        rows = [line for line in out.splitlines() if credential in line]
        return re.search(r'"outcome": ?"([^"]*)"', rows[-1]).group(1)


class Suspended(Life):
    def test_it_stops_and_goes_on_for_who_suspends_and_resumes(self):
        own, credential, code = self.person(who=1)
        for who in (own, self.app, self.officer):
            answer = who.change(credential, "suspend")
            self.assertEqual(answer.status, 200, repr(answer))
            self.assertEqual(answer.json()["state"], "suspended")
            self.assert_usable(credential, code, False)
            self.assertEqual(self.last_outcome(credential), "suspended")
            self.assertEqual(who.change(credential, "resume").json()["state"],
                             "active")
            self.assert_usable(credential, code, True)

    def test_only_who_suspended_it_or_an_officer_resumes_it(self):
        own, credential, code = self.person(who=2)
        for by, others in ((own, [self.app]), (self.app, [own]),
                           (self.officer, [own, self.app])):
            by.change(credential, "suspend")
            for other in others:
                self.assert_problem(other.change(credential, "resume"), 403,
                                    "forbidden")
            self.assert_usable(credential, code, False)
            self.assertEqual(self.last_outcome(
                credential, "credential_change_refused"), "forbidden")
            self.assertEqual(
                self.officer.change(credential, "resume").status, 200)

    def test_an_officers_suspension_takes_the_holders_over(self):
        own, credential, _ = self.person(who=3)
        own.change(credential, "suspend")
        answer = self.officer.change(credential, "suspend").json()
        self.assertEqual(answer["suspended_by"], "officer")
        self.assertRegex(answer["suspended_at"], r"^\d{4}-.*Z$")
        self.assert_problem(own.change(credential, "resume"), 403)
        for who in (own, self.app, self.officer):
            self.assert_problem(who.change(credential, "suspend"), 409,
                                "credential_suspended")

    def test_resuming_what_is_active_is_a_conflict(self):
        own, credential, _ = self.person(who=4)
        self.assert_problem(own.change(credential, "resume"), 409, "conflict")

    def test_the_number_stays_in_use_meanwhile(self):
        person = holder()
        _, credential, _ = self.person(who=5, person=person)
        self.officer.change(credential, "suspend")
        again = self.app.enrol(who=5, person=person)
        self.assertEqual(reason_codes(again), ["id_number_in_use"])

    def test_a_body_that_says_something_is_refused(self):
        _, credential, _ = self.person(who=6)
        for change in ("suspend", "resume"):
            self.assert_problem(
                self.app.change(credential, change, {"reason": "x"}), 422,
                "field_unknown")

    def test_it_stays_suspended_over_a_restart(self):
        _, credential, code = self.person(who=7)
        self.app.change(credential, "suspend")
        self.daemon.restart()
        self.assert_usable(credential, code, False)

    def test_no_check_passes_after_a_suspension_was_answered(self):
        _, credential, code = self.person(who=8)
        race = Race(self, credential, code)
        race.run(rounds=10, checks=10)
        self.assertEqual(race.late, 0)
        self.assertGreaterEqual(race.after, 300)


class Revoked(Life):
    def test_it_is_final_and_tells_why(self):
        own, credential, code = self.person(who=1)
        answer = own.revoke(credential, "stolen", note="on the bus").json()
        self.assertEqual((answer["state"], answer["reason"]),
                         ("revoked", "stolen"))
        self.assertNotIn("bus", str(answer))
        for who in (own, self.app, self.officer):
            for change, body in (("suspend", {}), ("resume", {}),
                                 ("revoke", {"reason": "lost"})):
                self.assert_problem(who.change(credential, change, body), 409,
                                    "credential_revoked")
        self.assert_usable(credential, code, False)

    def test_what_is_suspended_can_be_revoked(self):
        own, credential, code = self.person(who=2)
        self.officer.change(credential, "suspend")
        self.assertEqual(own.revoke(credential).status, 200)
        self.assertEqual(self.last_outcome(credential, "credential_revoked"),
                         "revoked")
        self.assert_usable(credential, code, False)

    def test_a_fraud_is_an_officers_word_and_for_officers(self):
        own, credential, _ = self.person(who=3)
        for who in (own, self.app):
            document = self.assert_problem(
                who.revoke(credential, "fraud"), 422, "field_invalid")
            self.assertEqual(document["field"], "reason")
        answer = self.officer.revoke(credential, "fraud")
        self.assertEqual(answer.json()["reason"], "fraud")
        path = "/v1/credentials/" + credential
        for who in (own, self.app):
            self.assertNotIn("fraud", who.get(path).body.decode())
        self.assertEqual(self.officer.get(path).json()["reason"], "fraud")

    def test_the_metrics_count_each_change(self):
        def counts():
            text = self.daemon.request("GET", "/metrics").body.decode()
            return [int(n) for n in re.findall(
                r"smartidd_credential_changes_total\S* (\d+)", text)][:3]
        before = counts()
        _, credential, _ = self.person(who=4)
        self.app.change(credential, "suspend")
        self.app.change(credential, "resume")
        self.app.change(credential, "resume")
        self.app.revoke(credential)
        self.assertEqual([n - m for n, m in zip(counts(), before)], [1, 1, 1])


class WithCard(Life):
    """The clock of each of these daemons goes on once and never back."""

    def day(self, offset):
        """A date in China, so many days from now."""
        zone = datetime.timezone(datetime.timedelta(hours=8))
        at = datetime.datetime.fromtimestamp(self.daemon.now(), zone)
        return (at + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


class Stated(WithCard):
    def test_an_expired_card_enrols_nobody(self):
        answer = self.app.enrol(who=3, person=holder(
            valid_until=self.day(-1)))
        self.assertEqual((answer["state"], reason_codes(answer)),
                         ("rejected", ["card_expired"]))

    def test_what_is_no_date_is_refused(self):
        for bad in ("", "soon", "2035-02-30", "2035-1-1", 20350101,
                    "2035-01-01T00:00:00Z"):
            answer = self.app.submit(holder(valid_until=bad),
                                     *photos.pair(4), wait=30)
            document = self.assert_problem(answer, 422, "field_invalid")
            self.assertEqual(document["field"], "holder.valid_until")


class Renewed(WithCard):
    def test_it_ends_with_the_card_and_the_next_one_replaces_it(self):
        person = holder(valid_until=self.day(1))
        own, credential, code = self.person(who=1, person=person)
        path = "/v1/credentials/" + credential
        self.assertEqual(own.get(path).json()["valid_until"], self.day(1))
        self.assert_usable(credential, code, True)
        again = self.app.enrol(who=1, person=person)
        self.assertEqual(reason_codes(again), ["id_number_in_use"])
        self.daemon.set_clock(2 * DAY_S)
        self.assertEqual(own.get(path).json()["state"], "expired")
        self.assert_problem(own.get(path + "/code"), 409, "credential_expired")
        for change in ("suspend", "resume"):
            self.assert_problem(own.change(credential, change), 409,
                                "credential_expired")
        renewed = dict(person, valid_until=self.day(3650))
        following = self.app.enrol(who=1, person=renewed)
        self.assertEqual(following["state"], "approved", following)
        state = own.get(path).json()
        self.assertEqual((state["state"], state["replaced_by"]),
                         ("replaced", credential_of(following)))
        self.assert_problem(own.revoke(credential), 409,
                            "credential_replaced")
        self.assertEqual(self.last_outcome(credential, "credential_replaced"),
                         "replaced")


class Waiting(WithCard):
    def test_a_card_that_expires_while_the_photos_wait_is_turned_down(self):
        # Two for each worker stand before it.
        for who in range(4):
            self.app.submit(holder(), photos.photo(who),
                            photos.photo(who, photos.SLOW))
        answer = self.app.submit(holder(valid_until=self.day(1)),
                                 *photos.pair(5))
        self.assertEqual(answer.status, 202, repr(answer))
        self.daemon.set_clock(3 * DAY_S)
        settled = self.app.settled(answer.json()["id"])
        self.assertEqual((settled["state"], reason_codes(settled)),
                         ("rejected", ["card_expired"]))


class Midnight(WithCard):
    def test_a_code_that_is_still_good_dies_with_the_card(self):
        to_23_in_china = DAY_S - (self.daemon.now() - 15 * 3600) % DAY_S
        self.daemon.set_clock(to_23_in_china)
        person = holder(valid_until=self.day(0))
        _, credential, code = self.person(who=2, person=person)
        self.assertTrue(self.clerk.verify(code)["valid"])
        self.daemon.set_clock(to_23_in_china + 2 * 3600)
        self.assertEqual(self.clerk.verify(code)["reason"], "not_valid")
        self.assertEqual(self.last_outcome(credential), "expired")


if __name__ == "__main__":
    unittest.main()
