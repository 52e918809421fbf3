"""`correlator demo`: the case itself, on this machine, in two seconds."""

import asyncio
import socket
import sys
from pathlib import Path

import click

from correlator.capture.files import CaptureFile
from correlator.capture.ring import RingCapture
from correlator.cli.exits import Exit, die, say
from correlator.cli.live import live_config
from correlator.cli.tables import Tables
from correlator.core.config import Config
from correlator.core.engine import Engine
from correlator.core.finding import Finding
from correlator.core.model import Evidence, Ownership, Verdict
from correlator.kernel.host import host_table
from correlator.kernel.live import KernelEvidence
from correlator.pipeline import Until, analyse, live
from correlator.report.lines import header, line
from correlator.report.record import Record
from correlator.report.socket_lines import netstat_header, netstat_line
from correlator.run import Outputs, Run
from correlator.wire.decode import Decoder
from correlator.wire.interfaces import Interfaces

_PORT = 5555
_SECONDS_OPEN = 0.7  # long enough to be looked at twice, with the owner found
_SECONDS_SETTLING = 0.3
_SAMPLE = "jessie"


@click.command()
@click.option("--sample", is_flag=True, help="Analyse the sample capture instead, as without privileges.")
def demo(*, sample: bool) -> None:
    """Show the case on this machine.

    Opens an AF_INET6 listener on [::]:5555 (another port if taken), connects to it from an AF_INET socket, captures
    the handshake on lo, and shows what netstat would show beside what is true.
    """
    if sample:
        raise SystemExit(asyncio.run(_sample()))
    try:
        interfaces = Interfaces()
        capture = RingCapture(["lo"], interfaces)
    except PermissionError:
        say("without CAP_NET_RAW nothing can be captured; here is the sample capture instead (sudo for the real thing)")
        raise SystemExit(asyncio.run(_sample())) from None
    except (OSError, AttributeError) as error:
        say(f"capture on lo: {error}; here is the sample capture instead")
        raise SystemExit(asyncio.run(_sample())) from None
    try:
        raise SystemExit(asyncio.run(_demo(capture, interfaces)))
    finally:
        capture.close()


class _Collector:
    """Keeps the final findings of one port."""

    def __init__(self, port: int | None) -> None:
        self.kept: list[Finding] = []
        self._port = port

    def begin(self, run: Record) -> None:
        pass

    def findings(self, found: list[Finding]) -> None:
        self.kept += [
            finding for finding in found if finding.final and self._port in {None, finding.connection.server.port}
        ]

    def end(self, counters: Record) -> None:
        pass


async def _demo(capture: RingCapture, interfaces: Interfaces) -> int:
    listener = _listen()
    port = listener.getsockname()[1]
    collector = _Collector(port)
    run = Run(Engine(live_config(counted=False), interfaces.names), Decoder(interfaces), Outputs(sinks=[collector]))
    until = Until(asyncio.Event())
    _write(
        f"An AF_INET6 listener on [::]:{port}, IPV6_V6ONLY off; an AF_INET client that connects to 127.0.0.1:{port}.\n"
    )
    with KernelEvidence(run.state) as evidence:
        async with asyncio.TaskGroup() as tasks:
            ready = asyncio.Event()
            tasks.create_task(live(run, capture, evidence, until, ready.set))
            tasks.create_task(_connect(listener, port, ready, until))
    _show(collector.kept)
    mixed = sum(finding.verdict is Verdict.IPV4_ON_INET6 for finding in collector.kept)
    if not mixed:
        die(Exit.DAMAGED, "the handshake was not seen: does another program hold lo back?")
    return Exit.DONE


async def _connect(listener: socket.socket, port: int, ready: asyncio.Event, until: Until) -> None:
    """The client: connects, shows what netstat would show meanwhile, closes."""
    await ready.wait()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        accepted, _peer = await loop.sock_accept(listener)
        await asyncio.sleep(_SECONDS_OPEN)
        _netstat(port, client.getsockname()[1])
        accepted.close()
    listener.close()
    await asyncio.sleep(_SECONDS_SETTLING)
    until.stop.set()


def _netstat(port: int, client_port: int) -> None:
    statements = host_table()
    owners = {statement.inode: statement.owner for statement in statements if isinstance(statement, Ownership)}
    _write("What netstat shows:\n  " + netstat_header())
    rows = [
        statement.socket
        for statement in statements
        if isinstance(statement, Evidence)
        and port in {statement.socket.local_port, statement.socket.remote_port}
        and (statement.socket.is_listener or client_port in {statement.socket.local_port, statement.socket.remote_port})
    ]
    for row in sorted(rows, key=lambda row: (not row.is_listener, row.local_port == port)):
        _write("  " + netstat_line(row, owners.get(row.inode or 0)))
    _write("")


def _show(findings: list[Finding]) -> None:
    _write("What is true:\n  " + header())
    for finding in findings:
        _write("  " + line(finding))
    _write("")
    for finding in findings:
        _write(f"{finding.side or 'connection'}: {finding.explanation}")


def _listen() -> socket.socket:
    for port in (_PORT, 0):
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # whatever net.ipv6.bindv6only says
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("::", port))
            listener.listen()
        except OSError:
            listener.close()
            continue
        listener.setblocking(False)
        return listener
    return die(Exit.DAMAGED, "no AF_INET6 listener can be opened here: is IPv6 off (ipv6.disable=1)?")


async def _sample() -> int:
    folder = _samples()
    capture, table = folder / f"{_SAMPLE}.pcap", folder / f"{_SAMPLE}.netstat.txt"
    interfaces = Interfaces()
    collector = _Collector(None)
    engine = Engine(Config(), interfaces.names)
    tables = Tables()
    tables.add(str(table))
    for statement in tables.statements:
        engine.evidence(statement)
    run = Run(engine, Decoder(interfaces), Outputs(sinks=[collector]))
    await analyse(run, CaptureFile(str(capture), interfaces), asyncio.Event(), lambda: None)
    _write(f"The sample {capture.name} with its netstat table:\n")
    _show(collector.kept)
    return Exit.DONE


def _samples() -> Path:
    """The captures/ folder of the source tree, which is installed with the package."""
    folder = Path(__file__).resolve().parent.parent / "_captures"
    if (folder / f"{_SAMPLE}.pcap").is_file():
        return folder
    return die(Exit.UNREADABLE, "the sample captures are not installed")


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
