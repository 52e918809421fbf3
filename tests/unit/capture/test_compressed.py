"""Compressed captures."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from random import Random

import lz4.frame
import pytest
from backports import zstd

from correlator.capture import compressed
from correlator.capture.compressed import CompressionError, Inflater, compression

DATA = Random(5).randbytes(200_000) + bytes(5_000_000)
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
}


def inflate(form: str, data: bytes, size: int) -> bytes:
    """Give blocks of a size, take all, and end; pieces are bounded."""
    inflater, found = Inflater(form), []
    for at in range(0, len(data), size):
        inflater.give(data[at : at + size])
        while piece := inflater.take():
            assert len(piece) <= 1 << 20
            found.append(piece)
    inflater.close()
    return b"".join(found)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [777, 65_536, 1 << 30])
def test_every_form(form: str, size: int) -> None:
    """In blocks of any size; it is known by its first bytes."""
    data = FORMS[form](DATA)
    assert compression(data) == form
    assert inflate(form, data, size) == DATA


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 3, 1 << 30])
def test_streams_one_after_another(form: str, size: int) -> None:
    """As `cat a.gz b.gz` makes them, with padding between and behind, which may be anything."""
    made = FORMS[form]
    data = made(b"one") + made(b"") + bytes(8) + made(b"two") + bytes(100)
    assert inflate(form, data, size) == b"onetwo"
    assert inflate(form, data + b"padding" + made(b"three"), size) == b"onetwo"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_cut_off_or_damaged(form: str) -> None:
    """What came before it is taken; the message names the form."""
    data = FORMS[form](DATA)
    with pytest.raises(CompressionError, match=f"the {form} data are cut off"):
        inflate(form, data[:-20], 4096)
    with pytest.raises(CompressionError, match=f"the {form} data are damaged"):
        inflate(form, data[:8] + b"\xff" * 5000, 4096)


def test_a_window_is_bounded() -> None:
    """A few bytes may not ask for gigabytes."""
    large = zstd.ZstdCompressor(options={int(zstd.CompressionParameter.window_log): 30})
    with pytest.raises(CompressionError, match="damaged"):
        inflate("zstd", large.compress(bytes(1000)) + large.flush(), 1 << 20)
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    with pytest.raises(CompressionError, match=r"(?i)memory"):
        inflate("xz", lzma.compress(bytes(1000), filters=filters), 1 << 20)


@pytest.mark.parametrize("form", ["zstd", "lz4"])
def test_without_the_package(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install, and what works without."""
    monkeypatch.setattr(compressed, "_first_of", lambda *_names: None)
    with pytest.raises(CompressionError, match=rf"correlator\[{form}\]"):
        inflate(form, FORMS[form](b"x"), 1 << 20)
    assert compression(b"\xd4\xc3\xb2\xa1") is None
