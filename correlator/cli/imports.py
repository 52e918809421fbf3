"""What others do at each start, and most runs have no use for: a seventh of the time that a small capture takes.

asyncio imports ssl at once, for connections that ask for TLS. Cython asks of each field of each dataclass again what
arguments a field takes.
"""

import inspect
import sys
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module of the same name, for those who import it now."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the module has
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Have what is imported meanwhile get modules that import the real ones when they are used.

    What is imported afterwards gets the real ones at once. Modules that are there already stay what they are.
    """
    stand_ins = {name: _Deferred(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


@contextmanager
def lightly() -> Iterator[None]:
    """Have the modules of a command imported without all that."""
    asked = inspect.getfullargspec
    known = cache(asked)
    inspect.getfullargspec = lambda func: known(func) if isinstance(func, Hashable) else asked(func)
    try:
        with deferred("ssl", "asyncio.sslproto"):
            yield
    finally:
        inspect.getfullargspec = asked
