"""Two daemons, one on a file and one on a server, that are asked the same: do
they answer alike? What each makes up by itself (ids, codes, secrets) counts by
where it came first; times count as alike within some seconds."""

import datetime
import json
import random
import re

import photos
from harness import PURPOSES, form, holder, multipart
from http_raw import Closed, Connection, head_bytes

# The clocks are the same, but one is asked after the other.
SECONDS_APART = 20
MADE_UP = re.compile(
    r"(?:enr|crd|ver|chl|dsp|cli)_[0-9A-Za-z]+|SID1:[0-9A-Z $%*+./:-]{56}|"
    r"sidh_[0-9A-Za-z_]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
# Made up as well, without a form of their own.
SECRET_FIELDS = ("holder_secret", "pseudonym", "code", "photo_url")
# What came in one second is in the order of the ids.
BY_ID = ("disputes", "enrollments")
LEFT_OUT = ("request_id", "mac", "seq", "next", "latency_ms")

REASONS = ("lost", "stolen", "moved_away", "nonsense")
TYPES = ("drivers_licence", "drivers_licence", "nonsense")
FLAWS = (photos.OK, photos.OK, photos.BLURRED, photos.UNCLEAR)


class Names:
    """What one daemon has made up, in the order in which it came."""

    def __init__(self):
        self.known = {}

    def of(self, text):
        return self.known.setdefault(text, "<%d>" % len(self.known))

    def plain(self, value, field=None):
        """With names in place of what was made up."""
        if isinstance(value, dict):
            return {key: self.plain(one, key) for key, one in value.items()
                    if key not in LEFT_OUT}
        if isinstance(value, list):
            some = [self.plain(one, field) for one in value]
            return sorted(some, key=str) if field in BY_ID else some
        if isinstance(value, str):
            if field in SECRET_FIELDS:
                return self.of(value)
            return MADE_UP.sub(lambda m: self.of(m.group(0)), value)
        return value


def seconds(text):
    return datetime.datetime.strptime(
        text[:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()


def alike(one, other):
    """True for values that are the same but for what may differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, str) and isinstance(other, str):
        times = TIME.findall(one), TIME.findall(other)
        return TIME.sub("T", one) == TIME.sub("T", other) and all(
            abs(seconds(a) - seconds(b)) <= SECONDS_APART
            for a, b in zip(*times))
    return type(one) is type(other) and one == other


class Twin:
    """One of the two daemons, with what it has made up."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.names = Names()
        self.connection = None
        self.known = {"enrolment": [], "credential": [], "code": [],
                      "check": [], "dispute": [], "secret": []}

    def send(self, data, method):
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = Connection(("127.0.0.1", self.daemon.port))
            try:
                self.connection.send(data)
                return self.connection.answer(method)
            except (Closed, OSError):
                self.connection.close()
                self.connection = None
                if attempt:
                    raise
        return None

    def ask(self, key, method, path, value=None, headers=None, parts=None):
        more = dict(headers or {})
        if key is not None:
            more["Authorization"] = "Bearer " + key
        body = None
        if parts is not None:
            more["Content-Type"], body = parts
        elif value is not None:
            more["Content-Type"] = "application/json"
            body = json.dumps(value).encode()
        return self.send(head_bytes(method, path, more, body) + (body or b""),
                         method)

    def learn(self, document):
        """Keeps what later requests can be about."""
        if not isinstance(document, dict):
            return
        for field, value in document.items():
            if isinstance(value, dict):
                self.learn(value)
            elif isinstance(value, list):
                for one in value:
                    self.learn(one)
            elif field == "holder_secret":
                self.add("secret", value)
            elif field == "code" and str(value).startswith("SID1:"):
                self.add("code", value)
            elif isinstance(value, str):
                for sort, prefix in (("enrolment", "enr_"),
                                     ("credential", "crd_"),
                                     ("check", "ver_"), ("dispute", "dsp_")):
                    if value.startswith(prefix):
                        self.add(sort, value)

    def add(self, sort, value):
        if value not in self.known[sort]:
            self.known[sort].append(value)

    def pick(self, sort, number):
        """The same one in both: the last ones come most often."""
        some = self.known[sort]
        return some[-1 - number % min(len(some), 6)] if some else "none"

    def begin(self):
        """Nothing of what was before is asked for any more."""
        for some in self.known.values():
            some.clear()

    def close(self):
        if self.connection is not None:
            self.connection.close()


class Sequence:
    """What one seed asks of both."""

    def __init__(self, twins, seed):
        self.twins = twins
        self.seed = seed
        self.rng = random.Random(seed)
        self.people = []
        self.keys = []
        self.done = []
        for twin in twins:
            twin.begin()

    def both(self, role, method, path, value=None, headers=None, parts=None):
        """Asks both; path and value may be functions of the twin. None, or how
        the answers differ."""
        seen = []
        for twin in self.twins:
            key = twin.pick("secret", self.number) if role == "holder" else \
                twin.daemon.keys[role]
            answer = twin.ask(
                key, method, path(twin) if callable(path) else path,
                value(twin) if callable(value) else value, headers, parts)
            kind = answer.header("content-type", "")
            document = answer.json() if "json" in kind and answer.body else \
                len(answer.body) > 0
            twin.learn(document)
            seen.append([answer.status, twin.names.plain(document)])
        self.done.append("%s %s %s %s" % (
            role, method, path(self.twins[0]) if callable(path) else path,
            seen[0][0]))
        return None if alike(*seen) else seen

    def person(self):
        if self.people and self.rng.random() < 0.3:
            return self.rng.choice(self.people)
        self.people.append(holder(
            "Person %d" % len(self.people), photos.random_number(self.rng)))
        return self.people[-1]

    def headers(self):
        """Now and then under a key, which may have been used before."""
        if self.rng.random() < 0.7:
            return {}
        if not self.keys or self.rng.random() < 0.6:
            self.keys.append("key %s %d" % (self.seed, len(self.keys)))
        return {"Idempotency-Key": self.rng.choice(self.keys)}

    # ---- what can be asked -------------------------------------------------
    def at_counter(self):
        person = {k: v for k, v in self.person().items()}
        value = {"holder": person, "person_seen": True, "card_seen": True}
        if self.rng.random() < 0.2:
            value["replace"] = True
        return self.both("officer", "POST", "/v1/counter/enrollments", value,
                         self.headers())

    def by_app(self):
        who = self.rng.randrange(4)
        parts = multipart(form(
            self.person(), photos.photo(who),
            photos.photo(who, self.rng.choice(FLAWS))))
        return self.both("app", "POST", "/v1/enrollments", None,
                         {**self.headers(), "Prefer": "wait=30"}, parts)

    def on(self, sort, role, method, path, value=None):
        return self.both(role, method,
                         lambda t: path % t.pick(sort, self.number), value)

    def check(self):
        value = lambda t: {  # noqa: E731
            "code": t.pick("code", self.number) + self.spoilt,
            "purpose": self.purpose}
        return self.both("clerk", "POST", "/v1/verifications", value)

    def checks(self):
        value = lambda t: {  # noqa: E731
            "purpose": self.purpose, "checks": [
                {"code": t.pick("code", n) + self.spoilt * (n == 1)}
                for n in range(3)]}
        return self.both("clerk", "POST", "/v1/verifications/batch", value)

    def change(self):
        change, value = self.rng.choice((
            ("suspend", {}), ("resume", {}),
            ("revoke", {"reason": self.rng.choice(REASONS)}),
            ("upgrade", {"person_seen": True, "card_seen": True}),
            ("issue", {"type": self.rng.choice(TYPES), "fields": {
                "classes": "C1 D", "first_issue": "2020-05-17"}}),
            ("recover", {"reason": "new_phone"})))
        return self.on("credential", self.role, "POST",
                       "/v1/credentials/%s/" + change, value)

    def decide(self):
        return self.on("enrolment", "officer", "POST",
                       "/v1/enrollments/%s/decision",
                       {"decision": self.rng.choice(("approve", "reject")),
                        "reason": "seen"})

    def dispute(self):
        return self.both(
            "holder", "POST", lambda t: "/v1/verifications/%s/dispute" %
            t.pick("check", self.number),
            lambda t: {"credential_id": t.pick("credential", self.number),
                       "reason": "not me"})

    def settle(self):
        return self.on("dispute", "officer", "POST", "/v1/disputes/%s/settle",
                       {"outcome": self.rng.choice(("upheld", "dismissed")),
                        "note": "seen"})

    def search(self):
        if self.people and self.rng.random() < 0.5:
            value = {"id_number": self.rng.choice(self.people)["id_number"]}
        else:
            value = lambda t: {  # noqa: E731
                "credential_id": t.pick("credential", self.number)}
        return self.both("officer", "POST", "/v1/credentials/search", value)

    def erase(self):
        if self.rng.random() < 0.7:
            return self.look()
        return self.on("enrolment", self.rng.choice(("officer", "holder",
                                                     "app")),
                       "DELETE", "/v1/enrollments/%s")

    def look(self):
        sort, path = self.rng.choice((
            ("enrolment", "/v1/enrollments/%s"),
            ("credential", "/v1/credentials/%s"),
            ("credential", "/v1/credentials/%s/checks?limit=3"),
            ("enrolment", "/v1/enrollments/%s/photos/selfie")))
        return self.on(sort, self.role, "GET", path)

    def code(self):
        live = self.rng.choice(("", "", "?kind=live"))
        return self.on("credential", self.rng.choice(("app", "holder")), "GET",
                       "/v1/credentials/%s/code" + live)

    def listing(self):
        role, path = self.rng.choice((
            ("officer", "/v1/disputes"), ("officer", "/v1/audit?limit=5"),
            ("admin", "/v1/audit?limit=9"), ("admin", "/v1/overview"),
            ("admin", "/v1/keys"), ("clerk", "/v1/audit?limit=1")))
        return self.both(role, "GET", path)

    def time_passes(self):
        """Codes and keys of before are not used any more: what is old is
        forgotten by each when its next round comes."""
        for twin in self.twins:
            twin.daemon.set_clock(twin.daemon.shift + 61)
        return None

    def step(self):
        """One operation. None, or how the answers differ."""
        rng = self.rng
        self.number = rng.randrange(6)
        self.spoilt = rng.choice(("", "", "", "A"))
        self.purpose = rng.choice(sorted(PURPOSES) + ["unknown"])
        self.role = rng.choice(("app", "officer", "holder", "clerk"))
        act = rng.choices(
            (self.at_counter, self.by_app, self.check, self.checks, self.code,
             self.change, self.decide, self.dispute, self.settle, self.search,
             self.erase, self.look, self.listing, self.time_passes),
            (7, 1, 12, 2, 10, 7, 2, 3, 2, 3, 2, 8, 2, 1))[0]
        return act()
