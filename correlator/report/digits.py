# cython: cdivision=True
"""Numbers, addresses and bytes as text, written into a buffer at a place; each returns the place behind.

Whoever calls has made room. Compiled, `out` is a pointer into the buffer.
"""

from correlator.core import raw

_ZERO, _DOT, _COLON, _PAD = b"0.:="
_PAIRS = b"".join(b"%02d" % number for number in range(100))
_MOST = 20  # digits of a word of 64 bits: with 19 the limit still fits into one
_HEXADECIMAL = b"0123456789abcdef"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_GROUP = 8


def put_raw(buffer: bytearray, at: int, data: bytes) -> int:
    """Bytes as they are."""
    raw.copy(buffer, at, data)
    return at + len(data)


def put_padded(buffer: bytearray, at: int, number: int, digits: int) -> int:
    """The last digits of a number, with zeros before it."""
    out, end, left, pairs = buffer, at + digits, digits, _PAIRS
    at = end
    while left > 1:
        at -= 2
        left -= 2
        pair = number % 100 * 2
        out[at], out[at + 1] = pairs[pair], pairs[pair + 1]
        number //= 100
    if left:
        out[at - 1] = _ZERO + number % 10
    return end


def put_hexadecimal(buffer: bytearray, at: int, number: int) -> int:
    """A word of 64 bits in 16 digits."""
    out = buffer
    for place in range(15, -1, -1):
        out[at + place] = _HEXADECIMAL[number & 15]
        number >>= 4
    return at + 16


def put_number(buffer: bytearray, at: int, number: int) -> int:
    """A number that is not negative, in decimal."""
    out = buffer
    if number < 10:
        out[at] = _ZERO + number
        return at + 1
    digits, limit = 2, 100
    while number >= limit and digits < _MOST:
        digits += 1
        limit *= 10
    return put_padded(buffer, at, number, digits)


def put_microseconds(buffer: bytearray, at: int, nanoseconds: int) -> int:
    """Microseconds with three decimals."""
    at = put_number(buffer, at, nanoseconds // 1000)
    out = buffer
    out[at] = _DOT
    return put_padded(buffer, at + 1, nanoseconds % 1000, 3)


def put_address(buffer: bytearray, at: int, high: int, low: int, is_ipv6: bool) -> int:  # noqa: FBT001  compiled
    """An address in a segment's two words as `core.address.text` has it."""
    return _put_ipv6(buffer, at, high, low) if is_ipv6 else _put_ipv4(buffer, at, low)


def _put_ipv4(buffer: bytearray, at: int, word: int) -> int:
    out = buffer
    at = put_number(buffer, at, word >> 24 & 0xFF)
    for shift in (16, 8, 0):
        out[at] = _DOT
        at = put_number(buffer, at + 1, word >> shift & 0xFF)
    return at


def _put_ipv6(buffer: bytearray, at: int, high: int, low: int) -> int:
    """RFC 5952 §4: the first of the longest runs of two or more zero groups as `::`."""
    out = buffer
    best = best_length = run = 0
    for group in range(8):
        run = 0 if _group(high, low, group) else run + 1
        if run > best_length:
            best, best_length = group + 1 - run, run
    if best == 0 and best_length == 5 and _group(high, low, 5) == 0xFFFF:
        for byte in b"::ffff:":
            out[at] = byte
            at += 1
        return _put_ipv4(buffer, at, low & 0xFFFFFFFF)
    if best_length < 2:
        best = _NO_GROUP
    group = 0
    while group < 8:
        if group == best:
            out[at] = out[at + 1] = _COLON
            at += 2
            group += best_length
            continue
        if group and group != best + best_length:
            out[at] = _COLON
            at += 1
        number = _group(high, low, group)
        for shift in (12, 8, 4, 0):
            if number >> shift or not shift:
                out[at] = _HEXADECIMAL[number >> shift & 15]
                at += 1
        group += 1
    return at


def put_base64(buffer: bytearray, at: int, data: bytearray) -> int:
    """Bytes in base64 (RFC 4648 §4)."""
    out, source, length = buffer, data, len(data)
    for begin in range(0, length, 3):
        left = length - begin
        three = source[begin] << 16
        if left > 1:
            three |= source[begin + 1] << 8
        if left > 2:
            three |= source[begin + 2]
        out[at], out[at + 1] = _BASE64[three >> 18], _BASE64[three >> 12 & 63]
        out[at + 2] = _BASE64[three >> 6 & 63] if left > 1 else _PAD
        out[at + 3] = _BASE64[three & 63] if left > 2 else _PAD
        at += 4
    return at


def _group(high: int, low: int, group: int) -> int:
    """One of the eight groups of an IPv6 address."""
    word = high if group < 4 else low
    return word >> 16 * (3 - group % 4) & 0xFFFF
