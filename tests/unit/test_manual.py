"""The manual says what the program does: every command in it is one, and every help text is the program's."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from correlator.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:sudo )?correlator [^`]+|make \w+[^`]*)`")


def command_lines(path: Path) -> list[str]:
    """The lines that are typed into a shell: in blocks, and in the text."""
    text = path.read_text(encoding="utf-8")
    found = [" ".join(line.split()) for one in _INLINE.findall(text) for line in [one]]
    for block in _BLOCK.findall(text):
        if not block.startswith(("Usage:", "correlator/")):
            found += [
                line.strip() for line in block.splitlines() if re.match(r"\s*(sudo |ssh |make |correlator )", line)
            ]
    return found


def words_of(line: str) -> list[list[str]]:
    """The words of each command of ours in a line: between pipes, behind sudo and ssh."""
    parts: list[list[str]] = []
    words: list[str] = []
    for word in [*shlex.split(line, comments=True), "|"]:
        if word in {"|", "||", "&&", "&", "done", ";"} or word.startswith((">", "2>")):
            parts.append(words)
            words = []
        else:
            words.append(word)
    return [one[one.index(name) :] for one in parts for name in ("make", "correlator") if name in one[:4]]


LINES = [(path, line) for path in TEXTS for line in command_lines(path)]


def test_there_are_commands_to_hold() -> None:
    """The patterns find them."""
    assert len(LINES) > 40
    assert words_of("ssh $host sudo correlator live -i any --jsonl - >$host.jsonl &") == [
        ["correlator", "live", "-i", "any", "--jsonl", "-"]
    ]


@pytest.mark.parametrize(("path", "line"), LINES, ids=lambda value: value if isinstance(value, str) else value.name)
def test_commands_are_what_is_told(path: Path, line: str) -> None:
    """Each command, option and choice is there; each target of make is."""
    del path
    makefile = (ROOT / "Makefile").read_text()
    for name, *words in words_of(line):
        if name == "make":
            targets = [word for word in words if "=" not in word]
            assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
            continue
        context = cli.make_context("correlator", [], resilient_parsing=True)
        if words[0].startswith("-"):
            assert words[0] in {"--version", "--help"}
            continue
        command = cli.get_command(context, words[0])
        assert command is not None, words[0]
        rest = [word for word in words[1:] if word not in {"...", "…"}]
        if rest:
            try:
                command.make_context(words[0], rest, parent=context)
            except click.exceptions.Exit:  # --help
                continue
            except click.MissingParameter:  # `correlator live -w PREFIX` in a sentence
                continue


def test_help_is_the_programs() -> None:
    """What the guide and the manual page tell of options is what --help says; docs/make_manual.py makes it so."""
    command = [sys.executable, str(ROOT / "docs" / "make_manual.py"), "--check"]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    text = (ROOT / "docs" / "GUIDE.md").read_text(encoding="utf-8")
    for name in cli.list_commands(cli.make_context("correlator", [], resilient_parsing=True)):
        assert f"```\nUsage: correlator {name} " in text


def test_groff_takes_the_manual_page() -> None:
    """Without a warning."""
    man = shutil.which("man")
    if man is None:
        pytest.skip("man is not installed")
    done = subprocess.run(
        [man, "--warnings", "-E", "UTF-8", "-l", "-Tutf8", ROOT / "docs" / "correlator.1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "EXIT STATUS" in re.sub(".\x08", "", done.stdout)  # bold is overstruck


def test_links_lead_somewhere() -> None:
    """Pictures and documents that the manual names are there."""
    for path in TEXTS:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).is_file(), (path.name, target)
