"""Many datagrams in one system call: recvmmsg(2), which Python's socket module does not have."""

import ctypes
import errno
import os
import socket

_AT_ONCE = 64
_ROOM = 2048  # bytes a datagram: a socket's message takes about 600


class _Vector(ctypes.Structure):
    """Struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """Struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """Struct mmsghdr."""

    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


_WORDS = ctypes.sizeof(_Message) // 4
_LENGTH = _Message.length.offset // 4


class Datagrams:
    """What waits on a socket, many datagrams at a time."""

    def __init__(self, sock: socket.socket) -> None:
        """`sock` stays the caller's."""
        self._file = sock.fileno()
        data, heads = bytearray(_AT_ONCE * _ROOM), bytearray(_AT_ONCE * ctypes.sizeof(_Message))
        begin = ctypes.addressof(ctypes.c_char.from_buffer(data))
        self._vectors = (_Vector * _AT_ONCE)(*(_Vector(begin + number * _ROOM, _ROOM) for number in range(_AT_ONCE)))
        self._messages = (_Message * _AT_ONCE).from_buffer(heads)
        vector = ctypes.addressof(self._vectors)
        for number, message in enumerate(self._messages):
            message.header.vectors = vector + number * ctypes.sizeof(_Vector)
            message.header.vector_count = 1
        self._data, self._heads = memoryview(data), memoryview(heads).cast("I")
        self._receive = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)

    def read(self) -> list[bytes]:
        """Those that wait, up to a bound; none where none waits.

        Raises OSError: ENOBUFS where the kernel lost some, EMSGSIZE for one that is longer than there is room for.
        """
        count = self._receive(
            self._file, ctypes.addressof(self._messages), _AT_ONCE, socket.MSG_DONTWAIT | socket.MSG_TRUNC, None
        )
        if count < 0:
            code = ctypes.get_errno()
            if code == errno.EAGAIN:
                return []
            raise OSError(code, os.strerror(code))
        data, lengths = self._data, self._heads[_LENGTH : count * _WORDS : _WORDS]
        if max(lengths, default=0) > _ROOM:  # with MSG_TRUNC the length is that before it was cut
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        return [bytes(data[number * _ROOM : number * _ROOM + length]) for number, length in enumerate(lengths)]
