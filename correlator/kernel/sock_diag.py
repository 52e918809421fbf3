"""The kernel's socket tables by NETLINK_SOCK_DIAG (sock_diag(7), include/uapi/linux/inet_diag.h).

By hand over the standard library's netlink socket: a generic netlink library takes ten times as long for a dump.
"""

import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from correlator.core.address import IPV4_LENGTH
from correlator.core.four_tuple import FourTuple
from correlator.core.model import TCP_STATES, Evidence, Family, Socket, Source, TcpState
from correlator.core.tcp_info import BEGIN, END, TcpInfo, TcpNumbers
from correlator.core.words import half, long_word, piece, word
from correlator.kernel.datagrams import Datagrams
from correlator.kernel.states import UNOWNED

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_INET = Family.INET
_STATE_FIN_WAIT2 = TcpState.FIN_WAIT2

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
SO_RCVBUFFORCE = 33

# sknetlink_groups of include/uapi/linux/sock_diag.h: SKNLGRP_INET_TCP_DESTROY = 1, SKNLGRP_INET6_TCP_DESTROY = 3.
TCP_DESTROY_GROUPS = 1 << 0 | 1 << 2

_INET_DIAG_INFO, _INET_DIAG_SKV6ONLY, _INET_DIAG_CGROUP_ID = 2, 11, 21
_WANT_INFO = 1 << (_INET_DIAG_INFO - 1)
ALL_STATES = 0xFFFFFFFF
LISTENERS = 1 << TcpState.LISTEN
LASTING = ALL_STATES & ~(1 << TcpState.TIME_WAIT)
_NO_COOKIE = 0xFFFFFFFF

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBBI")  # struct inet_diag_req_v2, before its inet_diag_sockid
_PORTS = struct.Struct("!HH")
_IDENTITY = struct.Struct("=III")  # interface, cookie
_ATTRIBUTE_HEADER = 4
_MESSAGE_LENGTH = 16 + 72  # struct nlmsghdr, struct inet_diag_msg

_INFO_BEGIN, _INFO_END = BEGIN, END
_FAMILIES = {int(socket.AF_INET): Family.INET, int(socket.AF_INET6): Family.INET6}

# An answer takes about 1.3 KB of the socket's buffer, which holds 200 KB by default.
_REQUESTS_AT_ONCE = 64

# Room for a dump's largest batch (the kernel sends 32 KiB at most at once).
_RECEIVE = 65_536


@dataclass(frozen=True)
class Entry:
    """A socket as a netlink message describes it."""

    socket: Socket
    tcp_info: TcpNumbers | None
    at: int  # when the message was read; times are ns since the epoch
    since: int  # what it tells has happened after
    foreign: bool = False  # of another network namespace than the capture's


def request(
    family: int,
    four_tuple: FourTuple | None = None,
    *,
    extensions: int = 0,
    ifindex: int = 0,
    states: int = ALL_STATES,
    sequence: int = 0,
) -> bytes:
    """A request for one socket, or for all of a family without a four-tuple."""
    flags = NLM_F_REQUEST if four_tuple else NLM_F_REQUEST | NLM_F_DUMP
    four = four_tuple or FourTuple(b"", 0, b"", 0)
    body = (
        _REQUEST.pack(family, socket.IPPROTO_TCP, extensions, 0, states)
        + _PORTS.pack(four.local_port, four.remote_port)
        + four.local.ljust(16, b"\0")
        + four.remote.ljust(16, b"\0")
        + _IDENTITY.pack(ifindex, _NO_COOKIE, _NO_COOKIE)
    )
    return _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, flags, sequence, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, whole message) pairs of a netlink datagram; ends at the first whose length is impossible."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield kind, data[at : at + length]
        at += length + (-length) % 4


def entry(
    message: bytes,
    cgroup_path: Callable[[int], str],
    netns: str,
    at: int,
    since: int,
    foreign: bool,  # noqa: FBT001  compiled: takes no keywords
) -> Entry | None:
    """The socket of a SOCK_DIAG_BY_FAMILY message; None where it is none of ours or too short."""
    if len(message) < _MESSAGE_LENGTH:
        return None
    family, state = _FAMILIES.get(message[16]), TCP_STATES.get(message[17])
    if family is None or state is None:
        return None
    width = IPV4_LENGTH if family is _INET else 16
    uid, inode = word(message, 80), word(message, 84)
    v6only: bool | None = None
    cgroup = ""
    info: TcpInfo | None = None
    place = _MESSAGE_LENGTH
    while place + _ATTRIBUTE_HEADER <= len(message):
        length, kind = half(message, place), half(message, place + 2)
        if length < _ATTRIBUTE_HEADER or place + length > len(message):
            break
        begin, size = place + _ATTRIBUTE_HEADER, length - _ATTRIBUTE_HEADER
        if kind == _INET_DIAG_INFO and size >= _INFO_BEGIN + 4:  # its first member of those that are kept
            info = TcpInfo(piece(message, begin + _INFO_BEGIN, min(size, _INFO_END) - _INFO_BEGIN))
        elif kind == _INET_DIAG_SKV6ONLY and size:
            v6only = message[begin] != 0
        elif kind == _INET_DIAG_CGROUP_ID and size == 8:
            cgroup = cgroup_path(long_word(message, begin))
        place += (length + 3) & ~3
    found = Socket(
        family,
        piece(message, 24, width),
        message[20] << 8 | message[21],
        piece(message, 40, width),
        message[22] << 8 | message[23],
        state,
        inode or None,
        None if state in UNOWNED or (state is _STATE_FIN_WAIT2 and not inode) else uid,
        long_word(message, 60),
        v6only,
        cgroup,
        netns,
    )
    return Entry(found, info, at, since, foreign)


