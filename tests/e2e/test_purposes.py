"""Purposes from a file of the bureau's own, and the pseudonyms of those who
ask."""

import os
import re
import signal
import unittest

from harness import DaemonCase, Daemon, credential_of, holder, program, \
    run_tool

OURS = """
# of the bureau
[library_card]
attributes = name_masked, age_over_18, portrait
help = Lend books

[gate]
attributes = name
counter = required

[notary]
attributes = name, id_number
assurance = remote_live
"""


class PurposesCase(DaemonCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.BINARY)
        cls.addClassCleanup(cls.daemon.close)
        cls.file = os.path.join(cls.daemon.folder, "purposes.conf")
        cls.write(OURS)
        with open(cls.daemon.config, "a", encoding="utf-8") as stream:
            stream.write("\n[purposes]\npurposes_file = %s\n" % cls.file)
        cls.keys = {
            "app": cls.daemon.add_client("app"),
            "clerk": cls.daemon.add_client("clerk", purposes=[
                "library_card", "gate", "notary"]),
        }
        cls.daemon.start()
        cls.app = cls.daemon.api(cls.keys["app"])
        cls.clerk = cls.daemon.api(cls.keys["clerk"])
        cls.credential = credential_of(cls.app.enrol(
            who=1, person=holder("Li Example",
                                 id_number="11010519491231002X")))
        cls.code = cls.app.code(cls.credential)["code"]

    @classmethod
    def write(cls, text):
        with open(cls.file + ".new", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(cls.file + ".new", cls.file)

    def reload(self, text):
        """Other purposes and SIGHUP; the log lines of the reload."""
        self.write(text)
        log = self.daemon.log
        start = len(log.lines)
        self.daemon.signal(signal.SIGHUP)
        self.assertIsNotNone(log.wait(
            lambda l: re.search(r"event=(reloaded|reload_refused)", l),
            start=start))
        return "\n".join(log.lines[start:])

    def ask(self, purpose, clerk=None, **more):
        return (clerk or self.clerk).post("/v1/verifications", dict(
            code=self.code, purpose=purpose, **more))


class OwnPurposes(PurposesCase):
    def test_an_answer_tells_what_the_file_says(self):
        answer = self.ask("library_card").json()
        self.assertTrue(answer["valid"])
        answer["holder"].pop("pseudonym")
        # No portrait is kept, so that there is none to tell.
        self.assertEqual(answer["holder"], {"name_masked": "L* E******",
                                            "age_over_18": True})

    def test_a_built_in_purpose_is_not_there_any_more(self):
        self.assert_problem(self.ask("train_ticket"), 422, "field_invalid")
        result = self.daemon.ctl("client", "add", "--role", "clerk", "--name",
                                 "x", "--purpose", "train_ticket",
                                 check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("library_card", result.stderr)
        self.assertIn("Lend books", result.stderr)

    def test_the_tool_prints_the_file_s(self):
        out = self.daemon.ctl("purposes").stdout
        self.assertTrue(out.startswith("[library_card]\nattributes = "), out)
        self.assertEqual(out.count("\n["), 2)

    def test_a_purpose_that_needs_a_counter_is_refused_without_one(self):
        document = self.assert_problem(self.ask("gate"), 422, "field_missing")
        self.assertEqual(document["field"], "counter")
        document = self.assert_problem(self.ask("gate", counter="  "), 422)
        self.assertEqual(document["field"], "counter")
        self.assertTrue(self.ask("gate", counter="7").json()["valid"])

    def test_a_clerk_without_the_purpose_is_not_told_of_the_counter(self):
        narrow = self.daemon.api(self.daemon.add_client(
            "clerk", "narrow", purposes=["notary"]))
        self.assert_problem(self.ask("gate", narrow), 403,
                            "purpose_forbidden")

    def test_assurance_below_the_purposes_is_the_third_reason(self):
        answer = self.ask("notary").json()
        self.assertFalse(answer["valid"])
        self.assertEqual(answer["reason"], "assurance_too_low")
        self.assertNotIn("holder", answer)
        self.assertNotIn("credential", answer)
        metrics = self.daemon.api().get("/metrics").body.decode()
        self.assertRegex(
            metrics, r'verifications_total\{result="assurance_too_low"\} [1-9]')

    def test_a_worse_code_is_not_valid_rather_than_too_low(self):
        for code in ("SID1:", self.code[:-1]):
            answer = self.clerk.verify(code, "notary")
            self.assertEqual(answer["reason"], "not_valid")


class Reload(PurposesCase):
    def tearDown(self):
        self.reload(OURS)

    def test_other_purposes_are_in_force_after_sighup(self):
        lines = self.reload(OURS.replace("name_masked, age_over_18", "sex") +
                            "[later]\nattributes = region\n")
        self.assertIn("event=reloaded", lines)
        self.assertIn("event=purposes count=4", lines)
        self.assertEqual(set(self.ask("library_card").json()["holder"]),
                         {"pseudonym", "sex"})
        clerk = self.daemon.api(self.daemon.add_client(
            "clerk", "later", purposes=["later"]))
        self.assertEqual(self.ask("later", clerk).json()["holder"]["region"],
                         "110105")

    def test_a_mistake_keeps_the_old_purposes_and_is_told_with_its_line(self):
        lines = self.reload(OURS + "[bad]\nattributes = phone\n")
        self.assertIn("event=reload_refused", lines)
        self.assertIn("purposes.conf:%d: bad.attributes" % (
            OURS.count("\n") + 2), lines)
        self.assertIn("accepted: name, name_masked", lines)
        self.assertTrue(self.ask("library_card").json()["valid"])

    def test_a_grant_that_is_unknown_now_is_logged_and_comes_back(self):
        lines = self.reload("[gate]\nattributes = sex\n")
        clerk = self.daemon.client_id("e2e clerk")
        for name in ("library_card", "notary"):
            self.assertIn("event=purpose_unknown client=%s purpose=%s" % (
                clerk, name), lines)
        self.assert_problem(self.ask("library_card"), 422, "field_invalid")
        self.reload(OURS)
        self.assertTrue(self.ask("library_card").json()["valid"])

    def test_grants_survive_a_restart_under_other_purposes(self):
        self.daemon.stop()
        self.write("[gate]\nattributes = sex\n")
        self.daemon.start()
        self.assert_logged("event=purpose_unknown")
        self.reload(OURS)
        self.assertTrue(self.ask("library_card").json()["valid"])

    def test_a_hundred_reloads_never_mix_two_sets(self):
        """The bit of one set must never be read as a purpose of another."""
        narrow = self.daemon.api(self.daemon.add_client(
            "clerk", "only gate", purposes=["gate"]))
        turned = "[notary]\nattributes = id_number\n" \
            "[gate]\nattributes = sex\n[library_card]\nattributes = sex\n"
        for i in range(100):
            self.write(turned if i % 2 == 0 else OURS)
            self.daemon.signal(signal.SIGHUP)
            answer = self.ask("notary", narrow)
            self.assert_problem(answer, 403, "purpose_forbidden")
        # The last one asked for may still be to come, and would be taken for
        # the answer to the next test's.
        self.daemon.restart()


class BeforeTheStart(PurposesCase):
    def check(self, text):
        self.write(text)
        return run_tool("--check-config", "-c", self.daemon.config,
                        binary=program("smartidd"), check=False)

    def test_check_config_judges_the_purposes_too(self):
        self.assertEqual(self.check(OURS).returncode, 0)
        for text, line, told in (
                ("[a]\nattributes = name\ncounter = yes\n", 3,
                 "required | optional"),
                ("[a]\nattributes = name\nassurance = high\n", 3,
                 "remote | remote_live | counter"),
                ("[A]\n", 1, "a-z"), ("[a]\nhelp = x\n", 1, "attributes"),
                ("", 1, "1 to 64")):
            result = self.check(text)
            self.assertEqual(result.returncode, 78, text)
            self.assertIn("purposes.conf:%d: " % line, result.stderr)
            self.assertIn(told, result.stderr)
        os.unlink(self.file)
        result = run_tool("--check-config", "-c", self.daemon.config,
                          binary=program("smartidd"), check=False)
        self.assertEqual(result.returncode, 78)
        self.assertIn("purposes.conf", result.stderr)
        self.write(OURS)

    def test_a_daemon_does_not_start_with_a_mistake(self):
        self.daemon.stop()
        self.write("[a]\n")
        self.daemon.spawn()
        self.assertEqual(self.daemon.wait_exit(), 78)
        self.daemon.process = None
        self.write(OURS)
        self.daemon.start()


class Pseudonyms(DaemonCase):
    def clerk_of(self, name, party=None):
        return self.daemon.api(self.daemon.add_client("clerk", name,
                                                      party=party))

    def pseudonym(self, clerk, credential):
        answer = clerk.verify(self.app.code(credential)["code"],
                              "security_check")
        self.assertTrue(answer["valid"], answer)
        self.assertRegex(answer["holder"]["pseudonym"],
                         "^psn_[0-9a-hjkmnp-tv-z]{26}$")
        return answer["holder"]["pseudonym"]

    def test_one_party_one_name_over_counters_days_and_enrolments(self):
        person = holder("Zhao Example")
        _, credential = self.approved(who=1, person=person)
        _, other = self.approved(who=2)
        first = self.clerk_of("counter 1", "City bank")
        second = self.clerk_of("counter 2", " City bank ")
        hotel = self.clerk_of("Hotel")
        name = self.pseudonym(first, credential)
        self.assertEqual(self.pseudonym(second, credential), name)
        self.assertNotEqual(self.pseudonym(hotel, credential), name)
        self.assertNotEqual(self.pseudonym(first, other), name)
        self.daemon.set_clock(3 * 86400)
        self.assertEqual(self.pseudonym(first, credential), name)
        self.daemon.restart()
        self.assertEqual(self.pseudonym(first, credential), name)
        self.assertEqual(self.app.revoke(credential).status, 200)
        _, again = self.approved(who=1, person=person)
        self.assertNotEqual(again, credential)
        self.assertEqual(self.pseudonym(first, again), name)
        # Turning all keys that can be turned does not rename anybody.
        for use in ("code", "data", "template"):
            self.daemon.ctl("key", "rotate", use)
        self.assertEqual(self.pseudonym(first, again), name)
        self.daemon.set_clock(0)

    def test_parties_that_put_their_lists_together_find_no_link(self):
        bank = self.clerk_of("a", "Bank")
        hotel = self.clerk_of("b", "Hotel")
        people = [self.approved(who=10 + i)[1] for i in range(6)]
        lists = [[self.pseudonym(clerk, one) for one in people]
                 for clerk in (bank, hotel)]
        self.assertEqual(len(set(lists[0] + lists[1])), 12)
        # Nothing is shared, neither beginning nor end.
        for cut in (slice(4, 12), slice(-8, None)):
            self.assertFalse({p[cut] for p in lists[0]} &
                             {p[cut] for p in lists[1]})

    def test_a_pseudonym_is_told_only_with_a_valid_answer(self):
        answer = self.clerk.post("/v1/verifications", {
            "code": "SID1:", "purpose": "security_check"})
        self.assertNotIn(b"psn_", answer.body)

    def test_only_a_clerk_has_a_party(self):
        result = self.daemon.ctl("client", "add", "--role", "app", "--name",
                                 "x", "--party", "Bank", check=False)
        self.assertEqual(result.returncode, 2)
        answer = self.admin.post("/v1/clients", {
            "name": "x", "role": "app", "party": "Bank"})
        self.assertEqual(self.assert_problem(answer, 422)["field"], "party")


if __name__ == "__main__":
    unittest.main()
