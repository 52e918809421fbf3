"""Every input that is kept goes through its target."""

import os
import subprocess
import sys

from tests.fuzz.replay import digests
from tests.fuzz.targets import TARGETS


def test_corpus() -> None:
    """Findings, a counted skip, or the documented error; the plain sources make the same of each as the compiled core."""
    here = list(digests())
    assert {line.partition(":")[0] for line in here} == TARGETS.keys()
    command = [sys.executable, "-m", "tests.fuzz.replay"]
    said = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "CORRELATOR_PURE": "1"}
    )
    assert said.stdout.splitlines() == ["Python sources", *here]
