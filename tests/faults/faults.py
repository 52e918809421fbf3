"""The faults, each once: what happened to what was lost, or TroubleError."""

import contextlib
import os
import pty
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.scene import (
    LOST_AT_MOST,
    Live,
    Load,
    TroubleError,
    drained,
    live,
    missing,
    repaired,
    right,
    some_time,
    table,
)

_AT_THE_MOMENT = 50  # connections: twice 0.1 s of the load
Fault = Callable[[random.Random, Path], str]


def killed(chance: random.Random, folder: Path) -> str:
    """SIGKILL at any moment, from before the first packet on; half of them rotate their files."""
    options = ["--rotate-every", "0.5"] if chance.random() < 0.5 else []
    with Load() as load:
        run = live("-w", folder / "x", *options)
        if chance.random() < 0.2:
            some_time(chance, 0.5)
        else:
            run.wait_until_it_captures()
            began = time.monotonic()
            some_time(chance, 6)
            load.closed = {key: at for key, at in load.closed.items() if at > began + 0.1}
        run.process.kill()
        at = time.monotonic()
        run.end()
    _, cut = repaired(folder)
    right([row for path in folder.glob("*.csv") for row in table(path)])
    age = missing(load, folder, at) if "capturing" in run.said else 0
    if age > LOST_AT_MOST:
        raise TroubleError(f"a connection of {age:.1f} s before the kill is missing")
    torn = f", and a record of {cut} files" if cut else ""
    return f"what closed in the last {age:.1f} s{torn}" if age or cut else ""


def disk_full(chance: random.Random, folder: Path) -> str:
    """A tmpfs of 40 to 400 KB for all files of -w, which fill it; one more file is elsewhere."""
    small, elsewhere = folder / "small", folder / "elsewhere"
    small.mkdir()
    elsewhere.mkdir()
    size = chance.randrange(40, 400)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", small], check=True)
    try:
        with Load(pause=0.001) as load:
            run = live("-w", small / "x", "--csv", elsewhere / "y.csv")
            run.wait_until_it_captures()
            began = time.monotonic()
            time.sleep(chance.uniform(2, 4))
        time.sleep(1.5)
        status = run.end()
        is_full = "No space left on device" in run.said
        if (status == 6) != is_full or (status == 0) == is_full:
            raise TroubleError(f"status {status}: {run.said}")
        files, cut = repaired(small)
        if cut:
            raise TroubleError(f"{cut} of {files} files end inside a record")
    finally:
        subprocess.run(["umount", small], check=True)
    load.closed = {key: at for key, at in load.closed.items() if at > began + 0.1}
    if missing(load, elsewhere, time.monotonic()):
        raise TroubleError("the file elsewhere is not complete")
    right(table(elsewhere / "y.csv"))
    return "the rest of the files that were full" if is_full else ""


def file_too_large(chance: random.Random, folder: Path) -> str:
    """RLIMIT_FSIZE: the kernel takes a part of what is written, then none."""
    most = chance.randrange(1000, 100_000)
    with Load(pause=0.001):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            run = live("-w", folder / "x")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        run.wait_until_it_captures()
        time.sleep(2.5)
    status = run.end()
    if status != 6 or "File too large" not in run.said:
        raise TroubleError(f"status {status}: {run.said}")
    files, cut = repaired(folder)
    if cut:
        raise TroubleError(f"{cut} of {files} files end inside a record")
    right(table(folder / "x.csv"))
    return "what came behind the limit"


def io_error(chance: random.Random, folder: Path) -> str:
    """EIO: the output is a terminal whose other end goes away."""
    master, slave = pty.openpty()
    with Load():
        run = live("--jsonl", os.ttyname(slave), "--force", "--csv", folder / "x.csv")
        os.close(slave)
        run.wait_until_it_captures()
        drained(master, chance.uniform(0, 2.5))
        os.close(master)
        time.sleep(2.5)
    status = run.end()
    if status != 6 or "Input/output error" not in run.said:
        raise TroubleError(f"status {status}: {run.said}")
    if not table(folder / "x.csv"):
        raise TroubleError("the other output has no rows")
    right(table(folder / "x.csv"))
    return "the output that failed"


def pipe_closed(chance: random.Random, folder: Path) -> str:
    """Whoever reads standard output leaves: there is nobody to work for, and the other file is complete."""
    with Load():
        run = live("--jsonl", "-", "--csv", folder / "x.csv", stdout=subprocess.PIPE)
        run.wait_until_it_captures()
        assert run.process.stdout
        drained(run.process.stdout.fileno(), chance.uniform(0, 2.5))
        run.process.stdout.close()
        run.process.stdout = None
        try:
            run.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            raise TroubleError("it goes on for nobody") from None
    if run.end() != 6:
        raise TroubleError(f"status {run.process.returncode}: {run.said}")
    right(table(folder / "x.csv"))
    return ""


def fifo_closed(chance: random.Random, folder: Path) -> str:
    """Whoever reads a FIFO leaves: the run goes on, and the other file is complete."""
    os.mkfifo(folder / "fifo")
    reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with Load() as load:
        run = live("--jsonl", folder / "fifo", "--force", "--csv", folder / "x.csv")
        run.wait_until_it_captures()
        began = time.monotonic()
        drained(reader, chance.uniform(0, 2.5))
        os.close(reader)
        time.sleep(2)
    time.sleep(1.5)
    status = run.end()
    if status != 6 or "Broken pipe" not in run.said:
        raise TroubleError(f"status {status}: {run.said}")
    load.closed = {key: at for key, at in load.closed.items() if at > began + 0.1}
    if missing(load, folder, time.monotonic()):
        raise TroubleError("the other file is not complete")
    right(table(folder / "x.csv"))
    return "what the FIFO would have got"


