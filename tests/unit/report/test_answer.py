"""The answer in words is true of each kind of socket, and says what is not known."""

from dataclasses import replace
from typing import Any

import pytest

from correlator.core.firewall import Chain, Firewall
from correlator.core.model import Owner, Socket, TcpState
from correlator.report.answer import Answer, Host, about_connection, about_listeners, is_child, takes_ipv4_on_inet6
from correlator.report.table import Row
from tests.play import listener, socket

ROOT = Host(bindv6only=False, sees_all=True)
JAVA = Owner(31307, "java", cmdline="java -jar app.jar", user="app", started_at=1_700_000_000_000_000_000)
DUAL = listener("::", 4243, v6only=False)
IPV4 = [socket("::ffff:10.0.0.12", 4243, f"::ffff:10.0.0.{20 + at}", 1000) for at in range(2)]
IPV6 = socket("2001:db8::12", 4243, "2001:db8::20", 1000)


def said(answer: Answer) -> dict[str, str]:
    """The paragraphs by their headings."""
    return dict([*answer.facts, *answer.advice])


def of(made: Socket, owner: Owner | None = JAVA, others: list[Row] | None = None, host: Host = ROOT) -> dict[str, str]:
    """What is said of a listener."""
    return said(about_listeners([(made, owner)], [(made, owner), *(others or [])], host))


def test_the_case() -> None:
    """A dual-stack listener with clients of both versions: what it is, who comes, and what each choice would break."""
    told = of(DUAL, others=[(one, JAVA) for one in [*IPV4, IPV6]])
    assert about_listeners([(DUAL, JAVA)], [], ROOT).title == "java (PID 31307) listens on [::]:4243"
    assert told["netstat shows"] == "tcp6  :::4243  LISTEN"
    assert "This one does." in told["why"]
    assert told["in short"].startswith("nothing is wrong")
    assert "dual-stack" in told["it is"]
    assert told["it belongs to"] == "user app: java -jar app.jar"
    assert "not before 2023-11-14 22:13:20 UTC" in told["since"]
    assert told["clients now"].startswith("2 over IPv4 (10.0.0.20, 10.0.0.21) and 1 over IPv6 (2001:db8::20). ")
    assert "--port 4243" in told["clients now"]
    assert "::ffff:10.0.0.20" in told["its logs see"]
    assert "ip6tables" in told["the firewall sees"]
    assert "may not be read here" in told["the firewall sees"]
    firewall = Firewall({("ip6", "t", "in"): Chain("input", is_closing=True)})
    host = Host(bindv6only=False, sees_all=True, firewall=firewall)
    assert of(DUAL, host=host)["the firewall sees"].endswith("Port 4243 is now open for IPv4 and closed for IPv6.")
    assert "`net.ipv6.bindv6only` changes nothing: java sets IPV6_V6ONLY itself" in told["IPv6 only"]
    assert "net.ipv6.bindv6only=1` (0 now)" in of(DUAL, Owner(5, "mine"))["IPv6 only"]
    assert "is 1 already" in of(DUAL, Owner(5, "mine"), host=Host(bindv6only=True, sees_all=True))["IPv6 only"]
    assert "New IPv4 clients are then refused (connected now: 10.0.0.20, 10.0.0.21)" in told["IPv6 only"]
    assert "unless another socket listens on 0.0.0.0:4243" in told["IPv6 only"]
    assert "New IPv6 clients are then refused (connected now: 2001:db8::20)" in told["IPv4 only"]
    assert "0.0.0.0:4243" in told["separate sockets"]


@pytest.mark.parametrize(
    ("made", "kind", "is_mixed"),
    [
        (listener("::", 80, v6only=True), "takes IPv6 only (RFC 3493 §5.3)", False),
        (listener("::", 80, v6only=None), "is not known here", True),
        (listener("2001:db8::1", 80, v6only=False), "the IPv6 address 2001:db8::1: it takes IPv6 only", False),
        (listener("::ffff:10.0.0.12", 80), "the IPv4-mapped address ::ffff:10.0.0.12: it takes IPv4 only", True),
        (listener("0.0.0.0", 80), "an AF_INET socket", False),
    ],
)
def test_every_kind_of_listener(made: Socket, kind: str, is_mixed: bool) -> None:
    """Only those that may take IPv4 on AF_INET6 have something to be changed."""
    told = of(made)
    assert kind in told["it is"]
    assert takes_ipv4_on_inet6(made) == is_mixed == ("its logs see" in told)
    assert ("why" in told) == (len(made.local) == 16)
    assert told["clients now"].startswith("none. ")


