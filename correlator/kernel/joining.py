"""Destroy events and state events of one socket to one statement, by its cookie.

The destroy event has the user, `tcp_info` and the namespace; the state event the exact time, the thread, and the remote
end that tcp_disconnect has cleared by the time of the other. Either alone is a statement too.
"""

import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable

from correlator.core.address import mapped
from correlator.core.model import Evidence, Family, Owner, OwnerBy, Socket, Source, TcpState
from correlator.kernel.endings import Ending, Listening

# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
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
        # By cookie, in order of time: the ends, and the destroy events with the time until which they wait.
        self._ended: OrderedDict[int, Ending] = OrderedDict()
        self._destroyed: OrderedDict[int, tuple[int, Evidence]] = OrderedDict()

    def take(self, destroyed: Iterable[Evidence], ended: Iterable[Ending], now: int) -> list[Evidence]:
        """The statements that are ready. Times are ns since the epoch; `ended`: all up to `now`, in order."""
        found: list[Evidence] = []
        for ending in ended:
            if not ending.cookie:
                found += self._alone(ending)
                continue
            waiting = self._destroyed.pop(ending.cookie, None)
            if waiting is None:
                self._ended[ending.cookie] = ending
            else:
                self._join(waiting[1], ending, found)
        for evidence in destroyed:
            cookie = evidence.socket.cookie
            end = self._ended.pop(cookie, None) if cookie is not None else None
            if end is not None:
                self._join(evidence, end, found)
            elif cookie is None:
                self._tell(evidence, found)
            else:
                self._destroyed[cookie] = ((evidence.at or now) + PATIENCE, evidence)
        self._give_up(now, found)
        return found

    def _give_up(self, now: int, found: list[Evidence]) -> None:
        """What has waited for long enough is told by itself."""
        while self._destroyed:
            cookie = next(iter(self._destroyed))
            until, evidence = self._destroyed[cookie]
            if until > now and len(self._destroyed) <= self._most:
                break
            del self._destroyed[cookie]
            self._tell(evidence, found)
        while self._ended:
            cookie = next(iter(self._ended))
            ending = self._ended[cookie]
            if ending.at + PATIENCE > now and len(self._ended) <= self._most:
                break
            del self._ended[cookie]
            found += self._alone(ending)

    def _tell(self, evidence: Evidence, found: list[Evidence]) -> None:
        if evidence.since is None or evidence.at is None or evidence.at - evidence.since <= TRUSTED:
            found.append(evidence)
        else:
            self.late += 1  # it waited for so long that it may be another connection's with the four-tuple

    def _join(self, evidence: Evidence, ending: Ending, found: list[Evidence]) -> None:
        if ending.was:
            found.append(_changed(ending, evidence.socket, evidence.foreign))
        found.append(self._joined(evidence, ending))

    def _joined(self, evidence: Evidence, ending: Ending) -> Evidence:
        entry = evidence.socket
        owner = self._owner(ending.thread) if ending.thread else None
        if not entry.remote_port:
            entry = _socket(ending, entry.uid, entry.netns, entry.cgroup)
        return Evidence(
            ending.at,
            _FROM_DESTROY,
            entry,
            None,
            owner,
            evidence.tcp_info,
            None,
            _BY_STATE_EVENT,
            ending.born or None,
            evidence.foreign,
        )

    def _alone(self, ending: Ending) -> list[Evidence]:
        """The statement of a state event whose destroy event was lost, or is not to be had."""
        if ending.family not in _FAMILIES:
            return []
        owner = self._owner(ending.thread) if ending.thread else None
        entry = _socket(ending, None, "", "")
        return [
            Evidence(ending.at, _FROM_STATE_EVENT, entry, None, owner, None, None, _BY_STATE_EVENT, ending.born or None)
        ]


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
