"""The live view: a table that stands still while connections come and go, and the keys that steer it.

Drawing is done by rich in a thread, a few times a second and never more than a twentieth of the time; a terminal that
does not take what is drawn keeps that thread waiting, and nobody else.
"""

import asyncio
import contextlib
import os
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from correlator.report.board import HEADINGS, Board, Picture
from correlator.report.escape import terminal

_EVERY = 0.25  # seconds between two pictures
_SHARE = 20  # a picture takes at most so small a part of the time
_LISTENERS = 4
_FRAME = 5  # lines beside listeners and findings: title, counters, a blank one, headings, keys
_NOTHING_YET = "no connection yet"
_NOTHING_FITS = "none of the kept findings fits: v and / choose others"
_KEYS = "q quit   p pause   v verdict   / search"
_STYLES = {
    "ipv4-on-af_inet6": "bold yellow",
    "ipv6-on-af_inet6": "green",
    "no-socket": "dim",
    "ambiguous": "bold magenta",
    "anomaly": "bold red",
}
# What is left out where the terminal is narrow, the first first.
_DISPENSABLE = ("close", "handshake", "socket", "time", "cause", "side")
_WIDTHS = {"time": 12, "verdict": 16, "side": 6, "client": 20, "server": 20, "process": 15, "socket": 24}
_WIDTHS |= {"cause": 19, "handshake": 10, "close": 10}
_GAP, _LEAST = 2, 8
_ELASTIC = ("client", "server", "process", "socket")
_PLAIN = ("time", "side", "client", "server", "process")  # not in the verdict's colour
_ESCAPE, _ENTER, _DELETE = "\x1b", "\r\n", "\x7f\b"
_PATIENCE = 1.0  # seconds, with a terminal that takes nothing
_MOST_TYPED = 60  # characters of a search


@dataclass(frozen=True, slots=True)
class Numbers:
    """The run's counters that the view shows."""

    connections: int
    dropped: int
    evidence_lost: int
    evicted: int