def test_what_takes_no_ipv4_may_be_made_to() -> None:
    """A wildcard listener with V6ONLY; an address of IPv6 cannot."""
    assert "0.0.0.0:80" in of(listener("::", 80, v6only=True))["IPv4, too"]
    assert "IPv4, too" not in of(listener("2001:db8::1", 80))


def test_another_listener_on_the_port() -> None:
    """The kernel prefers AF_INET: the dual-stack one gets no IPv4 beside it, unless it is bound to one address only."""
    other: Row = (listener("0.0.0.0", 4243), Owner(7, "nginx"))
    told = of(DUAL, others=[other])
    assert told["beside it"] == "nginx (PID 7) on 0.0.0.0:4243: IPv4"
    assert "IPv4 goes to the AF_INET listener" in told["it is"]
    assert told["why"].endswith("carries IPv6 only, for 0.0.0.0:4243 beside it takes the IPv4.")
    assert "in short" not in told
    assert "its logs see" not in told
    assert "IPv6 only" not in told
    narrow: Row = (listener("127.0.0.1", 4243), None)
    assert "IPv6 only" in of(DUAL, others=[narrow])
    beside: Row = (replace(listener("::", 4243, v6only=None), inode=99), None)
    assert of(DUAL, others=[beside])["beside it"].endswith("IPv6, perhaps IPv4")
    assert of(listener("0.0.0.0", 4243), others=[(DUAL, JAVA)])["beside it"].endswith("IPv6 (the IPv4 comes here)")
    assert of(listener("127.0.0.1", 4243), others=[(DUAL, JAVA)])["beside it"].endswith("IPv6 and IPv4")
    assert of(DUAL, others=[(listener("::1", 4243), None)])["beside it"] == "An unknown process on [::1]:4243: IPv6"


def test_listeners_that_share_a_port_are_one_answer() -> None:
    """With all who hold them, and their clients once."""
    rows: list[Row] = [(replace(DUAL, inode=at), Owner(at, "node")) for at in range(1, 9)]
    answer = about_listeners(rows, [*rows, (IPV4[0], JAVA)], ROOT)
    assert answer.title.startswith(
        "node (PID 1, 2, 3, 4, 5 and 3 more) listens with 8 sockets (SO_REUSEPORT) on [::]:4243"
    )
    assert "beside it" not in said(answer)
    assert answer.brief.endswith("1 over IPv4 (10.0.0.20)")
    nobody: list[Row] = [(replace(DUAL, inode=at), None) for at in range(2)]
    assert about_listeners(nobody, nobody, ROOT).title.startswith("An unknown process listens with 2 sockets")


@pytest.mark.parametrize(
    ("process", "expected", "missing"),
    [
        ("nginx", "ipv6only=on", "systemd"),
        ("java", "Java has no setting", "nginx"),
        ("docker-proxy", "-p [::]:4243:", "nginx"),
        ("myserver", "BindIPv6Only=ipv6-only", "Java"),
    ],
)
def test_what_a_program_calls_it(process: str, expected: str, missing: str) -> None:
    """Its own setting; of an unknown program those of the usual ones."""
    told = of(DUAL, Owner(1, process))
    assert expected in told["IPv6 only"]
    assert missing not in told["IPv6 only"]
    assert "java" not in process or "preferIPv4Stack=true" in told["IPv4 only"]


def test_owners() -> None:
    """Units and containers by name; unknown ones with what to do."""
    unit = replace(JAVA, cgroup="/system.slice/app.service", container="0123456789ab")
    assert of(DUAL, unit)["it belongs to"].startswith("user app, container 0123456789ab, unit app.service: ")
    assert "ended" in of(DUAL, None)["it belongs to"]
    assert "sudo" in of(DUAL, None, host=Host(bindv6only=None, sees_all=False))["it belongs to"]
    assert "(unknown here)" in of(DUAL, None, host=Host(bindv6only=None, sees_all=False))["IPv6 only"]
    assert "it belongs to" not in of(DUAL, Owner(1, "init"))


