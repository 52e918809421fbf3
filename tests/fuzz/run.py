"""Fuzzing with atheris: `python -m tests.fuzz.run [TARGET...] [--seconds N]`, from the corpus that is kept.

Each target has a process of its own for so long; what libFuzzer stops at (an exception, a second without an answer,
memory beyond its bound) lies in build/fuzz/TARGET, with what was new, and the run fails. `--keep` adds what is new to the corpus, as little
as covers the same.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.document import written

_SELF = "tests.fuzz.run"
_ONE = "--one"
_FOUND = Path("build/fuzz")
_LONGEST = 4096  # bytes of an input
_SECONDS_EACH = 5  # an input that takes longer is a hang: the slowest machines, with every line traced
_MEGABYTES = 1024  # of a process, atheris and Scapy included


def main() -> int:
    """Fuzz; the number of targets that failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("targets", nargs="*", metavar="TARGET")
    options.add_argument("--seconds", type=int, default=60, help="for each target")
    options.add_argument("--keep", action="store_true", help="add what is new to the corpus")
    options.add_argument("--into", type=Path, metavar="FILE", help="write the table between the marks of a document")
    chosen = options.parse_args()
    from tests.fuzz.targets import TARGETS

    names = chosen.targets or list(TARGETS)
    unknown = set(names) - TARGETS.keys()
    if unknown:
        options.error(f"no target {', '.join(sorted(unknown))}; there are: {', '.join(TARGETS)}")
    rows, failed = [], []
    for name in names:
        tried, is_sound = _fuzz(name, chosen.seconds, keep=chosen.keep)
        rows.append(f"| `{name}` | {_first_line(TARGETS[name])} | {tried:,} | {'nothing' if is_sound else 'a fault'} |")
        if not is_sound:
            failed.append(name)
    told = f"failed: {', '.join(failed)}" if failed else "nothing found"
    print(f"{len(names)} targets, {chosen.seconds} s each: {told}")
    if chosen.into:
        written(chosen.into, "fuzz", ["| target | what it takes | inputs tried | found |", "|---|---|---|---|", *rows])
    return len(failed)


def _first_line(target: Callable[[bytes], object]) -> str:
    return (target.__doc__ or "").partition("\n")[0].rstrip(".")


def _fuzz(name: str, seconds: int, *, keep: bool) -> tuple[int, bool]:
    """Fuzz a target: how many inputs were tried, and whether nothing was found."""
    from tests.fuzz.targets import CORPUS, inputs

    found, work = _FOUND / name, _FOUND / name / "corpus"
    work.mkdir(parents=True, exist_ok=True)
    for number, (_, data) in enumerate(inputs(name)):
        (work / f"kept-{number}").write_bytes(data)
    print(f"{name}: from {len(list(work.iterdir()))} inputs", flush=True)
    status, said = _libfuzzer(name, [work], f"-max_total_time={seconds}", f"-artifact_prefix={found}/")
    tried = re.findall(r"^#(\d+)", said, re.MULTILINE)
    if status:
        print(said[-4000:])
    if keep:
        fewer = found / "fewer"
        shutil.rmtree(fewer, ignore_errors=True)
        fewer.mkdir()
        _libfuzzer(name, [fewer, work], "-merge=1")
        shutil.rmtree(CORPUS / name, ignore_errors=True)
        shutil.copytree(fewer, CORPUS / name)
    return int(tried[-1]) if tried else 0, status == 0


def _libfuzzer(name: str, folders: list[Path], *options: str) -> tuple[int, str]:
    """Run libFuzzer on a target, in a process of its own: it never returns. To merge it starts itself again.

    Its status, and what it said.
    """
    starter = _FOUND / name / "start"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {_SELF} {_ONE} {name} "$0" "$@"\n')
    starter.chmod(0o755)
    bounds = (f"-max_len={_LONGEST}", f"-timeout={_SECONDS_EACH}", f"-rss_limit_mb={_MEGABYTES}")
    command = [str(starter.resolve()), *bounds, *options, *map(str, folders)]
    done = subprocess.run(
        command,
        check=False,
        env={**os.environ, "CORRELATOR_PURE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    return done.returncode, done.stderr


def _one(name: str, arguments: list[str]) -> None:
    """Hand a target to libFuzzer, with every branch of ours told to it."""
    import atheris

    import correlator  # noqa: F401  it puts its sources first; atheris has to stand before them

    with atheris.instrument_imports(include=["correlator"]):
        from tests.fuzz.targets import TARGETS

    target = TARGETS[name]

    def fuzzed(data: bytes) -> None:
        target(data)  # libFuzzer takes nothing back

    atheris.Setup(arguments, fuzzed)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == [_ONE]:
        _one(sys.argv[2], sys.argv[3:])
    sys.exit(main())
