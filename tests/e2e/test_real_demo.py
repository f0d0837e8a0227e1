"""make demo: the story ends well, leaves nothing behind, and with KEEP=1 what it
prints to play with works, until Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from harness import BIN, DATA, MODEL_DIR, ROOT, SLOW, Case, clean_environment

SCRIPT = os.path.join(ROOT, "tests", "demo", "demo.sh")
CHAT = os.path.join(ROOT, "tests", "demo", "demo_wechat.py")


def take_interrupts():
    """A terminal's Ctrl-C reaches what it runs; who starts a test in the
    background may have had it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Demo(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sid-demo-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.env = clean_environment({"DATA": DATA, "MODEL_DIR": MODEL_DIR,
                                      "TMPDIR": self.folder})

    def demo(self, *arguments):
        result = subprocess.run(
            ["bash", SCRIPT, "--bin", BIN, *arguments], env=self.env,
            text=True, capture_output=True, check=False, cwd=ROOT,
            timeout=300 * SLOW, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0,
                         result.stdout[-3000:] + result.stderr)
        return result.stdout

    @staticmethod
    def runs(pid):
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii") as stream:
                return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def gone(self, pid):
        end = time.monotonic() + 60 * SLOW
        while self.runs(pid):
            self.assertLess(time.monotonic(), end, "%d still runs" % pid)
            time.sleep(0.05)

    def test_the_story_is_told_and_nothing_is_left(self):
        text = self.demo()
        self.assertIn("The story is told", text)
        for pid in re.findall(r"\(process (\d+)\)", text):
            self.assertFalse(self.runs(int(pid)))
        self.assertEqual(os.listdir(self.folder), [])
        # The card shows who is enrolled.
        drawn = re.search(r"mkphoto card .*--name '(.+)' --number (\w+)",
                          text)
        self.assertIn("name: " + drawn.group(1), text)
        self.assertIn("id_number: " + drawn.group(2), text)
        # What is shown can be typed: a picture goes into a file.
        for kind, name in (("svg+xml", "code.svg"), ("png", "code.png")):
            self.assertRegex(text, r"curl .*image/%s.* -o %s\n" % (
                re.escape(kind), re.escape(name)))
        self.assertIn("go away with the demo", text)

    def test_the_story_in_a_chat_is_told_and_nothing_is_left(self):
        result = subprocess.run(
            [sys.executable, CHAT, "--bin", BIN], env=self.env, text=True,
            capture_output=True, check=False, cwd=ROOT, timeout=300 * SLOW,
            stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0,
                         result.stdout[-3000:] + result.stderr)
        self.assertIn("The story is told", result.stdout)
        for pid in re.findall(r"\(process (\d+)\)", result.stdout):
            self.assertFalse(self.runs(int(pid)))
        self.assertEqual(os.listdir(self.folder), [])

    def test_kept_it_goes_on_until_ctrl_c_and_its_commands_and_pages_work(self):
        demo = subprocess.Popen(
            ["bash", SCRIPT, "--bin", BIN, "--keep"], env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
            stdin=subprocess.DEVNULL, preexec_fn=take_interrupts)
        self.addCleanup(demo.stdout.close)
        self.addCleanup(self.end, demo)
        text = self.told(demo)
        pid = int(re.search(r"The daemon goes on \(process (\d+)", text)
                  .group(1))
        others = [int(p) for p in re.findall(r"\(process (\d+)\)", text)]
        self.assertEqual([p for p in others if self.runs(p)], [pid])
        self.pages(text)
        commands = text.split("To play with it:")[1].split("Ctrl-C")[0]
        out = self.shell(commands)
        documents = [json.loads(line) for line in out.splitlines()
                     if line.startswith("{")]
        by_member = {name: d for d in documents for name in d}
        self.assertRegex(by_member["code"]["code"], "^SID1:")
        self.assertTrue(by_member["valid"]["valid"])
        self.assertEqual(by_member["state"]["state"], "approved",
                         by_member["state"])
        self.assertIn("smartidd_", out)
        demo.send_signal(signal.SIGINT)
        demo.wait(60 * SLOW)
        self.gone(pid)
        self.assertEqual(os.listdir(self.folder), [])

    def told(self, demo):
        """All that is printed until it waits."""
        text = ""
        for line in demo.stdout:
            text += line
            if line.startswith("Ctrl-C ends it"):
                return text
        self.fail(text[-3000:])

    def pages(self, text):
        """The addresses answer, and the keys open what they are told for."""
        keys = re.findall(r"^ +(sidk_\w+)$", text, re.M)
        addresses = re.findall(r" (http://[0-9.:]+/\w+)$", text, re.M)
        self.assertEqual([a.rsplit("/", 1)[1] for a in addresses],
                         ["enroll", "scan", "console"])
        for address in addresses:
            with urllib.request.urlopen(address) as answer:
                self.assertEqual(answer.status, 200)
        roles = []
        for key in keys:
            request = urllib.request.Request(
                addresses[0].replace("/enroll", "/v1/sessions"),
                json.dumps({"key": key}).encode(),
                {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as answer:
                roles.append(json.load(answer)["role"])
        self.assertEqual(roles, ["clerk", "officer", "admin"])

    def end(self, demo):
        if demo.poll() is None:
            demo.terminate()
            demo.wait(60 * SLOW)

    def shell(self, commands):
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], env=self.env,
            text=True, capture_output=True, check=False, cwd=self.folder,
            timeout=120 * SLOW, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout


if __name__ == "__main__":
    unittest.main()
