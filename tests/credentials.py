"""What a NATS server with accounts lets in: signed tokens and the seed of a user (docs.nats.io, JWT authentication)."""

import base64
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import nkeys

_LIMITS = ("subs", "conn", "leaf", "imports", "exports", "data", "payload", "mem_storage", "disk_storage", "streams")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class _Key:
    """A pair of keys."""

    def __init__(self, prefix: int) -> None:
        self.seed = nkeys.encode_seed(os.urandom(32), prefix)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.public = bytes(self._pair.public_key).decode()

    def token(self, subject: "_Key", name: str, **claims: Any) -> str:
        """A token about a subject, signed with this key."""
        told = {"iat": int(time.time()), "iss": self.public, "name": name, "sub": subject.public}
        told["nats"] = {"version": 2, **claims}
        told["jti"] = base64.b32encode(hashlib.sha256(json.dumps(told).encode()).digest()).rstrip(b"=").decode()
        head = _text(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
        signed = f"{head}.{_text(json.dumps(told).encode())}"
        return f"{signed}.{_text(self._pair.sign(signed.encode()))}"


def make(folder: Path) -> tuple[str, Path]:
    """The lines of a server's configuration that let one user in, and the file of the user's credentials."""
    operator = _Key(nkeys.PREFIX_BYTE_OPERATOR)
    account, system = _Key(nkeys.PREFIX_BYTE_ACCOUNT), _Key(nkeys.PREFIX_BYTE_ACCOUNT)
    user = _Key(nkeys.PREFIX_BYTE_USER)
    limits = {**dict.fromkeys((*_LIMITS, "consumer"), -1), "wildcards": True}
    none = {**limits, "mem_storage": 0, "disk_storage": 0}
    accounts = (
        f"{account.public}: {operator.token(account, 'fleet', type='account', limits=limits)}, "
        f"{system.public}: {operator.token(system, 'SYS', type='account', limits=none)}"
    )
    token = account.token(user, "host", type="user", subs=-1, data=-1, payload=-1, pub={}, sub={})
    credentials = folder / "user.creds"
    credentials.write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    lines = (
        f"operator: {operator.token(operator, 'operator', type='operator')}",
        "resolver: MEMORY",
        f"resolver_preload: {{ {accounts} }}",
        f"system_account: {system.public}",
    )
    return "\n".join([*lines, ""]), credentials
