"""Numbers in tables that anybody may have written."""

_MOST = (1 << 64) - 1  # an inode, a cookie: the kernel has no larger ones


def number(text: str | None, base: int = 10) -> int | None:
    """The number; None for none, and for what no kernel counts up to."""
    try:
        value = int(text, base) if text else None
    except ValueError:
        return None
    return value if value is None or 0 <= value <= _MOST else None