class SockDiag:
    """Dumps and exact lookups in the network namespace where it was made."""

    def __init__(self, cgroup_path: Callable[[int], str], netns: str, *, foreign: bool = False) -> None:
        """Opens the netlink socket. Raises OSError where the kernel has no sock_diag.

        `foreign`: it is not the capture's namespace.
        """
        self._foreign = foreign
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self._socket.bind((0, 0))
        self._cgroup_path = cgroup_path
        self._netns = netns

    def close(self) -> None:
        """Close the netlink socket."""
        self._socket.close()

    def dump(self, states: int = ALL_STATES) -> Iterator[Evidence]:
        """The TCP sockets of both families in some states (a bit each, by number). Raises OSError."""
        for family in (socket.AF_INET, socket.AF_INET6):
            self._socket.send(request(family, states=states))
            at = time.time_ns()
            done = False
            while not done:
                for kind, message in messages(self._socket.recv(_RECEIVE)):
                    if kind == NLMSG_DONE:
                        done = True
                    elif kind == NLMSG_ERROR:
                        _raise(message)
                    elif (found := entry(message, self._cgroup_path, self._netns, at, at, self._foreign)) is not None:
                        yield Evidence(at, Source.SNAPSHOT, found.socket, foreign=self._foreign)

    def lookup(self, asked: Sequence[tuple[FourTuple, int]]) -> list[Evidence | None]:
        """For each four-tuple in the wire's form the socket that terminates it, or the listener that would, or None.

        With each goes the index of the interface where its packets come in: without it (0) no socket that is bound to
        a device is found, and none with a link-local address (the kernel binds these). Many go in one send.
        Raises OSError for any answer but "no such socket".
        """
        found: list[Evidence | None] = [None] * len(asked)
        for first in range(0, len(asked), _REQUESTS_AT_ONCE):
            some = asked[first : first + _REQUESTS_AT_ONCE]
            self._socket.send(
                b"".join(
                    request(_family(four), four, extensions=_WANT_INFO, ifindex=ifindex, sequence=number)
                    for number, (four, ifindex) in enumerate(some, first)
                )
            )
            answered = 0
            while answered < len(some):
                for kind, message in messages(self._socket.recv(_RECEIVE)):
                    answered += 1
                    number = _HEADER.unpack_from(message)[3]
                    if kind != NLMSG_ERROR:
                        found[number] = self._answer(message, asked[number][0])
                    elif struct.unpack_from("=i", message, 16)[0] != -errno.ENOENT:
                        _raise(message)
        return found

    def _answer(self, message: bytes, asked: FourTuple) -> Evidence | None:
        at = time.time_ns()
        described = entry(message, self._cgroup_path, self._netns, at, at, self._foreign)
        if described is None:
            return None
        if described.socket.is_listener:
            return Evidence(at, Source.LOOKUP, described.socket, asked, foreign=self._foreign)
        return Evidence(at, Source.LOOKUP, described.socket, tcp_info=described.tcp_info, foreign=self._foreign)


class DestroyEvents:
    """A message for every TCP socket that the kernel destroys (sock_diag_broadcast_destroy), from now on."""

    def __init__(self, cgroup_path: Callable[[int], str], netns: str, buffer: int, *, foreign: bool = False) -> None:
        """Subscribes. `buffer`: bytes of socket buffer. Raises OSError (older kernels ask CAP_NET_ADMIN).

        `foreign`: it is not the capture's namespace.
        """
        self._foreign = foreign
        self.lost = 0
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_SOCK_DIAG)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)  # the kernel cuts it to rmem_max
        self._socket.bind((0, TCP_DESTROY_GROUPS))
        self._datagrams = Datagrams(self._socket)
        self._cgroup_path = cgroup_path
        self._netns = netns
        self._empty_at = time.time_ns()  # when there was nothing to read

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Unsubscribe."""
        self._socket.close()

    def read(self, most: int) -> list[Entry]:
        """The events that wait, at least so many where there are more; fewer mean that none is left.

        Each happened after the last time that none was left (`since`). An overflow adds to `lost`: dump to catch up.
        """
        found: list[Entry] = []
        while len(found) < most:
            begun = time.time_ns()
            try:
                datagrams = self._datagrams.read()
            except OSError as error:
                if error.errno not in {errno.ENOBUFS, errno.EMSGSIZE}:
                    raise
                self.lost += 1
                continue
            if not datagrams:
                self._empty_at = begun
                break
            at = time.time_ns()
            for data in datagrams:
                # one message each
                described = entry(data, self._cgroup_path, self._netns, at, self._empty_at, self._foreign)
                if described is not None:
                    found.append(described)
        return found


def _family(four_tuple: FourTuple) -> int:
    return int(socket.AF_INET if len(four_tuple.local) == IPV4_LENGTH else socket.AF_INET6)


def _raise(message: bytes) -> None:
    code = -struct.unpack_from("=i", message, 16)[0]
    raise OSError(code, os.strerror(code), "NETLINK_SOCK_DIAG")
