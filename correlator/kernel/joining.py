"""Destroy events and state events of one socket to one statement, by its cookie.

The destroy event has the user, `tcp_info` and the namespace; the state event the exact time, the thread, and the remote
end that tcp_disconnect has cleared by the time of the other. Either alone is a statement too.
"""

import socket
from collections.abc import Callable, Iterable

from correlator.core.address import mapped
from correlator.core.model import Evidence, Family, Owner, OwnerBy, Socket, Source, TcpState
from correlator.kernel.endings import Ending, Listening
from correlator.kernel.sock_diag import Entry

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_BY_INODE = OwnerBy.INODE
_BY_STATE_EVENT = OwnerBy.STATE_EVENT
_FROM_DESTROY = Source.DESTROY
_FROM_STATE_EVENT = Source.STATE_EVENT
_STATE_CLOSE = TcpState.CLOSE
_STATE_ESTABLISHED = TcpState.ESTABLISHED

# The two come within a millisecond of one another; a socket that a file's owner forgot may take its work queue longer.
PATIENCE = 200_000_000  # ns
_MAX_WAITING = 262_144

# A destroy event tells no time: it happened since the last look. Four-tuples come back within seconds.
TRUSTED = 500_000_000  # ns

_FAMILIES = {int(socket.AF_INET): Family.INET, int(socket.AF_INET6): Family.INET6}


class Joining:
    """Pairs them up."""

    def __init__(self, owner: Callable[[int], Owner | None], most: int = _MAX_WAITING) -> None:
        """`owner`: the process of a thread. `most`: events of either kind that may wait for the other."""
        self.late = 0
        """Destroy events that were read too late to be told to a connection."""
        self._most = most
        self._owner = owner
        # By cookie, in order of time.
        self._ended: dict[int, Ending] = {}
        self._destroyed: dict[int, Entry] = {}
        self._owners: dict[int, Owner | None] = {}  # of threads, while one call lasts

    def take(self, destroyed: Iterable[Entry], ended: Iterable[Ending], now: int) -> list[Evidence]:
        """The statements that are ready. Times are ns since the epoch; `ended`: all up to `now`, in order."""
        self._owners.clear()
        found: list[Evidence] = []
        for ending in ended:
            if not ending.cookie:
                self._tell_end(ending, found)
                continue
            entry = self._destroyed.pop(ending.cookie, None)
            if entry is None:
                self._ended[ending.cookie] = ending
            else:
                self._join(entry, ending, found)
        for entry in destroyed:
            cookie = entry.socket.cookie or 0
            end = self._ended.pop(cookie, None)
            if end is None:
                self._destroyed[cookie] = entry
            else:
                self._join(entry, end, found)
        self._give_up(now, found)
        return found

    def _give_up(self, now: int, found: list[Evidence]) -> None:
        """What has waited for long enough is told by itself."""
        excess = len(self._destroyed) - self._most
        lone: list[Entry] = []
        for entry in self._destroyed.values():
            if entry.at + PATIENCE > now and len(lone) >= excess:
                break
            lone.append(entry)
        for entry in lone:
            del self._destroyed[entry.socket.cookie or 0]
            if entry.at - entry.since <= TRUSTED:
                found.append(destroyed_at_some_time(entry))
            else:
                self.late += 1  # it waited for so long that it may be another connection's with the four-tuple
        excess = len(self._ended) - self._most
        ends: list[Ending] = []
        for ending in self._ended.values():
            if ending.at + PATIENCE > now and len(ends) >= excess:
                break
            ends.append(ending)
        for ending in ends:
            del self._ended[ending.cookie]
            self._tell_end(ending, found)

    def _owner_of(self, thread: int) -> Owner | None:
        if not thread:
            return None
        if thread not in self._owners:
            self._owners[thread] = self._owner(thread)
        return self._owners[thread]

    def _join(self, entry: Entry, ending: Ending, found: list[Evidence]) -> None:
        described = entry.socket
        if ending.was:
            found.append(_changed(ending, described, entry.foreign))
        if not described.remote_port:
            described = _socket(ending, described.uid, described.netns, described.cgroup)
        found.append(
            Evidence(
                ending.at,
                _FROM_DESTROY,
                described,
                None,
                self._owner_of(ending.thread),
                entry.tcp_info,
                None,
                _BY_STATE_EVENT,
                ending.born or None,
                entry.foreign,
            )
        )

    def _tell_end(self, ending: Ending, found: list[Evidence]) -> None:
        """The statement of a state event whose destroy event was lost, or is not to be had."""
        if ending.family in _FAMILIES:
            owner, born = self._owner_of(ending.thread), ending.born or None
            described = _socket(ending, None, "", "")
            found.append(
                Evidence(ending.at, _FROM_STATE_EVENT, described, None, owner, None, None, _BY_STATE_EVENT, born)
            )


def destroyed_at_some_time(entry: Entry) -> Evidence:
    """The statement of a destroy event alone."""
    return Evidence(
        entry.at,
        _FROM_DESTROY,
        entry.socket,
        None,
        None,
        entry.tcp_info,
        entry.since,
        _BY_INODE,
        None,
        entry.foreign,
    )


def _socket(ending: Ending, uid: int | None, netns: str, cgroup: str) -> Socket:
    return Socket(
        _FAMILIES[ending.family],
        ending.local,
        ending.local_port,
        ending.remote,
        ending.remote_port,
        _STATE_CLOSE,
        None,
        uid,
        ending.cookie or None,
        None,
        cgroup,
        netns,
    )


def listener_of(begun: Listening) -> Socket:
    """A socket that began to listen, as far as its beginning tells: not whether it is IPV6_V6ONLY."""
    nowhere = bytes(len(begun.address))
    return Socket(_FAMILIES[begun.family], begun.address, begun.port, nowhere, 0, TcpState.LISTEN)


def _changed(ending: Ending, entry: Socket, foreign: bool) -> Evidence:  # noqa: FBT001  compiled: takes no keywords
    """What a socket was before IPV6_ADDRFORM changed its family."""
    local, remote = mapped(entry.local), mapped(entry.remote)
    before = Socket(
        _FAMILIES[ending.was],
        local,
        entry.local_port,
        remote,
        entry.remote_port,
        _STATE_ESTABLISHED,
        None,
        entry.uid,
        entry.cookie,
        None,
        entry.cgroup,
        entry.netns,
    )
    return Evidence(ending.at - 1, _FROM_STATE_EVENT, before, born=ending.born or None, foreign=foreign)