class View:
    """Draws a board, and listens to the keys."""

    def __init__(
        self,
        board: Board,
        interfaces: list[str],
        numbers: Callable[[], Numbers],
        stop: asyncio.Event,
        *,
        no_color: bool,
    ) -> None:
        """`numbers`: asks for the counters. `stop` is set by `q`."""
        self.console = Console(no_color=no_color or None, highlight=False)
        self._board = board
        self._interfaces = terminal(", ".join(interfaces))
        self._numbers = numbers
        self._stop = stop
        self._begun = time.monotonic()
        self._counted = (self._begun, 0)
        self._rate = 0.0
        self._painting = threading.Lock()
        self._is_typing = False
        self._note = ""
        self._keys = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._was: list[object] | None = None
        self._live = Live(
            console=self.console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    @contextlib.asynccontextmanager
    async def shown(self, notes: Sequence[str]) -> AsyncIterator[None]:
        """Show it for as long as this lasts; the terminal is then as it was. `notes`: the last is shown."""
        self._note = terminal(notes[-1]) if notes else ""
        loop = asyncio.get_running_loop()
        self._enter()
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        failure: OSError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                drawing = tasks.create_task(self._draw())
                try:
                    yield
                except OSError as error:  # the capture's, which is no affair of the group's
                    failure = error
                finally:
                    drawing.cancel()
            if failure is not None:
                raise failure
        finally:
            loop.remove_signal_handler(signal.SIGTSTP)
            self._leave()

    def _enter(self) -> None:
        if self._keys is not None:
            self._was = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
            asyncio.get_running_loop().add_reader(self._keys, self._read_keys)
        self._live.start()

    def _leave(self) -> None:
        is_free = self._painting.acquire(timeout=_PATIENCE)
        if not is_free:  # nobody takes what was drawn: it is thrown away, so that the painter comes back
            with contextlib.suppress(OSError, termios.error):
                termios.tcflush(sys.stdout.fileno(), termios.TCOFLUSH)
            is_free = self._painting.acquire(timeout=_PATIENCE)
        with contextlib.suppress(OSError):
            if is_free:
                self._live.stop()
        if is_free:
            self._painting.release()
        if self._keys is not None:
            asyncio.get_running_loop().remove_reader(self._keys)
            if self._was is not None:
                with contextlib.suppress(OSError, termios.error):
                    termios.tcsetattr(self._keys, termios.TCSANOW, self._was)  # type: ignore[arg-type]

    def _suspend(self) -> None:
        """Ctrl-Z: give the terminal back, stop, and take it again when we go on."""
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            self._enter()
        except (OSError, termios.error):  # the terminal has gone in the meantime
            self._stop.set()

    def _read_keys(self) -> None:
        assert self._keys is not None
        try:
            data = os.read(self._keys, 256)
        except OSError:
            data = b""
        if not data:  # the terminal is gone; SIGHUP says the rest
            asyncio.get_running_loop().remove_reader(self._keys)
            return
        self.press(data.decode("utf-8", "ignore"))

    def press(self, keys: str) -> None:
        """Do what keys ask for."""
        if keys.startswith(_ESCAPE) and len(keys) > 1:
            return  # an arrow or function key
        for key in keys:
            if self._is_typing:
                self._type(key)
            elif key in "qQ":
                self._stop.set()
            elif key in "pP":
                self._board.pause()
            elif key in "vV":
                self._board.next_verdict()
            elif key == "/":
                self._is_typing = True
            elif key == _ESCAPE:
                self._board.search = ""

    def _type(self, key: str) -> None:
        board = self._board
        if key in _ENTER:
            self._is_typing = False
        elif key == _ESCAPE:
            self._is_typing, board.search = False, ""
        elif key in _DELETE:
            board.search = board.search[:-1]
        elif key.isprintable() and len(board.search) < _MOST_TYPED:
            board.search += key

    async def _draw(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                await asyncio.to_thread(self._paint, self.frame())
            except OSError:
                return  # the terminal is gone; SIGHUP says the rest
            await asyncio.sleep(max(_EVERY, (time.monotonic() - begun) * _SHARE))

    def _paint(self, frame: RenderableType) -> None:
        with self._painting:
            if self._live.is_started:  # else the terminal has been given back in the meantime
                self._live.update(frame, refresh=True)

    def frame(self) -> RenderableType:
        """The view now, as large as the terminal is."""
        width, height = self.console.size
        listeners = min(_LISTENERS, max(height // 8, 1))
        numbers = self._numbers()
        self._measure(numbers.connections)
        lines = height - _FRAME
        picture = self._board.picture(lines, listeners)
        parts: list[RenderableType] = [self._title(picture), self._counters(picture, numbers)]
        parts += [_listener(*one) for one in picture.listeners]
        parts += [Text(""), _table(picture, width)]
        if not picture.entries:
            parts.append(_line((_NOTHING_YET if not picture.left_out else _NOTHING_FITS, "dim")))
        left = lines - len(picture.listeners) - max(len(picture.entries), 1)
        parts += [Text("")] * left  # the keys stand at the bottom
        return Group(*parts, self._foot(picture))

    def _measure(self, connections: int) -> None:
        now, (then, before) = time.monotonic(), self._counted
        if now - then >= 1:
            self._rate = (connections - before) / (now - then)
            self._counted = (now, connections)

    def _title(self, picture: Picture) -> Text:
        passed = int(time.monotonic() - self._begun)
        clock = f"{passed // 3600:02d}:{passed // 60 % 60:02d}:{passed % 60:02d}"
        line = _line(("correlator live", "bold"), f"  {self._interfaces}  {clock}")
        if picture.is_paused:
            line.append("  PAUSED", "bold reverse")
        return line

    def _counters(self, picture: Picture, numbers: Numbers) -> Text:
        total = sum(picture.verdicts.values())
        matched = total - picture.verdicts.get("no-socket", 0) - picture.verdicts.get("ambiguous", 0)
        mixed = picture.verdicts.get("ipv4-on-af_inet6", 0)
        line = _line(
            f"{numbers.connections:,} connections, {self._rate:,.0f}/s  ",
            (f"{mixed:,} IPv4 on AF_INET6", _STYLES["ipv4-on-af_inet6"]),
            f"  {matched:,} of {total:,} matched  ",
        )
        lost = [
            f"{count:,} {what}"
            for count, what in (
                (numbers.dropped, "packets dropped"),
                (numbers.evidence_lost, "losses of evidence"),
                (numbers.evicted, "evicted"),
            )
            if count
        ]
        return line.append(", ".join(lost), "bold red") if lost else line.append("0 drops")

    def _foot(self, picture: Picture) -> Text:
        if self._is_typing:
            return _line("search: ", (terminal(picture.search), "bold"), "▏  Enter keeps it, Esc clears it")
        chosen = [f"verdict {picture.verdict}"] if picture.verdict else []
        chosen += [f"search {terminal(picture.search)!r} (Esc clears it)"] if picture.search else []
        told = f"   showing {', '.join(chosen)}; {picture.left_out} hidden" if chosen else ""
        keys = _KEYS if self._keys is not None else "Ctrl-C ends it"
        note = f"   note: {self._note}" if self._note and not told else ""
        return _line((keys, "reverse"), told, (note, "dim"))


def _table(picture: Picture, width: int) -> Table:
    """The findings, with as many columns as there is room for."""
    chosen = list(HEADINGS)
    for name in _DISPENSABLE:
        if sum(_WIDTHS[one] + _GAP for one in chosen) - _GAP <= width:
            break
        chosen.remove(name)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, expand=True, header_style="bold")
    rooms = _rooms(chosen, width)
    for name in chosen:
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=rooms[name])
    for entry in picture.entries:
        cells = dict(zip(HEADINGS, entry.cells, strict=True))
        style = _STYLES.get(entry.verdict, "")
        table.add_row(*(Text(_shortened(cells[one], rooms[one]), "" if one in _PLAIN else style) for one in chosen))
    return table


def _rooms(chosen: list[str], width: int) -> dict[str, int]:
    """The columns' widths: what is left over is shared by those whose content may be long."""
    rooms = {name: _WIDTHS[name] for name in chosen}
    elastic = [name for name in chosen if name in _ELASTIC]
    left = width - sum(rooms.values()) - _GAP * (len(chosen) - 1)
    for place, name in enumerate(elastic):
        share = left // (len(elastic) - place)
        rooms[name] = max(rooms[name] + share, _LEAST)
        left -= share
    return rooms


def _shortened(text: str, room: int) -> str:
    """An address and port that is too long without its middle: both ends of it tell more."""
    if len(text) <= room or not text[-1:].isdigit():
        return text
    tail = max(room * 2 // 3, 1)
    return f"{text[: max(room - tail - 1, 0)]}…{text[-tail:]}"


def _listener(where: str, who: str, ipv4: int, ipv6: int) -> Text:
    return _line(f"  {where} {who}   ", (f"{ipv4:,} over IPv4", "yellow" if ipv4 else ""), f", {ipv6:,} over IPv6")


def _line(*parts: str | tuple[str, str]) -> Text:
    """A line that is cut where the terminal ends."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
