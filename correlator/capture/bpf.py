"""The classic BPF programs that the kernel runs on each packet before it reaches the ring.

Loads are relative to the network header (SKF_NET_OFF of linux/filter.h), so that one program serves every link type.
The kernel has taken off the outer VLAN tag by then; what has a second one is passed up whole, as are IPv6 packets
with extension headers: the decoder looks.
"""

import ctypes
import struct
from typing import NamedTuple

NET = -0x100000 & 0xFFFFFFFF
_PROTOCOL = -0x1000 & 0xFFFFFFFF  # SKF_AD_OFF + SKF_AD_PROTOCOL: the ethertype

_LDH, _LDB = 0x28, 0x30
_LDB_INDEXED = 0x50
_LDX_HEADER_LENGTH = 0xB1  # X = 4 * (P[k] & 0xf)
_ADD_X, _RSH, _AND, _TAX, _ST, _LDX_MEM = 0x0C, 0x74, 0x54, 0x07, 0x02, 0x61
_JEQ, _JSET, _JEQ_X = 0x15, 0x45, 0x1D
_RET = 0x06

_FIN_SYN_RST = 0x07
_ACK = 0x10

# What of a packet is kept: all of it, as libpcap's default.
_SNAPLEN = 262_144

NEXT = ""


class Line(NamedTuple):
    """One instruction: code, constant, and the labels to go to if it holds and if not."""

    code: int
    constant: int = 0
    true: str = NEXT
    false: str = NEXT
    label: str = NEXT


_HEAD = [
    Line(_LDH, _PROTOCOL),
    Line(_JEQ, 0x0800, true="ipv4"),
    Line(_JEQ, 0x86DD, true="ipv6"),
    Line(_JEQ, 0x8100, true="pass"),
    Line(_JEQ, 0x88A8, true="pass", false="drop"),
]
_IPV4 = [
    Line(_LDB, NET + 9, label="ipv4"),
    Line(_JEQ, 6, false="drop"),
    Line(_LDH, NET + 6),
    Line(_JSET, 0x1FFF, true="drop"),  # a later fragment has no TCP header
]
_IPV4_NOTABLE = [
    Line(_LDX_HEADER_LENGTH, NET),
    Line(_LDB_INDEXED, NET + 13),
    Line(_JSET, _FIN_SYN_RST, true="pass"),
    Line(_JSET, _ACK, false="drop"),
    Line(_LDB_INDEXED, NET + 12),  # a bare ACK: both headers are all there is
    Line(_RSH, 2),
    Line(_AND, 0x3C),
    Line(_ADD_X),
    Line(_ST, 0),
    Line(_LDX_MEM, 0),
    Line(_LDH, NET + 2),
    Line(_JEQ_X, 0, true="pass", false="drop"),
]
_IPV6 = [
    Line(_LDB, NET + 6, label="ipv6"),
    Line(_JEQ, 6, true="ipv6-tcp"),
    *(Line(_JEQ, extension, true="pass") for extension in (0, 43, 44, 51)),
    Line(_JEQ, 60, true="pass", false="drop"),
]
_IPV6_NOTABLE = [
    Line(_LDB, NET + 53, label="ipv6-tcp"),
    Line(_JSET, _FIN_SYN_RST, true="pass"),
    Line(_JSET, _ACK, false="drop"),
    Line(_LDB, NET + 52),
    Line(_RSH, 2),
    Line(_AND, 0x3C),
    Line(_TAX),
    Line(_LDH, NET + 4),
    Line(_JEQ_X, 0, true="pass", false="drop"),
]
_TAIL = [Line(_RET, _SNAPLEN, label="pass"), Line(_RET, 0, label="drop")]

HANDSHAKES = [*_HEAD, *_IPV4, *_IPV4_NOTABLE, *_IPV6, *_IPV6_NOTABLE, *_TAIL]
"""SYN, FIN, RST, and ACKs without data: among these is the one that completes a handshake."""

EVERY_SEGMENT = [
    *_HEAD,
    *_IPV4[:1],
    Line(_JEQ, 6, true="pass", false="drop"),
    *_IPV6,
    Line(_RET, _SNAPLEN, label="ipv6-tcp"),
    *_TAIL,
]
"""All TCP, with all fragments of the first's kind that name the protocol."""


def assemble(lines: list[Line]) -> list[tuple[int, int, int, int]]:
    """The instructions (code, jump if true, jump if false, constant) with labels resolved."""
    places = {line.label: at for at, line in enumerate(lines) if line.label}

    def jump(at: int, label: str) -> int:
        return places[label] - at - 1 if label else 0

    return [
        (line.code, jump(at, line.true), jump(at, line.false), line.constant & 0xFFFFFFFF)
        for at, line in enumerate(lines)
    ]


class Program:
    """An assembled program in memory, as SO_ATTACH_FILTER takes it; keep it while the option is set."""

    def __init__(self, lines: list[Line]) -> None:
        """Assembles and packs."""
        code = b"".join(struct.pack("HBBI", *instruction) for instruction in assemble(lines))
        self._code = ctypes.create_string_buffer(code, len(code))
        # struct sock_fprog: a length and a pointer
        self.option = struct.pack("HL", len(lines), ctypes.addressof(self._code))
