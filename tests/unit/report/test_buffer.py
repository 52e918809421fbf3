"""Text built byte by byte."""

from binascii import b2a_base64
from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from correlator.core.address import endpoint_text, text
from correlator.core.timetext import time_text
from correlator.report.buffer import Buffer

words = st.sampled_from([0, 0, 0, 1, 0xFF, 0xFFFF, 0x1000, 0xABCD])


@given(st.integers(0, 2**64 - 1), st.integers(0, 10**12), st.integers(-1, 2**62))
def test_numbers_and_times(number: int, nanoseconds: int, at: int) -> None:
    """As Python writes them."""
    buffer = Buffer()
    buffer.put_number(number)
    assert buffer.take() == str(number).encode()
    buffer.put_microseconds(nanoseconds)
    assert buffer.take() == f"{nanoseconds // 1000}.{nanoseconds % 1000:03d}".encode()
    told = buffer.put_time(at)
    assert told == bool(time_text(at))
    assert buffer.take() == time_text(at).encode()


@given(st.binary(min_size=4, max_size=4) | st.lists(words, min_size=8, max_size=8), st.integers(0, 65535))
def test_addresses(address: bytes | list[int], port: int) -> None:
    """As the ipaddress module and RFC 5952 have them, mapped ones with a dotted quad."""
    packed = address if isinstance(address, bytes) else b"".join(word.to_bytes(2, "big") for word in address)
    buffer = Buffer()
    number = int.from_bytes(packed)
    buffer.put_words(number >> 64, number & 0xFFFFFFFFFFFFFFFF, len(packed) == 16)
    shown = buffer.take().decode()
    assert shown == text(packed)
    assert (IPv4Address if len(packed) == 4 else IPv6Address)(shown).packed == packed
    buffer.put_endpoint(packed, port)
    assert buffer.take().decode() == endpoint_text(packed, port)


def test_mapped_addresses() -> None:
    """The whole point."""
    buffer = Buffer()
    buffer.put_words(0, 0xFFFF0A000014, True)
    assert buffer.take() == b"::ffff:10.0.0.20"


def test_more_than_there_is_room_for() -> None:
    """The buffer grows."""
    buffer = Buffer()
    for number in range(5000):
        buffer.put("twelve bytes")
        buffer.put_byte(44)
        buffer.put("a text that is too long for a loop" if number % 2 else "")
    made = buffer.take()
    assert made == (b"twelve bytes," + b"twelve bytes,a text that is too long for a loop") * 2500
    assert buffer.take() == b""


@given(st.binary(max_size=40))
def test_base64(data: bytes) -> None:
    """As the standard library has it."""
    buffer = Buffer()
    buffer.put_base64(bytearray(data))
    assert buffer.take() == b2a_base64(data, newline=False)
