"""The kernel's socket tables by NETLINK_SOCK_DIAG (sock_diag(7), include/uapi/linux/inet_diag.h).

By hand over the standard library's netlink socket: a generic netlink library takes ten times as long for a dump.
"""

import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from correlator.core.address import IPV4_LENGTH
from correlator.core.model import TCP_STATES, Evidence, Family, FourTuple, Socket, Source, TcpState
from correlator.kernel.states import UNOWNED

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
SO_RCVBUFFORCE = 33

# sknetlink_groups of include/uapi/linux/sock_diag.h: SKNLGRP_INET_TCP_DESTROY = 1, SKNLGRP_INET6_TCP_DESTROY = 3.
TCP_DESTROY_GROUPS = 1 << 0 | 1 << 2

_INET_DIAG_INFO, _INET_DIAG_SKV6ONLY, _INET_DIAG_CGROUP_ID = 2, 11, 21
_WANT_INFO = 1 << (_INET_DIAG_INFO - 1)
_ALL_STATES = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBBI")  # struct inet_diag_req_v2, before its inet_diag_sockid
_PORTS = struct.Struct("!HH")
_MESSAGE = struct.Struct("=BBBB")  # struct inet_diag_msg: family, state, timer, retrans
_IDENTITY = struct.Struct("=III")  # interface, cookie
_TAIL = struct.Struct("=5I")  # expires, rqueue, wqueue, uid, inode
_ATTRIBUTE = struct.Struct("=HH")
_MESSAGE_LENGTH = 16 + 72

# struct tcp_info of include/uapi/linux/tcp.h: name → offset, layout
_TCP_INFO: dict[str, tuple[int, struct.Struct]] = {
    "rtt_us": (68, struct.Struct("=I")),
    "total_retrans": (100, struct.Struct("=I")),
    "bytes_acked": (120, struct.Struct("=Q")),
    "bytes_received": (128, struct.Struct("=Q")),
    "segs_out": (136, struct.Struct("=I")),
    "segs_in": (140, struct.Struct("=I")),
    "min_rtt_us": (148, struct.Struct("=I")),
}

_FAMILIES = {int(socket.AF_INET): Family.INET, int(socket.AF_INET6): Family.INET6}

# Room for a dump's largest batch (the kernel sends 32 KiB at most at once).
_RECEIVE = 65_536


class Entry(NamedTuple):
    """A socket as a netlink message describes it."""

    socket: Socket
    tcp_info: dict[str, int] | None


def request(family: int, four_tuple: FourTuple | None = None, *, extensions: int = 0, ifindex: int = 0) -> bytes:
    """A request for one socket, or for all of a family without a four-tuple."""
    flags = NLM_F_REQUEST if four_tuple else NLM_F_REQUEST | NLM_F_DUMP
    four = four_tuple or FourTuple(b"", 0, b"", 0)
    body = (
        _REQUEST.pack(family, socket.IPPROTO_TCP, extensions, 0, _ALL_STATES)
        + _PORTS.pack(four.local_port, four.remote_port)
        + four.local.ljust(16, b"\0")
        + four.remote.ljust(16, b"\0")
        + _IDENTITY.pack(ifindex, _NO_COOKIE, _NO_COOKIE)
    )
    return _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, flags, 0, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, whole message) pairs of a netlink datagram; ends at the first whose length is impossible."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield kind, data[at : at + length]
        at += length + (-length) % 4


def entry(message: bytes, cgroup_path: Callable[[int], str], netns: str) -> Entry | None:
    """The socket of a SOCK_DIAG_BY_FAMILY message; None where it is none of ours or too short."""
    if len(message) < _MESSAGE_LENGTH:
        return None
    number, code, _timer, _retrans = _MESSAGE.unpack_from(message, 16)
    family, state = _FAMILIES.get(number), TCP_STATES.get(code)
    if family is None or state is None:
        return None
    local_port, remote_port = _PORTS.unpack_from(message, 20)
    width = IPV4_LENGTH if family is Family.INET else 16
    _interface, low, high = _IDENTITY.unpack_from(message, 56)
    _expires, _receive, _send, uid, inode = _TAIL.unpack_from(message, 68)
    attributes = _attributes(message)
    v6only = attributes.get(_INET_DIAG_SKV6ONLY)
    cgroup = attributes.get(_INET_DIAG_CGROUP_ID, b"")
    info = attributes.get(_INET_DIAG_INFO)
    found = Socket(
        family,
        message[24 : 24 + width],
        local_port,
        message[40 : 40 + width],
        remote_port,
        state,
        inode or None,
        None if state in UNOWNED or (state is TcpState.FIN_WAIT2 and not inode) else uid,
        high << 32 | low,
        bool(v6only[0]) if v6only else None,
        cgroup_path(int.from_bytes(cgroup, "little")) if len(cgroup) == 8 else "",
        netns,
    )
    return Entry(found, _tcp_info(info) if info else None)


