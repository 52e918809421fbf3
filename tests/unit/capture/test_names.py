"""Names of captures."""

from pathlib import Path

import pytest

from correlator.capture.names import UnreadableError, expand


def names(folder: Path, *patterns: str) -> list[str]:
    """What names in a folder expand to."""
    return [Path(name).name for name in expand([str(folder / pattern) for pattern in patterns])]


def test_rotated_sets_are_in_their_order(tmp_path: Path) -> None:
    """As tcpdump -C, tcpdump -G and `live --rotate-size` name them; what is no capture is left out."""
    wanted = ["a.pcap", "a.pcap1", "a.pcap2", "a.pcap10", "run-00009.pcapng", "run-00010.pcapng.gz", "z.CAP"]
    for name in [*wanted, "a.sockets.jsonl", "notes.txt", "x.gz"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.pcap").mkdir()
    assert names(tmp_path, "") == wanted
    assert names(tmp_path, "a.pcap*") == wanted[:4]
    assert names(tmp_path, "run-*.pcapng*", "z.CAP") == wanted[4:]


def test_a_name_with_a_star_in_it(tmp_path: Path) -> None:
    """A file that is called so is that file."""
    (tmp_path / "a*.pcap").touch()
    (tmp_path / "ab.pcap").touch()
    assert names(tmp_path, "a*.pcap") == ["a*.pcap"]
    assert expand(["-", "nothing.pcap"]) == ["-", "nothing.pcap"]


@pytest.mark.parametrize(("pattern", "reason"), [("", "a folder without captures"), ("*.pcap", "matches no file")])
def test_nothing_there(tmp_path: Path, pattern: str, reason: str) -> None:
    """It says so."""
    with pytest.raises(UnreadableError, match=reason):
        names(tmp_path, pattern)
