"""`correlator doctor`: what works here, what is lost without the rest, and how to mend it."""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict

import click

from correlator.cli.prose import columns, filled
from correlator.kernel.health import NEEDED, Check, Status, checks

_NAME = 16  # columns, with the space behind
_GRANTS = """\
Ways to grant what is missing:
  sudo correlator ...          everything, for one run
  a systemd unit               with User=NAME and
                               AmbientCapabilities={ambient}
  a container                  docker run --network host --pid host {docker}
  setcap                       on a copy of the interpreter that only some may run; as root:
    cp {python} {copy}
    chgrp GROUP {copy} && chmod 750 {copy}
    setcap {file}+ep {copy}
                               then, for the members of GROUP:
    {copy} -m correlator live -i eth0
"""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON array: name, status, found, loss and remedy of each.")
def doctor(*, as_json: bool) -> None:
    """Say what works here: privileges, capture, evidence sources, the compiled core, packages; what is lost without
    what is missing, and how to mend it.
    """  # noqa: D205  the help has the summary in one paragraph
    found = list(checks())
    if as_json:
        sys.stdout.write(json.dumps([asdict(check) for check in found], indent=2) + "\n")
        return
    sys.stdout.write("\n".join(_lines(found, columns())) + "\n")
    if any("CAP_" in check.remedy for check in found if check.status is Status.MISSING):
        sys.stdout.write("\n" + _grants())


def _grants() -> str:
    """How to have what is missing; a copy beside a virtual environment's interpreter finds its packages."""
    folder = os.path.join(sys.prefix, "bin") if sys.prefix != sys.base_prefix else "/usr/local/bin"
    return _GRANTS.format(
        ambient=" ".join(NEEDED),
        docker=" ".join(f"--cap-add {name.removeprefix('CAP_')}" for name in NEEDED),
        file=",".join(NEEDED).lower(),
        python=os.path.realpath(sys.executable),
        copy=os.path.join(folder, "correlator-python"),
    )


def _lines(found: Iterable[Check], width: int) -> Iterable[str]:
    for check in found:
        begins = f"{check.status:<8} {check.name:<{_NAME}}"
        yield filled(check.found, begins, width)
        for label, text in (("you lose:", check.loss), ("to mend it:", check.remedy)):
            if text:
                yield filled(f"{label} {text}", " " * len(begins), width)
