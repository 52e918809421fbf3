"""What each target begins from: small and sound."""

import bz2
import gzip
import json
import lzma
import struct
from importlib import import_module
from pathlib import Path

from correlator.report.text_sinks import JsonlSink
from correlator.report.writer import Writer
from tests.frames import enhanced, ethernet, interface, ipv4, ipv6, option, pcap_header, pcap_record, section, tcp
from tests.fuzz.command import BORDER
from tests.netlink import attribute, message
from tests.scenes import passing, the_case
from tests.trace import destroyed, entry, page, state

_CAPTURES = Path(__file__).parents[2] / "captures"
_SMALL = 3000  # of a sample: what is longer is tried more slowly

_FRAMES = [
    ethernet(ipv4(tcp(flags=2))),
    ethernet(ipv4(tcp(80, 1000, flags=0x12, ack=2), "10.0.0.2", "10.0.0.1")),
    ethernet(ipv6(tcp(payload=b"abc")), 0x86DD, 0x8100),
    ethernet(ipv4(tcp(payload=b"x" * 40), options=b"\1" * 4, fragment=0x2000)),
    ethernet(ipv4(b"y" * 16, fragment=7)),
    ethernet(ipv6(bytes([6, 0]) + bytes(6) + tcp(), protocol=0), 0x86DD),
    ethernet(ipv4(ipv4(tcp(flags=16)), protocol=4)),
    ethernet(ipv4(struct.pack("!HHHH", 5000, 4789, 66, 0) + b"\x08" + bytes(7) + ethernet(ipv4(tcp())), protocol=17)),
    ethernet(ipv4(bytes([0, 0, 8, 0]) + ipv4(tcp()), protocol=47)),
    ethernet(b"\x11\0\0\1\0\x2a\0\x21" + ipv4(tcp()), 0x8864),
]
_SAID = "ipv4-on-af_inet6 cause=dual-stack-listener side=server socket=AF_INET6 local=[::ffff:10.0.0.12]:4243 pid=3 process=a b"
_COMMENT = option(1, f"correlator: verdict={_SAID}".encode())
_PCAP = pcap_header() + b"".join(map(pcap_record, _FRAMES))
_PCAPNG = (
    section("<", option(1, b"correlator: packets=handshake"))
    + interface("<", 1, 65535, option(2, b"eth0") + option(9, b"\x09") + option(14, bytes(8)))
    + b"".join(enhanced(frame, options=_COMMENT) for frame in _FRAMES)
    + section(">")
    + interface(">", options=option(9, b"\x86", ">"))
    + enhanced(_FRAMES[0], ">")
)


def _text(name: str) -> bytes:
    return (_CAPTURES / name).read_bytes()[:_SMALL]


_SS = b"""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
LISTEN 0 128 *:4243 *:* users:(("java",pid=7,fd=5)) uid:33 ino:9 sk:1a cgroup:/a.service v6only:0 <->
ESTAB 0 0 [::ffff:10.0.0.12]:4243 [::ffff:10.0.0.20]:64702 users:(("ja(\\"va",pid=7,fd=5)) ino:12 sk:1b <->
TIME-WAIT 0 0 10.0.0.20%eth0:64702 10.0.0.12:4243 timer:(timewait,50sec,0) ino:0 sk:1c
"""
_PROC = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0C00000A:1093 1400000A:FCBE 01 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 20 4 30 10 -1
   1: 0000000000000000FFFF00000C00000A:1093 0000000000000000FFFF00001400000A:FCBE 01 00000000:00000000 00:00000000 00000000  33 0 9 1
