"""Makes the sample captures that are not recordings. Deterministic: running it again gives the same bytes.

    python captures/generate.py [FOLDER]

`jessie` is a Debian 8 file server as its netstat showed it (jessie.netstat.txt): the packets are those connections,
some with their handshakes, some already open. `handshakes` has one connection of each way in which a handshake goes
wrong.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import PcapWriter

EPOCH = 1_420_070_400  # 2015-01-01: Debian 8 was new
HOST = "10.0.0.12"
MS = 0.001


@dataclass
class Talk:
    """One connection's packets."""

    client: tuple[str, int]
    server: tuple[str, int]
    at: float
    client_seq: int = 1000
    server_seq: int = 9000
    packets: list[Packet] = field(default_factory=list)

    def send(self, who: str, flags: str, data: bytes = b"", after: float = MS) -> "Talk":
        """A segment of one end; sequence numbers follow from what was sent."""
        (near, far) = (self.client, self.server) if who == "client" else (self.server, self.client)
        seq, ack = (self.client_seq, self.server_seq) if who == "client" else (self.server_seq, self.client_seq)
        segment = TCP(sport=near[1], dport=far[1], flags=flags, seq=seq, ack=ack if "A" in flags else 0, window=8192)
        packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=near[0], dst=far[0]) / segment
        if data:
            packet = packet / Raw(data)
        self.at += after
        packet.time = EPOCH + self.at
        self.packets.append(packet)
        used = len(data) + ("S" in flags) + ("F" in flags)
        if who == "client":
            self.client_seq += used
        else:
            self.server_seq += used
        return self

    def open(self) -> "Talk":
        """The three-way handshake."""
        return self.send("client", "S").send("server", "SA").send("client", "A")

    def again(self, after: float) -> "Talk":
        """The last packet, retransmitted."""
        copy = self.packets[-1].copy()
        self.at += after
        copy.time = EPOCH + self.at
        self.packets.append(copy)
        return self

    def chat(self) -> "Talk":
        """A request and its answer."""
        return self.send("client", "PA", b"request").send("server", "PA", b"answer").send("client", "A")

    def close(self) -> "Talk":
        """FIN from both ends."""
        return self.send("client", "FA").send("server", "FA").send("client", "A")


def jessie() -> Iterator[Talk]:
    """The connections of jessie.netstat.txt, in its order."""
    yield Talk(("10.0.0.20", 49729), (HOST, 445), 0.0).open().chat()
    yield Talk(("10.0.0.21", 44162), (HOST, 443), 0.1).chat()
    yield Talk(("10.0.0.21", 46650), (HOST, 445), 0.2).chat()
    yield Talk(("10.0.0.20", 54584), (HOST, 443), 0.3).open().chat().close()
    yield Talk(("10.0.0.225", 10425), (HOST, 139), 0.4).chat()
    yield Talk(("10.0.0.217", 49179), (HOST, 445), 0.5).open().chat()
    yield Talk(("10.0.0.217", 49178), (HOST, 445), 0.6).chat()
    yield Talk(("10.0.0.20", 64636), (HOST, 445), 0.7).chat()
    yield Talk(("10.0.0.21", 44198), (HOST, 443), 0.8).open().chat()
    yield Talk(("10.0.0.16", 752), (HOST, 2049), 0.9).open().chat()  # NFS: its client has the lower port
    yield Talk(("10.0.0.21", 55514), (HOST, 222), 1.0).chat()
    yield Talk(("10.0.0.20", 64702), (HOST, 4243), 1.1).open().chat()
    yield Talk((HOST, 48932), ("162.222.40.93", 443), 1.2).open().chat()
    yield Talk((HOST, 49093), ("216.17.8.47", 443), 1.3).chat()
    yield Talk(("10.0.0.30", 51000), ("10.0.0.31", 80), 1.4).open().chat()  # passes by: two other hosts


def handshakes() -> Iterator[Talk]:
    """One connection for each way in which a handshake goes wrong, and one that goes well."""
    client, server = "192.0.2.10", "192.0.2.20"
    yield Talk((client, 40001), (server, 80), 0.0).open().chat().close()
    yield Talk((client, 40002), (server, 81), 1.0).send("client", "S").send("server", "RA")
    yield Talk((client, 40003), (server, 82), 2.0).send("client", "S").again(1.0).again(2.0)
    yield (
        Talk((client, 40004), (server, 83), 6.0).send("client", "S").again(1.0).send("server", "SA").send("client", "A")
    )
    yield Talk((client, 40005), (server, 84), 8.0).send("client", "S").send("server", "SA").again(1.0)
    yield Talk((client, 40006), (server, 85), 10.0).open().send("server", "RA")


def write(path: Path, talks: Iterator[Talk]) -> None:
    """The packets of all connections in order of time."""
    packets = sorted((packet for talk in talks for packet in talk.packets), key=lambda packet: packet.time)
    with PcapWriter(str(path), sync=False, linktype=1) as writer:
        for packet in packets:
            writer.write(packet)


def main(folder: Path) -> None:
    """Write the samples."""
    write(folder / "jessie.pcap", jessie())
    write(folder / "handshakes.pcap", handshakes())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
