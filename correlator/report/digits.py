# cython: cdivision=True
"""Addresses and bytes as text, written into a buffer at a place; each returns the place behind.

Whoever calls has made room. Compiled, `out` is a pointer into the buffer.
"""

from correlator.report import decimals

_DOT, _COLON, _PAD = b".:="
_HEXADECIMAL = b"0123456789abcdef"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_GROUP = 8


def put_net_long_word(buffer: bytearray, at: int, number: int) -> int:
    """64 bits in network byte order, as they are."""
    out = buffer
    for place in range(7, -1, -1):
        out[at + place] = number & 0xFF
        number >>= 8
    return at + 8


def put_address(buffer: bytearray, at: int, high: int, low: int, is_ipv6: bool) -> int:  # noqa: FBT001  compiled
    """An address in a segment's two words as `core.address.text` has it."""
    return _put_ipv6(buffer, at, high, low) if is_ipv6 else _put_ipv4(buffer, at, low)


def _put_ipv4(buffer: bytearray, at: int, word: int) -> int:
    out = buffer
    at = decimals.put_number(out, at, word >> 24 & 0xFF)
    for shift in (16, 8, 0):
        out[at] = _DOT
        at = decimals.put_number(out, at + 1, word >> shift & 0xFF)
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
    out, source, length, letters = buffer, data, len(data), _BASE64
    for begin in range(0, length, 3):
        left = length - begin
        three = source[begin] << 16
        if left > 1:
            three |= source[begin + 1] << 8
        if left > 2:
            three |= source[begin + 2]
        out[at], out[at + 1] = letters[three >> 18], letters[three >> 12 & 63]
        out[at + 2] = letters[three >> 6 & 63] if left > 1 else _PAD
        out[at + 3] = letters[three & 63] if left > 2 else _PAD
        at += 4
    return at


def _group(high: int, low: int, group: int) -> int:
    """One of the eight groups of an IPv6 address."""
    word = high if group < 4 else low
    return word >> 16 * (3 - group % 4) & 0xFFFF
