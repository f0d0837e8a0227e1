"""A clerk's check: what each purpose tells, and what is never valid."""

import json
import unittest

from harness import DaemonCase, PURPOSES, credential_of, holder

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


class Verification(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.person = holder("Zhang Example",
                            id_number="440524188001010014",
                            phone="13800000000")
        # Born in 1880: the daemon takes at most 150 years of age.
        cls.enrolment = cls.app.enrol(who=1, person=cls.person)
        cls.credential = credential_of(cls.enrolment)
        cls.code = cls.app.code(cls.credential)["code"]

    def refused(self, code):
        answer = self.clerk.verify(code)
        self.assertFalse(answer["valid"], code)
        self.assertEqual(answer["reason"], "not_valid")
        self.assertNotIn("holder", answer)
        self.assertNotIn("credential", answer)
        return answer

    def test_each_purpose_tells_exactly_its_attributes(self):
        values = {"name": "Zhang Example", "id_number": "440524188001010014",
                  "birth_date": "1880-01-01", "sex": "male",
                  "region": "440524", "name_masked": "Z**** E******",
                  "id_number_masked": "440524********0014",
                  "age_over_18": True}
        for purpose, attributes in PURPOSES.items():
            with self.subTest(purpose=purpose):
                answer = self.clerk.verify(self.code, purpose)
                self.assertTrue(answer["valid"], answer)
                self.assertRegex(answer["holder"].pop("pseudonym"),
                                 "^psn_[0-9a-z]{26}$")
                self.assertEqual(answer["holder"],
                                 {name: values[name] for name in attributes})
                self.assertEqual(answer["credential"],
                                 {"type": "resident_id",
                                  "assurance": "remote"})
                self.assertRegex(answer["id"], "^ver_[0-9a-z]+$")
                self.assertRegex(answer["checked_at"],
                                 r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                self.assertNotIn("reason", answer)

    def test_the_phone_is_told_for_no_purpose(self):
        for purpose in PURPOSES:
            answer = self.clerk.post("/v1/verifications", {
                "code": self.code, "purpose": purpose})
            self.assertNotIn(b"13800000000", answer.body)

    def test_an_answer_is_not_kept_by_a_cache(self):
        answer = self.clerk.post("/v1/verifications", {
            "code": self.code, "purpose": "train_ticket"})
        self.assertEqual(answer.header("cache-control"), "no-store")

    def test_a_purpose_that_was_not_granted_is_403(self):
        for granted in ("train_ticket", "security_check"):
            clerk = self.daemon.api(self.daemon.add_client(
                "clerk", "only " + granted, purposes=[granted]))
            for purpose in PURPOSES:
                answer = clerk.post("/v1/verifications", {
                    "code": self.code, "purpose": purpose})
                if purpose == granted:
                    self.assertTrue(answer.json()["valid"])
                else:
                    self.assert_problem(answer, 403, "purpose_forbidden")
                    self.assertNotIn(b"Zhang", answer.body)

    def test_every_changed_character_is_not_valid(self):
        rng = self.rng()
        for place in range(len(self.code)):
            old = self.code[place]
            new = rng.choice([c for c in ALPHABET if c != old])
            self.refused(self.code[:place] + new + self.code[place + 1:])

    def test_every_replacement_of_one_character_is_not_valid(self):
        place = self.rng().randrange(5, len(self.code))
        for new in ALPHABET:
            if new != self.code[place]:
                self.refused(self.code[:place] + new + self.code[place + 1:])

    def test_other_lengths_and_alphabets_are_not_valid(self):
        code = self.code
        for bad in (code[:-1], code + "0", " " + code,
                    code.lower(), code[5:], "SID2:" + code[5:],
                    "SID1:", "S", "HC1:" + code[4:], code * 3,
                    code[:-1] + "\u00e9", "张" * 19, "9" * 56, "Z" * 56,
                    "SID1:" + ":" * 51, "x" * 255, "0" * 5000):
            with self.subTest(bad=bad[:60]):
                answer = self.clerk.post("/v1/verifications", {
                    "code": bad, "purpose": "train_ticket"})
                self.assertIn(answer.status, (200, 400), repr(answer))
                if answer.status == 200:
                    self.assertFalse(answer.json()["valid"])
                    self.assertEqual(answer.json()["reason"], "not_valid")

    def test_refusals_look_alike_from_outside(self):
        swapped = self.code[:-2] + self.code[-1] + self.code[-2]
        shapes = set()
        for bad in (self.code[:-1], "SID2:" + self.code[5:], "9" * 56,
                    swapped if swapped != self.code else self.code[:-1]):
            answer = self.refused(bad)
            shapes.add((tuple(sorted(answer)), answer["reason"]))
        self.assertEqual(len(shapes), 1)

    def test_random_codes_are_never_valid(self):
        rng = self.rng()
        with self.daemon.connect() as connection:
            for _ in range(500):
                code = "SID1:" + "".join(rng.choices(ALPHABET, k=51))
                body = json.dumps({"code": code,
                                   "purpose": "train_ticket"}).encode()
                answer = connection.request(
                    "POST", "/v1/verifications", self.clerk.headers(
                        {"Content-Type": "application/json"}), body)
                self.assertEqual(answer.status, 200)
                self.assertFalse(answer.json()["valid"])

    def test_a_code_of_another_daemon_is_not_valid(self):
        from harness import Daemon
        other = Daemon()
        self.addCleanup(other.close)
        app = other.api(other.add_client("app"))
        other.start()
        enrolment = app.enrol(who=2)
        self.refused(app.code(credential_of(enrolment))["code"])

    def test_a_counter_may_be_named(self):
        for counter in ("12", "Window 3 / East", "x" * 64, "窗口3",
                        "窗" * 21, "Fenêtre 3"):
            answer = self.clerk.verify(self.code, counter=counter)
            self.assertTrue(answer["valid"])

    def test_wrong_counters_are_refused(self):
        for counter in ("x" * 65, 7, "a\nb", "窗" * 22, None, ["x"], "a\tb",
                        "a\x7fb", "a\u0085b", "a\u2028b", "\u001b[2J",
                        "a\u0000b"):
            with self.subTest(counter=counter):
                answer = self.clerk.post("/v1/verifications", {
                    "code": self.code, "purpose": "train_ticket",
                    "counter": counter})
                if counter == "a\0b":
                    self.assert_problem(answer, 400, "bad_json")
                    continue
                self.assert_problem(answer, 422, "field_invalid")

    def test_what_a_scanner_types_round_a_code_is_taken_away(self):
        for before, after in (("", "\r"), ("", "\n"), ("", "\r\n"),
                              ("", "\t"), ("\t", "\r\n"), ("", " "),
                              ("\n", "   \r\n"), ("", "\r\n \t"),
                              ("\r\n\t", "\t\n\r")):
            with self.subTest(before=before, after=after):
                answer = self.clerk.verify(before + self.code + after)
                self.assertTrue(answer["valid"], answer)
        for bad in (" " + self.code, self.code[:-1] + "\r\n",
                    self.code[:20] + "\n" + self.code[20:], "\r\n", "\t ",
                    " " * 60, self.code + "\u00a0", self.code + "\v"):
            self.refused(bad)

    def test_malformed_bodies_are_400(self):
        good = {"code": self.code, "purpose": "train_ticket"}
        for bad in (b"", b"{", b"[]", b"null", b"7", b'"x"',
                    json.dumps(good).encode() + b"x",
                    b'{"code":"a","code":"b","purpose":"train_ticket"}',
                    b'{"code":"a\\u0000b","purpose":"train_ticket"}',
                    b'{"code":"\xff\xfe","purpose":"train_ticket"}',
                    b'{"code":"\\ud800","purpose":"train_ticket"}',
                    b"[" * 3000 + b"]" * 3000,
                    b'{"a":' * 500 + b"1" + b"}" * 500,
                    b"\0" * 40, b'{"code": NaN, "purpose": "x"}',
                    json.dumps(good).encode("utf-16")):
            with self.subTest(bad=bad[:60]):
                answer = self.clerk.post("/v1/verifications", bad)
                self.assert_problem(answer, 400)

    def test_missing_unknown_and_wrong_fields_are_named(self):
        for value, code, word in (
                ({"purpose": "train_ticket"}, "field_missing", b"code"),
                ({"code": self.code}, "field_missing", b"purpose"),
                ({"code": self.code, "purpose": "spying"}, "field_invalid",
                 b"purpose"),
                ({"code": 7, "purpose": "train_ticket"}, "field_invalid",
                 b"code"),
                ({"code": self.code, "purpose": ["train_ticket"]},
                 "field_invalid", b"purpose"),
                ({"code": self.code, "purpose": "train_ticket", "x": 1},
                 "field_unknown", b"x")):
            with self.subTest(value=sorted(value)):
                answer = self.clerk.post("/v1/verifications", value)
                self.assert_problem(answer, 422, code)
                self.assertIn(word, answer.body)

    def test_each_verification_has_an_id_of_its_own(self):
        ids = {self.clerk.verify(self.code)["id"] for _ in range(20)}
        self.assertEqual(len(ids), 20)


class VerificationAudit(DaemonCase):
    def test_every_check_leaves_one_row_with_its_inner_reason(self):
        _, credential = self.approved(who=1)
        code = self.app.code(credential)["code"]
        narrow = self.daemon.api(self.daemon.add_client(
            "clerk", "narrow", purposes=["train_ticket"]))
        mac = code[:-1] + ("0" if code[-1] != "0" else "1")
        self.clerk.verify(code, counter="12")
        self.clerk.verify(mac)
        self.clerk.verify(code[:-1])
        self.clerk.verify("SID2:" + code[5:])
        narrow.post("/v1/verifications", {"code": code,
                                          "purpose": "bank_account"})
        self.app.revoke(credential)
        self.clerk.verify(code)
        self.daemon.stop()
        rows = self.daemon.sql(
            "SELECT * FROM audit WHERE event = 'verification'")
        self.daemon.start()
        outcomes = []
        for row in rows:
            text = [str(v) for v in row]
            for word in ("valid", "code_mac", "code_alphabet", "code_length",
                         "code_version", "purpose_forbidden", "revoked"):
                if word in text:
                    outcomes.append(word)
        self.assertEqual(outcomes[0], "valid")
        self.assertIn(outcomes[1], ("code_mac", "code_alphabet"))
        self.assertEqual(outcomes[2:], ["code_length", "code_version",
                                        "purpose_forbidden", "revoked"])
        self.assertTrue(any("counter=12" in str(v) for v in rows[0]))
        self.assertFalse(any(code in str(v) for row in rows for v in row))


if __name__ == "__main__":
    unittest.main()
