"""What processes write for one another."""

import os
import tempfile
from pathlib import Path

import pytest

from correlator.cli.scratch import scratch


def test_what_a_killed_run_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of processes that are gone; nobody else's, nothing behind a link, and nothing of another name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = next(pid for pid in range(4_000_000, 5_000_000) if not Path(f"/proc/{pid}").exists())
    stale, running, other = (
        tmp_path / f"correlator-jobs-{gone}-x_1",
        tmp_path / f"correlator-jobs-{os.getppid()}-x",
        tmp_path / "correlator-jobs-x",
    )
    kept = tmp_path / "kept"
    for folder in (stale, running, other, kept):
        folder.mkdir()
        (folder / "0.csv").write_text("x")
    (tmp_path / f"correlator-jobs-{gone}-link").symlink_to(kept)
    with scratch() as made:
        assert Path(made).is_dir()
        assert not stale.exists()
    assert not Path(made).exists()
    assert all((folder / "0.csv").exists() for folder in (running, other, kept))
