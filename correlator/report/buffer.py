# cython: cdivision=True
"""Text built byte by byte in one buffer: at a million rows most of the time would go into little strings.

Compiled, `raw` is a pointer: what is written through it has been made room for by `_need`.
"""

from array import array

from correlator.core.timetext import time_text
from correlator.core.words import net_long_word, net_word
from correlator.report import decimals
from correlator.report.digits import put_address, put_base64, put_net_long_word

KEY = 16  # bytes
_ROOM = 4096
_SECOND = 1_000_000_000
_DIGITS = 20  # of a word of 64 bits
_ADDRESS = 45  # INET6_ADDRSTRLEN without its end
_IPV4_LENGTH = 4
_SECONDS = 16
_TIME = 32  # at least what a time takes
_SHORT = 64  # up to here a loop is faster than a copy
_DOT, _COLON, _STAR, _OPEN, _SHUT, _ZULU, _SPACE = b".:*[]Z "


class Buffer:
    """Bytes under construction."""

    def __init__(self) -> None:
        """Empty."""
        self.bytes = bytearray(_ROOM)
        """Those that there are, and room for more."""
        self.end = 0
        """How many there are."""
        self._room = _ROOM
        # The seconds that were written last, each in its place: a report has few at a time.
        self._seconds = array("q", [-1] * _SECONDS)
        self._texts = [b""] * _SECONDS

    def take(self) -> bytes:
        """The bytes since the last call."""
        taken = self.piece(0, self.end)
        self.end = 0
        return taken

    def piece(self, begin: int, end: int) -> bytes:
        """Some of the bytes; they stay."""
        raw = self.bytes
        return bytes(raw[begin:end])

    def put(self, text: str) -> None:
        """ASCII text."""
        length = len(text)
        if length > _SHORT:
            self.put_bytes(text.encode("ascii"))
            return
        self.need(length)
        raw, at = self.bytes, self.end
        for character in text:
            raw[at] = ord(character)
            at += 1
        self.end = at

    def put_bytes(self, data: bytes) -> None:
        """Bytes as they are."""
        self.need(len(data))
        self.end = decimals.put_bytes(self.bytes, self.end, data)

    def put_part(self, data: bytes, begin: int, end: int) -> None:
        """Some of the bytes of others."""
        if not 0 <= begin <= end <= len(data):
            message = f"bytes {begin} to {end} of {len(data)}"
            raise ValueError(message)
        self.need(end - begin)
        self.end = decimals.put_part(self.bytes, self.end, data, begin, end)

    def put_byte(self, byte: int) -> None:
        """One byte."""
        self.need(1)
        self.bytes[self.end] = byte
        self.end += 1

    def pad(self, until: int) -> None:
        """Spaces, until there are so many bytes."""
        self.need(max(until - self.end, 0))
        raw = self.bytes
        while self.end < until:
            raw[self.end] = _SPACE
            self.end += 1

    def put_number(self, number: int) -> None:
        """A number that is not negative, in decimal."""
        self.need(_DIGITS)
        self.end = decimals.put_number(self.bytes, self.end, number)

    def put_key(self, first: int, second: int) -> None:
        """Two words of 64 bits as they are: lines that begin so can be merged in order."""
        self.need(KEY)
        self.end = put_net_long_word(self.bytes, self.end, first)
        self.end = put_net_long_word(self.bytes, self.end, second)

    def put_microseconds(self, nanoseconds: int) -> None:
        """Microseconds with three decimals."""
        self.need(_DIGITS + 1)
        self.end = decimals.put_microseconds(self.bytes, self.end, nanoseconds)

    def put_time(self, at: int) -> bool:
        """A time as `time_text` has it; False for one that cannot be written."""
        if not self.can_put_time(at):
            return False
        self.need(_TIME)
        raw = self.bytes
        end = decimals.put_bytes(raw, self.end, self._texts[at // _SECOND % _SECONDS])
        raw[end] = _DOT
        end = decimals.put_padded(raw, end + 1, at % _SECOND, 9)
        raw[end] = _ZULU
        self.end = end + 1
        return True

    def can_put_time(self, at: int) -> bool:
        """Whether a time can be written."""
        if at < 0:
            return False
        second = at // _SECOND
        place = second % _SECONDS
        if second != self._seconds[place]:
            self._seconds[place], self._texts[place] = second, time_text(second * _SECOND)[:19].encode()
        return self._texts[place] != b""

    def put_base64(self, data: bytearray) -> None:
        """Bytes in base64 (RFC 4648 §4)."""
        self.need((len(data) + 2) // 3 * 4)
        self.end = put_base64(self.bytes, self.end, data)

    def put_words(self, high: int, low: int, is_ipv6: bool) -> None:  # noqa: FBT001  compiled: takes no keywords
        """An address in a segment's two words as `core.address.text` has it."""
        self.need(_ADDRESS)
        self.end = put_address(self.bytes, self.end, high, low, is_ipv6)

    def put_endpoint(self, address: bytes, port: int) -> None:
        """An address and port as `core.address.endpoint_text` has them."""
        if len(address) == _IPV4_LENGTH:
            self.put_words(0, net_word(address, 0), False)
        else:
            self.put_byte(_OPEN)
            self.put_words(net_long_word(address, 0), net_long_word(address, 8), True)
            self.put_byte(_SHUT)
        self.put_byte(_COLON)
        if port:
            self.put_number(port)
        else:
            self.put_byte(_STAR)

    def need(self, length: int) -> None:
        """Make room for so many bytes more."""
        if self.end + length > self._room:
            self.bytes.extend(bytes(self._room + length))
            self._room = len(self.bytes)
