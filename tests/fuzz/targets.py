"""All targets: functions of any bytes at all, each with what it begins from.

The invariant of all: findings, a counted skip, or the documented error; what comes out adds up, and is bounded. What a
target returns is what the bytes mean: the same with the compiled core and with the plain sources.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz import command, kernel, saved, seeds, wire

Target = Callable[[bytes], object]

TARGETS: dict[str, Target] = {
    "capture": wire.capture,
    "decode": wire.decode,
    "tracker": wire.tracker,
    "ring": wire.ring,
    "netlink": kernel.netlink,
    "trace": kernel.trace,
    "groups": kernel.groups,
    "filters": kernel.filters,
    "tables": saved.tables,
    "reports": saved.reports,
    "rules": saved.rules,
    "compressed": saved.compressed,
    "comments": saved.comments,
    "analyse": command.analyse,
}
CORPUS = Path(__file__).parent / "corpus"


def inputs(name: str) -> Iterator[tuple[str, bytes]]:
    """What is kept for a target: its seeds, and what fuzzing found to be new."""
    for number, seed in enumerate(seeds.SEEDS[name]):
        yield f"seed {number}", seed
    for path in sorted((CORPUS / name).glob("*")):
        yield path.name, path.read_bytes()
