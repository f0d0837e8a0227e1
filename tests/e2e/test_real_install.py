"""make install and uninstall: what is put where, that it runs from there, and
that nothing else is touched. make help: every target is told."""

import os
import re
import subprocess
import tempfile
import unittest

from harness import BIN, MODEL_DIR, ROOT, Case, clean_environment, run_tool

HELP = ("setup all demo check check-unit check-e2e asan ubsan tsan fuzz bench "
        "lint fmt install uninstall clean").split()
PROGRAMS = {"sbin/smartidd", "bin/smartidctl"}
UNIT = "lib/systemd/system/smartidd.service"
SOCKET = "lib/systemd/system/smartidd.socket"
DOCS = {"share/doc/smartidd/" + name for name in (
    "README.md", "LICENSE", "smartidd.conf.example", "nginx.conf.example",
    "purposes.example", "wechat.example", "wechat_texts.example",
    "patroni.example")}


def files_below(folder):
    return {os.path.relpath(os.path.join(at, name), folder)
            for at, _, names in os.walk(folder) for name in names}


class Install(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sid-install-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.prefix = os.path.join(self.folder, "usr")

    def make(self, *arguments):
        # -o all: what is tested was built before.
        result = subprocess.run(
            ["make", "-s", "--no-print-directory", "-o", "all", *arguments,
             "BUILD=" + BIN, "MODEL_DIR=" + MODEL_DIR],
            cwd=ROOT, env=clean_environment(), text=True, capture_output=True,
            check=False, timeout=120, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    @staticmethod
    def expected():
        models = {"share/smartidd/models/" + name
                  for name in os.listdir(MODEL_DIR)
                  if name.endswith(".onnx") or name == "models.ini"}
        return PROGRAMS | DOCS | models | {UNIT, SOCKET}

    def test_what_is_installed_runs_from_where_it_lies(self):
        self.make("install", "PREFIX=" + self.prefix)
        self.assertEqual(files_below(self.prefix), self.expected())
        for name in self.expected():
            mode = os.stat(os.path.join(self.prefix, name)).st_mode & 0o777
            self.assertEqual(mode, 0o755 if name in PROGRAMS else 0o644, name)
        with open(os.path.join(self.prefix, UNIT), encoding="ascii") as stream:
            unit = stream.read()
        self.assertNotIn("@", re.sub(r"@[a-z-]+(?=\s)", "", unit))
        started = re.search(r"^ExecStart=(\S+)", unit, re.M).group(1)
        self.assertEqual(started, os.path.join(self.prefix, "sbin/smartidd"))
        # A face process that is ended for its memory must not end the daemon.
        self.assertIn("\nOOMPolicy=continue\n", unit)
        ctl = os.path.join(self.prefix, "bin", "smartidctl")
        config = os.path.join(self.folder, "made")
        run_tool("init", "--dir", config, "--model-dir",
                 os.path.join(self.prefix, "share/smartidd/models"), binary=ctl)
        checked = run_tool("--check-config", "-c",
                           os.path.join(config, "smartidd.conf"),
                           binary=started)
        self.assertEqual(checked.returncode, 0)

    def analyze(self, *arguments):
        """systemd-analyze; it judges files and needs no systemd that runs."""
        return subprocess.run(
            ["systemd-analyze", *arguments], text=True, capture_output=True,
            env={"PATH": os.environ["PATH"], "SYSTEMD_COLORS": "0"},
            check=False, timeout=60, stdin=subprocess.DEVNULL)

    def exposure(self, unit):
        """From 0 (shut) to 10, as systemd counts it."""
        told = self.analyze("security", "--offline=true", "--no-pager", unit)
        return float(re.search(r"exposure level for \S+: ([0-9.]+)",
                               told.stdout).group(1))

    def test_the_units_are_sound_and_shut_tight(self):
        self.make("install", "PREFIX=" + self.prefix)
        units = [os.path.join(self.prefix, name) for name in (UNIT, SOCKET)]
        told = self.analyze("verify", "--man=no", *units)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        # Source: reliability F9.
        self.assertLessEqual(self.exposure(units[0]), 1.5)
        # The controls: a mistake is told, and an open door is counted.
        with open(units[0], encoding="ascii") as stream:
            text = stream.read()
        worse = os.path.join(self.folder, "smartidd.service")
        with open(worse, "w", encoding="ascii") as stream:
            stream.write(text.replace("ProtectSystem=strict\n", "")
                         .replace("PrivateDevices=yes\n", "")
                         .replace("IPAddressDeny=any\n", "")
                         .replace("PrivateUsers=yes\n", "")
                         .replace("WatchdogSec=", "WatchDogSec="))
        self.assertGreater(self.exposure(worse), 1.5)
        self.assertIn("WatchDogSec", self.analyze("verify", "--man=no",
                                                  worse).stderr)

    def test_what_was_installed_is_removed_and_nothing_else(self):
        self.make("install", "PREFIX=" + self.prefix)
        other = os.path.join(self.prefix, "bin", "other")
        with open(other, "w", encoding="ascii"):
            pass
        self.make("uninstall", "PREFIX=" + self.prefix)
        self.assertEqual(files_below(self.prefix), {"bin/other"})
        self.make("uninstall", "PREFIX=" + self.prefix)

    def test_a_packager_installs_below_a_folder_of_their_own(self):
        stage = os.path.join(self.folder, "stage")
        self.make("install", "DESTDIR=" + stage, "PREFIX=/opt/sid")
        self.assertEqual(files_below(stage),
                         {"opt/sid/" + name for name in self.expected()})
        unit = os.path.join(stage, "opt/sid", UNIT)
        with open(unit, encoding="ascii") as stream:
            self.assertIn("ExecStart=/opt/sid/sbin/smartidd", stream.read())
        self.make("uninstall", "DESTDIR=" + stage, "PREFIX=/opt/sid")
        self.assertEqual(files_below(stage), set())

    def test_help_tells_of_every_target(self):
        told = re.findall(r"^  (\S+) ", self.make("help"), re.M)
        self.assertEqual(set(HELP) - set(told), set())


if __name__ == "__main__":
    unittest.main()
