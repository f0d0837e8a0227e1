"""An HTTP/1.1 client on a bare socket.

It can do what a polite client library cannot: send a head without its body,
pipeline, stop in the middle, and tell an interim answer from a final one.
"""

import json
import socket
import time

TIMEOUT_S = 60


class Answer:
    """One response: status, headers in lower case, body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name, default=None):
        for key, value in self.headers:
            if key == name.lower():
                return value
        return default

    def json(self):
        return json.loads(self.body)

    def code(self):
        """The `code` member of a problem document."""
        return self.json().get("code")

    def __repr__(self):
        return "<%s %r %r>" % (self.status, self.headers, self.body[:400])


class Closed(Exception):
    """The other side closed the connection before an answer was whole."""


class Connection:
    """A TCP or Unix-domain connection that reads answers one by one."""

    def __init__(self, address, timeout=TIMEOUT_S):
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(timeout)
            self.sock.connect(address)
        else:
            self.sock = socket.create_connection(address, timeout=timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def _fill(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError as error:
            raise Closed("reset") from error
        if not data:
            raise Closed("closed after %r" % self.buffer[:200])
        self.buffer += data

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _exactly(self, count):
        while len(self.buffer) < count:
            self._fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def head(self):
        """The next status line and headers, interim ones (1xx) included."""
        line = self._line()
        version, status = line.split(" ", 2)[:2]
        if not version.startswith("HTTP/1."):
            raise ValueError("not an HTTP answer: %r" % line)
        headers = []
        while True:
            line = self._line()
            if not line:
                return int(status), headers
            name, value = line.split(":", 1)
            headers.append((name.strip().lower(), value.strip()))

    def answer(self, method="GET", interim=None):
        """The next final answer. interim: a list that takes 1xx statuses."""
        while True:
            status, headers = self.head()
            if status >= 200:
                break
            if interim is not None:
                interim.append(status)
        find = dict(headers)
        if method == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"")
        if find.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while True:
                size = int(self._line().split(";")[0], 16)
                body += self._exactly(size)
                self._line()
                if size == 0:
                    return Answer(status, headers, body)
        if "content-length" in find:
            return Answer(status, headers,
                          self._exactly(int(find["content-length"])))
        body = self.buffer
        while True:
            try:
                self._fill()
            except Closed:
                return Answer(status, headers, self.buffer or body)

    def request(self, method, path, headers=None, body=None):
        """Sends one whole request and reads its answer."""
        self.send(head_bytes(method, path, headers, body) + (body or b""))
        return self.answer(method)

    def closed_by_peer(self, within_s=10):
        """True when the other side closes within that time; what it sends
        before is in buffer."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self.sock.recv(65536)
                if not data:
                    return True
                self.buffer += data
            except socket.timeout:
                return False
            except OSError:
                return True
        return False


def exchange(daemon, data, method="GET", shut=False):
    """Sends bytes as they are; the answer, or None when it is hung up
    on."""
    with daemon.connect(timeout=20) as connection:
        connection.send(data)
        if shut:
            connection.sock.shutdown(socket.SHUT_WR)
        try:
            return connection.answer(method)
        except Closed:
            return None


def head_bytes(method, path, headers=None, body=None):
    """The request line and headers, Host and Content-Length added."""
    pairs = list(headers.items() if isinstance(headers, dict)
                 else headers or [])
    names = [name.lower() for name, _ in pairs]
    if "host" not in names:
        pairs.insert(0, ("Host", "localhost"))
    if body is not None and "content-length" not in names and \
            "transfer-encoding" not in names:
        pairs.append(("Content-Length", str(len(body))))
    lines = ["%s %s HTTP/1.1" % (method, path)]
    lines += ["%s: %s" % pair for pair in pairs]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def multipart(parts, boundary="----smartid-e2e-7c1f0a"):
    """parts: (name, content type or None, bytes[, filename]). Returns the
    content type and the body."""
    out = b""
    for part in parts:
        name, kind, data = part[:3]
        filename = part[3] if len(part) > 3 else None
        out += b"--" + boundary.encode() + b"\r\n"
        out += ('Content-Disposition: form-data; name="%s"' % name).encode()
        if filename is not None:
            out += ('; filename="%s"' % filename).encode()
        out += b"\r\n"
        if kind is not None:
            out += ("Content-Type: %s\r\n" % kind).encode()
        out += b"\r\n" + data + b"\r\n"
    out += b"--" + boundary.encode() + b"--\r\n"
    return "multipart/form-data; boundary=" + boundary, out
