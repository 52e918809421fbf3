"""Findings to somewhere: CSV, JSON Lines, annotated pcapng, the table on the screen, the summary."""
