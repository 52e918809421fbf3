"""Numbers in decimal, written into a buffer at a place; each returns the place behind. Whoever calls has made room.

Compiled, they are the C of `decimals.pxd`, and a buffer is a pointer: a row has thirty numbers, and a call costs more
than digits. So this module is imported as a whole, and never compiled.
"""

_DOT = ord(".")


def put_bytes(out: bytearray, at: int, data: bytes) -> int:
    """Bytes as they are."""
    out[at : at + len(data)] = data
    return at + len(data)


def put_part(out: bytearray, at: int, data: bytes, begin: int, end: int) -> int:
    """Some of some bytes, as they are."""
    return put_bytes(out, at, data[begin:end])


def put_padded(out: bytearray, at: int, number: int, digits: int) -> int:
    """The last digits of a number, with zeros before it."""
    return put_bytes(out, at, (b"%0*d" % (digits, number))[-digits:])


def put_number(out: bytearray, at: int, number: int) -> int:
    """A number of 64 bits that is not negative."""
    return put_bytes(out, at, b"%d" % number)


def put_microseconds(out: bytearray, at: int, nanoseconds: int) -> int:
    """Microseconds with three decimals."""
    at = put_number(out, at, nanoseconds // 1000)
    out[at] = _DOT
    return put_padded(out, at + 1, nanoseconds % 1000, 3)
