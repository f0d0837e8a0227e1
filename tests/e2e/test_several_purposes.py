"""Several daemons on one PostgreSQL database have the same purposes: what one of
them has read from its file is in force at all, and an old file turns nothing
back."""

import os
import signal
import threading
import time
import unittest

from harness import Case, credential_of
from several import Cluster, postgres, until

# Issue 8, letter C.
KNOWN_LIMIT_S = 5
FIRST = "[gate]\nattributes = name\n"
SECOND = FIRST + "\n[library]\nattributes = name_masked\nhelp = Lend books\n"
THIRD = "[library]\nattributes = sex\n"


def setUpModule():
    Case.server = postgres.Server()
    unittest.addModuleCleanup(Case.server.stop)


class Purposes(Case):
    def setUp(self):
        self.cluster = Cluster(self.server, 2)
        self.addCleanup(self.cluster.close)
        self.a, self.b = self.cluster.daemons
        for daemon in self.cluster.daemons:
            self.write(daemon, FIRST)
            with open(daemon.config, "a", encoding="utf-8") as stream:
                stream.write(self.setting(daemon))
            daemon.restart()
        self.app = self.cluster.api("app", 0)
        credential = credential_of(self.app.enrol(1))
        self.code = self.app.code(credential)["code"]

    @staticmethod
    def path(daemon):
        return os.path.join(daemon.folder, "purposes")

    def setting(self, daemon):
        return "\n[purposes]\npurposes_file = %s\n" % self.path(daemon)

    def without_file(self, daemon):
        with open(daemon.config, encoding="utf-8") as stream:
            text = stream.read()
        with open(daemon.config, "w", encoding="utf-8") as stream:
            stream.write(text.replace(self.setting(daemon), ""))

    def write(self, daemon, text):
        with open(self.path(daemon) + ".new", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(self.path(daemon) + ".new", self.path(daemon))

    def reload(self, daemon, text=None):
        """SIGHUP, with another file or the same; the lines of the log."""
        if text is not None:
            self.write(daemon, text)
        mark = len(daemon.log.lines)
        daemon.signal(signal.SIGHUP)
        self.assertIsNotNone(daemon.log.wait(
            lambda l: "event=reloaded" in l or "event=reload_refused" in l,
            start=mark))
        lines = "\n".join(daemon.log.lines[mark:])
        self.assertIn("event=reloaded", lines)
        return lines

    def grant(self, *purposes):
        """A clerk's key, for all daemons."""
        return self.a.add_client("clerk", "-".join(purposes), list(purposes))

    def ask(self, daemon, key, purpose):
        """The same from a daemon that has seen the database lately."""
        answers = [self.ask_once(daemon, key, purpose)]

        def seen():
            if answers[-1] == "store_unavailable":
                answers.append(self.ask_once(daemon, key, purpose))
            return answers[-1] != "store_unavailable"

        until(seen, KNOWN_LIMIT_S, "the database is seen")
        return answers[-1]

    def ask_once(self, daemon, key, purpose):
        """What is told of the person; else the code of the problem."""
        answer = daemon.api(key).post("/v1/verifications", {
            "code": self.code, "purpose": purpose}).json()
        return set(answer.get("holder", {})) - {"pseudonym"} or \
            answer.get("code")

    def becomes(self, daemon, key, purpose, told):
        until(lambda: self.ask(daemon, key, purpose) == told, KNOWN_LIMIT_S,
              "%s is %s" % (purpose, told))

    def taken(self, daemon):
        self.assertIsNotNone(daemon.log.wait(
            lambda l: "event=purposes_taken" in l, KNOWN_LIMIT_S))

    def sets(self):
        return self.cluster.sql("SELECT slot FROM purpose_set ORDER BY seq")


class Everywhere(Purposes):
    def test_a_purpose_that_one_reads_is_taken_at_the_other(self):
        self.reload(self.a, SECOND)
        key = self.grant("gate", "library")
        self.becomes(self.b, key, "library", {"name_masked"})
        self.assertEqual(self.ask(self.b, key, "gate"), {"name"})
        self.b.log.wait(lambda l: "event=purposes_differ" in l, KNOWN_LIMIT_S)
        self.assertEqual(self.sets(), ["0", "0"])

    def test_a_purpose_that_was_taken_away_is_refused_at_the_other(self):
        self.reload(self.a, SECOND)
        key = self.grant("gate", "library")
        narrow = self.grant("library")
        self.becomes(self.b, key, "gate", {"name"})
        self.reload(self.b, THIRD)
        self.becomes(self.a, key, "gate", "field_invalid")
        self.becomes(self.a, key, "library", {"sex"})
        # What a key was granted is known by its name, whatever its place.
        self.becomes(self.a, narrow, "library", {"sex"})
        self.reload(self.b, SECOND)
        self.becomes(self.a, key, "gate", {"name"})
        self.assertEqual(self.ask(self.a, narrow, "gate"), "purpose_forbidden")

    def test_whoever_wrote_the_same_file_everywhere_hears_nothing_more(self):
        self.reload(self.a, SECOND)
        self.reload(self.b, SECOND)
        self.assertEqual(len(self.sets()), 2)
        self.assertNotIn("purposes_differ", self.reload(self.b))
        self.b.restart()
        self.assertEqual(len(self.sets()), 2)

    def test_it_is_written_down_once_who_changed_what(self):
        self.reload(self.a, SECOND)
        key = self.grant("library")
        self.becomes(self.b, key, "library", {"name_masked"})
        self.assertEqual(self.cluster.sql(
            "SELECT subject, outcome FROM audit "
            "WHERE event = 'purpose_changed'"), ["library|in_force"])


    def test_r_one_that_was_stopped_goes_on_with_what_is_in_force_now(self):
        self.reload(self.a, SECOND)
        key = self.grant("gate", "library")
        self.becomes(self.b, key, "gate", {"name"})
        answers = set()

        def ask():
            while "field_invalid" not in answers:
                answers.add(str(self.ask_once(self.b, key, "gate")))

        crowd = [threading.Thread(target=ask) for _ in range(8)]
        self.b.signal(signal.SIGSTOP)
        try:
            self.reload(self.a, THIRD)
            for one in crowd:
                one.start()
            time.sleep(KNOWN_LIMIT_S + 1)
        finally:
            self.b.signal(signal.SIGCONT)
        for one in crowd:
            one.join(30)
        self.assertEqual(answers - {"store_unavailable"}, {"field_invalid"})


    def test_what_could_not_be_stored_is_tried_again(self):
        key = self.grant("gate")
        self.cluster.sql("ALTER TABLE purpose_set ADD CONSTRAINT full_disk "
                         "CHECK (false) NOT VALID")
        self.write(self.a, THIRD)
        mark = len(self.a.log.lines)
        self.a.signal(signal.SIGHUP)
        self.a.log.wait(lambda l: "event=reload_refused" in l, start=mark)
        self.assertEqual(self.ask(self.a, key, "gate"), {"name"})
        self.cluster.sql("ALTER TABLE purpose_set DROP CONSTRAINT full_disk")
        for daemon in self.cluster.daemons:
            self.becomes(daemon, key, "gate", "field_invalid")
        self.assertEqual(len(self.sets()), 2)


class OldFiles(Purposes):
    def test_an_old_file_turns_nothing_back_at_a_start(self):
        self.reload(self.a, SECOND)
        key = self.grant("library")
        self.becomes(self.b, key, "library", {"name_masked"})
        self.b.restart()
        self.assertIn("level=warn event=purposes_differ", self.b.log.text())
        self.assertEqual(self.ask(self.b, key, "library"), {"name_masked"})
        self.assertEqual(self.ask(self.a, key, "library"), {"name_masked"})
        self.assertEqual(len(self.sets()), 2)
        # The start tells what is in force, not what the file has.
        self.assertEqual(self.cluster.sql(
            "SELECT subject FROM audit WHERE event = 'purpose' AND seq > "
            "(SELECT max(seq) FROM audit WHERE event = 'daemon_started' AND "
            "seq > %d) AND seq > %d ORDER BY seq" % (1 << 40, 1 << 40)),
                         ["gate", "library"])

    def test_a_file_that_is_as_it_was_turns_nothing_back_at_a_reload(self):
        self.reload(self.a, SECOND)
        key = self.grant("library")
        self.becomes(self.b, key, "library", {"name_masked"})
        for _ in range(3):
            self.assertIn("event=purposes_differ", self.reload(self.b))
        self.assertEqual(self.ask(self.b, key, "library"), {"name_masked"})
        self.assertEqual(len(self.sets()), 2)

    def test_one_goes_back_by_a_reload_of_the_old_file(self):
        self.reload(self.a, SECOND)
        key = self.grant("gate", "library")
        self.becomes(self.b, key, "library", {"name_masked"})
        self.reload(self.a, FIRST)
        self.becomes(self.b, key, "library", "field_invalid")
        self.assertEqual(self.ask(self.b, key, "gate"), {"name"})
        self.assertEqual(len(self.sets()), 3)

    def test_a_file_that_was_edited_while_it_was_down_is_put_in_force(self):
        self.reload(self.a, SECOND)
        self.b.stop()
        self.write(self.b, THIRD)
        self.b.start()
        self.taken(self.a)
        key = self.grant("library")
        self.becomes(self.b, key, "library", {"sex"})
        self.assertEqual(self.ask(self.a, key, "library"), {"sex"})
        self.assertEqual(self.sets(), ["0", "0", "1"])


class Newcomers(Purposes):
    def test_a_daemon_without_a_file_takes_what_is_there(self):
        key = self.grant("gate")
        self.without_file(self.b)
        self.b.restart()
        self.assertEqual(self.ask(self.b, key, "gate"), {"name"})
        self.reload(self.a, THIRD)
        key = self.grant("library")
        self.becomes(self.b, key, "library", {"sex"})
        self.assertNotIn("purposes_differ", self.reload(self.b))
        self.assertEqual(self.ask(self.b, key, "library"), {"sex"})

    def test_built_in_ones_are_put_nowhere_by_a_start(self):
        for daemon in self.cluster.daemons:
            daemon.stop()
            self.without_file(daemon)
        self.cluster.sql("DELETE FROM purpose_set")
        for daemon in self.cluster.daemons:
            daemon.start()
        self.assertEqual(self.sets(), [])
        key = self.grant("train_ticket")
        self.becomes(self.b, key, "train_ticket", {"name", "id_number"})

    def test_what_a_later_version_has_put_there_is_passed_over(self):
        key = self.grant("gate")
        self.cluster.sql(
            "INSERT INTO purpose_set (seq, sha256, said, since_us, slot) "
            "SELECT max(seq) + 1, decode(repeat('00', 32), 'hex'), "
            "'[gate]\nattributes = shoe_size\n', 1, 9 FROM purpose_set")
        for daemon in self.cluster.daemons:
            daemon.log.wait(lambda l: "event=purposes_not_read" in l,
                            KNOWN_LIMIT_S)
            self.assertEqual(self.ask(daemon, key, "gate"), {"name"})
        self.reload(self.a, THIRD)
        key = self.grant("library")
        self.becomes(self.b, key, "library", {"sex"})
        self.assertEqual(len([l for l in self.b.log.lines
                              if "event=purposes_not_read" in l]), 1)


class AtOnce(Purposes):
    def test_two_that_change_them_at_once_come_to_the_same(self):
        key = self.grant("gate")
        rounds = 10
        for i in range(rounds):
            texts = ["[gate]\nattributes = name\nhelp = %d of %d\n" % (i, at)
                     for at in range(2)]
            crowd = [threading.Thread(target=self.reload, args=pair)
                     for pair in zip(self.cluster.daemons, texts)]
            for one in crowd:
                one.start()
            for one in crowd:
                one.join(30)
        # All were in force, one after the other.
        self.assertEqual(self.cluster.sql(
            "SELECT count(*), max(seq), count(DISTINCT sha256) "
            "FROM purpose_set"), ["%d|%d|%d" % ((2 * rounds + 1,) * 3)])
        last = int(self.cluster.sql(
            "SELECT slot FROM purpose_set ORDER BY seq DESC LIMIT 1")[0])
        loser = self.cluster.daemons[1 - last]
        loser.log.wait(lambda l: "event=purposes_taken seq=%d" % (
            2 * rounds + 1) in l, KNOWN_LIMIT_S)
        for daemon in self.cluster.daemons:
            self.assertNotIn("reload_refused", daemon.log.text())
            self.becomes(daemon, key, "gate", {"name"})


class Told(Purposes):
    def test_the_tool_prints_what_is_in_force_as_a_file(self):
        self.reload(self.a, SECOND)
        self.assertEqual(self.a.ctl("purposes").stdout, SECOND)
        self.assertEqual(self.a.ctl("purposes").stderr, "")
        printed = self.b.ctl("purposes")
        self.assertEqual(printed.stdout, SECOND)
        self.assertIn("differ", printed.stderr)
        self.reload(self.b, printed.stdout)
        self.assertEqual(self.b.ctl("purposes").stderr, "")
        self.assertEqual(len(self.sets()), 2)
        # As when the shell has emptied the file for what is to be printed.
        self.write(self.b, "")
        self.assertEqual(self.b.ctl("purposes").stdout, SECOND)

    def test_the_tool_grants_what_is_in_force_beside_an_old_file(self):
        self.reload(self.a, SECOND)
        self.taken(self.b)
        key = self.b.add_client("clerk", "late", ["library"])
        self.becomes(self.b, key, "library", {"name_masked"})


if __name__ == "__main__":
    unittest.main()
