"""Pages: what is served where, with which headers; switches; a folder of the
operator's own. What the pages do is the browser tests' affair."""

import gzip
import hashlib
import os
import shutil
import unittest

from front import Front
from harness import DATA, Case, Daemon, DaemonCase
from pages import FILES, folder_of

ON = {"pages.card": "on", "pages.scan": "on", "pages.console": "on"}
# address -> file
ADDRESSES = {
    "/card": "card.html", "/scan": "scan.html", "/console": "console.html",
    "/docs": "docs.html", "/openapi.json": "openapi.json", "/sw.js": "sw.js",
    "/manifest.webmanifest": "manifest.webmanifest",
    "/robots.txt": "robots.txt", "/web/css/own.css": "css/own.css",
    "/web/js/own.js": "js/own.js",
}
POLICY = ("default-src 'self'; img-src 'self' blob: data:; "
          "media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")
WASM = "/web/vendor/zxing_reader.wasm"
CAMERA = "camera=(self), microphone=(), geolocation=()"
NO_CAMERA = "camera=(), microphone=(), geolocation=()"


class Served(DaemonCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = folder_of(FILES)
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.SETTINGS = dict(ON, **{"pages.dir": cls.folder})
        super().setUpClass()

    def get(self, path, headers=None, method="GET"):
        return self.daemon.request(method, path, headers)

    def test_each_address_has_its_file(self):
        for address, name in ADDRESSES.items():
            with self.subTest(address=address):
                answer = self.get(address)
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.body, FILES[name])

    def test_each_file_has_its_type(self):
        types = {"/card": "text/html", "/web/css/own.css": "text/css",
                 "/web/js/own.js": "text/javascript",
                 "/openapi.json": "application/json",
                 "/manifest.webmanifest": "application/manifest+json"}
        for address, kind in types.items():
            with self.subTest(address=address):
                self.assertEqual(self.get(address).header("content-type"),
                                 kind + "; charset=utf-8")
        self.assertEqual(self.get(WASM).header("content-type"),
                         "application/wasm")

    def test_a_page_may_load_nothing_from_elsewhere(self):
        for address in list(ADDRESSES) + [WASM]:
            with self.subTest(address=address):
                answer = self.get(address)
                policy = answer.header("content-security-policy")
                if address == "/scan":
                    self.assertEqual(policy, POLICY + "; script-src 'self' "
                                     "'wasm-unsafe-eval'")
                else:
                    self.assertEqual(policy, POLICY)
                self.assertEqual(answer.header("referrer-policy"),
                                 "no-referrer")
                self.assertEqual(answer.header("x-content-type-options"),
                                 "nosniff")
                self.assertEqual(answer.header("cross-origin-opener-policy"),
                                 "same-origin")
                self.assertEqual(answer.header("cross-origin-resource-policy"),
                                 "same-origin")
                names = [name for name, _ in answer.headers]
                self.assertEqual(len(names), len(set(names)), names)

    def test_only_pages_that_need_it_may_use_the_camera(self):
        for address in list(ADDRESSES) + [WASM]:
            with self.subTest(address=address):
                wanted = CAMERA if address in ("/card", "/scan", "/console") \
                    else NO_CAMERA
                self.assertEqual(
                    self.get(address).header("permissions-policy"), wanted)

    def test_a_file_that_has_not_changed_is_not_sent_again(self):
        for address in ("/card", WASM):
            for encoding in ("gzip", "identity"):
                with self.subTest(address=address, encoding=encoding):
                    asked = {"Accept-Encoding": encoding}
                    first = self.get(address, asked)
                    tag = first.header("etag")
                    self.assertEqual(first.header("cache-control"), "no-cache")
                    for line in (tag, "W/" + tag, '"x", %s' % tag, "*"):
                        again = self.get(address,
                                         dict(asked, **{"If-None-Match": line}))
                        self.assertEqual(again.status, 304, line)
                        self.assertEqual(again.body, b"")
                        self.assertEqual(again.header("etag"), tag)
                    other = self.get(address,
                                     dict(asked, **{"If-None-Match": '"x"'}))
                    self.assertEqual(other.status, 200)

    def test_gzip_is_sent_to_those_who_take_it(self):
        plain = self.get(WASM)
        self.assertIsNone(plain.header("content-encoding"))
        with open(os.path.join(DATA, "reader", "zxing_reader.wasm"),
                  "rb") as stream:
            self.assertEqual(plain.body, stream.read())
        for accept, packed in (("gzip", True), ("br, gzip;q=0.5", True),
                               ("*", True), ("gzip;q=0, *", False),
                               ("br", False), ("gzip;q=0", False)):
            with self.subTest(accept=accept):
                answer = self.get(WASM, {"Accept-Encoding": accept})
                self.assertEqual(answer.header("vary"), "Accept-Encoding")
                if packed:
                    self.assertEqual(answer.header("content-encoding"), "gzip")
                    self.assertEqual(gzip.decompress(answer.body), plain.body)
                    self.assertNotEqual(answer.header("etag"),
                                        plain.header("etag"))
                else:
                    self.assertIsNone(answer.header("content-encoding"))
                    self.assertEqual(answer.body, plain.body)

    def test_the_tag_is_of_the_content(self):
        digest = hashlib.sha256(FILES["card.html"]).hexdigest()[:32]
        self.assertEqual(self.get("/card").header("etag"), '"%s"' % digest)

    def test_head_says_what_get_would(self):
        full = self.get("/card")
        head = self.get("/card", method="HEAD")
        self.assertEqual(head.status, 200)
        for name in ("content-length", "etag", "content-type"):
            self.assertEqual(head.header(name), full.header(name))

    def test_what_a_messenger_appends_to_a_link_does_no_harm(self):
        self.assertEqual(self.get("/card?from=singlemessage&isappinstalled=0")
                         .status, 200)

    def test_no_path_reaches_the_file_system(self):
        with open(os.path.join(self.folder, ".hidden.txt"), "w",
                  encoding="ascii"):
            pass
        for path in ("/web/../smartidd.conf", "/web//etc/passwd",
                     "/web/%2e%2e/x", "/web/", "/web/css", "/web/css/",
                     "/web/.hidden.txt", "/web/enroll.html", "/web/card.html",
                     "/card/", "/card.html", "/web/css/own.css/"):
            with self.subTest(path=path):
                self.assertIn(self.get(path).status, (400, 404))

    def test_pages_take_no_other_method(self):
        answer = self.daemon.request("POST", "/card", {}, b"")
        self.assert_problem(answer, 405, "method_not_allowed")
        self.assertEqual(answer.header("allow"), "GET, HEAD")

    def test_a_reload_shows_what_the_folder_has_now(self):
        path = os.path.join(self.folder, "css", "own.css")
        self.addCleanup(self.write, path, FILES["css/own.css"])
        self.write(path, b"p { color: blue }\n")
        self.assertEqual(self.get("/web/css/own.css").body,
                         b"p { color: blue }\n")

    def test_a_folder_that_cannot_be_served_is_refused_at_a_reload(self):
        odd = os.path.join(self.folder, "odd.exe")
        with open(odd, "wb"):
            pass
        mark = len(self.daemon.log.text())
        self.daemon.signal(1)
        self.daemon.log.wait(lambda l: "event=reload_refused" in l
                             and "odd.exe" in l, 20)
        os.unlink(odd)
        self.assertIn("odd.exe", self.daemon.log.text()[mark:])
        self.assertEqual(self.get("/card").status, 200)

    def write(self, path, content):
        with open(path, "wb") as out:
            out.write(content)
        name = os.path.join(self.folder, "reloaded.txt")
        Served.reloads = getattr(Served, "reloads", 0) + 1
        with open(name, "w", encoding="ascii") as out:
            out.write(str(Served.reloads))
        self.daemon.signal(1)
        for _ in range(2000):
            if self.get("/web/reloaded.txt").body == \
                    str(Served.reloads).encode():
                return
        self.fail("not reloaded")

    def test_nginx_hands_the_pages_on_as_they_are(self):
        front = Front(self.daemon)
        self.addCleanup(front.close)
        for address in list(ADDRESSES) + [WASM]:
            with self.subTest(address=address), front.connect() as connection:
                asked = {"Accept-Encoding": "gzip"}
                one = connection.request("GET", address, asked)
                own = self.get(address, asked)
                self.assertEqual((one.status, one.body),
                                 (own.status, own.body))
                left_out = {"server", "date", "connection", "x-request-id",
                            "strict-transport-security", "transfer-encoding",
                            "content-length"}
                for answer in (one, own):
                    names = [name for name, _ in answer.headers]
                    self.assertEqual(len(names), len(set(names)), names)
                self.assertEqual(
                    {h for h in one.headers if h[0] not in left_out},
                    {h for h in own.headers if h[0] not in left_out})
                again = connection.request(
                    "GET", address,
                    dict(asked, **{"If-None-Match": one.header("etag")}))
                self.assertEqual(again.status, 304)


