"""Sends findings to a NATS stream: into the spool first, from there to the server, which may be away.

Nothing here makes the capture wait: what cannot be kept is dropped and counted.
"""

import asyncio
import gzip
import re
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from nats.aio.client import Client
from nats.js.api import Header
from nats.js.client import JetStreamContext
from nats.js.errors import APIError

from correlator.core.finding import Finding
from correlator.fleet.batch import Batch, Batches, Part
from correlator.fleet.server import STREAM, SUBJECT, Server, connected, is_too_large, reason, room, stream
from correlator.fleet.spool import Spool, Waiting, read
from correlator.report.record import Record

COUNT = "Correlator-Findings"
"""The header that tells how many findings a message has."""

_LATENCY = 1.0  # seconds that a finding waits for others
_AT_ONCE = 16  # messages on their way
_MOST = 64  # batches that wait for the disk
_ANSWER = 5.0  # seconds that the server has
_AGAIN = 0.5, 10.0  # seconds between attempts, at first and at the most
_LAST = 5.0  # seconds to send what is left when the run ends


class _IndivisibleError(Exception):
    """One finding is more than the server takes."""

    def __str__(self) -> str:
        return "the server takes less at once than one finding has"


class Publisher:
    """A sink whose findings are sent."""

    def __init__(self, server: Server, spool: Spool, note: Callable[[str], None]) -> None:
        """`note`: hears what changes: that the server is away, that it is back."""
        self.sent = 0
        """Findings that the server has."""
        self._server = server
        self._spool = spool
        self._note = note
        self._batches = Batches()
        self._full: deque[Batch] = deque()
        self._dropped = 0
        self._host = ""
        self._comes = asyncio.Event()
        self._is_there = asyncio.Event()
        self._is_away = False
        self._room = 0  # bytes that the server takes at once
        self._ending = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Findings that wait for the server, on disk or on their way there."""
        return self._spool.findings + sum(batch.count for batch in self._full)

    @property
    def told(self) -> list[str]:
        """What there is to say of it in the end."""
        left = f"; {self._spool.findings} wait in {self._spool.folder} for the next run" if len(self._spool) else ""
        return [f"published {self.sent} findings to {self._server.name}{left}"]

    @property
    def troubles(self) -> list[str]:
        """What was lost."""
        why = f" ({self._spool.failure})" if self._spool.failure else ""
        return [f"{self.dropped} findings were not published: there was no room for them{why}"] if self.dropped else []

    @property
    def dropped(self) -> int:
        """Findings that were lost: there was no room for them."""
        return self._dropped + self._spool.dropped

    def begin(self, run: Record) -> None:
        """The run starts."""
        self._host = str(run.get("host") or "unknown")
        self._batches.begin(run)

    def findings(self, found: list[Finding]) -> None:
        """Take the final ones."""
        self._take(self._batches.add(found))

    def end(self, counters: Record) -> None:
        """No findings come any more."""
        del counters
        self._take(self._batches.cut())

    def _take(self, batches: list[Batch]) -> None:
        for batch in batches:
            if len(self._full) == _MOST:
                self._dropped += self._full.popleft().count
            self._full.append(batch)
            self._comes.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sends meanwhile; on leaving, all is on disk, and sent if that goes quickly."""
        keeping = asyncio.ensure_future(self._keep())
        sending = asyncio.ensure_future(self._send())
        try:
            yield
        finally:
            self._ending.set()
            self._comes.set()
            await keeping
            self._is_there.set()
            await asyncio.wait([sending], timeout=_LAST)
            sending.cancel()
            await asyncio.wait([sending])
            self._spool.close()

    async def _keep(self) -> None:
        """Have on disk what is there, again and again."""
        while True:
            try:
                async with asyncio.timeout(_LATENCY):
                    await self._comes.wait()
            except TimeoutError:
                self._take(self._batches.cut())
            self._comes.clear()
            while self._full:
                await self._spool.add(self._full.popleft())
                self._is_there.set()
            if self._ending.is_set():
                return

    async def _send(self) -> None:
        """Send what waits, again and again."""
        pause, most = _AGAIN
        client: Client | None = None
        context: JetStreamContext | None = None
        try:
            while len(self._spool) or not self._ending.is_set():
                if not len(self._spool):
                    self._is_there.clear()
                    await self._is_there.wait()
                    continue
                try:
                    if client is None or client.is_closed:
                        client, context = await connected(self._server), None
                    context = context or await stream(client)
                    self._room = room(client)
                    await self._send_some(context)
                except Exception as error:  # noqa: BLE001  whatever the client raises: findings wait, and the run goes on
                    self._tell(error)
                    await self._pause(pause)
                    pause = min(2 * pause, most)
                else:
                    self._tell(None)
                    pause = _AGAIN[0]
        finally:
            if client is not None:
                await client.close()

    async def _pause(self, seconds: float) -> None:
        """Before the next attempt; when the run ends there is little time for others."""
        if self._ending.is_set():
            await asyncio.sleep(_AGAIN[0])
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    async def _send_some(self, context: JetStreamContext) -> None:
        """Send the oldest; those that the server has are gone. Raises what went wrong with others."""
        waiting = self._spool.first(_AT_ONCE)
        results = await asyncio.gather(*(self._send_one(context, one) for one in waiting), return_exceptions=True)
        for one, result in zip(waiting, results, strict=True):
            if result is True:
                self.sent += one.count
                self._spool.remove(one)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _send_one(self, context: JetStreamContext, waiting: Waiting) -> bool:
        """Whether the server has it now."""
        try:
            data = await asyncio.to_thread(read, waiting)
        except FileNotFoundError:  # somebody has cleared the folder
            self._spool.lose(waiting)
            return False
        try:
            await self._send_part(context, Part(waiting.name, 0, waiting.count, data), waiting.name)
        except (EOFError, zlib.error, gzip.BadGzipFile, _IndivisibleError) as error:
            self._spool.lose(waiting)
            self._spool.failure = f"{waiting.file}: {error}"
            return False
        return True

    async def _send_part(self, context: JetStreamContext, part: Part, name: str) -> None:
        """Send a batch, or halves of it where the server takes less at once: they have their names from the whole's, so
        that whoever takes them knows what they are of, however often they come. Raises what went wrong.
        """  # noqa: D205
        headers = {str(Header.MSG_ID.value): name, COUNT: str(part.count)}
        subject = f"{SUBJECT}.{_token(self._host)}"
        if len(part.data) <= self._room:
            try:
                await context.publish(subject, part.data, timeout=_ANSWER, stream=STREAM, headers=headers)
            except APIError as error:
                if not is_too_large(error):
                    raise
            else:
                return
        halves = await asyncio.to_thread(part.halves)
        if not halves:
            raise _IndivisibleError
        for half in halves:
            await self._send_part(context, half, half.name)

    def _tell(self, error: BaseException | None) -> None:
        """Say what has changed, once."""
        if self._is_away == (error is not None):
            return
        self._is_away = error is not None
        if error is not None:
            self._note(f"{self._server.name}: {reason(error)}; findings wait in {self._spool.folder}")
        else:
            self._note(f"{self._server.name}: there again")


def _token(host: str) -> str:
    """A host's name as a part of a subject, in which dots, blanks and wildcards mean something."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", host) or "_"
