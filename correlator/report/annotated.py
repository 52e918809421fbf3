"""Annotated pcapng: the original packets, and on each what terminates its connection.

Blocks as in draft-ietf-opsawg-pcap; the process information entry as in Wireshark's wiretap/pcapng.c. Packets keep
their order: each waits for its connection's finding, at most `hold` nanoseconds, and at most `MAX_HELD` bytes wait.
"""

import struct
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from correlator import __version__
from correlator.core.annotation import Kept, comment
from correlator.core.finding import Finding
from correlator.core.frames import Packet
from correlator.core.model import Owner, Side, Verdict
from correlator.report.writer import Writer

_SECTION_HEADER, _INTERFACE_DESCRIPTION, _INTERFACE_STATISTICS, _ENHANCED_PACKET, _CUSTOM = (
    0x0A0D0D0A,
    1,
    5,
    6,
    0x00000BAD,
)
_OPT_END, _OPT_COMMENT = 0, 1
_SHB_USERAPPL = 4
_IF_NAME, _IF_TSRESOL = 2, 9
_EPB_FLAGS, _EPB_PROCESS_THREAD = 2, 8
_ISB_RECEIVED, _ISB_DROPPED = 4, 5
_EPB, _LENGTH = struct.Struct("<7I"), struct.Struct("<I")
_PADDING = bytes(3)
_ETHERNET = 1  # LINKTYPE_ETHERNET
_NANOSECONDS = 9  # if_tsresol: 10**-9
_INBOUND, _OUTBOUND = 1, 2
_CLIENT, _SERVER, _NO_SOCKET = Side.CLIENT, Side.SERVER, Verdict.NO_SOCKET

# Wireshark's process information entry
_WIRESHARK_PEN = 32622
_PROCESS_ENTRY = 3
_PROCESS_NAME, _PROCESS_PATH, _PROCESS_CMDLINE, _PROCESS_PPID, _PROCESS_USER, _PROCESS_START = 2, 3, 4, 5, 7, 9

MAX_HELD = 64 << 20
_MAX_FINDINGS = 16_384  # connections: the last finding comes a second after the close, and finds its packets waiting
_MAX_OPTION = 0xFFFF
_MAX_OPTIONS = 8192


@dataclass(frozen=True)
class _Note:
    """What packets want of a finding: little, for a run may be long."""

    side: Side
    owner: Owner | None
    comment: bytes


@dataclass(frozen=True)
class _Held:
    """A packet that waits for its connection's finding."""

    packet: Packet
    number: int  # of the connection
    from_client: bool
    until: int


