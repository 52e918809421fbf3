"""Kills at any moment: `python -m tests.fleet.kills [--kills N] [--seed N] [--into FILE]`.

A nats-server, `live --publish` and two collectors in a network namespace, under load, as root; SIGKILL for one of them
after the other. What was published is counted by inotify in the spool's folder, where a batch comes under its name when
it is complete: so many findings must be in the collectors' folder in the end, each once.
"""

import argparse
import collections
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.document import written
from tests.faults.scene import Load, TroubleError
from tests.fleet.watch import Watch
from tests.namespace import enter

_URL = "nats://127.0.0.1:4222"
_NAME = re.compile(r"\d+-(\d+)-([0-9a-f]{32})\.jsonl\.gz")
_AGAIN = 14  # seconds: what a killed collector held comes again


class Fleet:
    """The programs, which can be killed and come again."""

    def __init__(self, folder: Path) -> None:
        """Starts them."""
        self.folder = folder
        (folder / "spool").mkdir()
        correlator = [sys.executable, "-m", "correlator"]
        spool = ["--spool", str(folder / "spool")]
        collect = [*correlator, "collect", _URL, "--to", str(folder / "dir"), "--every", "0.4"]
        self.commands = {
            "server": ["nats-server", "-js", "-sd", str(folder / "js"), "-a", "127.0.0.1"],
            "publisher": [*correlator, "live", "-i", "lo", "-q", "--publish", _URL, *spool],
            "collector": collect,
            "other collector": collect,
        }
        self.log = (folder / "log").open("w")
        self.running = {name: self._start(name) for name in self.commands}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.commands[name], stdout=self.log, stderr=self.log)

    def kill(self, name: str, pause: float) -> None:
        """SIGKILL, and start it again after a while."""
        self.running[name].kill()
        self.running[name].wait()
        time.sleep(pause)
        self.running[name] = self._start(name)

    def end(self) -> None:
        """End the publisher and the collectors in order, each with its work done; then the server."""
        self._end("publisher")
        for _ in range(5):  # the server may have been away: what waits is the next run's
            if any((self.folder / "spool").iterdir()):
                subprocess.run([*self.commands["publisher"], "--duration", "1"], stderr=self.log, check=True)
        time.sleep(_AGAIN)
        for name in ("collector", "other collector"):
            self._end(name)
        done = subprocess.run([*self.commands["collector"], "--once"], stderr=self.log, check=False)
        self._end("server")
        if done.returncode:
            raise TroubleError(f"collect --once: status {done.returncode}")

    def _end(self, name: str) -> None:
        process = self.running[name]
        process.send_signal(signal.SIGINT)
        if process.wait(timeout=30):
            raise TroubleError(f"{name}: status {process.returncode}, see {self.folder}/log")

    def stop(self) -> None:
        """Whatever happened."""
        for process in self.running.values():
            process.kill()
            process.wait()
        self.log.close()


def campaign(kills: int, chance: random.Random, folder: Path) -> tuple[collections.Counter[str], int, int]:
    """Kill so many times: how often each, the findings that were published, those that came again."""
    killed: collections.Counter[str] = collections.Counter()
    fleet = Fleet(folder)
    watch = Watch(folder / "spool")
    try:
        with Load():
            time.sleep(3)
            for _ in range(kills):
                name = chance.choice(list(fleet.commands))
                fleet.kill(name, chance.choice([0, chance.uniform(0, 1)]))
                killed[name] += 1
                time.sleep(chance.uniform(0, 2.5))
            time.sleep(3)  # the last that were started hear signals by now
        fleet.end()
    finally:
        fleet.stop()
    published, batches = _published(watch)
    return killed, published, _collected(folder / "dir", published, batches)


def _published(watch: Watch) -> tuple[int, set[str]]:
    """How many findings came into the spool, and in which batches."""
    found = [match for name in watch.names if (match := _NAME.fullmatch(name)) is not None]
    return sum(int(match[1]) for match in found), {match[2] for match in found}


def _collected(folder: Path, published: int, batches: set[str]) -> int:
    """See that each finding is there once, and all; returns in how many files."""
    import json

    from pyarrow import dataset, parquet

    files = sorted(folder.glob("day=*/*/*.parquet"))
    table = dataset.dataset([str(path) for path in files]).to_table(
        columns=["community_id", "opened_at", "client_isn", "side"]
    )
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    doubled = [row for row, times in collections.Counter(rows).items() if times > 1]
    told = [name for path in files for name in json.loads(parquet.read_metadata(path).metadata[b"correlator.batches"])]
    if len(rows) != published or doubled or set(told) != batches:
        raise TroubleError(
            f"{published} findings in {len(batches)} batches were published, {len(rows)} in {len(set(told))} are there, "
            f"{len(doubled)} of them more than once"
        )
    return len(files)


def main() -> int:
    """Run as a program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=time.time_ns() & 0xFFFF)
    options.add_argument("--into", type=Path, metavar="FILE")
    chosen = options.parse_args()
    enter("tests.fleet.kills")
    folder = Path(tempfile.mkdtemp(prefix="correlator-kills-"))
    try:
        killed, published, files = campaign(chosen.kills, random.Random(chosen.seed), folder)
    except TroubleError as trouble:
        print(f"seed {chosen.seed}: {trouble}\n  its files: {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    lines = [f"| {name} | {times} |" for name, times in sorted(killed.items())]
    lines += ["", f"{published} findings published, {published} in {files} files of the folder, none twice."]
    print("\n".join(lines))
    if chosen.into:
        written(chosen.into, "kills", ["| SIGKILL of | times |", "|---|---|", *lines])
    return 0


if __name__ == "__main__":
    sys.exit(main())
