"""Requests at the edges of HTTP: more than 300, each malformed in one way or
with two readings. Source: RFC 9110, RFC 9112, and what request smuggling has
used (reliability.md, section 0 finding 6 and row C1)."""

import json

BODY = json.dumps({"code": "SID1:", "purpose": "train_ticket"}).encode()
# In a body, where only somebody who has lost the thread takes it for a request.
HIDDEN = b"GET /healthz?hidden HTTP/1.1\r\nHost: x\r\n\r\n"
PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-"


def get(target=b"/healthz", lines=(b"Host: x",), version=b"HTTP/1.1",
        method=b"GET"):
    return b"%s %s %s\r\n%s\r\n\r\n" % (method, target, version,
                                        b"\r\n".join(lines))


def check(key, *lines, body=BODY):
    """A verification, whole but for its lengths, which are among the lines."""
    return get(b"/v1/verifications", (
        b"Host: x", b"Authorization: Bearer " + key.encode(),
        b"Content-Type: application/json") + lines, method=b"POST") + body


def targets():
    for byte in range(256):
        if byte not in PLAIN and byte not in b"?\r\n":
            yield "byte %02x in the path" % byte, \
                get(b"/healthz/" + bytes([byte]))
    for target in (b"/%68ealthz", b"/healthz%00", b"/healthz%2f", b"/%",
                   b"/%zz", b"/v1/%2e%2e/healthz", b"/v1/../healthz",
                   b"/./healthz", b"//healthz", b"/healthz/", b"healthz", b"*",
                   b"", b"/healthz#x", b"\\healthz", b"/healthz;x=1",
                   b"http://x/v1/nothing", b"x:80", b"/" + b"a" * 9000):
        yield "target %r" % target[:20], get(target)


def lines():
    for byte in [*range(1, 9), 11, 12, *range(14, 32), 127]:
        yield "control byte %02x in a value" % byte, \
            get(lines=(b"Host: x", b"X-A: a" + bytes([byte]) + b"b"))
    for byte in b" \t\"(),/;<=>?@[\\]{}\x01\x7f\x80\xff":
        yield "byte %02x in a name" % byte, \
            get(lines=(b"Host: x", b"X" + bytes([byte]) + b"A: b"))
    for name, given in (
            ("a line without a colon", (b"Host: x", b"X-A")),
            ("a line without a name", (b"Host: x", b": b")),
            ("a blank before the colon", (b"Host : x",)),
            ("a blank before a name", (b"Host: x", b" X-A: b")),
            ("a folded line", (b"Host: x", b"X-A: b", b"\tc")),
            ("a NUL in a value", (b"Host: x", b"X-A: b\0c")),
            ("a NUL in a name", (b"Host: x", b"X\0A: b")),
            ("no Host", (b"X-A: b",)),
            ("two Hosts", (b"Host: x", b"Host: x")),
            ("two different Hosts", (b"Host: x", b"Host: y")),
            ("a value of 40 KB", (b"Host: x", b"X-A: " + b"b" * 40000)),
            ("10,000 lines", (b"Host: x", *[b"A: b"] * 10000)),
            ("a bare CR", (b"Host: x", b"X-A: b\rX-B: c"))):
        yield name, get(lines=given)
    yield "a bare LF after a line", b"GET /healthz HTTP/1.1\nHost: x\r\n\r\n"
    yield "bare LFs only", b"GET /healthz HTTP/1.1\nHost: x\n\n"
    yield "a bare LF hides a line", get(lines=(b"Host: x", b"A: b\nC: d"))


def first_lines():
    for version in (b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.",
                    b"HTTP/11", b"http/1.1", b"HTTP/1.1 ", b"HTTP/1.1x",
                    b"HTTPS/1.1", b"", b"HTTP/-1.1"):
        yield "version %r" % version, get(version=version)
    for method in (b"get", b"PUT", b"PATCH", b"OPTIONS", b"TRACE", b"POST",
                   b"CONNECT", b"FOO", b"G\0T", b"GET\t", b"G" * 9000,
                   b"DELETE", b"(GET)", b"GE\x80T"):
        yield "method %r" % method[:9], get(method=method)
    yield "two blanks", b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "two blanks more", b"GET /healthz  HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "a tab for a blank", b"GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n"


def lengths(key):
    size = b"%d" % len(BODY)
    whole = b"Content-Length: " + size
    for value in (b"+" + size, b"-1", b"0x" + b"%x" % len(BODY), b"", b" ",
                  size + b"," + size, size + b" " + size, b"1e1", b"5.0",
                  b"\xd9\xa3", size + b"\x0b", size + b"x", b"9" * 30,
                  b"18446744073709551616", b"-" + size, b'"' + size + b'"'):
        yield "length %r" % value[:12], check(
            key, b"Content-Length: " + value)
    for name, given in (
            ("the same length twice", (whole, whole)),
            ("two lengths", (whole, b"Content-Length: 0")),
            ("two lengths more", (b"Content-Length: 0", whole)),
            ("a length with a blank before the colon",
             (b"Content-Length : " + size,))):
        yield name, check(key, *given)
    yield "no length", check(key, body=b"")
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    for coding in (b"chunked", b"Chunked", b"CHUNKED", b"gzip", b"identity",
                   b"gzip, chunked", b"chunked, gzip", b"chunked, chunked",
                   b"xchunked", b"chunked\x0b", b"\x0bchunked", b'"chunked"',
                   b"chunked;q=1", b"", b"trailers"):
        yield "coding %r" % coding, check(
            key, b"Transfer-Encoding: " + coding, body=chunks)
        yield "coding %r and a length" % coding, check(
            key, b"Transfer-Encoding: " + coding,
            b"Content-Length: %d" % (len(chunks) + len(HIDDEN)),
            body=chunks + HIDDEN)
        yield "coding %r and a short length" % coding, check(
            key, b"Content-Length: 4", b"Transfer-Encoding: " + coding,
            body=chunks + HIDDEN)
    for name, given in (
            ("two codings", (b"Transfer-Encoding: chunked",) * 2),
            ("a coding with a blank before the colon",
             (b"Transfer-Encoding : chunked",)),
            ("a folded coding", (b"Transfer-Encoding:", b" chunked"))):
        yield name, check(key, *given, body=chunks)
    yield "a coding of HTTP/1.0", check(
        key, b"Transfer-Encoding: chunked", body=chunks).replace(
            b"HTTP/1.1", b"HTTP/1.0", 1)


def all_edges(key):
    """Pairs of a name and the bytes of one request."""
    return [*targets(), *lines(), *first_lines(), *lengths(key)]
