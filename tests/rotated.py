"""Random conversations as one capture, or as the files of a rotated set: what the whole says, the files must say."""

from random import Random

from tests.frames import ethernet, ipv4, ipv6, pcap_header, pcap_record, tcp

SECOND = 1_000_000_000
_FLAGS = (0x02, 0x02, 0x12, 0x10, 0x10, 0x18, 0x18, 0x11, 0x04, 0x14, 0x00)
TABLE = """\
Active Internet connections (servers and established)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp6       0      0 :::80                   :::*                    LISTEN      7/server
tcp6       0      0 10.0.0.2:80             10.0.0.1:1001           ESTABLISHED 7/server
tcp6       0      0 10.0.0.2:80             10.0.0.1:1004           ESTABLISHED 8/server
tcp6       0      0 2001:db8::2:80          2001:db8::1:1002        ESTABLISHED 9/server
"""
"""Sockets of some of the conversations."""

Packets = list[tuple[int, bytes]]
"""Time (ns) and frame of each."""


def conversations(
    chance: Random, count: int, *, steps: tuple[int, ...] = (0, 0, 1, 1, 1, 700, 40_000), fragments: float = 0.15
) -> Packets:
    """So many packets of a few four-tuples that come again and again.

    `steps`: ms between two, one of these. `fragments`: how many of them (of IPv4) are in fragments.
    """
    packets: Packets = []
    at = 1_700_000_000 * SECOND
    while len(packets) < count:
        at += chance.choice(steps) * SECOND // 1000
        packets += [(at, ethernet(frame, kind)) for kind, frame in _sent(chance, fragments)]
    return packets


def _sent(chance: Random, fragments: float) -> list[tuple[int, bytes]]:
    """A segment, or the fragments of one: EtherType and IP packet."""
    client, server = 1000 + chance.randrange(9), 80
    flags = chance.choice(_FLAGS)
    ports = (client, server) if chance.random() < 0.6 else (server, client)
    ack = chance.randrange(1, 4) if flags & 0x10 else 0
    segment = tcp(*ports, chance.randrange(1, 4), ack, flags, b"x" * chance.choice((0, 0, 1, 9)))
    ends = ("10.0.0.1", "10.0.0.2") if ports[0] == client else ("10.0.0.2", "10.0.0.1")
    if client % 3 == 0:
        return [(0x86DD, ipv6(segment, f"2001:db8::{ends[0][-1]}", f"2001:db8::{ends[1][-1]}"))]
    if chance.random() < fragments:
        whole, number = segment + bytes(24), chance.randrange(4)
        cut = len(whole) // 16 * 8
        parts = [
            ipv4(whole[:cut], *ends, fragment=0x2000, number=number),
            ipv4(whole[cut:], *ends, fragment=cut // 8, number=number),
        ]
        chance.shuffle(parts)
        return [(0x0800, part) for part in parts]
    return [(0x0800, ipv4(segment, *ends))]


def capture(packets: Packets) -> bytes:
    """A classic pcap, in nanoseconds."""
    records = (pcap_record(data, seconds=at // SECOND, fraction=at % SECOND) for at, data in packets)
    return pcap_header(magic=0xA1B23C4D) + b"".join(records)


def files(packets: Packets, chance: Random, count: int) -> list[bytes]:
    """The same, as so many files."""
    cuts = sorted(chance.randrange(len(packets) + 1) for _ in range(count - 1))
    return [capture(packets[begin:end]) for begin, end in zip([0, *cuts], [*cuts, len(packets)], strict=True)]
