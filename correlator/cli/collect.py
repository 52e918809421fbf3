"""`correlator collect`: what the hosts of a fleet publish, as Parquet in a folder."""

import contextlib

import click

from correlator.cli.exits import Exit, die, say
from correlator.cli.nats import server_of, server_options
from correlator.cli.notify import notify
from correlator.cli.signals import run_until_told


@click.command()
@click.argument("url", metavar="nats://HOST:4222")
@click.option("--to", "folder", required=True, metavar="DIR", help="Write DIR/day=2026-11-25/HOST/*.parquet.")
@click.option(
    "--every",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.1, 3600),
    metavar="SECONDS",
    help="Seconds that findings wait for others: a file holds what came meanwhile.",
)
@click.option("--once", is_flag=True, help="End when nothing is left to collect.")
@server_options
def collect(
    url: str,
    folder: str,
    every: float,
    creds: str | None,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    *,
    once: bool,
) -> None:
    """Collect the findings that `live --publish` sends to a NATS server into DIR, as Parquet by day and host.

    What is on disk is acknowledged, and nothing is written twice. Several collectors may share one folder.
    """
    server = server_of(url, creds, tls_ca, tls_cert, tls_key)
    from correlator.fleet.collect import Collector  # noqa: PLC0415  an extra; server_of has said so
    from correlator.fleet.store import Store, StoreError  # noqa: PLC0415

    async def work(collector: Collector) -> None:
        try:
            await collector.run(lambda: notify("READY=1"), until_idle=once)
        finally:
            done = collector.collected
            more = f"; {done.again} came again" if done.again else ""
            more += f"; {done.refused} messages were no findings" if done.refused else ""
            more += f"; {done.left_out} findings that no run of ours makes were left out" if done.left_out else ""
            say(f"collected {done.findings} findings in {done.files} files from {done.messages} messages{more}")
        if done.refused or done.left_out:
            raise SystemExit(Exit.DAMAGED)

    try:
        with contextlib.closing(Store(folder)) as store:
            collector = Collector(server, store, every, say)
            run_until_told(work(collector), collector.stop)
    except StoreError as error:
        die(Exit.OUTPUT, str(error))
