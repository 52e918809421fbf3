"""Units and containers."""

from pathlib import Path

import pytest

from correlator.kernel.cgroups import CgroupPaths, container_of, path_of_process

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "container"),
    [
        (f"/system.slice/docker-{ID}.scope", ID[:12]),
        (f"/docker/{ID}", ID[:12]),
        (f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-{ID}.scope", ID[:12]),
        (f"/kubepods/besteffort/pod1/{ID}", ID[:12]),
        (f"/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope", ID[:12]),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container", ID[:12]),
        ("/lxc.payload.web/system.slice/nginx.service", "web"),
        ("/lxc/web", "web"),
        ("/machine.slice/systemd-nspawn@web.service/payload", "web"),
        ("/system.slice/nginx.service", ""),
        ("/user.slice/user-0.slice/session-1.scope", ""),
        ("", ""),
    ],
)
def test_containers(path: str, container: str) -> None:
    """Docker, containerd, CRI-O, Podman, LXC, nspawn; a plain unit is none."""
    assert container_of(path) == container


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0::/system.slice/x.service\n", "/system.slice/x.service"),
        ("0::/\n", ""),
        (f"9:memory:/docker/{ID}\n0::/\n", f"/docker/{ID}"),
        ("9:memory:/a\n1:cpu:/b\n", ""),
        ("nonsense", ""),
    ],
)
def test_a_processs_group(text: str, path: str) -> None:
    """Version 2's path, unless a version 1 line names a container."""
    assert path_of_process(text) == path


def test_paths_by_id(tmp_path: Path) -> None:
    """A socket carries the inode number of its group's folder."""
    group = tmp_path / "cg" / "system.slice" / "x.service"
    group.mkdir(parents=True)
    mounts = tmp_path / "mounts"
    mounts.write_text(f"cgroup2 {tmp_path / 'cg'} cgroup2 rw 0 0\nproc /proc proc rw 0 0\nshort\n")
    paths = CgroupPaths(mounts)
    assert paths.path(group.stat().st_ino) == "/system.slice/x.service"
    assert paths.path((tmp_path / "cg").stat().st_ino) == ""
    assert paths.path(1) == ""


def test_without_version_2(tmp_path: Path) -> None:
    """Every path is unknown."""
    assert CgroupPaths(tmp_path / "none").path(1) == ""
