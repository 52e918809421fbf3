"""Builds the hot rooms with Cython where a C compiler is at hand; without one everything runs as plain Python.

The compiled modules are ordinary Python; a `.pxd` beside one gives its classes and functions C types. All are in one
shared library (correlator/_compiled.py). Everything else about the package is in pyproject.toml. CORRELATOR_NO_BUILD=1
leaves the library out.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from correlator._compiled import MODULES

COMPILED = sorted(name.replace(".", "/") + ".py" for name in MODULES)

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


class BuildLibrary(build_ext):  # type: ignore[misc]  setuptools has no types for it
    """Compiles what has changed, side by side, and makes a library of all."""

    def build_extension(self, ext: Extension) -> None:
        """As distutils has it, which compiles one source after the other. Raises its errors."""

        def compiled(source: str) -> str:
            (made,) = self.compiler.object_filenames([source], output_dir=self.build_temp)
            if self.force or newer(source, made):
                self.compiler.compile([source], output_dir=self.build_temp, extra_postargs=ext.extra_compile_args)
            return made

        library = self.get_ext_fullpath(ext.name)
        Path(library).unlink(missing_ok=True)  # an old one is none
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compiled, ext.sources))
        self.compiler.link_shared_object(
            objects, library, extra_postargs=ext.extra_link_args, build_temp=self.build_temp
        )


def extensions() -> list[Extension]:
    """The library; nothing where Cython is not there, or not wanted."""
    if os.environ.get("CORRELATOR_NO_BUILD"):
        return []
    try:
        from Cython.Build import cythonize  # noqa: PLC0415  may be missing
    except ImportError:
        return []
    modules = [Extension(name.removesuffix(".py").replace("/", "."), [name]) for name in COMPILED]
    forget_outdated()
    directives = {
        "language_level": 3,
        "boundscheck": True,  # this parses strangers' bytes
        "annotation_typing": False,  # the .pxd files say what is typed
        "binding": False,  # functions that tell of their arguments take a while to make, at each start
    }
    cores = os.cpu_count() or 1
    translated = cythonize(modules, compiler_directives=directives, build_dir=BUILD, nthreads=cores)
    return [
        Extension(
            "correlator._library",
            [source for module in translated for source in module.sources],
            optional=True,
            extra_compile_args=FLAGS,
            extra_link_args=[flag for flag in FLAGS if flag.startswith("-fsanitize=")],
        )
    ]


if __name__ == "__main__":  # cythonize starts processes, which import this
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildLibrary})
