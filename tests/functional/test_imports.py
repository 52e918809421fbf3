"""What a command does not need it does not wait for."""

import dataclasses
import difflib
import gettext
import inspect
import logging
import platform
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.cli.imports import ANSWERS, deferred
from tests import certificate

_CAPTURE = "captures/handshakes.pcap"
_TLS = """
import sys
from correlator.cli.imports import lightly

with lightly():
    import asyncio
assert not {"ssl", "_ssl", "asyncio.sslproto"} & set(sys.modules), "imported at once"

import ssl

async def main():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*sys.argv[1:])
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=served)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=sys.argv[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="localhost")
    writer.write(b"through TLS\\n")
    print((await reader.readline()).decode(), writer.get_extra_info("ssl_object").version())
    writer.close()
    server.close()

asyncio.run(main())
"""
_COMPLAINS = """
import gc, sys
from correlator.cli.imports import lightly

with lightly():
    import asyncio

async def fails():
    raise ValueError("of nobody's")

async def main():
    print("logging" in sys.modules)
    task = asyncio.create_task(fails())
    await asyncio.sleep(0.01)
    del task
    gc.collect()

asyncio.run(main())
print("logging" in sys.modules)
"""
_PREPARED = """
import sys
from correlator.cli.main import cli

cli.get_command(None, "live")
from correlator.cli.outputs import Wanted, prepare

prepare(Wanted(), publishes=True, counts=False)
print({"ssl", "asyncio.sslproto", "inspect", "traceback", "logging", "subprocess"} <= set(sys.modules))
"""


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that nothing else imports."""
    (tmp_path / "there_for_once.py").write_text("VALUE = 17\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "there_for_once", raising=False)
    return "there_for_once"


def test_a_module_is_imported_when_it_is_used(there: str) -> None:
    """And what it does not have, it does not have."""
    with deferred(there):
        import there_for_once as meanwhile  # type: ignore[import-not-found]
    assert there not in sys.modules
    assert meanwhile.VALUE == 17
    assert sys.modules[there].VALUE == 17
    with pytest.raises(AttributeError):
        print(meanwhile.NONE)


def test_a_module_that_is_used_at_once_is_there_for_all(there: str) -> None:
    """The stand-in is gone then."""
    with deferred(there):
        from there_for_once import VALUE

        real = sys.modules[there]
    assert VALUE == 17
    assert sys.modules[there] is real
    assert type(real) is type(sys)


def test_what_was_imported_before_stays() -> None:
    """There is nothing to put off."""
    before = sys.modules["sys"]
    with deferred("sys"):
        assert sys.modules["sys"] is before
    assert sys.modules["sys"] is before


@pytest.mark.parametrize("arguments", [["--help"], ["analyse", "-q", _CAPTURE], ["analyse", _CAPTURE, "--csv", "-"]])
def test_no_command_waits_for_what_it_does_not_need(arguments: list[str]) -> None:
    """TLS, what is for temporary files, Python's own parser."""
    run = [sys.executable, "-X", "importtime", "-m", "correlator", *arguments]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stderr
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}
    assert "correlator.cli.main" in imported
    assert ("asyncio.base_events" in imported) == (arguments[0] == "analyse")
    assert ("aiofiles.threadpool" in imported) == ("--csv" in arguments)
    unwanted = {"ssl", "_ssl", "asyncio.sslproto", "tempfile", "platform", "locale"}
    if arguments[0] == "analyse":  # the help of a command has several lines
        unwanted |= {"inspect", "ast", "tokenize", "traceback", "logging", "subprocess", "difflib"}
    assert not unwanted & imported


def test_asyncio_has_tls_all_the_same(program: Callable[[str], str], tmp_path: Path) -> None:
    """A server and a client that trusts it."""
    run = [sys.executable, "-c", _TLS, *map(str, certificate.make(program("openssl"), tmp_path))]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.startswith("through TLS\n TLSv1.")


