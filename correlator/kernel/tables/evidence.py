"""Our own evidence files (.sockets.jsonl): a run line, statements in time order, counters."""

import json
from collections.abc import Iterable, Iterator

from correlator.core.model import Statement
from correlator.core.records import RecordError, from_record


def recognises(head: str) -> bool:
    """Whether the text is an evidence file."""
    return head.lstrip().startswith('{"type"')


def parse_lines(lines: Iterable[str]) -> Iterator[Statement | None]:
    """A statement for each line that holds one; None for a damaged line."""
    for line in lines:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                yield None
                continue
            statement = from_record(record)
        except (ValueError, RecursionError, RecordError):
            yield None
            continue
        if statement is not None:
            yield statement
