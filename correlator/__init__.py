"""Which kernel socket terminates a TCP connection, of which family, owned by whom, and why."""

import os

__version__ = "0.1.0"

if os.environ.get("CORRELATOR_PURE"):
    from correlator._pure import use_sources

    use_sources()
