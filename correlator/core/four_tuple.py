"""Four-tuples: the two ends of a connection, as one of them sees it."""

from typing import NamedTuple

from correlator.core.words import piece

Ends = tuple[bytes, int, bytes, int]  # a plain four-tuple: local address and port, remote address and port


_EVERY_BYTE = bytes(range(256))
_PORTS = bytearray(2 * 65536)  # the two bytes of each port, in order: a key is made for every statement
_PORTS[0::2] = b"".join(bytes([high]) * 256 for high in _EVERY_BYTE)
_PORTS[1::2] = _EVERY_BYTE * 256
_PORT_BYTES = bytes(_PORTS)


class FourTuple(NamedTuple):
    """One end's view of a connection, in the wire's form (never mapped)."""

    local: bytes
    local_port: int
    remote: bytes
    remote_port: int

    @property
    def key(self) -> bytes:
        """What tables are searched by."""
        return key_of(*self)


def key_of(local: bytes, local_port: int, remote: bytes, remote_port: int) -> bytes:
    """A four-tuple as one value: a tuple of four would be five, and is looked up slowly."""
    return b"".join((local, remote, port_bytes(local_port), port_bytes(remote_port)))


def port_bytes(port: int) -> bytes:
    """The two bytes of a port."""
    return piece(_PORT_BYTES, 2 * port, 2)
