"""Netlink messages of sockets, as net/ipv4/inet_diag.c fills them in."""

import struct

from tests.play import packed


def message(
    family: int = 10, state: int = 1, inode: int = 7, uid: int = 33, attributes: bytes = b"", remote_port: int = 64702
) -> bytes:
    """A SOCK_DIAG_BY_FAMILY message."""
    body = struct.pack("=BBBB", family, state, 0, 0) + struct.pack("!HH", 4243, remote_port)
    near, far = (
        (packed("10.0.0.12"), packed("10.0.0.20"))
        if family == 2
        else (packed("::ffff:10.0.0.12"), packed("::ffff:10.0.0.20"))
    )
    body += near.ljust(16, b"\0") + far.ljust(16, b"\0")
    body += struct.pack("=III", 0, 5, 1) + struct.pack("=5I", 0, 0, 0, uid, inode) + attributes
    return struct.pack("=IHHII", 16 + len(body), 20, 0, 0, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """A netlink attribute."""
    return struct.pack("=HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)
