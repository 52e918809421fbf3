"""Writes docs/correlator.1, and what --help says in docs/GUIDE.md, from the commands: `python docs/make_manual.py`.

With --check it only tells whether they say what the commands do; a test does that.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from correlator import __version__
from correlator.cli.main import cli

PAGE = Path(__file__).with_name("correlator.1")
GUIDE = Path(__file__).with_name("GUIDE.md")
_HELP = re.compile(r"```\nUsage: correlator ?(\w*).*?```\n", re.DOTALL)
_COLUMNS = 100
_ABOUT = (
    "tells of every TCP connection on the wire which kernel socket terminates it, of which address family, owned by "
    "whom, and why. It is for the case that netstat(8) shows as tcp6 with IPv4 addresses: IPv4 on the wire, an "
    "AF_INET6 socket in the kernel (RFC 3493, section 3.7)."
)
_STATUSES = {
    "0": "Done.",
    "1": "What --fail-on names was found.",
    "2": "Wrong usage.",
    "3": "Nothing of the input could be read.",
    "4": "Done, but the input was damaged or evidence was lost; what was intact is reported.",
    "5": "Not permitted; the message says which capability is missing.",
    "6": "An output failed.",
    "130": "analyse was interrupted; what was read is reported.",
}
_VARIABLES = {
    "CORRELATOR_PURE": "If it is 1, the Python sources run in place of the compiled modules.",
    "NO_COLOR": "The live view has no colours.",
    "NOTIFY_SOCKET": "live tells systemd here when it captures (sd_notify(3)).",
    "TERM": "If it is dumb, live writes a line for each finding.",
}
_EXAMPLES = {
    "Why does netstat say tcp6?": "correlator explain 4243",
    "Watch an interface, and keep packets, evidence and findings": "correlator live -i eth0 -w /var/tmp/monday",
    "Analyse a capture with the table that was saved beside it": "correlator analyse web.pcap --sockets netstat.txt",
    "A report for the browser": "correlator export monday.jsonl --html monday.html",
    "Who would be refused if listeners took IPv6 only?": "correlator audit monday.jsonl --sockets live",
}


def main(*, check: bool) -> int:
    """Write them, or tell by the exit status whether that would change anything."""
    written = {PAGE: page(), GUIDE: with_help(GUIDE.read_text(encoding="utf-8"))}
    if check:
        return int(any(path.read_text(encoding="utf-8") != text for path, text in written.items()))
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    return 0


def page() -> str:
    """The manual page."""
    context = cli.make_context("correlator", [], resilient_parsing=True)
    lines = [
        '.\\" Written by docs/make_manual.py.',
        f'.TH CORRELATOR 1 "" "correlator {__version__}" "User Commands"',
        ".nh",  # names of options and files are whole
        ".ad l",
        ".SH NAME",
        "correlator \\- which kernel socket terminates a TCP connection, of which family, and why",
        ".SH SYNOPSIS",
        ".B correlator",
        ".I COMMAND",
        "[\\fIOPTION\\fR]...",
        ".SH DESCRIPTION",
        ".B correlator",
        _roff(_ABOUT),
        ".SH COMMANDS",
    ]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is not None:
            lines += _command(name, command, context)
    lines.append(".SH EXIT STATUS")
    lines += _listed(_STATUSES.items())
    lines.append(".SH ENVIRONMENT")
    lines += _listed(_VARIABLES.items())
    lines.append(".SH EXAMPLES")
    for what, command_line in _EXAMPLES.items():
        lines += [
            ".PP",
            _roff(what) + ("" if what.endswith("?") else ":"),
            ".PP",
            ".RS 4",
            ".nf",
            _roff(command_line),
            ".fi",
            ".RE",
        ]
    lines += [
        ".SH SEE ALSO",
        "\\fBss\\fR(8), \\fBnetstat\\fR(8), \\fBtcpdump\\fR(8), \\fBipv6\\fR(7), \\fBsock_diag\\fR(7)",
    ]
    return "\n".join(lines) + "\n"


def with_help(text: str) -> str:
    """A text in which each block that begins with a command's usage is what its --help says."""
    return _HELP.sub(lambda found: f"```\n{_help(found[1])}\n```\n", text)


def _help(name: str) -> str:
    above = cli.make_context(
        "correlator", [], resilient_parsing=True, terminal_width=_COLUMNS, max_content_width=_COLUMNS
    )
    command = cli.get_command(above, name) if name else cli
    assert command is not None, name
    context = click.Context(command, info_name=name, parent=above) if name else above
    return command.get_help(context)


def _command(name: str, command: click.Command, above: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=above)
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f'.SS "{_roff(" ".join(usage.split()))}"'
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        yield _roff(" ".join(paragraph.split()))
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    yield from _listed(record for record in records if record is not None and record[1])


def _listed(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in pairs:
        yield ".TP"
        yield f"\\fB{_roff(re.sub(' +', ' ', term))}\\fR"
        yield _roff(" ".join(text.split()))


def _roff(text: str) -> str:
    """Text that groff takes for text: escapes, and real hyphens (they are typed into a shell)."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("§", "section ")
    return "\\&" + safe if safe.startswith((".", "'")) else safe


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
