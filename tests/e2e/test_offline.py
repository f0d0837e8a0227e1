"""The code for a counter without a network: signed, checked with public keys
alone, and marked as weaker."""

import json
import os
import subprocess
import time
import unittest
from datetime import datetime

from harness import DaemonCase, clean_environment, holder, program, run_tool

NUMBER = "440524188001010014"


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


class Offline(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enrolment = cls.app.enrol(who=1, person=holder(
            "张 Example", id_number=NUMBER, phone="13800000000"))
        cls.credential = cls.enrolment["credential_id"]
        cls.holder = cls.daemon.api(cls.enrolment["holder_secret"])

    def ask(self, attributes, api=None, query="", headers=None):
        return (api or self.holder).get(
            "/v1/credentials/%s/code?kind=offline&attributes=%s%s" % (
                self.credential, attributes, query), headers)

    def code(self, attributes="identity"):
        answer = self.ask(attributes)
        self.assertEqual(answer.status, 200, repr(answer))
        return answer.json()

    def public_keys(self):
        """The public keys, as a file."""
        answer = self.nobody.get("/.well-known/smartid-keys.json")
        self.assertEqual(answer.status, 200, repr(answer))
        path = os.path.join(self.daemon.folder, "keys.json")
        with open(path, "wb") as stream:
            stream.write(answer.body)
        return path

    def check(self, code, path=None):
        """What a counter without a network is told: exit status and text."""
        result = run_tool("verify", "--offline", code, "--keys",
                          path or self.public_keys(), check=False)
        return result.returncode, result.stdout

    def test_it_says_how_long_it_lives_and_that_it_is_weaker(self):
        one = self.code()
        self.assertEqual(one["kind"], "offline")
        self.assertEqual(seconds(one["not_after"]) -
                         seconds(one["not_before"]), 86400)
        status, text = self.check(one["code"])
        self.assertEqual(status, 0, text)
        self.assertEqual(text.splitlines(), [
            "good, as of %s (until %s)" % (one["not_before"],
                                           one["not_after"]),
            "weaker: a revocation after that is not seen",
            "name: 张 Example", "id_number: " + NUMBER])

    def test_who_is_over_18_tells_nothing_else(self):
        code = self.code("age_over_18")["code"]
        self.assertEqual(len(code), 120)
        status, text = self.check(code)
        self.assertEqual(status, 0, text)
        self.assertTrue(text.endswith("age_over_18: yes\n"), text)
        self.assertNotIn("Example", text)
        self.assertNotIn(NUMBER, text)

    def test_the_keys_are_open_and_hold_nothing_secret(self):
        answer = self.nobody.get("/.well-known/smartid-keys.json").json()
        self.assertEqual(set(answer), {"as_of", "keys"})
        for key in answer["keys"]:
            self.assertEqual(set(key), {"kid", "alg", "public_key"})
            self.assertEqual(key["alg"], "Ed25519")
            self.assertRegex(key["public_key"], "^[0-9a-f]{64}$")

    def test_another_daemons_codes_and_changed_ones_are_not_good(self):
        code, path = self.code()["code"], self.public_keys()
        with open(path, encoding="utf-8") as stream:
            keys = json.load(stream)
        keys["keys"][0]["public_key"] = "ab" * 32
        other = path + ".other"
        with open(other, "w", encoding="utf-8") as stream:
            json.dump(keys, stream)
        self.assertEqual(self.check(code, other)[0], 1)
        swapped = code[:-6] + ("0" if code[-6] != "0" else "1") + code[-5:]
        for bad in (swapped, code[:-3], "SID1:" + code[6:], "", "x" * 600):
            status, text = self.check(bad, path)
            self.assertEqual(status, 1, bad)
            self.assertTrue(text.startswith("not good: "), text)

    def test_it_comes_from_standard_input_too(self):
        result = subprocess.run(
            [program("smartidctl"), "verify", "--offline", "-", "--keys",
             self.public_keys()], input=self.code()["code"] + "\r\n", text=True,
            capture_output=True, env=clean_environment({}), check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_what_is_no_file_of_keys_is_told(self):
        path = os.path.join(self.daemon.folder, "none.json")
        self.assertEqual(self.check("x", path)[0], 1)
        for text in ("[]", "{}", '{"keys":7}', '{"keys":[{}]}', "x",
                     '{"keys":[{"kid":0,"alg":"Ed25519","public_key":"%s"}]}'
                     % ("ab" * 32)):
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
            result = run_tool("verify", "--offline", "x", "--keys", path,
                              check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn("no file of keys", result.stderr)
        for wrong in (["verify"], ["verify", "--offline", "x"],
                      ["verify", "--keys", path]):
            self.assertEqual(run_tool(*wrong, check=False).returncode, 2)

    def test_a_new_code_key_makes_another_one_and_keeps_the_old(self):
        before = self.code()["code"]
        self.daemon.ctl("key", "rotate", "code")
        after = self.code()["code"]
        path = self.public_keys()
        with open(path, encoding="utf-8") as stream:
            kids = [key["kid"] for key in json.load(stream)["keys"]]
        self.assertGreaterEqual(len(kids), 2)
        for code in (before, after):
            self.assertEqual(self.check(code, path)[0], 0)
        # One that leaked is not published any more.
        self.daemon.ctl("key", "rotate", "code", "--revoke-old")
        status, text = self.check(before)
        self.assertEqual(status, 1)
        self.assertIn("Fetch the public keys", text)
        self.assertEqual(self.check(self.code()["code"])[0], 0)

    def test_keys_that_were_fetched_before_a_rotation_do_for_a_day(self):
        path = self.public_keys()
        self.daemon.ctl("key", "rotate", "code")
        status, text = self.check(self.code()["code"], path)
        self.assertEqual(status, 0, text)

    def test_one_that_stands_on_the_id_dies_with_the_card_too(self):
        today = time.gmtime(self.daemon.now() + 8 * 3600)
        enrolment, base = self.approved(who=2, person=holder(
            valid_until=time.strftime("%Y-%m-%d", today)))
        licence = self.app.change(base, "issue", {
            "type": "drivers_licence", "fields": {
                "classes": "C1", "first_issue": "2020-05-17"}}).json()["id"]
        own = self.daemon.api(enrolment["holder_secret"])
        ends = [own.get("/v1/credentials/%s/code?kind=offline&attributes="
                        "age_over_18" % one).json()["not_after"]
                for one in (base, licence)]
        self.assertEqual(*ends)

    def test_online_it_is_no_code(self):
        answer = self.clerk.verify(self.code()["code"])
        self.assertFalse(answer["valid"])
        self.assertEqual(answer["reason"], "not_valid")

    def test_it_is_the_holders_and_the_apps_and_only_while_active(self):
        self.assertEqual(self.ask("identity", self.app).status, 200)
        for api in (self.clerk, self.officer):
            self.assert_problem(self.ask("identity", api), 403)
        self.app.change(self.credential, "suspend")
        self.assert_problem(self.ask("identity"), 409)
        self.app.change(self.credential, "resume")

    def test_what_it_tells_must_be_said_and_known(self):
        for query, code in (("?kind=offline", "field_missing"),
                            ("?kind=offline&attributes=x", "field_invalid"),
                            ("?attributes=identity", "field_unknown"),
                            ("?kind=live&attributes=identity",
                             "field_unknown")):
            answer = self.holder.get("/v1/credentials/%s/code%s" % (
                self.credential, query))
            document = self.assert_problem(answer, 422, code)
            self.assertEqual(document["field"], "attributes")

    def test_its_picture_can_be_scanned(self):
        """Modules of the symbol, with 4 on each side."""
        for attributes, most in (("age_over_18", 37), ("identity", 45)):
            answer = self.ask(attributes, query="&scale=1",
                              headers={"Accept": "image/png"})
            self.assertEqual(answer.status, 200, repr(answer))
            width = int.from_bytes(answer.body[16:20], "big")
            self.assertLessEqual(width, most + 8)

    def test_it_is_written_down_and_counted_without_what_it_tells(self):
        def counted():
            text = self.daemon.request("GET", "/metrics").body.decode()
            return int(text.split('codes_issued_total{kind="offline"} ')[1]
                       .split("\n")[0])
        before = counted()
        self.code("age_over_18")
        self.assertEqual(counted(), before + 1)
        self.daemon.stop()
        rows = self.daemon.sql("SELECT outcome, detail FROM audit WHERE event "
                               "= 'code_issued' ORDER BY seq DESC LIMIT 1")
        self.daemon.start()
        self.assertEqual(rows, [("offline", "age_over_18")])


class ShortPeriod(DaemonCase):
    SETTINGS = {"code.code_period_s": "60"}

    def kids_after(self, hours):
        """Which keys are known, old ones having been looked for."""
        self.daemon.stop()
        self.daemon.set_clock(hours * 3600)
        self.daemon.start()
        started = self.daemon.now()
        while seconds(self.admin.get("/v1/retention").json()["rules"][0].get(
                "last_run", "1970-01-01T00:00:00Z")) < started:
            time.sleep(0.05)
        answer = self.nobody.get("/.well-known/smartid-keys.json").json()
        return [key["kid"] for key in answer["keys"]]

    def test_its_public_key_lives_as_long_as_it_does(self):
        self.daemon.ctl("key", "rotate", "code")
        self.assertEqual(self.kids_after(47), [1, 2])
        self.kids_after(49)
        self.assert_logged(" event=code_keys_destroyed")



if __name__ == "__main__":
    unittest.main()
