"""`correlator doctor`: a line for each thing that was tried."""

import json
import os
import subprocess
import sys

import pytest

from correlator.cli.doctor import _grants, _lines
from correlator.kernel import health, privileges
from correlator.kernel.health import Check, Status, checks
from correlator.kernel.privileges import capabilities

NAMES = [
    *("correlator", "kernel", "privileges", "capture", "lookups", "destroy events", "state events"),
    *("owners", "namespaces", "packet filter", "zstd", "lz4", "bindv6only"),
]


def doctor(*arguments: str, **environment: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "correlator", "doctor", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_everything_is_told() -> None:
    """On one screen, and whatever is missing with what is lost and what to do."""
    found = json.loads(doctor("--json"))
    assert [check["name"] for check in found] == NAMES
    for check in found:
        assert check["found"]
        assert (check["status"] == "missing") == bool(check["loss"]) == bool(check["remedy"])
    text = doctor(COLUMNS="80")
    assert max(map(len, text.partition("Ways to grant")[0].splitlines())) <= 80
    assert text.startswith(("ok ", "missing "))


def test_the_sources_are_told() -> None:
    """Results are the same, speed is not."""
    found = json.loads(doctor("--json", CORRELATOR_PURE="1"))
    assert found[0]["status"] == "missing"
    assert "Python sources" in found[0]["found"]
    assert "compiler" in found[0]["remedy"]


def test_lines_are_wrapped_under_their_names() -> None:
    """Loss and remedy stand below."""
    check = Check("capture", Status.MISSING, "Operation not permitted", "all packets", "CAP_NET_RAW")
    assert list(_lines([check], 100)) == [
        "missing  capture         Operation not permitted",
        "                         you lose: all packets",
        "                         to mend it: CAP_NET_RAW",
    ]


def test_grants_name_real_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy beside a virtual environment's interpreter finds its packages; elsewhere it goes where admins put things."""
    monkeypatch.setattr(sys, "prefix", "/srv/venv")
    assert "/srv/venv/bin/correlator-python -m correlator live" in _grants()
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert "/usr/local/bin/correlator-python" in _grants()
    assert "setcap cap_net_raw,cap_sys_ptrace" in _grants()


def test_what_cannot_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Another system, or a sandbox without /proc."""
    monkeypatch.setattr(privileges, "_STATUS", f"{tmp_path}/none")
    assert capabilities() is None
    monkeypatch.setattr(health, "bindv6only", lambda: None)
    found = {check.name: check for check in checks()}
    assert found["privileges"].status is found["bindv6only"].status is Status.NOTE
    monkeypatch.setattr(health, "bindv6only", lambda: True)
    assert "IPv6 only" in {check.name: check for check in checks()}["bindv6only"].found


def test_packages_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read without them, and how to have them."""
    monkeypatch.setattr(health, "_OPTIONAL", {"zstd": ("no_such_package.zstd", "none_either")})
    (check,) = (check for check in checks() if check.name == "zstd")
    assert (check.status, check.remedy) == (Status.MISSING, "pip install 'correlator[zstd]'")