@given(st.text(alphabet=[*"ab \t\n\r\f", "\u2003"], max_size=8))
def test_a_clean_text_is_what_inspect_makes_of_it(text: str) -> None:
    """Whether or not it knows."""
    assert ANSWERS["inspect"]["cleandoc"](text) == inspect.cleandoc(text)


@pytest.mark.parametrize("asked", [dataclasses.field, dataclasses.dataclass, dataclasses.Field])
def test_what_dataclasses_take_is_what_inspect_says(asked: Callable[..., object]) -> None:
    """Cython asks for no more than that."""
    answer, real = ANSWERS["inspect"]["getfullargspec"](asked), inspect.getfullargspec(asked)
    assert (list(answer.args), list(answer.kwonlyargs)) == (real.args, real.kwonlyargs)


def test_who_asks_of_anything_else_gets_it_from_inspect() -> None:
    """Also where it looks like a function of `dataclasses`."""

    @wraps(dataclasses.field)
    def wrapped(*_: object) -> None:
        """Somebody else's."""

    for asked in (wrapped, deferred, ANSWERS.get):
        assert ANSWERS["inspect"]["getfullargspec"](asked) == inspect.getfullargspec(asked)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_there_are_no_translations(number: int) -> None:
    """What click says is what it says in English."""
    plural = "option requires an argument.", "option requires arguments."
    assert ANSWERS["gettext"]["ngettext"](*plural, number) == gettext.ngettext(*plural, number)
    assert ANSWERS["gettext"]["gettext"](plural[0]) == gettext.gettext(plural[0])


def test_which_system_this_is_and_where_it_stands() -> None:
    """Answers of one word."""
    assert ANSWERS["platform"]["system"]() == platform.system()
    (here,) = ANSWERS["traceback"]["extract_stack"](limit=1)
    assert here.filename.endswith("imports.py")


WORDS = st.text(alphabet="-abq", max_size=8)


@given(WORDS, st.lists(WORDS, max_size=4))
def test_what_click_guesses_is_what_it_would_have_guessed(word: str, known: list[str]) -> None:
    """Most often nothing, and then without difflib."""
    assert ANSWERS["difflib"]["get_close_matches"](word, known) == difflib.get_close_matches(word, known)
    assert ANSWERS["difflib"]["get_close_matches"](word, known, 1, 0.1) == difflib.get_close_matches(
        word, known, 1, 0.1
    )


def test_how_programs_are_started() -> None:
    """The names that asyncio's defaults have."""
    assert {name: getattr(subprocess, name) for name in ANSWERS["subprocess"]} == ANSWERS["subprocess"]


def test_loggers_are_those_of_logging(caplog: pytest.LogCaptureFixture) -> None:
    """Once there is something to tell, or somebody asks."""
    logger = ANSWERS["logging"]["getLogger"]("correlator.test")
    assert ANSWERS["logging"]["DEBUG"] == logging.DEBUG
    with caplog.at_level(logging.DEBUG):
        logger.debug("at %d", 1)
        logger.warning("at %d", 2)
    assert [(one.name, one.getMessage()) for one in caplog.records] == [("correlator.test", f"at {n}") for n in (1, 2)]
    logger.setLevel(logging.ERROR)
    assert logging.getLogger("correlator.test").level == logging.ERROR


def test_what_asyncio_complains_of_is_told() -> None:
    """By the real module; before that it is not there."""
    done = subprocess.run([sys.executable, "-c", _COMPLAINS], capture_output=True, text=True, check=True)
    assert done.stdout == "False\nTrue\n"
    assert done.stderr.startswith("Task exception was never retrieved\n")
    assert done.stderr.endswith("ValueError: of nobody's\n")


def test_who_may_not_read_them_later_has_all_modules() -> None:
    """A live run may go on as another user."""
    pytest.importorskip("nats", reason="nats-py is not installed: the extra `fleet`")
    told = subprocess.run([sys.executable, "-c", _PREPARED], capture_output=True, text=True, check=True).stdout
    assert told == "True\n"
