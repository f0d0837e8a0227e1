"""Photos for the fake face engine: solid colours as PNG files.

The fake engine (src/face/face_fake.c) reads its answers out of the colours:
red is the person (in steps of 8), green the flaw in steps of 16, blue a nonce
that makes two photos of one person different photos.
"""

import itertools
import struct
import zlib

OK, NO_FACE, MANY, TOO_SMALL, BLURRED, DARK, BRIGHT, TURNED, NOT_LIVE, \
    UNCLEAR, ABORT, SLOW, LEFT, RIGHT, UP, DOWN, TROUBLE = range(17)
TURNS = {"left": LEFT, "right": RIGHT, "up": UP, "down": DOWN}
# The kind of trouble stands where else the person does: src/face/
# face_fake_trouble.h.
OPEN, SOCKET, EXECVE, FORK, MMAP_EXEC, MPROTECT_EXEC, KILL, PTRACE, \
    READ_OTHER, UNLINK, PRCTL, IO_URING, BPF = FORBIDDEN = range(13)
HANG, SPIN, MEMORY, LIE, DAWDLE = range(16, 21)

_nonce = itertools.count(1)


def _chunk(kind, data):
    body = kind + data
    return (struct.pack(">I", len(data)) + body +
            struct.pack(">I", zlib.crc32(body)))


def png(red, green, blue, width=200, height=200, text=None, pixels=b"",
        level=1):
    """A solid PNG; text goes into a tEXt chunk (a canary, for example), pixels
    are the first ones. level: of compression."""
    row = b"\0" + bytes((red, green, blue)) * width
    first = (b"\0" + pixels + row[1:])[:len(row)]
    extra = b""
    if text is not None:
        extra = _chunk(b"tEXt", b"Comment\0" + text.encode("latin-1"))
    return (b"\x89PNG\r\n\x1a\n" +
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height,
                                        8, 2, 0, 0, 0)) +
            extra + _chunk(b"IDAT", zlib.compress(first + row * (height - 1),
                                                  level)) +
            _chunk(b"IEND", b""))


def photo(who, flaw=OK, nonce=None, **options):
    """A photo of person `who` (modulo 32) with a flaw; each call is a new
    photo, unless it is given the nonce of another one, whose flat copy it then
    is. The steps are those of src/face/face_fake.c."""
    return png(who % 32 * 8, min(flaw * 16, 255),
               next(_nonce) % 256 if nonce is None else nonce, **options)


def frames(who, steps):
    """Frames that answer a challenge as it asks."""
    return [photo(who, TURNS[step]) for step in steps]


def trouble(kind):
    """A photo that takes over the process which looks at it."""
    return photo(kind, TROUBLE)


def pair(who, id_flaw=OK, selfie_flaw=OK):
    """The photo of the card and the selfie of one person."""
    return photo(who, id_flaw), photo(who, selfie_flaw)


def huge_header(width=6000, height=5000):
    """A PNG that claims 30 million pixels and carries next to none."""
    return (b"\x89PNG\r\n\x1a\n" +
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height,
                                        8, 2, 0, 0, 0)) +
            _chunk(b"IDAT", zlib.compress(b"\0" * 64)) + _chunk(b"IEND", b""))


def random_number(rng):
    """A number of GB 11643-1999 that passes the check and belongs to nobody:
    region 99 was never given out."""
    head = "99%04d%04d%02d%02d%03d" % (
        rng.randrange(10000), rng.randrange(1940, 2000),
        rng.randrange(1, 13), rng.randrange(1, 29), rng.randrange(1000))
    total = sum(int(c) * (2 ** (17 - i) % 11) for i, c in enumerate(head))
    return head + "10X98765432"[total % 11]
