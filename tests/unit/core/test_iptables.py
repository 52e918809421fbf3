"""iptables-save's text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.core.firewall import IPV4, IPV6, Fate, Firewall
from correlator.core.iptables import of_iptables

OPEN, CLOSED, DEPENDS = Fate.OPEN, Fate.CLOSED, Fate.DEPENDS


def fate(rules: str, port: int = 80, *, policy: str = "ACCEPT", version: int = IPV4) -> Fate:
    """Of a port, in the rules of one table."""
    text = f"*filter\n:INPUT {policy} [0:0]\n:OUTPUT DROP [0:0]\n:mine - [0:0]\n{rules}\nCOMMIT\n"
    return Firewall(of_iptables(text, version)).fate(port, version)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("-A INPUT -p tcp -m tcp --dport 80 -j DROP", CLOSED),
        ("-A INPUT -p tcp -m tcp --dport 81 -j DROP", OPEN),
        ("-A INPUT -p tcp -m tcp ! --dport 81 -j DROP", CLOSED),
        ("-A INPUT -p tcp -m tcp ! --dport 80 -j DROP", OPEN),
        ("-A INPUT -p tcp -m multiport --dports 22,75:90 -j REJECT --reject-with tcp-reset", CLOSED),
        ("-A INPUT -p tcp -m tcp --destination-port :79 -j DROP", OPEN),
        ("-A INPUT -p tcp -m tcp --dport 80: -j DROP", CLOSED),
        ("-A INPUT -p tcp -m tcp --dport http -j DROP", OPEN),
        ("-A INPUT -p udp -m udp --dport 80 -j DROP", OPEN),
        ("-A INPUT ! -p tcp -j DROP", OPEN),
        ("-A INPUT -j DROP", CLOSED),
        ("-A INPUT -i lo -j DROP", OPEN),
        ("-A INPUT ! -i lo -j DROP", CLOSED),
        ("-A INPUT -i eth0 -j DROP", DEPENDS),
        ("-A INPUT -s 10.0.0.0/8 -j DROP", DEPENDS),
        ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j DROP", OPEN),
        ("-A INPUT -m state --state NEW -j DROP", CLOSED),
        ("-A INPUT -m conntrack ! --ctstate NEW -j DROP", DEPENDS),
        ("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", CLOSED),
        ("-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", OPEN),
        ("-A INPUT -p tcp -m tcp --tcp-flags FIN FIN -j DROP", DEPENDS),
        ('-A INPUT -m comment --comment "it\'s --dport 7" -j DROP', CLOSED),
        ("-A INPUT -m limit --limit 5/min -j DROP", DEPENDS),
        ("-A INPUT -j LOG --log-prefix x\n-A INPUT -j DROP", CLOSED),
        ("-A INPUT -j mine\n-A mine -p tcp --dport 80 -j DROP", CLOSED),
        ("-A INPUT -j mine\n-A mine -j RETURN\n-A mine -j DROP", OPEN),
        ("-A INPUT -g mine\n-A INPUT -j DROP", OPEN),
        ("-A INPUT -j NFQUEUE --queue-num 1", DEPENDS),
        ("-A OUTPUT -j DROP\n-A mine -j DROP", OPEN),
        ('-A INPUT "broken', DEPENDS),
        ("-A ", OPEN),
        ('-A INPUT -m comment --comment "two\nlines \\" -j ACCEPT" -j DROP', CLOSED),
        ('-A INPUT -m comment --comment "a\u2028b\x85c" -j DROP', CLOSED),
        ("-A INPUT -p tcp -m comment --comment --dport -j DROP", CLOSED),
        ("-A INPUT -m comment --comment -p -j DROP", CLOSED),
        ("-A INPUT -m socket -j DROP", DEPENDS),
        ("-A INPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 81", DEPENDS),
        ("-A INPUT", OPEN),
        ("-A INPUT -j", DEPENDS),
    ],
)
def test_rules(rule: str, expected: Fate) -> None:
    """What each does with a new connection from outside."""
    assert fate(rule) is expected


def test_policies_and_tables() -> None:
    """DROP closes what no rule lets in; NAT only changes where it goes."""
    assert fate("-A INPUT -p tcp --dport 80 -j ACCEPT", policy="DROP") is OPEN
    assert fate("-A INPUT -p tcp --dport 80 -j ACCEPT", 81, policy="DROP", version=IPV6) is CLOSED
    text = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j ACCEPT\n*raw\n:PREROUTING ACCEPT\n:x\n"
    assert Firewall(of_iptables(text, IPV4)).fate(80, IPV4) is OPEN
    assert Firewall(of_iptables(text + "-A PREROUTING -p tcp -j DROP\n", IPV4)).fate(80, IPV4) is CLOSED


def test_what_leads_elsewhere() -> None:
    """A port that NAT takes to another is not open for what listens on it."""
    text = "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
    text += "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n"
    assert Firewall(of_iptables(text, IPV4)).fate(8080, IPV4) is DEPENDS
    assert Firewall(of_iptables(text, IPV4)).fate(80, IPV4) is OPEN


def test_what_iptables_cannot_show() -> None:
    """It says so itself."""
    with pytest.raises(ValueError, match="cannot show"):
        of_iptables("# Table `filter' contains incompatible base-chains, use 'nft' tool to list them.\n*filter\n", IPV4)


@given(st.text(alphabet="*:-A INPUTfilter\n\"'\\port0189!, tcpjm", max_size=200))
def test_any_text(text: str) -> None:
    """Whatever it may come to say: chains, and no fault."""
    Firewall(of_iptables(text, IPV4)).fate(80, IPV4)
