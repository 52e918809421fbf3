"""Where the kernel has no sock_diag: Scapy's sockets and psutil's table."""

import asyncio
import os
import socket
import time

import pytest

from correlator.capture.portable import PortableCapture
from correlator.cli.live import _evidence, live_config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.model import Side, Source
from correlator.kernel import live as kernel_live
from correlator.kernel.portable import PortableEvidence
from correlator.pipeline import Until, live
from correlator.report.record import Record
from correlator.run import Outputs, Run
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces


class Kept:
    """A sink that keeps final findings."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []

    def begin(self, run: Record) -> None:
        """Nothing to keep."""

    def findings(self, found: list[Finding]) -> None:
        """Keep them."""
        self.kept += [finding for finding in found if finding.final]

    def end(self, counters: Record) -> None:
        """Nothing to keep."""


async def test_a_run_without_sock_diag(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that stays for a moment is found by polling, with its owner and its family."""

    def refuse(*_: object) -> None:
        raise OSError(93, "Protocol not supported")

    monkeypatch.setattr(kernel_live, "SockDiag", refuse)
    interfaces, kept = Interfaces(), Kept()
    capture = PortableCapture(["lo"], interfaces)
    run = Run(Engine(live_config(counted=False), interfaces.names), Decoder(interfaces), Outputs(sinks=[kept]))
    until = Until(asyncio.Event(), duration=3.0)
    ports: list[int] = []

    def talk() -> None:
        with socket.socket(socket.AF_INET6) as server:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            server.bind(("::", 0))
            server.listen()
            with socket.create_connection(("127.0.0.1", server.getsockname()[1])) as client, server.accept()[0]:
                ports.append(client.getsockname()[1])
                time.sleep(1.0)

    with _evidence(run) as evidence:
        assert isinstance(evidence, PortableEvidence)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(live(run, capture, evidence, until, lambda: None))
            await asyncio.sleep(0.5)
            tasks.create_task(asyncio.to_thread(talk))
    found = {finding.side: finding for finding in kept.kept if finding.connection.client.port == ports[0]}
    server = found[Side.SERVER]
    assert (str(server.verdict), str(server.cause)) == ("ipv4-on-af_inet6", "dual-stack-listener")
    assert server.evidence is Source.PSUTIL
    assert server.owner
    assert server.owner.pid == os.getpid()
    assert str(found[Side.CLIENT].verdict) == "ipv4-on-af_inet"
