"""What the app's backend is told, when, and what becomes of what it will not
take."""

import json
import os
import time
import unittest

import photos
from harness import SLOW, Case, Daemon, credential_of, holder, program
from receiver import Receiver, make_certificate


class Told(Case):
    def setUp(self):
        self.daemon = Daemon(keys=True)
        self.addCleanup(self.daemon.close)
        secret = self.daemon.ctl("webhook", "secret").stdout.strip()
        self.receiver = Receiver(secret)
        self.addCleanup(self.receiver.close)
        self.set("URL", self.receiver.url)
        self.set("CHECKS", "on")
        self.daemon.start()
        self.app, self.clerk, self.officer, self.admin = (
            self.daemon.api(self.daemon.keys[role])
            for role in ("app", "clerk", "officer", "admin"))

    def set(self, name, value):
        self.daemon.env["SMARTIDD_WEBHOOK_WEBHOOK_" + name] = value

    def preload(self, library, **env):
        # It comes before the sanitizer's, which minds.
        self.daemon.env.update(
            env, LD_PRELOAD=program(library),
            ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0")

    def wait_for(self, count):
        self.assertTrue(self.receiver.wait(
            lambda: len(self.receiver.taken()) >= count, 30 * SLOW),
            "%r, log: %s" % (self.receiver.requests,
                             self.daemon.log.text()[-2000:]))
        return self.receiver.taken()

    def status(self):
        return self.admin.get("/v1/webhook").json()

    def until(self, condition):
        end = time.monotonic() + 30 * SLOW
        while not condition(self.status()):
            self.assertLess(time.monotonic(), end, repr(self.status()))
            time.sleep(0.05)

    def test_the_life_of_a_credential_is_told_in_order(self):
        enrolled = self.app.enrol(who=1)
        credential = credential_of(enrolled)
        code = self.app.code(credential)["code"]
        checked = self.clerk.verify(code)
        self.assertTrue(checked["valid"])
        self.app.change(credential, "suspend")
        self.app.change(credential, "resume")
        self.app.revoke(credential)
        told = self.wait_for(6)
        self.assertEqual(
            [(event["type"], event.get("state")) for event in told],
            [("credential.changed", "active"),
             ("enrollment.decided", "approved"),
             ("credential.checked", None),
             ("credential.changed", "suspended"),
             ("credential.changed", "active"),
             ("credential.changed", "revoked")])
        self.assertEqual(told[0]["enrollment"], enrolled["id"])
        self.assertEqual(told[1]["enrollment"], enrolled["id"])
        self.assertEqual(told[2]["verification"], checked["id"])
        self.assertEqual(told[2]["purpose"], "train_ticket")
        self.assertIs(told[2]["valid"], True)
        self.assertEqual({event["credential"] for event in told[2:]},
                         {credential})
        self.assertEqual(len({event["id"] for event in told}), 6)
        self.assertEqual(self.receiver.forged, 0)
        # Officers alone are told why.
        self.assertNotIn("lost", json.dumps(told))

    def test_nothing_personal_is_sent(self):
        person = holder()
        self.app.enrol(who=1, person=person)
        text = json.dumps(self.wait_for(2))
        for mark in (person["name"], person["id_number"], "Example"):
            self.assertNotIn(mark, text)

    def test_checks_are_told_only_where_that_is_wanted(self):
        self.set("CHECKS", "off")
        self.daemon.restart()
        credential = credential_of(self.app.enrol(who=1))
        self.clerk.verify(self.app.code(credential)["code"])
        self.app.change(credential, "suspend")
        self.assertEqual([event["type"] for event in self.wait_for(3)],
                         ["credential.changed", "enrollment.decided",
                          "credential.changed"])

    def test_what_happened_while_it_was_away_is_told_when_it_is_back(self):
        self.receiver.answer = 503
        self.app.enrol(who=1)
        self.assertTrue(self.receiver.wait(lambda: self.receiver.requests,
                                           30 * SLOW))
        self.until(lambda status: status.get("why") == "http_503")
        self.daemon.stop()
        self.daemon.start()
        self.receiver.answer = 204
        told = self.wait_for(2)
        self.assertEqual([event["type"] for event in told],
                         ["credential.changed", "enrollment.decided"])
        self.until(lambda status: "why" not in status)
        self.assertEqual(self.status()["refused"], 0)

    def test_a_kill_tells_at_least_once(self):
        for who in range(1, 4):
            self.app.enrol(who=who)
            self.daemon.kill()
            self.daemon.start()
        told = self.wait_for(6)
        self.assertEqual(len({event["id"] for event in told}), 6)

    def test_one_event_that_is_refused_does_not_hold_up_the_others(self):
        def answer(events):
            return 422 if any(event["type"] == "credential.checked"
                              for event in events) else 200
        self.receiver.answer = answer
        credential = credential_of(self.app.enrol(who=1))
        self.clerk.verify(self.app.code(credential)["code"])
        self.app.change(credential, "suspend")
        # Alone it is tried three times, with pauses of three seconds in all.
        told = self.wait_for(3)
        self.assertEqual(told[-1]["state"], "suspended")
        self.until(lambda status: status["refused"] == 1)
        refused = self.status()["refused_events"][0]
        self.assertEqual((refused["type"], refused["why"], refused["tries"]),
                         ("credential.checked", "http_422", 3))
        listed = self.daemon.ctl("webhook", "status").stdout
        self.assertIn("credential.checked  http_422", listed)
        self.assertIn(b"smartidd_webhook_refused 1\n",
                      self.daemon.request("GET", "/metrics").body)
        # Once more, in vain, and then with success.
        self.daemon.ctl("webhook", "replay", str(refused["seq"]))
        self.until(lambda status: status["refused_events"] and
                   status["refused_events"][0]["tries"] == 4)
        self.receiver.answer = 200
        self.daemon.ctl("webhook", "replay", "--all")
        self.until(lambda status: status["refused"] == 0)
        self.assertEqual(self.receiver.taken()[-1]["id"], refused["id"])
        self.assertIn("webhook_replayed",
                      self.daemon.ctl("audit", "export").stdout)

    def test_what_is_not_there_cannot_be_replayed(self):
        self.assert_problem(self.admin.post("/v1/webhook/replay", {}), 404)
        for body in ({"seq": 0}, {"seq": "1"}, {"seq": 1.5}):
            self.assert_problem(self.admin.post("/v1/webhook/replay", body),
                                422, "field_invalid")
        result = self.daemon.ctl("webhook", "replay", "x", check=False)
        self.assertEqual(result.returncode, 2)

    def test_a_redirect_is_not_followed(self):
        self.receiver.answer = 302
        self.app.enrol(who=1)
        self.until(lambda status: status.get("why") == "http_302")
        # Not since when: it says when it was tried last.
        self.assertRegex(self.daemon.ctl("webhook", "status").stdout,
                         "FAILS       http_302, last tried 20")

    def test_nobody_there_is_told_to_the_admin_and_costs_nothing(self):
        self.receiver.close()
        credential = credential_of(self.app.enrol(who=1))
        self.until(lambda status: status.get("why") == "unreachable")
        self.assertTrue(
            self.clerk.verify(self.app.code(credential)["code"])["valid"])
        self.assertEqual(self.daemon.log.text().count(" event=webhook_fails "),
                         1)

    def test_over_tls_only_who_has_a_certificate_to_trust_is_told(self):
        path = os.path.join(self.daemon.folder, "receiver.pem")
        one = Receiver(self.receiver.secret, certificate=make_certificate(path))
        self.addCleanup(one.close)
        self.receiver = one
        self.set("URL", one.url)
        self.daemon.restart()
        self.app.enrol(who=1)
        self.until(lambda status: status.get("why") == "unreachable")
        self.assertEqual(one.requests, [])
        self.set("CA_FILE", path + ".crt")
        self.daemon.restart()
        self.assertEqual(len(self.wait_for(2)), 2)
        # The name counts, too.
        self.set("URL", one.url.replace("localhost", "127.0.0.1"))
        self.daemon.restart()
        self.app.enrol(who=2)
        self.until(lambda status: status.get("why") == "unreachable")

    def test_an_address_that_may_not_be_sent_to_is_refused(self):
        for url in ("http://app.example/", "ftp://127.0.0.1/", "hooks",
                    "https://user@app.example/"):
            self.set("URL", url)
            self.daemon.stop() if self.daemon.process else None
            self.daemon.spawn()
            self.assertEqual(self.daemon.wait_exit(), 78)
            self.assert_logged("webhook.webhook_url")
            self.daemon.process = None

    def test_a_credential_that_will_expire_is_told_once(self):
        until = time.gmtime(self.daemon.now() + 31 * 86400)
        self.app.enrol(who=1, person=holder(
            valid_until=time.strftime("%Y-%m-%d", until)))
        self.wait_for(2)
        # The look for it comes with the start, and each minute.
        self.daemon.stop()
        self.daemon.set_clock(3 * 86400)
        self.daemon.start()
        told = self.wait_for(3)
        self.assertEqual(told[2]["type"], "credential.expiring")
        self.assertTrue(told[2]["valid_until"].startswith(
            time.strftime("%Y-", until)))
        # Not with a new phone, either.
        credential = told[2]["credential"]
        self.officer.change(credential, "recover", {"reason": "lost"})
        self.daemon.restart()
        self.app.enrol(who=2)
        self.assertEqual([event["type"] for event in self.wait_for(6)[3:]],
                         ["credential.recovered", "credential.changed",
                          "enrollment.decided"])

    def test_each_event_has_its_own_pauses_refused_or_not_noted(self):
        full = os.path.join(self.daemon.folder, "full")
        self.daemon.stop()
        self.preload("full_disk.so", FULL_DISK=full)
        self.daemon.start()
        times = []

        def refuse(_):
            times.append(time.monotonic())
            return 422

        def take_and_fill(_):
            times.append(time.monotonic())
            with open(full, "w", encoding="ascii"):
                return 200

        def pauses():
            return [b - a for a, b in zip(times, times[1:])]
        self.receiver.answer = refuse
        self.app.enrol(who=1)
        self.until(lambda status: status["refused"] == 2)
        # Both together, and each three times with pauses of 1 and 2 s.
        self.assertEqual(len(times), 7)
        self.assertLess(max(pauses()), 2 + 1.5 * SLOW)
        times.clear()
        self.receiver.answer = take_and_fill
        self.daemon.ctl("webhook", "replay", "--all")
        self.receiver.wait(lambda: len(times) >= 3, 30 * SLOW)
        self.receiver.answer = 200
        os.unlink(full)
        self.assertGreater(min(pauses()), 0.9)
        self.until(lambda status: status["refused"] == 0)

    def test_a_name_that_nobody_resolves_does_not_hold_up_the_end(self):
        asked = os.path.join(self.daemon.folder, "asked")
        self.set("URL", "https://hooks.example/")
        self.daemon.stop()
        self.preload("slow_names.so", SLOW_NAMES=asked)
        self.daemon.start()
        self.app.enrol(who=1)
        end = time.monotonic() + 30 * SLOW
        while not os.path.exists(asked):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        began = time.monotonic()
        self.daemon.stop()
        self.assertLess(time.monotonic() - began, 10 * SLOW)

    def test_by_whom_a_credential_was_changed_is_told_of_a_revocation_too(
            self):
        credential = credential_of(self.app.enrol(who=1))
        self.app.change(credential, "suspend")
        self.officer.revoke(credential, "fraud")
        told = self.wait_for(4)
        self.assertEqual([event.get("by") for event in told],
                         [None, None, "app", "officer"])
        self.assertNotIn("fraud", json.dumps(told))


if __name__ == "__main__":
    unittest.main()
