#!/usr/bin/env python3
"""Runs the tests of the pages: the modules alone, then the three jobs in a
browser, through nginx with the configuration that is shipped, against the real
daemon with real faces. The last line is `N passed, N failed`.

Usage: run.py [--bin DIR] [--shots DIR] [--direct] [FILE...]
  FILE      in place of all that run in a browser
  --shots   folder of the screenshots (default: smartidd-pages in the folder for
            temporary files; never inside the project)
  --direct  without nginx, to see whose fault something is
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIMIT_S = 300


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.path.join(ROOT, "build"))
    parser.add_argument("--shots", default=os.path.join(
        tempfile.gettempdir(), "smartidd-pages"))
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("files", nargs="*", default=[
        "test_late.mjs", "test_chat.mjs", "test_pages.mjs"])
    return parser.parse_args()


def photo(name):
    return os.path.join(DATA, "photos", name)


def draw_card(daemon):
    """The specimen card that the resident takes a photo of."""
    card = os.path.join(daemon.folder, "card.jpg")
    run_tool("card", photo("franck_02045.jpg"), card, "--models", MODEL_DIR,
             "--name", "Zhang Yangben", "--number", "440524188001010014",
             "--fill", "0.6", "--turn", "4", binary=program("mkphoto"))
    return card


def with_pages(binary, wechat=None):
    """A daemon with all pages on, and an account of that stand-in."""
    daemon = Daemon(binary, keys=True, settings={
        "pages.card": "on", "pages.scan": "on", "pages.console": "on",
        "pages.enroll": "on", "http.trusted_proxies": "127.0.0.1/32",
        # Not the defaults: the console shows those of the daemon.
        "face.match_review": "0.34", "face.liveness_review": "0.12",
        "challenge.match_accept_without": "0.61"})
    client = daemon.client_id("e2e app")
    daemon.env["SMARTIDD_PAGES_CLIENT"] = client
    if wechat is not None:
        daemon.env["SMARTIDD_WECHAT_ACCOUNTS"] = accounts_file(
            daemon.folder, section(daemon.folder, "city", wechat,
                                   page_base=PAGES, client=client,
                                   oauth_base=wechat.base))
    return daemon.start()


def address(daemon):
    return "http://127.0.0.1:%d" % daemon.port


def world(daemon, fake, wechat, front, options):
    """What the tests need to know."""
    return {
        "origin": address(daemon) if front is None else
        "https://127.0.0.1:%d" % front.port,
        "daemon": address(daemon), "fake": address(fake),
        "fakeKeys": fake.keys, "wechat": wechat.base,
        "keys": daemon.keys, "pid": daemon.process.pid,
        "folder": daemon.folder, "card": draw_card(daemon),
        "photos": os.path.join(DATA, "photos"), "shots": options.shots,
        "chromium": shutil.which("chromium") or "chromium"}


def run(name, env):
    """One file of tests; its counts."""
    result = subprocess.run(
        ["node", os.path.join(HERE, name)], cwd=HERE, env=env, text=True,
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=LIMIT_S,
        check=False)
    sys.stdout.write(result.stdout)
    found = re.findall(r"^(\d+) passed, (\d+) failed$", result.stdout, re.M)
    good, bad = map(int, found[-1]) if found else (0, 1)
    if result.returncode != 0 and bad == 0:
        bad = 1
    return good, bad


def main():
    options = arguments()
    os.environ["E2E_BIN"] = os.path.abspath(options.bin)
    sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
    import front as front_module
    import harness
    import wechat_accounts
    from wechat_standin import Standin
    globals().update(vars(harness))
    globals().update(vars(wechat_accounts))
    globals()["Front"] = front_module.Front
    if os.path.abspath(options.shots).startswith(ROOT + os.sep):
        sys.exit("--shots: a folder outside the project")
    shutil.rmtree(options.shots, ignore_errors=True)
    os.makedirs(options.shots)
    env = dict(os.environ, WEB_MODULES=os.path.join(DATA, "web"))
    totals = [run("test_modules.mjs", env)]
    with contextlib.ExitStack() as stack:
        # Real faces; and fake ones, whose heads turn as a test wants.
        daemon = with_pages("smartidd")
        stack.callback(daemon.close)
        wechat = Standin()
        stack.callback(wechat.close)
        fake = with_pages("smartidd-fake", wechat)
        stack.callback(fake.close)
        wechat.pages = address(fake)
        front = None if options.direct else Front(daemon)
        if front is not None:
            stack.callback(front.close)
        facts = world(daemon, fake, wechat, front, options)
        env["WORLD"] = json.dumps(facts)
        totals += [run(name, env) for name in options.files]
    good, bad = (sum(each) for each in zip(*totals))
    print("screenshots: %s" % options.shots)
    print("%d passed, %d failed" % (good, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
