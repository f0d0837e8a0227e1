"""What a daemon logs: lines that can be waited for and taken apart."""

import re
import threading
import time

# With sanitizers a daemon takes some seconds to start.
LIMIT_S = 150
_FIELD = re.compile(r'([a-z_0-9]+)=("(?:[^"\\]|\\.)*"|\S*)')


def parse_line(line):
    """A logfmt line as a dict; quoted values lose their quotes."""
    fields = {}
    for key, value in _FIELD.findall(line):
        if value.startswith('"'):
            value = value[1:-1]
        fields.setdefault(key, value)
    return fields


class Log:
    """The daemon's stderr, read by a thread; lines can be waited for."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,),
                                       daemon=True)
        self.thread.start()

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        stream.close()

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def wait(self, match, limit_s=LIMIT_S, start=0):
        """The first line from `start` on for which match(line) is true; None
        when the stream ends or time runs out first."""
        end = time.monotonic() + limit_s
        at = start
        with self.changed:
            while True:
                while at < len(self.lines):
                    if match(self.lines[at]):
                        return self.lines[at]
                    at += 1
                if self.ended or time.monotonic() >= end:
                    return None
                self.changed.wait(max(0.0, end - time.monotonic()))
