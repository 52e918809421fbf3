"""Faults, each many times with random timing: `python -m tests.faults.run [--rounds N] [--seed N] [--clock] [FAULT...]`.

In a network namespace of its own, as root. Prints a row for each fault: how often it was tried, and what was lost.
`--into FILE` writes these rows into the table between the marks of a document. The clock is set only with --clock: it is the machine's.
"""

import argparse
import collections
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.document import written
from tests.namespace import enter

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def main() -> int:
    """Try the faults; the number of troubles."""
    from tests.faults.faults import FAULTS
    from tests.faults.scene import TroubleError

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("faults", nargs="*", metavar="FAULT", help="a part of its name; all, if none is given")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seed", type=int, default=time.time_ns() & 0xFFFF)
    options.add_argument("--clock", action="store_true", help="set the machine's clock back and forward again")
    options.add_argument("--into", type=Path, metavar="FILE")
    chosen = options.parse_args()
    enter("tests.faults.run")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # what a fault has changed is put back
    rows, troubles = [], 0
    for name, fault in FAULTS.items():
        if (chosen.faults and not any(part in name for part in chosen.faults)) or (
            "clock" in name and not chosen.clock
        ):
            continue
        lost: collections.Counter[str] = collections.Counter()
        for number in range(chosen.rounds):
            folder = Path(tempfile.mkdtemp(prefix="correlator-faults-"))
            try:
                lost[fault(random.Random(f"{chosen.seed} {name} {number}"), folder)] += 1
                shutil.rmtree(folder)
            except TroubleError as trouble:
                troubles += 1
                lost["TROUBLE"] += 1
                print(f"{name}, seed {chosen.seed}, round {number}: {trouble}\n  its files: {folder}", file=sys.stderr)
        nothing = lost.pop("", 0)
        told = [f"{text} ({times}x)" if text == "TROUBLE" else text for text, times in lost.items()]
        parts = [*_numbers(told), *([f"nothing, {nothing} times"] if nothing else [])]
        rows.append(f"| {name} | {chosen.rounds} | {'; '.join(parts)} |")
        print(rows[-1], flush=True)
    if chosen.into:
        there = dict(re.findall(r"^(\| ([^|]+) \| \d+ \|.*)$", chosen.into.read_text(), re.MULTILINE))
        kept = {name: line for line, name in there.items()} | {row.split(" | ")[0][2:]: row for row in rows}
        lines = [kept[name] for name in FAULTS if name in kept]
        written(chosen.into, "faults", ["| fault | tried | lost |", "|---|---|---|", *lines])
    return troubles


def _numbers(told: list[str]) -> list[str]:
    """What was told; of what differs in its numbers only, the one with the largest."""
    largest: dict[str, tuple[float, str]] = {}
    for text in told:
        numbers = [float(number) for number in _NUMBER.findall(text)]
        one = max(numbers, default=0.0), text
        largest[_NUMBER.sub("#", text)] = max(one, largest.get(_NUMBER.sub("#", text), one))
    return [text for _, text in largest.values()]


if __name__ == "__main__":
    sys.exit(main())
