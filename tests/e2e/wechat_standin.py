#!/usr/bin/env python3
"""A stand-in for WeChat on the loopback: its API, and the side that pushes.

The API: stable_token, media get and upload, custom messages with their quota,
OAuth, the JS-SDK's ticket, getcallbackip. It can be told to fail: see
Standin.fail(). The pushing side is in wechat_pusher.py.

As a program: wechat_standin.py [--port N] --app-id ID --secret S --token T
[--aes-key K]; prints `listening on PORT`, then obeys POST /standin/… (see
Control). Nothing here ever leaves the machine.
"""

import argparse
import http.server
import json
import os
import random
import re
import secrets
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from wechat_pusher import Pusher  # noqa: E402  (beside this file)

QUOTA_WINDOW_S = 48 * 3600


class Account:
    """What the admin page shows, and what WeChat keeps of an account."""

    def __init__(self, app_id="wxb11529c136998cb6", secret="s" * 32,
                 token="pamtest", original_id="gh_standin",
                 aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"):
        self.app_id, self.secret = app_id, secret
        self.token, self.aes_key = token, aes_key
        self.original_id = original_id
        self.access_token = None
        self.serial = 0
        self.spoke = {}  # openid -> [time, messages left]


class Failure:
    """One rule: which calls fail, how, and how often."""

    MOST = 4  # by chance, the same request never fails more often in a row

    def __init__(self, path, mode, times, share, seed, value):
        self.path, self.mode, self.value = path, mode, value
        self.times, self.share, self.seed = times, share, seed
        self.tries = {}  # of each request

    def by_chance(self, request):
        """Depends on seed, request and try only, not on threads."""
        number = self.tries.get(request, 0)
        self.tries[request] = number + 1
        dice = random.Random("%s %s %d" % (self.seed, request, number))
        return number % (self.MOST + 1) < self.MOST and \
            dice.random() < self.share

    def applies(self, path, request):
        if self.path not in ("*", path) or self.times == 0:
            return False
        if self.share is not None and not self.by_chance(request):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Standin:
    """The API as a server on a free port of the loopback."""

    def __init__(self, account=None, port=0, clock=time.time, tls=None):
        self.account = account or Account()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.clock = clock
        self.expires_in = 7200
        self.enforce_quota = False
        self.media = {}     # media id -> (content type, bytes)
        self.codes = {}     # OAuth code -> answer; used once
        self.sent = []      # custom messages shown: (openid, kind, content)
        self.calls = []     # paths, in order
        self.queries = []   # (path, query, body)
        self.failures = []
        self.visitor = None     # openid of whoever opens a link
        self.pages = None       # where their browser has our pages, if not at
                                # the address that was agreed on
        self.callback_ips = ["127.0.0.1", "203.0.113.0/24"]
        self.released = threading.Event()  # ends "slow"
        self.connections = 0
        standin = self

        class Handler(_Handler):
            owner = standin

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # a client that went away

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.base = "%s://127.0.0.1:%d" % ("https" if tls else "http",
                                           self.port)
        if tls:  # an ssl.SSLContext
            self.server.socket = tls.wrap_socket(self.server.socket,
                                                 server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})
        self.thread.daemon = True
        self.thread.start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    # ---- what a test asks for -------------------------------------------
    def fail(self, mode, path="*", times=None, share=None, seed=1,
             value=None):
        """Lets calls fail. mode: 503, 500 (HTTP, nothing done), busy (errcode
        -1, nothing done), drop (closed, nothing done), lost (done, then closed
        without an answer), slow (no answer until release()), nonsense (HTML),
        errcode (value), redirect (to value), huge (value bytes). times: how
        often; share: part of the calls, by a seeded chance, but no request
        more than four times in a row."""
        with self.lock:
            self.failures.append(Failure(path, mode, times, share, seed,
                                         value))

    def heal(self):
        with self.lock:
            self.failures.clear()

    def release(self):
        self.released.set()

    def expire_token(self):
        """The token in use is not taken any more."""
        with self.lock:
            self.account.access_token = None

    def add_media(self, data, kind="image/jpeg"):
        with self.lock:
            media_id = "MEDIA_%050d" % (len(self.media) + 1)
            self.media[media_id] = (kind, data)
        return media_id

    def add_code(self, openid, snapshot=False):
        """An OAuth code, good for one use."""
        code = secrets.token_hex(16)
        answer = {"access_token": "OAUTH_" + secrets.token_hex(8),
                  "expires_in": 7200, "refresh_token": "R",
                  "openid": openid, "scope": "snsapi_base"}
        if snapshot:
            answer["is_snapshotuser"] = 1
        with self.lock:
            self.codes[code] = answer
        return code

    def count(self, path):
        with self.lock:
            return self.calls.count(path)

    def wait(self, condition, limit_s=20):
        """Waits until condition() holds; False when it does not in time."""
        with self.changed:
            return self.changed.wait_for(condition, limit_s)

    # ---- the API, under the lock ----------------------------------------
    def token_fits(self, query):
        token = query.get("access_token")
        if not token:
            return {"errcode": 41001, "errmsg": "access_token missing"}
        if token != self.account.access_token:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        return None

    def stable_token(self, _query, body):
        wanted = json.loads(body)
        if wanted.get("grant_type") != "client_credential":
            return {"errcode": 40002, "errmsg": "invalid grant_type"}
        if wanted.get("appid") != self.account.app_id:
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if wanted.get("secret") != self.account.secret:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        if self.account.access_token is None or wanted["force_refresh"]:
            self.account.serial += 1
            self.account.access_token = "TOKEN_%d_%s" % (
                self.account.serial, secrets.token_urlsafe(90))
        return {"access_token": self.account.access_token,
                "expires_in": self.expires_in}

    def media_get(self, query, _body):
        found = self.media.get(query.get("media_id"))
        if found is None:
            return {"errcode": 40007, "errmsg": "invalid media_id"}
        if found[0].startswith("video/"):
            return {"video_url": found[1].decode()}
        return found

    def media_upload(self, query, body):
        part = re.search(
            rb'\r\nContent-Disposition: form-data; name="media"; '
            rb'filename="([^"]+)"\r\nContent-Type: ([^\r]+)\r\n\r\n', body,
            re.I)
        if part is None or query.get("type") != "image":
            return {"errcode": 41005, "errmsg": "media data missing"}
        boundary = body[:body.index(b"\r\n")]
        end = body.rindex(b"\r\n" + boundary + b"--")
        data = body[part.end():end]
        if len(data) > 2 << 20:
            return {"errcode": 45001, "errmsg": "media size out of limit"}
        media_id = self.add_media(data, part.group(2).decode())
        return {"type": "image", "media_id": media_id,
                "created_at": int(self.clock())}

    def custom_send(self, _query, body):
        message = json.loads(body)
        openid, kind = message["touser"], message["msgtype"]
        if self.enforce_quota:
            spoke = self.account.spoke.get(openid)
            if spoke is None or \
                    self.clock() - spoke[0] > QUOTA_WINDOW_S:
                return {"errcode": 45015, "errmsg": "out of response time"}
            if spoke[1] == 0:
                return {"errcode": 45047, "errmsg": "out of response count"}
            spoke[1] -= 1
        if kind == "image" and message["image"]["media_id"] not in self.media:
            return {"errcode": 40007, "errmsg": "invalid media_id"}
        content = message["text"]["content"] if kind == "text" else \
            message["image"]["media_id"]
        self.sent.append((openid, kind, content))
        return {"errcode": 0, "errmsg": "ok"}

    def oauth(self, query, _body):
        if query.get("appid") != self.account.app_id or \
                query.get("secret") != self.account.secret:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        answer = self.codes.get(query.get("code"))
        if answer is None:
            return {"errcode": 40029, "errmsg": "invalid code"}
        if answer == "used":
            return {"errcode": 40163, "errmsg": "code been used"}
        self.codes[query["code"]] = "used"
        return answer

    def ticket(self, query, _body):
        if query.get("type") != "jsapi":
            return {"errcode": 40097, "errmsg": "invalid args"}
        return {"errcode": 0, "errmsg": "ok", "ticket": "TICKET_%d" %
                self.calls.count("/cgi-bin/ticket/getticket"),
                "expires_in": self.expires_in}

    def ips(self, _query, _body):
        return {"ip_list": self.callback_ips}

    ROUTES = {
        ("POST", "/cgi-bin/stable_token"): (stable_token, False),
        ("GET", "/cgi-bin/media/get"): (media_get, True),
        ("POST", "/cgi-bin/media/upload"): (media_upload, True),
        ("POST", "/cgi-bin/message/custom/send"): (custom_send, True),
        ("GET", "/sns/oauth2/access_token"): (oauth, False),
        ("GET", "/cgi-bin/ticket/getticket"): (ticket, True),
        ("GET", "/cgi-bin/getcallbackip"): (ips, True),
    }

    def lead_back(self, query):
        """The silent page of web authorisation: where it leads."""
        back = query["redirect_uri"]
        if self.pages is not None:
            back = self.pages + urllib.parse.urlsplit(back).path
        return "%s?code=%s&state=%s" % (back, self.add_code(self.visitor),
                                        query["state"])

    def answer(self, method, path, query, body):
        """(content type, bytes), or None for an unknown address."""
        route = self.ROUTES.get((method, path))
        if route is None:
            return None
        with self.lock:
            found = self.token_fits(query) if route[1] else None
            if found is None:
                found = route[0](self, query, body)
            self.changed.notify_all()
        if isinstance(found, tuple):
            return found
        return "application/json; encoding=utf-8", json.dumps(found).encode()

    def failure_for(self, path, query, body):
        request = "%s %r %r" % (path, sorted(
            item for item in query.items() if item[0] != "access_token"), body)
        with self.lock:
            for failure in self.failures:
                if failure.applies(path, request):
                    return failure
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection. `owner` is set by the stand-in it belongs to."""

    owner = None
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.owner.lock:
            self.owner.connections += 1

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def do_GET(self):
        self.serve(b"")

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        self.serve(self.rfile.read(size))

    def serve(self, body):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path.startswith("/standin/"):
            self.reply(200, "application/json", json.dumps(
                Control(self.owner).run(url.path[9:], body)).encode())
            return
        if url.path == "/connect/oauth2/authorize":
            self.redirect(self.owner.lead_back(query))
            return
        with self.owner.lock:
            self.owner.calls.append(url.path)
            self.owner.queries.append((url.path, query, body))
            self.owner.changed.notify_all()
        failure = self.owner.failure_for(url.path, query, body)
        if failure is not None:
            self.fail(failure, url.path, query, body)
            return
        found = self.owner.answer(self.command, url.path, query, body)
        if found is None:
            self.reply(404, "text/plain", b"not here")
        else:
            self.reply(200, *found)

    def fail(self, failure, path, query, body):
        mode = failure.mode
        if mode in ("500", "502", "503"):
            self.reply(int(mode), "text/html", b"<html>sorry</html>")
        elif mode == "busy":
            self.reply(200, "application/json",
                       b'{"errcode":-1,"errmsg":"system error"}')
        elif mode == "errcode":
            self.reply(200, "application/json", json.dumps(
                {"errcode": failure.value, "errmsg": "as told"}).encode())
        elif mode == "nonsense":
            self.reply(200, "text/html", b"<html>hello</html>")
        elif mode == "huge":
            self.reply(200, "image/jpeg", b"\xff\xd8\xff" +
                       bytes(failure.value))
        elif mode == "redirect":
            self.redirect(failure.value)
        elif mode == "slow":
            self.owner.released.wait(60)
            self.close_connection = True
        elif mode in ("drop", "lost"):
            if mode == "lost":
                self.owner.answer(self.command, path, query, body)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            raise ValueError(mode)

    def redirect(self, where):
        self.send_response(302)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Control:
    """What the demo asks for over HTTP: POST /standin/NAME with JSON."""

    def __init__(self, standin):
        self.standin = standin

    def run(self, name, body):
        wanted = json.loads(body or b"{}")
        return getattr(self, "do_" + name)(**wanted)

    def do_sent(self):
        with self.standin.lock:
            return self.standin.sent

    def do_fail(self, **rule):
        self.standin.fail(**rule)
        return {}

    def do_visitor(self, openid):
        self.standin.visitor = openid
        return {}

    def do_heal(self):
        self.standin.heal()
        return {}

    def do_push(self, url, kind, openid, mode="secure", form="xml",
                content="", file=None, key="", event=""):
        pusher = Pusher(self.standin.account, url, mode, form,
                        standin=self.standin)
        if kind == "text":
            message = pusher.text(openid, content)
        elif kind == "image":
            with open(file, "rb") as stream:
                message = pusher.image(openid, stream.read())
        elif kind == "scan":
            message = pusher.scan(openid, content)
        else:
            message = pusher.event(openid, event, key)
        done = pusher.push(message)
        return {"deliveries": len(done), "status": done[-1].status,
                "seconds": round(done[-1].seconds, 3),
                "shown": pusher.shown(done[-1]) if done[-1].taken() else None}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--app-id", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--aes-key", default="")
    options = parser.parse_args()
    standin = Standin(Account(options.app_id, options.secret, options.token,
                              aes_key=options.aes_key), options.port)
    print("listening on %d" % standin.port, flush=True)
    standin.thread.join()


if __name__ == "__main__":
    main()
