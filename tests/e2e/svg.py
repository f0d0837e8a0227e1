"""Just enough of SVG and PNG to look at our own QR codes: turns an SVG of
rectangles and of paths with M, m, h, H, v, V and z into a grey PNG, and reads
a grey PNG of 1 or 8 bits back as rows of booleans (true: light)."""

import re
import struct
import xml.etree.ElementTree
import zlib

from photos import _chunk


def _number(text):
    return float(re.match(r"-?[0-9.]+", text).group(0))


def _rectangles(path):
    """The boxes of a path whose sub-paths are axis-parallel rectangles."""
    tokens = re.findall(r"[A-Za-z]|-?[0-9.]+", path)
    at, x, y, start, command = 0, 0.0, 0.0, (0.0, 0.0), ""
    points, boxes = [], []

    def close():
        if len(points) > 1:
            xs, ys = [p[0] for p in points], [p[1] for p in points]
            boxes.append((min(xs), min(ys), max(xs), max(ys)))
        points.clear()

    while at < len(tokens):
        if tokens[at].isalpha():
            command = tokens[at]
            at += 1
            if command in "zZ":
                close()
                x, y = start
                continue
        if command in "Mm":
            close()
            dx, dy = float(tokens[at]), float(tokens[at + 1])
            at += 2
            x, y = (dx, dy) if command == "M" else (x + dx, y + dy)
            start = (x, y)
        elif command in "Hh":
            x = float(tokens[at]) + (x if command == "h" else 0)
            at += 1
        elif command in "Vv":
            y = float(tokens[at]) + (y if command == "v" else 0)
            at += 1
        else:
            raise ValueError("path command %r" % command)
        points.append((x, y))
    close()
    return boxes


def _is_dark(colour):
    return colour.lower() in ("#000", "#000000", "black")


def rasterise(svg, scale=4):
    """The picture as a grey PNG; scale: pixels per unit of the viewBox."""
    root = xml.etree.ElementTree.fromstring(svg)
    box = [float(v) for v in root.get("viewBox").split()]
    width, height = int(box[2] * scale), int(box[3] * scale)
    rows = [bytearray(b"\xff" * width) for _ in range(height)]

    def paint(left, top, right, bottom, dark):
        first, last = round(left * scale), round(right * scale)
        for y in range(round(top * scale), round(bottom * scale)):
            rows[y][first:last] = (b"\0" if dark else b"\xff") * (last - first)

    for node in root.iter():
        tag = node.tag.split("}")[-1]
        dark = _is_dark(node.get("fill", "#000"))
        if tag == "rect":
            left = _number(node.get("x", "0"))
            top = _number(node.get("y", "0"))
            wide, high = node.get("width"), node.get("height")
            paint(left, top,
                  box[2] if wide.endswith("%") else left + _number(wide),
                  box[3] if high.endswith("%") else top + _number(high), dark)
        elif tag == "path":
            if node.get("stroke") and _is_dark(node.get("stroke")):
                # Lines of one module: as wide as the stroke.
                half = float(node.get("stroke-width", "1")) / 2
                for l, t, r, b in _rectangles(node.get("d")):
                    paint(l, t - half, r, b + half, True)
            else:
                for found in _rectangles(node.get("d")):
                    paint(*found, dark)
    data = b"".join(b"\0" + bytes(row) for row in rows)
    return (b"\x89PNG\r\n\x1a\n" +
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height,
                                        8, 0, 0, 0, 0)) +
            _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b""))


def _unfilter(kind, line, before, step):
    out = bytearray(line)
    for i, value in enumerate(out):
        left = out[i - step] if i >= step else 0
        up = before[i]
        corner = before[i - step] if i >= step else 0
        if kind == 1:
            value += left
        elif kind == 2:
            value += up
        elif kind == 3:
            value += (left + up) // 2
        elif kind == 4:
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
                       (abs(guess - corner), 2, corner))
            value += near[2]
        out[i] = value & 0xff
    return out


def read_grey_png(data):
    """Rows of booleans, true where it is light."""
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    if colour not in (0, 3) or depth not in (1, 8):
        raise ValueError("colour type %d, depth %d" % (colour, depth))
    raw = zlib.decompress(packed)
    line = (width * depth + 7) // 8
    rows, before = [], bytearray(line)
    for y in range(height):
        first = y * (line + 1)
        before = _unfilter(raw[first], raw[first + 1:first + 1 + line],
                           before, 1)
        if depth == 8:
            rows.append([v > 127 for v in before])
        else:
            rows.append([bool(before[x // 8] >> (7 - x % 8) & 1)
                         for x in range(width)])
    return rows
