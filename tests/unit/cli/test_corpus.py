"""A corpus whose captures are analysed apart says what one machine says; tests/functional/test_corpus.py has clusters."""

import asyncio
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `fleet`")
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: the extra `fleet`")
pytest.importorskip("distributed", reason="distributed is not installed: the extra `fleet`")

from correlator.cli.corpus import analysis, command, places, plan  # noqa: E402  what they need may not be there
from correlator.cli.corpus.analysis import Result  # noqa: E402
from correlator.cli.corpus.cluster import Calls  # noqa: E402
from correlator.cli.inputs import Inputs  # noqa: E402
from correlator.cli.outputs import Wanted, run_record  # noqa: E402
from correlator.cli.part import Part, part_of  # noqa: E402
from correlator.core.limits import Limits  # noqa: E402
from correlator.run import Run  # noqa: E402
from tests.frames import block, ethernet, ipv4, tcp  # noqa: E402
from tests.rotated import TABLE, Packets, capture, conversations, files  # noqa: E402

CAPTURES = Path(__file__).resolve().parents[3] / "captures"
_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few packets are enough for a task."""
    monkeypatch.setattr(plan, "LEAST", 0)


class Here(Calls):
    """Does all in this process, and remembers what."""

    done: list[tuple[str, Any]] = []  # noqa: RUF012  emptied by each test

    def each(
        self,
        function: Callable[..., _Found],
        asked: Sequence[_Asked],
        words: Callable[[_Asked], tuple[object, ...]],
        otherwise: Callable[[_Asked, str], _Found],
    ) -> list[_Found]:
        """One after another."""
        del otherwise
        found = [function(*words(one)) for one in asked]
        self.done.extend((function.__name__, one) for one in found)
        return found


class OneWorker:
    """What is asked of a client of a cluster."""

    def nthreads(self) -> dict[str, int]:
        """Threads of each worker."""
        return {"here": 3}


def apart(to: Path, names: list[Path], tables: Sequence[Path] = (), *, merge: bool = True) -> Result:
    """Analyse them by tasks."""
    Here.done.clear()
    here = Here(OneWorker(), lambda _: None)
    folder = places.prepared(str(to), force=True)
    corpus = command.corpus_of(here, folder, *command.tables_of(tuple(map(str, tables))), Wanted())
    result = corpus.analysed(command.timelines_of(places.names_of(tuple(map(str, names))), 3, merge=merge))
    places.tidy(folder)
    assert [path.name for path in to.iterdir() if path.name.startswith(".")] == []
    return result


def whole(to: Path, names: list[Path], tables: Sequence[Path] = ()) -> Part:
    """Analyse them as one timeline."""

    async def take(inputs: Inputs, run: Run) -> None:
        await inputs.take(run, list(map(str, names)))

    wanted = Wanted(parquet=str(to), quiet=True, force=True)
    return asyncio.run(part_of(wanted, map(str, tables), take, record=run_record(0, captures=[], sources=[])))


def rows(*found: Path) -> list[str]:
    """The rows of Parquet files, in the order of what they say."""
    return sorted(str(row) for file in found for row in pq.read_table(file).to_pylist())


def compared(folder: Path, names: list[Path], tables: Sequence[Path] = ()) -> list[str]:
    """What tasks did, each named; the rows and counters are those of one machine."""
    part = whole(folder / "whole.parquet", names, tables)
    result = apart(folder / "out", names, tables)
    found = sorted((folder / "out").glob("part-*.parquet"))
    assert sorted(map(str, found)) == sorted(result.parts)
    assert rows(*found) == rows(folder / "whole.parquet")
    assert result.counters == part.counters
    assert (result.troubles, result.unread, result.failures) == (part.troubles, len(part.unread), [])
    assert result.summary.text(result.counters, []) == _summary(part)
    return asked()


def asked() -> list[str]:
    """What tasks did, but for meeting."""
    return [name for name, _ in Here.done if name != "meet"]


def _summary(part: Part) -> str:
    result = Result()
    result.summary.add(part.tally)
    return result.summary.text(part.counters, [])


def rotated(folder: Path, packets: Packets, chance: Random, count: int) -> list[Path]:
    """A set of files in a folder."""
    names = [folder / f"part.pcap{place}" for place in range(count)]
    for name, content in zip(names, files(packets, chance, count), strict=True):
        name.write_bytes(content)
    return names


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("has_table", [False, True])
def test_a_rotated_set(seed: int, has_table: bool, tmp_path: Path) -> None:
    """Row for row, wherever it was cut; each file is a task's."""
    chance = Random(seed)
    (tmp_path / "table").write_text(TABLE)
    packets = conversations(chance, 300, steps=(0, 1, 1, 3000, 20_000), fragments=0)
    names = rotated(tmp_path, packets, chance, 5)
    done = compared(tmp_path, names, [tmp_path / "table"] if has_table else [])
    assert done == ["survey"] * 5 + ["work"] * 5 + ["reach"]


