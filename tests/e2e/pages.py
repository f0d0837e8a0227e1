"""A folder of small files in place of the pages that are built in."""

import os
import tempfile

FILES = {
    "enroll.html": b"<!doctype html><title>enroll</title>\n",
    "card.html": b"<!doctype html><title>card</title>\n",
    "scan.html": b"<!doctype html><title>scan</title>\n",
    "console.html": b"<!doctype html><title>console</title>\n",
    "docs.html": b"<!doctype html><title>docs</title>\n",
    "openapi.json": b"{}\n",
    "sw.js": b"// worker\n",
    "manifest.webmanifest": b"{}\n",
    "robots.txt": b"User-agent: *\n",
    "css/own.css": b"p { color: red }\n" * 100,
    "js/own.js": b"export {};\n",
}


def folder_of(files):
    folder = tempfile.mkdtemp(prefix="sid-pages-")
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)
    return folder
