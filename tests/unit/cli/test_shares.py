"""A capture that is cut into pieces, for several processes, says what one process says, in its order."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from correlator.cli.inputs import Inputs
from correlator.cli.outputs import Wanted, build
from correlator.cli.selection import Selection
from correlator.cli.shares import command, course, work
from correlator.cli.shares.command import in_shares
from correlator.cli.shares.slots import Shared, make
from correlator.cli.shares.words import Done, Job, Turn
from correlator.cli.shares.work import Share
from correlator.cli.tables import Tables
from correlator.core.config import Config
from correlator.core.evidence import Bounds
from correlator.core.limits import Limits
from correlator.core.share import SEGMENT
from correlator.run import Run, writing
from correlator.wire.interfaces import Interfaces
from tests.frames import ethernet, interface, ipv4, pcap_record, section, tcp
from tests.rotated import SECOND, TABLE, capture, conversations

CAPTURES = Path(__file__).resolve().parents[3] / "captures"


class Here:
    """Has in this process done what is asked; tests/unit/cli/test_commands.py has processes."""

    turns = 0
    fails: Callable[[int], None] | None = None
    """Called before each turn, with its number."""
    pieces: list[bool] = []  # noqa: RUF012  emptied by each analysis
    """Those that were decoded: whether it was known where they begin."""

    def __init__(self) -> None:
        """It has done nothing."""
        self._share: Share | None = None

    async def ask(self, work: Callable[..., Any], job: Job, share: int, *words: Any) -> Any:
        """Have it done; another's turn may come before."""
        for _ in range(Random(Here.turns).randrange(4)):
            await asyncio.sleep(0)
        Here.turns += 1
        if Here.fails is not None:
            Here.fails(Here.turns)
        self._share = self._share or Share(job, share)
        if work.__name__ == "turn":
            return await self._turn(*words)
        return getattr(self._share, work.__name__)()

    async def _turn(self, turn: Turn) -> Done:
        assert self._share is not None
        if turn.piece is not None:
            Here.pieces.append(turn.piece.is_exact)
        return await asyncio.to_thread(self._share.turn, turn)  # it has a loop of its own

    async def end(self) -> None:
        """Nothing is left to be done."""


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No processes are needed for this."""
    monkeypatch.setattr(command, "Process", Here)
    monkeypatch.setattr(Here, "fails", None)


class Said:
    """What an analysis says."""

    def __init__(self, folder: Path, name: Path, shares: int, tables: list[Path], **wanted: Any) -> None:
        """Analyse; with 0 shares as one process does it."""
        self.folder, self.name, self.tables = folder, str(name), tuple(map(str, tables))
        self.folder.mkdir()
        csv, jsonl, screen = (str(folder / word) for word in ("csv", "jsonl", "screen"))
        self.wanted = Wanted(csv=csv, jsonl=jsonl, screen=screen, fail_on=("ipv4-on-af_inet6",), **wanted)
        Here.pieces.clear()
        Here.turns = 0
        asyncio.run(self._analyse(shares))
        self.lines = {path.name: path.read_bytes().splitlines() for path in folder.iterdir()}

    async def _analyse(self, shares: int) -> None:
        named = Tables()
        for table in self.tables:
            named.add(table)
        self.inputs = inputs = Inputs(Interfaces(), named, Config())
        built = build(self.wanted, inputs.interfaces.names)
        run = Run(*inputs.parts(first=True), built.outputs)
        async with writing(built.outputs):
            run.begin({"host": "here"})
            if shares:
                await in_shares(self.wanted, self.tables, shares, self.name, built, inputs, run)
            else:
                await inputs.take(run, [self.name])
            self.counters = run.end({})
        self.summary = built.summary.text(self.counters, [])
        self.rest = (built.fail_on.met, inputs.troubles, inputs.unread, inputs.taken, built.outputs.failures)

    def __eq__(self, other: object) -> bool:
        """Whether another one says the same."""
        assert isinstance(other, Said)
        assert self.lines == other.lines
        assert self.counters == other.counters
        assert self.summary == other.summary
        assert self.rest == other.rest
        return True

    __hash__ = None  # type: ignore[assignment]


def compared(folder: Path, name: Path, shares: int, tables: list[Path] | None = None, **wanted: Any) -> Said:
    """The analysis in shares, which says the same as the whole."""
    whole = Said(folder / "whole", name, 0, tables or [], **wanted)
    apart = Said(folder / f"apart-{shares}", name, shares, tables or [], **wanted)
    assert apart == whole
    shutil.rmtree(folder / "whole")
    shutil.rmtree(apart.folder)
    return apart


def pieces(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Have captures cut into pieces of so many bytes."""
    monkeypatch.setattr(course, "_SMALLEST", size)
    monkeypatch.setattr(course, "_LARGEST", size)


