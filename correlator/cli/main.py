"""The `correlator` command: finds the file of the command asked for, and turns what escapes it into one line."""

import errno
import gc
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from resource import RLIMIT_NOFILE, getrlimit
from typing import Any, NoReturn

import click

from correlator import __version__, running_core
from correlator.cli.exits import INTERRUPTED, Exit, die, say, show
from correlator.cli.imports import deferred, lightly

# command → module of correlator.cli, function, one line of help; a module is imported when its command is used
_COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "Show the case on this machine: IPv4 on the wire, AF_INET6 in the kernel."),
    "live": ("live", "live", "Capture on interfaces and show what terminates each connection."),
    "analyse": ("analyse", "analyse", "Correlate saved captures with saved socket tables."),
    "collect": ("collect", "collect", "Collect what the hosts of a fleet publish, as Parquet by day and host."),
    "export": ("export", "export", "Turn a report into CSV, JSON Lines or a page for the browser."),
    "explain": ("explain", "explain", "Say in plain words why netstat shows tcp6, and what would change it."),
    "audit": ("audit", "audit_", "Say who would be refused if dual-stack listeners took IPv6 only."),
    "join": ("join", "join", "Join both ends of the connections that the hosts of a fleet report."),
    "query": ("query", "query", "Ask the findings of a fleet: SQL, or questions that are ready."),
    "doctor": ("doctor", "doctor", "Say what works on this machine, and how to mend what does not."),
    "repair": ("repair", "repair", "Cut what a killed run left of a record off the ends of its files."),
    "sockets": ("sockets", "sockets", "List this host's TCP sockets with the truth beside netstat's."),
}
_ALIASES = {"analyze": "analyse"}
_STDERR_FD = 2
_FEWEST_FILES = 32  # that may be open: an analysis with all its outputs takes 20


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
        with lightly():
            command: click.Command = getattr(import_module(f"correlator.cli.{module}"), function)
        gc.freeze()  # what was imported stays, and need not be visited
        gc.enable()  # `correlator.__main__` has disabled it
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except BrokenPipeError:  # as below
            raise SystemExit(Exit.OUTPUT) from None

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  as click has it
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # which click would end with 1, the status of --fail-on
            raise SystemExit(Exit.OUTPUT) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[2]) for name, entry in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda context, _option, wanted: _show_version(context) if wanted else None,
    help="Show the version, and whether the compiled core runs.",
)
def cli() -> None:
    """Tells which kernel socket terminates a TCP connection, of which family, owned by whom, and why."""


def _show_version(context: click.Context) -> None:
    click.echo(f"correlator, version {__version__} ({running_core()})")
    context.exit()


def main(arguments: list[str] | None = None) -> None:
    """The entry point. Errors are one line; nothing escapes as a traceback but a fault of the program itself."""
    _open_standard_streams()
    try:
        _look_for_room()
        if "" in (sys.argv[1:] if arguments is None else arguments):
            die(Exit.USAGE, "an argument is empty (is a variable empty?)")
        with deferred("difflib"):  # click imports it for each option of one letter
            status: Any = cli.main(arguments, prog_name="correlator", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        show(error.format_message() + "\n")
        status = Exit.USAGE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        say(f"{error.format_message()} (see {context.command_path if context else 'correlator'} --help)")
        status = Exit.USAGE
    except SystemExit as error:
        status = error.code
    except (click.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except ExceptionGroup as group:
        status = _told(group)
    except BrokenPipeError:
        status = Exit.OUTPUT  # whoever read standard output has gone (`| head`): nothing is left to say
    except OSError as error:
        status = _failed(error)
    _let_go_of_standard_streams()
    _leave(status if isinstance(status, int) else Exit.DONE)


def _failed(error: OSError) -> Exit:
    reason = error.strerror or str(error)
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        say(f"{reason}: see ulimit -n" if error.filename is None else f"{error.filename}: {reason}: see ulimit -n")
    else:
        say(f"{error.filename or 'standard output'}: {reason}")
    return Exit.OUTPUT


def _told(group: ExceptionGroup) -> Exit:
    """Say what the system refused, where tasks failed by that; anything else is a fault of the program itself."""
    failures, others = group.split(OSError)
    if failures is None or others is not None:
        raise group
    error: BaseException = failures
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return _failed(error) if isinstance(error, OSError) else Exit.OUTPUT


def _look_for_room() -> None:
    """Begin nothing that would end half done, with a complaint of the interpreter's own."""
    most, _ = getrlimit(RLIMIT_NOFILE)
    if 0 <= most < _FEWEST_FILES:
        die(Exit.USAGE, f"{most} files may be open at once, {_FEWEST_FILES} are needed: see ulimit -n")


def _leave(status: int) -> NoReturn:
    """The end, at once: to take the interpreter apart, module by module, takes as long as to analyse a small capture.

    All files are complete and the streams are flushed by now.
    """
    if "multiprocessing" in sys.modules:  # what it keeps running is told by the interpreter's own end
        sys.exit(status)
    os._exit(status)


def _open_standard_streams() -> None:
    """Give a closed standard stream /dev/null, so that no file is opened in its place."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR_FD:
        os.set_inheritable(opened, True)  # processes that are started have them, too
    os.close(opened)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115  lives as long as the process
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale without the characters is no fault


def _let_go_of_standard_streams() -> None:
    """What could not be written is given up, lest the interpreter complain of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
