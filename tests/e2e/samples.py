"""The sample photos that make setup fetches, and photos made out of them by
the project's own tool (mkphoto), once per run."""

import os
import subprocess
import tempfile

import photos
from harness import DATA, MODEL_DIR, clean_environment, program

# One man, eleven frames of a film; and others.
MAN = ["franck_01829.jpg", "franck_04000.jpg", "franck_02221.jpg",
       "franck_02888.jpg"]
OTHER = ["cage.jpg", "bieber_small.jpg", "SeanConnery.jpg"]

_made = {}
_folder = None


def sample(name):
    """The path of a sample photo."""
    for folder in ("photos", "samples"):
        path = os.path.join(DATA, folder, name)
        if os.path.exists(path):
            return path
    raise AssertionError("%s is not in %s: run make setup" % (name, DATA))


def data_of(path):
    with open(path, "rb") as stream:
        return stream.read()


def _path(name):
    global _folder
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="sid-samples-")
    return os.path.join(_folder.name, name)


def mkphoto(name, command, *arguments):
    """Runs mkphoto and returns the path of what it made; `OUT` among the
    arguments stands for that path."""
    path = _path(name)
    if path not in _made:
        subprocess.run(
            [program("mkphoto"), command] +
            [path if a == "OUT" else a for a in arguments],
            check=True, env=clean_environment(), timeout=300)
        _made[path] = True
    return path


def card(portrait, name="card.jpg", **options):
    """A specimen card with this portrait, lying on a table."""
    extra = []
    for key, value in options.items():
        extra += ["--" + key, str(value)]
    return mkphoto(name, "card", sample(portrait), "OUT", "--models",
                   MODEL_DIR, *extra)


def made(name):
    """Photos that need no sample: a table without anybody."""
    path = _path(name)
    if path not in _made:
        with open(path, "wb") as stream:
            stream.write(photos.png(180, 170, 150, width=800, height=600))
        _made[path] = True
    return path
