"""The daemon under measurement: its folder, its keys, its photos, requests."""

import http.client
import itertools
import json
import os
import subprocess
import sys
import time
import uuid

from servers import Server

WORKERS = 2
PHOTO_SIZE = "4000x3000"   # 12 megapixels, as phones make them
WAIT_S = 60


def number_of(index):
    """A valid ID number of somebody born in 1880 (GB 11643-1999), of up to
    28,000."""
    day, order = divmod(index, 1000)
    digits = "440524188001%02d%03d" % (day + 1, order)
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    total = sum(int(d) * w for d, w in zip(digits, weights))
    return digits + "10X98765432"[total % 11]


class Daemon:
    """One data folder; start() as often as is measured."""

    def __init__(self, binaries, folder):
        self.bin = os.path.abspath(binaries)
        self.folder = folder
        self.photos = os.path.join(os.environ.get("DATA", ".data"), "photos")
        self.models = os.path.abspath(
            os.environ.get("MODEL_DIR", ".data/models"))
        self.config = os.path.join(folder, "smartidd.conf")
        self.numbers = itertools.count()
        self.servers = []
        self.keys = {}
        self.files = []

    def run(self, program, *arguments):
        result = subprocess.run(
            [os.path.join(self.bin, program), *arguments], check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit("bench: %s: %s" % (program, result.stderr))
        return result.stdout.strip()

    def start(self, **settings):
        env = {"SMARTIDD_HTTP_LISTEN_PORT": "0",
               "SMARTIDD_FACE_WORKERS": str(WORKERS),
               "SMARTIDD_LIMITS_CLERK_PER_MINUTE": "0"}
        env.update(settings)
        server = Server([os.path.join(self.bin, "smartidd"), "-c",
                         self.config], env, r"event=ready.* port=(\d+)",
                        self.folder)
        self.servers.append(server)
        return server

    def prepare(self):
        self.run("smartidctl", "init", "--dir", self.folder, "--model-dir",
                 self.models)
        for role, more in (("app", []),
                           ("clerk", ["--purpose", "train_ticket"])):
            self.keys[role] = "Bearer " + self.run(
                "smartidctl", "-c", self.config, "client", "add", "--role",
                role, "--name", "bench", *more)

    def photo(self, name):
        return os.path.join(self.folder, name + ".jpg")

    def make_photos(self):
        card, selfie = self.photo("card"), self.photo("selfie")
        self.run("mkphoto", "card",
                 os.path.join(self.photos, "franck_01829.jpg"), card,
                 "--models", self.models, "--size", PHOTO_SIZE)
        self.run("mkphoto", "scale",
                 os.path.join(self.photos, "franck_04000.jpg"), selfie,
                 "--size", PHOTO_SIZE)
        for name, path in (("id_photo", card), ("selfie", selfie)):
            with open(path, "rb") as stream:
                self.files.append((name, stream.read()))

    # ---- requests ----------------------------------------------------------
    def number(self):
        """An ID number that has not been used."""
        return number_of(next(self.numbers))

    def enrolment(self, number=None):
        """Content type and body of an enrolment with a number of its own."""
        holder = {"name": "Zhang Yangben",
                  "id_number": number or self.number(),
                  "consent": {"version": "2026-01",
                              "given_at": "2026-01-05T08:00:00Z"}}
        boundary = uuid.uuid4().hex
        head = "--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n" \
            "Content-Type: %s\r\n\r\n"
        body = (head % (boundary, "holder", "", "application/json")).encode()
        body += json.dumps(holder).encode() + b"\r\n"
        for name, data in self.files:
            body += (head % (boundary, name, '; filename="%s.jpg"' % name,
                             "image/jpeg")).encode() + data + b"\r\n"
        body += ("--%s--\r\n" % boundary).encode()
        return "multipart/form-data; boundary=" + boundary, body

    def enrol(self, port, request=None):
        """Until it is taken: one over the limits is asked to come again."""
        kind, body = request or self.enrolment()
        while True:
            status, text, again_s = self.enrol_once(port, kind, body)
            if status != 503:
                break
            time.sleep(again_s)
        if status != 201:
            raise RuntimeError("enrolment: %d %s" % (status, text))
        return json.loads(text)

    def make_code(self, server):
        """The code of somebody who is enrolled for that."""
        credential = self.enrol(server.port)["credential_id"]
        return self.get(server.port,
                        "/v1/credentials/%s/code" % credential)["code"]

    def enrol_once(self, port, kind, body):
        connection = http.client.HTTPConnection("127.0.0.1", port,
                                                timeout=120)
        connection.request("POST", "/v1/enrollments", body, {
            "Authorization": self.keys["app"], "Content-Type": kind,
            "Prefer": "wait=%d" % WAIT_S})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text, int(answer.getheader("Retry-After", "0"))

    def get(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path,
                           headers={"Authorization": self.keys["app"]})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return json.loads(text)

    def check_once(self, port, code):
        """The length of the answer to a check, which must be valid."""
        body = json.dumps({"code": code, "purpose": "train_ticket"})
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/v1/verifications", body, {
            "Authorization": self.keys["clerk"],
            "Content-Type": "application/json"})
        answer = connection.getresponse().read()
        connection.close()
        if json.loads(answer).get("valid") is not True:
            raise RuntimeError("a check was not valid")
        return len(answer)
