"""Compressed captures, taken apart as they are read: never more than a piece at a time, and no temporary file.

A few bytes can stand for gigabytes: each piece is bounded, and so is the memory that a stream may ask for its window.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from importlib import import_module
from typing import Any, Protocol

_PIECE = 1 << 20
_WINDOW_LOG = 27
_WINDOW = 1 << _WINDOW_LOG  # bytes: what `xz -9` and `zstd --ultra -22` ask for

MAGICS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zX": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}


class CompressionError(ValueError):
    """A stream that cannot be taken apart: the message says why."""


class Decompressor(Protocol):
    """One stream, as bz2 and lzma have it; the compressed bytes may hold several, one after another."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether all that it was given is taken."""

    @property
    def unused_data(self) -> bytes | None:
        """What came behind its end; lz4 says None for nothing."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """At most so many bytes; without new data the rest of what it was given."""


class _Gzip:
    """zlib's decompressor, which keeps what it has not used yet to itself otherwise."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401  zlib's
        self._stream = stream
        self._left = b""

    @property
    def eof(self) -> bool:
        has_ended: bool = self._stream.eof
        return has_ended

    @property
    def needs_input(self) -> bool:
        return not self._left

    @property
    def unused_data(self) -> bytes:
        unused: bytes = self._stream.unused_data
        return unused

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        found: bytes = self._stream.decompress(self._left + data, max_length)
        self._left = self._stream.unconsumed_tail
        return found


class _Foreign:
    """A decompressor whose errors are of a type that there is only with it."""

    def __init__(self, stream: Decompressor, error: type[Exception]) -> None:
        self._stream = stream
        self._error = error

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return self._stream.needs_input

    @property
    def unused_data(self) -> bytes | None:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        try:
            return self._stream.decompress(data, max_length)
        except self._error as error:
            raise ValueError(str(error)) from None


def _first_of(*names: str) -> Any:  # noqa: ANN401  a module
    """The first module of these that there is."""
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            pass
    return None


# Modules are imported for what there is: those of the standard library, too, are slow to import.


def _gzip() -> Decompressor:
    module = import_module("zlib")
    return _Foreign(_Gzip(module.decompressobj(wbits=31)), module.error)


def _bzip2() -> Decompressor:
    made: Decompressor = import_module("bz2").BZ2Decompressor()
    return made


def _xz() -> Decompressor:
    module = import_module("lzma")
    return _Foreign(module.LZMADecompressor(module.FORMAT_XZ, memlimit=_WINDOW), module.LZMAError)


def _zstd() -> Decompressor:
    module = _first_of("compression.zstd", "backports.zstd")
    if module is None:
        message = "zstd needs a package: pip install 'correlator[zstd]', or zstdcat FILE | correlator analyse -"
        raise CompressionError(message)
    options = {module.DecompressionParameter.window_log_max: _WINDOW_LOG}
    return _Foreign(module.ZstdDecompressor(options=options), module.ZstdError)


def _lz4() -> Decompressor:
    module = _first_of("lz4.frame")
    if module is None:
        message = "lz4 needs a package: pip install 'correlator[lz4]', or lz4cat FILE | correlator analyse -"
        raise CompressionError(message)
    made: Decompressor = module.LZ4FrameDecompressor()
    return made


_FORMS: dict[str, Callable[[], Decompressor]] = {
    "gzip": _gzip,
    "bzip2": _bzip2,
    "xz": _xz,
    "zstd": _zstd,
    "lz4": _lz4,
}


def compression(head: bytes) -> str | None:
    """The form that some bytes begin."""
    return next((form for magic, form in MAGICS.items() if head.startswith(magic)), None)


class Inflater:
    """Takes one form apart, and what follows in the same form. Raises CompressionError for what is damaged."""

    def __init__(self, form: str) -> None:
        """`form`: one that `compression` names."""
        self._form = form
        self._stream: Decompressor | None = None
        self._given = b""
        self._is_over = False  # what follows is padding

    def give(self, data: bytes) -> None:
        """Compressed bytes, all before them having been taken."""
        self._given += data

    def take(self) -> bytes:
        """The next piece; empty where more must be given first."""
        while True:
            if self._stream is None and not self._begins():
                return b""
            stream = self._stream or self._begun()
            if stream.eof:
                self._given = (stream.unused_data or b"") + self._given
                self._stream = None
                continue
            if stream.needs_input and not self._given:
                return b""
            given, self._given = self._given, b""
            try:
                piece = stream.decompress(given, _PIECE)
            except (OSError, RuntimeError, ValueError, EOFError) as error:
                message = f"the {self._form} data are damaged: {error}"
                raise CompressionError(message) from None
            if piece:
                return piece

    def _begins(self) -> bool:
        """Whether a stream begins with what was given; what does not begin like one is padding, as gzip(1) has it."""
        self._given = b"" if self._is_over else self._given.lstrip(b"\0")
        if compression(self._given) == self._form:
            return True
        self._is_over = self._is_over or not any(magic.startswith(self._given) for magic in MAGICS)
        return False

    def _begun(self) -> Decompressor:
        self._stream = _FORMS[self._form]()
        return self._stream

    def close(self) -> None:
        """The input has ended. Raises CompressionError where it ended too early."""
        if self._stream is not None:
            message = f"the {self._form} data are cut off"
            raise CompressionError(message)


async def inflated(blocks: AsyncGenerator[bytes, None], form: str) -> AsyncGenerator[bytes, None]:
    """What compressed blocks hold, piece by piece; the work is done in a thread, a piece ahead."""
    inflater = Inflater(form)
    loop = asyncio.get_running_loop()
    async for block in blocks:
        if not block:
            yield b""  # nothing came for a while
            continue
        inflater.give(block)
        coming = loop.run_in_executor(None, inflater.take)
        while piece := await coming:
            coming = loop.run_in_executor(None, inflater.take)
            await asyncio.sleep(0)  # lets it begin
            yield piece
    inflater.close()
