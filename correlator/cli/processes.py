"""Processes that do one thing after the other.

They hear no signal: a terminal's Ctrl-C goes to all, also to one that is just beginning. They end with the one that
started them. Each has an executor of its own: where one is killed, the others go on.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from correlator.kernel.privileges import end_with

_SIGNALS = (signal.SIGINT, signal.SIGHUP)  # the executor ends its process with SIGTERM
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Process:
    """One process, which is begun when there is work for it, and again when it was killed."""

    def __init__(self) -> None:
        """None yet."""
        self._begin()

    def _begin(self) -> None:
        # a fork would carry this loop and its threads along
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(1, mp_context=context, initializer=end_with, initargs=(os.getpid(),))

    async def ask(self, work: Callable[_P, _T], *words: _P.args, **named: _P.kwargs) -> _T:
        """Have it do some work. Raises BrokenExecutor where it was killed, and whatever the work raises."""
        try:
            return await self._ask(partial(work, *words, **named))
        except BrokenExecutor:
            self._executor.shutdown(wait=False)
            self._begin()
            raise

    def _ask(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # a process inherits what is blocked
        try:
            return asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    async def end(self) -> None:
        """Wait for what it does."""
        await asyncio.to_thread(self._executor.shutdown)


class Processes:
    """Some processes, of which any may do what is asked."""

    def __init__(self, count: int) -> None:
        """So many."""
        self._all = [Process() for _ in range(count)]
        self._free: asyncio.Queue[Process] = asyncio.Queue()
        for process in self._all:
            self._free.put_nowait(process)

    async def ask(self, work: Callable[_P, _T], *words: _P.args, **named: _P.kwargs) -> _T:
        """Have the next one that is free do some work. Raises what `Process.ask` does."""
        process = await self._free.get()
        try:
            return await process.ask(work, *words, **named)
        finally:
            self._free.put_nowait(process)

    async def end(self) -> None:
        """Wait for what they do."""
        for process in self._all:
            await process.end()
