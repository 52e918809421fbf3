"""The values that flow through every room, and the tokens of the contracts.

Times are nanoseconds since the Unix epoch (`NO_TIME` where a format has none), addresses are packed bytes
of 4 or 16, ports are host integers. Every value is immutable.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from correlator.core.address import IPV4_LENGTH, endpoint_text, mapped, text
from correlator.core.four_tuple import FourTuple
from correlator.core.tcp_info import TcpNumbers


class WireFamily(StrEnum):
    """The IP header that carried the TCP header."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Family(StrEnum):
    """The address family of a kernel socket, socket(2)."""

    INET = "AF_INET"
    INET6 = "AF_INET6"


class TcpState(IntEnum):
    """A socket's state, numbered as in the kernel's include/net/tcp_states.h."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12
    BOUND_INACTIVE = 13


TCP_STATES: dict[int, TcpState] = {int(state): state for state in TcpState}
"""States by number: `in TcpState` takes no integer before Python 3.12."""


class Verdict(StrEnum):
    """What terminates the connection."""

    IPV4_ON_INET6 = "ipv4-on-af_inet6"
    IPV4_ON_INET = "ipv4-on-af_inet"
    IPV6_ON_INET6 = "ipv6-on-af_inet6"
    NO_SOCKET = "no-socket"
    AMBIGUOUS = "ambiguous"
    ANOMALY = "anomaly"


class Cause(StrEnum):
    """Why IPv4 traffic is on an AF_INET6 socket; NATIVE (empty) where it is not."""

    DUAL_STACK_LISTENER = "dual-stack-listener"
    MAPPED_LISTENER = "mapped-listener"
    MAPPED_CONNECT = "mapped-connect"
    UNKNOWN = "unknown"
    NATIVE = ""


class Side(StrEnum):
    """Which end of the connection a socket terminates."""

    CLIENT = "client"
    SERVER = "server"
    NONE = ""


class Handshake(StrEnum):
    """How far the three-way handshake was seen (RFC 9293 §3.5)."""

    COMPLETE = "complete"
    UNACKED = "unacked"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    MIDSTREAM = "midstream"


class Close(StrEnum):
    """How the connection ended on the wire."""

    FIN = "fin"
    RST_CLIENT = "rst-client"
    RST_SERVER = "rst-server"
    OPEN = "open"


class Source(StrEnum):
    """Where a statement about a socket comes from, strongest first."""

    LOOKUP = "lookup"
    SNAPSHOT = "snapshot"
    STATE_EVENT = "state-event"
    DESTROY = "destroy"
    TABLE = "table"
    PSUTIL = "psutil"


class OwnerBy(StrEnum):
    """How the PID is known."""

    INODE = "inode"
    STATE_EVENT = "state-event"
    LISTENER = "listener"
    NONE = ""


# Members that every finding needs, looked up once: in Python 3.11 the look costs 90 ns.
_LISTEN = TcpState.LISTEN


@dataclass(frozen=True)
class Owner:
    """A process that holds a socket open."""

    pid: int
    process: str = ""
    cmdline: str = ""
    user: str = ""
    cgroup: str = ""
    container: str = ""
    path: str = ""
    ppid: int | None = None
    started_at: int | None = None


@dataclass(frozen=True)
class Socket:
    """A kernel TCP socket entry. None is unknown: never a default."""

    family: Family
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    state: TcpState
    inode: int | None = None
    uid: int | None = None
    cookie: int | None = None
    v6only: bool | None = None
    cgroup: str = ""
    netns: str = ""

    @property
    def is_listener(self) -> bool:
        """Whether it accepts connections."""
        return self.state is _LISTEN

    @property
    def local_text(self) -> str:
        """Its local end as the kernel has it."""
        return endpoint_text(self.local, self.local_port)

    @property
    def remote_text(self) -> str:
        """Its remote end as the kernel has it."""
        return endpoint_text(self.remote, self.remote_port)


@dataclass(frozen=True)
class Evidence:
    """A statement about one socket at a time."""

    at: int | None  # None: a saved table that does not say when it was taken
    source: Source
    socket: Socket
    asked: FourTuple | None = None  # the four-tuple a lookup asked for: ties a listener to one connection
    owner: Owner | None = None  # where the source names it itself (netstat, ss, psutil, state events)
    tcp_info: TcpNumbers | None = None
    since: int | None = None  # an event that waited to be read: it happened between then and `at`
    owner_by: OwnerBy = OwnerBy.INODE  # how the source knows the owner
    born: int | None = None  # when connect() or a handshake made the socket: it is no earlier connection's
    foreign: bool = False  # of another network namespace than the capture's


@dataclass(frozen=True)
class Ownership:
    """A statement about who holds the socket with an inode."""

    at: int | None
    inode: int
    owner: Owner
    netns: str = ""


@dataclass(frozen=True)
class Clipped:
    """An entry whose addresses netstat cut to fit its columns: they begin so, and the ports are whole."""

    evidence: Evidence  # with the addresses left empty
    local_prefix: str
    remote_prefix: str

    def fits(self, four_tuple: FourTuple) -> bool:
        """Whether a connection's addresses, in either form, may be the ones that were cut."""
        return _begins(four_tuple.local, self.local_prefix) and _begins(four_tuple.remote, self.remote_prefix)


def _begins(address: bytes, prefix: str) -> bool:
    return text(address).startswith(prefix) or (
        len(address) == IPV4_LENGTH and text(mapped(address)).startswith(prefix)
    )


@dataclass(frozen=True)
class Gap:
    """Packets were lost between two times: connections may have come and gone on a four-tuple unseen."""

    since: int
    at: int


Statement = Evidence | Ownership | Clipped | Gap


@dataclass(frozen=True)
class Lookup:
    """A request to the kernel for the socket with a four-tuple."""

    four_tuple: FourTuple
    interface: str = ""  # where its packets come in: a socket that is bound to a device is found by it only