"""
_EVIDENCE = b"""{"type":"run","schema":1}
{"type":"socket","source":"lookup","family":"AF_INET6","local":"[::ffff:10.0.0.12]:4243","remote":"[::ffff:10.0.0.20]:64702","state":"ESTABLISHED","inode":7,"uid":33,"cookie":9,"netns":"n","owner":{"pid":5,"process":"java","cmdline":"java","user":"app"},"owner_by":"state-event","tcp_info":{"rtt_us":5},"since":"2023-11-14T22:13:20.000000000Z","born":"2023-11-14T22:13:20.000000000Z","foreign":true,"at":"2023-11-14T22:13:20.100000000Z"}
{"type":"socket","source":"snapshot","family":"AF_INET6","local":"[::]:4243","remote":"[::]:0","state":"LISTEN","inode":8,"v6only":false,"asked":["10.0.0.12:4243","10.0.0.20:64702"],"at":"2023-11-14T22:13:20.000000000Z"}
{"type":"owner","inode":7,"netns":"n","pid":5,"process":"java","started_at":"2023-11-14T22:13:20.000000000Z","at":"2023-11-14T22:13:20.000000000Z"}
{"type":"gap","since":"2023-11-14T22:13:20.000000000Z","at":"2023-11-14T22:13:20.000000000Z"}
"""
_NFT = json.dumps(
    {
        "nftables": [
            {"table": {"family": "inet", "name": "t"}},
            {
                "chain": {
                    "family": "inet",
                    "table": "t",
                    "name": "c",
                    "hook": "input",
                    "type": "filter",
                    "policy": "drop",
                }
            },
            {"set": {"family": "inet", "table": "t", "name": "s", "elem": [443, {"range": [70, 90]}]}},
            {
                "rule": {
                    "family": "inet",
                    "table": "t",
                    "chain": "c",
                    "expr": [
                        {
                            "match": {
                                "op": "==",
                                "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                                "right": "@s",
                            }
                        },
                        {"accept": None},
                    ],
                }
            },
        ]
    }
).encode()
_IPTABLES = b"""*filter
:INPUT DROP [0:0]
:mine - [0:0]
-A INPUT -p tcp -m tcp --dport 80:90 -j mine
-A INPUT -p tcp -m multiport --dports 22,443 -m conntrack --ctstate NEW -j ACCEPT
-A mine ! -s 10.0.0.0/8 -g mine
COMMIT
"""
_RULES = b"""[[deny]]
process = "java*"
port = [443, "8000-8100"]
note = "n"
[[allow]]
unit = "x.service"
"""
_GZIP = gzip.compress(_PCAP, mtime=0)


def _report() -> bytes:
    """A report as a run writes it."""

    class _Kept(Writer):
        def put(self, data: bytes) -> None:
            kept.append(data)

    kept: list[bytes] = []
    sink = JsonlSink(_Kept("-"))
    sink.begin({"host": "h"})
    sink.findings([the_case(), passing()])
    sink.end({"seen": 2})
    return b"".join(kept)


def _block() -> bytes:
    """A block of the ring with two frames."""
    frame = _FRAMES[0]
    head = struct.pack("=IIIIIIHH", 144, 5, 6, len(frame), len(frame), 0, 82, 96) + struct.pack("=IIHH8x", 0, 0, 0, 0)
    one = (head + struct.pack("=HHiHBB8x", 17, 8, 3, 1, 0, 6)).ljust(82, b"\0") + frame
    return struct.pack("=IIIIIIQ16x", 3, 0, 1, 2, 48, 400, 1) + one.ljust(144, b"\0") + one


def _lengthy(frames: list[bytes], number: int) -> bytes:
    """Frames of a link type, each behind its length."""
    return bytes([number]) + b"".join(bytes([min(len(frame), 255), 1]) + frame[:255] for frame in frames)


def _optional() -> list[bytes]:
    """Streams in the forms that need packages."""
    found = []
    for number, name in ((3, "backports.zstd"), (4, "lz4.frame")):
        try:
            found.append(bytes([number]) + import_module(name).compress(_PCAP))
        except ImportError:
            continue
    return found


SEEDS: dict[str, list[bytes]] = {
    "capture": [_PCAP, _PCAPNG, _text("handshakes.pcap"), _text("meetings.pcapng"), b""],
    "decode": [_lengthy(_FRAMES, number) for number in range(12)],
    "tracker": [
        struct.pack("<BBBBHH", 1, 2, 20, 5, 0, 0)
        + struct.pack("<BBBBHH", 6, 0x12, 20, 9, 6, 0)
        + struct.pack("<BBBBHH", 1, 0x10, 20, 6, 10, 0)
        + struct.pack("<BBBBHH", 1, 0x11, 20, 6, 10, 5)
        + struct.pack("<BBBBHH", 6, 0x04, 31, 10, 12, 0)
    ],
    "ring": [_block()],
    "netlink": [
        message(
            attributes=attribute(11, b"\1") + attribute(21, struct.pack("<Q", 9)) + attribute(2, bytes(range(240)))
        ),
        message(2) + message(10, 10, remote_port=0),
    ],
    "trace": [
        (page(entry(state(7, 2)), entry(state(2, 1, family=10, flags=0x10)), entry(destroyed()))[:512]) * 2,
        page(entry(state(3, 1)), entry(state(1, 7)), entry(destroyed()), flags=1 << 31)[:512],
    ],
    "groups": [
        b"0::/system.slice/docker-" + b"a" * 64 + b".scope\n",
        b"12:cpu:/kubepods/pod1/" + b"b" * 64 + b"\n1:name=systemd:/x.service\n",
    ],
    "filters": [_NFT, _IPTABLES],
    "tables": [_SS, _PROC, _EVIDENCE, _text("jessie.netstat.txt"), _text("meetings.sockets.jsonl")],
    "reports": [_report(), _PCAPNG, _EVIDENCE],
    "rules": [_RULES],
    "compressed": [
        bytes([0]) + _GZIP,
        bytes([1]) + bz2.compress(_PCAP),
        bytes([2]) + lzma.compress(_PCAP),
        *_optional(),
    ],
    "comments": [_SAID.encode()],
    "analyse": [
        _PCAP + BORDER + _EVIDENCE,
        _PCAPNG + BORDER + _EVIDENCE,
        _text("meetings.pcapng") + BORDER + _text("meetings.sockets.jsonl"),
    ],
}
