"""The house: who may import whom, and how large a room's files may be."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from correlator import _compiled

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "correlator"

# room → rooms that it may import from (docs/ARCHITECTURE.md)
ALLOWED = {
    "core": {"core"},
    "wire": {"wire", "core"},
    "capture": {"capture", "wire", "core"},
    "kernel": {"kernel", "core"},
    "report": {"report", "core"},
    "run": {"core", "wire", "report"},
    "pipeline": {"core", "run"},
    "fleet": {"fleet", "report", "core"},
    "cli": {"cli", "pipeline", "run", "core", "wire", "capture", "kernel", "report", "fleet"},
    "__main__": {"cli"},
    "__init__": set(),
    "_compiled": set(),
}
# what the pure core must not know
IMPURE = {
    "asyncio",
    "socket",
    "time",
    "os",
    "pathlib",
    "logging",
    "threading",
    "scapy",
    "psutil",
    "aiofiles",
    "subprocess",
    "sys",
    "io",
}
# third party → the only places for it
HOMES = {
    "scapy": {"capture", "wire/tunnels"},
    "psutil": {"kernel", "cli/tables"},
    "aiofiles": {"capture/files", "report/writer", "report/read"},
    "rich": {"cli"},
    "jinja2": {"report/page/template"},
    "click": {"cli"},
    "pyarrow": {"report/parquet"},
    "nats": {"fleet"},
    "distributed": {"cli/corpus"},
    "fsspec": {"cli/corpus"},
    "prometheus_client": {"report/metrics", "cli/metrics"},
    "duckdb": {"fleet", "cli/query"},
    "communityid": set(),  # the oracle of a test
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """The room of a module."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path) -> set[str]:
    """The modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_who_imports_whom(path: Path) -> None:
    """One direction; nobody imports the commands."""
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("correlator.")}
    assert rooms <= ALLOWED[room(path)]


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) == "core"], ids=lambda path: path.stem)
def test_the_core_is_pure(path: Path) -> None:
    """No clock, file, socket, loop or log."""
    assert not {name.split(".")[0] for name in imports(path)} & IMPURE


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_third_parties_stay_where_they_belong(path: Path) -> None:
    """Each library has its place."""
    place = str(path.relative_to(PACKAGE).with_suffix(""))
    for name in {name.split(".")[0] for name in imports(path)} & HOMES.keys():
        assert any(place == home or place.startswith(home + "/") for home in HOMES[name]), name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_say_one_thing(path: Path) -> None:
    """Rarely over 350 lines, and a docstring at the top."""
    assert len(path.read_text().splitlines()) <= 350
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_every_pure_module_has_its_test() -> None:
    """tests/unit mirrors core and wire one to one."""
    for path in MODULES:
        if room(path) in {"core", "wire"} and path.stem not in {
            "__init__",
            "changes",
            "config",
            "counters",
            "model",
            "finding",
            "flow",
            "layout",
            "limits",
            "segment",
            "reader",
            "skips",
        }:
            relative = path.relative_to(PACKAGE)
            assert (ROOT / "tests" / "unit" / relative.parent / f"test_{relative.name}").is_file(), relative


def test_importing_is_quick() -> None:
    """--help loads neither Scapy nor what only commands need."""
    code = "import sys, correlator.cli.main; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"scapy", "psutil", "rich", "jinja2", "aiofiles", "asyncio", "communityid"} & set(done.stdout.split())


def test_what_is_compiled_has_types() -> None:
    """A .pxd without a compiled module beside it is a header."""
    headers = {
        "__init__",
        "aio",
        "decimals",
        "layout",
        "parts",
        "raw",
        "sha1",
        "tcp",
        "worker",
    }  # these are written into who uses them
    listed = {ROOT / (name.replace(".", "/") + ".py") for name in _compiled.MODULES}
    assert all(path.is_file() for path in listed)
    assert {path.with_suffix(".py") for path in PACKAGE.rglob("*.pxd") if path.stem not in headers} <= listed


def test_no_two_compiled_modules_begin_with_the_same_function() -> None:
    """It is PyInit_ and the last part of the name: the linker would refuse, and leave the library out quietly."""
    assert len({name.rpartition(".")[2] for name in _compiled.MODULES}) == len(_compiled.MODULES)


@pytest.mark.parametrize("is_pure", [False, True])
def test_where_compiled_modules_come_from(*, is_pure: bool) -> None:
    """All from the library, or all from their sources."""
    code = (
        "import importlib; from correlator import _compiled, running_core; "
        "print(running_core(), *{importlib.import_module(name).__file__[-3:] for name in _compiled.MODULES}, sep=',')"
    )
    environment = {**os.environ, "CORRELATOR_PURE": "1" if is_pure else ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    is_built = next(PACKAGE.glob("_library.*.so"), None) is not None
    assert done.stdout == ("compiled core,.so\n" if is_built and not is_pure else "Python sources,.py\n")
