"""Just enough of the ONNX file format (protocol buffers) to spoil a network: where
its weights lie in the file."""

GRAPH, INITIALIZER = 7, 5           # of ModelProto, of GraphProto
DIMS, RAW_DATA = 1, 9               # of TensorProto


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _fields(data, at, end):
    """(number, start, end) of each field of a message; of a varint the value
    and None."""
    while at < end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value, None
        elif kind == 2:
            length, at = _varint(data, at)
            yield number, at, at + length
            at += length
        else:
            at += 8 if kind == 1 else 4


def weights(data):
    """(start, end) of the values of each tensor with two or more dimensions:
    all that an input is multiplied with, and no biases."""
    for graph, start, end in _fields(data, 0, len(data)):
        if graph != GRAPH:
            continue
        for number, first, last in _fields(data, start, end):
            if number != INITIALIZER:
                continue
            fields = list(_fields(data, first, last))
            raw = [(s, e) for n, s, e in fields if n == RAW_DATA]
            dims = sum(1 if e is None else e - s for n, s, e in fields
                       if n == DIMS)
            if raw and dims >= 2:
                yield raw[0]
