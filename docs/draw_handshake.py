"""Draws docs/HANDSHAKE.md from the tables in correlator/core/handshake.py: python docs/draw_handshake.py."""

from collections import defaultdict
from pathlib import Path

from correlator.core.handshake import CLOSING, HANDSHAKE, Closing, Kind, State

HEAD = """# The handshake, as an observer sees it

Drawn from the tables in `correlator/core/handshake.py` by `python docs/draw_handshake.py`. An arrow is a segment:
its kind, and who sent it (`c` client, `s` server). What leaves a state as it is has no arrow. The theory stands above
the tables.
"""


def arrows(
    table: dict[State, dict[Kind, tuple[State, State]]] | dict[Closing, dict[Kind, tuple[Closing, Closing]]],
) -> list[str]:
    """A mermaid arrow for each pair of states, with all that leads from one to the other."""
    labels: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state, row in table.items():
        for kind, (client, server) in row.items():
            if client is server is not state:
                labels[state.name, client.name].append(kind.name)
                continue
            for target, sender in ((client, "c"), (server, "s")):
                if target is not state:
                    labels[state.name, target.name].append(f"{kind.name}/{sender}")
    return [f"    {source} --> {target}: {', '.join(names)}" for (source, target), names in labels.items()]


def diagram(title: str, first: str, lines: list[str]) -> str:
    """A state diagram."""
    return "\n".join([f"\n## {title}\n", "```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, "```\n"])


def document() -> str:
    """The whole file."""
    return HEAD + diagram("Handshake", "NEW", arrows(HANDSHAKE)) + diagram("Close", "OPEN", arrows(CLOSING))


if __name__ == "__main__":
    (Path(__file__).parent / "HANDSHAKE.md").write_text(document())
