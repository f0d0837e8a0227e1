"""One event is one line: whatever a client or a settings file puts into the
fields that a line could show (reliability F3). Values alone: test_log.c."""

import re
import signal
import unittest

import photos
from harness import Case, Daemon, form, holder, threads
from http_raw import Closed, head_bytes, multipart

LINE = re.compile(
    r'ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z'
    r' level=(debug|info|warn|error) event=([a-z_]+)'
    r'( [a-z_]+=([^\s"=\\\x00-\x1f\x7f-\xff]+|"([^"\\\x00-\x1f\x7f]|\\.)*"))*')
FORGED = "ts=2001-01-01T00:00:00.000Z level=info event=forged x=1"
FORMS = [
    "\r\n%s", "\n%s", "\r%s", "\n\n%s\n", "\0%s", "\x1b[2K%s", "\x0b%s",
    "\x0c%s", "\x85%s", "\u2028%s", "\u2029%s", "\xc0\x8a%s", "%%0d%%0a%s",
    "%%0a%s", "%%00%s", "\" %s \"", "\\\" %s", "\\%s", "\\n%s", "'%s'",
    " %s", "\t%s", "=%s", "\" event=forged x=\"%s", "%%n%%s%s",
    "\xff\xfe%s", "\ud800%s", "\u202e%s", "\ufeff%s", "${jndi:%s}",
    "{\"event\":\"forged\",\"x\":\"%s\"}", "\b\b\b\b%s", "\x07%s",
    "\x9b31m%s", "a" * 127 + "%s", "a" * 900 + "\n%s", "a" * 3000 + "%s",
    "a" * 20000 + "\n%s", "王\n%s", "%s"]
PAYLOADS = [form % (text * times) for form in FORMS
            for text in (FORGED, FORGED.replace(" ", "_"))
            for times in (1, 3)] + [chr(c) * n for c in range(32)
                                    for n in (1, 50)]


class Lines(Case):
    @classmethod
    def setUpClass(cls):
        # Half a head is waited for.
        cls.daemon = Daemon(settings={"log.log_level": "debug",
                                      "http.idle_timeout_s": 1})
        cls.addClassCleanup(cls.daemon.close)
        cls.keys = {role: cls.daemon.add_client(role)
                    for role in ("app", "clerk")}
        cls.daemon.start()

    def requests(self, payload):
        """One for each field, as bytes."""
        raw = payload.encode("utf-8", "surrogatepass")
        clerk = b"Authorization: Bearer " + self.keys["clerk"].encode()
        base = [b"Host: x", b"Content-Type: application/json", clerk]

        def post(lines, body=b"{}"):
            return b"\r\n".join([
                b"POST /v1/verifications HTTP/1.1", *lines,
                b"Content-Length: %d" % len(body), b"", b""]) + body

        yield b"GET /" + raw + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        yield b"GET /healthz?" + raw + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        yield raw + b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        yield b"GET /healthz HTTP/" + raw + b"\r\nHost: x\r\n\r\n"
        for name in (b"X-Request-Id", b"User-Agent", b"Host", b"Accept",
                     b"X-Forwarded-For"):
            yield post([name + b": " + raw, *base])
        yield post([b"X" + raw + b": 1", *base])
        yield post([b"Authorization: Bearer " + raw, *base[:2]])
        yield post([b"Authorization: " + raw, *base[:2]])
        for body in (b'{"code":"' + raw + b'","purpose":"train_ticket"}',
                     b'{"' + raw + b'":1}', raw):
            yield post(base, body)
        part = (raw.decode("latin-1"), "text/plain", raw, "x")
        kind, body = multipart([part, *form(holder(), *photos.pair(1))])
        yield head_bytes("POST", "/v1/enrollments", {
            "Content-Type": kind,
            "Authorization": "Bearer " + self.keys["app"]}, body) + body

    def send(self, data):
        with self.daemon.connect() as connection:
            try:
                connection.send(data)
                connection.answer()
            except (Closed, OSError, ValueError):
                pass

    def assert_lines(self):
        lines = self.daemon.log.text().split("\n")
        for line in lines:
            found = LINE.fullmatch(line)
            self.assertIsNotNone(found, line)
            self.assertNotEqual(found[2], "forged", line)
        return lines

    def test_no_request_writes_a_line_of_its_own(self):
        self.assertGreaterEqual(len(PAYLOADS), 200)
        sent = [data for payload in PAYLOADS for data in
                self.requests(payload)]
        share = 16
        threads(share, lambda i: [self.send(data) for data in sent[i::share]])
        lines = self.assert_lines()
        answered = [l for l in lines if " event=request " in l]
        self.assertGreater(len(answered), len(sent) // 3)
        # What was sent is in none of them: only a clean id is shown.
        for line in lines:
            self.assertNotIn("2001-01-01", line)

    def test_no_settings_file_writes_a_line_of_its_own(self):
        """Why a reload was refused says what stands in the file."""
        with open(self.daemon.config, "rb") as stream:
            good = stream.read()
        refused = 0
        for payload in PAYLOADS[:160:2]:
            raw = payload.encode("utf-8", "surrogatepass")[:4000]
            for line in (b"[log]\nlog_level = " + raw, b"[log]\n" + raw +
                         b" = 1", b"[" + raw + b"]\nx = 1"):
                with open(self.daemon.config, "wb") as stream:
                    stream.write(good + b"\n" + line + b"\n")
                begin = len(self.daemon.log.lines)
                self.daemon.signal(signal.SIGHUP)
                end = self.daemon.log.wait(
                    lambda l: " event=reload" in l, start=begin)
                self.assertIsNotNone(end, line)
                refused += " event=reload_refused " in end
        with open(self.daemon.config, "wb") as stream:
            stream.write(good)
        self.assert_lines()
        self.assertGreater(refused, 200)


if __name__ == "__main__":
    unittest.main()
