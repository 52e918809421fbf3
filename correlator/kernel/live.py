"""This host's evidence while a run lasts: a dump at the start, destroy and state events, exact lookups, owners."""

import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Self

from correlator.core.address import is_loopback
from correlator.core.four_tuple import FourTuple
from correlator.core.model import Evidence, Lookup, Owner, Ownership, Source, Statement
from correlator.kernel import netns
from correlator.kernel.cgroups import CgroupPaths
from correlator.kernel.endings import Ending, Endings, Listening
from correlator.kernel.joining import PATIENCE, Joining, destroyed_at_some_time, listener_of
from correlator.kernel.owners import Owners
from correlator.kernel.privileges import sees_all
from correlator.kernel.room import DESTROY_BUFFER, Room, foreign
from correlator.kernel.sock_diag import LASTING, LISTENERS, DestroyEvents, Entry, SockDiag
from correlator.kernel.tracefs import StateEvents, wall_offset

_EVENTS_AT_ONCE = 8192  # then the loop turns, so that capture is not kept waiting
_ALL_EVENTS = 131_072  # more than the buffer holds
_LOOK_EVERY = 0.005  # seconds, as it reads the descriptors of the likely owners
_LOOK_SOMETIMES = 0.2
_LOOK_SHARE = 100  # times as long as the last look took, at the least: of a process with 10,000 descriptors it is 10 ms
_RECHECK_EVERY = 0.25  # seconds; each time the descriptors of the owners in doubt are read once
_RESYNC_SHARE = 10  # times as long as the last dump took, at the least, until the next that an overflow makes
_FOLLOW_EVERY = 1.0
_SET = 10_000_000  # ns between two looks: more than clocks are slewed by
_MAX_ROOMS = 1024  # namespaces; each takes two netlink sockets
_MAX_TOLD = 32_768
_MAX_PENDING = 65_536  # inodes whose owners are still to be found

LOSSES = {
    "netlink": "overflows of the netlink buffers",
    "late": "destroy events that were read too late",
    "trace": "state events that the trace buffers had no room for",
    "clock": "settings of the clock, of whose moments evidence has no time",
}
"""Where evidence is lost: tokens, and what they mean."""


