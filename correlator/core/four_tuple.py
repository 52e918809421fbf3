"""Four-tuples: the two ends of a connection, as one of them sees it."""

from typing import NamedTuple

Ends = tuple[bytes, int, bytes, int]  # a plain four-tuple: local address and port, remote address and port


_KEY = bytearray(36)  # where a key is put together: it is made for every statement
_MOST = 32
_TOO_LONG = "an address has 16 bytes at the most"


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
    """A four-tuple as one value: a tuple of four would be five, and is looked up slowly. Raises ValueError."""
    if len(local) + len(remote) > _MOST:
        raise ValueError(_TOO_LONG)
    raw, at = _KEY, 0  # compiled, a pointer
    for byte in local:
        raw[at] = byte
        at += 1
    for byte in remote:
        raw[at] = byte
        at += 1
    raw[at], raw[at + 1] = local_port >> 8, local_port & 0xFF
    raw[at + 2], raw[at + 3] = remote_port >> 8, remote_port & 0xFF
    return bytes(raw[: at + 4])


def key_of_words(  # the addresses as a segment has them
    is_ipv6: bool,  # noqa: FBT001  compiled: takes no keywords
    local_high: int,
    local_low: int,
    local_port: int,
    remote_high: int,
    remote_low: int,
    remote_port: int,
) -> bytes:
    """The same of addresses in words."""
    raw, at = _KEY, 8
    if is_ipv6:
        _put(raw, 0, 8, local_high)
        _put(raw, 8, 8, local_low)
        _put(raw, 16, 8, remote_high)
        _put(raw, 24, 8, remote_low)
        at = 32
    else:
        _put(raw, 0, 4, local_low)
        _put(raw, 4, 4, remote_low)
    raw[at], raw[at + 1] = local_port >> 8, local_port & 0xFF
    raw[at + 2], raw[at + 3] = remote_port >> 8, remote_port & 0xFF
    return bytes(raw[: at + 4])


def _put(raw: bytearray, at: int, length: int, word: int) -> None:
    """Write the last bytes of a word in network order."""
    for place in range(at + length - 1, at - 1, -1):
        raw[place] = word & 0xFF
        word >>= 8
