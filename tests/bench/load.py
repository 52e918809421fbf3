"""A bounded load of TCP connections, and the truth about each: family, V6ONLY, listener and PID of both its ends.

Pairs of processes, a server and a client each, play connections of every pair of families, opened, kept and closed in
every way, as fast as the machine goes, on loopback addresses of the network namespace that it runs in:

    python tests/bench/load.py --connections 100000 --pairs 2 --truth /tmp/truth

`/tmp/truth.N` holds the client's records (`RECORD`), `/tmp/truth.plays` what each play means. Nothing here is learnt
from the program under test.
"""

import argparse
import contextlib
import ctypes
import errno
import heapq
import itertools
import json
import multiprocessing
import os
import random
import select
import socket
import struct
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path

from tests.bench.plays import (
    ADDRFORM_SERVER,
    BACKLOG,
    FIN_SERVER,
    INET,
    INET6,
    LISTENERS,
    LOOPBACK,
    PLAYS,
    RST_SERVER,
    VETH,
    WILD,
    Network,
    Play,
)

RECORD = struct.Struct("<QQHHHHII")
"""Before and after connect (ns), play, client port, server port, last two bytes of the server's address, PIDs."""

_IPV6_ADDRFORM = 1
_LINGER_ZERO = struct.pack("ii", 1, 0)
_FIVE_SECONDS = struct.pack("ll", 5, 0)
_REUSED_PORTS = range(20_000, 20_400)
_REFUSING_PORT = 9
_RESTART_EVERY = 1.0  # seconds: the listener that accepts nothing is closed and opened anew
_PATIENCE = 30.0

_REFUSED = {play.client: number for number, (_, play) in enumerate(PLAYS) if play.refused and play.listener == "deaf"}


def serve(
    ports: "multiprocessing.queues.Queue[dict[str, int]]", stop: "multiprocessing.synchronize.Event", network: Network
) -> None:
    """A server process: accept, and close as the client's byte says."""
    listeners = {kind.name: kind.open(network) for kind in LISTENERS}
    ports.put({name: opened.getsockname()[1] for name, opened in listeners.items()} | {"pid": os.getpid()})
    poll = select.epoll()
    by_number = {opened.fileno(): opened for kind in LISTENERS if kind.accepts for opened in [listeners[kind.name]]}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    waiting: dict[int, socket.SocketType] = {}
    deaf, port, restarted = listeners["deaf"], listeners["deaf"].getsockname()[1], time.monotonic()
    while not stop.is_set():
        for number, _events in poll.poll(0.1):
            if number in by_number:
                _accept_all(by_number[number], poll, waiting)
            elif _act(waiting[number]):
                waiting.pop(number)
        if time.monotonic() - restarted > _RESTART_EVERY:
            restarted = time.monotonic()
            deaf.close()
            deaf = socket.socket(INET6, socket.SOCK_STREAM)
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            deaf.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            deaf.bind(("::", port))
            deaf.listen(BACKLOG)
    os._exit(0)  # what is still open ends with the process


def _accept_all(listener: socket.socket, poll: select.epoll, waiting: dict[int, socket.SocketType]) -> None:
    for _ in range(64):
        try:
            number, _peer = listener._accept()  # type: ignore[attr-defined]  # accept() asks the kernel thrice more
        except BlockingIOError:
            return
        except ConnectionAbortedError:
            continue
        accepted = socket.SocketType(listener.family, socket.SOCK_STREAM, socket.IPPROTO_TCP, number)
        if not _act(accepted):
            waiting[accepted.fileno()] = accepted
            poll.register(accepted.fileno(), select.EPOLLIN)


