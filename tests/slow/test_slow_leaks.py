"""The flood of tests/e2e/test_leaks.py with 5,000 requests; and real photos
through the real engine: afterwards no row of pixels, no piece of a file and no
input of a network is in the memory of the daemon or its face processes at rest."""

import os
import random
import re
import struct
import time
import unittest
import zlib

os.environ["LEAK_REQUESTS"] = "5000"

from faceproc import children  # noqa: E402
from harness import SEED, Case, Daemon, holder  # noqa: E402
from marks import Marks, memory  # noqa: E402
from samples import MAN, OTHER, card, data_of, mkphoto, \
    sample  # noqa: E402
from test_leaks import LeakedNothing  # noqa: E402 - reads the number

PIECE = 48
# Network inputs of this pack are (x - 127) / 128 or x / 256 of bytes: floats
# whose lower half is zero. No weights and no outputs are like that for long.
INPUT = re.compile(rb"(?:\0\0[\0-\xff][\x3b-\x3f\xbb-\xbf]){200}")


class FiveThousandRequests(LeakedNothing):
    pass


del LeakedNothing


def unfilter(kind, line, before, step):
    """One row of a PNG as it was before the filter (PNG, section 9)."""
    out = bytearray(line)
    for i, value in enumerate(line):
        left = out[i - step] if i >= step else 0
        up = before[i]
        corner = before[i - step] if i >= step else 0
        guess = left + up - corner
        distances = [abs(guess - left), abs(guess - up), abs(guess - corner)]
        paeth = (left, up, corner)[distances.index(min(distances))]
        out[i] = (value + (0, left, up, (left + up) // 2,
                           paeth)[kind]) & 255
    return bytes(out)


def rows_of(png):
    """The rows of an RGB picture of eight bits, not interlaced."""
    width, _, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour, png[28]) == (8, 2, 0)
    packed, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IDAT":
            packed += png[at + 8:at + 8 + size]
        at += size + 12
    data, before, at = zlib.decompress(packed), bytes(width * 3), 0
    while at < len(data):
        before = unfilter(data[at], data[at + 1:at + 1 + width * 3], before, 3)
        yield before
        at += width * 3 + 1


def pieces_of_pixels(png):
    """From the middle of each tenth row, red first and blue first; those of
    one colour could be anybody's."""
    for number, row in enumerate(rows_of(png)):
        middle = len(row) // 6 * 3
        piece = row[middle:middle + PIECE]
        if number % 10 or len(set(piece)) < 24:
            continue
        yield piece
        yield b"".join(piece[i:i + 3][::-1] for i in range(0, PIECE, 3))


def pieces_of_file(data):
    return [data[at:at + PIECE]
            for at in range(1000, len(data) - PIECE, 997)]


def with_text(jpeg, text):
    """The JPEG file with this text in an Exif and a comment segment."""
    exif = b"Exif\0\0" + text.encode() * 3
    note = text.encode() * 5
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + \
        b"\xff\xfe" + struct.pack(">H", len(note) + 2) + note + jpeg[2:]


class RealPhotos(Case):
    @classmethod
    def setUpClass(cls):
        marks = cls.marks = Marks()
        selfies = [data_of(mkphoto(name + ".png", "scale", sample(name), "OUT",
                                   "--size", "480x360"))
                   for name in (MAN[1], OTHER[0])]
        files = [with_text(data_of(path), marks.text)
                 for path in (card(MAN[0]), sample(MAN[1]), sample(OTHER[1]))]
        cls.pieces = {piece for png in selfies
                      for piece in pieces_of_pixels(png)}
        cls.pieces |= {piece for data in files + selfies
                       for piece in pieces_of_file(data)}
        # The search takes its time for each of them.
        cls.pieces = random.Random(SEED).sample(sorted(cls.pieces), 200)
        cls.daemon = Daemon("smartidd-clock")
        cls.addClassCleanup(cls.daemon.close)
        app = cls.daemon.api(cls.daemon.add_client("app"))
        cls.daemon.start()
        cls.states = []
        for selfie in [*selfies, files[1], files[2], files[1][:-2000]]:
            answer = app.submit(holder(marks.chinese, marks.number()),
                                files[0], selfie, wait=60)
            cls.states.append(answer.json()["state"])
        time.sleep(5)
        faces = children(cls.daemon)
        assert faces, "nobody has looked at photos"
        cls.memory = [place for pid in (cls.daemon.process.pid, *faces)
                      for place in memory(pid)]
        cls.daemon.stop()

    def test_the_photos_were_really_worked_on(self):
        self.assertIn("rejected", self.states)
        self.assertTrue({"approved", "review"} & set(self.states), self.states)
        self.assertGreater(sum(len(c) for _, c in self.memory), 10 ** 8)

    def test_no_piece_of_a_photo_is_in_memory(self):
        for name, content in self.memory:
            found = sum(piece in content for piece in self.pieces)
            self.assertEqual(found, 0, name)

    def test_no_text_of_a_photo_and_no_name_is_in_memory(self):
        for name, content in self.memory:
            self.assertEqual(self.marks.find(content), set(), name)

    def test_no_input_of_a_network_is_in_memory(self):
        for name, content in self.memory:
            for found in INPUT.finditer(content):
                # A plain grey is nobody's face.
                self.assertLess(len(set(found[0][2::4])), 16, name)


if __name__ == "__main__":
    unittest.main()
