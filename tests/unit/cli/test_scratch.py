"""What processes write for one another."""

import fcntl
import os
import tempfile
import time
from pathlib import Path

import pytest

from correlator.cli import scratch as module
from correlator.cli.scratch import scratch


def test_what_a_killed_run_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of runs that are gone; nobody else's, nothing behind a link, nothing of another name, nothing that is just made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_YOUNG", 0.2)
    stale, running, young = (tmp_path / f"correlator-jobs-{name}" for name in ("stale", "running", "young"))
    other, kept = tmp_path / "correlator-other-x", tmp_path / "kept"
    for folder in (stale, running, other, kept):
        folder.mkdir()
        (folder / "0.csv").write_text("x")
    (tmp_path / "correlator-jobs-link").symlink_to(kept)
    time.sleep(0.3)
    young.mkdir()
    (young / "0.csv").write_text("x")
    held = os.open(running, os.O_RDONLY)  # by a run of whatever namespace
    fcntl.flock(held, fcntl.LOCK_EX)
    with scratch() as made:
        assert Path(made).is_dir()
        assert not stale.exists()
        time.sleep(0.3)
        with scratch() as another:  # which leaves the first one's alone
            assert Path(made).is_dir()
        assert not Path(another).exists()
    assert not Path(made).exists()
    assert all((folder / "0.csv").exists() for folder in (running, other, kept))
    assert not young.exists()
    os.close(held)
