"""What programs call IPv6 only, IPv4 only, and both by sockets of their own."""

_SETTINGS: dict[str, tuple[str, str, str]] = {
    "nginx": (
        "nginx: `listen [::]:PORT ipv6only=on;`",
        "nginx: `listen PORT;` without the [::] one",
        "nginx: `listen PORT; listen [::]:PORT ipv6only=on;`",
    ),
    "java": (
        "Java has no setting for this",
        "Java: `-Djava.net.preferIPv4Stack=true` (then it has no IPv6 at all)",
        "Java has no setting for this",
    ),
    "systemd": (
        "systemd.socket(5): `BindIPv6Only=ipv6-only`",
        "systemd.socket(5): `ListenStream=0.0.0.0:PORT`",
        "systemd.socket(5): `ListenStream=0.0.0.0:PORT`, `ListenStream=[::]:PORT`, `BindIPv6Only=ipv6-only`",
    ),
    "docker-proxy": (
        "docker: `-p [::]:PORT:...`",
        "docker: `-p 0.0.0.0:PORT:...`",
        "docker: `-p 0.0.0.0:PORT:... -p [::]:PORT:...`",
    ),
    "haproxy": (
        "haproxy: `bind :::PORT v6only`",
        "haproxy: `bind 0.0.0.0:PORT`",
        "haproxy: `bind 0.0.0.0:PORT`, `bind :::PORT v6only`",
    ),
    "node": (
        "Node: `listen({host: '::', port: PORT, ipv6Only: true})`",
        "Node: `listen(PORT, '0.0.0.0')`",
        "Node: two servers, `listen({host: '::', port: PORT, ipv6Only: true})` and `listen(PORT, '0.0.0.0')`",
    ),
}
DECIDED = frozenset({"nginx", "java", "node", "docker-proxy"})
"""Programs that set IPV6_V6ONLY whatever the system's default is."""
_USUAL = ("nginx", "systemd", "docker-proxy")


def settings(name: str, port: int) -> tuple[str, str, str]:
    """The three, for a program; where it is not known, those of some that are common."""
    known = (name,) if name in _SETTINGS else _USUAL
    ipv4 = known if name in _SETTINGS else (*_USUAL, "java")
    of_ipv6, of_ipv4, of_both = (
        "; ".join(_SETTINGS[program][way].replace("PORT", str(port)) for program in several)
        for way, several in enumerate((known, ipv4, known))
    )
    return of_ipv6, of_ipv4, of_both
