"""Cells of a row, one after another: as CSV, as JSON, or as values; what goes into them is told once, in `rows`."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from correlator.core import tcp
from correlator.core.tcp_info import json_of
from correlator.report.buffer import Buffer
from correlator.report.escape import cell

_PLAIN, _WITH_COMMAS, _OTHER = range(3)
_FIRST, _LAST, _QUOTE, _COMMA, _BACKSLASH = b' ~",\\'
_MAX_WRITTEN = 4096  # texts to remember
_EXACT = (1 << 53) - 1  # of integers, ECMA-262 Number.MAX_SAFE_INTEGER
_WORDS: dict[str, str] = {}  # of enumerations, as ordinary strings
_FORMULA = b"=+-@"  # a cell that begins so is a formula to a spreadsheet


def _kind(value: str) -> int:
    """What stands in the way of writing a text as it is."""
    kind = _PLAIN
    for character in value:
        code = ord(character)
        if code == _COMMA:
            kind = _WITH_COMMAS
        elif code < _FIRST or code > _LAST or code in (_QUOTE, _BACKSLASH):
            return _OTHER
    return _OTHER if ord(value[0]) in _FORMULA else kind


def plain(token: str) -> str:
    """A token as an ordinary string: str() of an enumeration's member makes a copy each time."""
    if type(token) is str:
        return token
    found = _WORDS.get(token)
    if found is None:
        found = _WORDS[token] = str(token)
    return found


class Cells:
    """Takes the cells of a row in order; a cell without a value is an unknown."""

    def nothing(self) -> None:
        """An unknown."""

    def token(self, value: str) -> None:
        """A word of ours: ASCII without anything to quote. Empty is unknown."""

    def text(self, value: str) -> None:
        """What others have chosen, which comes again and again. Empty is unknown."""

    def prose(self, value: str) -> None:
        """A sentence of ours. Empty is unknown."""

    def number(self, value: int | None) -> None:
        """A number that is not negative."""

    def encoded(self, prefix: str, value: bytearray) -> None:
        """Base64 (RFC 4648 §4), with a prefix."""

    def count(self, value: int) -> None:
        """A number; tcp.UNSEEN is unknown."""

    def interval(self, value: int) -> None:
        """Nanoseconds, told in microseconds; tcp.UNSEEN is unknown."""

    def time(self, value: int) -> None:
        """A time; tcp.UNSEEN is unknown."""

    def address(self, high: int, low: int, is_ipv6: bool) -> None:  # noqa: FBT001  compiled: takes no keywords
        """An address as a segment has it."""

    def endpoint(self, address: bytes, port: int) -> None:
        """An address and port."""


class Lines(Cells):
    """The cells as text in a buffer, a line a row."""

    def __init__(self, safe: Callable[[str], bytes]) -> None:
        """A row begins. `safe`: any text as a cell."""
        self._safe = safe
        self.buffer = Buffer()
        self.place = 0
        """Of the next cell in its row."""
        self.has_more = False
        """Whether a line has room for what a finding has beside the columns."""
        self._written: dict[str, bytes] = {}

    def text(self, value: str) -> None:
        """As it was written the last time."""
        if not value:
            self.nothing()
            return
        self._next()
        written = self._written.get(value)
        if written is None:
            if len(self._written) >= _MAX_WRITTEN:
                self._written.clear()
            written = self._written[value] = self._safe(value)
        self.buffer.put_bytes(written)

    def _next(self) -> None:
        """What stands before the next cell."""

    def end(self, more: Mapping[str, Any]) -> None:
        """The row ends. `more`: what a finding has beside the columns, if `has_more`."""


class CsvCells(Lines):
    """The cells as CSV (RFC 4180), safe for terminals and spreadsheets."""

    def __init__(self) -> None:
        """A row begins."""
        super().__init__(csv_cell)

    def end(self, more: Mapping[str, Any]) -> None:
        """CSV has columns only."""
        del more
        self.buffer.put("\r\n")

    def nothing(self) -> None:
        """Empty."""
        self._next()

    def token(self, value: str) -> None:
        """As it is."""
        self._next()
        self.buffer.put(plain(value))

    def prose(self, value: str) -> None:
        """Escaped and quoted where it must be."""
        self._next()
        kind = _kind(value) if value else _PLAIN
        if kind == _PLAIN:
            self.buffer.put(value)
        elif kind == _WITH_COMMAS:
            self.buffer.put_byte(_QUOTE)
            self.buffer.put(value)
            self.buffer.put_byte(_QUOTE)
        else:
            self.buffer.put_bytes(csv_cell(value))

    def number(self, value: int | None) -> None:
        """In decimal."""
        self._next()
        if value is not None:
            self.buffer.put_number(value)

    def encoded(self, prefix: str, value: bytearray) -> None:
        """As it is."""
        self._next()
        self.buffer.put(prefix)
        self.buffer.put_base64(value)

    def count(self, value: int) -> None:
        """In decimal."""
        self._next()
        if value != tcp.UNSEEN:
            self.buffer.put_number(value)

    def interval(self, value: int) -> None:
        """With three decimals."""
        self._next()
        if value != tcp.UNSEEN:
            self.buffer.put_microseconds(value)

    def time(self, value: int) -> None:
        """RFC 3339."""
        self._next()
        if value != tcp.UNSEEN:
            self.buffer.put_time(value)

    def address(self, high: int, low: int, is_ipv6: bool) -> None:  # noqa: FBT001  compiled: takes no keywords
        """RFC 5952."""
        self._next()
        self.buffer.put_words(high, low, is_ipv6)

    def endpoint(self, address: bytes, port: int) -> None:
        """RFC 5952, with a port."""
        self._next()
        self.buffer.put_endpoint(address, port)

    def _next(self) -> None:
        if self.place:
            self.buffer.put_byte(_COMMA)
        self.place += 1


