"""Which kernel socket terminates a TCP connection, of which family, owned by whom, and why."""

__version__ = "0.1.0"
