"""What a report says of a run, by name."""

from typing import Any

Record = dict[str, Any]
