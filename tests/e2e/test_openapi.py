"""src/web/openapi.json is what the daemon does: its paths, methods and bodies
are those of the route table, its problem codes those of err.h with the status
that reply.c gives them, and each answer of the daemon fits it (tests/web, run
by node)."""

import json
import os
import re
import shutil
import subprocess
import tempfile

import photos
from explained import Explained
from harness import ROOT, SLOW, Daemon, clean_environment, credential_of, \
    program, run_tool
from receiver import Receiver
from test_routes import read_table

# What the daemon never says, but nginx before it does.
OF_NGINX = {"unavailable": 503}


def document():
    path = os.path.join(ROOT, "src", "web", "openapi.json")
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def source(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as stream:
        return stream.read()


def public_codes():
    """code -> status of what leaves the daemon, from its sources."""
    codes = dict(re.findall(r'X\((SID_\w+), "(\w+)"',
                            source("include", "smartid", "err.h")))
    body = source("src", "http", "reply.c")
    body = body[body.index("sid_reply_status("):body.index("/* clang-format on")]
    body = body[body.index("switch"):]
    status_of, waiting = {}, []
    for symbol, status in re.findall(r"case (SID_\w+):|return (\d+);", body):
        if symbol:
            waiting.append(symbol)
            continue
        status_of.update((one, int(status)) for one in waiting)
        waiting = []
    out = {codes[symbol]: status for symbol, status in status_of.items()
           if symbol in codes and status not in (200, 500)}
    # sid_reply_public(): what OpenSSL lacks is memory; 500 has one code.
    del out["crypto"]
    out["internal"] = 500
    return out


def resolved(whole, node):
    while "$ref" in node:
        at = whole
        for name in node["$ref"][2:].split("/"):
            at = at[name]
        node = at
    return node


def body_kind(operation):
    """As --print-routes names it."""
    body = operation.get("requestBody")
    if body is None:
        return ""
    types = set(body["content"])
    if types == {"application/json"}:
        return "JSON" if body["required"] else "JSON or none"
    if types == {"text/xml", "application/json"}:
        return "XML or JSON"
    return "multipart" if types == {"multipart/form-data"} else "multipart*"


class Document(Explained):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver("")
        cls.addClassCleanup(cls.receiver.close)
        cls.SETTINGS = {"webhook.webhook_url": cls.receiver.url,
                        "webhook.webhook_checks": "on"}
        super().setUpClass()
        cls.receiver.secret = cls.daemon.ctl("webhook",
                                             "secret").stdout.strip()

    def test_paths_methods_and_bodies_are_those_of_the_route_table(self):
        table = read_table(run_tool("--print-routes",
                                    binary=program("smartidd-fake")).stdout)
        daemon = {(row.methods[0], row.path,
                   tuple(filter(None, row.every)), tuple(filter(None, row.own)),
                   row.body) for row in table}
        told = {(method.upper(), path, tuple(one["x-roles"]["any"]),
                 tuple(one["x-roles"]["own"]), body_kind(one))
                for path, item in document()["paths"].items()
                for method, one in item.items()}
        self.assertEqual(told - daemon, set(), "not in the daemon")
        self.assertEqual(daemon - told, set(), "not in the document")

    def test_problem_codes_are_those_of_the_daemon_with_their_status(self):
        whole = document()
        codes = {**public_codes(), **OF_NGINX}
        self.assertEqual(
            set(whole["components"]["schemas"]["Problem"]["properties"]["code"]
                ["enum"]), set(codes))
        used = set()
        answers = [(status, one) for item in whole["paths"].values()
                   for operation in item.values()
                   for status, one in operation["responses"].items()]
        answers += whole["x-everywhere"].items()
        for status, one in answers:
            content = resolved(whole, one).get("content", {})
            problem = content.get("application/problem+json")
            self.assertEqual(problem is not None, int(status) >= 400)
            for code in problem["schema"]["properties"]["code"]["enum"] \
                    if problem else ():
                self.assertEqual(codes[code], int(status), code)
                used.add(code)
        self.assertEqual(used, set(codes))

    def test_every_example_is_answered_as_the_document_says(self):
        other = Daemon()
        self.addCleanup(other.close)
        key = os.path.join(other.folder, "master.key")
        for name, mode in (("good", 0o600), ("readable", 0o644)):
            path = os.path.join(other.folder, name)
            shutil.copy(key, path)
            os.chmod(path, mode)
        with open(os.path.join(other.folder, "empty"), "wb") as empty:
            os.chmod(empty.fileno(), 0o600)
        self.run_node("openapi_examples.mjs", 60, API_NEXT_KEYS=other.folder)

    def test_events_are_those_of_the_document(self):
        app = self.daemon.api(self.keys["app"])
        clerk = self.daemon.api(self.keys["clerk"])
        credential = credential_of(app.enrol(who=21))
        clerk.verify(app.code(credential)["code"], counter="12")
        for step in ("suspend", "resume"):
            app.change(credential, step)
        for who in (22, 21):
            app.recover(credential, photos.photo(who))
        app.revoke(credential)
        self.assertTrue(self.receiver.wait(lambda: any(
            event.get("credential") == credential and
            event.get("state") == "revoked"
            for event in self.receiver.taken())))
        found = self.run_node("openapi_events.mjs", 30, EVENTS=json.dumps(
            [events for _, events in self.receiver.requests]))
        self.assertEqual(set(found.split()), {
            "enrollment.decided", "credential.changed", "credential.checked",
            "credential.recovery_failed", "credential.recovered"})

    def test_no_request_has_an_answer_outside_the_document(self):
        self.run_node("openapi_property.mjs", 120,
                      RUNS="2000" if SLOW == 1 else "400")

    def test_the_quick_start_of_the_readme_works_as_it_is_written(self):
        text = source("README.md")
        text = text[text.index("<!-- quick start -->"):
                    text.index("<!-- end of quick start -->")]
        daemon = Daemon(keys=True)  # where nobody has that number
        self.addCleanup(daemon.close)
        daemon.start()
        text = text.replace("127.0.0.1:8080", "127.0.0.1:%d" % daemon.port)
        folder = tempfile.mkdtemp(prefix="sid-quick-")
        self.addCleanup(shutil.rmtree, folder)
        for name in ("card.jpg", "selfie.jpg"):
            with open(os.path.join(folder, name), "wb") as out:
                out.write(photos.photo(11))
        # Whoever runs this is the service's user, and it is not installed.
        for name, words in (
                ("sudo", 'shift 2; exec "$@"'),
                ("smartidctl", 'exec "%s" -c "%s" "$@"' % (
                    program("smartidctl"), daemon.config))):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as out:
                out.write("#!/bin/sh\n%s\n" % words)
            os.chmod(path, 0o755)
        result = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c",
             "\n".join(text.splitlines()[1:])],
            cwd=folder, text=True, capture_output=True, check=False,
            timeout=60 * SLOW, env=clean_environment(
                {"PATH": folder + ":" + os.environ["PATH"]}))
        self.assertEqual(result.returncode, 0, result.stderr)
        answer = json.loads(result.stdout)
        self.assertEqual(answer["result"], "valid")
        self.assertEqual(answer["holder"]["name"], "Zhang Yangben")
