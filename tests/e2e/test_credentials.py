"""The credential and its code of the day: as JSON, PNG and SVG."""

import re
import sqlite3
import struct
import subprocess
import tempfile
import unittest

from harness import DaemonCase, credential_of

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def read_qr(data, suffix):
    """What an independent decoder (ZXingReader) reads in an image file:
    text, symbology and error-correction level."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as out:
        out.write(data)
        out.flush()
        result = subprocess.run(
            ["ZXingReader", "-format", "QRCode", out.name],
            capture_output=True, text=True, check=False, timeout=60)
    text = re.search(r'Text:\s+"(.*)"', result.stdout)
    level = re.search(r"EC Level:\s+(\S+)", result.stdout)
    return (text.group(1) if text else None,
            level.group(1) if level else None, result.stdout)


def png_size(data):
    return struct.unpack(">II", data[16:24])


def svg_to_png(svg, scale=4):
    """Draws the few shapes our SVG uses (rect, and path of M/h/v/z) so that
    the decoder can judge it without another program."""
    from svg import rasterise
    return rasterise(svg, scale)


class Code(DaemonCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enrolment = cls.app.enrol(who=1)
        cls.credential = credential_of(cls.enrolment)
        cls.path = "/v1/credentials/%s/code" % cls.credential
        cls.holder = cls.daemon.api(cls.enrolment["holder_secret"])

    def test_the_code_has_its_form_and_its_window(self):
        answer = self.app.get(self.path)
        self.assertEqual(answer.status, 200, repr(answer))
        body = answer.json()
        code = body["code"]
        self.assertEqual(len(code), 56)
        self.assertTrue(code.startswith("SID1:"))
        self.assertTrue(set(code) <= set(ALPHABET))
        for field in ("not_before", "not_after", "refresh_after"):
            self.assertRegex(str(body[field]),
                             r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertLess(body["not_before"], body["not_after"])
        self.assertLessEqual(body["refresh_after"], body["not_after"])
        self.assertEqual(set(body), {"code", "kind", "not_before", "not_after",
                                     "refresh_after"})

    def test_a_code_is_never_stored_by_a_cache(self):
        for accept in ("application/json", "image/png", "image/svg+xml"):
            answer = self.app.get(self.path, {"Accept": accept})
            self.assertEqual(answer.header("cache-control"), "no-store")
            self.assertIsNone(answer.header("etag"))
            self.assertIsNone(answer.header("last-modified"))
            self.assertIn("accept", answer.header("vary", "").lower())

    def test_asking_twice_in_one_window_gives_the_same_code(self):
        codes = {self.app.code(self.credential)["code"] for _ in range(5)}
        self.assertEqual(len(codes), 1)

    def test_two_people_have_nothing_in_common_in_their_codes(self):
        _, other = self.approved(who=2)
        first = self.app.code(self.credential)["code"][5:]
        second = self.app.code(other)["code"][5:]
        same = sum(a == b for a, b in zip(first[3:], second[3:]))
        self.assertLess(same, 12)

    def test_the_holder_sees_the_same_code(self):
        self.assertEqual(self.holder.code(self.credential)["code"],
                         self.app.code(self.credential)["code"])

    def test_a_decoder_reads_the_png_at_both_levels_and_three_sizes(self):
        code = self.app.code(self.credential)["code"]
        for level in "MQ":
            for scale in (3, 6, 12):
                with self.subTest(level=level, scale=scale):
                    answer = self.app.get(
                        "%s?level=%s&scale=%d" % (self.path, level, scale),
                        {"Accept": "image/png"})
                    self.assertEqual(answer.status, 200, repr(answer))
                    self.assertEqual(answer.header("content-type"),
                                     "image/png")
                    text, read_level, out = read_qr(answer.body, ".png")
                    self.assertEqual(text, code, out)
                    self.assertEqual(read_level, level, out)
                    modules = png_size(answer.body)[0] / scale - 8
                    # Version 3 has 29 modules, version 4 (for Q) 33.
                    self.assertEqual(modules, 29 if level == "M" else 33)

    def test_a_decoder_reads_the_svg_at_both_levels_and_three_sizes(self):
        code = self.app.code(self.credential)["code"]
        for level in "MQ":
            for scale in (3, 6, 12):
                with self.subTest(level=level, scale=scale):
                    answer = self.app.get(
                        "%s?level=%s&scale=%d" % (self.path, level, scale),
                        {"Accept": "image/svg+xml"})
                    self.assertEqual(answer.status, 200, repr(answer))
                    self.assertIn(b"crispEdges", answer.body)
                    text, read_level, out = read_qr(
                        svg_to_png(answer.body), ".png")
                    self.assertEqual(text, code, out)
                    self.assertEqual(read_level, level, out)

    def test_without_scale_the_png_is_readable_and_of_level_m(self):
        answer = self.app.get(self.path, {"Accept": "image/png"})
        text, level, out = read_qr(answer.body, ".png")
        self.assertEqual(text, self.app.code(self.credential)["code"], out)
        self.assertEqual(level, "M")

    def test_the_quiet_zone_is_four_modules_of_white(self):
        scale = 5
        answer = self.app.get("%s?scale=%d" % (self.path, scale),
                              {"Accept": "image/png"})
        from svg import read_grey_png
        rows = read_grey_png(answer.body)
        quiet = 4 * scale
        for row in rows[:quiet] + rows[-quiet:]:
            self.assertTrue(all(row))
        for row in rows:
            self.assertTrue(all(row[:quiet]) and all(row[-quiet:]))
        self.assertFalse(rows[quiet][quiet])

    def test_accept_is_negotiated(self):
        for accept, kind in (
                ("*/*", "application/json"),
                ("image/*;q=0.5, application/json;q=0.4", "image/png"),
                ("image/svg+xml, image/png;q=0.9", "image/svg+xml"),
                ("application/json;q=0, image/png", "image/png"),
                ("application/*", "application/json"),
                ("text/html, */*;q=0.1", "application/json"),
                ("IMAGE/PNG", "image/png")):
            with self.subTest(accept=accept):
                answer = self.app.get(self.path, {"Accept": accept})
                self.assertEqual(answer.status, 200, repr(answer))
                self.assertEqual(
                    answer.header("content-type").split(";")[0], kind)

    def test_what_cannot_be_made_is_406(self):
        for accept in ("text/html", "image/webp", "application/json;q=0"):
            with self.subTest(accept=accept):
                answer = self.app.get(self.path, {"Accept": accept})
                self.assert_problem(answer, 406, "not_acceptable")

    def test_wrong_scale_and_level_are_refused(self):
        for query in ("scale=0", "scale=33", "scale=-1", "scale=x", "scale=",
                      "scale=1.5", "scale=99999999999999999999", "level=L",
                      "level=H", "level=m1", "level=", "scale=3&scale=4",
                      "colour=red"):
            with self.subTest(query=query):
                answer = self.app.get(self.path + "?" + query,
                                      {"Accept": "image/png"})
                self.assert_problem(answer, 422)

    def test_the_credential_itself_has_no_personal_data(self):
        answer = self.app.get("/v1/credentials/" + self.credential)
        self.assertEqual(answer.status, 200, repr(answer))
        body = answer.json()
        self.assertEqual(body["id"], self.credential)
        self.assertEqual(body["type"], "resident_id")
        self.assertEqual(body["assurance"], "remote")
        self.assertEqual(body["state"], "active")
        self.assertNotIn("name", body)
        self.assertNotIn("id_number", body)
        self.assertEqual(answer.header("cache-control"), "no-store")


class Owners(DaemonCase):
    """Who may see a credential: its app, its holder; an officer looks but
    gets no codes; to anybody else it does not exist."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.app.enrol(who=1)
        cls.second = cls.app.enrol(who=2)
        cls.other_app = cls.daemon.api(
            cls.daemon.add_client("app", "another app"))
        cls.credential = credential_of(cls.first)

    def paths(self):
        return ["/v1/credentials/" + self.credential,
                "/v1/credentials/%s/code" % self.credential,
                "/v1/enrollments/" + self.first["id"]]

    def test_another_app_gets_404(self):
        for path in self.paths():
            self.assert_problem(self.other_app.get(path), 404, "not_found")
        self.assert_problem(self.other_app.revoke(self.credential), 404,
                            "not_found")
        self.assertEqual(self.app.get(self.paths()[0]).json()["state"],
                         "active")

    def test_the_holder_may_look(self):
        holder = self.daemon.api(self.first["holder_secret"])
        for path in self.paths():
            self.assertEqual(holder.get(path).status, 200, path)

    def test_another_holder_gets_404(self):
        holder = self.daemon.api(self.second["holder_secret"])
        for path in self.paths():
            self.assert_problem(holder.get(path), 404, "not_found")
        self.assert_problem(holder.revoke(self.credential), 404, "not_found")

    def test_an_invented_holder_secret_gets_404_or_401(self):
        secret = self.first["holder_secret"]
        last = "b" if secret[-2] != "b" else "c"
        holder = self.daemon.api(secret[:-2] + last + secret[-1])
        for path in self.paths():
            self.assertIn(holder.get(path).status, (401, 404))

    def test_the_answer_to_a_stranger_is_the_same_as_to_the_unknown(self):
        unknown = "crd_" + "0" * (len(self.credential) - 4)
        foreign = self.other_app.get("/v1/credentials/" + self.credential)
        nothing = self.other_app.get("/v1/credentials/" + unknown)
        first, second = foreign.json(), nothing.json()
        for document in (first, second):
            document.pop("request_id")
            document.pop("instance", None)
        self.assertEqual(first, second)

    def test_an_officer_sees_the_credential_but_no_code(self):
        self.assertEqual(self.officer.get(self.paths()[0]).status, 200)
        answer = self.officer.get(self.paths()[1])
        self.assertIn(answer.status, (403, 404), repr(answer))


