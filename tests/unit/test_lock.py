"""What is pinned is what pyproject.toml asks for, with hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINNED = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)(?: ; .*)? \\$", re.MULTILINE)


@pytest.mark.parametrize(
    ("lock", "extra"), [("requirements.txt", "dev"), ("fuzz.txt", "fuzz"), ("storage.txt", "storage")]
)
def test_the_lock_is_in_step(lock: str, extra: str) -> None:
    """Each dependency in a version that is asked for; run .ci/lock after a change."""
    text = (ROOT / ".ci" / lock).read_text()
    pinned = {canonicalize_name(name): Version(version) for name, version in PINNED.findall(text)}
    for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]):
        wanted = Requirement(line)
        assert pinned[canonicalize_name(wanted.name)] in wanted.specifier, line


@pytest.mark.parametrize("lock", ["requirements.txt", "fuzz.txt", "storage.txt", "audit.txt"])
def test_everything_has_a_hash(lock: str) -> None:
    """As pip --require-hashes wants it."""
    entries = re.split(r"\n(?! )", (ROOT / ".ci" / lock).read_text().strip())
    assert len(entries) > 5
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==", entry), entry
        assert "--hash=sha256:" in entry, entry
