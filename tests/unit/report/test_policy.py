"""Rules about dual-stack listeners."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.report.policy import PolicyError, Subject, parse

JAVA = Subject(4243, "::", "java", "app.service", "")
SSH = Subject(22, "::", "sshd", "ssh.service", "c0ffee")


def test_deny_comes_first() -> None:
    """Whatever is allowed."""
    policy = parse('[[allow]]\nport = "0-65535"\n[[deny]]\nport = 4243\nnote = "use 8443"\n[[deny]]\nprocess = "ss*"')
    assert policy.refusal(JAVA) == "deny 1: use 8443"
    assert policy.refusal(SSH) == "deny 2: process ss*"


def test_where_there_are_allow_rules_one_must_fit() -> None:
    """Else what is not denied is allowed."""
    policy = parse('[[allow]]\nunit = "ssh.service"\ncontainer = "c0ffee"')
    assert policy.refusal(SSH) == ""
    assert policy.refusal(JAVA) == "no allow rule fits"
    assert parse("[[deny]]\nport = 1").refusal(JAVA) == ""


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ("port = 4243", True),
        ("port = [80, 4243]", True),
        ('port = ["80", "4000-5000"]', True),
        ('port = "4244-5000"', False),
        ('process = "JAVA"', False),
        ('process = "j?va"\nport = 4243', True),
        ('process = "java"\nport = 22', False),
        ('address = "::"', True),
        ('container = "?*"', False),
        ('unit = "[ab]pp.*"', True),
    ],
)
def test_what_fits(rule: str, *, fits: bool) -> None:
    """All that a rule names."""
    assert bool(parse(f"[[deny]]\n{rule}").refusal(JAVA)) is fits


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no rules"),
        ("[[deny", "no TOML"),
        ("[deny]\nport = 1", "written as [[deny]]"),
        ("deny = [1]", "written as [[deny]]"),
        ("[[permit]]\nport = 1", "'permit' is no kind of rule"),
        ("[[deny]]\nports = 1", "deny 1: 'ports' is nothing"),
        ("[[deny]]\nport = 1\n[[deny]]\n", "deny 2: it names nothing"),
        ("[[deny]]\nport = 65536", "65536 is no port"),
        ("[[deny]]\nport = true", "True is no port"),
        ("[[deny]]\nport = 1.5", "1.5 is no port"),
        ('[[deny]]\nport = "9-1"', "'9-1' is no port"),
        ('[[deny]]\nport = "http"', "'http' is no port"),
        ("[[deny]]\nprocess = 5", "process is a text"),
        ("[[deny]]\nport = 1\nnote = 5", "note is a text"),
        ("[[deny]]\nport = 0x" + "f" * 5000, "a number so large is no port"),
        ("[[deny]]\nport = -1", "is no port"),
        ('[[deny]]\nport = "' + "9" * 5000 + '"', "is no port"),
        ("[[deny]]\nport = " + "9" * 5000, "no TOML"),
        ("[[deny]]\nport = " + "[" * 20000, "no TOML"),
        ("a." * 5000 + "a = 1", "too long"),
        ("[[deny]]\nport = 1\n#" + "x" * (1 << 18), "too long"),
    ],
)
def test_what_is_no_rule(text: str, told: str) -> None:
    """Is refused with its place: a rule that is misread allows what it should not."""
    with pytest.raises(PolicyError) as error:
        parse(text)
    assert told in str(error.value)


@given(st.text(alphabet="[]deny allow\n=\"port0159-'#{},.", max_size=80))
def test_any_text(text: str) -> None:
    """A policy, or the documented error."""
    with contextlib.suppress(PolicyError):
        parse(text).refusal(JAVA)