class Revocation(DaemonCase):
    def test_a_revoked_credential_has_no_code_and_does_not_verify(self):
        _, credential = self.approved(who=1)
        code = self.app.code(credential)["code"]
        self.assertTrue(self.clerk.verify(code)["valid"])
        answer = self.app.revoke(credential)
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertEqual(answer.json()["state"], "revoked")
        verified = self.clerk.verify(code)
        self.assertFalse(verified["valid"])
        self.assertEqual(verified["reason"], "not_valid")
        gone = self.app.get("/v1/credentials/%s/code" % credential)
        self.assert_problem(gone, 409, "credential_revoked")
        state = self.app.get("/v1/credentials/" + credential).json()
        self.assertEqual(state["state"], "revoked")

    def test_revoking_twice_is_told(self):
        _, credential = self.approved(who=2)
        self.assertEqual(self.app.revoke(credential).status, 200)
        answer = self.app.revoke(credential)
        self.assert_problem(answer, 409, "credential_revoked")

    def test_the_holder_and_an_officer_may_revoke(self):
        for who in (3, 4):
            enrolment, credential = self.approved(who=who)
            api = self.officer if who == 3 else \
                self.daemon.api(enrolment["holder_secret"])
            self.assertEqual(api.revoke(credential).status, 200)

    def test_a_revocation_needs_a_reason(self):
        _, credential = self.approved(who=5)
        path = "/v1/credentials/%s/revoke" % credential
        for bad in ({}, {"reason": ""}, {"reason": 7}, {"reason": "x" * 2000},
                    {"reason": "lost phone"}, {"reason": "fraud"},
                    {"reason": "lost", "more": 1}, {"note": "lost"},
                    {"reason": "lost", "note": "x" * 401}, []):
            with self.subTest(bad=bad):
                self.assert_problem(self.app.post(path, bad),
                                    400 if bad == [] else 422)
        state = self.app.get("/v1/credentials/" + credential).json()
        self.assertEqual(state["state"], "active")

    def test_an_unknown_credential_is_404(self):
        self.assert_problem(self.app.revoke("crd_00000000000000"), 404,
                            "not_found")

    def test_no_check_passes_after_a_revocation_was_acknowledged(self):
        from harness import threads
        import threading
        for round_number in range(5):
            _, credential = self.approved(who=6 + round_number)
            code = self.app.code(credential)["code"]
            acknowledged = threading.Event()
            started = threading.Barrier(5)
            late = []

            def work(index):
                with self.daemon.connect() as connection:
                    started.wait()
                    if index == 0:
                        answer = self.app.revoke(credential)
                        acknowledged.set()
                        self.assertEqual(answer.status, 200)
                        return
                    for _ in range(60):
                        after = acknowledged.is_set()
                        body = ('{"code": "%s", "purpose": "train_ticket"}' %
                                code).encode()
                        answer = connection.request(
                            "POST", "/v1/verifications",
                            self.clerk.headers(
                                {"Content-Type": "application/json"}), body)
                        if after and answer.json()["valid"]:
                            late.append(answer)

            threads(5, work)
            self.assertEqual(late, [])


class Damaged(DaemonCase):
    def test_a_code_is_revoked_although_the_persons_key_is_damaged(self):
        """What cannot be sealed is let go; that a lost code dies is not."""
        _, credential = self.approved()
        code = self.app.code(credential)["code"]
        self.daemon.stop()
        with sqlite3.connect(self.daemon.database) as database:
            database.execute("UPDATE subject_key SET data_wrapped = "
                             "zeroblob(62)")
        database.close()
        self.daemon.start()
        answer = self.app.revoke(credential, note="on the bus")
        self.assertEqual(answer.status, 200, repr(answer))
        self.assertEqual(self.clerk.verify(code)["reason"], "not_valid")
        self.assert_logged(" event=note_not_kept ")


if __name__ == "__main__":
    unittest.main()
