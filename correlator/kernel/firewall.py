"""This network namespace's packet filter, as nft(8) and iptables-save(8) tell it, where they may."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from correlator.core.firewall import IPV4, IPV6, Chains, Firewall, joined
from correlator.core.iptables import of_iptables
from correlator.core.nft import of_nft

_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"  # not the user's: it may be root who asks
_SECONDS = 10
_MOST = 64 << 20  # bytes of rules
# Tables of the older kernel interface have programs of their own; to ask them where there are none would load modules.
_LEGACY = (
    ("iptables-legacy-save", IPV4, "/proc/net/ip_tables_names"),
    ("ip6tables-legacy-save", IPV6, "/proc/net/ip6_tables_names"),
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What was read."""

    firewall: Firewall | None
    """None where nothing could be read."""
    read: tuple[str, ...]
    """By which programs."""
    unread: tuple[str, ...]
    """What could not be asked, and why."""


def filters() -> Filters:
    """Read the rules. What may not be read is told, not guessed."""
    chains: list[Chains] = []
    read: list[str] = []
    unread: list[str] = []
    families: set[str] = set()  # of which iptables' own tables are known
    for name, arguments, version in (
        ("iptables-save", [], IPV4),
        ("ip6tables-save", [], IPV6),
        *((name, [], version) for name, version, path in _LEGACY if _has_tables(path)),
        ("nft", ["-j", "list", "ruleset"], 0),  # after these: what they do not tell, it does
    ):
        try:
            told = _told(name, arguments)
            if version:
                chains.append(of_iptables(told, version))
                if "(nf_tables)" in told:  # not the older interface's
                    families.add("ip" if version == IPV4 else "ip6")
            else:
                chains.append(of_nft(json.loads(told), frozenset(families)))
        except OSError as error:
            unread.append(f"{name}: {error}")
        except ValueError:
            unread.append(f"{name}: not understood")
        else:
            read.append(name)
    return Filters(Firewall(joined(chains)) if read else None, tuple(read), tuple(unread))


def _has_tables(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as file:
            return bool(file.read(1))
    except OSError:
        return False


def _told(name: str, arguments: list[str]) -> str:
    """A program's output. Raises OSError."""
    program = shutil.which(name, path=_PATH)
    if program is None:
        raise OSError("is not installed")
    environment = {"PATH": _PATH, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, timeout=_SECONDS, check=False, env=environment, cwd=os.sep
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"no answer in {_SECONDS} s") from None
    if done.returncode or len(done.stdout) > _MOST:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise OSError(lines[0] if lines else f"exit status {done.returncode}")
    return done.stdout.decode("utf-8", "replace")
