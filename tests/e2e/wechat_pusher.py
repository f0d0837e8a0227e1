"""The side of WeChat that pushes: what happens at an account is signed, sealed
and delivered to the account's server, up to three times, each time waiting
five seconds for an answer."""

import http.client
import json
import random
import threading
import time
import urllib.parse
import xml.etree.ElementTree as tree  # for what our own side wrote

import wechat_crypto as crypto

ANSWER_LIMIT_S = 5.0  # WeChat's patience with one delivery
DELIVERIES = 3
QUOTA_MESSAGE = 5  # custom messages after a message of the user


class Delivery:
    """What came back of one delivery; status None: nothing in time."""

    def __init__(self, status, body, seconds):
        self.status, self.body, self.seconds = status, body, seconds

    def taken(self):
        """WeChat asks no more after this one."""
        return self.status == 200


class Pusher:
    """Signs, seals and delivers what happens at an account."""

    def __init__(self, account, url, mode="secure", form="xml",
                 clock=time.time, limit_s=ANSWER_LIMIT_S, standin=None):
        self.account, self.url = account, url
        self.mode, self.form = mode, form
        self.clock, self.limit_s = clock, limit_s
        self.standin = standin
        self.next_id = random.randrange(10 ** 15, 10 ** 18)

    # ---- what can happen --------------------------------------------------
    def message(self, openid, kind, **fields):
        self.next_id += 1
        with self.standin.lock if self.standin else threading.Lock():
            self.account.spoke[openid] = [self.clock(), QUOTA_MESSAGE]
        return dict(self.head(openid, kind), **fields, MsgId=self.next_id)

    def text(self, openid, content):
        return self.message(openid, "text", Content=content)

    def image(self, openid, data, kind="image/jpeg"):
        media_id = self.standin.add_media(data, kind)
        return self.message(openid, "image", MediaId=media_id,
                            PicUrl=self.standin.base + "/pic/" + media_id)

    def event(self, openid, event, key="", **fields):
        return dict(self.head(openid, "event"), Event=event, EventKey=key,
                    **fields)

    def scan(self, openid, result, key="scan", event="scancode_waitmsg"):
        return self.event(openid, event, key, ScanCodeInfo={
            "ScanType": "qrcode", "ScanResult": result})

    def head(self, openid, kind):
        return {"ToUserName": self.account.original_id,
                "FromUserName": openid, "CreateTime": int(self.clock()),
                "MsgType": kind}

    # ---- how it is written ------------------------------------------------
    def written(self, message):
        if self.form == "json":
            return json.dumps(message, ensure_ascii=False)
        return "<xml>%s</xml>" % _xml(message)

    def request(self, message):
        """(query, body) of one delivery, signed now."""
        account = self.account
        text = self.written(message)
        query = self.signed()
        query["openid"] = message.get("FromUserName", "")
        if self.mode == "plain":
            return query, text
        sealed = crypto.encrypt(account.aes_key, account.app_id,
                                text.encode())
        query["encrypt_type"] = "aes"
        query["msg_signature"] = crypto.sign(
            account.token, query["timestamp"], query["nonce"], sealed)
        outer = {"ToUserName": account.original_id, "Encrypt": sealed}
        if self.mode == "compat":
            outer = dict(message, Encrypt=sealed)
        return query, self.written(outer)

    def signed(self):
        query = {"timestamp": str(int(self.clock())),
                 "nonce": str(random.randrange(10 ** 9, 10 ** 10))}
        query["signature"] = crypto.sign(
            self.account.token, query["timestamp"], query["nonce"])
        return query

    # ---- how it is delivered ----------------------------------------------
    def send(self, method, query, body):
        """One HTTP request within the limit; a Delivery."""
        url = urllib.parse.urlsplit(self.url)
        began = time.monotonic()
        connection = http.client.HTTPConnection(url.hostname, url.port,
                                                timeout=self.limit_s)
        try:
            kind = "text/xml" if self.form == "xml" else "application/json"
            connection.request(
                method, url.path + "?" + urllib.parse.urlencode(query),
                body.encode() if body else None, {"Content-Type": kind})
            answer = connection.getresponse()
            return Delivery(answer.status, answer.read(),
                            time.monotonic() - began)
        except (OSError, http.client.HTTPException):
            return Delivery(None, b"", time.monotonic() - began)
        finally:
            connection.close()

    def verify_url(self):
        """True when the server answers WeChat's question as it must."""
        query = self.signed()
        query["echostr"] = str(random.randrange(10 ** 18, 10 ** 19))
        answer = self.send("GET", query, None)
        return answer.status == 200 and \
            answer.body == query["echostr"].encode()

    def deliver(self, message):
        """One delivery."""
        return self.send("POST", *self.request(message))

    def push(self, message):
        """Delivers until an answer comes in time, at most three times.
        Returns the deliveries."""
        done = []
        while len(done) < DELIVERIES and not (done and done[-1].taken()):
            done.append(self.deliver(message))
        return done

    def storm(self, messages, copies=DELIVERIES, seed=1):
        """Delivers every message `copies` times, out of order."""
        order = [m for m in messages for _ in range(copies)]
        random.Random(seed).shuffle(order)
        return [self.deliver(m) for m in order]

    def shown(self, delivery):
        """What the user sees of an answer: None for nothing, else a dict of
        the reply's fields. AssertionError when WeChat would say that the
        account is out of order."""
        body = delivery.body.decode()
        if body in ("", "success"):
            return None
        fields = _fields(body)
        if self.mode != "plain":
            account = self.account
            if fields["MsgSignature"] != crypto.sign(
                    account.token, fields["TimeStamp"], fields["Nonce"],
                    fields["Encrypt"]):
                raise AssertionError("the reply's signature is wrong")
            fields = _fields(crypto.decrypt(
                account.aes_key, account.app_id, fields["Encrypt"]).decode())
        if fields.get("MsgType") not in ("text", "image"):
            raise AssertionError("no reply: %r" % fields)
        return fields


def _xml(fields):
    out = []
    for name, value in fields.items():
        if isinstance(value, dict):
            out.append("<%s>%s</%s>" % (name, _xml(value), name))
        elif isinstance(value, int):
            out.append("<%s>%d</%s>" % (name, value, name))
        else:
            out.append("<%s><![CDATA[%s]]></%s>" % (
                name, value.replace("]]>", "]]]]><![CDATA[>"), name))
    return "".join(out)


def _fields(text):
    """The fields of a reply, XML or JSON, flat."""
    if text.lstrip().startswith("{"):
        found = json.loads(text)
        found.update(found.pop("Image", {}))
        return {name: str(value) for name, value in found.items()}
    root = tree.fromstring(text)
    if root.tag != "xml":
        raise AssertionError("no reply: %r" % text)
    return {node.tag: node.text or "" for node in root.iter()
            if len(node) == 0}
