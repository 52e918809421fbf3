"""Tells the service manager how things stand, as sd_notify(3) describes it."""

import os
import socket


def notify(state: str) -> None:
    """Send a state (`READY=1`, `STOPPING=1`) to $NOTIFY_SOCKET; does nothing where there is none or nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(state.encode(), target)
    except OSError:
        return
