"""Fuzzing with atheris: `python -m tests.fuzz.run [TARGET...] [--seconds N]`, from the corpus that is kept.

Each target has a process of its own for so long; what libFuzzer stops at (an exception, a second without an answer,
memory beyond its bound) lies in build/fuzz/TARGET, with what was new, and the run fails. `--keep` adds what is new to the corpus, as little
as covers the same.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

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
    chosen = options.parse_args()
    from tests.fuzz.targets import TARGETS

    names = chosen.targets or list(TARGETS)
    unknown = set(names) - TARGETS.keys()
    if unknown:
        options.error(f"no target {', '.join(sorted(unknown))}; there are: {', '.join(TARGETS)}")
    failed = [name for name in names if not _fuzz(name, chosen.seconds, keep=chosen.keep)]
    print(
        f"{len(names)} targets, {chosen.seconds} s each: {'failed: ' + ', '.join(failed) if failed else 'nothing found'}"
    )
    return len(failed)


def _fuzz(name: str, seconds: int, *, keep: bool) -> bool:
    """Fuzz a target; whether nothing was found."""
    from tests.fuzz.targets import CORPUS, inputs

    found, work = _FOUND / name, _FOUND / name / "corpus"
    work.mkdir(parents=True, exist_ok=True)
    for number, (_, data) in enumerate(inputs(name)):
        (work / f"kept-{number}").write_bytes(data)
    print(f"{name}: from {len(list(work.iterdir()))} inputs", flush=True)
    ended = _libfuzzer(name, [work], f"-max_total_time={seconds}", f"-artifact_prefix={found}/")
    if keep:
        fewer = found / "fewer"
        shutil.rmtree(fewer, ignore_errors=True)
        fewer.mkdir()
        _libfuzzer(name, [fewer, work], "-merge=1")
        shutil.rmtree(CORPUS / name, ignore_errors=True)
        shutil.copytree(fewer, CORPUS / name)
    return ended == 0


def _libfuzzer(name: str, folders: list[Path], *options: str) -> int:
    """Run libFuzzer on a target, in a process of its own: it never returns. To merge it starts itself again."""
    starter = _FOUND / name / "start"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {_SELF} {_ONE} {name} "$0" "$@"\n')
    starter.chmod(0o755)
    bounds = (f"-max_len={_LONGEST}", f"-timeout={_SECONDS_EACH}", f"-rss_limit_mb={_MEGABYTES}")
    command = [str(starter.resolve()), *bounds, *options, *map(str, folders)]
    return subprocess.run(command, check=False, env={**os.environ, "CORRELATOR_PURE": "1"}).returncode


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
