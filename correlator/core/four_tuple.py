"""Four-tuples: the two ends of a connection, as one of them sees it."""

from typing import NamedTuple

Ends = tuple[bytes, int, bytes, int]  # a plain four-tuple: local address and port, remote address and port


_PORTS = [b""] * 65536  # their bytes, once they are asked for


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
    return local + remote + port_bytes(local_port) + port_bytes(remote_port)


def port_bytes(port: int) -> bytes:
    """The two bytes of a port."""
    found = _PORTS[port]
    if not found:
        found = _PORTS[port] = port.to_bytes(2, "big")
    return found