@pytest.mark.parametrize("seed", range(20))
def test_fragments_at_edges(seed: int, tmp_path: Path) -> None:
    """Files whose fragments may be one segment's are one task's, with those between them."""
    chance = Random(seed)
    packets = conversations(chance, 300, steps=(0, 0, 1, 1, 30_000), fragments=0.1)
    fragments = [number for number, (_, frame) in enumerate(packets) if frame[12:14] == b"\x08\0" and any(frame[20:22])]
    at = chance.choice([number for number in fragments if number + 1 in fragments and not number % 2])
    names = [tmp_path / name for name in "abcd"]
    for name, content in zip(
        names, (packets[: at - 20], packets[at - 20 : at + 1], packets[at + 1 : at + 9], packets[at + 9 :]), strict=True
    ):
        name.write_bytes(capture(content))
    done = compared(tmp_path, names)
    assert done[:4] == ["survey"] * 4
    assert 0 < done.count("work") < 4


@pytest.mark.parametrize("seed", range(10))
def test_files_that_overlap(seed: int, tmp_path: Path) -> None:
    """Are one task's; in whatever order they are named."""
    chance = Random(seed)
    packets = conversations(chance, 400, steps=(1, 1, 2, 3000, 20_000), fragments=0)
    names = [tmp_path / name for name in "abcdef"]
    parts = [packets[:80], packets[80:200:2], packets[81:200:2], packets[200:210], packets[210:], []]
    for name, content in zip(names, parts, strict=True):
        name.write_bytes(capture(content))
    chance.shuffle(names)
    done = compared(tmp_path, names)
    assert done[:7] == ["survey"] * 7  # those that overlap once more, together
    assert done[7:] == ["work"] * 5 + ["reach"]


def test_a_clock_that_is_wrong(tmp_path: Path) -> None:
    """A packet of the next year: what follows it is late, and one task's."""
    packets = conversations(Random(3), 200, steps=(1, 1, 3000, 20_000), fragments=0)
    at, frame = packets[60]
    packets[60] = at + 365 * 86400 * 10**9, frame
    names = [tmp_path / name for name in "abcd"]
    for place, name in enumerate(names):
        name.write_bytes(capture(packets[place * 50 : place * 50 + 50]))
    assert compared(tmp_path, names) == ["survey"] * 5 + ["work"] * 2 + ["reach"]


def test_captures_that_cannot_be_read_whole(tmp_path: Path) -> None:
    """Cost their own rows, and are told, once."""
    packets = conversations(Random(4), 200, steps=(1, 1, 3000, 20_000), fragments=0)
    names = [tmp_path / name for name in "abcd"]
    for place, name in enumerate(names):
        name.write_bytes(capture(packets[place * 50 : place * 50 + 50]))
    names[1].write_bytes(names[1].read_bytes()[:-7])
    names[2].write_bytes(b"no capture")
    assert compared(tmp_path, [*names, tmp_path / "missing"]) == ["survey"] * 5 + ["work"] * 3 + ["reach"]


