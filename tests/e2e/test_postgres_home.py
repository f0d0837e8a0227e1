"""TLS to a server from a user whose home cannot be looked into."""

import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import run_tool
from several import postgres


class Home(unittest.TestCase):
    def setUp(self):
        self.server = postgres.Server()
        self.addCleanup(self.server.stop)
        self.folder = tempfile.mkdtemp(prefix="sid-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        pem, key = (os.path.join(self.server.data, name)
                    for name in ("server.pem", "server.key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-out", pem, "-keyout", key],
            check=True, capture_output=True)
        for path in (pem, key):
            os.chmod(path, 0o600)
            if self.server.user:
                shutil.chown(path, self.server.user)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.server.crash()
        self.server.settings[:] = [
            one for one in self.server.settings
            if not one.startswith("listen_addresses")]
        self.server.settings += [
            "listen_addresses=127.0.0.1", "port=%d" % self.port, "ssl=on",
            "ssl_cert_file=server.pem", "ssl_key_file=server.key"]
        self.server.start()

    def test_r_a_home_that_may_not_be_looked_into_is_not_asked_for_anything(
            self):
        # Root may look everywhere, but not through a circle.
        home = os.path.join(self.folder, "home")
        os.symlink(home, home)
        run_tool("init", "--dir", os.path.join(self.folder, "data"),
                 "--database",
                 "postgresql://%s@127.0.0.1:%d/postgres?sslmode=require" % (
                     self.server.role, self.port), env={"HOME": home})


if __name__ == "__main__":
    unittest.main()