class KernelEvidence(AbstractContextManager["KernelEvidence"]):
    """Evidence of all network namespaces, first of the process's own. `emit` is called with statements."""

    def __init__(self, emit: Callable[[list[Statement]], None]) -> None:
        """Opens the netlink sockets. Raises OSError where the kernel has no sock_diag; notes what else is missing."""
        self.missing: list[str] = []
        self._emit = emit
        self._owners = Owners()
        self._told: OrderedDict[int, Owner] = OrderedDict()
        self._doubted: dict[int, str] = {}  # inodes, with the names of their namespaces
        self._rechecked_at = 0.0
        self._indices: dict[str, int] = {}
        self._pending: dict[int, str] = {}
        self._inodes: dict[int | None, int] = {}  # of the pending, by the socket's cookie
        self._look_at = self._resync_at = 0.0
        self._is_behind = False
        self._offset, self._clock_set = wall_offset(), 0
        self._paths = CgroupPaths()
        self._home = netns.current_inode()
        self._lost_before = 0  # in namespaces that are gone
        self._followed_at = float("-inf")
        self._refused = False
        name = netns.current()
        self.lag = 0
        """Age of the oldest event in the last reading, in nanoseconds."""
        home = Room(name, SockDiag(self._paths.path, name))
        self._rooms: dict[int, Room] = {self._home: home}
        try:
            home.destroyed = DestroyEvents(self._paths.path, name, DESTROY_BUFFER)
        except OSError as error:
            reason = _reason(error, "CAP_NET_ADMIN")
            self.missing.append(f"destroy events ({reason}): connections that close at once may be missed")
        if not netns.may_look():
            self.missing.append("other network namespaces (CAP_SYS_PTRACE): the sockets in them are not seen")
        if not sees_all():
            self.missing.append("owners (CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH): other users' PIDs and names are unknown")
        self._endings = Endings()
        self._unresolved: list[Ending] = []
        self._joining = Joining(self._owners.of_thread)
        self._states: StateEvents | None = None
        try:
            self._states = StateEvents()
            self._owners.recorded = self._states.recorded
        except (OSError, ValueError) as error:
            reason = _reason(error, "root, or CAP_DAC_OVERRIDE")
            self.missing.append(f"state events ({reason}): the PIDs of connections that close at once may be missed")

    @property
    def lost(self) -> int:
        """How much evidence was lost: overflows, events, settings of the clock."""
        return sum(self.losses.values())

    @property
    def losses(self) -> dict[str, int]:
        """The same by stage, one of LOSSES."""
        overflows = sum(room.destroyed.lost for room in self._rooms.values() if room.destroyed)
        return {
            "netlink": self._lost_before + overflows,
            "late": self._joining.late,
            "trace": self._states.lost if self._states else 0,
            "clock": self._clock_set,
        }

    @property
    def tells_of_ends(self) -> bool:
        """Whether sockets that close are stated by an event: then a short connection needs no lookup."""
        return self._rooms[self._home].destroyed is not None or self._states is not None

    @property
    def sources(self) -> list[str]:
        """The evidence sources at work."""
        return [
            "lookup",
            "snapshot",
            *(["destroy"] if self._rooms[self._home].destroyed else []),
            *(["state-event"] if self._states else []),
        ]

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the sockets."""
        for room in self._rooms.values():
            room.close()
        if self._states:
            self._states.close()

    def start(self) -> None:
        """State what there is, with the owners; what goes is waiting to be read since this was made."""
        self.snapshot()
        self.follow()
        self.find_owners(at_once=True)

    def restate(self) -> None:
        """State what there is again, for a record that begins anew."""
        self._told.clear()
        self.snapshot()
        self.find_owners(at_once=True)

    def snapshot(self) -> None:
        """State every socket that the host has now; not what closed ones leave behind, which may be 100,000."""
        for room in self._rooms.values():
            self._dump(room)

    def _dump(self, room: Room, states: int = LASTING) -> None:
        for evidence in room.diag.dump(states):
            self._state(evidence)

    def follow(self) -> None:
        """Take in the namespaces that have come, and leave those that have gone, at most some times a minute."""
        now = time.monotonic()
        if now - self._followed_at < _FOLLOW_EVERY:
            return
        self._followed_at = now
        there = netns.all_there_are()
        for inode in self._rooms.keys() - there.keys() - {self._home}:
            room = self._rooms.pop(inode)
            self._lost_before += room.destroyed.lost if room.destroyed else 0
            room.close()
        for inode in there.keys() - self._rooms.keys():
            if len(self._rooms) < _MAX_ROOMS and not self._refused:
                self._open(there[inode])

    def _open(self, namespace: netns.Namespace) -> None:
        try:
            room = netns.inside(namespace.path, lambda: foreign(self._paths.path, namespace.name))
        except PermissionError as error:
            self._refused = True
            self.missing.append(f"other network namespaces ({error.strerror}): the sockets in them are not seen")
        except OSError:
            return  # it went while we looked
        else:
            self._rooms[namespace.inode] = room
            self._dump(room)

    def lookup(self, lookups: Iterable[Lookup]) -> None:
        """Ask the kernel, and state its answers."""
        asked = [(wanted.four_tuple, self._ifindex(wanted.interface)) for wanted in lookups]
        nowhere = []
        for question, evidence in zip(asked, self._rooms[self._home].diag.lookup(asked), strict=True):
            if evidence is not None:
                self._state(evidence)
            elif not is_loopback(question[0].local):
                nowhere.append((question[0], 0))  # the interface's index is of this namespace
        if nowhere:
            self._look_elsewhere(nowhere)
        # At once: a process that closes its socket is not found any more; where state events name it then, sometimes.
        if time.monotonic() > self._look_at:
            self.find_owners()

    def _look_elsewhere(self, asked: list[tuple[FourTuple, int]]) -> None:
        """Ask the other namespaces, which are there to be asked about what passes a bridge."""
        for inode, room in self._rooms.items():
            if inode != self._home:
                for evidence in room.diag.lookup(asked):
                    if evidence is not None and not evidence.socket.is_listener:
                        self._state(evidence)

    def read_events(self, until: int | None = None, *, last: bool = False) -> None:
        """State the events that wait, up to a time (ns since the epoch); after an overflow, state what is left.

        `last`: none is to come.
        """
        lost = self.lost
        self._look_at_the_clock()
        now = time.time_ns()
        until = now if until is None else min(until, now)
        # Destroy events first: the state event of each of them has come before it, and is read after.
        destroyed: list[Entry] = []
        for room in self._rooms.values():
            if room.destroyed:
                destroyed += room.destroyed.read(_ALL_EVENTS if last else _EVENTS_AT_ONCE)
        if self._states:
            ended, listening = self._endings.fold(self._states.read(until))
            ended = self._resolved(ended, last=last)
            told = self._joining.take(destroyed, ended, until + last * 2 * PATIENCE)
            if listening:
                self._find_listeners(listening)
        else:
            told = [destroyed_at_some_time(entry) for entry in destroyed]
        for evidence in told if self._inodes else ():
            inode = self._inodes.pop(evidence.socket.cookie, None)
            if inode is not None:
                self._pending.pop(inode, None)  # nobody holds it any more
        if told:
            self.lag = max(0, now - (told[0].at or now))
            self._emit([*told])
        self._is_behind = self._is_behind or self.lost > lost
        begun = time.monotonic()
        if self._is_behind and (last or begun >= self._resync_at):
            self._is_behind = False
            self.snapshot()
            self._resync_at = begun + (time.monotonic() - begun) * _RESYNC_SHARE

    def _look_at_the_clock(self) -> None:
        """Packets have the wall's time, events the monotonic one: what happens when the former is set is lost."""
        offset = wall_offset()
        if abs(offset - self._offset) > _SET:
            self._clock_set += 1
        self._offset = offset

    def _resolved(self, ended: list[Ending], *, last: bool) -> list[Ending]:
        """The ends whose callers can be told by now; the others wait."""
        ended = self._unresolved + ended
        threads = {ending.thread for ending in ended if ending.thread}
        strange = {thread for thread in threads if not self._owners.knows(thread)}
        if last or not strange:
            self._unresolved = []
            return ended
        self._unresolved = [ending for ending in ended if ending.thread in strange]
        return [ending for ending in ended if ending.thread not in strange]

    def _find_listeners(self, listening: list[Listening]) -> None:
        """State the sockets that began to listen; those that have gone again by what their beginning told."""
        there = set()
        for room in self._rooms.values():
            for evidence in room.diag.dump(LISTENERS):
                there.add((evidence.socket.local, evidence.socket.local_port))
                self._state(evidence)
        for begun in listening:
            if (begun.address, begun.port) not in there:
                owner = self._owners.of_thread(begun.thread)
                self._emit([Evidence(begun.at, Source.STATE_EVENT, listener_of(begun), None, owner)])

    def find_owners(self, *, at_once: bool = False) -> None:
        """State the owners of the sockets that were stated without, and those that changed."""
        self.follow()
        now = time.monotonic()
        self._find_owners(now, at_once=at_once)
        after = time.monotonic()
        self._look_at = after + (max(_LOOK_SOMETIMES, (after - now) * _LOOK_SHARE) if self._states else _LOOK_EVERY)

    def _find_owners(self, now: float, *, at_once: bool) -> None:
        if self._doubted and (at_once or now - self._rechecked_at > _RECHECK_EVERY):
            self._rechecked_at = now
            self._recheck()
        if not self._pending:
            return
        scans = self._owners.scans
        for inode, owner in self._owners.find(self._pending, at_once=at_once).items():
            self._tell(inode, owner, self._pending.pop(inode))
        if self._owners.scans > scans:  # else nothing was given up
            self._pending = {
                inode: name for inode, name in self._pending.items() if not self._owners.is_given_up(inode)
            }
            self._inodes = {cookie: inode for cookie, inode in self._inodes.items() if inode in self._pending}

    def _recheck(self) -> None:
        """A socket may have been handed on to a child, or its process may run another program by now."""
        doubted, self._doubted = self._doubted, {}
        for inode, owner in self._owners.recheck(doubted).items():
            if owner is None:
                self._pending[inode] = doubted[inode]
            elif owner != self._told.get(inode):
                self._tell(inode, owner, doubted[inode])

    def _state(self, evidence: Evidence) -> None:
        self._emit([evidence])
        inode = evidence.socket.inode
        if not inode or len(self._pending) + len(self._doubted) >= _MAX_PENDING:
            return
        if inode in self._told:
            self._doubted[inode] = evidence.socket.netns
        else:
            self._pending[inode] = evidence.socket.netns
            self._inodes[evidence.socket.cookie] = inode

    def _tell(self, inode: int, owner: Owner, name: str) -> None:
        self._told[inode] = owner
        if len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)
        self._emit([Ownership(time.time_ns(), inode, owner, name)])

    def _ifindex(self, name: str) -> int:
        """The index of an interface; 0 for one that is not, or no more, there."""
        index = self._indices.get(name)
        if index is None:
            try:
                index = socket.if_nametoindex(name) if name else 0
            except OSError:
                index = 0
            self._indices[name] = index
        return index


def _reason(error: Exception, needed: str) -> str:
    """Why something is missing: what it needs where that is all."""
    if isinstance(error, PermissionError):
        return needed
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
