"""Floods `correlator live` with SYNs from random addresses inside a namespace, while real connections go on.

    python tests/bench/flood.py --rate 100000 --seconds 10

Half of the SYNs go to an open port, half to a closed one. Prints how many came, what the capture saw, dropped and
evicted, its memory, and how many of the real connections it found. Needs root.
"""

import argparse
import csv
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.truth import namespace

_ROOT = Path(__file__).parents[2]
_BATCH = 512

# Runs inside the namespace: an open port, real connections to it, and the flood from a raw socket.
_OPEN, _CLOSED = 7001, 7002


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return int(~(total + (total >> 16)) & 0xFFFF)


def syn(source: int, port: int, target: int) -> bytes:
    """An IPv4 packet with a SYN to 198.18.9.2."""
    addresses = struct.pack("!I", source) + socket.inet_aton("198.18.9.2")
    tcp = struct.pack("!HHIIBBHHH", port, target, source ^ 0x5A5A5A5A, 0, 0x50, 2, 64_000, 0, 0)
    pseudo = addresses + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addresses + tcp


def flood(rate: int, seconds: float) -> int:
    """Send SYNs at a rate; how many were sent."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
    rng = random.Random(1)
    made = [
        syn(rng.randrange(0x0B000000, 0x7E000000), rng.randrange(1024, 65_536), rng.choice((_OPEN, _CLOSED)))
        for _ in range(200_000)
    ]
    sent, begun = 0, time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        if sent > rate * passed:
            time.sleep(0.0005)
            continue
        for _ in range(_BATCH):
            try:
                raw.sendto(made[sent % len(made)], ("198.18.9.2", 0))
            except OSError:
                break
            sent += 1
    return sent


def serve() -> None:
    """Accept and close."""
    server = socket.create_server(("::", _OPEN), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    while True:
        accepted, _ = server.accept()
        accepted.recv(1)
        accepted.close()


def connections(seconds: float) -> list[int]:
    """Real connections, some a second; their client ports."""
    ports, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection(("198.18.9.2", _OPEN), 3) as client:
                ports.append(client.getsockname()[1])
        except OSError:
            continue
        time.sleep(0.05)
    return ports


def main() -> int:
    """Run the parts, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--part", choices=("flood", "serve", "connect"))
    options = parser.parse_args()
    if options.part == "serve":
        serve()
    elif options.part == "flood":
        print(flood(options.rate, options.seconds))
    elif options.part == "connect":
        print(*connections(options.seconds))
    else:
        return play(options)
    return 0


def play(options: argparse.Namespace) -> int:
    """Flood one end of a veth pair, whose other end is captured; 1 where a real connection was missed."""
    me = [sys.executable, "-m", "tests.bench.flood", "--rate", str(options.rate), "--seconds", str(options.seconds)]
    peer = f"flood-{os.getpid()}"
    with namespace() as inside, tempfile.TemporaryDirectory(prefix="flood-") as folder:
        home = inside[-1]
        subprocess.run(["ip", "netns", "add", peer], check=True)
        try:
            for words in (
                ["-n", home, "link", "add", "f0", "type", "veth", "peer", "name", "f1", "netns", peer],
                ["-n", home, "addr", "add", "198.18.9.2/24", "dev", "f0"],
                ["-n", home, "link", "set", "f0", "up"],
                ["-n", home, "route", "add", "default", "via", "198.18.9.1"],
                ["-n", peer, "addr", "add", "198.18.9.1/24", "dev", "f1"],
                ["-n", peer, "link", "set", "f1", "up"],
            ):
                subprocess.run(["ip", *words], check=True)
            return _play(me, inside, ["ip", "netns", "exec", peer], Path(folder))
        finally:
            subprocess.run(["ip", "netns", "del", peer], check=True)


def _play(me: list[str], inside: list[str], outside: list[str], folder: Path) -> int:
    report, said = folder / "report.csv", folder / "said"
    command = [*inside, sys.executable, "-m", "correlator", "live", "-i", "f0", "-q", "--csv", str(report)]
    server = subprocess.Popen([*inside, *me, "--part", "serve"], cwd=_ROOT)
    with said.open("wb") as errors:
        live = subprocess.Popen(command, stderr=errors, cwd=_ROOT)
    try:
        while "capturing" not in said.read_text():
            time.sleep(0.1)
        attack = subprocess.Popen([*outside, *me, "--part", "flood"], stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        real = subprocess.Popen([*outside, *me, "--part", "connect"], stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        ports = set((real.communicate()[0] or "").split())
        sent = int(attack.communicate()[0])
        time.sleep(3)
    finally:
        live.send_signal(signal.SIGINT)
        _, _status, usage = os.wait4(live.pid, 0)
        server.kill()
        server.wait()
    with report.open(newline="") as file:
        found = {row["client_port"] for row in csv.DictReader(file) if row["client_ip"] == "198.18.9.1"} & ports
    lost = re.search(r"^lost: (.*)$", said.read_text(), re.MULTILINE)
    print(f"{sent} SYNs sent; lost: {lost[1] if lost else '?'}")
    print(f"{len(found)} of {len(ports)} real connections found; {usage.ru_maxrss // 1024} MB at the most")
    return 0 if found == ports else 1


if __name__ == "__main__":
    sys.exit(main())
