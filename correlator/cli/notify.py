"""Tells the service manager how things stand, as sd_notify(3) describes it."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


def notify(state: str) -> None:
    """Send a state (`READY=1`, `STOPPING=1`) to $NOTIFY_SOCKET; does nothing where there is none or nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(state.encode(), target)
    except OSError:
        return


@asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """Tells the service manager's watchdog (WatchdogSec=) meanwhile that the loop has its turns."""
    told = os.environ.get("WATCHDOG_USEC", "")
    if not (told.isascii() and told.isdigit() and int(told)):
        yield
        return

    async def tell() -> None:
        while True:
            notify("WATCHDOG=1")
            await asyncio.sleep(int(told) / 2e6)

    telling = asyncio.ensure_future(tell())
    try:
        yield
    finally:
        telling.cancel()