def test_hostile_names_stay_text() -> None:
    """Nothing moves the cursor."""
    owner = Owner(5, "\x1b[2Jx", cmdline="\x1b]0;y\x07", user="\u202ez", cgroup="/\x1b.service")
    answer = about_listeners([(DUAL, owner)], [(DUAL, owner)], ROOT)
    everything = answer.title + repr(said(answer).values()) + "".join(said(answer).values())
    assert "\x1b" not in everything.replace("\\x1b", "")
    assert "\u202e" not in everything.replace("\\u202e", "")


def test_many_clients_are_few_words() -> None:
    """Five addresses, and how many more."""
    clients: list[Row] = [(socket("::ffff:10.0.0.12", 4243, f"::ffff:10.0.1.{at}", 1000), JAVA) for at in range(9)]
    assert (
        "9 over IPv4 (10.0.1.0, 10.0.1.1, 10.0.1.2, 10.0.1.3, 10.0.1.4 and 4 more)"
        in of(DUAL, others=clients)["clients now"]
    )


def test_connections() -> None:
    """What this host has opened."""
    mapped = said(about_connection((socket("::ffff:10.0.0.20", 1000, "::ffff:10.0.0.12", 80), JAVA), ROOT))
    assert "connected to ::ffff:10.0.0.12, or a listener accepted it" in mapped["it is"]
    assert mapped["netstat shows"].startswith("tcp6  10.0.0.20:1000  10.0.0.12:80  ESTABLISHED")
    assert "AF_INET socket" in mapped["IPv4 as IPv4"]
    assert "IPv6 in the kernel and on the wire" in said(about_connection((IPV6, JAVA), ROOT))["it is"]
    plain = said(about_connection((socket("10.0.0.20", 1000, "10.0.0.12", 80), JAVA), ROOT))
    assert "IPv4 in the kernel and on the wire" in plain["it is"]
    assert "why" not in plain


@pytest.mark.parametrize(
    ("child", "facts", "expected"),
    [
        (IPV4[0], {}, True),
        (IPV6, {}, True),
        (IPV4[0], {"v6only": True}, False),
        (IPV4[0], {"local_port": 80}, False),
        (IPV4[0], {"netns": "4026531840"}, False),
        (replace(IPV4[0], state=TcpState.TIME_WAIT), {}, False),
        (socket("10.0.0.12", 4243, "10.0.0.20", 1000), {}, False),
        (IPV6, {"local": bytes(15) + b"\x01"}, False),
        (DUAL, {}, False),
    ],
)
def test_whose_child_a_connection_is(child: Socket, facts: dict[str, Any], expected: bool) -> None:
    """A listener's children have its family, port and network namespace, and an address that it takes."""
    assert is_child(child, replace(DUAL, **facts)) == expected


def test_the_connection_for_whose_sake_a_listener_is_told_of() -> None:
    """What it is to the listener, and how the program sees it."""
    answer = about_listeners([(DUAL, JAVA)], [(IPV4[0], JAVA)], ROOT, [IPV4[0], IPV6])
    asked = [text for heading, text in answer.facts if heading == "you asked for"]
    assert asked == [
        "10.0.0.20:1000, its client over IPv4; the program sees it as [::ffff:10.0.0.20]:1000.",
        "[2001:db8::20]:1000, its client over IPv6.",
    ]


def test_a_mapped_connection_serves_nobody() -> None:
    """Why it is tcp6 is told of itself; in short, too."""
    mapped = socket("::ffff:10.0.0.12", 1000, "::ffff:10.0.0.20", 80)
    answer = about_connection((mapped, JAVA), ROOT)
    assert "serve" not in dict(answer.facts)["why"]
    assert answer.brief.startswith("tcp6  ")
    assert answer.brief.endswith(": IPv4 on an AF_INET6 socket")
    assert "or a listener accepted it" in dict(answer.facts)["it is"]
    known = about_connection((mapped, JAVA), ROOT, was_connected=True)
    assert dict(known.facts)["it is"].endswith("It was connected to ::ffff:10.0.0.20.")
