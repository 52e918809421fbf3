"""Control groups: which unit or container a process or a socket belongs to (cgroups(7))."""

import os
import re
import time
from pathlib import Path

# A full walk of a host with thousands of groups takes some tens of ms: not more often than this for unknown ids.
_WALK_EVERY = 1.0
_MAX_GROUPS = 65_536

_CONTAINERS = (
    re.compile(r"(?:docker|cri-containerd|crio|libpod|buildkit)[-/](?P<id>[0-9a-f]{64})(?:\.scope)?(?:/|$)"),
    re.compile(r"/(?:kubepods|docker|containerd|garden|actions_job|ecs)[^ ]*/(?P<id>[0-9a-f]{64})(?:/|$)"),
    re.compile(r"/lxc(?:\.payload)?[./](?P<id>[\w.-]+?)(?:/|$)"),
    re.compile(r"/machine\.slice/(?:machine-|systemd-nspawn@)(?P<id>[\w.@\\-]+?)\.(?:scope|service)(?:/|$)"),
)


def container_of(path: str) -> str:
    """The container's id (12 hex digits, as `docker ps` shows it) or name that a cgroup path tells; empty for none."""
    for pattern in _CONTAINERS:
        found = pattern.search(path)
        if found:
            name = found["id"]
            return name[:12] if re.fullmatch(r"[0-9a-f]{64}", name) else name
    return ""


def path_of_process(text: str) -> str:
    """The cgroup path in the text of /proc/PID/cgroup: version 2's, else the version 1 line that names a container."""
    paths = [line.split(":", 2)[2] for line in text.splitlines() if line.count(":") >= 2]
    contained = next((path for path in paths if container_of(path)), None)
    if contained is not None:
        return contained
    unified = next((line.split(":", 2)[2] for line in text.splitlines() if line.startswith("0::")), "")
    return unified if unified != "/" else ""


class CgroupPaths:
    """Paths of version 2 groups by the id that sockets carry: the inode number of the group's directory."""

    def __init__(self, mounts: Path = Path("/proc/self/mounts")) -> None:
        """Finds where version 2 is mounted; without it every path is empty."""
        self._root: Path | None = None
        self._paths: dict[int, str] = {}
        self._walked_at = float("-inf")
        try:
            lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            fields = line.split()
            if len(fields) > 2 and fields[2] == "cgroup2":
                self._root = Path(fields[1])

    def path(self, number: int) -> str:
        """The path of a group below the mount, `/system.slice/nginx.service`; empty for the root and the unknown."""
        found = self._paths.get(number)
        if found is None and self._root is not None and time.monotonic() - self._walked_at > _WALK_EVERY:
            self._walk(self._root)
            found = self._paths.get(number)
        return found or ""

    def _walk(self, root: Path) -> None:
        self._walked_at = time.monotonic()
        self._paths.clear()
        for folder, _folders, _files in os.walk(root):
            try:
                number = Path(folder).stat().st_ino
            except OSError:
                continue  # it went while we walked
            path = "/" + os.path.relpath(folder, root)
            self._paths[number] = "" if path == "/." else path
            if len(self._paths) >= _MAX_GROUPS:
                break
