"""Pure rules: segments and evidence in, findings and lookup requests out.

Nothing in this room reads a clock, a file or a socket; time is an argument.
"""
