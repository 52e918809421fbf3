"""Pages of the trace ring buffer, built by hand as kernel/trace/ring_buffer.c lays them out."""

import struct

from correlator.kernel.trace_pages import DESTROY, STATE, layout

COMMON = """name: {name}
ID: {number}
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
"""
STATE_FORMAT = (
    COMMON.format(name="inet_sock_set_state", number=2287)
    + """	field:int oldstate;	offset:16;	size:4;	signed:1;
	field:int newstate;	offset:20;	size:4;	signed:1;
	field:__u16 sport;	offset:24;	size:2;	signed:0;
	field:__u16 dport;	offset:26;	size:2;	signed:0;
	field:__u16 family;	offset:28;	size:2;	signed:0;
	field:__u16 protocol;	offset:30;	size:2;	signed:0;
	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;
	field:__u8 daddr[4];	offset:36;	size:4;	signed:0;
	field:__u8 saddr_v6[16];	offset:40;	size:16;	signed:0;
	field:__u8 daddr_v6[16];	offset:56;	size:16;	signed:0;
"""
)
DESTROY_FORMAT = (
    COMMON.format(name="tcp_destroy_sock", number=2278)
    + """	field:__u16 sport;	offset:16;	size:2;	signed:0;
	field:__u16 dport;	offset:18;	size:2;	signed:0;
	field:__u16 family;	offset:20;	size:2;	signed:0;
	field:__u8 saddr[4];	offset:22;	size:4;	signed:0;
	field:__u8 daddr[4];	offset:26;	size:4;	signed:0;
	field:__u8 saddr_v6[16];	offset:30;	size:16;	signed:0;
	field:__u8 daddr_v6[16];	offset:46;	size:16;	signed:0;
	field:__u64 sock_cookie;	offset:64;	size:8;	signed:0;
"""
)
LAYOUTS = {2287: layout(STATE, STATE_FORMAT), 2278: layout(DESTROY, DESTROY_FORMAT)}
HERE, THERE = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
MAPPED_HERE, MAPPED_THERE = (bytes(10) + b"\xff\xff" + address for address in (HERE, THERE))
SOCKET = 0xFFFF_8881_0000_1234


def state(old: int, new: int, *, family: int = 2, flags: int = 0, pid: int = 77) -> bytes:
    """A record of sock/inet_sock_set_state."""
    head = struct.pack("=HBBiQii", 2287, flags, 0, pid, SOCKET, old, new)
    return head + struct.pack("=HHHH", 80, 4000, family, 6) + HERE + THERE + MAPPED_HERE + MAPPED_THERE


def destroyed(cookie: int = 9) -> bytes:
    """A record of tcp/tcp_destroy_sock."""
    head = struct.pack("=HBBiQ", 2278, 0, 0, 77, SOCKET)
    body = struct.pack("=HHH", 80, 4000, 10) + HERE + THERE + MAPPED_HERE + MAPPED_THERE
    return (head + body).ljust(64, b"\0") + struct.pack("=Q", cookie)


def entry(record: bytes, delta: int = 5) -> bytes:
    """A record with its header: the length in words in five bits."""
    return struct.pack("=I", delta << 5 | len(record) // 4) + record


def page(*entries: bytes, start: int = 1000, flags: int = 0, after: bytes = b"") -> bytes:
    """A page of the ring buffer."""
    data = b"".join(entries)
    return (struct.pack("=QQ", start, len(data) | flags) + data + after).ljust(4096, b"\0")
