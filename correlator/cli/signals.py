"""How commands that take a while are told to end: they finish what they write, and say what they have."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_T = TypeVar("_T")


def run_until_told(main: Coroutine[Any, Any, _T], stop: asyncio.Event) -> _T:
    """`asyncio.run`, in which Ctrl-C, SIGTERM and SIGHUP set `stop`, and do nothing else.

    SIGHUP stays ignored where it is, as nohup(1) has it and tcpdump leaves it: the terminal may go, the run goes on.

    As asyncio does it for Ctrl-C. Its `loop.add_signal_handler` is not for the start of a short run: it lists all
    signals that there are, and asks `inspect` about the function.
    """

    def told(*_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: all is done
            runner.get_loop().call_soon_threadsafe(stop.set)

    runner = asyncio.Runner()
    runner.get_loop()
    is_immune = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    numbers = (number for number in _ENDING if not (is_immune and number == signal.SIGHUP))
    before = {number: signal.signal(number, told) for number in numbers}
    try:
        with runner:
            return runner.run(main)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