class Switches(Case):
    def statuses(self, **settings):
        """Of each address, on a daemon with these settings."""
        folder = folder_of(FILES)
        daemon = Daemon(keys=True, settings={"pages.dir": folder})
        try:
            client = daemon.client_id("e2e app")
            for name, value in settings.items():
                daemon.env["SMARTIDD_PAGES_" + name.upper()] = \
                    client if value == "CLIENT" else value
            daemon.start()
            return {path: daemon.request("GET", path).status
                    for path in ("/", "/enroll", "/card", "/scan", "/console",
                                 "/docs", "/openapi.json", "/robots.txt",
                                 "/web/css/own.css", WASM)}
        finally:
            daemon.close()
            shutil.rmtree(folder)

    def test_without_a_word_only_the_document_is_served(self):
        found = self.statuses()
        on = {path for path, status in found.items() if status == 200}
        self.assertEqual(on, {"/docs", "/openapi.json", "/robots.txt",
                              "/web/css/own.css", WASM})
        self.assertEqual(found["/"], 404)

    def test_with_everything_off_nothing_is_served(self):
        self.assertEqual(set(self.statuses(docs="off").values()), {404})

    def test_each_page_has_its_switch(self):
        for page in ("card", "scan", "console"):
            with self.subTest(page=page):
                found = self.statuses(docs="off", **{page: "on"})
                on = {path for path, status in found.items() if status == 200}
                self.assertEqual(on, {"/" + page, "/robots.txt",
                                      "/web/css/own.css", WASM})

    def test_the_address_alone_leads_to_where_people_begin(self):
        found = self.statuses(enroll="on", client="CLIENT")
        self.assertEqual((found["/"], found["/enroll"]), (303, 200))

    def refuses(self, word, **settings):
        daemon = Daemon(keys=True, settings={
            "pages." + name: value for name, value in settings.items()})
        try:
            daemon.spawn()
            self.assertEqual(daemon.wait_exit(), 78)
            self.assertIn(word, daemon.log.text())
            daemon.process = None
        finally:
            daemon.close()

    def test_a_page_to_enrol_needs_a_client(self):
        self.refuses("pages.client", enroll="on")

    def test_that_client_has_to_be_known(self):
        self.refuses("is no client of role app", enroll="on",
                     client="cli_" + "0" * 26)

    def test_a_client_is_named_by_its_id(self):
        self.refuses("not a client's id", client="e2e app")

    def test_a_folder_that_is_not_there_is_refused(self):
        daemon = Daemon(keys=True, settings={"pages.dir": "/nowhere/at/all"})
        self.addCleanup(daemon.close)
        daemon.spawn()
        self.assertNotEqual(daemon.wait_exit(), 0)
        self.assertIn("cannot be read", daemon.log.text())
        daemon.process = None

    def test_what_cannot_be_served_is_refused(self):
        folder = folder_of({"a b.css": b""})
        self.addCleanup(shutil.rmtree, folder)
        self.refuses("not a name that can be asked for", dir=folder)
        os.rename(os.path.join(folder, "a b.css"),
                  os.path.join(folder, "a.php"))
        self.refuses("cannot be served", dir=folder)
        os.unlink(os.path.join(folder, "a.php"))
        os.symlink("/etc/passwd", os.path.join(folder, "a.txt"))
        daemon = Daemon(keys=True, settings={"pages.dir": folder})
        self.addCleanup(daemon.close)
        daemon.spawn()
        self.assertNotEqual(daemon.wait_exit(), 0)
        daemon.process = None
        os.unlink(os.path.join(folder, "a.txt"))
        os.makedirs(os.path.join(folder, "a", "b", "c", "d"))
        self.refuses("nested too deep", dir=folder)
        shutil.rmtree(os.path.join(folder, "a"))
        with open(os.path.join(folder, "large.txt"), "wb") as out:
            out.truncate((32 << 20) + 1)
        self.refuses("too much", dir=folder)
        os.unlink(os.path.join(folder, "large.txt"))
        for n in range(256):
            with open(os.path.join(folder, "%d.txt" % n), "wb"):
                pass
        self.refuses("cannot be served", dir=folder)


if __name__ == "__main__":
    unittest.main()
