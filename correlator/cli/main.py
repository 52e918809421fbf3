"""The `correlator` command: finds the file of the command asked for, and turns what escapes it into one line."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from correlator import __version__
from correlator.cli.exits import Exit, say

# command → module of correlator.cli, function, one line of help; a module is imported when its command is used
_COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "Show the case on this machine: IPv4 on the wire, AF_INET6 in the kernel."),
    "live": ("live", "live", "Capture on interfaces and show what terminates each connection."),
    "analyse": ("analyse", "analyse", "Correlate saved captures with saved socket tables."),
    "export": ("export", "export", "Turn a report into CSV or JSON Lines."),
    "sockets": ("sockets", "sockets", "List this host's TCP sockets with the truth beside netstat's."),
}
_ALIASES = {"analyze": "analyse"}


class _Commands(click.Group):
    """Imports a command when it is asked for, so that --help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        name = _ALIASES.get(cmd_name, cmd_name)
        if name not in _COMMANDS:
            return None
        module, function, _help = _COMMANDS[name]
        command: click.Command = getattr(import_module(f"correlator.cli.{module}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[2]) for name, entry in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="correlator")
def cli() -> None:
    """Tells which kernel socket terminates a TCP connection, of which family, owned by whom, and why."""


def main(arguments: list[str] | None = None) -> None:
    """The entry point. Errors are one line; nothing escapes as a traceback but a fault of the program itself."""
    try:
        status: Any = cli.main(arguments, prog_name="correlator", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        status = Exit.USAGE
    except click.ClickException as error:
        say(f"{error.format_message()} (see correlator --help)")
        status = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        status = 130  # 128 + SIGINT, as shells have it
    except BrokenPipeError:
        status = _broken_pipe()
    except BaseExceptionGroup as group:
        if group.split(BrokenPipeError)[1] is not None:
            raise
        status = _broken_pipe()
    sys.exit(status if isinstance(status, int) else Exit.DONE)


def _broken_pipe() -> Exit:
    """Whoever read standard output has gone (`| head`): nothing is left to say to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OUTPUT


if __name__ == "__main__":
    main()
