"""CORRELATOR_PURE=1: run the Python sources although the compiled modules lie beside them."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class Sources:
    """Finds this package's modules by their sources only (importlib.abc.MetaPathFinder)."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's source file; None for what is not ours, or a package."""
        del target
        if not name.startswith("correlator.") or path is None:
            return None
        for folder in path:
            file = os.path.join(folder, name.rpartition(".")[2] + ".py")
            if os.path.isfile(file):
                return importlib.util.spec_from_file_location(name, file)
        return None


def use_sources() -> None:
    """Look for sources first, from now on."""
    sys.meta_path.insert(0, Sources())
