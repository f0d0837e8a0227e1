"""nginx before a daemon, with the configuration that is shipped: only its
addresses, certificate and files are a test's."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from harness import DATA, ROOT, SLOW
from http_raw import Connection

EXAMPLE = os.path.join(ROOT, "config", "nginx.conf.example")
FRAME = """daemon off;
master_process off;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    include %(folder)s/smartidd.conf;
}
"""


def with_tls(sock):
    """Whatever the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


class TlsConnection(Connection):
    def __init__(self, port, timeout=60 * SLOW):
        super().__init__(("127.0.0.1", port), timeout)
        self.sock = with_tls(self.sock)


def several_upstreams(ports):
    """What README has for several daemons, with a test's addresses: upstreams
    that take the place of the example's, and a line beside
    proxy_http_version."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as stream:
        text = stream.read()
    block = re.search(r"### Several daemons.*?```nginx\n(.*?)```", text,
                      re.DOTALL).group(1)
    for i, port in enumerate(ports):
        block = block.replace("10.0.0.%d:8080" % (i + 1),
                              "127.0.0.1:%d" % port)
    line = re.search(r"`(proxy_next_upstream [^`]*;)`", text).group(1)
    return block, line


class Front:
    def __init__(self, daemon, several=()):
        """several: all daemons that stand behind it."""
        self.folder = tempfile.mkdtemp(prefix="sid-nginx-")
        self.port = self.free_port()
        self.process = None
        try:
            self.write(daemon.port, [one.port for one in several])
            self.start()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def write(self, behind, several=()):
        with open(EXAMPLE, encoding="utf-8") as stream:
            text = stream.read()
        if several:
            block, line = several_upstreams(several)
            text = re.sub(r"upstream smartidd \{.*?\n\}\n",
                          lambda _: "upstream smartidd {\n    server "
                          "127.0.0.1:8080;\n}\n", text, flags=re.DOTALL)
            text = text.replace("proxy_http_version 1.1;",
                                "proxy_http_version 1.1;\n    " + line)
        pem, key = (os.path.join(self.folder, name)
                    for name in ("cert.pem", "cert.key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=smartid.example", "-out", pem, "-keyout", key],
            check=True, capture_output=True)
        for pattern, put in (
                (r"listen \[::\]:443 ssl http2;", ""),
                (r"listen 443 ssl", "listen 127.0.0.1:%d ssl" % self.port),
                (r"/etc/ssl/smartid\.example\.pem", pem),
                (r"/etc/ssl/private/smartid\.example\.key", key),
                (r"server 127\.0\.0\.1:8080;",
                 "server 127.0.0.1:%d;" % behind)):
            text, count = re.subn(pattern, put, text)
            assert count == 1, pattern
        if several:
            text = text.replace("upstream smartidd {\n    server 127.0.0.1:%d;"
                                "\n}\n" % behind, block)
            assert "smartidd_wechat" in text
        with open(os.path.join(self.folder, "smartidd.conf"), "w",
                  encoding="utf-8") as out:
            out.write(text)
        with open(os.path.join(self.folder, "nginx.conf"), "w",
                  encoding="utf-8") as out:
            out.write(FRAME % {"folder": self.folder})

    def start(self):
        path = os.pathsep.join([os.environ["PATH"], "/usr/sbin",
                                os.path.join(DATA, "tools")])
        program = shutil.which("nginx", path=path)
        if program is None:
            raise AssertionError("there is no nginx: run make setup-check")
        self.process = subprocess.Popen(
            [program, "-c", os.path.join(self.folder, "nginx.conf"),
             "-p", self.folder], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30 * SLOW
        while True:
            try:
                self.connect().close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise AssertionError("nginx: " + self.errors()) from None
                time.sleep(0.02)

    def errors(self):
        try:
            with open(os.path.join(self.folder, "error.log"),
                      encoding="utf-8") as stream:
                return stream.read()[-2000:]
        except OSError:
            return "it does not start"

    def connect(self, timeout=60):
        return TlsConnection(self.port, timeout * SLOW)

    def close(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
