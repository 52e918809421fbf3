"""Socket tables of many rows, as a busy server of two families would print them: the same ones each time."""

import struct
from collections.abc import Iterator
from pathlib import Path

from correlator.core.address import MAPPED_PREFIX, endpoint_text

ROWS = 100_000
_ZEROS = bytes(10)


def _ends() -> Iterator[tuple[int, bytes, bytes]]:
    """The port of the client, and the addresses of both ends: three of four come over IPv4."""
    for number in range(ROWS):
        server, client = struct.pack(">HI", 0xFD00, 0x0A000000), struct.pack(">HI", 0xFD00, 0x0A090000 + number)
        if number % 4:
            yield 1024 + number % 60_000, MAPPED_PREFIX + server[2:], MAPPED_PREFIX + client[2:]
        else:
            yield 1024 + number % 60_000, server + _ZEROS, client + _ZEROS


def write_ss(path: Path) -> Path:
    """What `ss -tanpe` prints."""
    with path.open("w", encoding="ascii") as file:
        file.write("State  Recv-Q Send-Q       Local Address:Port         Peer Address:Port  Process\n")
        for number, (port, server, client) in enumerate(_ends()):
            file.write(
                f"ESTAB  0      0      {endpoint_text(server, 443):>24} {endpoint_text(client, port):>24}"
                f' users:(("java",pid={313 + number % 7},fd={number}),("java",pid=312,fd={number}))'
                f" uid:33 ino:{1_000_000 + number} sk:{number:x} cgroup:/system.slice/tomcat{number % 7}.service v6only:0 <->\n"
            )
    return path


def write_proc_net_tcp6(path: Path) -> Path:
    """A copy of /proc/net/tcp6."""

    def digits(address: bytes) -> str:
        return "".join(f"{word:08X}" for word in struct.unpack("<4I", address))

    with path.open("w", encoding="ascii") as file:
        file.write("  sl  local_address                         remote_address                        st tx_queue")
        file.write(" rx_queue tr tm->when retrnsmt   uid  timeout inode\n")
        for number, (port, server, client) in enumerate(_ends()):
            file.write(
                f"{number:4}: {digits(server)}:01BB {digits(client)}:{port:04X} 01 00000000:00000000 00:00000000"
                f" 00000000    33        0 {1_000_000 + number} 1 0000000000000000 20 4 30 10 -1\n"
            )
    return path
