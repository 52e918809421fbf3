"""What a report says of a run, by name."""

from typing import Any

Record = dict[str, Any]
SCHEMA = 1
"""The version of reports and evidence files, in their first line."""
