"""What others import at each start, and most runs have no use for: a fifth of the time that a small capture takes.

click, asyncio and dataclasses import `inspect` and `traceback`, with the parser and the disassembler of Python, for
the sake of a function each; click imports what it needs to speak other languages, and, at an option of one letter, to
guess at a better one; asyncio imports TLS, and what logs and starts programs. Stand-ins for those modules know the few
answers that each start asks for; where they are asked for anything else, the modules are imported after all.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib import import_module
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module of the same name, for those who import it now."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the module has
        if name == "__path__":  # `from` asks whether there may be modules in it
            raise AttributeError(name)
        found = vars(self)[name] = getattr(_real(self.__name__), name)  # who asks again need not wait
        return found


def _real(name: str) -> ModuleType:
    if isinstance(sys.modules.get(name), _Deferred):
        del sys.modules[name]
    return import_module(name)


def _cleandoc(doc: str) -> str:
    """`inspect.cleandoc`: a line that begins with a word is as it should be."""
    is_clean = doc[:1].strip() and not {"\n", "\t"} & set(doc)
    return doc if is_clean else _real("inspect").cleandoc(doc)


def _getfullargspec(function: object) -> Any:  # noqa: ANN401  a named tuple
    """`inspect.getfullargspec`. Cython asks it which names `dataclasses.field` takes, for each field there is."""
    asked = vars(function).get("__init__") if isinstance(function, type) else function
    if isinstance(asked, FunctionType) and asked.__globals__["__name__"] == "dataclasses":
        return _names_taken(asked.__code__)
    return _real("inspect").getfullargspec(function)


@cache
def _names_taken(code: CodeType) -> SimpleNamespace:
    names, count = code.co_varnames, code.co_argcount
    return SimpleNamespace(args=names[:count], kwonlyargs=names[count : count + code.co_kwonlyargcount])


_CLOSE = 0.6  # of `difflib`, where nothing else is asked for


def _get_close_matches(word: str, known: Iterable[str], *limits: float) -> list[str]:
    """`difflib.get_close_matches`: none are close where there are too few letters in common, in whatever order."""
    words = list(known)
    if limits or any(_most_alike(word, one) >= _CLOSE for one in words):
        found: list[str] = _real("difflib").get_close_matches(word, words, *limits)
        return found
    return []


def _most_alike(word: str, other: str) -> float:
    """How alike difflib would find two words at the most (`SequenceMatcher.quick_ratio`)."""
    common = sum(min(word.count(letter), other.count(letter)) for letter in set(word))
    length = len(word) + len(other)
    return 2 * common / length if length else 1.0


class _Logger:
    """A logger (`logging.Logger`) of a name. Before anybody has `logging` to ask for more, it debugs nothing."""

    def __init__(self, name: str | None = None) -> None:
        self._of = name

    def debug(self, *words: Any, **more: Any) -> None:  # noqa: ANN401  what `logging` takes
        if not isinstance(sys.modules.get("logging"), _Deferred | None):
            self.__getattr__("debug")(*words, **more)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever loggers have
        return getattr(_real("logging").getLogger(self._of), name)


ANSWERS: dict[str, dict[str, Any]] = {
    "asyncio.sslproto": {},
    "difflib": {"get_close_matches": _get_close_matches},
    "gettext": {  # there are no translations of click's messages
        "gettext": lambda message: message,
        "ngettext": lambda one, more, number: one if number == 1 else more,
    },
    "inspect": {"cleandoc": _cleandoc, "getfullargspec": _getfullargspec},
    "linecache": {},
    "locale": {},
    "logging": {"DEBUG": 10, "getLogger": _Logger},
    "platform": {"system": lambda: os.uname().sysname},
    "ssl": {},
    "subprocess": {"PIPE": -1, "STDOUT": -2, "DEVNULL": -3},
    "traceback": {"extract_stack": lambda *frame, **limit: _real("traceback").extract_stack(*frame, **limit)},
}
"""module → what each start asks of it, as the module would answer."""

PUT_OFF = tuple(ANSWERS)
"""The modules that `lightly` puts off: who may not be able to read them later imports them before that."""


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Have what is imported meanwhile get modules that import the real ones when they are used.

    What is imported afterwards gets the real ones at once. Modules that are there already stay what they are.
    """
    stand_ins = {name: _Deferred(name) for name in names if name not in sys.modules}
    for name, module in stand_ins.items():
        vars(module).update(ANSWERS.get(name, {}))
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def lightly() -> AbstractContextManager[None]:
    """Have the modules of a command imported without all that."""
    return deferred(*PUT_OFF)
