"""Puts every input that is kept through its target: `python -m tests.fuzz.replay` prints what each means, as a digest.

So the compiled core is held against the plain sources (CORRELATOR_PURE=1), and against the sanitizers (`make sanitize`).
"""

import hashlib
from collections.abc import Iterator

from correlator import running_core
from tests.fuzz.targets import TARGETS, inputs


def digests() -> Iterator[str]:
    """A line for each input: its target, its name, a digest of what the target made of it."""
    for name, target in TARGETS.items():
        for said, data in inputs(name):
            try:
                meaning = repr(target(data)).encode()
            except Exception as error:
                error.add_note(f"{name}: {said}")
                raise
            yield f"{name}: {said}: {hashlib.sha256(meaning).hexdigest()[:16]}"


if __name__ == "__main__":
    print(running_core())
    for line in digests():
        print(line)