class PcapngSink:
    """Writes packets with what is found of their connections."""

    def __init__(self, writer: Writer, interfaces: Sequence[str], *, hold: int, kept: Kept) -> None:
        """`interfaces`: names by number. `kept`: which packets will come."""
        self.writer = writer
        self.queued = 0
        self.annotated = 0
        self.released = 0  # without a finding: none came in time
        self._names = interfaces
        self._hold = hold
        self._held: deque[_Held] = deque()
        self._held_bytes = 0
        self._described: dict[tuple[int, int], int] = {}
        self._findings: OrderedDict[int, tuple[_Note, ...]] = OrderedDict()
        self._options: dict[tuple[int, bool], bytes] = {}  # of the packets that were written lately
        self._processes: set[tuple[int, int | None]] = set()
        self._kept = kept

    def renew(self, writer: Writer) -> None:
        """Go on in a new file, which describes interfaces and processes again."""
        self._describe_none()
        self.writer = writer
        self._options.clear()  # they name processes that the new file has to describe
        self._described.clear()
        self._processes.clear()

    def _begin(self) -> None:
        """The section, with the first interface in it: tcpdump takes none without for a capture."""
        program = f"correlator {__version__}".encode("utf-8", "replace")
        options = _options([(_OPT_COMMENT, self._kept.encode()), (_SHB_USERAPPL, program)])
        self.writer.put(_block(_SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options))

    def packet(self, packet: Packet, number: int, *, from_client: bool) -> None:
        """Take a packet of a connection; it is written when its finding is there or its time is up."""
        self.queued += 1
        self._held_bytes += len(packet.data)
        self._held.append(_Held(packet, number, from_client, packet.at + self._hold))
        self._release(packet.at)

    def findings(self, found: list[Finding]) -> None:
        """Take findings, provisional or final; the last one of a side counts."""
        for finding in found:
            if finding.verdict is not _NO_SOCKET:
                self._note(finding)

    def _note(self, finding: Finding) -> None:
        number = finding.connection.number
        noted = [_Note(finding.side, finding.owner, comment(finding).encode("utf-8", "replace"))]
        former = self._findings.pop(number, None)
        if former is not None:
            noted += [other for other in former if other.side is not finding.side]
            noted.sort(key=_side)
        self._findings[number] = tuple(noted)
        self._options.pop((number, False), None)
        self._options.pop((number, True), None)
        if len(self._findings) > _MAX_FINDINGS:
            self._findings.popitem(last=False)

    def tick(self, now: int) -> None:
        """Let time pass."""
        self._release(now)

    def end(self, statistics: tuple[int, int] | None) -> None:
        """Write what is held, and each interface's statistics: (received, dropped), where they are known."""
        while self._held:
            self._write(self._held.popleft())
        self._describe_none()
        if statistics is None:
            return
        received, dropped = statistics
        for index in self._described.values():
            options = [(_ISB_RECEIVED, struct.pack("<Q", received)), (_ISB_DROPPED, struct.pack("<Q", dropped))]
            self.writer.put(_block(_INTERFACE_STATISTICS, struct.pack("<III", index, 0, 0) + _options(options)))

    def _release(self, now: int) -> None:
        while self._held:
            first = self._held[0]
            if first.number not in self._findings and first.until > now and self._held_bytes <= MAX_HELD:
                return
            self._write(self._held.popleft())

    def _write(self, held: _Held) -> None:
        packet = held.packet
        self._held_bytes -= len(packet.data)
        index, at, data = self._interface(packet), max(packet.at, 0), packet.data
        found = self._findings.get(held.number)
        if found is None:
            self.released += 1
            options = b""
        else:
            self.annotated += 1
            key = (held.number, held.from_client)
            options = self._options.get(key) or self._options_of(key, found)
        padding = -len(data) % 4
        length = _EPB.size + len(data) + padding + len(options) + 4
        head = _EPB.pack(_ENHANCED_PACKET, length, index, at >> 32, at & 0xFFFFFFFF, len(data), packet.wire_length)
        self.writer.put(b"".join((head, data, _PADDING[:padding], options, _LENGTH.pack(length))))

    def _options_of(self, key: tuple[int, bool], found: tuple[_Note, ...]) -> bytes:
        """The options of a connection's packets from one side."""
        coded: list[tuple[int, bytes]] = []
        # Of two ends on this host the one that sent the packet is the process that it is of.
        sender = _CLIENT if key[1] else _SERVER
        near = next((note for note in found if note.side is sender), found[0])
        if len(found) == 1:
            coded.append((_EPB_FLAGS, struct.pack("<I", _OUTBOUND if near.side is sender else _INBOUND)))
        if near.owner is not None:
            self._process(near.owner)
            coded.append((_EPB_PROCESS_THREAD, struct.pack("<II", near.owner.pid, 0)))
        coded += [(_OPT_COMMENT, note.comment) for note in found]
        if len(self._options) >= _MAX_OPTIONS:
            self._options.clear()
        options = self._options[key] = _options(coded)
        return options

    def _interface(self, packet: Packet) -> int:
        key = (packet.interface, packet.link_type)
        index = self._described.get(key)
        if index is None:
            index = self._describe(packet.interface, packet.link_type, self._names[packet.interface])
        return index

    def _describe(self, interface: int, link_type: int, name: str) -> int:
        """Describe an interface; its index in the file."""
        if not self._described:
            self._begin()
        index = self._described[interface, link_type] = len(self._described)
        options = [(_IF_NAME, name.encode("utf-8", "replace"))] if name else []
        body = struct.pack("<HHI", link_type, 0, 0) + _options([*options, (_IF_TSRESOL, bytes([_NANOSECONDS]))])
        self.writer.put(_block(_INTERFACE_DESCRIPTION, body))
        return index

    def _describe_none(self) -> None:
        """Make a file without packets a capture all the same."""
        if not self._described:
            self._describe(-1, _ETHERNET, "")

    def _process(self, owner: Owner) -> None:
        """Describe a process once, before the first packet that names it."""
        key = (owner.pid, owner.started_at)
        if key in self._processes:
            return
        self._processes.add(key)
        facts = [
            (_PROCESS_NAME, owner.process.encode("utf-8", "replace")),
            (_PROCESS_PATH, owner.path.encode("utf-8", "replace")),
            (_PROCESS_CMDLINE, owner.cmdline.encode("utf-8", "replace")),
        ]
        if owner.ppid is not None:
            facts.append((_PROCESS_PPID, struct.pack("<I", owner.ppid)))
        facts.append((_PROCESS_USER, owner.user.encode("utf-8", "replace")))
        if owner.started_at is not None:
            facts.append((_PROCESS_START, struct.pack("<Q", owner.started_at)))
        body = struct.pack("<III", _WIRESHARK_PEN, _PROCESS_ENTRY, owner.pid) + _options(
            [fact for fact in facts if fact[1]]
        )
        self.writer.put(_block(_CUSTOM, body))


def _side(note: _Note) -> Side:
    return note.side


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _options(options: list[tuple[int, bytes]]) -> bytes:
    coded = [
        struct.pack("<HH", code, len(value[:_MAX_OPTION])) + _padded(value[:_MAX_OPTION]) for code, value in options
    ]
    return b"".join(coded) + struct.pack("<HH", _OPT_END, 0)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
