"""10,000 checks that begin after a suspension was answered, 0 of which pass."""

import unittest

from harness import DaemonCase
from suspending import CHECKERS, Race

CHECKS = 10000
ROUNDS = 250


class Suspended(DaemonCase):
    def test_10000_checks_race_250_suspensions(self):
        _, credential = self.approved(who=1)
        race = Race(self, credential, self.app.code(credential)["code"])
        race.run(ROUNDS, CHECKS // ROUNDS // CHECKERS)
        print("%d suspensions: of %d checks that began after one was answered "
              "%d passed; %d beside them" % (ROUNDS, race.after, race.late,
                                             race.beside))
        self.assertGreaterEqual(race.after, CHECKS)
        self.assertEqual(race.late, 0)


if __name__ == "__main__":
    unittest.main()
