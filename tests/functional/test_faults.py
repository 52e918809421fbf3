"""Each fault once, with a chance of its own each time; `make faults` tries them many times."""

import os
import subprocess
import sys

from tests.faults.faults import FAULTS


def test_faults() -> None:
    """Nothing is lost but what is told; in a namespace of its own. The machine's clock is set in CI only."""
    sets_clock = "CORRELATOR_SET_CLOCK" in os.environ
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.run", "--rounds", "1", *(["--clock"] if sets_clock else [])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(FAULTS) - (not sets_clock)
