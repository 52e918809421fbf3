"""Many datagrams in one system call."""

import errno
import socket

import pytest

from correlator.kernel.datagrams import Datagrams


def test_what_waits_is_read_in_order() -> None:
    """More than go in one call, of different lengths, some empty."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sender.setblocking(False)
        datagrams = Datagrams(receiver)
        assert datagrams.read() == []
        sent = [bytes([number]) * (number % 7) for number in range(150)]
        found: list[bytes] = []
        for one in sent:
            try:
                sender.send(one)
            except BlockingIOError:  # ten may wait by default (net.unix.max_dgram_qlen)
                found += datagrams.read()
                sender.send(one)
        while batch := datagrams.read():
            found += batch
        assert found == sent


def test_one_that_is_too_long_is_an_error() -> None:
    """Not half a message."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        datagrams = Datagrams(receiver)
        sender.send(bytes(4096))
        with pytest.raises(OSError, match="too long") as raised:
            datagrams.read()
        assert raised.value.errno == errno.EMSGSIZE
        sender.send(bytes(2048))
        assert datagrams.read() == [bytes(2048)]


def test_a_socket_that_is_closed() -> None:
    """Any other error is the caller's."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    datagrams = Datagrams(receiver)
    sender.close()
    receiver.close()
    with pytest.raises(OSError, match="descriptor"):
        datagrams.read()
