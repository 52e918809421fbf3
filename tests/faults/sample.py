"""A capture that takes a second or two to analyse."""

import struct
from functools import cache
from pathlib import Path

from tests.frames import ethernet, ipv4, pcap_header, tcp

_CONNECTIONS = 60_000


@cache
def sample() -> str:
    """Its name: made once."""
    path = Path("/var/tmp/correlator-faults.pcap")
    if not path.exists():
        made = path.with_suffix(".new")
        with made.open("wb") as file:
            file.write(pcap_header())
            for number in range(_CONNECTIONS):
                port, client = 1024 + number % 60_000, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
                for flags, ours in (
                    (0x02, True),
                    (0x12, False),
                    (0x10, True),
                    (0x11, True),
                    (0x11, False),
                    (0x10, True),
                ):
                    ends = (client, "10.255.0.1") if ours else ("10.255.0.1", client)
                    data = ethernet(ipv4(tcp(port if ours else 443, 443 if ours else port, flags=flags), *ends))
                    file.write(
                        struct.pack("<IIII", 1_700_000_000 + number // 1000, number % 1000 * 1000, len(data), len(data))
                    )
                    file.write(data)
        made.rename(path)
    return str(path)
