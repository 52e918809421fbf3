"""Lines of several processes in one order."""

import io

from hypothesis import given
from hypothesis import strategies as st

from correlator.report.buffer import KEY
from correlator.report.merging import merged

KEYS = st.lists(st.integers(0, 2**128 - 1), unique=True, max_size=60)


@given(KEYS, st.integers(1, 4), st.sampled_from([0, 5, 100_000]))
def test_lines_come_in_the_order_of_their_keys(keys: list[int], files: int, length: int) -> None:
    """Whatever file they are in; also those that are longer than what is read at once, and files without any."""
    lines = {key: b"%d" % place + b"x" * (length * (place % 7 == 0)) + b"\r\n" for place, key in enumerate(keys)}
    written = [b"" for _ in range(files)]
    for key in sorted(keys):
        written[key % files] += f"{key:0{KEY}x}".encode() + lines[key]
    assert b"".join(merged([io.BytesIO(data) for data in written])) == b"".join(lines[key] for key in sorted(keys))