class JsonCells(Lines):
    """The cells as members of a JSON object, in ASCII: a terminal that shows it shows no control characters."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """An object begins; `names` are those of its members in order."""
        super().__init__(_json_cell)
        self.has_more = True
        self._heads = tuple(("," if place else "{") + json.dumps(name) + ":" for place, name in enumerate(names))

    def end(self, more: Mapping[str, Any]) -> None:
        """The last members, and the type of the line."""
        for name, value in more.items():
            self.buffer.put(",")
            self._member(name, value)
        self.buffer.put(',"type":"finding"}\n')

    def _member(self, name: str, value: Any) -> None:  # noqa: ANN401  what a finding has beside the columns
        self.buffer.put(f'"{name}":')
        self.buffer.put(json_of(value) if name == "tcp_info" else json.dumps(value, separators=(",", ":")))

    def nothing(self) -> None:
        """Null."""
        self._next()
        self.buffer.put("null")

    def token(self, value: str) -> None:
        """A string."""
        if value:
            self._next()
            self._string(plain(value))
        else:
            self.nothing()

    def prose(self, value: str) -> None:
        """A string."""
        if value:
            self._next()
            self.buffer.put(json_text(value))
        else:
            self.nothing()

    def number(self, value: int | None) -> None:
        """A number."""
        if value is None:
            self.nothing()
        else:
            self._next()
            self.buffer.put_number(value)

    def encoded(self, prefix: str, value: bytearray) -> None:
        """A string."""
        self._next()
        self.buffer.put_byte(_QUOTE)
        self.buffer.put(prefix)
        self.buffer.put_base64(value)
        self.buffer.put_byte(_QUOTE)

    def count(self, value: int) -> None:
        """A number."""
        if value == tcp.UNSEEN:
            self.nothing()
        else:
            self._next()
            self.buffer.put_number(value)

    def interval(self, value: int) -> None:
        """A number with a fraction."""
        if value == tcp.UNSEEN:
            self.nothing()
        else:
            self._next()
            self.buffer.put(repr(value / 1000))

    def time(self, value: int) -> None:
        """A string, RFC 3339."""
        if self.buffer.can_put_time(value):
            self._next()
            self.buffer.put_byte(_QUOTE)
            self.buffer.put_time(value)
            self.buffer.put_byte(_QUOTE)
        else:
            self.nothing()

    def address(self, high: int, low: int, is_ipv6: bool) -> None:  # noqa: FBT001  compiled: takes no keywords
        """A string, RFC 5952."""
        self._next()
        self.buffer.put_byte(_QUOTE)
        self.buffer.put_words(high, low, is_ipv6)
        self.buffer.put_byte(_QUOTE)

    def endpoint(self, address: bytes, port: int) -> None:
        """A string, RFC 5952 with a port."""
        self._next()
        self.buffer.put_byte(_QUOTE)
        self.buffer.put_endpoint(address, port)
        self.buffer.put_byte(_QUOTE)

    def _string(self, value: str) -> None:
        self.buffer.put_byte(_QUOTE)
        self.buffer.put(value)
        self.buffer.put_byte(_QUOTE)

    def _next(self) -> None:
        self.buffer.put(self._heads[self.place])
        self.place += 1


class ArrayCells(JsonCells):
    """The cells as a JSON array, by place; what a finding has beside the columns is an object at its end."""

    def __init__(self, count: int) -> None:
        """An array begins that will have so many cells."""
        super().__init__(())
        self._heads = ("[", *((",",) * (count - 1)))

    def number(self, value: int | None) -> None:
        """A number; as text where JavaScript's numbers are not so fine."""
        told = exact(value)
        if isinstance(told, str):
            self.token(told)
        else:
            JsonCells.number(self, value)

    def end(self, more: Mapping[str, Any]) -> None:
        """The last element."""
        separator = ",{"
        for name, value in more.items():
            self.buffer.put(separator)
            self._member(name, value)
            separator = ","
        self.buffer.put("}]\n" if more else "]\n")


def exact(value: Any) -> Any:  # noqa: ANN401  JSON's types
    """A value for JavaScript: an integer that its numbers are too coarse for is text."""
    return str(value) if isinstance(value, int) and value > _EXACT else value


def json_text(value: str) -> str:
    """A JSON string of any text, in ASCII."""
    return json.dumps(value) if not value or _kind(value) == _OTHER else f'"{value}"'


def _json_cell(value: str) -> bytes:
    return json_text(value).encode("ascii")


def csv_cell(value: str) -> bytes:
    """A CSV cell of any text."""
    safe = cell(value)
    if '"' in safe or "," in safe:
        safe = '"' + safe.replace('"', '""') + '"'
    return safe.encode()
