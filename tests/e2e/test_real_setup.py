"""tests/setup/data.sh: what is fetched, what is checked, and that a model pack
of the operator's own is never written to. No network: npm is a stand-in."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from harness import DATA, MODEL_DIR, ROOT, Case

SCRIPT = os.path.join(ROOT, "tests", "setup", "data.sh")
MANIFEST = os.path.join(ROOT, "config", "models.ini")
PHOTO_LIST = os.path.join(ROOT, "tests", "data", "photos.sha256")


def names_in(folder):
    return sorted(os.listdir(folder))


def state_of(folder):
    """Names, sizes, times and contents."""
    out = []
    for name in names_in(folder):
        path = os.path.join(folder, name)
        info = os.stat(path)
        with open(path, "rb") as stream:
            out.append((name, info.st_size, info.st_mtime_ns, info.st_ino,
                        hashlib.sha256(stream.read()).hexdigest()))
    return out


class Data(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sid-setup-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data)
        self.bin = os.path.join(self.folder, "bin")
        os.mkdir(self.bin)
        self.npm("echo 'npm ERR! network' >&2\nexit 1\n")

    def npm(self, script):
        path = os.path.join(self.bin, "npm")
        with open(path, "w", encoding="ascii") as stream:
            stream.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)

    def with_photos(self, *names):
        """Those, and what pages load, or only what is named."""
        for name in names or ("photos", "reader", "weixin"):
            os.symlink(os.path.join(DATA, name),
                       os.path.join(self.data, name))

    def models_at(self, folder, manifest=True):
        """A copy of the pack."""
        os.makedirs(folder)
        for name in names_in(MODEL_DIR):
            if name.endswith(".onnx"):
                shutil.copy(os.path.join(MODEL_DIR, name), folder)
        if manifest:
            shutil.copy(MANIFEST, os.path.join(folder, "models.ini"))
        return folder

    def run_script(self, model_dir=None, code=0):
        env = {"PATH": self.bin + ":" + os.environ["PATH"],
               "DATA": self.data, "HOME": self.folder}
        if model_dir is not None:
            env["MODEL_DIR"] = model_dir
        result = subprocess.run(
            ["bash", SCRIPT], env=env, text=True, capture_output=True,
            check=False, timeout=120, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, code,
                         result.stdout + result.stderr)
        return result.stdout + result.stderr

    def package(self, members):
        """npm hands out a package with these: (name inside, file)."""
        path = os.path.join(self.folder, "package.tgz")
        with tarfile.open(path, "w:gz") as out:
            for name, source in members:
                out.add(source, "package/" + name)
        self.npm("cp '%s' .\n" % path)

    # ---- the operator's own folder -----------------------------------------
    def test_a_complete_pack_of_ones_own_is_left_as_it_is(self):
        self.with_photos()
        own = self.models_at(os.path.join(self.folder, "own"))
        with open(os.path.join(own, "models.ini"), "a",
                  encoding="ascii") as stream:
            stream.write("; calibrated here\n")
        before = state_of(own)
        self.assertEqual(self.run_script(own), "")
        self.assertEqual(state_of(own), before)

    def test_a_pack_without_a_manifest_is_told_and_left(self):
        self.with_photos()
        own = self.models_at(os.path.join(self.folder, "own"),
                             manifest=False)
        before = state_of(own)
        text = self.run_script(own, code=1)
        self.assertIn(os.path.join(own, "models.ini"), text)
        self.assertIn("config/models.ini", text)
        self.assertEqual(state_of(own), before)

    def test_a_pack_that_lacks_a_file_is_told_and_left(self):
        self.with_photos()
        own = self.models_at(os.path.join(self.folder, "own"))
        os.unlink(os.path.join(own, "fr_pose.onnx"))
        before = state_of(own)
        self.assertIn(os.path.join(own, "fr_pose.onnx") + " is missing",
                      self.run_script(own, code=1))
        self.assertEqual(state_of(own), before)

    def test_a_folder_that_is_not_there_is_told_and_not_made(self):
        self.with_photos()
        own = os.path.join(self.folder, "absent")
        self.assertIn(own, self.run_script(own, code=1))
        self.assertFalse(os.path.exists(own))

    def test_a_wrong_hash_is_told_with_file_expected_and_found(self):
        self.with_photos()
        own = self.models_at(os.path.join(self.folder, "own"))
        path = os.path.join(own, "fr_landmark.onnx")
        with open(path, "rb") as stream:
            content = stream.read()
        os.unlink(path)
        with open(path, "wb") as stream:
            stream.write(content[:-1] + b"x")
        before = state_of(own)
        text = self.run_script(own, code=1)
        self.assertIn(path, text)
        self.assertIn("expected " + hashlib.sha256(content).hexdigest(), text)
        self.assertIn("found " + hashlib.sha256(
            content[:-1] + b"x").hexdigest(), text)
        self.assertEqual(state_of(own), before)

    def test_the_manifest_of_ones_own_pack_is_the_one_that_counts(self):
        self.with_photos()
        own = os.path.join(self.folder, "own")
        os.mkdir(own)
        with open(os.path.join(own, "other.onnx"), "wb") as stream:
            stream.write(b"another network")
        digest = hashlib.sha256(b"another network").hexdigest()
        with open(os.path.join(own, "models.ini"), "w",
                  encoding="ascii") as stream:
            stream.write("[detect]\nfile = other.onnx\nsha256 = %s\n" %
                         digest)
        self.assertEqual(self.run_script(own), "")

    # ---- the project's own folder -------------------------------------------
    def test_nothing_is_said_or_fetched_when_all_is_there(self):
        self.with_photos()
        ours = self.models_at(os.path.join(self.data, "models"))
        before = state_of(ours)
        self.assertEqual(self.run_script(), "")
        # However the folder is spelt.
        self.assertEqual(self.run_script(ours + "/"), "")
        self.assertEqual(self.run_script(
            os.path.join(self.data, "..", "data", "models")), "")
        self.assertEqual(state_of(ours), before)

    def test_an_old_manifest_of_our_own_folder_is_renewed(self):
        self.with_photos()
        ours = self.models_at(os.path.join(self.data, "models"))
        with open(os.path.join(ours, "models.ini"), "w",
                  encoding="ascii") as stream:
            stream.write("; old\n")
        self.assertEqual(self.run_script(), "")
        with open(MANIFEST, "rb") as want, \
                open(os.path.join(ours, "models.ini"), "rb") as got:
            self.assertEqual(got.read(), want.read())

    def test_what_is_missing_is_fetched_and_checked(self):
        self.with_photos()
        self.package([("model/" + n, os.path.join(MODEL_DIR, n))
                      for n in names_in(MODEL_DIR) if n.endswith(".onnx")])
        self.assertIn("fetching", self.run_script())
        ours = os.path.join(self.data, "models")
        self.assertEqual(names_in(ours), names_in(MODEL_DIR))
        self.assertEqual(self.run_script(), "")

    def test_a_download_with_a_wrong_hash_installs_nothing(self):
        self.with_photos()
        wrong = os.path.join(self.folder, "wrong")
        with open(wrong, "wb") as stream:
            stream.write(b"not a network")
        self.package([("model/" + n, wrong if n == "fr_feature.onnx" else
                       os.path.join(MODEL_DIR, n))
                      for n in names_in(MODEL_DIR) if n.endswith(".onnx")])
        text = self.run_script(code=1)
        self.assertIn("fr_feature.onnx", text)
        self.assertIn("expected 87aacdfe", text)
        self.assertIn("found " + hashlib.sha256(b"not a network").hexdigest(),
                      text)
        self.assertFalse(os.path.exists(os.path.join(self.data, "models")))

    def test_the_reader_of_codes_is_checked_too(self):
        self.models_at(os.path.join(self.data, "models"))
        self.with_photos("photos", "weixin")
        wrong = os.path.join(self.folder, "wrong")
        with open(wrong, "wb") as stream:
            stream.write(b"no reader")
        inside = {"dist/iife/reader/index.js": "zxing_reader.js",
                  "dist/reader/zxing_reader.wasm": "zxing_reader.wasm",
                  "LICENSE": "zxing_LICENSE.txt"}
        ours = os.path.join(self.data, "reader")
        good = {name: os.path.join(DATA, "reader", file)
                for name, file in inside.items()}
        self.package(list(dict(good, LICENSE=wrong).items()))
        self.assertIn("found " + hashlib.sha256(b"no reader").hexdigest(),
                      self.run_script(code=1))
        self.assertFalse(os.path.exists(ours))
        self.package(list(good.items()))
        self.assertIn("fetching", self.run_script())
        self.assertEqual(names_in(ours), sorted(inside.values()))
        self.assertEqual(self.run_script(), "")

    def test_the_script_of_wechat_is_checked_too(self):
        self.models_at(os.path.join(self.data, "models"))
        self.with_photos("photos", "reader")
        wrong = os.path.join(self.folder, "wrong")
        with open(wrong, "wb") as stream:
            stream.write(b"no script")
        inside = {"index.js": "weixin_sdk.js", "LICENSE": "weixin_LICENSE.txt"}
        ours = os.path.join(self.data, "weixin")
        good = {name: os.path.join(DATA, "weixin", file)
                for name, file in inside.items()}
        self.package(list(dict(good, **{"index.js": wrong}).items()))
        self.assertIn("found " + hashlib.sha256(b"no script").hexdigest(),
                      self.run_script(code=1))
        self.assertFalse(os.path.exists(ours))
        self.package(list(good.items()))
        self.assertIn("fetching", self.run_script())
        self.assertEqual(names_in(ours), sorted(inside.values()))

    def test_photos_are_checked_too(self):
        self.with_photos("reader", "weixin")
        self.models_at(os.path.join(self.data, "models"))
        with open(PHOTO_LIST, encoding="ascii") as stream:
            files = [line.split()[1] for line in stream if line.strip()]
        self.package([("examples/media/" + n,
                       os.path.join(DATA, "photos", n)) for n in files])
        self.assertIn("fetching", self.run_script())
        self.assertEqual(names_in(os.path.join(self.data, "photos")),
                         sorted(files))
        wrong = os.path.join(self.folder, "wrong")
        with open(wrong, "wb") as stream:
            stream.write(b"no photo")
        shutil.rmtree(os.path.join(self.data, "photos"))
        self.package([("examples/media/" + n, wrong if n == files[-1] else
                       os.path.join(DATA, "photos", n)) for n in files])
        text = self.run_script(code=1)
        self.assertIn(files[-1], text)
        self.assertIn("found " + hashlib.sha256(b"no photo").hexdigest(),
                      text)

    def test_a_registry_out_of_reach_is_told(self):
        self.with_photos()
        text = self.run_script(code=1)
        self.assertIn("npm ERR! network", text)
        self.assertIn("out of reach", text)


if __name__ == "__main__":
    unittest.main()
