# cython: cdivision=True
"""Text built byte by byte in one buffer: at a million rows most of the time would go into little strings.

Compiled, `raw` is a pointer: what is written through it has been made room for by `_need`.
"""

from array import array

from correlator.core.timetext import time_text
from correlator.core.words import net_long_word, net_word

_ROOM = 4096
_SECOND = 1_000_000_000
_DIGITS = b"0123456789abcdef"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_IPV4_LENGTH = 4
_SECONDS = 16
_SHORT = 64  # up to here a loop is faster than a copy
_ZERO, _COMMA, _DOT, _COLON, _STAR, _OPEN, _SHUT, _PAD = b"0,.:*[]="


class Buffer:
    """Bytes under construction."""

    def __init__(self) -> None:
        """Empty."""
        self._bytes = bytearray(_ROOM)
        self._room = _ROOM
        self._end = 0
        # The seconds that were written last, each in its place: a report has few at a time.
        self._seconds = array("q", [-1] * _SECONDS)
        self._texts = [""] * _SECONDS

    def take(self) -> bytes:
        """The bytes since the last call."""
        taken = self.since(0)
        self._end = 0
        return taken

    @property
    def length(self) -> int:
        """How many bytes there are."""
        return self._end

    def since(self, begin: int) -> bytes:
        """The bytes from a place on; they stay."""
        raw = self._bytes
        return bytes(raw[begin : self._end])

    def put(self, text: str) -> None:
        """ASCII text."""
        length = len(text)
        if length > _SHORT:
            self.put_bytes(text.encode("ascii"))
            return
        self._need(length)
        raw, at = self._bytes, self._end
        for character in text:
            raw[at] = ord(character)
            at += 1
        self._end = at

    def put_bytes(self, data: bytes) -> None:
        """Bytes as they are."""
        length = len(data)
        self._need(length)
        raw, at = self._bytes, self._end
        self._end = at + length
        if length > _SHORT:
            self._bytes[at : at + length] = data
            return
        for byte in data:
            raw[at] = byte
            at += 1

    def put_byte(self, byte: int) -> None:
        """One byte."""
        self._need(1)
        self._bytes[self._end] = byte
        self._end += 1

    def put_number(self, number: int) -> None:
        """A number that is not negative, in decimal."""
        digits, rest = 1, number // 10
        while rest:
            digits += 1
            rest //= 10
        self.put_padded(number, digits)

    def put_padded(self, number: int, digits: int) -> None:
        """The last digits of a number, with zeros before it."""
        self._need(digits)
        raw, at = self._bytes, self._end + digits
        self._end = at
        for _ in range(digits):
            at -= 1
            raw[at] = _ZERO + number % 10
            number //= 10

    def put_microseconds(self, nanoseconds: int) -> None:
        """Microseconds with three decimals."""
        self.put_number(nanoseconds // 1000)
        self.put_byte(_DOT)
        self.put_padded(nanoseconds % 1000, 3)

    def put_time(self, at: int) -> bool:
        """A time as `time_text` has it; False for one that cannot be written."""
        if not self.can_put_time(at):
            return False
        self.put(self._texts[at // _SECOND % _SECONDS])
        self.put_byte(_DOT)
        self.put_padded(at % _SECOND, 9)
        self.put("Z")
        return True

    def can_put_time(self, at: int) -> bool:
        """Whether a time can be written."""
        if at < 0:
            return False
        second = at // _SECOND
        place = second % _SECONDS
        if second != self._seconds[place]:
            self._seconds[place], self._texts[place] = second, time_text(second * _SECOND)[:19]
        return self._texts[place] != ""

    def put_base64(self, data: bytes) -> None:
        """Bytes in base64 (RFC 4648 §4)."""
        length = len(data)
        self._need((length + 2) // 3 * 4)
        raw, at = self._bytes, self._end
        for begin in range(0, length, 3):
            left = length - begin
            group = data[begin] << 16
            if left > 1:
                group |= data[begin + 1] << 8
            if left > 2:
                group |= data[begin + 2]
            raw[at], raw[at + 1] = _BASE64[group >> 18], _BASE64[group >> 12 & 63]
            raw[at + 2] = _BASE64[group >> 6 & 63] if left > 1 else _PAD
            raw[at + 3] = _BASE64[group & 63] if left > 2 else _PAD
            at += 4
        self._end = at

    def put_words(self, high: int, low: int, is_ipv6: bool) -> None:  # noqa: FBT001  compiled: takes no keywords
        """An address in a segment's two words as `core.address.text` has it."""
        if is_ipv6:
            self._put_ipv6(high, low)
        else:
            self._put_ipv4(low)

    def put_endpoint(self, address: bytes, port: int) -> None:
        """An address and port as `core.address.endpoint_text` has them."""
        if len(address) == _IPV4_LENGTH:
            self._put_ipv4(net_word(address, 0))
        else:
            self.put_byte(_OPEN)
            self._put_ipv6(net_long_word(address, 0), net_long_word(address, 8))
            self.put_byte(_SHUT)
        self.put_byte(_COLON)
        if port:
            self.put_number(port)
        else:
            self.put_byte(_STAR)

    def _put_ipv4(self, word: int) -> None:
        self.put_number(word >> 24 & 0xFF)
        for shift in (16, 8, 0):
            self.put_byte(_DOT)
            self.put_number(word >> shift & 0xFF)

    def _put_ipv6(self, high: int, low: int) -> None:
        """RFC 5952 §4: the first of the longest runs of two or more zero groups as `::`."""
        best = best_length = run = 0
        for group in range(8):
            run = 0 if _group(high, low, group) else run + 1
            if run > best_length:
                best, best_length = group + 1 - run, run
        if best == 0 and best_length == 5 and _group(high, low, 5) == 0xFFFF:
            self.put("::ffff:")
            self._put_ipv4(low & 0xFFFFFFFF)
            return
        if best_length < 2:
            best = 8
        group = 0
        while group < 8:
            if group == best:
                self.put("::")
                group += best_length
                continue
            if group and group != best + best_length:
                self.put_byte(_COLON)
            self._put_hexadecimal(_group(high, low, group))
            group += 1

    def _put_hexadecimal(self, number: int) -> None:
        for shift in (12, 8, 4, 0):
            if number >> shift or not shift:
                self.put_byte(_DIGITS[number >> shift & 15])

    def _need(self, length: int) -> None:
        """Make room for so many bytes more."""
        if self._end + length > self._room:
            self._bytes.extend(bytes(self._room + length))
            self._room = len(self._bytes)


def _group(high: int, low: int, group: int) -> int:
    """One of the eight groups of an IPv6 address."""
    word = high if group < 4 else low
    return word >> 16 * (3 - group % 4) & 0xFFFF
