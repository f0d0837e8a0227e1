"""Flat pictures in all positions: every frontal portrait, bent and turned as a
print or a screen would be, does not pass for a head that turns."""

import os
import subprocess
import unittest

from harness import BIN, Case


class Plane(Case):
    def test_flat_pictures_do_not_pass_for_a_head(self):
        result = subprocess.run(
            [os.path.join(BIN, "unit", "photo", "test_challenge")], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env=dict(os.environ, SMARTID_SLOW="1"))
        self.assertEqual(result.returncode, 0, result.stdout[-4000:])
        for line in result.stdout.splitlines():
            if not line.startswith("["):
                print(line, flush=True)


if __name__ == "__main__":
    unittest.main()
