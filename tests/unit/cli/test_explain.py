"""`correlator explain` about real sockets of this host."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

Done = subprocess.CompletedProcess[str]


def explain(*arguments: str, columns: int = 100) -> Done:
    """Run the command."""
    command = [sys.executable, "-m", "correlator", "explain", *arguments]
    environment = os.environ | {"COLUMNS": str(columns)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def port() -> Iterator[int]:
    """A dual-stack listener with a client of either version."""
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 0))
        server.listen()
        number = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", number)), socket.create_connection(("::1", number)):
            accepted = [server.accept()[0] for _ in range(2)]
            yield number
            for one in accepted:
                one.close()


def test_a_port(port: int) -> None:
    """The listener, its owner and its clients; not the clients' ends, which say the same."""
    done = explain(str(port))
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert f"(PID {os.getpid()}) listens on [::]:{port}" in text
    assert "1 over IPv4 (127.0.0.1) and 1 over IPv6 (::1)" in text
    assert "has a connection" not in text
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "[::1]:{}", "10.9.8.7:{}", "::1:{}", ":::{}", "*:{}", ":{}"])
def test_an_address_and_port(port: int, form: str) -> None:
    """A wildcard listener takes what is sent to any address."""
    done = explain(form.format(port))
    assert f"listens on [::]:{port}" in done.stdout


def test_a_process_and_an_address(port: int) -> None:
    """All that it has: here the listener tells of both connections."""
    for done in (explain("--pid", str(os.getpid())), explain("::1"), explain()):
        assert f"listens on [::]:{port}" in done.stdout
        assert "What can be done" in done.stdout


def test_an_address_of_this_host(port: int) -> None:
    """Wildcard listeners take what comes to it, each in its IP version; to another host's they have nothing to say."""
    with socket.create_server(("::", 0), family=socket.AF_INET6) as only:  # IPV6_V6ONLY is on
        number = only.getsockname()[1]
        for address, is_told in (("127.9.9.9", False), ("::1", True)):
            text = explain(address).stdout
            assert f":{port}" in text
            assert (f":{number}" in text) is is_told
    assert "Nothing here uses 9.9.9.9" in explain("9.9.9.9").stdout


def test_an_endpoint_has_the_listener_that_takes_it() -> None:
    """Its own before the wildcard ones, AF_INET before dual-stack."""
    made = {"family": socket.AF_INET6, "dualstack_ipv6": True, "reuse_port": True}
    with socket.create_server(("::", 0), **made) as dual:  # type: ignore[arg-type]
        port = dual.getsockname()[1]
        with socket.create_server(("127.0.0.1", port), reuse_port=True):
            text = explain(f"127.0.0.1:{port}").stdout
            assert f"listens on 127.0.0.1:{port}" in text
            assert f"listens on [::]:{port}" not in text
            assert f"listens on [::]:{port}" in explain(f"127.0.0.2:{port}").stdout


def test_a_client_is_named_with_its_listener(port: int) -> None:
    """Who asks about a connection hears what it is."""
    listing = subprocess.run(
        ["ss", "-tnH", "sport", "=", f":{port}"], capture_output=True, text=True, check=True
    ).stdout
    far = next(line.split()[4] for line in listing.splitlines() if "127.0.0.1" in line).rpartition(":")[2]
    text = " ".join(explain(f"127.0.0.1:{far}").stdout.split())
    assert (
        f"you asked for 127.0.0.1:{far}, its client over IPv4; the program sees it as [::ffff:127.0.0.1]:{far}." in text
    )


def test_a_client_that_connects_to_a_mapped_address() -> None:
    """Where its listener is here, too, it is known who connected."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET6) as client:
        number = server.getsockname()[1]
        client.connect(("::ffff:127.0.0.1", number))
        done = explain(str(client.getsockname()[1]), columns=70)
        assert "It was connected to ::ffff:127.0.0.1." in " ".join(done.stdout.split())
        assert max(len(line) for line in done.stdout.splitlines() if line.startswith("  ")) <= 70


def test_many_listeners_are_told_in_short() -> None:
    """Who they are and who comes; more for the asking."""
    many = [socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) for _ in range(5)]
    done = explain()
    for one in many:
        assert f":::{one.getsockname()[1]} " in done.stdout
        one.close()
    assert "answers, in short" in done.stdout
    assert "What can be done" not in done.stdout


def test_what_is_not_there_is_named(port: int) -> None:
    """Beside the answer for what is."""
    done = explain(str(port), "9.9.9.9")
    assert f"listens on [::]:{port}" in done.stdout
    assert "Nothing here uses 9.9.9.9 now" in done.stdout


def test_a_locale_without_the_characters(port: int) -> None:
    """Escapes, no traceback."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "correlator", "explain", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "RFC 3493 \\xa73.7" in " ".join(done.stdout.split())


def test_whoever_reads_may_leave(port: int) -> None:
    """The status says that the output failed, not that --fail-on was met."""
    command = f"{sys.executable} -m correlator explain {port}; echo $? >&2"
    done = subprocess.run(["sh", "-c", f"({command}) | true"], capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr.strip() in {"0", "6"}


def test_nothing_there() -> None:
    """A sentence, and what to run."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        done = explain(str(one.getsockname()[1]))
    assert done.returncode == 0
    assert "Nothing here uses" in done.stdout


@pytest.mark.parametrize("value", ["x", "0", "70000", "1.2.3", "[::1", "::1:80:", "[::1]:0", ""])
def test_wrong_arguments(value: str) -> None:
    """One line that says what there may be."""
    done = explain(value)
    assert done.returncode == 2
    assert done.stderr.startswith("correlator: ")
    assert len(done.stderr.splitlines()) == 1
