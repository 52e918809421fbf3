"""Addresses as the kernel has them: packed bytes, and the IPv4-mapped form (RFC 4291 §2.5.5.2)."""

from functools import lru_cache

from correlator.core.words import piece

IPV4_LENGTH = _IPV4_LENGTH = 4
IPV6_LENGTH = _IPV6_LENGTH = 16
ANY_PORT = 0
_MOST_PORT = 0xFFFF
_LOOPBACK = bytes(15) + b"\x01"
_ZERO, _NINE, _DOT, _MOST = ord("0"), ord("9"), ord("."), 255
_GROUPS, _GROUP_DIGITS = 8, 4
_MAPPED_TEXT = "::ffff:"
MAPPED_PREFIX = b"\0" * 10 + b"\xff\xff"


def is_mapped(address: bytes) -> bool:
    """Whether 16 packed bytes are `::ffff:a.b.c.d`."""
    return len(address) == _IPV6_LENGTH and address[10] == 0xFF and address[11] == 0xFF and not _first_set(address, 10)


def unmapped(address: bytes) -> bytes:
    """The address as the wire has it: 4 bytes for a mapped address, else unchanged."""
    return piece(address, 12, 4) if is_mapped(address) else address


def mapped(address: bytes) -> bytes:
    """The IPv4-mapped form of a 4-byte address; 16 bytes are returned as they are."""
    return MAPPED_PREFIX + address if len(address) == IPV4_LENGTH else address


def is_any(address: bytes) -> bool:
    """Whether the address is the wildcard: `0.0.0.0`, `::`, or `::ffff:0.0.0.0`."""
    own = unmapped(address)
    return not _first_set(own, len(own))


def _first_set(address: bytes, end: int) -> int:
    """The first byte before `end` that is not zero; 0 where there is none."""
    for place in range(end):
        if address[place]:
            return address[place]
    return 0


def is_loopback(address: bytes) -> bool:
    """Whether the address, in the wire's form, never leaves its namespace: 127.0.0.0/8, `::1`."""
    return address[0] == 127 if len(address) == IPV4_LENGTH else address == _LOOPBACK


# 4,096 addresses are a busy server's clients; past that a text costs 2 µs again.
@lru_cache(maxsize=4096)
def text(address: bytes) -> str:
    """The address in text, RFC 5952; mapped addresses keep their dotted quad as in inet_ntop(3)."""
    if len(address) == IPV4_LENGTH:
        return f"{address[0]}.{address[1]}.{address[2]}.{address[3]}"
    if is_mapped(address):
        return "::ffff:" + text(address[12:])
    import ipaddress  # noqa: PLC0415  slow to import, and many runs have no such address

    return str(ipaddress.IPv6Address(address))


def parse(value: str) -> bytes:
    """Packed bytes of an address in text; a zone (`%eth0`) is dropped.

    Raises ValueError for anything that is no address.
    """
    zone = value.find("%")
    bare = value if zone < 0 else value[:zone]
    if bare.startswith(_MAPPED_TEXT):
        tail = _dotted_quad(bare, len(_MAPPED_TEXT))
        if tail:
            return MAPPED_PREFIX + tail
    return _dotted_quad(bare, 0) or _groups(bare) or _parse(bare)


def _dotted_quad(value: str, begin: int) -> bytes:
    """The bytes of `10.0.0.12`; none for what is no such address: the ipaddress module then says why."""
    address = octet = digits = dots = 0
    for place in range(begin, len(value)):
        letter = ord(value[place])
        if letter == _DOT and digits:
            address, octet, digits, dots = address << 8 | octet, 0, 0, dots + 1
        elif _ZERO <= letter <= _NINE and (octet or not digits):  # no number begins with a zero
            octet, digits = octet * 10 + letter - _ZERO, digits + 1
        else:
            return b""
        if octet > _MOST or dots == _IPV4_LENGTH:
            return b""
    if dots != _IPV4_LENGTH - 1 or not digits:
        return b""
    return (address << 8 | octet).to_bytes(IPV4_LENGTH, "big")


def _groups(value: str) -> bytes:
    """The bytes of `fd00:a09::1`, RFC 4291 §2.2 (1. and 2.); none for what is no such address, as above."""
    head, gap, tail = value.partition("::")
    before = head.split(":") if head else []
    after = tail.split(":") if tail else []
    zeros = _GROUPS - len(before) - len(after)
    if zeros < 1 if gap else zeros:
        return b""
    digits = ""
    for group in [*before, *["0"] * zeros, *after]:
        if not 0 < len(group) <= _GROUP_DIGITS:
            return b""
        digits += group.rjust(_GROUP_DIGITS, "0")
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        return b""
    return found if len(found) == IPV6_LENGTH else b""  # spaces are passed over


@lru_cache(maxsize=4096)
def _parse(value: str) -> bytes:
    import ipaddress  # noqa: PLC0415  as above

    return ipaddress.ip_address(value).packed


def endpoint_text(address: bytes, port: int) -> str:
    """`10.0.0.12:4243`, `[::ffff:10.0.0.12]:4243`; port 0 is `*` as in ss(8)."""
    shown = port or "*"
    return f"{text(address)}:{shown}" if len(address) == IPV4_LENGTH else f"[{text(address)}]:{shown}"


def parse_endpoint(value: str) -> tuple[bytes, int]:
    """The address and port of `endpoint_text`'s form. Raises ValueError."""
    host, _, port = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    return parse(bare), 0 if port == "*" else parse_port(port)


def parse_port(value: str) -> int:
    """A port number 0 to 65535 in decimal. Raises ValueError."""
    port = 0
    for place in range(len(value)):
        digit = ord(value[place]) - _ZERO
        port = port * 10 + digit if 0 <= digit <= 9 and port <= _MOST_PORT else _MOST_PORT + 1
    if port > _MOST_PORT or not 0 < len(value) <= len("65535"):
        message = f"no port number: {value!r}"
        raise ValueError(message)
    return port