@pytest.mark.parametrize("seed", range(24))
def test_conversations(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all kinds: cut anywhere, in shares of any number, with evidence and without; fragments over the edges."""
    chance = Random(seed)
    pieces(monkeypatch, chance.choice((300, 700, 2500)))
    (tmp_path / "x.pcap").write_bytes(capture(conversations(chance, 400, fragments=chance.choice((0, 0.02, 0.3)))))
    (tmp_path / "table").write_text(TABLE)
    compared(tmp_path, tmp_path / "x.pcap", chance.randrange(1, 5), [tmp_path / "table"] if seed % 2 else None)
    assert len(Here.pieces) > 5


@pytest.mark.parametrize("name", ["jessie.pcap", "handshakes.pcap", "meetings.pcapng"])
@pytest.mark.parametrize("wanted", [{}, {"quiet": True, "selection": Selection(ports=frozenset({5555}))}])
def test_captures(tmp_path: Path, name: str, wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in them; a selection of it."""
    pieces(monkeypatch, 500)
    for beside in (name, name.replace(".pcapng", ".sockets.jsonl")):
        shutil.copy(CAPTURES / beside, tmp_path)
    for shares in (1, 2, 5):
        compared(tmp_path, tmp_path / name, shares, [CAPTURES / "jessie.netstat.txt"], **wanted)
        assert Here.turns > 2 * shares or name == "meetings.pcapng"  # which a live run wrote


def test_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes before it is reported, and nothing behind it: in the middle of a piece, where one begins, at the end."""
    pieces(monkeypatch, 700)
    data, damaged = capture(conversations(Random(3), 300)), 0
    for place in (*range(2000, 2800, 90), len(data) - 3):
        broken = data[:place] + b"\xff" * 40 + data[place + 40 :] if place < len(data) - 40 else data[:place]
        (tmp_path / "x.pcap").write_bytes(broken)
        damaged += len(compared(tmp_path, tmp_path / "x.pcap", 3).rest[1])
    assert damaged >= 3


def test_what_only_looks_like_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets that carry captures: a piece that begins inside of one is decoded again."""
    pieces(monkeypatch, 1500)
    at = 1_700_000_000 * SECOND
    inner = capture([(at, bytes(60))] * 12)[24:]
    frames = [
        (at + number, ethernet(ipv4(tcp(1000 + number % 3, 80, number * 1000, 1, 0x10, inner)))) for number in range(40)
    ]
    (tmp_path / "x.pcap").write_bytes(capture(frames))
    compared(tmp_path, tmp_path / "x.pcap", 2)
    assert Here.pieces.count(True) > 10


def test_records_longer_than_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing begins in some."""
    pieces(monkeypatch, 400)
    at = 1_700_000_000 * SECOND
    frames = [(at + number, ethernet(ipv4(tcp(1000, 80, number, 1, 0x10, bytes(1400))))) for number in range(20)]
    (tmp_path / "x.pcap").write_bytes(capture(frames))
    compared(tmp_path, tmp_path / "x.pcap", 2)


def test_what_cannot_be_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process does it: what is no capture, empty, or gone; what describes an interface late; what has legs."""
    pieces(monkeypatch, 400)
    meetings = (CAPTURES / "meetings.pcapng").read_bytes()
    blocks = meetings[meetings.index(b"\x06\0\0\0") :]
    first = int.from_bytes(blocks[4:8], "little")
    shutil.copy(CAPTURES / "meetings.sockets.jsonl", tmp_path / "legs.sockets.jsonl")
    cases = {
        "late.pcapng": section() + interface() + blocks[:first] + interface() + blocks[first:],
        "section.pcapng": section() + interface() + blocks + section() + interface() + blocks,
        "bare.pcapng": section() + interface() + blocks + section() + blocks,
        "legs.pcapng": section() + interface() + interface() + blocks,
        "none.pcap": b"no capture" * 200,
        "empty.pcap": b"",
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        compared(tmp_path, tmp_path / name, 2)
    compared(tmp_path, tmp_path / "gone.pcap", 2)


@pytest.mark.parametrize("turn", [1, 5, 20, 33])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenExecutor(), ValueError("no row")])
def test_a_process_that_fails(tmp_path: Path, turn: int, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process does the rest: nothing is missing, nothing is there twice."""
    pieces(monkeypatch, 900)
    (tmp_path / "x.pcap").write_bytes(capture(conversations(Random(5), 400)))

    def fail(number: int) -> None:
        if number == turn:
            raise error

    monkeypatch.setattr(Here, "fails", fail)
    compared(tmp_path, tmp_path / "x.pcap", 2)
    assert turn <= Here.turns


def test_more_connections_than_one_table_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one process would have given up must not be known to several: one does the rest."""
    pieces(monkeypatch, 900)
    monkeypatch.setattr(course, "Limits", lambda: Limits(connections=9))
    (tmp_path / "x.pcap").write_bytes(capture(conversations(Random(5), 400)))
    compared(tmp_path, tmp_path / "x.pcap", 2)
    assert Here.turns < 40


@pytest.mark.parametrize("tuples", [2, 5, 9, 16])
def test_more_connections_than_wait_for_the_end(tmp_path: Path, tuples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table without a time may be about any of them, and one process lets so many wait."""
    config = Config(bounds=Bounds(tuples=tuples))
    pieces(monkeypatch, 900)
    monkeypatch.setattr(course, "Bounds", lambda: config.bounds)
    for module in (work, sys.modules[__name__]):
        monkeypatch.setattr(module, "Config", lambda: config)
    (tmp_path / "x.pcap").write_bytes(capture(conversations(Random(5), 400)))
    (tmp_path / "table").write_text(TABLE)
    compared(tmp_path, tmp_path / "x.pcap", 2, [tmp_path / "table"])


def test_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is reported: that of the pieces that were begun, as one process reports a capture of them."""
    pieces(monkeypatch, 900)
    (tmp_path / "x.pcap").write_bytes(capture(conversations(Random(5), 400)))
    inputs: list[Inputs] = []

    def stop(number: int) -> None:
        if number == 6:
            inputs[0].stop.set()

    made = Inputs.__init__

    def remember(self: Inputs, *words: Any, **options: Any) -> None:
        made(self, *words, **options)
        inputs.append(self)

    monkeypatch.setattr(Here, "fails", stop)
    monkeypatch.setattr(Inputs, "__init__", remember)
    said = Said(tmp_path / "said", tmp_path / "x.pcap", 1, [])
    assert said.rest[1] == [f"{tmp_path}/x.pcap: interrupted; what was read is reported"]
    data = (tmp_path / "x.pcap").read_bytes()
    assert 0 < said.counters["packets"] < 400
    at, records = 24, 0
    while records < said.counters["packets"]:
        at, records = at + 16 + int.from_bytes(data[at + 8 : at + 12], "little"), records + 1
    monkeypatch.setattr(Here, "fails", None)
    (tmp_path / "x.pcap").write_bytes(data[:at])
    whole = Said(tmp_path / "whole", tmp_path / "x.pcap", 0, [])
    assert said.lines == whole.lines


def test_where_a_capture_is_cut() -> None:
    """Into some hundred pieces that are neither small nor large; each has room for all the segments that fit into it."""
    assert course.cut(0, 4) == []
    assert len(course.cut(5_000_000, 4)) == 2
    for size in (10_000_000, 1 << 30, 20 << 30):
        spans = course.cut(size, 4)
        assert all(one.end == other.begin for one, other in pairwise(spans))
        assert spans[0].begin == 0
        assert spans[-1].end > size
        assert 1 << 22 <= spans[0].end <= 1 << 23
    smallest = len(pcap_record(bytes(20 + 14)))
    assert course.room(spans) > spans[0].end // smallest
    slots = 256 + course.MORE_SLOTS
    assert slots * course.room(course.cut(20 << 30, slots)) * SEGMENT < 200 << 20  # whatever is asked for


def test_lines_in_a_slot(tmp_path: Path) -> None:
    """Each share's are by themselves; what does not fit is not begun."""
    make(str(tmp_path / "slot"), 10, 60)
    one, other = (Shared(str(tmp_path / "slot"), 10, 3) for _ in range(2))
    assert one.put(0, (b"a" * 12, b"", b"bc"))
    assert one.put(2, (b"d" * 20, b"", b""))
    assert not one.put(1, (b"e" * 20, b"f"))
    assert other.lines(0, (12, 0, 2)) == (b"a" * 12, b"", b"bc")
    assert other.lines(1, (20,)) == (bytes(20),)
    assert other.lines(2, (20, 0, 0)) == (b"d" * 20, b"", b"")
    assert len(other.segments.times) == 10
