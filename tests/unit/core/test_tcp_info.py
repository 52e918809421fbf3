"""Members of struct tcp_info."""

import json
import struct

import pytest

from correlator.core.tcp_info import BEGIN, END, TcpInfo, json_of


def test_all_members() -> None:
    """By their names, in a dict too."""
    raw = bytearray(END)
    struct.pack_into("=I", raw, 68, 1234)
    struct.pack_into("=Q", raw, 120, 1 << 40)
    info = TcpInfo(bytes(raw[BEGIN:]))
    assert len(info.keys()) == 7
    assert dict(info)["bytes_acked"] == 1 << 40
    assert info["rtt_us"] == 1234


def test_an_older_kernel() -> None:
    """What it does not have is not there."""
    info = TcpInfo(bytes(72 - BEGIN))
    assert info.keys() == ["rtt_us"]
    with pytest.raises(KeyError):
        info["min_rtt_us"]
    with pytest.raises(KeyError):
        info["something"]


@pytest.mark.parametrize("size", [4, 40, 80, END - BEGIN])
def test_json(size: int) -> None:
    """As of a dict, whole or cut."""
    info = TcpInfo(bytes(range(1, 1 + END - BEGIN))[:size])
    assert json_of(info) == json.dumps(dict(info), separators=(",", ":"))
    assert json_of({"rtt_us": 5}) == '{"rtt_us":5}'
