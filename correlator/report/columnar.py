"""Rows as columns in the layout of Apache Arrow, for `parquet.py`.

Numbers side by side, texts end to end with where each ends, a bit for each that is known
(https://arrow.apache.org/docs/format/Columnar.html).

No object is made of a cell: at half a million rows these would take longer than all the rest.
"""

from array import array
from struct import calcsize

from correlator.core import tcp
from correlator.core.finding import Finding
from correlator.core.model import Verdict
from correlator.report.buffer import Buffer
from correlator.report.cells import Cells, plain
from correlator.report.columns import COLUMNS, put_connection, put_finding

NUMBER, WORD, TEXT = range(3)
"""Kinds of columns: unsigned integers of 64 bits; text that comes again and again; other text."""

_WORD, _TEXT = WORD, TEXT  # compiled, C integers
_NO_SOCKET = Verdict.NO_SOCKET
_VERDICT, _EXPLANATION = COLUMNS.index("verdict"), COLUMNS.index("explanation")
_MOST_OF_WORD, _MOST_OF_HALF = 0xFFFF_FFFF, 0xFFFF
_ROWS = 64  # for which there is room at first


class Column:
    """A column under construction."""

    def __init__(self, kind: int, form: str) -> None:
        """Without rows. `form`: of what `packed` gives, as in `struct`: Q, I, H; d is thousandths of the numbers."""
        self.kind = kind
        self._form = form
        self.array = array("Q", bytes(8 * (_ROWS + 1)))
        """A number a row; the place of its word; behind a zero, where its text ends."""
        self.values = self.array  # compiled, a view of it
        self.known = bytearray(_ROWS // 8)
        """A bit a row, from the lowest on."""
        self.buffer = Buffer()
        """The texts, in UTF-8."""
        self.words: dict[str, int] = {}
        """The words, with their places."""

    def clear(self) -> None:
        """Take the rows out; their room stays."""
        length = len(self.known)
        self.known[:] = bytes(length)
        self.buffer.end = 0
        self.words = {}

    def packed(self, rows: int) -> "array[int] | bytearray":
        """The numbers of so many rows, which are all; of texts where the first begins, and where each ends.

        Raises ValueError where one does not fit the form.
        """
        count = rows
        if self.kind == _TEXT:
            self._end_unknown(rows)
            count += 1
        if self._form == "Q":
            return self.array
        packed = bytearray(count * calcsize(self._form))
        if self._form == "I":
            self._pack_words(memoryview(packed).cast("I"), count)
        elif self._form == "H":
            self._pack_halves(memoryview(packed).cast("H"), count)
        else:
            self._pack_thousandths(memoryview(packed).cast("d"), count)
        return packed

    def _end_unknown(self, rows: int) -> None:
        """An unknown text ends where it begins."""
        values, known = self.values, self.known
        for row in range(rows):
            if not known[row >> 3] >> (row & 7) & 1:
                values[row + 1] = values[row]

    def _pack_words(self, into: "memoryview[int]", count: int) -> None:
        values = self.values
        for row in range(count):
            if values[row] > _MOST_OF_WORD:
                raise ValueError(values[row])
            into[row] = values[row]

    def _pack_halves(self, into: "memoryview[int]", count: int) -> None:
        values = self.values
        for row in range(count):
            if values[row] > _MOST_OF_HALF:
                raise ValueError(values[row])
            into[row] = values[row]

    def _pack_thousandths(self, into: "memoryview[float]", count: int) -> None:
        values = self.values
        for row in range(count):
            into[row] = float(values[row]) / 1000  # of centuries the last nanoseconds may go

    def grow(self, rows: int) -> None:
        """Make room for so many rows; those there are stay."""
        grown = array("Q", bytes(8 * (rows + 1)))
        memoryview(grown)[: len(self.array)] = memoryview(self.array)
        self.values = self.array = grown
        self.known.extend(bytes(rows // 8 - len(self.known)))

    def put_number(self, row: int, value: int) -> None:
        """A number that is known."""
        self.values[row] = value
        self.mark(row)

    def put_text(self, row: int, value: str) -> None:
        """A text that is known."""
        if self.kind == _WORD:
            place = self.words.get(value)
            if place is None:
                place = self.words[value] = len(self.words)
            self.values[row] = place
            self.mark(row)
        else:
            self.buffer.put_bytes(value.encode("utf-8", "backslashreplace"))
            self.end_text(row)

    def end_text(self, row: int) -> None:
        """What was put into the buffer is the row's text."""
        self.values[row + 1] = self.buffer.end
        self.mark(row)

    def mark(self, row: int) -> None:
        """It is known."""
        self.known[row >> 3] |= 1 << (row & 7)


class Columns(Cells):
    """Takes the cells of rows in order, each into its column."""

    def __init__(self, kinds: list[tuple[int, str]]) -> None:
        """Columns of these kinds and forms, without rows."""
        self.columns = [Column(kind, form) for kind, form in kinds]
        self.rows = 0
        self._room = _ROWS
        self._place = 0

    def clear(self) -> None:
        """Take the rows out."""
        for column in self.columns:
            column.clear()
        self.rows = 0

    def findings(self, found: list[Finding]) -> None:
        """A row for each of the final ones among findings."""
        for finding in found:
            if not finding.final:
                continue
            put_connection(self, finding.connection)
            if finding.verdict is _NO_SOCKET:
                self._put_alone(finding)
            else:
                put_finding(self, finding)
                self.token(finding.was or "")
                if finding.leg is None:
                    self.nothing()
                    self.nothing()
                else:
                    client, client_port, server, server_port = finding.leg
                    self.endpoint(client, client_port)
                    self.endpoint(server, server_port)
            self.end()

    def _put_alone(self, finding: Finding) -> None:
        """All that is known of a finding without a socket."""
        self._place = _VERDICT
        self.token(_NO_SOCKET)
        self._place = _EXPLANATION
        self.text(finding.explanation)

    def end(self) -> None:
        """The row ends."""
        self.rows += 1
        self._place = 0
        if self.rows == self._room:
            self._room *= 2
            for column in self.columns:
                column.grow(self._room)

    def _next(self) -> Column:
        column = self.columns[self._place]
        self._place += 1
        return column

    def nothing(self) -> None:
        """Unknown."""
        self._place += 1

    def token(self, value: str) -> None:
        """A word."""
        if value:
            self._next().put_text(self.rows, plain(value))
        else:
            self.nothing()

    def text(self, value: str) -> None:
        """As it is."""
        if value:
            self._next().put_text(self.rows, value)
        else:
            self.nothing()

    def prose(self, value: str) -> None:
        """As it is."""
        self.text(value)

    def number(self, value: int | None) -> None:
        """A number."""
        if value is None:
            self.nothing()
        else:
            self._next().put_number(self.rows, value)

    def encoded(self, prefix: str, value: bytearray) -> None:
        """Text."""
        column = self._next()
        column.buffer.put(prefix)
        column.buffer.put_base64(value)
        column.end_text(self.rows)

    def count(self, value: int) -> None:
        """A number."""
        if value == tcp.UNSEEN:
            self.nothing()
        else:
            self._next().put_number(self.rows, value)

    def interval(self, value: int) -> None:
        """Nanoseconds."""
        self.count(value)

    def time(self, value: int) -> None:
        """Nanoseconds since the epoch."""
        if value < 0:  # unseen, too
            self.nothing()
        else:
            self._next().put_number(self.rows, value)

    def address(self, high: int, low: int, is_ipv6: bool) -> None:  # noqa: FBT001  compiled: takes no keywords
        """Text."""
        column = self._next()
        column.buffer.put_words(high, low, is_ipv6)
        column.end_text(self.rows)

    def endpoint(self, address: bytes, port: int) -> None:
        """Text."""
        column = self._next()
        column.buffer.put_endpoint(address, port)
        column.end_text(self.rows)
