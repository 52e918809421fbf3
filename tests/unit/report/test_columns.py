"""The contract's columns."""

from pathlib import Path

from correlator.report.columns import COLUMNS, cells_of
from correlator.report.rows import extended, record
from tests.ends import between, community_id
from tests.scenes import passing, the_case

CONTRACT = (
    "opened_at,closed_at,wire_family,client_ip,client_port,server_ip,server_port,handshake,syn_rtt_us,ack_rtt_us,syn_count,"
    "syn_ack_count,close,client_packets,server_packets,client_bytes,server_bytes,client_isn,server_isn,community_id,interface,"
    "side,verdict,cause,evidence,socket_family,socket_local,socket_remote,socket_state,v6only,listener,pid,owner_by,process,"
    "cmdline,user,uid,inode,cookie,netns,cgroup,container,explanation"
)


def test_the_columns_are_the_contract() -> None:
    """Names and order."""
    assert ",".join(COLUMNS) == CONTRACT
    assert tuple(record(the_case())) == COLUMNS


def test_the_case() -> None:
    """Every column of the case."""
    row = dict(zip(COLUMNS, cells_of(record(the_case())), strict=True))
    explanation = row.pop("explanation")
    assert "java's server socket is AF_INET6" in explanation
    assert row == {
        "opened_at": "2023-11-14T22:13:20.001000000Z",
        "closed_at": "2023-11-14T22:13:20.005000000Z",
        "wire_family": "ipv4",
        "client_ip": "10.0.0.20",
        "client_port": "64702",
        "server_ip": "10.0.0.12",
        "server_port": "4243",
        "handshake": "complete",
        "syn_rtt_us": "1000.000",
        "ack_rtt_us": "1000.000",
        "syn_count": "1",
        "syn_ack_count": "1",
        "close": "fin",
        "client_packets": "4",
        "server_packets": "2",
        "client_bytes": "0",
        "server_bytes": "0",
        "client_isn": "1000",
        "server_isn": "9000",
        "community_id": row["community_id"],
        "interface": "eth0",
        "side": "server",
        "verdict": "ipv4-on-af_inet6",
        "cause": "dual-stack-listener",
        "evidence": "lookup",
        "socket_family": "AF_INET6",
        "socket_local": "[::ffff:10.0.0.12]:4243",
        "socket_remote": "[::ffff:10.0.0.20]:64702",
        "socket_state": "ESTABLISHED",
        "v6only": "off",
        "listener": "[::]:4243",
        "pid": "31307",
        "owner_by": "inode",
        "process": "java",
        "cmdline": "java -jar x",
        "user": "app",
        "uid": "33",
        "inode": "7",
        "cookie": "9",
        "netns": "n",
        "cgroup": "",
        "container": "",
    }


def test_unknown_is_empty() -> None:
    """Never 0, never a word."""
    row = dict(zip(COLUMNS, cells_of(record(passing())), strict=True))
    known = {name for name, value in row.items() if value}
    assert known == {
        *(
            "opened_at",
            "wire_family",
            "client_ip",
            "client_port",
            "server_ip",
            "server_port",
            "handshake",
            "close",
            "verdict",
        ),
        *("syn_rtt_us", "ack_rtt_us", "syn_count", "syn_ack_count", "client_packets", "server_packets", "explanation"),
        *("client_bytes", "server_bytes", "client_isn", "server_isn", "community_id"),
    }


def test_community_id_is_the_published_one() -> None:
    """A value of the specification's test vectors, the same from both ends."""
    one, other = ("128.232.110.120", 34855), ("66.35.250.204", 80)
    assert community_id(between(one, other)) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    assert community_id(between(other, one)) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="


def test_json_lines_has_more() -> None:
    """The socket's own counts."""
    assert extended(the_case())["tcp_info"] == {"rtt_us": 5}
    assert "tcp_info" not in extended(passing())


def test_every_column_is_documented() -> None:
    """docs/FORMATS.md has a row for each."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "FORMATS.md").read_text()
    assert [name for name in COLUMNS if f"`{name}`" not in text] == []
