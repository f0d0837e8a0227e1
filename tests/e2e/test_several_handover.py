"""The daemon that tells for all of them dies: another goes on with what the
app's backend and WeChat are to be told, and nothing of it is lost."""

import time
import unittest
from random import Random

from harness import SLOW, Case, credential_of
from photos import random_number
from receiver import Receiver
from several import Cluster, postgres, until
from wechat_accounts import accounts_file, section
from wechat_case import Person
from wechat_standin import Account, Pusher, Standin

# A lease, what clocks may differ, a look.
LEADS_LIMIT_S = 8
# What a busy machine needs besides.
SPARE_S = 12
# A call to WeChat that somebody has begun is over by then.
CALLS_END_S = 30
LIFE = [("credential.changed", "active"), ("enrollment.decided", "approved"),
        ("credential.changed", "suspended"), ("credential.changed", "active"),
        ("credential.changed", "revoked")]
APPROVED = "核验通过"


def setUpModule():
    Case.server = postgres.Server()
    unittest.addModuleCleanup(Case.server.stop)


class Handover(Case):
    def setUp(self):
        self.cluster = Cluster(self.server)
        self.addCleanup(self.cluster.close)
        self.a, self.b, self.c = self.cluster.daemons
        self.app = [self.cluster.api("app", i) for i in range(3)]

    def set_all(self, settings):
        """settings: of a daemon. They start one after the other again."""
        for daemon in self.cluster.daemons:
            daemon.env.update(settings(daemon))
            daemon.restart()
        self.assertIsNotNone(self.a.log.wait(lambda l: "event=leads" in l))

    def leads(self, daemon, limit_s):
        self.assertIsNotNone(
            daemon.log.wait(lambda l: "event=leads" in l, limit_s))


class Webhooks(Handover):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver(self.a.ctl("webhook",
                                            "secret").stdout.strip())
        self.addCleanup(self.receiver.close)
        self.set_all(lambda _: {
            "SMARTIDD_WEBHOOK_WEBHOOK_URL": self.receiver.url})

    def lives(self, at, who):
        """All that can happen to a credential, at one daemon; its ids."""
        enrolled = self.app[at].enrol(who)
        credential = credential_of(enrolled)
        for change in ("suspend", "resume"):
            self.assertEqual(self.app[at].change(credential, change).status,
                             200)
        self.assertEqual(self.app[at].revoke(credential).status, 200)
        return {enrolled["id"], credential}

    def told(self, ids):
        """What was taken of it, each once, in the order it came first."""
        events = {}
        for event in self.receiver.taken():
            if {event.get("credential"), event.get("enrollment")} & ids:
                events.setdefault(event["id"],
                                  (event["type"], event.get("state")))
        return list(events.values())

    def wait_told(self, ids, limit_s):
        self.assertTrue(
            self.receiver.wait(lambda: len(self.told(ids)) >= len(LIFE),
                               limit_s * SLOW), repr(self.told(ids)))
        self.assertEqual(self.told(ids), LIFE)

    def test_what_the_dead_one_was_sending_is_sent_again_and_all_in_order(self):
        dead = []

        def answer(events):
            """Takes it, but the answer reaches nobody."""
            if not dead:
                dead.extend(event["id"] for event in events)
                self.a.kill()
            return 204

        self.receiver.answer = 503
        before = [self.lives(at, at + 1) for at in range(3)]
        self.receiver.answer = answer
        self.assertTrue(self.receiver.wait(lambda: dead, 30 * SLOW))
        began = time.monotonic()
        after = [self.lives(at, at + 4) for at in (1, 2)]
        self.leads(self.b, LEADS_LIMIT_S + SPARE_S * SLOW)
        for ids in before + after:
            self.wait_told(ids, 30)
        self.assertLess(time.monotonic() - began, 60 * SLOW)
        taken = [event["id"] for event in self.receiver.taken()]
        for one in dead:
            self.assertGreaterEqual(taken.count(one), 2)
        self.assertEqual(self.receiver.forged, 0)
        # What was answered is not sent again by whoever comes next.
        self.assertEqual(len(taken) - len(dead), len(set(taken)))

    def test_one_that_comes_back_takes_it_over_and_loses_nothing(self):
        self.wait_told(self.lives(2, 1), 30)
        self.a.stop()
        at_the_second = self.lives(2, 2)
        self.leads(self.b, LEADS_LIMIT_S)  # at once, as it was told
        self.wait_told(at_the_second, 30)
        self.a.start()
        lives = [self.lives(at, at + 4) for at in (1, 2, 0)]
        self.leads(self.a, SPARE_S * SLOW)
        for ids in lives:
            self.wait_told(ids, 30)
        self.assertEqual(self.receiver.forged, 0)


class Patient(Person):
    """Waits as long as WeChat does: daemons may be in each other's way."""

    def push(self, message):
        delivery = self.case.pusher.deliver(message)
        self.case.assertTrue(delivery.taken(), (delivery.status,
                                                delivery.body))
        return self.content(delivery)


class Messages(Handover):
    def setUp(self):
        super().setUp()
        self.standin = Standin(Account())
        self.addCleanup(self.standin.close)
        client = self.a.client_id("app")
        self.set_all(lambda daemon: {
            "SMARTIDD_WECHAT_ACCOUNTS": accounts_file(
                daemon.folder, section(daemon.folder, "city", self.standin,
                                       client=client))})
        # They chat with one that sends nothing itself.
        self.daemon = self.c
        self.pusher = Pusher(
            self.standin.account,
            "http://127.0.0.1:%d/channels/wechat/city" % self.c.port,
            standin=self.standin)

    def outbox(self):
        return int(self.cluster.sql("SELECT count(*) FROM wechat_outbox")[0])

    def test_what_waits_is_sent_by_the_next_and_what_was_in_hand_once_at_most(
            self):
        first = Patient(self, "oFIRST")
        send = "/cgi-bin/message/custom/send"
        self.standin.fail("slow", path=send)
        first.enrols(1)
        self.assertTrue(self.standin.wait(lambda: send in self.standin.calls,
                                          (CALLS_END_S + SPARE_S) * SLOW))
        self.a.kill()
        self.standin.heal()
        self.standin.release()
        self.leads(self.b, LEADS_LIMIT_S + SPARE_S * SLOW)
        # Nobody sends yet; they are answered at once all the same.
        others = [Patient(self, "oSECOND"), Patient(self, "oTHIRD")]
        for who, (one, number) in enumerate(
                zip(others, ("440524188001010014", random_number(Random(1))))):
            one.enrols(who + 2, number=number)
        for one in others:
            self.assertTrue(self.standin.wait(
                one.told, (CALLS_END_S + SPARE_S) * SLOW), one.openid)
        until(lambda: self.outbox() == 0, 30 * SLOW, "nothing waits")
        for one in others:
            self.assertEqual(len(one.told()), 1)
            self.assertIn(APPROVED, one.told()[0])
        self.assertLessEqual(len(first.told()), 1)
        # 进度 tells the same at any time.
        self.assertIn("通过", first.says("进度"))


if __name__ == "__main__":
    unittest.main()
