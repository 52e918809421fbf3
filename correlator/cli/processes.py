"""Processes that do one thing after the other.

They hear no signal: a terminal's Ctrl-C goes to all, also to one that is just beginning. They end with the one that
started them.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

from correlator.kernel.privileges import end_with

_SIGNALS = (signal.SIGINT, signal.SIGHUP)  # the executor ends its processes with SIGTERM
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Processes:
    """Some processes, of which any may do what is asked; none is begun before there is work for it."""

    def __init__(self, count: int) -> None:
        """So many."""
        self._count = count
        self._begin()

    def _begin(self) -> None:
        # a fork would carry this loop and its threads along
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(self._count, mp_context=context, initializer=end_with, initargs=(os.getpid(),))

    def renew(self) -> None:
        """Others in their place: where one is killed, the executor gives up all."""
        self._pool.shutdown(wait=False)
        self._begin()

    def ask(self, work: Callable[_P, _T], *words: _P.args, **_: _P.kwargs) -> "asyncio.Future[_T]":
        """Have one do some work. Raises BrokenExecutor where one was killed, and whatever the work raises."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # a process inherits what is blocked
        try:
            coming = asyncio.get_running_loop().run_in_executor(self._pool, work, *words)
            coming.add_done_callback(lambda one: None if one.cancelled() else one.exception())  # nobody may wait for it
            return coming
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def give_up(self) -> None:
        """Begin nothing that waits."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def end(self) -> None:
        """Wait for what they do."""
        await asyncio.to_thread(self._pool.shutdown)
