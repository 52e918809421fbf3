"""Addresses in the kernel's forms."""

from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from correlator.core import address
from tests.play import packed


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("10.0.0.12", "10.0.0.12"),
        ("::1", "::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.20", "::ffff:10.0.0.20"),
    ],
)
def test_text_is_as_inet_ntop_has_it(given: str, shown: str) -> None:
    """RFC 5952, with the dotted quad kept for mapped addresses."""
    assert address.text(packed(given)) == shown
    assert address.parse(shown) == packed(given)


def test_mapped_and_native_meet() -> None:
    """The wire's form of ::ffff:a.b.c.d is a.b.c.d, and back."""
    assert address.unmapped(packed("::ffff:10.0.0.1")) == packed("10.0.0.1")
    assert address.unmapped(packed("2001:db8::1")) == packed("2001:db8::1")
    assert address.mapped(packed("10.0.0.1")) == packed("::ffff:10.0.0.1")
    assert address.mapped(packed("::1")) == packed("::1")
    assert not address.is_mapped(packed("10.0.0.1"))


@pytest.mark.parametrize(
    ("given", "is_any"), [("0.0.0.0", True), ("::", True), ("::ffff:0.0.0.0", True), ("::1", False)]
)
def test_wildcards(given: str, is_any: bool) -> None:
    """The wildcard in each of its forms."""
    assert address.is_any(packed(given)) is is_any


@pytest.mark.parametrize(
    ("host", "port", "shown"),
    [("10.0.0.12", 80, "10.0.0.12:80"), ("::ffff:10.0.0.12", 4243, "[::ffff:10.0.0.12]:4243"), ("::", 0, "[::]:*")],
)
def test_endpoints(host: str, port: int, shown: str) -> None:
    """Brackets for AF_INET6, * for no port, and back."""
    assert address.endpoint_text(packed(host), port) == shown
    assert address.parse_endpoint(shown) == (packed(host), port)


@pytest.mark.parametrize(
    "bad", ["", "x", "10.0.0.1", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:\u0661", "[::g]:1", "1:000001"]
)
def test_what_is_no_endpoint(bad: str) -> None:
    """ValueError, nothing else."""
    with pytest.raises(ValueError, match=r".+"):
        address.parse_endpoint(bad)


def test_a_zone_is_dropped() -> None:
    """Netstat and ss append the interface to link-local addresses."""
    assert address.parse("fe80::1%eth0") == packed("fe80::1")


@given(
    st.one_of(
        st.from_regex(r"(::ffff:)?[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True),
        st.from_regex(r"[0-9a-f:.]{0,20}", fullmatch=True),
        st.ip_addresses().map(str),
        st.ip_addresses(v=6).map(lambda one: one.exploded),
        st.from_regex(r"(([0-9a-fA-F ]{0,5}:){1,4}:?){1,2}[0-9a-f]{0,5}", fullmatch=True),
        st.from_regex(r"([0-9a-f]{1,4}:){6,8}(:|[0-9a-f]{1,4})?", fullmatch=True),
        st.text(max_size=8),
    )
)
@example("010.0.0.1")
@example("::ffff:256.0.0.1")
@example("::ffff:1.2.3")
@example("1.2.3.٤")
@example("::1::2")
@example("1:2:3:4:5:6:7::")
@example("::1:2:3:4:5:6:7:8")
@example("1:2:3:4:5:6:7: 1 ")
@example("1:2:3:4:5:6:7:g")
@example("1:2:3:4:5:6:7:٤")
def test_addresses_are_read_as_the_standard_library_reads_them(value: str) -> None:
    """Whatever is one, and nothing that is none."""
    bare = value.partition("%")[0]
    try:
        expected = ip_address(bare).packed
    except ValueError:
        with pytest.raises(ValueError, match="does not appear to be"):
            address.parse(value)
    else:
        assert address.parse(value) == expected
