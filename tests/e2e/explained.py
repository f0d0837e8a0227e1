"""What the tests of src/web/openapi.json and of its page share: a daemon with all
pages, and the scripts of tests/web that ask it, run by node."""

import json
import os
import shutil
import subprocess

from harness import DATA, ROOT, SLOW, Daemon, DaemonCase, clean_environment, \
    fresh_folder
from pages import FILES, folder_of

ICON = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>\n'
PAGES = ("enroll", "card", "scan", "console", "docs")


class Explained(DaemonCase):
    """One daemon for what is asked of it, with all pages."""

    @classmethod
    def setUpClass(cls):
        # What is built in is looked at as it is; what is not has a small one.
        files = {**FILES, "icon.svg": ICON, "css/tokens.css": b":root {}\n"}
        folder = folder_of({
            name: content for name, content in files.items()
            if not os.path.exists(os.path.join(ROOT, "src", "web", name))})
        cls.addClassCleanup(shutil.rmtree, folder)
        data, cls.keys = fresh_folder(keys=True)
        cls.addClassCleanup(shutil.rmtree, data)
        cls.daemon = Daemon(folder=data, settings={
            "pages.dir": folder, "pages.applicant_per_minute": 0,
            **{"pages." + page: "on" for page in PAGES}, **cls.SETTINGS})
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.set_clock(0)
        cls.daemon.env["SMARTIDD_PAGES_CLIENT"] = cls.daemon.client_id(
            "e2e app")
        cls.daemon.start()

    def run_node(self, script, limit_s, **environment):
        modules = os.environ.get("WEB_MODULES", os.path.join(DATA, "web"))
        result = subprocess.run(
            ["node", os.path.join(ROOT, "tests", "web", script)],
            env=clean_environment({
                "WEB_MODULES": modules, "API_PORT": str(self.daemon.port),
                "API_KEYS": json.dumps(self.keys),
                "API_SOCKET": self.daemon.database + ".sock",
                **environment}),
            text=True, capture_output=True, timeout=limit_s * SLOW,
            check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0,
                         "\n" + result.stdout + result.stderr)
        return result.stdout