def _attributes(message: bytes) -> dict[int, bytes]:
    found = {}
    at = _MESSAGE_LENGTH
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if length < _ATTRIBUTE.size or at + length > len(message):
            break
        found[kind] = message[at + _ATTRIBUTE.size : at + length]
        at += length + (-length) % 4
    return found


def _tcp_info(data: bytes) -> dict[str, int]:
    return {
        name: layout.unpack_from(data, at)[0]
        for name, (at, layout) in _TCP_INFO.items()
        if at + layout.size <= len(data)
    }


class SockDiag:
    """Dumps and exact lookups in the network namespace where it was made."""

    def __init__(self, cgroup_path: Callable[[int], str], netns: str) -> None:
        """Opens the netlink socket. Raises OSError where the kernel has no sock_diag."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self._socket.bind((0, 0))
        self._cgroup_path = cgroup_path
        self._netns = netns

    def close(self) -> None:
        """Close the netlink socket."""
        self._socket.close()

    def dump(self) -> Iterator[Evidence]:
        """Every TCP socket of both families. Raises OSError."""
        for family in (socket.AF_INET, socket.AF_INET6):
            self._socket.send(request(family, extensions=0))
            at = time.time_ns()
            done = False
            while not done:
                for kind, message in messages(self._socket.recv(_RECEIVE)):
                    if kind == NLMSG_DONE:
                        done = True
                    elif kind == NLMSG_ERROR:
                        _raise(message)
                    elif (found := entry(message, self._cgroup_path, self._netns)) is not None:
                        yield Evidence(at, Source.SNAPSHOT, found.socket)

    def lookup(self, four_tuple: FourTuple, ifindex: int = 0) -> Evidence | None:
        """The socket that terminates a four-tuple in the wire's form, or the listener that would; None for neither.

        `ifindex`: where its packets come in; without it no socket that is bound to a device is found, and none with a
        link-local address (the kernel binds these).
        Raises OSError for any answer but "no such socket".
        """
        family = socket.AF_INET if len(four_tuple.local) == IPV4_LENGTH else socket.AF_INET6
        self._socket.send(request(family, four_tuple, extensions=_WANT_INFO, ifindex=ifindex))
        for kind, message in messages(self._socket.recv(_RECEIVE)):
            if kind == NLMSG_ERROR:
                if struct.unpack_from("=i", message, 16)[0] == -errno.ENOENT:
                    return None
                _raise(message)
            if (found := entry(message, self._cgroup_path, self._netns)) is not None:
                asked = four_tuple if found.socket.is_listener else None
                return Evidence(
                    time.time_ns(), Source.LOOKUP, found.socket, asked, tcp_info=None if asked else found.tcp_info
                )
        return None


class DestroyEvents:
    """A message for every TCP socket that the kernel destroys (sock_diag_broadcast_destroy), from now on."""

    def __init__(self, cgroup_path: Callable[[int], str], netns: str, buffer: int) -> None:
        """Subscribes. `buffer`: bytes of socket buffer. Raises OSError (older kernels ask CAP_NET_ADMIN)."""
        self.lost = 0
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_SOCK_DIAG)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)  # the kernel cuts it to rmem_max
        self._socket.bind((0, TCP_DESTROY_GROUPS))
        self._cgroup_path = cgroup_path
        self._netns = netns
        self._empty_at = time.time_ns()  # when there was nothing to read

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Unsubscribe."""
        self._socket.close()

    def read(self, most: int) -> list[Evidence]:
        """The events that wait, at most so many datagrams; fewer mean that none is left.

        Each happened after the last time that none was left (`since`). An overflow adds to `lost`: dump to catch up.
        """
        found = []
        for _ in range(most):
            begun = time.time_ns()
            try:
                data = self._socket.recv(_RECEIVE)
            except BlockingIOError:
                self._empty_at = begun
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.lost += 1
                continue
            at = time.time_ns()
            for _kind, message in messages(data):
                described = entry(message, self._cgroup_path, self._netns)
                if described is not None:
                    info, since = described.tcp_info, self._empty_at
                    found.append(Evidence(at, Source.DESTROY, described.socket, tcp_info=info, since=since))
        return found


def _raise(message: bytes) -> None:
    code = -struct.unpack_from("=i", message, 16)[0]
    raise OSError(code, os.strerror(code), "NETLINK_SOCK_DIAG")
