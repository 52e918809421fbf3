"""The compiled modules, which are one shared library; where there is none, or CORRELATOR_PURE=1 is set, sources run.

One library: the dynamic linker takes as long to look up what a module needs of the interpreter as the module takes to
begin, and does it once for all of them.
"""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec

MODULES = frozenset(
    (
        "correlator.capture.blocks",
        "correlator.capture.walker",
        "correlator.core.address",
        "correlator.core.changes",
        "correlator.core.connection",
        "correlator.core.counters",
        "correlator.core.edges",
        "correlator.core.ends_hash",
        "correlator.core.engine",
        "correlator.core.evidence",
        "correlator.core.explain",
        "correlator.core.facts",
        "correlator.core.finding",
        "correlator.core.flow",
        "correlator.core.four_tuple",
        "correlator.core.frames",
        "correlator.core.handshake",
        "correlator.core.known",
        "correlator.core.listeners",
        "correlator.core.matcher",
        "correlator.core.model",
        "correlator.core.packing",
        "correlator.core.segment",
        "correlator.core.share",
        "correlator.core.table",
        "correlator.core.tcp_info",
        "correlator.core.timetext",
        "correlator.core.tracker",
        "correlator.core.verdict",
        "correlator.core.waiting",
        "correlator.core.words",
        "correlator.kernel.endings",
        "correlator.kernel.host",
        "correlator.kernel.joining",
        "correlator.kernel.sock_diag",
        "correlator.kernel.tables.netstat",
        "correlator.kernel.tables.numbers",
        "correlator.kernel.tables.procnet",
        "correlator.kernel.tables.ss",
        "correlator.kernel.trace_pages",
        "correlator.report.annotated",
        "correlator.report.buffer",
        "correlator.report.cells",
        "correlator.report.columnar",
        "correlator.report.columns",
        "correlator.report.community",
        "correlator.report.csv_connection",
        "correlator.report.digits",
        "correlator.report.escape",
        "correlator.report.merging",
        "correlator.report.rows",
        "correlator.report.socket_lines",
        "correlator.report.statements",
        "correlator.report.summary",
        "correlator.run",
        "correlator.wire.decode",
        "correlator.wire.link",
        "correlator.wire.pcap",
        "correlator.wire.pcapng",
        "correlator.wire.plain",
        "correlator.wire.reader",
        "correlator.wire.ring",
        "correlator.wire.walk",
    )
)
"""What setup.py compiles. The last part of a name is the name of a function in the library: no two share it."""

_LIBRARY = os.path.join(os.path.dirname(__file__), "_library" + EXTENSION_SUFFIXES[0])


class _Library:
    """Finds modules in the library (importlib.abc.MetaPathFinder)."""

    @staticmethod
    def find_spec(name: str, path: object, target: object = None) -> ModuleSpec | None:
        """The compiled module of that name; None for what is not compiled."""
        del path, target
        if name not in MODULES:
            return None
        spec = ModuleSpec(name, ExtensionFileLoader(name, _LIBRARY), origin=_LIBRARY)
        spec.has_location = True
        return spec


def use_library() -> None:
    """Look for modules in the library first, from now on, if there is one and it is wanted."""
    if not os.environ.get("CORRELATOR_PURE") and os.path.exists(_LIBRARY):
        sys.meta_path.insert(0, _Library)


def is_used() -> bool:
    """Whether the library is looked at."""
    return _Library in sys.meta_path
