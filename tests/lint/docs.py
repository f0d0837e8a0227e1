#!/usr/bin/env python3
"""docs.py: src/web/docs.html is src/web/openapi.json, to be read: each route
with who may, what it takes and every answer. The page is kept in the repository,
so that the build needs nothing for it.
Usage: docs.py [--write]   (--write makes it; otherwise a difference fails)"""

import difflib
import html
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SOURCE = os.path.join(ROOT, "src", "web", "openapi.json")
PAGE = os.path.join(ROOT, "src", "web", "docs.html")
# Headers that every answer has; told once.
EVERYWHERE = ("X-Request-Id", "Cache-Control", "X-Content-Type-Options")

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: the API</title>
<link rel="stylesheet" href="/web/css/tokens.css">
<link rel="stylesheet" href="/web/css/docs.css">
<link rel="icon" href="/web/icon.svg" type="image/svg+xml">
</head>
<body>
<a class="skip" href="#main">To the text</a>
<header>
<h1>{title}</h1>
<p>{summary} Version {version}; for programs:
<a href="/openapi.json">openapi.json</a>.</p>
</header>
<div class="columns">
"""
TAIL = "</main>\n</div>\n</body>\n</html>\n"


class Book:
    """The document, and the pieces of the page that are made of it."""

    def __init__(self, whole):
        self.whole = whole
        self.out = []
        self.where = ""  # whose tables and examples follow
        self.labels = {}

    def add(self, *lines):
        self.out += lines

    def resolve(self, node):
        while "$ref" in node:
            beside = {k: v for k, v in node.items() if k != "$ref"}
            at = self.whole
            for name in node["$ref"][2:].split("/"):
                at = at[name]
            node = {**at, **beside}
        return node

    # ---- text ---------------------------------------------------------------
    @staticmethod
    def inline(text):
        return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, False))

    def prose(self, text):
        """Paragraphs, and lists of lines that begin with a dash."""
        for block in text.split("\n\n"):
            lines = block.split("\n")
            if lines[0].startswith("- "):
                self.add("<ul>", *("<li>%s</li>" % self.inline(one[2:])
                                   for one in lines), "</ul>")
            else:
                self.add("<p>%s</p>" % self.inline(" ".join(lines)))

    # ---- schemas --------------------------------------------------------------
    def kind(self, schema):
        """A schema in a few words."""
        if "$ref" in schema and schema["$ref"].startswith(
                "#/components/schemas/"):
            name = schema["$ref"].split("/")[-1]
            return '<a href="#schema-%s">%s</a>' % (name, name)
        if "const" in schema:
            return "<code>%s</code>" % html.escape(json.dumps(schema["const"]))
        if "enum" in schema:
            return ", ".join("<code>%s</code>" % html.escape(str(one))
                             for one in schema["enum"])
        if "anyOf" in schema:
            return " or ".join(self.kind(one) for one in schema["anyOf"])
        if schema.get("type") == "array":
            return "list of " + self.kind(schema["items"])
        words = [schema.get("type", "")]
        words += [schema["format"]] if "format" in schema else []
        words += ["%s to %s" % (schema.get("minimum", "…"),
                                schema.get("maximum", "…"))] \
            if "minimum" in schema or "maximum" in schema else []
        words += ["%s to %s characters" % (schema.get("minLength", 0),
                                           schema.get("maxLength", "…"))] \
            if "minLength" in schema or "maxLength" in schema else []
        words += ["as <code>%s</code>" % html.escape(schema["pattern"])] \
            if "pattern" in schema else []
        words += ["else %s" % schema["default"]] if "default" in schema else []
        return " ".join(words)

    def members(self, schema):
        """Rows of an object: name, whether it must, kind, words."""
        schema = self.resolve(schema)
        rows = []
        for part in schema.get("allOf", ()):
            rows += self.members(part)
        needed = schema.get("required", ())
        for name, one in schema.get("properties", {}).items():
            rows.append((name, name in needed, self.kind(one),
                         self.resolve(one).get("description", "")))
            inner = one["items"] if one.get("type") == "array" else one
            if "$ref" not in inner and "properties" in inner:
                rows += [("%s.%s" % (name, deep), must, kind, words)
                         for deep, must, kind, words in self.members(inner)]
        return rows

    def label(self, what):
        """A name for something that scrolls, which nothing else has."""
        text = "%s: %s" % (self.where, what)
        self.labels[text] = self.labels.get(text, 0) + 1
        again = self.labels[text]
        return html.escape(text if again == 1 else "%s %d" % (text, again))

    def table(self, head, rows):
        if not rows:
            return
        self.add('<div class="table" tabindex="0" role="region" '
                 'aria-label="%s"><table>' % self.label(head[0] + "s"),
                 "<thead><tr>%s</tr></thead>" % "".join(
                     '<th scope="col">%s</th>' % one for one in head), "<tbody>")
        for first, *rest in rows:
            self.add('<tr><th scope="row">%s</th>%s</tr>' % (
                first, "".join("<td>%s</td>" % one for one in rest)))
        self.add("</tbody></table></div>")

    def object_table(self, head, schema):
        self.table([head, "needed", "what"], [
            ("<code>%s</code>" % name, "yes" if must else "",
             "%s%s" % (kind, ". " + self.inline(words) if words else ""))
            for name, must, kind, words in self.members(schema)])

    def example(self, value, label):
        text = value if isinstance(value, str) else \
            json.dumps(value, indent=2, ensure_ascii=False)
        self.add('<pre tabindex="0" role="region" aria-label="%s"><code>%s'
                 '</code></pre>' % (self.label(label), html.escape(text, False)))

    @staticmethod
    def examples(media):
        if "example" in media:
            return [("Example", media["example"])]
        return [("Example: " + name, one["value"])
                for name, one in media.get("examples", {}).items()]

    def media(self, content, head):
        for kind, media in content.items():
            schema = media.get("schema", {})
            self.add('<p class="type">%s: %s</p>' % (
                html.escape(kind), self.kind(schema)))
            if "$ref" not in schema and "properties" in schema:
                self.object_table(head, schema)
            for label, value in self.examples(media):
                if isinstance(value, dict):
                    if label != "Example":
                        self.add('<p class="type">%s</p>' % label)
                    self.example(value, label)

    # ---- an operation ------------------------------------------------------------
    @staticmethod
    def who(roles):
        told = [", ".join(roles["any"])] if roles["any"] else []
        told += ["%s (on their own)" % ", ".join(roles["own"])] \
            if roles["own"] else []
        return "; ".join(told)

    def parameters(self, operation):
        rows = []
        for one in map(self.resolve, operation.get("parameters", ())):
            if one["name"] == "X-Request-Id":
                continue
            rows.append(("<code>%s</code>" % one["name"], one["in"] +
                         (", needed" if one.get("required") else ""),
                         "%s. %s" % (self.kind(one["schema"]),
                                     self.inline(one["description"]))))
        self.table(["parameter", "in", "what"], rows)

    def answers(self, operation):
        rows = []
        for status, one in operation["responses"].items():
            if int(status) < 400:
                continue
            response = self.resolve(one)
            content = response["content"]["application/problem+json"]
            codes = content["schema"]["properties"]["code"]["enum"]
            rows.append((status, " ".join("<code>%s</code>" % one
                                          for one in codes),
                         self.inline(response["description"])))
        self.add("<details><summary>What can go wrong</summary>")
        self.table(["status", "code", "what"], rows)
        self.add("</details>")

    def success(self, status, response):
        self.add("<h4>%s</h4>" % status,
                 "<p>%s</p>" % self.inline(response["description"]))
        self.table(["header", "what"], [
            ("<code>%s</code>" % name,
             self.inline(self.resolve(one)["description"]))
            for name, one in response.get("headers", {}).items()
            if name not in EVERYWHERE])
        self.media(response.get("content", {}), "member")

    def operation(self, method, path, operation):
        self.where = operation["summary"]
        self.add('<section id="%s">' % operation["operationId"],
                 "<h3>%s</h3>" % html.escape(operation["summary"]),
                 '<p class="route"><b>%s</b> <code>%s</code></p>' % (
                     method.upper(), html.escape(path)))
        self.prose(operation.get("description", ""))
        if "x-roles" in operation:
            self.add('<p class="who">Who may: %s</p>' % self.who(
                operation["x-roles"]))
        self.parameters(operation)
        body = operation.get("requestBody")
        if body:
            self.add("<h4>Body%s</h4>" % ("" if body["required"] else
                                          ", if you like"))
            self.media(body["content"], "member")
        for status, one in operation["responses"].items():
            if status < "400" or status.endswith("XX"):
                self.success(status, self.resolve(one))
        if "x-roles" in operation:
            self.answers(operation)
        self.add("</section>")

    # ---- the page ------------------------------------------------------------------
    def by_tag(self):
        out = {tag["name"]: [] for tag in self.whole["tags"]}
        for path, item in self.whole["paths"].items():
            for method, one in item.items():
                out[one["tags"][0]].append((method, path, one))
        for item in self.whole["webhooks"].values():
            for method, one in item.items():
                out[one["tags"][0]].append((method, "your webhook_url", one))
        return out

    def contents(self):
        self.add('<nav aria-label="Contents">',
                 '<p><a href="#main">Begin here</a></p>')
        for tag, rows in self.by_tag().items():
            self.add('<p><a href="#tag-%s">%s</a></p>' % (tag, tag), "<ul>")
            self.add(*('<li><a href="#%s">%s</a></li>' % (
                one["operationId"], html.escape(one["summary"]))
                for _, _, one in rows), "</ul>")
        self.add('<p><a href="#codes">Codes of problems</a></p>',
                 '<p><a href="#schemas">Schemas</a></p>', "</nav>")

    def codes(self):
        found = {}
        for item in self.whole["paths"].values():
            for one in item.values():
                for status, response in one["responses"].items():
                    content = self.resolve(response).get("content", {})
                    problem = content.get("application/problem+json")
                    for code in problem["schema"]["properties"]["code"][
                            "enum"] if problem else ():
                        found.setdefault((int(status), code), []).append(one)
        for status, one in self.whole["x-everywhere"].items():
            content = self.resolve(one)["content"]["application/problem+json"]
            for code in content["schema"]["properties"]["code"]["enum"]:
                found.setdefault((int(status), code), [])
        everywhere = len(self.whole["paths"]) // 2
        self.where = "Problems"
        self.add('<h2 id="codes">Codes of problems</h2>')
        self.table(["status", "code", "where"], [
            (status, "<code>%s</code>" % code,
             "anywhere" if not where or len(where) > everywhere else
             ", ".join('<a href="#%s">%s</a>' % (
                 one["operationId"], one["operationId"]) for one in where))
            for (status, code), where in sorted(found.items())])

    def schemas(self):
        self.add('<h2 id="schemas">Schemas</h2>')
        for name, schema in self.whole["components"]["schemas"].items():
            self.where = name
            self.add('<section id="schema-%s">' % name,
                     "<h3>%s</h3>" % name)
            if "description" in schema:
                self.add("<p>%s</p>" % self.inline(schema["description"]))
            if "properties" in schema or "allOf" in schema:
                self.object_table("member", schema)
            else:
                self.add('<p class="type">%s</p>' % self.kind(schema))
            self.add("</section>")

    def page(self):
        info = self.whole["info"]
        self.contents()
        self.add('<main id="main">')
        self.prose(info["description"])
        for tag in self.whole["tags"]:
            self.add('<h2 id="tag-%s">%s</h2>' % (tag["name"], tag["name"]),
                     "<p>%s</p>" % self.inline(tag["description"]))
            for method, path, one in self.by_tag()[tag["name"]]:
                self.operation(method, path, one)
        self.codes()
        self.schemas()
        return HEAD.format(**{name: html.escape(info[name]) for name in (
            "title", "summary", "version")}) + "\n".join(self.out) + "\n" + TAIL


def main():
    with open(SOURCE, encoding="utf-8") as stream:
        fresh = Book(json.load(stream)).page()
    if "--write" in sys.argv[1:]:
        with open(PAGE, "w", encoding="utf-8") as out:
            out.write(fresh)
        return 0
    with open(PAGE, encoding="utf-8") as stream:
        kept = stream.read()
    if kept == fresh:
        return 0
    sys.stdout.writelines(list(difflib.unified_diff(
        kept.splitlines(True), fresh.splitlines(True), PAGE, "openapi.json",
        n=1))[:60])
    print("run: make docs")
    return 1


if __name__ == "__main__":
    sys.exit(main())
