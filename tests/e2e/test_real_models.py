"""What a daemon with real faces refuses to start with: model files that are
missing, changed, or right by their hash and wrong by what they answer."""

import hashlib
import os
import re
import shutil
import tempfile
import unittest

import onnx
from harness import Case, Daemon, MODEL_DIR, SLOW, run_tool


class Models(Case):
    """What a daemon with real faces refuses to start with."""

    def refused(self, folder):
        daemon = Daemon("smartidd", settings={"face.model_dir": folder})
        self.addCleanup(daemon.close)
        daemon.spawn()
        self.assertIsNone(daemon.log.wait(lambda l: " event=ready" in l))
        code = daemon.wait_exit()
        daemon.process = None
        daemon.check_log()
        self.assertGreater(code, 0)
        self.assertNotIn("event=ready", daemon.log.text())
        return daemon.log.text()

    def copy(self):
        folder = tempfile.mkdtemp(prefix="sid-models-")
        self.addCleanup(shutil.rmtree, folder, True)
        os.rmdir(folder)
        shutil.copytree(MODEL_DIR, folder)
        return folder

    def test_a_changed_model_is_refused_with_file_expected_and_found(self):
        folder = self.copy()
        names = [n for n in os.listdir(folder) if n.endswith(".onnx")]
        self.assertEqual(len(names), 5)
        for name in names:
            path = os.path.join(folder, name)
            os.chmod(path, 0o600)
            with open(path, "r+b") as stream:
                stream.seek(1000)
                old = stream.read(1)
                stream.seek(1000)
                stream.write(bytes([old[0] ^ 1]))
            text = self.refused(folder)
            self.assertIn(name, text)
            self.assertRegex(text, "expected [0-9a-f]{64}")
            self.assertRegex(text, "found [0-9a-f]{64}")
            with open(path, "r+b") as stream:
                stream.seek(1000)
                stream.write(old)

    def test_a_missing_model_is_refused_by_its_name(self):
        folder = self.copy()
        os.unlink(os.path.join(folder, "fr_feature.onnx"))
        self.assertIn("fr_feature.onnx", self.refused(folder))

    def test_an_empty_folder_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn(folder, self.refused(folder))

    # ---- the self-test: the hash is right, the network is not ----------------
    def spoil(self, folder, name, data):
        """Puts a network in the place of another, hash and all."""
        path = os.path.join(folder, name)
        with open(path, "rb") as stream:
            old = hashlib.sha256(stream.read()).hexdigest()
        os.chmod(path, 0o600)
        with open(path, "wb") as stream:
            stream.write(data)
        self.edit_manifest(folder, old, hashlib.sha256(data).hexdigest())

    def edit_manifest(self, folder, old, new):
        path = os.path.join(folder, "models.ini")
        with open(path, encoding="ascii") as stream:
            text = stream.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="ascii") as stream:
            stream.write(text.replace(old, new))

    def read(self, folder, name):
        with open(os.path.join(folder, name), "rb") as stream:
            return stream.read()

    def selftests(self, folder):
        """What the command prints, by section of the manifest."""
        lines = run_tool("models", "selftest", "--models",
                         folder).stdout.splitlines()
        return dict(zip(lines[0::2], lines[1::2]))

    def manifest(self, folder):
        """The same, as the manifest has it."""
        found = {}
        with open(os.path.join(folder, "models.ini"),
                  encoding="ascii") as stream:
            for line in stream.read().splitlines():
                if line.startswith("["):
                    section = line
                elif line.startswith("selftest = "):
                    found[section] = line
        return found

    def assert_alike(self, first, second):
        """Processors round differently."""
        first, second = ([float(n) for n in line.split()[2:]]
                         for line in (first, second))
        self.assertEqual(len(first), len(second))
        largest = max(abs(n) for n in first)
        for one, other in zip(first, second):
            self.assertAlmostEqual(one, other, delta=5e-5 * largest)

    def test_a_network_with_damaged_weights_is_refused(self):
        for name in sorted(n for n in os.listdir(MODEL_DIR)
                           if n.endswith(".onnx")):
            with self.subTest(name=name):
                folder = self.copy()
                data = bytearray(self.read(folder, name))
                start, end = max(onnx.weights(data),
                                 key=lambda part: part[1] - part[0])
                middle = (start + end) // 2
                data[middle:middle + 4096] = bytes(4096)
                self.spoil(folder, name, bytes(data))
                self.assertRegex(self.refused(folder), re.escape(name) +
                                 ": self-test value .: expected .* found")

    def test_networks_in_each_others_place_are_refused(self):
        folder = self.copy()
        feature, live = [self.read(folder, n) for n in
                         ("fr_feature.onnx", "fr_liveness.onnx")]
        self.spoil(folder, "fr_feature.onnx", live)
        self.spoil(folder, "fr_liveness.onnx", feature)
        self.assertIn("fr_feature.onnx", self.refused(folder))

    def test_a_network_that_answers_alike_to_everybody_is_refused(self):
        """Even when the manifest expects just that."""
        folder = self.copy()
        data = bytearray(self.read(folder, "fr_feature.onnx"))
        for start, end in list(onnx.weights(data)):
            data[start:end] = bytes(end - start)
        self.spoil(folder, "fr_feature.onnx", bytes(data))
        self.edit_manifest(folder, self.manifest(folder)["[feature]"],
                           self.selftests(folder)["[feature]"])
        self.assertRegex(self.refused(folder), "fr_feature.onnx: self-test: "
                         "expected at most .* for two inputs .* found 1 ")

    def test_a_manifest_without_self_test_says_how_to_get_one(self):
        folder = self.copy()
        before = self.selftests(folder)
        manifest = self.manifest(folder)
        self.assertEqual(set(before), set(manifest))
        for section, line in before.items():
            self.assert_alike(manifest[section], line)
        self.edit_manifest(folder, manifest["[feature]"] + "\n", "")
        text = self.refused(folder)
        self.assertIn("[feature] has no selftest", text)
        self.assertIn("smartidctl models selftest --models " + folder, text)
        self.assertEqual(self.selftests(folder), before)

    def test_the_command_says_what_is_wrong(self):
        folder = self.copy()
        self.assertEqual(run_tool("models", check=False).returncode, 2)
        self.assertEqual(run_tool("models", "selftest", "x",
                                  check=False).returncode, 2)
        os.unlink(os.path.join(folder, "fr_pose.onnx"))
        done = run_tool("models", "selftest", "--models", folder, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("fr_pose.onnx", done.stderr)

    def test_a_daemon_with_real_faces_is_ready_after_a_second_of_work(self):
        """CPU time: what else runs on the machine does not matter."""
        daemon = Daemon("smartidd")
        self.addCleanup(daemon.close)
        daemon.start()
        with open("/proc/%d/stat" % daemon.process.pid,
                  encoding="ascii") as stream:
            fields = stream.read().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])       # utime, stime
        self.assertLess(ticks / os.sysconf("SC_CLK_TCK"), 1 * SLOW)


if __name__ == "__main__":
    unittest.main()
