"""Lines on paper: a small SVG with both axes logarithmic."""

import math

WIDTH, HEIGHT, LEFT, BELOW, ABOVE, RIGHT = 640, 400, 60, 50, 40, 110
LABEL = 13   # height of a label
COLOURS = ("#1b6ca8", "#c0392b", "#2d8a4e", "#8e44ad")


def _decades(values):
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _text(x, y, text, anchor="middle"):
    return ('<text x="%.0f" y="%.0f" text-anchor="%s">%s</text>'
            % (x, y, anchor, text))


def svg(title, x_label, y_label, lines):
    """lines: name -> points (x, y), all above 0."""
    points = [p for line in lines.values() for p in line]
    x_low, x_high = _decades([p[0] for p in points])
    y_low, y_high = _decades([p[1] for p in points])

    def at(x, y):
        return (LEFT + (math.log10(x) - x_low) / (x_high - x_low) *
                (WIDTH - LEFT - RIGHT),
                HEIGHT - BELOW - (math.log10(y) - y_low) / (y_high - y_low) *
                (HEIGHT - BELOW - ABOVE))

    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="12">' % (WIDTH, HEIGHT),
           '<rect width="100%" height="100%" fill="white"/>',
           _text(WIDTH / 2, 20, title),
           _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_label),
           _text(LEFT, ABOVE - 8, y_label)]
    for power in range(x_low, x_high + 1):
        x, y = at(10.0 ** power, 10.0 ** y_low)
        out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%d" '
                   'stroke="#ddd"/>' % (x, y, x, ABOVE))
        out.append(_text(x, y + 16, "%g" % 10.0 ** power))
    for power in range(y_low, y_high + 1):
        x, y = at(10.0 ** x_low, 10.0 ** power)
        out.append('<line x1="%.1f" y1="%.1f" x2="%d" y2="%.1f" '
                   'stroke="#ddd"/>' % (x, y, WIDTH - RIGHT, y))
        out.append(_text(x - 6, y + 4, "%g" % 10.0 ** power, "end"))
    labels = []   # heights that are taken
    for (name, line), colour in zip(lines.items(), COLOURS):
        path = " ".join("%.1f,%.1f" % at(*p) for p in line)
        out.append('<polyline points="%s" fill="none" stroke="%s" '
                   'stroke-width="2"/>' % (path, colour))
        x, y = at(*line[-1])
        while any(abs(y - other) < LABEL for other in labels):
            y += 1
        labels.append(y)
        out.append('<g fill="%s">%s</g>' % (colour,
                                            _text(x + 6, y + 4, name,
                                                  "start")))
    return "\n".join(out + ["</svg>", ""])
