"""Saved socket tables: the text that netstat, ss and /proc/net give, and our own evidence files.

The format is recognised from the text. Every parser takes lines and gives statements; a line that is none of its
format is counted, never guessed at.
"""

from correlator.kernel.tables.recognise import Table, UnknownTableError, read_table

__all__ = ["Table", "UnknownTableError", "read_table"]