@pytest.mark.parametrize("size", [300, 1000, 5000])
@pytest.mark.parametrize("seed", range(8))
def test_a_large_file(seed: int, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is cut, wherever that is; the rows are those of the whole."""
    monkeypatch.setattr(command, "PIECE", size)
    chance = Random(seed)
    packets = conversations(chance, 300, steps=(0, 1, 1, 3000, 20_000, -5), fragments=0.01)
    file = tmp_path / "x.pcap"
    file.write_bytes(capture(packets) + (bytes(7) if seed % 2 else b""))
    (tmp_path / "table").write_text(TABLE)
    part = whole(tmp_path / "whole.parquet", [file], [tmp_path / "table"])
    result = apart(tmp_path / "out", [file], [tmp_path / "table"], merge=False)
    assert rows(*map(Path, result.parts)) == rows(tmp_path / "whole.parquet")
    assert (result.counters, result.troubles) == (part.counters, part.troubles)
    assert len(result.parts) > 2


def blocks(data: bytes) -> list[bytes]:
    """Those of a pcapng."""
    found, at = [], 0
    while at < len(data):
        end = at + int.from_bytes(data[at + 4 : at + 8], "little")
        found.append(data[at:end])
        at = end
    return found


def recorded(folder: Path, chance: Random, count: int, *, interfaces: bytes = b"") -> list[Path]:
    """The set that a live run would have left that rotated: each file with its part of the evidence."""
    all_blocks = blocks((CAPTURES / "meetings.pcapng").read_bytes())
    packets = [block for block in all_blocks if block[0] == 6]
    lines = (CAPTURES / "meetings.sockets.jsonl").read_text().splitlines()
    names = []
    for place in range(count):
        names.append(folder / f"x-{place}.pcapng")
        some = packets[len(packets) * place // count : len(packets) * (place + 1) // count]
        names[-1].write_bytes(b"".join([*all_blocks[:2], interfaces, *some]))
        said = lines[1 + len(lines) * place // count : 1 + len(lines) * (place + 1) // count]
        (folder / f"x-{place}.sockets.jsonl").write_text("\n".join([lines[0], *said, ""]))
    chance.shuffle(names)
    return names


@pytest.mark.parametrize("count", range(2, 9))
def test_what_a_live_run_has_saved(count: int, tmp_path: Path) -> None:
    """What one file's evidence says of a connection in another one counts; one of them is told twice, and damaged."""
    names = recorded(tmp_path, Random(count), count)
    with (tmp_path / "x-1.sockets.jsonl").open("a") as file:
        file.write("nonsense\n")
    done = compared(tmp_path, names)
    assert done == ["survey"] * count + ["work"] * count + ["reach"]
    assert any("'ipv4-on-af_inet6'" in row for row in rows(tmp_path / "whole.parquet"))


def test_what_must_be_one_task(tmp_path: Path) -> None:
    """Legs may be on other interfaces; addresses that were cut off are completed by the first that fits; no times."""
    chance = Random(1)
    (tmp_path / "legs").mkdir()
    names = recorded(tmp_path / "legs", chance, 4, interfaces=block(1, struct.pack("<HHIHH4s", 1, 0, 0, 2, 4, b"eth1")))
    assert compared(tmp_path / "legs", names) == ["survey"] * 4 + ["work"]
    assert apart(tmp_path / "legs" / "out", names).notes == [
        "4 captures: one task did all: there are several interfaces and evidence, so connections may have legs"
    ]
    names = rotated(tmp_path, conversations(chance, 100, steps=(1, 1, 3000)), chance, 3)
    (tmp_path / "table").write_text(
        TABLE.replace("2001:db8::2:80          2001:db8::1:1002", "2001:db8:0:0:0:0:0:0:80 2001:db8:0:0:0:0:0:1002")
    )
    assert compared(tmp_path, names, [tmp_path / "table"]) == ["survey"] * 3 + ["work"]
    names[1].write_bytes(capture([(0, frame) for _, frame in conversations(chance, 20)]))
    assert compared(tmp_path, names) == ["survey"] * 3 + ["work"]


def test_what_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture that has more than it had when it was looked through: all is done again, and nothing is there twice."""
    chance = Random(2)
    packets = conversations(chance, 200, steps=(1, 1, 3000, 20_000), fragments=0)
    names = rotated(tmp_path, packets[:150], chance, 3)
    tasks_of = analysis.Corpus._tasks

    def late(self: analysis.Corpus, course: Any) -> Any:
        names[1].write_bytes(capture(packets[150:]))
        return tasks_of(self, course)

    monkeypatch.setattr(analysis.Corpus, "_tasks", late)
    result = apart(tmp_path / "out", names)
    assert asked() == ["survey"] * 3 + ["work"] * 3 + ["reach", "work"]
    whole(tmp_path / "whole.parquet", names)
    assert rows(*map(Path, result.parts)) == rows(tmp_path / "whole.parquet")
    assert sorted(map(str, (tmp_path / "out").iterdir())) == result.parts


def test_more_connections_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One machine would have had to let some go: one task does all, as it would."""
    chance = Random(5)
    names = rotated(tmp_path, conversations(chance, 200, steps=(1, 1, 3000), fragments=0), chance, 3)
    monkeypatch.setattr(analysis, "Limits", lambda: Limits(connections=3))
    apart(tmp_path / "out", names)
    assert asked() == ["survey"] * 3 + ["work"] * 3 + ["reach", "work"]


def test_what_reaches_over_edges_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is much: each task tracks some of the connections."""
    monkeypatch.setattr(analysis, "ROWS", 10)
    chance = Random(6)
    names = rotated(tmp_path, conversations(chance, 300, steps=(1, 1, 3000, 20_000), fragments=0), chance, 5)
    assert compared(tmp_path, names) == ["survey"] * 5 + ["work"] * 5 + ["reach"] * 3


def test_a_large_pcapng(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is cut as well; unless it describes an interface between its packets."""
    monkeypatch.setattr(command, "PIECE", 700)
    file, other = tmp_path / "meetings.pcapng", tmp_path / "other.pcapng"
    shutil.copy(CAPTURES / "meetings.pcapng", file)
    shutil.copy(CAPTURES / "meetings.sockets.jsonl", tmp_path)
    all_blocks = blocks(file.read_bytes())
    other.write_bytes(b"".join([*all_blocks[:9], all_blocks[1], *all_blocks[9:]]))
    for name, least in ((file, 5), (other, 1)):
        whole(tmp_path / "whole.parquet", [name])
        result = apart(tmp_path / "out", [name], merge=False)
        assert rows(*map(Path, result.parts)) == rows(tmp_path / "whole.parquet")
        assert len(result.parts) >= least
        assert least > 1 or len(result.parts) == 1


def test_what_only_looks_like_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets that carry captures: a part that begins inside of one is looked through again."""
    monkeypatch.setattr(command, "PIECE", 1500)
    at = 1_700_000_000 * 10**9
    inner = capture([(at, bytes(60))] * 12)[24:]
    frames = [
        (at + number, ethernet(ipv4(tcp(1000 + number % 3, 80, number * 1000, 1, 0x10, inner)))) for number in range(40)
    ]
    file = tmp_path / "x.pcap"
    file.write_bytes(capture(frames))
    whole(tmp_path / "whole.parquet", [file])
    result = apart(tmp_path / "out", [file], merge=False)
    assert rows(*map(Path, result.parts)) == rows(tmp_path / "whole.parquet")
    surveys = [one for name, one in Here.done if name == "survey"]
    pieces = len(command.timelines_of([str(file)], 3, merge=False)[0].pieces)
    assert len(surveys) > pieces > 10
    assert len(result.parts) > 10


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A folder of another file system."""
    files = fsspec.filesystem("memory")
    yield "memory://corpus"
    files.rm("/corpus", recursive=True)


def rows_elsewhere(to: str) -> list[str]:
    """The rows of all parts in a folder."""
    files = fsspec.filesystem("memory")
    return sorted(
        str(row) for name in files.glob(f"{to}/part-*") for row in pq.read_table(files.open(name)).to_pylist()
    )


def analysed_elsewhere(to: str, captures: str, *, merge: bool) -> Result:
    """Analyse what is elsewhere, into a folder elsewhere."""
    Here.done.clear()
    here, folder = Here(OneWorker(), lambda _: None), places.prepared(to, force=True)
    corpus = command.corpus_of(here, folder, *command.tables_of(()), Wanted())
    result = corpus.analysed(command.timelines_of(places.names_of((captures,)), 3, merge=merge))
    places.tidy(to)
    return result


def test_a_set_that_is_elsewhere(elsewhere: str, tmp_path: Path) -> None:
    """It is fetched, with its evidence, and what is found is put there; nothing else is left."""
    names = recorded(tmp_path, Random(1), 12)
    files = fsspec.filesystem("memory")
    for path in tmp_path.iterdir():
        files.pipe_file(f"/corpus/in/{path.name}", path.read_bytes())
    result = analysed_elsewhere(f"{elsewhere}/out", f"{elsewhere}/in", merge=True)
    whole(tmp_path / "whole.parquet", names)
    assert rows_elsewhere("/corpus/out") == rows(tmp_path / "whole.parquet")
    assert len(result.parts) == 13
    assert sorted(files.ls("/corpus/out", detail=False)) == [
        f"/{name.partition('://')[2].strip('/')}" for name in result.parts
    ]
    assert places.names_of((f"{elsewhere}/in",)) == [f"memory:///corpus/in/x-{place}.pcapng" for place in range(12)]


@pytest.mark.parametrize("size", [1000, 3000])
def test_a_large_file_that_is_elsewhere(
    elsewhere: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of it the parts are fetched, each where it is."""
    monkeypatch.setattr(command, "PIECE", size)
    monkeypatch.setattr(places, "HEAD", 200)
    monkeypatch.setattr(places, "WINDOW", 700)
    content = capture(conversations(Random(2), 300, steps=(1, 1, 3000, 20_000), fragments=0))
    (tmp_path / "x.pcap").write_bytes(content)
    fsspec.filesystem("memory").pipe_file("/corpus/x.pcap", content)
    fetched, local = places.fetched, []

    def seen(*words: Any) -> str:
        local.append(fetched(*words))
        return local[-1]

    monkeypatch.setattr(places, "fetched", seen)
    result = analysed_elsewhere(f"{elsewhere}/out", f"{elsewhere}/x.pcap", merge=False)
    whole(tmp_path / "whole.parquet", [tmp_path / "x.pcap"])
    assert rows_elsewhere("/corpus/out") == rows(tmp_path / "whole.parquet")
    assert len(result.parts) > 3
    assert len(local) > 6


@pytest.mark.parametrize("name", ["memory://corpus/none/*", "memory://corpus/in", "nothing://x/y"])
def test_nothing_is_elsewhere(elsewhere: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, status 3."""
    fsspec.filesystem("memory").pipe_file(f"/{elsewhere.partition('://')[2]}/in/notes.txt", b"")
    with pytest.raises(SystemExit) as ended:
        places.names_of((name,))
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith(f"correlator: {name}: ")


def test_small_captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are one task's that there are some packets."""
    monkeypatch.setattr(plan, "LEAST", 100)
    chance = Random(3)
    names = rotated(tmp_path, conversations(chance, 1000, steps=(1, 1, 3000, 20_000), fragments=0), chance, 60)
    done = compared(tmp_path, names)
    assert 2 < done.count("work") < 11
    monkeypatch.setattr(plan, "LEAST", 10_000)
    assert compared(tmp_path, names) == ["survey"] * 60 + ["work"]
    assert apart(tmp_path / "out", names).notes == ["60 captures: one task did all: they overlap, or are small"]
