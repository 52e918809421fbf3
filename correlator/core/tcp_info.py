"""What the kernel knew of a connection: some members of struct tcp_info (include/uapi/linux/tcp.h)."""

from collections.abc import Iterable
from typing import Protocol

from correlator.core.words import long_word, word

# Where they lie, and how many bytes they have.
_MEMBERS = {
    "rtt_us": (68, 4),
    "total_retrans": (100, 4),
    "segs_out": (136, 4),
    "segs_in": (140, 4),
    "min_rtt_us": (148, 4),
    "bytes_acked": (120, 8),
    "bytes_received": (128, 8),
}
BEGIN, END = 68, 152
"""The part of the struct that is kept."""


class TcpNumbers(Protocol):
    """Numbers by name; `dict` takes them."""

    def keys(self) -> Iterable[str]:
        """The names that there are."""

    def __getitem__(self, name: str, /) -> int:
        """A number. Raises KeyError."""


class TcpInfo:
    """The members by name, read when they are asked for; an older kernel's struct is shorter."""

    def __init__(self, kept: bytes) -> None:
        """`kept`: the struct from BEGIN to END, as far as there is one."""
        self._kept = kept

    def __getitem__(self, name: str) -> int:
        """A value by its name. Raises KeyError."""
        at, size = _MEMBERS[name]
        if at + size > BEGIN + len(self._kept):
            raise KeyError(name)
        return word(self._kept, at - BEGIN) if size == 4 else long_word(self._kept, at - BEGIN)

    @property
    def is_whole(self) -> bool:
        """Whether all names are there."""
        return len(self._kept) == END - BEGIN

    def json(self) -> str:
        """All of them as a JSON object, if all are there: a run may write thousands a second."""
        kept = self._kept
        return (
            f'{{"rtt_us":{word(kept, 0)},"total_retrans":{word(kept, 32)},"segs_out":{word(kept, 68)},'
            f'"segs_in":{word(kept, 72)},"min_rtt_us":{word(kept, 80)},"bytes_acked":{long_word(kept, 52)},'
            f'"bytes_received":{long_word(kept, 60)}}}'
        )

    def keys(self) -> list[str]:
        """The names that there are."""
        end = BEGIN + len(self._kept)
        return [name for name, (at, size) in _MEMBERS.items() if at + size <= end]


def json_of(numbers: TcpNumbers) -> str:
    """Numbers as a JSON object."""
    if isinstance(numbers, TcpInfo) and numbers.is_whole:
        return numbers.json()
    return "{" + ",".join(f'"{name}":{numbers[name]}' for name in numbers.keys()) + "}"  # noqa: SIM118  no mapping
