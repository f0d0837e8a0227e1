"""Marks (canaries) for everything that clients send, and where they may have
leaked to: files, logs, answers, the memory of a process.

The marks are random, so that a mark that is found is this run's."""

import base64
import glob
import os
import random
import re
import stat
import string
import urllib.parse

BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
TEMP_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")

# Whatever has the form of a key, a holder's secret or a code is one.
FORMS = {
    "key": re.compile(rb"sid[kh]_[%s]{12}" % BASE32.encode()),
    "code": re.compile(rb"SID(?:1|O1):[0-9A-Z $%*+\-./:]{20}"),
}


def spellings(value):
    """The ways in which a text or bytes may be written down."""
    raw = value if isinstance(value, bytes) else value.encode()
    out = {raw, raw.hex().encode(), raw.hex().upper().encode(),
           b"".join(b"%%%02X" % byte for byte in raw),
           urllib.parse.quote(raw).encode()}
    for skip in range(3):  # the three ways to lie in groups of three bytes
        text = base64.b64encode(b"\0" * skip + raw)
        first, last = (skip * 8 + 5) // 6, (skip + len(raw)) * 8 // 6
        out |= {text[first:last], text[first:last].translate(
            bytes.maketrans(b"+/", b"-_"))}
    if not isinstance(value, bytes):
        out |= {value.encode("utf-16-le"), value.encode("utf-16-be"),
                value.encode("unicode-escape")}
    return out


class Marks:
    """The marks of one run. Attributes: text for names, reasons, headers …;
    chinese for names; region_and_birth, the first 14 digits of every number;
    phone; pixels; passing, for what is kept and shown by design."""

    def __init__(self):
        rng = random.SystemRandom()
        letters = string.ascii_lowercase + string.digits
        self.text = "zq7" + "".join(rng.choices(letters, k=9))
        # Request ids are in the log, counters and consent versions in the
        # record, names of clients in the list of clients: by design.
        self.passing = "py7" + "".join(rng.choices(letters, k=9))
        self.chinese = "".join(chr(rng.randrange(0x5000, 0x9000))
                               for _ in range(4))
        self.region_and_birth = "99%04d1973%02d%02d" % (
            rng.randrange(10000), rng.randrange(10, 13), rng.randrange(10, 29))
        self.phone = "139%08d" % rng.randrange(10 ** 8)
        self.pixels = rng.randbytes(63)  # 21 of them
        self.count = 0
        self.needles = {}
        for kind in ("text", "chinese", "region_and_birth", "phone"):
            self.add(kind, getattr(self, kind))
        day = self.region_and_birth
        self.add("birth date", "%s-%s-%s" % (day[6:10], day[10:12], day[12:]))
        self.add("pixels", self.pixels)
        turned = b"".join(self.pixels[i:i + 3][::-1] for i in range(0, 63, 3))
        self.add("pixels, blue first", turned)

    def add(self, kind, value, spelt=True):
        for needle in spellings(value) if spelt else {value.encode()}:
            assert len(needle) >= 7, (kind, needle)
            self.needles[needle] = kind

    def number(self):
        """A new number of GB 11643-1999 that begins with the mark."""
        self.count += 1
        head = self.region_and_birth + "%03d" % (self.count % 1000)
        total = sum(int(c) * (2 ** (17 - i) % 11) for i, c in enumerate(head))
        return head + "10X98765432"[total % 11]

    def find(self, data):
        """The kinds of marks in data."""
        found = {kind for needle, kind in self.needles.items()
                 if needle in data}
        return found | {kind for kind, form in FORMS.items()
                        if form.search(data)}


def new_files(since_s):
    """Paths and contents of what was written to the folders for temporary
    files since then, by whomever: the marks tell whose it is."""
    for folder in TEMP_FOLDERS:
        for path in glob.glob(folder + "/*"):
            try:
                info = os.lstat(path)
                if stat.S_ISREG(info.st_mode) and info.st_mtime >= since_s:
                    with open(path, "rb") as stream:
                        yield path, stream.read(1 << 24)
            except OSError:
                pass  # gone meanwhile, or not ours to read


def memory(pid):
    """Place and content of what a process has written to and what a core dump
    would hold; the secure heap is neither (VmFlags: dd). Raises
    PermissionError where the process may not be looked into."""
    places = []
    with open("/proc/%d/smaps" % pid, encoding="utf-8") as stream:
        for line in stream:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) (.*)", line)
            if found:
                place = found
            elif line.startswith("VmFlags:") and "w" in place[3] and \
                    "dd" not in line.split():
                places.append((int(place[1], 16), int(place[2], 16),
                               place[0]))
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as stream:
        for begin, end, name in places:
            stream.seek(begin)
            data = b""
            while len(data) < end - begin:
                try:
                    more = stream.read(end - begin - len(data))
                except OSError:
                    more = b""  # given back meanwhile
                if not more:
                    break
                data += more
            yield name, data
