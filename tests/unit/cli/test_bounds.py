"""What hostile input may cost: each has its bound in memory, and what is left out is told."""

import bz2
import csv
import gzip
import io
import lzma
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from itertools import repeat
from pathlib import Path

import pytest

from correlator.core.limits import Limits
from tests.frames import block, enhanced, ethernet, interface, ipv4, option, pcap_header, pcap_record, section, tcp

MEGABYTE = 1 << 20
BESIDE = 150  # MB: the program itself, with Scapy where a frame needs it
SYN = ethernet(ipv4(tcp(flags=2)))


# A process that is forked has its parent's memory at first, which getrusage(2) counts: the kernel's other count begins
# anew with the program.
_MEASURED = """
import os, sys
leave, name = os._exit, sys.argv[1]
def end(status):
    with open("/proc/self/status") as told, open(name, "w") as file:
        file.write(told.read())
    leave(status)
os._exit = end
from correlator.cli.main import main
main(sys.argv[2:])
"""


@dataclass
class Analysed:
    """What came of a capture."""

    status: int
    rows: list[dict[str, str]]
    said: str
    megabytes: int


def analysed(pieces: Iterable[bytes], path: Path, *words: str) -> Analysed:
    """Analyse a capture that comes through a pipe, or do something else; in a process whose memory is measured."""
    status = path.with_suffix(".status")
    command = [sys.executable, "-c", _MEASURED, str(status), *(words or ("analyse", "-", "-q")), "--csv", str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    assert process.stderr
    try:
        for piece in pieces:
            process.stdin.write(piece)
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has had enough
    said = process.stderr.read().decode()
    process.stderr.close()
    process.wait()
    assert "Traceback" not in said
    rows: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    most = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return Analysed(process.returncode, rows, said, int(most.split()[1]) // 1024)


def compressed(form: str, contents: Iterable[bytes]) -> bytes:
    """A stream of a form."""
    if form == "gzip":
        out = io.BytesIO()
        with gzip.open(out, "wb", 9) as file:
            file.writelines(contents)
        return out.getvalue()
    whole = b"".join(contents)
    makers: dict[str, Callable[[bytes], bytes]] = {"bzip2": bz2.compress, "xz": lzma.compress}
    if form in makers:
        return makers[form](whole)
    name = {"zstd": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", "lz4": "lz4.frame"}[form]
    try:
        made: bytes = import_module(name).compress(whole)
    except ImportError:
        pytest.skip(f"{name} is not installed")
    return made


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz", "zstd", "lz4"])
def test_a_bomb(form: str, tmp_path: Path) -> None:
    """A few bytes that stand for 64 MB: taken apart piece by piece, as packets of no bytes."""
    contents = [pcap_header() + pcap_record(SYN), *repeat(bytes(MEGABYTE), 64)]
    bomb = compressed(form, contents)
    assert len(bomb) < 2 * MEGABYTE
    found = analysed([bomb], tmp_path / "x.csv")
    assert (found.status, len(found.rows)) == (0, 1)
    assert "4194305 read" in found.said
    assert found.megabytes < BESIDE


def test_a_bomb_in_a_bomb(tmp_path: Path) -> None:
    """One layer is taken off, not two."""
    inner = compressed("gzip", repeat(bytes(MEGABYTE), 64))
    found = analysed([compressed("gzip", [inner])], tmp_path / "x.csv")
    assert found.status == 3
    assert "not a pcap or pcapng file" in found.said
    assert found.megabytes < BESIDE


@pytest.mark.parametrize("kind", [1, 2, 3, 5, 6, 0x0A0D0D0A, 0xBAD, 0xFFFFFFFF])
def test_a_block_that_claims_4_gigabytes(kind: int, tmp_path: Path) -> None:
    """What is needed of it is damage; what is not is passed over, and missing at the end. Nothing is held of either."""
    head = section() + interface() + enhanced(SYN)
    lying = struct.pack("<II", kind, 0xFFFFFFFC) + struct.pack("<II", 0x1A2B3C4D, 1) + bytes(MEGABYTE)
    found = analysed([head + lying, *repeat(bytes(MEGABYTE), 64)], tmp_path / "x.csv")
    assert (found.status, len(found.rows)) == (4, 1)
    assert f"byte {len(head)}: " in found.said or "cut off" in found.said
    assert found.megabytes < BESIDE


@pytest.mark.parametrize("protocol", [6, 17])
def test_an_annotated_capture_of_any_size(protocol: int, tmp_path: Path) -> None:
    """Comments wait for their connections, findings for nobody; those of other packets are dropped at once."""
    comment = option(1, b"correlator: verdict=ipv4-on-af_inet6 cause=unknown side=server process=" + b"x" * 300)
    frames = (
        enhanced(
            ethernet(ipv4(tcp(1024 + number % 60_000, 80 + number // 60_000, flags=4), protocol=protocol)),
            options=comment,
        )
        for number in range(100_000)
    )
    path = tmp_path / "x.pcapng.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(section() + interface())
        file.writelines(frames)
    found = analysed([], tmp_path / "x.csv", "export", str(path))
    if protocol == 6:
        assert (found.status, len(found.rows)) == (0, 100_000)
        assert {row["verdict"] for row in found.rows} == {"ipv4-on-af_inet6"}
    else:
        assert (found.status, found.rows) == (3, [])
        assert "no annotated capture" in found.said
    assert found.megabytes < 2 * BESIDE


def test_options_that_claim_too_much(tmp_path: Path) -> None:
    """In every block that has some: the packets are read all the same."""
    lying = struct.pack("<HH", 1, 0xFFFF) + b"abcd"
    data = (
        section(options=lying)
        + interface(options=lying)
        + enhanced(SYN, options=lying) * 3
        + block(5, bytes(12) + lying)
    )
    found = analysed([data], tmp_path / "x.csv")
    assert (found.status, len(found.rows)) == (0, 1)
    assert "3 read" in found.said


@pytest.mark.parametrize("snaplen", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("is_next_generation", [False, True])
def test_a_snaplen_of_4_gigabytes(snaplen: int, is_next_generation: bool, tmp_path: Path) -> None:
    """It is a claim: memory follows what is there."""
    if is_next_generation:
        data = section() + interface(snaplen=snaplen) + enhanced(SYN)
    else:
        data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, 1) + pcap_record(SYN, length=0xFFFFFFFF)
    found = analysed([data], tmp_path / "x.csv")
    assert (found.status, len(found.rows)) == (0, 1)
    assert found.megabytes < BESIDE


def test_ten_thousand_interfaces(tmp_path: Path) -> None:
    """Are read; what no file has any more is damage."""
    many = [interface(options=option(2, f"i{number}".encode())) for number in range(10_000)]
    found = analysed([section(), *many, enhanced(SYN, number=9_999)], tmp_path / "x.csv")
    assert (found.status, [row["interface"] for row in found.rows]) == (0, ["i9999"])
    assert found.megabytes < BESIDE
    found = analysed([section(), *many * 7, enhanced(SYN)], tmp_path / "y.csv")
    assert (found.status, found.rows) == (4, [])
    assert "more than 65536 interfaces" in found.said
    assert found.megabytes < BESIDE


@pytest.mark.parametrize("ticks", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("resolution", [b"\x00", b"\x06", b"\x09", b"\x7f", b"\x80", b"\xff"])
@pytest.mark.parametrize("offset", [-(1 << 63), -1, 0, (1 << 63) - 1])
def test_times_at_the_ends_of_64_bits(ticks: int, resolution: bytes, offset: int, tmp_path: Path) -> None:
    """A time, or none: never an error. All in one process would hide which one it was."""
    from correlator.cli.main import cli

    options = option(9, resolution) + option(14, struct.pack("<q", offset))
    path = tmp_path / "x.pcapng"
    other = ethernet(ipv4(tcp(80, 1000, flags=0x12, ack=2), "10.0.0.2", "10.0.0.1"))
    path.write_bytes(
        section() + interface(options=options) + enhanced(SYN, ticks=ticks) + enhanced(other, ticks=ticks ^ 1)
    )
    with pytest.raises(SystemExit) as ended:
        cli.main(["analyse", str(path), "--csv", str(tmp_path / "x.csv")], standalone_mode=False)
    assert ended.value.code == 0
    with (tmp_path / "x.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["opened_at"] == "" or row["opened_at"].endswith("Z")


def test_syns_without_end(tmp_path: Path) -> None:
    """A table of a million; what is evicted is counted, and has no row."""
    most = Limits().connections
    count = most + 200_000
    record, pieces = bytearray(pcap_record(SYN)), [pcap_header()]
    ends = 16 + 14 + 12  # of the source address, behind the headers of record, frame and half of IP's
    batch = bytearray()
    for number in range(count):
        struct.pack_into(">I", record, ends, number)
        batch += record
        if len(batch) > MEGABYTE:
            pieces.append(bytes(batch))
            batch.clear()
    found = analysed([*pieces, bytes(batch)], tmp_path / "x.csv")
    assert found.status in {0, 4}
    assert len(found.rows) == most
    assert f"{count - most}" in found.said
    assert found.megabytes < BESIDE + most * 600 // MEGABYTE
