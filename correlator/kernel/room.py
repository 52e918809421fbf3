"""The netlink sockets for one network namespace: they answer for the one in which they were made."""

from collections.abc import Callable
from dataclasses import dataclass

from correlator.kernel.sock_diag import DestroyEvents, SockDiag

# A destroy event takes about 600 bytes of buffer: 16 MB hold a second at 20,000 connections/s.
DESTROY_BUFFER = 64 * 1024 * 1024


@dataclass(slots=True)
class Room:
    """The sockets of one network namespace."""

    name: str
    diag: SockDiag
    destroyed: DestroyEvents | None = None

    def close(self) -> None:
        """Close the netlink sockets: they would keep the namespace alive."""
        self.diag.close()
        if self.destroyed:
            self.destroyed.close()


def foreign(cgroup_path: Callable[[int], str], name: str) -> Room:
    """The room of a namespace that is not the capture's, made by a thread that entered it. Raises OSError."""
    room = Room(name, SockDiag(cgroup_path, name, foreign=True))
    try:
        room.destroyed = DestroyEvents(cgroup_path, name, DESTROY_BUFFER, foreign=True)
    except OSError:
        room.close()
        raise
    return room
