"""The options that say where a NATS server is and how it lets us in: those of its own client, with its variables."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from correlator.cli.exits import Exit, die, say

if TYPE_CHECKING:
    from correlator.fleet.publish import Publisher
    from correlator.fleet.server import Server

_SCHEMES = {"nats", "tls"}
_FILE = click.Path(exists=True, dir_okay=False, readable=True)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options."""
    options = (
        click.option("--creds", envvar="NATS_CREDS", type=_FILE, help="NATS: a user's credentials (NATS_CREDS)."),
        click.option("--tls-ca", envvar="NATS_CA", type=_FILE, help="NATS: certificates to trust (NATS_CA)."),
        click.option("--tls-cert", envvar="NATS_CERT", type=_FILE, help="NATS: our certificate (NATS_CERT)."),
        click.option("--tls-key", envvar="NATS_KEY", type=_FILE, help="NATS: its key (NATS_KEY)."),
    )
    for option in reversed(options):  # decorators are applied from the last
        command = option(command)
    return command


def publish_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is published, and where it waits."""
    options = (
        click.option("--publish", "url", metavar="nats://HOST:4222", help="Send findings to NATS (see collect)."),
        click.option(
            "--spool",
            metavar="DIR",
            default=lambda: os.path.join(os.environ.get("STATE_DIRECTORY", "/var/lib/correlator"), "spool"),
            show_default="/var/lib/correlator/spool",
            help="With --publish: where findings wait while the server is away.",
        ),
        click.option(
            "--spool-size",
            default=256,
            show_default=True,
            type=click.IntRange(1, 1 << 20),
            metavar="MB",
            help="With --publish: room for those; the oldest are dropped, and counted.",
        ),
    )
    command = server_options(command)
    for option in reversed(options):
        command = option(command)
    return command


def publish_of(options: dict[str, Any]) -> "tuple[Server, str, int] | None":
    """Take these options out of a command's: the server, the spool's folder, its bytes; None without --publish."""
    url, spool, size = (options.pop(name) for name in ("url", "spool", "spool_size"))
    access = [options.pop(name) for name in ("creds", "tls_ca", "tls_cert", "tls_key")]
    return (server_of(url, *access), spool, size << 20) if url is not None else None


def server_of(url: str, creds: str | None, tls_ca: str | None, tls_cert: str | None, tls_key: str | None) -> "Server":
    """The server. Ends the program where the address is none, or where the library is missing."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in _SCHEMES and bool((parts.hostname or "").encode("idna")) and (parts.port or 1) > 0
    except ValueError:  # UnicodeError, too
        is_address = False
    if not is_address:
        shown = url.rpartition("@")[2]  # without what lets us in
        die(Exit.USAGE, f"{shown!r} is no address of a NATS server: nats://HOST:4222, or tls://HOST:4222")
    if tls_key and not tls_cert:
        die(Exit.USAGE, "--tls-key goes with --tls-cert")
    try:
        from correlator.fleet.server import Server, tls_of  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        if error.name not in {"nats", "pyarrow"}:
            raise
        die(Exit.USAGE, f"a fleet needs {error.name}: pip install 'correlator[fleet]'")
    if creds and find_spec("nkeys") is None:  # the client signs with it
        die(Exit.USAGE, "--creds needs nkeys: pip install 'correlator[fleet]'")
    server = Server(url, creds, tls_ca, tls_cert, tls_key)
    try:
        tls_of(server)
    except OSError as error:
        die(Exit.USAGE, f"--tls-ca, --tls-cert, --tls-key: no certificates, or a key that is another's: {error}")
    return server


def publisher_of(server: "Server", folder: str, size: int) -> "Publisher":
    """What sends findings, with its spool. Ends the program where that cannot be used. `size`: bytes."""
    from correlator.fleet.publish import Publisher  # noqa: PLC0415  an extra; server_of has said so
    from correlator.fleet.spool import Spool, SpoolError  # noqa: PLC0415

    spool = Spool(folder, size)
    try:
        spool.open()
    except SpoolError as error:
        die(Exit.OUTPUT, f"{error} (--spool names another folder)")
    return Publisher(server, spool, say)
