"""Which kernel socket terminates a TCP connection, of which family, owned by whom, and why."""

from correlator import _compiled

__version__ = "0.1.0"

_compiled.use_library()


def running_core() -> str:
    """Which core runs: the compiled one, or its Python sources, which give the same results more slowly."""
    return "compiled core" if _compiled.is_used() else "Python sources"
