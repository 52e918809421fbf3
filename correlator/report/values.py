"""Cells of a row as values."""

from binascii import b2a_base64
from typing import Any

from correlator.core import tcp
from correlator.core.address import endpoint_text, text
from correlator.core.segment import packed
from correlator.core.timetext import time_text
from correlator.report.cells import Cells


class Values(Cells):
    """The cells as values of JSON's types."""

    def __init__(self) -> None:
        """None yet."""
        self.values: list[Any] = []

    def nothing(self) -> None:
        """None."""
        self.values.append(None)

    def token(self, value: str) -> None:
        """Text."""
        self.values.append(str(value) or None)

    def text(self, value: str) -> None:
        """Text."""
        self.values.append(value or None)

    def prose(self, value: str) -> None:
        """Text."""
        self.values.append(value or None)

    def number(self, value: int | None) -> None:
        """A number."""
        self.values.append(value)

    def encoded(self, prefix: str, value: bytearray) -> None:
        """Text."""
        self.values.append(prefix + b2a_base64(value, newline=False).decode("ascii"))

    def count(self, value: int) -> None:
        """A number."""
        self.values.append(None if value == tcp.UNSEEN else value)

    def interval(self, value: int) -> None:
        """A number with a fraction."""
        self.values.append(None if value == tcp.UNSEEN else value / 1000)

    def time(self, value: int) -> None:
        """Text."""
        self.values.append(time_text(value) or None)

    def address(self, high: int, low: int, is_ipv6: bool) -> None:  # noqa: FBT001  compiled: takes no keywords
        """Text."""
        self.values.append(text(packed(high, low, is_ipv6)))

    def endpoint(self, address: bytes, port: int) -> None:
        """Text."""
        self.values.append(endpoint_text(address, port))
