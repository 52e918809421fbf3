"""`correlator analyse`, whole: a capture and the evidence beside it, all outputs."""

import contextlib
import io
import os
import tempfile

from correlator.cli.main import cli

_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None
_STATUSES = {0, 3, 4}  # done, nothing of it could be read, damaged
_OUTPUTS = (".csv", ".jsonl", ".txt", ".pcapng")
BORDER = b"\n--\n"
"""Between the capture and the evidence."""


def analyse(data: bytes) -> object:
    """Any capture with any evidence: a documented status, and errors that are a line each."""
    capture, _, evidence = data.partition(BORDER)
    with tempfile.TemporaryDirectory(dir=_FOLDER, prefix="correlator-fuzz-") as folder:
        name = os.path.join(folder, "in.pcap")
        for path, contents in ((name, capture), (os.path.join(folder, "in.sockets.jsonl"), evidence)):
            with open(path, "wb") as file:
                file.write(contents)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            status = _status("analyse", name, "-q", "-w", os.path.join(folder, "out"))
        assert status in _STATUSES, said.getvalue()
        lines = said.getvalue().replace(folder, "").splitlines()
        assert all(len(line) < 1000 and line.isprintable() for line in lines), lines
        found = []
        for suffix in _OUTPUTS:
            with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, "out" + suffix), "rb") as file:
                found.append((suffix, file.read() if suffix == ".csv" else None))
        return status, lines, found


def _status(*arguments: str) -> object:
    try:
        cli.main(list(arguments), prog_name="correlator", standalone_mode=False)
    except SystemExit as error:
        return error.code
    return 0
