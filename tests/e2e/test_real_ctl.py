"""smartidctl compare and calibrate on real photos, through the code path of
the daemon."""

import csv
import io
import json
import os
import random
import re
import shutil
import tempfile
import unittest
import xml.etree.ElementTree

from harness import Case, MODEL_DIR, program, run_tool
from samples import MAN, OTHER, made, sample


class Compare(Case):
    def compare(self, *arguments, check=True):
        return run_tool("compare", "--model-dir", MODEL_DIR, *arguments,
                        check=check)

    def test_two_photos_of_one_man_are_in_the_accept_band(self):
        result = self.compare(sample(MAN[0]), sample(MAN[1]))
        body = json.loads(result.stdout)
        self.assertGreater(body["similarity"], 0.5)
        self.assertEqual(body["band"], "accept")
        for photo in body["photos"]:
            self.assertEqual(photo["faces"], 1)
            self.assertGreater(photo["box"]["w"], 50)
            self.assertIn("sharpness", photo)
            self.assertIn("brightness", photo)
            self.assertEqual(set(photo["ms"]), {
                "decode", "detect", "landmark", "embed", "liveness", "pose"})

    def test_pose_and_liveness_are_told_of_both(self):
        for kinds in ((), ("--kind-a", "selfie", "--kind-b", "id_photo")):
            body = json.loads(self.compare(*kinds, sample(MAN[0]),
                                           sample(MAN[1])).stdout)
            for photo in body["photos"]:
                self.assertEqual(set(photo["pose"]),
                                 {"yaw_deg", "pitch_deg", "roll_deg"})
                self.assertLess(abs(photo["pose"]["yaw_deg"]), 30)
                self.assertGreaterEqual(photo["liveness"], 0)
                self.assertLessEqual(photo["liveness"], 1)
                self.assertGreater(photo["ms"]["pose"], 0)

    def test_the_settings_of_the_daemon_are_honoured(self):
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "c.conf")
            pair = sample(MAN[0]), sample(MAN[1])

            def bands(text, *options):
                with open(config, "w", encoding="utf-8") as stream:
                    stream.write("[face]\nmodel_dir = %s\n%s" % (
                        MODEL_DIR, text))
                body = json.loads(run_tool("-c", config, "compare", *options,
                                           *pair).stdout)
                return body["band"], body["state"]

            self.assertEqual(bands("")[0], "accept")
            self.assertEqual(bands("match_accept = 1\n"),
                             ("review", "review"))
            self.assertEqual(bands("match_accept = 1\nmatch_review = 1\n"),
                             ("reject", "rejected"))
            # What is said on the command line wins.
            self.assertEqual(bands("match_accept = 1\n", "--accept",
                                   "0.5")[0], "accept")
            self.assertEqual(bands("liveness_review = 1\nliveness_action = "
                                   "review\n"), ("accept", "review"))
            # A file that was named must be there and be right.
            with open(config, "w", encoding="utf-8") as stream:
                stream.write("[face]\nmatch_accept = 2\n")
            for path in (config, config + ".absent"):
                result = run_tool("-c", path, "compare", "--model-dir",
                                  MODEL_DIR, *pair, check=False)
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertIn(path, result.stderr)

    def test_two_people_are_in_the_reject_band(self):
        body = json.loads(self.compare(sample(MAN[0]),
                                       sample(OTHER[0])).stdout)
        self.assertLess(body["similarity"], 0.35)
        self.assertEqual(body["band"], "reject")

    def test_a_photo_without_a_face_has_no_similarity(self):
        result = self.compare(made("no_face.png"), sample(MAN[0]),
                              check=False)
        self.assertEqual(result.returncode, 1)
        body = json.loads(result.stdout)
        self.assertIsNone(body["similarity"])
        self.assertEqual(body["photos"][0]["faces"], 0)
        self.assertIn("no_face", body["photos"][0]["reasons"])

    def test_a_hostile_photo_is_refused_as_the_daemon_does(self):
        with tempfile.TemporaryDirectory(prefix="sid-") as folder:
            run_tool(folder, "jpeg_scans_5001", binary=program("mkhostile"))
            result = self.compare(os.path.join(folder, "jpeg_scans_5001"),
                                  sample(MAN[0]), check=False)
        self.assertEqual(result.returncode, 1)
        body = json.loads(result.stdout)
        self.assertIn("image_unreadable", body["photos"][0]["reasons"])

    def test_a_missing_file_is_told_by_its_name(self):
        result = self.compare("/nonexistent.jpg", sample(MAN[0]),
                              check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("/nonexistent.jpg", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_missing_models_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run_tool("compare", "--model-dir", folder,
                              sample(MAN[0]), sample(MAN[1]), check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(folder, result.stderr)

    def test_pairs_are_compared_each_photo_once_and_errors_are_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            table = os.path.join(folder, "pairs.csv")
            for name in MAN[:3] + OTHER[:1]:
                shutil.copy(sample(name), folder)
            with open(os.path.join(folder, "broken.jpg"), "wb") as stream:
                stream.write(b"\xff\xd8\xffnothing")
            rows = [(MAN[0], MAN[1], 1), (MAN[0], MAN[2], 1),
                    (MAN[1], OTHER[0], 0), (MAN[0], "broken.jpg", 0),
                    (MAN[0], "absent.jpg", 0)]
            with open(table, "w", encoding="utf-8") as stream:
                stream.write("path_a,path_b,same\n")
                for row in rows:
                    stream.write("%s,%s,%d\n" % row)
            for jobs in ("1", "3"):
                result = self.compare("--pairs", table, "--root", folder,
                                      "--jobs", jobs)
                out = list(csv.DictReader(io.StringIO(result.stdout)))
                self.assertEqual(
                    [(r["path_a"], r["path_b"], int(r["same"]))
                     for r in out], rows)
                self.assertEqual([r["band"] for r in out[:3]],
                                 ["accept", "accept", "reject"])
                self.assertEqual([r["error"] for r in out[:3]], ["", "", ""])
                for row in out[3:]:
                    self.assertNotEqual(row["error"], "")
                    self.assertEqual(row["similarity"], "")

    def test_a_wrong_table_is_told_at_once_with_its_line(self):
        good = "path_a,path_b,same\n"
        for text, line in (("", 1), ("a,b\n", 1), ("\n\npath_a,x\n", 3),
                           (good + "a,b,1\nc,d\n", 3),
                           (good + "a,b,1\na,b,yes\n", 3),
                           (good + "a,b,\n", 2), (good + "a,b,2\n", 2),
                           (good + "a,b,1\n\n\"a\nb\",c,x\n", 4),
                           (good + "a,b,1\n\"a,b,1\n", 3)):
            with self.subTest(text=text), \
                    tempfile.TemporaryDirectory() as folder:
                table = os.path.join(folder, "pairs.csv")
                with open(table, "w", encoding="utf-8") as stream:
                    stream.write(text)
                result = self.compare("--pairs", table, "--root", folder,
                                      check=False)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("%s:%d: " % (table, line), result.stderr)
                self.assertEqual(result.stdout, "")

    def test_spreadsheets_words_for_the_same_person_are_taken(self):
        with tempfile.TemporaryDirectory() as folder:
            table = os.path.join(folder, "pairs.csv")
            for name in MAN[:2] + OTHER[:1]:
                shutil.copy(sample(name), folder)
            with open(table, "w", encoding="utf-8") as stream:
                stream.write("path_a,path_b,same\n%s,%s,TRUE\n%s,%s,false\n"
                             % (MAN[0], MAN[1], MAN[0], OTHER[0]))
            out = os.path.join(folder, "out.csv")
            with open(out, "w", encoding="utf-8") as stream:
                stream.write(self.compare("--pairs", table, "--root",
                                          folder).stdout)
            text = run_tool("calibrate", "--no-svg", out).stdout
            self.assertIn("1 pairs of one person", text)


class Calibrate(Case):
    """On scores drawn from two known bells."""

    def table(self, folder, count=20000):
        rng = random.Random(7)
        path = os.path.join(folder, "out.csv")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("path_a,path_b,same,similarity,band,error\n")
            for i in range(count):
                same = i % 4 == 0
                score = rng.gauss(0.7 if same else 0.05, 0.1)
                stream.write("a%d,b%d,%d,%.6f,x,\n" % (
                    i, i, same, max(-1, min(1, score))))
            stream.write("a,b,0,,,image_unreadable\n")
        return path

    def test_thresholds_and_rates_are_those_of_the_bells(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run_tool("calibrate", self.table(folder))
        text = result.stdout
        self.assertIn("FMR", text)
        self.assertIn("FNMR", text)
        # 99 % of the strangers are below 0.05 + 2.326 * 0.1 = 0.283.
        found = re.search(r"FMR 1e-2\s+observed: (0\.\d+), FNMR (\d+\.\d+) %",
                          text)
        self.assertIsNotNone(found, text)
        self.assertAlmostEqual(float(found.group(1)), 0.283, delta=0.012)
        self.assertLess(float(found.group(2)), 0.1)
        # And 99.9 % below 0.05 + 3.090 * 0.1 = 0.359.
        found = re.search(r"FMR 1e-3\s+observed: (0\.\d+)", text)
        self.assertAlmostEqual(float(found.group(1)), 0.359, delta=0.02)

    def test_the_det_curve_is_drawn_beside_the_table(self):
        with tempfile.TemporaryDirectory() as folder:
            table = self.table(folder, 2000)
            other = os.path.join(folder, "scores")
            shutil.copy(table, other)
            chosen = os.path.join(folder, "det.svg")
            for arguments, curve in (
                    ((table,), os.path.join(folder, "out.svg")),
                    ((other,), other + ".svg"),
                    (("--svg", chosen, table), chosen)):
                text = run_tool("calibrate", *arguments).stdout
                self.assertIn(curve, text)
                root = xml.etree.ElementTree.parse(curve).getroot()
                self.assertTrue(root.tag.endswith("svg"))
                os.unlink(curve)
            text = run_tool("calibrate", "--no-svg", table).stdout
            self.assertNotIn("svg", text)
            self.assertEqual(sorted(os.listdir(folder)),
                             ["out.csv", "scores"])

    def test_a_place_that_cannot_be_written_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            curve = os.path.join(folder, "absent", "det.svg")
            result = run_tool("calibrate", "--svg", curve,
                              self.table(folder, 2000), check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn(curve, result.stderr)

    def test_a_wrong_table_is_told_with_its_line(self):
        head = "same,similarity,error\n"
        for text, line in (("", 1), ("same\n", 1), (head + "1,x,\n", 2),
                           (head + "1,0.5,\n2,0.5,\n", 3),
                           (head + "1,0.5,\n1,0.5\n", 3)):
            with self.subTest(text=text), \
                    tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "t.csv")
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(text)
                result = run_tool("calibrate", path, check=False)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("%s:%d: " % (path, line), result.stderr)

    def test_a_table_without_scores_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "empty.csv")
            with open(path, "w", encoding="utf-8") as stream:
                stream.write("path_a,path_b,same,similarity,band,error\n")
            result = run_tool("calibrate", path, check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertNotEqual(result.stderr, "")


if __name__ == "__main__":
    unittest.main()
