"""Live capture through Scapy's sockets: systems without AF_PACKET, and `--portable`.

Slower by far than the ring, and it loses packets at rates that the ring does not notice: what its queue cannot take
is counted, what the system's buffer could not take is not known here.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator
from typing import Any

from correlator.core.frames import Frames, Packet, gathered
from correlator.wire.interfaces import Interfaces

_QUEUE = 65_536
_POLL = 0.2  # seconds between looks at whether to stop


class PortableCapture:
    """Packets of named interfaces, a thread each."""

    def __init__(self, names: list[str], interfaces: Interfaces) -> None:
        """Opens the sockets. Raises OSError, PermissionError without privileges."""
        logging.getLogger("scapy").setLevel(logging.CRITICAL)
        from scapy.config import conf  # noqa: PLC0415  Scapy takes a third of a second
        from scapy.error import Scapy_Exception  # noqa: PLC0415
        from scapy.layers import inet, inet6, l2  # noqa: F401, PLC0415  link types register themselves

        self.opened_at = time.time_ns()
        self.received = 0
        self.dropped = 0
        self.last_at = 0
        self.gone: list[str] = []
        self._stopping = threading.Event()
        self._queue: asyncio.Queue[Packet] = asyncio.Queue(_QUEUE)
        self._link_numbers: dict[Any, int] = conf.l2types.layer2num
        self._sockets = []
        for name in names:
            try:
                opened = conf.L2listen(iface=name)
            except (Scapy_Exception, ValueError) as error:
                raise OSError(0, f"{error}", name) from None
            self._sockets.append((opened, interfaces.add(name)))

    def close(self) -> None:
        """Stop capturing."""
        self._stopping.set()

    def follow(self) -> None:
        """Interfaces that come are not looked for."""

    def count_drops(self) -> None:
        """Nothing to ask: drops are counted as they happen."""

    @property
    def patience(self) -> float:
        """For how long (s) the queue holds what may come: this capture is behind before any queue is full."""
        return 1.0

    @property
    def is_idle(self) -> bool:
        """Whether no packet waits in the queue."""
        return self._queue.empty()

    async def batches(self) -> AsyncGenerator[list[Frames], None]:
        """The packets, as many at a time as have come, until the task is cancelled."""
        loop = asyncio.get_running_loop()
        threads = [
            threading.Thread(target=self._read, args=(loop, opened, number), daemon=True)
            for opened, number in self._sockets
        ]
        for thread in threads:
            thread.start()
        try:
            while True:
                first = gathered([await self._queue.get()])
                yield [first, *self.read()]
        finally:
            self.close()

    def read(self) -> list[Frames]:
        """The packets that wait in the queue."""
        packets = []
        while not self._queue.empty():
            packets.append(self._queue.get_nowait())
        return [gathered(packets)] if packets else []

    def _read(self, loop: asyncio.AbstractEventLoop, opened: Any, number: int) -> None:  # noqa: ANN401  a Scapy socket
        while not self._stopping.is_set():
            if not opened.select([opened], _POLL):
                continue
            kind, data, at = opened.recv_raw()
            if data is None:
                continue
            moment = time.time_ns() if at is None else int(at * 1_000_000_000)
            packet = Packet(moment, self._link_numbers.get(kind, -1), number, bytes(data), len(data))
            try:
                loop.call_soon_threadsafe(self._put, packet)
            except RuntimeError:
                break  # the loop is closed: the run has ended
        opened.close()

    def _put(self, packet: Packet) -> None:
        self.received += 1
        self.last_at = packet.at
        try:
            self._queue.put_nowait(packet)
        except asyncio.QueueFull:
            self.dropped += 1
