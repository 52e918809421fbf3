"""Takes findings from a NATS stream and puts them into a folder: a batch is acknowledged when it is on disk.

What is not acknowledged comes again, to this collector or to another one; the folder takes nothing twice (`store.py`).
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NothingThereError
from nats.js.api import ConsumerConfig, Header
from nats.js.client import JetStreamContext

from correlator.fleet.server import STREAM, SUBJECT, Server, connected, reason, stream
from correlator.fleet.store import Store, StoreError, Taken

_CONSUMER = "collect"
_FETCH = 64  # messages at once
_WAIT = 0.5  # seconds
_HELD = 32 << 20  # bytes that wait
_MESSAGES = 256  # that wait: 128,000 findings
_AGAIN = 0.5, 10.0  # seconds between attempts, at first and at the most


@dataclass(slots=True)
class Collected:
    """What a collector has done."""

    messages: int = 0
    findings: int = 0
    files: int = 0
    again: int = 0
    refused: int = 0
    left_out: int = 0

    def add(self, taken: Taken, messages: int) -> None:
        """Count what became of some messages."""
        self.messages += messages
        self.findings += taken.findings
        self.files += taken.files
        self.again += taken.again
        self.refused += len(taken.refused)
        self.left_out += taken.left_out


async def _has_nothing_left(subscription: JetStreamContext.PullSubscription) -> bool:
    """Whether all is acknowledged; what a collector had that was killed comes again when its time is up."""
    told = await subscription.consumer_info()
    return not told.num_pending and not told.num_ack_pending


class Collector:
    """Puts what is published into a folder, until it is told to stop."""

    def __init__(self, server: Server, store: Store, every: float, note: Callable[[str], None]) -> None:
        """`every`: seconds that a batch waits for others at the most. `note`: hears what goes wrong."""
        self.collected = Collected()
        self.stop = asyncio.Event()
        self._server = server
        self._store = store
        self._every = every
        self._note = note
        self._held: dict[str, Msg] = {}
        self._size = 0
        self._since = 0.0
        self._is_away = False

    async def run(self, ready: Callable[[], None], *, until_idle: bool = False) -> None:
        """Collect. Raises StoreError where the folder fails. `until_idle`: as long as there is something."""
        client: Client | None = None
        pause, most = _AGAIN
        try:
            while not self.stop.is_set():
                try:
                    if client is None or client.is_closed:
                        client = await connected(self._server)
                    subscription = await self._subscription(await stream(client))
                    ready()
                    self._tell(None)
                    pause = _AGAIN[0]
                    await self._collect(subscription, until_idle=until_idle)
                except StoreError:
                    raise
                except Exception as error:  # noqa: BLE001  whatever the client makes of what the other end says
                    self._tell(error)
                    await self._pause(pause)
                    pause = min(2 * pause, most)
            try:
                await self._put()
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001  what nobody hears is acknowledged comes again, and is not taken again
                self._tell(error)
        finally:
            if client is not None:
                with suppress(Exception):
                    await client.close()

    async def _subscription(self, context: JetStreamContext) -> JetStreamContext.PullSubscription:
        config = ConsumerConfig(ack_wait=10 + 3 * self._every, max_ack_pending=16 * _MESSAGES)
        return await context.pull_subscribe(f"{SUBJECT}.*", durable=_CONSUMER, stream=STREAM, config=config)

    async def _collect(self, subscription: JetStreamContext.PullSubscription, *, until_idle: bool) -> None:
        while not self.stop.is_set():
            try:
                messages = await subscription.fetch(_FETCH, timeout=_WAIT)
            except NothingThereError:
                messages = []
                if until_idle and not self._held and await _has_nothing_left(subscription):
                    self.stop.set()
            for message in messages:
                self._hold(message)
            is_full = self._size >= _HELD or len(self._held) >= _MESSAGES
            if is_full or (self._held and (until_idle or time.monotonic() - self._since >= self._every)):
                await self._put()

    def _hold(self, message: Msg) -> None:
        """Keep a message until there are more."""
        name = (message.headers or {}).get(str(Header.MSG_ID.value)) or f"seq-{message.metadata.sequence.stream}"
        if not self._held:
            self._since = time.monotonic()
        former = self._held.get(name)
        self._size += len(message.data) - (len(former.data) if former is not None else 0)
        self._held[name] = message  # where it comes again: of those before it the time is up

    async def _put(self) -> None:
        """Put what waits into the folder, and acknowledge it. Raises StoreError."""
        held, self._held, self._size = self._held, {}, 0
        if not held:
            return
        taken = await asyncio.to_thread(self._store.take, {name: message.data for name, message in held.items()})
        self.collected.add(taken, len(held))
        for name, why in taken.refused.items():
            self._note(f"message {name} is no batch of findings: {why}")
        for message in held.values():
            await message.ack()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()

    def _tell(self, error: BaseException | None) -> None:
        """Say what has changed, once."""
        if self._is_away != (error is not None):
            self._is_away = error is not None
            self._note(f"{self._server.name}: {reason(error) if error is not None else 'there again'}")
