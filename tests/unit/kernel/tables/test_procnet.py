"""Copies of /proc/net/tcp and tcp6."""

import pytest

from correlator.core.model import Evidence, Family, TcpState
from correlator.kernel.tables import read_table
from correlator.kernel.tables.procnet import parse_lines
from tests.play import packed

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0
   1: 0C00000A:0050 1400000A:03E8 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0000000000000000
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000C00000A:1093 0000000000000000FFFF00001400000A:FCBE 01 00000000:00000000 00:00000000 00000000   105        0 777 1 0
   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 778 1 0
"""


def test_both_files_in_one() -> None:
    """The length of an address tells the family; uid 0 of TIME_WAIT is no fact."""
    table = read_table(TCP + TCP6)
    assert (table.form, table.damaged) == ("/proc/net/tcp", 0)
    sockets = [row.socket for row in table.statements if isinstance(row, Evidence)]
    assert [(socket.family, socket.local, socket.local_port) for socket in sockets] == [
        (Family.INET, packed("127.0.0.1"), 8080),
        (Family.INET, packed("10.0.0.12"), 80),
        (Family.INET6, packed("::ffff:10.0.0.12"), 4243),
        (Family.INET6, packed("2001:db8::1"), 80),
    ]
    assert [socket.state for socket in sockets] == [
        TcpState.LISTEN,
        TcpState.TIME_WAIT,
        TcpState.ESTABLISHED,
        TcpState.LISTEN,
    ]
    assert [(socket.uid, socket.inode) for socket in sockets] == [(1000, 12345), (None, None), (105, 777), (0, 778)]


@pytest.mark.parametrize(
    ("old", "new"), [("0A 0", "FF 0"), ("0100007F:1F90", "01007F:1F90"), ("00000000:0000", "0000000000000000:0000")]
)
def test_rows_that_make_no_sense(old: str, new: str) -> None:
    """Counted."""
    rows = list(parse_lines(TCP.splitlines()[:2][1].replace(old, new, 1).splitlines()))
    assert rows == [None]