def interface_vanishes(chance: random.Random, folder: Path) -> str:
    """The interface is removed, and sometimes comes back; the run goes on, and says so."""
    add = ["ip", "link", "add", "cf0", "type", "veth", "peer", "name", "cf1"]
    subprocess.run(add, check=True)
    try:
        for name in ("cf0", "cf1"):
            subprocess.run(["ip", "link", "set", name, "up"], check=True)
        run = live("-w", folder / "x", interface="cf0")
        run.wait_until_it_captures()
        some_time(chance, 1.5)
        subprocess.run(["ip", "link", "del", "cf0"], check=True)
        some_time(chance, 1.5)
        if chance.random() < 0.5:
            subprocess.run(add, check=True)
            subprocess.run(["ip", "link", "set", "cf0", "up"], check=True)
            some_time(chance, 1.5)
    finally:
        subprocess.run(["ip", "link", "del", "cf0"], check=False, stderr=subprocess.DEVNULL)
    status = run.end()
    if status != 0 or "cf0 went down or away" not in run.said:
        raise TroubleError(f"status {status}: {run.said}")
    repaired(folder)
    return ""


def netlink_overflow(chance: random.Random, folder: Path) -> str:
    """The process stands still (SIGSTOP) with the small buffers that it has without CAP_NET_ADMIN."""
    without = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"]
    with Load(pause=0):
        run = live("-w", folder / "x", before=without)
        run.wait_until_it_captures()
        _stand_still(chance, run, 6)
    time.sleep(1.5)
    status = run.end()
    lost = "evidence lost: " in run.said
    if status != (4 if lost else 0):
        raise TroubleError(f"status {status}: {run.said}")
    repaired(folder)
    unknown = right(table(folder / "x.csv"))
    if unknown and not lost:
        raise TroubleError(f"{unknown} connections without a socket, and nothing was lost: {run.said}")
    return "evidence, counted" if lost else ""


def ring_overflow(chance: random.Random, folder: Path) -> str:
    """The process stands still with a ring of 1 MB."""
    with Load(pause=0.0002):
        run = live("-w", folder / "x", "--ring", "1", "--all-packets")
        run.wait_until_it_captures()
        _stand_still(chance, run, 4)
    time.sleep(1.5)
    status = run.end()
    lost = "packets or evidence were lost" in run.said
    if status != (4 if lost else 0):
        raise TroubleError(f"status {status}: {run.said}")
    repaired(folder)
    right(table(folder / "x.csv"))
    return "packets, counted" if lost else ""


def _stand_still(chance: random.Random, run: Live, most: float = 2) -> None:
    for _ in range(chance.randrange(1, 4)):
        some_time(chance, 0.5)
        run.process.send_signal(signal.SIGSTOP)
        some_time(chance, most)
        run.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)


def clock_set_back(chance: random.Random, folder: Path) -> str:
    """The clock is set back by up to 30 s while packets come, and forward again."""
    with Load() as load:
        run = live("-w", folder / "x")
        run.wait_until_it_captures()
        began = time.monotonic()
        some_time(chance, 1.5)
        back, at = chance.uniform(0.5, 30), time.monotonic()
        time.clock_settime(time.CLOCK_REALTIME, time.time() - back)
        try:
            some_time(chance, 3)
        finally:
            time.clock_settime(time.CLOCK_REALTIME, time.time() + back)
        held = time.monotonic() - at
        some_time(chance, 1.5)
    time.sleep(2.5)
    status = run.end()
    if status != 4 or "2 settings of the clock" not in run.said:
        raise TroubleError(f"status {status}: {run.said}")
    load.closed = {key: at for key, at in load.closed.items() if at > began + 0.1}
    what = f"set back by {back:.1f} s for {held:.1f} s"
    if age := missing(load, folder, time.monotonic()):
        raise TroubleError(f"{what}: a connection of {age:.1f} s ago is missing")
    repaired(folder)
    unknown = right(table(folder / "x.csv"))
    if unknown > _AT_THE_MOMENT:
        raise TroubleError(f"{what}: {unknown} connections without a socket")
    return "evidence of the moments when it was set, counted" if unknown else ""


def analysis_killed(chance: random.Random, folder: Path) -> str:
    """SIGKILL while `analyse` writes, in one process or two."""
    from tests.faults.sample import sample
    from tests.faults.scene import CORRELATOR

    jobs = ["--jobs", "2"] if chance.random() < 0.5 else []
    command = [*CORRELATOR, "analyse", sample(), "-q", "-w", str(folder / "x"), *jobs]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    some_time(chance, 2.0)
    process.kill()
    run = Live(process)
    run.end()
    _, cut = repaired(folder)
    with contextlib.suppress(FileNotFoundError):
        table(folder / "x.csv")
    return f"what was not written yet, and a record of {cut} files" if cut else "what was not written yet"


FAULTS: dict[str, Fault] = {
    "live is killed (SIGKILL)": killed,
    "analyse is killed (SIGKILL)": analysis_killed,
    "disk full": disk_full,
    "file too large": file_too_large,
    "I/O error": io_error,
    "standard output's reader leaves": pipe_closed,
    "a FIFO's reader leaves": fifo_closed,
    "the interface vanishes": interface_vanishes,
    "netlink buffers overflow": netlink_overflow,
    "the capture ring overflows": ring_overflow,
    "the clock is set back": clock_set_back,
}
