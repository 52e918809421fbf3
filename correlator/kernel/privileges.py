"""What this process may do: capabilities(7)."""

import os

_STATUS = "/proc/self/status"
# Of include/uapi/linux/capability.h those that something here needs.
CAPABILITIES = {
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
}


def capabilities() -> set[str] | None:
    """Those of interest that this process has in effect; None where nothing tells."""
    try:
        with open(_STATUS, encoding="ascii", errors="replace") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        bits = int(lines["CapEff"], 16)
    except (OSError, KeyError, ValueError):
        return None
    return {name for name, bit in CAPABILITIES.items() if bits >> bit & 1}


def sees_all() -> bool:
    """Whether other users' processes can be looked into (ptrace(2), access mode checks); a container's root may not."""
    held = capabilities()
    return os.geteuid() == 0 if held is None else "CAP_SYS_PTRACE" in held
