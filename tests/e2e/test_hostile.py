"""Hostile photos through the API: the reason that is told, no file anywhere,
and the next in the queue does not notice. All 400 of them: tests/unit/image."""

import os
import tempfile
import time

import photos
from harness import (SLOW, DaemonCase, holder, program, reason_codes,
                     run_tool)

EXPECTED = {
    "jpeg_scans_401": "image_unreadable",
    "jpeg_scans_250001": "image_unreadable",
    "jpeg_frame_c3": "image_unreadable",
    "jpeg_frame_c9": "image_unreadable",
    "jpeg_precision_12": "image_unreadable",
    "jpeg_cmyk": "image_unreadable",
    "jpeg_flood_icc": "image_unreadable",
    "jpeg_restarts_all_first": "image_unreadable",
    "jpeg_65535x65535": "image_too_large",
    "jpeg_5712x4284": "image_unreadable",
    "jpeg_159x160": "image_too_small",
    "png_8192x8192": "image_too_large",
    "png_5712x4284": "image_unreadable",
    "png_1x1": "image_too_small",
    "png_crc_IDAT_0": "image_unreadable",
    "png_real_2_16_0": "image_unreadable",
    "png_real_2_8_3": "image_unreadable",
    "png_large_zTXt_behind": "image_unreadable",
    "png_bomb_behind_last_row": "image_unreadable",
    "png_film": "image_unreadable",
    "polyglot_jpeg_0": "image_unreadable",
    "foreign_nitf": "image_unreadable",
    "foreign_dicom": "image_unreadable",
}


class HostilePhotos(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory(prefix="sid-hostile-")
        cls.addClassCleanup(cls.folder.cleanup)
        run_tool(cls.folder.name, *EXPECTED, binary=program("mkhostile"))

    def hostile(self, name):
        with open(os.path.join(self.folder.name, name), "rb") as stream:
            return stream.read()

    def open_files(self):
        """What the daemon has open, but for connections."""
        folder = "/proc/%d/fd" % self.daemon.process.pid
        links = []
        for name in os.listdir(folder):
            try:
                links.append(os.readlink(os.path.join(folder, name)))
            except FileNotFoundError:
                pass  # closed since
        return sorted(l for l in links if not l.startswith("socket:"))

    def cpu_s(self):
        path = "/proc/%d/stat" % self.daemon.process.pid
        with open(path, encoding="ascii") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_hostile_photos_are_told_apart_and_refused(self):
        files, folder = self.open_files(), os.listdir(self.daemon.folder)
        before_s = self.cpu_s()
        for name, code in sorted(EXPECTED.items()):
            with self.subTest(name):
                answer = self.app.submit(holder(), photos.photo(1),
                                         self.hostile(name), wait=30)
                self.assertEqual(answer.status, 200, repr(answer))
                body = answer.json()
                self.assertEqual(body["state"], "rejected")
                self.assertEqual(reason_codes(body), [code])
                self.assertEqual(body["reasons"][0]["photo"], "selfie")
        # Half a second each would be 12.
        self.assertLess(self.cpu_s() - before_s, 6 * SLOW)
        # Photos are removed behind the answer.
        end = time.monotonic() + 10 * SLOW
        while self.open_files() != files and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.open_files(), files)
        self.assertEqual(sorted(os.listdir(self.daemon.folder)),
                         sorted(folder))
        self.assertEqual(self.app.enrol(who=2)["state"], "approved")
