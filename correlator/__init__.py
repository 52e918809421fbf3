"""Which kernel socket terminates a TCP connection, of which family, owned by whom, and why."""

import os
from importlib.util import find_spec

__version__ = "0.1.0"

if os.environ.get("CORRELATOR_PURE"):
    from correlator._pure import use_sources

    use_sources()


def running_core() -> str:
    """Which core runs: the compiled one, or its Python sources, which give the same results more slowly."""
    found = find_spec("correlator.core.tracker")
    is_source = found is None or (found.origin or "").endswith(".py")
    return "Python sources" if is_source else "compiled core"
