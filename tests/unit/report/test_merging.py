"""Lines of several processes in one order."""

from hypothesis import given
from hypothesis import strategies as st

from correlator.report.buffer import KEY, Buffer
from correlator.report.merging import Merging

KEYS = st.lists(st.integers(0, 2 ** (8 * KEY) - 1), unique=True, max_size=60)


def written(keys: list[int], length: int) -> tuple[bytes, list[bytes]]:
    """Lines behind their keys, and the lines. Keys may hold what ends a line."""
    buffer, lines = Buffer(), []
    for place, key in enumerate(sorted(keys)):
        lines.append(b"%d of " % place + hex(key).encode() + b"x" * (length * (place % 7 == 0)) + b"\r\n")
        buffer.put_key(key >> 64, key & (1 << 64) - 1)
        buffer.put_bytes(lines[-1])
    return buffer.take(), lines


@given(KEYS, st.integers(1, 4), st.sampled_from([0, 5, 100_000]))
def test_lines_come_in_the_order_of_their_keys(keys: list[int], processes: int, length: int) -> None:
    """Whoever wrote them; long ones, too."""
    merging = Merging(processes)
    lines: dict[int, bytes] = {}
    for process in range(processes):
        own = sorted(key for key in keys if key % processes == process)
        data, texts = written(own, length)
        merging.add(process, data)
        lines.update(zip(own, texts, strict=True))
    assert merging.take([False] * processes) == b"".join(lines[key] for key in sorted(keys))
    assert merging.count == len(keys)
    assert (merging.take([False] * processes), merging.count) == (b"", 0)


@given(KEYS, st.integers(1, 4), st.data())
def test_what_comes_bit_by_bit(keys: list[int], processes: int, data: st.DataObject) -> None:
    """A line is taken when none can come any more whose place is before it, and no later."""
    own = [sorted(key for key in keys if key % processes == process) for process in range(processes)]
    merging, taken, told = Merging(processes), b"", [0] * processes
    is_open = [True] * processes
    while any(is_open):
        for process in range(processes):
            if is_open[process]:
                count = data.draw(st.integers(0, 9))
                some = own[process][told[process] : told[process] + count]
                merging.add(process, written(some, 0)[0])
                told[process] += len(some)
                is_open[process] = told[process] < len(own[process])
        taken += merging.take(is_open)
        least = min((own[place][told[place] - 1] if told[place] else -1 for place in range(processes) if is_open[place]),
                    default=2**200)  # fmt: skip
        assert taken.count(b"\n") == sum(key <= least for one, end in zip(own, told, strict=True) for key in one[:end])
    assert [line.split(b" of ")[1] for line in taken.splitlines()] == [hex(key).encode() for key in sorted(keys)]