def _act(accepted: socket.SocketType) -> bool:
    """Do what the client's byte says; tells whether the connection has ended."""
    try:
        said = accepted.recv(16, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        said = b""
    if said.endswith(RST_SERVER):
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    elif said.endswith(ADDRFORM_SERVER):
        accepted.setsockopt(socket.IPPROTO_IPV6, _IPV6_ADDRFORM, int(INET))
        accepted.send(said)  # the client waits for it: only a socket in ESTABLISHED can change its family
        return False
    elif said and not said.endswith(FIN_SERVER):
        return False
    accepted.close()
    return True


class Client:
    """A client process: opens connections as fast as they come about, and writes down the truth."""

    def __init__(self, ports: dict[str, int], truth: Path, seed: int, network: Network) -> None:
        """`ports` of its server's listeners."""
        self._ports = ports
        self._truth = truth
        self._network = network
        self._random = random.Random(seed)
        self._served: deque[socket.SocketType] = deque()  # the server closes these first
        self._kept: list[tuple[float, int, int, socket.SocketType]] = []
        self._serial = itertools.count()
        self._reused = itertools.cycle(_REUSED_PORTS[seed % 2 :: 2])
        self._hosts = itertools.cycle(range(2, 65_000))
        self.failed = 0

    def run(self, count: int, seconds: float, rate: float) -> None:
        """Open so many connections, or as many as the time allows. `rate`: at the most, a second; 0 for all."""
        chosen = self._random.choices(range(len(PLAYS)), [weight for weight, _ in PLAYS], k=8192)
        records: list[bytes] = []
        pid, server, begun = os.getpid(), self._ports["pid"], time.monotonic()
        done = 0
        for number in itertools.cycle(chosen):
            if done == count or (not done & 63 and time.monotonic() > begun + seconds):
                break
            if rate:
                time.sleep(max(0.0, begun + done / rate - time.monotonic()))
            play = PLAYS[number][1]
            before = time.time_ns()
            made = self._play(play)
            if made is None:
                continue
            done += 1
            port, server_port, host, refused = made
            if refused and play.listener == "deaf":
                number = _REFUSED[play.client]  # noqa: PLW2901  what came of it
            records.append(RECORD.pack(before, time.time_ns(), number, port, server_port, host, pid, server))
            self._end()
        self._truth.write_bytes(b"".join(records))
        deadline = time.monotonic() + _PATIENCE
        while (self._kept or self._served) and time.monotonic() < deadline:
            self._end(all_served=True)
            time.sleep(0.01)

    def _play(self, play: Play) -> tuple[int, int, int, bool] | None:
        """One connection: its client port, server port, the last two bytes of its IPv4 address, and if it was refused."""
        family = INET if play.client == "inet" else INET6
        sock = socket.SocketType(family, socket.SOCK_STREAM)  # socket.socket is a class of Python around it
        host = next(self._hosts) if play.listener in WILD and play.client != "inet6" and not play.reused else 1
        network = self._network
        address = network.server_six if play.client == "inet6" else f"{network.servers}.{host >> 8}.{host & 255}"
        port = _REFUSING_PORT if play.refused else self._ports[play.listener]
        prefix = "::ffff:" if play.client == "mapped" else ""
        try:
            if play.reused:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((prefix + network.client, next(self._reused)))
            if play.listener == "deaf":  # its queue may be full
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _FIVE_SECONDS)  # Python's own timeouts poll
            sock.connect((prefix + address, port))
        except (ConnectionRefusedError, ConnectionResetError):  # reset: the deaf listener is being opened anew
            own = sock.getsockname()[1]
            sock.close()
            return own, port, host, True
        except OSError as error:
            sock.close()
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EADDRINUSE}:
                self.failed += 1
            return None
        own = sock.getsockname()[1]
        self._close(sock, play)
        return own, port, host, False

    def _close(self, sock: socket.SocketType, play: Play) -> None:
        if play.addrform == "client":
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_ADDRFORM, int(INET))
        if play.close == "C":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        if play.kept:
            until = time.monotonic() + self._random.uniform(0, play.kept)
            heapq.heappush(self._kept, (until, next(self._serial), play.close == "s", sock))
            return
        if play.listener != "deaf":
            with contextlib.suppress(OSError):
                sock.send(play.close.encode())
        if play.addrform == "server":
            sock.recv(1)
        if play.close in "sS":
            self._served.append(sock)
        else:
            sock.close()

    def _end(self, *, all_served: bool = False) -> None:
        now = time.monotonic()
        while self._kept and self._kept[0][0] <= now:
            _until, _serial, by_server, sock = heapq.heappop(self._kept)
            if by_server:
                with contextlib.suppress(OSError):
                    sock.send(FIN_SERVER)
                self._served.append(sock)
            else:
                sock.close()
        while len(self._served) > (0 if all_served else 64):
            sock = self._served.popleft()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _FIVE_SECONDS)
            with contextlib.suppress(OSError):
                sock.recv(16)  # until the server has closed it
            sock.close()


def _client(
    ports: dict[str, int], truth: Path, seed: int, count: int, seconds: float, rate: float, namespace: str
) -> None:
    if namespace:
        with open(f"/run/netns/{namespace}", "rb") as file:  # os.setns is Python 3.12's
            ctypes.CDLL(None).setns(file.fileno(), 0)
    client = Client(ports, truth, seed, VETH if namespace else LOOPBACK)
    client.run(count, seconds, rate)
    if client.failed:
        print(f"client {seed}: {client.failed} connections failed")


def load(connections: int, seconds: float, pairs: int, truth: str, rate: float = 0.0, namespace: str = "") -> float:
    """Run the load; the seconds that it took. `namespace`: the network namespace of the clients, if another."""
    network = VETH if namespace else LOOPBACK
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    servers, ports = [], []
    for _ in range(pairs):
        told = context.Queue()
        server = context.Process(target=serve, args=(told, stop, network))
        server.start()
        servers.append(server)
        ports.append(told.get())
    # The server keeps its listeners for a moment before anybody comes: they are in the first dump.
    Path(f"{truth}.plays").write_text(json.dumps([asdict(play) for _, play in PLAYS]), encoding="ascii")
    begun = time.monotonic()
    clients = [
        context.Process(
            target=_client,
            args=(ports[n], Path(f"{truth}.{n}"), n, connections // pairs, seconds, rate / pairs, namespace),
        )
        for n in range(pairs)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.monotonic() - begun
    time.sleep(_RESTART_EVERY)
    stop.set()
    for server in servers:
        server.join()
    return took


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--truth", required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="connections a second at the most; 0: as many as come")
    parser.add_argument("--clients", default="", metavar="NETNS", help="network namespace of the clients, if another")
    options = parser.parse_args()
    took = load(options.connections, options.seconds, options.pairs, options.truth, options.rate, options.clients)
    print(f"{took:.3f}")


if __name__ == "__main__":
    main()
