"""Entries that are about one socket."""

from dataclasses import replace

import pytest

from correlator.core.facts import merged, same_socket
from correlator.core.model import (
    Family,
    Socket,
    TcpState,
)
from tests.ends import mapped


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (mapped(cookie=1), mapped(cookie=1), True),
        (mapped(inode=1), mapped(inode=1), True),
        (mapped(inode=1), mapped(inode=2), False),
        (mapped(cookie=1), mapped(cookie=2), False),
        (mapped(cookie=1, inode=5), mapped(cookie=2, inode=5), True),
        (mapped(cookie=1), mapped(cookie=2, state=TcpState.TIME_WAIT), None),
        (mapped(), mapped(), None),
        (mapped(netns="a", inode=1), mapped(netns="b", inode=1), False),
        (mapped(netns="a", inode=1), mapped(inode=1), True),
    ],
)
def test_identity(one: Socket, other: Socket, same: bool | None) -> None:
    """Cookie, inode and namespace tell sockets apart; what tells nothing is None."""
    assert same_socket(one, other) is same
    assert same_socket(other, one) is same


def test_merging_prefers_the_latest_that_is_known() -> None:
    """None never overrides a fact."""
    first = mapped(inode=1, uid=5, cookie=3, v6only=False, cgroup="/x", netns="n")
    assert merged([first, mapped(state=TcpState.CLOSE_WAIT)], Family.INET6) == replace(first, state=TcpState.CLOSE_WAIT)
    newer = mapped(inode=1, uid=6, cookie=3, v6only=True, cgroup="/y", netns="n")
    assert merged([first, newer], Family.INET6) == newer
