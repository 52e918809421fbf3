"""Blocks to records, wherever the blocks are cut."""

import random

import pytest

from correlator.wire.formats import reader_for
from correlator.wire.interfaces import Interfaces
from correlator.wire.reader import MAX_PACKET, SEAM, Damage, Reader
from tests.frames import block, enhanced, interface, pcap_header, pcap_record, section

SIZES = (10, 60_000, 1500, MAX_PACKET, 100, SEAM, SEAM - 16, 200_000, 60, 0, 90_000) * 3
BODIES = [bytes([number]) * size for number, size in enumerate(SIZES)]
OTHER = block(0x0000ABCD, bytes(150_000))  # a block of a type that no one reads
FILES = {
    "pcap": pcap_header() + b"".join(pcap_record(body) for body in BODIES),
    "pcapng": section()
    + interface()
    + OTHER
    + b"".join(enhanced(body) for body in BODIES[:9])
    + OTHER
    + OTHER
    # a section of the other byte order goes on
    + section(">")
    + interface(">")
    + b"".join(enhanced(body, ">") for body in BODIES[9:]),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [SEAM - 1, SEAM + 1, 70_000, 131_072, 1 << 20, 1 << 30, None])
def test_blocks_of_any_size(name: str, size: int | None) -> None:
    """The same packets, and the end is whole; None: a new size each time."""
    data, chance = FILES[name], random.Random(7)
    reader = reader_for(data, Interfaces())
    bodies, at = [], 0
    while at < len(data):
        end = at + (size or chance.randrange(1, 300_000))
        bodies += [packet.data for frames in reader.feed(data[at:end]) for packet in frames.packets()]
        at = end
    reader.close()
    assert bodies == BODIES
    assert reader.damage is None


def test_a_format_says_what_its_records_are() -> None:
    """A reader of none has nothing to say."""
    with pytest.raises(NotImplementedError):
        Reader().feed(b"any")


@pytest.mark.parametrize("size", [1000, 1 << 30])
def test_a_block_is_judged_alike_wherever_the_bytes_end(size: int) -> None:
    """One that is needed and too long is damage, though it is whole; of one that is not needed only the length counts."""
    unneeded = block(5, bytes(3000))[:-4] + b"\0\0\0\0"
    long = block(6, bytes(MAX_PACKET + 200_000))
    data = section() + interface() + enhanced(b"one") + unneeded + enhanced(b"two") + long + enhanced(b"three")
    reader = reader_for(data, Interfaces())
    bodies = []
    for at in range(0, len(data), size):
        bodies += [packet.data for frames in reader.feed(data[at : at + size]) for packet in frames.packets()]
    assert bodies == [b"one", b"two"]
    assert reader.damage is not None
    assert reader.damage.offset == data.index(long)


def test_a_file_that_becomes_another_one() -> None:
    """Between the look at its first bytes and the reading of its header."""
    reader = reader_for(FILES["pcap"], Interfaces())
    assert [frames.count for frames in reader.feed(bytes(100))] == [0]
    assert reader.damage == Damage(0, "it changed while it was read")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [SEAM - 1, SEAM + 1, 70_000, 1 << 30, None])
def test_a_part_of_a_file(name: str, size: int | None) -> None:
    """The packets that begin between two places, and where the first that follows begins, wherever the blocks are cut."""
    data, chance = FILES[name], random.Random(7)
    whole = reader_for(data, Interfaces())
    (frames,) = whole.feed(data)
    head = 16 if name == "pcap" else 28
    begins = [frames.segments[number].begin - head for number in range(frames.count)]
    for _ in range(20):
        begin = chance.choice(begins[:9])  # before the second section
        until = begin + chance.randrange(1, 700_000)
        reader = reader_for(data, Interfaces())
        reader.feed(data[: begins[0]])
        reader.go_to(begin, until)
        bodies, at = [], begin
        while at < len(data) and reader.next_at < until:
            end = at + (size or chance.randrange(1, 300_000))
            bodies += [packet.data for frames in reader.feed(data[at:end]) for packet in frames.packets()]
            at = end
        assert bodies == [body for body, at in zip(BODIES, begins, strict=True) if begin <= at < until]
        assert reader.damage is None
        following = [at for at in begins if at >= until]
        assert min(until, len(data)) <= reader.next_at <= (following[0] if following else len(data))


@pytest.mark.parametrize("name", FILES)
def test_damage_behind_a_seam(name: str) -> None:
    """Its place in the file is right, and what came before it is there."""
    data = FILES[name]
    broken = data + (b"\xff" * 200_000 if name == "pcap" else b"\x05" * 200_000)
    reader = reader_for(data, Interfaces())
    bodies = []
    for at in range(0, len(broken), 100_000):
        bodies += [packet.data for frames in reader.feed(broken[at : at + 100_000]) for packet in frames.packets()]
    reader.close()
    assert bodies == BODIES
    assert isinstance(reader.damage, Damage)
    assert reader.damage.offset == len(data)
    assert reader.feed(data) == []
