"""wechat-driver as a process: the client and the channel, worked from outside
(see tests/tools/wechat_driver.c). Beside it the account's files, as the daemon
would read them."""

import json
import os
import shutil
import subprocess
import tempfile
import threading

from harness import SANITIZER, SLOW, clean_environment, program

ANSWER_LIMIT_S = 20 * SLOW


class Driver:
    """One process with one account per stand-in."""

    def __init__(self, *standins, previous_key=None, mode="secure", env=None,
                 **figures):
        self.folder = tempfile.mkdtemp(prefix="sid-wechat-")
        self.standins = standins
        self.answers = {}
        self.stopped = False
        self.changed = threading.Condition()
        self.next_id = 0
        path = os.path.join(self.folder, "accounts.conf")
        with open(path, "w", encoding="utf-8") as out:
            for number, standin in enumerate(standins):
                out.write(self.section("a%d" % number, standin, mode,
                                       previous_key))
        self.process = subprocess.Popen(
            [program("wechat-driver"), path] +
            ["%s=%d" % item for item in figures.items()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=clean_environment(env))
        self.log = []
        self.readers = [threading.Thread(target=self.read_answers),
                        threading.Thread(target=self.read_log)]
        for reader in self.readers:
            reader.start()

    # ---- files ------------------------------------------------------------
    def secret(self, name, text):
        path = os.path.join(self.folder, name)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600),
                       "w") as out:
            out.write(text + "\n")
        return path

    def section(self, name, standin, mode, previous_key):
        account = standin.account
        lines = ["[wechat.%s]" % name, "app_id = " + account.app_id,
                 "app_secret_file = " +
                 self.secret(name + ".secret", account.secret),
                 "token_file = " + self.secret(name + ".token", account.token),
                 "mode = " + mode, "api_base = " + standin.base,
                 "client = cli_" + "a" * 26]
        if mode != "plain":
            lines.append("aes_key_file = " +
                         self.secret(name + ".key", account.aes_key))
        if previous_key:
            lines.append("aes_key_previous_file = " +
                         self.secret(name + ".old", previous_key))
        return "\n".join(lines) + "\n"

    # ---- lines ------------------------------------------------------------
    def read_answers(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            with self.changed:
                if answer.get("stopped"):
                    self.stopped = True
                else:
                    self.answers[answer["id"]] = answer
                self.changed.notify_all()

    def read_log(self):
        for line in self.process.stderr:
            with self.changed:
                self.log.append(line.decode("utf-8", "replace"))
                self.changed.notify_all()

    def begin(self, what, **fields):
        """Sends a command; returns its id."""
        self.next_id += 1
        line = json.dumps(dict(fields, do=what, id=self.next_id))
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.next_id

    def end(self, number):
        """The answer to a command."""
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.answers,
                                         ANSWER_LIMIT_S):
                raise AssertionError("no answer to %d:\n%s" % (
                    number, "".join(self.log[-20:])))
            return self.answers[number]

    def do(self, what, **fields):
        return self.end(self.begin(what, **fields))

    def shift(self, seconds):
        """Moves the client's clock forward."""
        self.begin("shift", seconds=seconds)

    def logged(self, word):
        """Waits for a line of the log with this word in it."""
        with self.changed:
            return self.changed.wait_for(
                lambda: any(word in line for line in self.log),
                ANSWER_LIMIT_S)

    # ---- the end ----------------------------------------------------------
    def stop(self):
        """Ends the input; checks how the process ended."""
        if self.process.poll() is None:
            self.process.stdin.close()
        code = self.process.wait(ANSWER_LIMIT_S)
        for reader in self.readers:
            reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        log = "".join(self.log)
        if code != 0 or not self.stopped or SANITIZER.search(log):
            raise AssertionError("ended with %d:\n%s" % (code, log[-6000:]))
        return log

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
