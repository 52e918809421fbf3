"""Builds the hot rooms with Cython where a C compiler is at hand; without one everything runs as plain Python.

The compiled modules are ordinary Python; a `.pxd` beside one gives its classes and functions C types. Everything else
about the package is in pyproject.toml. CORRELATOR_NO_BUILD=1 leaves the compiled modules out.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

COMPILED = [
    "correlator/capture/blocks.py",
    "correlator/capture/walker.py",
    "correlator/core/address.py",
    "correlator/core/changes.py",
    "correlator/core/connection.py",
    "correlator/core/counters.py",
    "correlator/core/edges.py",
    "correlator/core/ends_hash.py",
    "correlator/core/engine.py",
    "correlator/core/evidence.py",
    "correlator/core/explain.py",
    "correlator/core/facts.py",
    "correlator/core/finding.py",
    "correlator/core/flow.py",
    "correlator/core/four_tuple.py",
    "correlator/core/frames.py",
    "correlator/core/handshake.py",
    "correlator/core/known.py",
    "correlator/core/listeners.py",
    "correlator/core/matcher.py",
    "correlator/core/model.py",
    "correlator/core/packing.py",
    "correlator/core/segment.py",
    "correlator/core/share.py",
    "correlator/core/table.py",
    "correlator/core/tcp_info.py",
    "correlator/core/timetext.py",
    "correlator/core/tracker.py",
    "correlator/core/verdict.py",
    "correlator/core/waiting.py",
    "correlator/core/words.py",
    "correlator/kernel/endings.py",
    "correlator/kernel/joining.py",
    "correlator/kernel/sock_diag.py",
    "correlator/kernel/tables/netstat.py",
    "correlator/kernel/tables/procnet.py",
    "correlator/kernel/tables/ss.py",
    "correlator/kernel/trace_pages.py",
    "correlator/report/buffer.py",
    "correlator/report/cells.py",
    "correlator/report/columnar.py",
    "correlator/report/columns.py",
    "correlator/report/community.py",
    "correlator/report/csv_connection.py",
    "correlator/report/digits.py",
    "correlator/report/escape.py",
    "correlator/report/merging.py",
    "correlator/report/pcapng.py",
    "correlator/report/rows.py",
    "correlator/report/statements.py",
    "correlator/report/summary.py",
    "correlator/run.py",
    "correlator/wire/decode.py",
    "correlator/wire/link.py",
    "correlator/wire/pcap.py",
    "correlator/wire/pcapng.py",
    "correlator/wire/plain.py",
    "correlator/wire/reader.py",
    "correlator/wire/ring.py",
    "correlator/wire/walk.py",
]

# -fno-plt: most of what these modules do is calls into the interpreter. -fno-tree-vectorize: there are no long loops
# over numbers in them, and what a compiler makes of short ones waits for its own stores (SHA-1 takes a third longer).
# CYTHON_COMPRESS_STRINGS=0: to unpack the names of each module takes longer than to have them a little larger.
# CORRELATOR_FLAGS takes their place: `make sanitize`.
FLAGS = os.environ.get(
    "CORRELATOR_FLAGS", "-O3 -g0 -w -fno-plt -fno-tree-vectorize -DCYTHON_COMPRESS_STRINGS=0"
).split()


BUILD = "build/cython"


def forget_outdated() -> None:
    """Have translated again what is older than a header, or than how it is done here: Cython does not see who needs it.

    Headers are those .pxd that no compiled module is beside: they are cimported whole, and written into who uses them.
    """
    headers = [path for path in Path("correlator").rglob("*.pxd") if str(path.with_suffix(".py")) not in COMPILED]
    newest = max(path.stat().st_mtime for path in (Path(__file__), *headers))
    for name in COMPILED:
        translated = Path(BUILD, name).with_suffix(".c")
        if translated.exists() and translated.stat().st_mtime < newest:
            translated.unlink()


def extensions() -> list[Extension]:
    """The extension modules; none where Cython is not there, or not wanted."""
    if os.environ.get("CORRELATOR_NO_BUILD"):
        return []
    try:
        from Cython.Build import cythonize  # noqa: PLC0415  may be missing
    except ImportError:
        return []
    modules = [
        Extension(
            name.removesuffix(".py").replace("/", "."),
            [name],
            optional=True,
            extra_compile_args=FLAGS,
            extra_link_args=[flag for flag in FLAGS if flag.startswith("-fsanitize=")],
        )
        for name in COMPILED
    ]
    forget_outdated()
    directives = {
        "language_level": 3,
        "boundscheck": True,  # this parses strangers' bytes
        "annotation_typing": False,  # the .pxd files say what is typed
        "binding": False,  # functions that tell of their arguments take a while to make, at each start
    }
    return list(cythonize(modules, compiler_directives=directives, build_dir=BUILD, nthreads=os.cpu_count() or 1))


if __name__ == "__main__":  # cythonize starts processes, which import this
    setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count() or 1}})
