"""What tests write their scenes with: segments, sockets and evidence in few words."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from correlator.core.four_tuple import FourTuple
from correlator.core.model import Evidence, Family, Socket, Source, TcpState
from correlator.core.segment import Segment

SECOND = 1_000_000_000
MS = 1_000_000
START = 1_700_000_000 * SECOND

FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10, ".": 0}

CLIENT = ("10.0.0.20", 64702)
SERVER = ("10.0.0.12", 4243)


def ends(near: tuple[str, int], far: tuple[str, int]) -> tuple[bool, int, int, int, int, int, int]:
    """The family, addresses and ports of a segment."""
    return ":" in near[0], *words(packed(near[0])), near[1], *words(packed(far[0])), far[1]


def packed(address: str) -> bytes:
    """The bytes of an address."""
    return ip_address(address).packed


def words(address: bytes) -> tuple[int, int]:
    """The two words of an address."""
    number = int.from_bytes(address, "big")
    return number >> 64, number & 0xFFFFFFFFFFFFFFFF


@dataclass
class Play:
    """A conversation whose clock moves 1 ms a segment."""

    client: tuple[str, int] = CLIENT
    server: tuple[str, int] = SERVER
    client_isn: int = 1000
    server_isn: int = 9000
    at: int = START
    segments: list[Segment] = field(default_factory=list)

    def segment(
        self, who: str, flags: str, *, seq: int = 0, ack: int = 0, data: int = 0, interface: int = 0, after: int = MS
    ) -> Segment:
        """A segment of `c` or `s`; seq and ack are relative to the ISNs."""
        self.at += after
        near, far = (self.client, self.server) if who == "c" else (self.server, self.client)
        own, other = (self.client_isn, self.server_isn) if who == "c" else (self.server_isn, self.client_isn)
        bits = sum(FLAGS[flag] for flag in flags)
        made = Segment(
            self.at,
            interface,
            *ends(near, far),
            (own + seq) & 0xFFFFFFFF,
            (other + ack) & 0xFFFFFFFF if "A" in flags else 0,
            bits,
            data,
        )
        self.segments.append(made)
        return made

    def handshake(self) -> list[Segment]:
        """SYN, SYN-ACK, ACK."""
        return [
            self.segment("c", "S"),
            self.segment("s", "SA", ack=1),
            self.segment("c", "A", seq=1, ack=1),
        ]

    def fins(self) -> list[Segment]:
        """FIN from each end, and the last ACK."""
        return [
            self.segment("c", "FA", seq=1, ack=1),
            self.segment("s", "FA", seq=1, ack=2),
            self.segment("c", "A", seq=2, ack=2),
        ]


def socket(
    local: str,
    local_port: int,
    remote: str = "",
    remote_port: int = 0,
    state: TcpState = TcpState.ESTABLISHED,
    **facts: Any,
) -> Socket:
    """A socket whose family follows from its addresses."""
    near = packed(local)
    far = packed(remote) if remote else bytes(len(near))
    family = Family.INET if len(near) == 4 else Family.INET6
    return Socket(family, near, local_port, far, remote_port, state, **facts)


def listener(local: str, port: int, **facts: Any) -> Socket:
    """A listener."""
    return socket(local, port, state=TcpState.LISTEN, **facts)


def evidence(
    found: Socket, at: int | None = START + 10 * MS, source: Source = Source.SNAPSHOT, **facts: Any
) -> Evidence:
    """A statement about a socket."""
    return Evidence(at, source, found, **facts)


def four(local: tuple[str, int], remote: tuple[str, int]) -> FourTuple:
    """One end's view of a connection."""
    return FourTuple(packed(local[0]), local[1], packed(remote[0]), remote[1])
