"""The connection to a NATS server, and the stream on it (https://docs.nats.io/nats-concepts/jetstream)."""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import nats
from nats.aio.client import Client
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

STREAM = "CORRELATOR"
SUBJECT = "correlator.findings"
"""A host's findings are published as SUBJECT.HOST."""

_DAY = 86_400.0  # seconds
_CONNECT = 5.0
_TOO_LARGE = 10054  # JSStreamMessageExceedsMaximumErr
_HEADERS = 512  # bytes: more than ours take, of what a server takes at once


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, and how it lets us in: the usual options of NATS' own client."""

    url: str
    creds: str | None = None
    """A file: a user's JWT and seed."""
    ca: str | None = None
    """A file of certificates to trust."""
    cert: str | None = None
    key: str | None = None

    @property
    def name(self) -> str:
        """Its address without what lets us in, for messages."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def tls_of(server: Server) -> ssl.SSLContext:
    """What of certificates is to be trusted and shown. Raises OSError: ssl.SSLError is one."""
    context = ssl.create_default_context(cafile=server.ca)
    if server.cert:
        context.load_cert_chain(server.cert, server.key)
    return context


async def connected(server: Server) -> Client:
    """A connection. One that is lost is closed: who uses it makes another. Raises what the client does."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of what the client does when TLS ends
    errors = asyncio.Queue[Exception]()

    async def tell(error: Exception) -> None:
        errors.put_nowait(error)

    options: dict[str, Any] = {
        "name": "correlator",
        "connect_timeout": _CONNECT,
        "error_cb": tell,
        "allow_reconnect": False,
    }
    if server.creds:
        options["user_credentials"] = server.creds
    if server.ca or server.cert:
        options["tls"] = tls_of(server)
    # The client tries for ever and tells what went wrong: the first time is enough.
    connecting, failing = (
        asyncio.ensure_future(nats.connect(server.url, **options)),
        asyncio.ensure_future(errors.get()),
    )
    done, _ = await asyncio.wait([connecting, failing], timeout=_CONNECT, return_when=asyncio.FIRST_COMPLETED)
    if connecting in done:
        failing.cancel()
        return connecting.result()
    connecting.cancel()
    await asyncio.wait([connecting])
    if failing in done:
        raise failing.result()
    failing.cancel()
    raise TimeoutError


async def stream(client: Client) -> JetStreamContext:
    """The stream, made if it is not there yet; one that is there stays as it is. Raises what the client does."""
    context = client.jetstream()
    try:
        await context.stream_info(STREAM)
    except NotFoundError:
        await context.add_stream(
            StreamConfig(
                name=STREAM,
                subjects=[f"{SUBJECT}.*"],
                retention=RetentionPolicy.LIMITS,
                storage=StorageType.FILE,
                max_age=7 * _DAY,
                duplicate_window=_DAY,
            )
        )
    return context


def room(client: Client) -> int:
    """Bytes that the server takes as a message of ours."""
    return int(client.max_payload) - _HEADERS


def is_too_large(error: APIError) -> bool:
    """Whether a message was more than the stream takes at once."""
    return error.err_code == _TOO_LARGE


def reason(error: BaseException) -> str:
    """What went wrong, in words."""
    if isinstance(error, TimeoutError):
        return "no answer"
    return getattr(error, "description", None) or str(error) or type(error).__name__
