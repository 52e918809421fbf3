"""`analyse --jobs` for one large capture: several processes, each with a share of the connections.

The capture is cut at record boundaries. Each piece is decoded by whichever process has time, and its segments sorted by
whose share their connections are in; each process tracks its share of every piece, in order, and what they find is put
together, piece by piece, in the order in which one process would have found it (`core/share.py`). Where that cannot be
right, or turns out not to be, one process does all that is left: the slow way is always right.
"""
