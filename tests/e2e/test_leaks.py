"""Nothing leaks: 1,000 requests with marks in every field, over every way and
every refusal; then no mark is in the log, in a file, in an answer that refuses
or in the memory of the process at rest (reliability F1).

LEAK_REQUESTS is the number of requests (default 1,000)."""

import os
import random
import re
import time
import unittest

from flood import Flood
from harness import ROOT, SEED, SLOW, Case, DaemonCase
from marks import Marks, memory, new_files

REQUESTS = int(os.environ.get("LEAK_REQUESTS", "1000"))
# In README's table, and nothing that a request alone can bring about.
NOT_PROVOKED = {"no_memory", "store_unavailable", "stopping", "exists",
                "challenge_required", "unavailable", "credential_expired"}
# Reliability F1. The daemon ends idle connections later than that.
REST_S = 5


def codes_of_readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as stream:
        table = re.search(r"\| status \| code \|\n(.*?)\n\n", stream.read(),
                          re.DOTALL)[1]
    return set(re.findall(r"`([a-z_]+)`", table))


class LeakedNothing(Case):
    @classmethod
    def setUpClass(cls):
        cls.flood = Flood(random.Random(SEED))
        cls.addClassCleanup(cls.flood.daemon.close)
        cls.flood.run(REQUESTS)
        cls.pid = cls.flood.daemon.process.pid
        end = time.monotonic() + REST_S
        cls.open_files = list(cls.read_descriptors()) \
            if os.geteuid() == 0 else []
        cls.files = list(cls.read_files())
        time.sleep(max(0, end - time.monotonic()))
        cls.memory = cls.read_memory() if SLOW == 1.0 else None
        cls.flood.daemon.stop()

    @classmethod
    def read_descriptors(cls):
        folder = "/proc/%d/fd" % cls.pid
        for number in os.listdir(folder):
            try:
                yield os.readlink(os.path.join(folder, number))
            except FileNotFoundError:  # closed since: a connection's end
                pass

    @classmethod
    def read_files(cls):
        for folder, _, names in os.walk(cls.flood.daemon.folder):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):  # and no socket
                    with open(path, "rb") as stream:
                        yield name, stream.read()

    @classmethod
    def read_memory(cls):
        """None when this user may not look into it, as it should be."""
        try:
            return list(memory(cls.pid))
        except PermissionError:
            if os.geteuid() == 0:
                raise
            return None

    def log(self):
        logs = [log.text() for log in self.flood.daemon.all_logs]
        return "\n".join(logs).encode()

    def test_every_refusal_that_readme_lists_was_provoked(self):
        self.assertGreaterEqual(self.flood.sent, REQUESTS)
        self.assertEqual(self.flood.codes, codes_of_readme() - NOT_PROVOKED)

    def test_no_mark_is_in_the_log(self):
        self.assertEqual(self.flood.marks.find(self.log()), set())

    def test_no_mark_is_in_a_file_in_clear(self):
        self.assertIn("smartidd.db-wal", dict(self.files))
        for name, content in self.files:
            self.assertEqual(self.flood.marks.find(content), set(), name)

    def test_nothing_is_written_to_folders_for_temporary_files(self):
        self.assertEqual(os.listdir(self.flood.temp), [])
        for name in self.open_files:
            if not name.startswith("/memfd:"):  # memory, in no folder
                self.assertNotIn("(deleted)", name)
        for path, content in new_files(self.flood.began_s):
            self.assertEqual(self.flood.marks.find(content), set(), path)

    def test_no_refusal_repeats_what_was_sent(self):
        self.assertGreater(len(self.flood.errors), REQUESTS // 4)
        for answer in self.flood.errors:
            shown = answer.body + repr(answer.headers).encode()
            self.assertEqual(self.flood.marks.find(shown), set(), answer)

    def test_no_mark_is_in_memory_at_rest(self):
        for name, content in self.memory or []:
            self.assertEqual(self.flood.marks.find(content), set(), name)

    def test_what_is_kept_by_design_is_found_by_the_same_search(self):
        def finds(content):
            return self.flood.marks.passing.encode() in content
        self.assertTrue(finds(self.log()))
        self.assertTrue(any(finds(content) for _, content in self.files))
        if self.memory is not None:
            self.assertTrue(any(finds(content)
                                for _, content in self.memory))


class Closed(DaemonCase):
    """libmicrohttpd wipes a head when its connection goes on, not when it
    ends: the head of the last request stayed in the heap."""

    SETTINGS = {"http.idle_timeout_s": "1"}

    def wait_until_alone(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if b"smartidd_http_connections 1\n" in self.daemon.request(
                    "GET", "/metrics").body:
                return
            time.sleep(0.1)
        self.fail("connections stay open")

    def test_the_head_of_a_closed_connection_is_not_in_memory(self):
        marks = Marks()
        opened = [self.daemon.connect() for _ in range(60)]
        for number, connection in enumerate(opened):
            line = ("Connection: close", "X-A: " + marks.text,
                    "rubbish")[number % 3]
            connection.send(("GET /v1/x?%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" %
                             (marks.text, line)).encode())
            self.assertGreaterEqual(connection.answer().status, 400)
        for connection in opened:
            connection.close()
        self.wait_until_alone()
        try:
            places = list(memory(self.daemon.process.pid))
        except PermissionError:  # as it should be for this user
            return
        if SLOW == 1.0:  # sanitizers keep what is freed on purpose
            for name, content in places:
                self.assertFalse(marks.text.encode() in content, name)


if __name__ == "__main__":
    unittest.main()
