"""How commands are told to end."""

import asyncio
import os
import signal

import pytest

from correlator.cli.signals import run_until_told

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_wakes_who_waits(number: signal.Signals) -> None:
    """It is no exception: what is under way ends in order. Afterwards signals do what they did before."""
    stop, before = asyncio.Event(), [signal.getsignal(one) for one in ENDING]

    async def work() -> str:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), number)
        async with asyncio.timeout(5):
            await stop.wait()
        return "in order"

    assert run_until_told(work(), stop) == "in order"
    assert [signal.getsignal(one) for one in ENDING] == before


def test_a_signal_while_the_loop_closes_is_too_late() -> None:
    """All is done by then."""
    stop = asyncio.Event()

    async def dying() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    async def work() -> asyncio.Task[None]:
        left = asyncio.create_task(dying())
        await asyncio.sleep(0)
        return left

    assert run_until_told(work(), stop).cancelled()


def test_signals_are_as_before_where_the_work_fails() -> None:
    """Its exception comes out."""
    before = [signal.getsignal(one) for one in ENDING]

    async def work() -> None:
        raise OSError(5, "failed")

    with pytest.raises(OSError, match="failed"):
        run_until_told(work(), asyncio.Event())
    assert [signal.getsignal(one) for one in ENDING] == before


def test_nohup_is_heeded() -> None:
    """The terminal goes, the run goes on; other signals end it."""
    stop, before = asyncio.Event(), signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def work() -> bool:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        went_on = not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()
        return went_on

    try:
        assert run_until_told(work(), stop)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
