"""A stand-in for the app's backend: takes what the daemon sends, checks its
signature, and answers as it is told."""

import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading


def make_certificate(path):
    """For localhost, signed by itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "30", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", path, "-out",
         path + ".crt"], check=True, stderr=subprocess.DEVNULL)
    with open(path, "a", encoding="ascii") as both, \
            open(path + ".crt", encoding="ascii") as certificate:
        both.write(certificate.read())
    return path


class Receiver:
    """answer: the status of the next answers, or a function of the events.
    certificate: a file with it and its key; then it speaks TLS."""

    def __init__(self, secret, answer=204, certificate=None):
        self.secret = secret
        self.answer = answer
        self.requests = []  # lists of events
        self.forged = 0
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                status = receiver.take(self.headers, body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket,
                                                     server_side=True)
        self.url = "%s://localhost:%d/hooks" % (
            "http" if certificate is None else "https",
            self.server.server_port)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def is_signed(self, headers, body):
        given = dict(part.split("=", 1) for part in
                     headers.get("Smartid-Signature", "").split(","))
        mac = hmac.new(self.secret.encode(), given["t"].encode() + b"." + body,
                       hashlib.sha256)
        return hmac.compare_digest(mac.hexdigest(), given["v1"])

    def take(self, headers, body):
        events = json.loads(body)["events"]
        with self.changed:
            if not self.is_signed(headers, body):
                self.forged += 1
                return 401
            status = self.answer(events) if callable(self.answer) \
                else self.answer
            self.requests.append((status, events))
            self.changed.notify_all()
            return status

    def taken(self):
        return [event for status, events in self.requests if status < 300
                for event in events]

    def wait(self, condition, limit_s=30):
        """Until the condition holds; what it says."""
        with self.changed:
            self.changed.wait_for(condition, limit_s)
            return condition()
