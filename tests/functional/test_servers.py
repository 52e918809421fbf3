"""Servers and clients that people run: Node.js and Java."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.conftest import LiveRun

NODE_SERVER = """
const s = require('net').createServer(c => { c.on('error', () => {}); c.resume(); });
s.listen(0, () => console.log(s.address().port));
"""
NODE_CLIENT = (
    "const c = require('net').connect({port, host: '127.0.0.1'}); c.resume(); setTimeout(() => c.destroy(), 900);"
)

JAVA_SERVER = """
import java.net.*;
public class Server {
    public static void main(String[] a) throws Exception {
        ServerSocket s = new ServerSocket(0);
        System.out.println(s.getLocalPort());
        while (true) { Socket c = s.accept(); c.getInputStream().read(); c.close(); }
    }
}
"""
JAVA_CLIENT = """
import java.net.*;
public class Client {
    public static void main(String[] a) throws Exception {
        Socket s = new Socket("127.0.0.1", Integer.parseInt(a[0]));
        System.out.println(s.getLocalPort());
        Thread.sleep(900);
        s.close();
    }
}
"""


def spawn(*command: str) -> tuple[subprocess.Popen[str], int]:
    """A program that prints a port first."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, int(process.stdout.readline())


def visit(port: int) -> int:
    """An AF_INET client that stays for a moment; returns its port."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        own = int(client.getsockname()[1])
        time.sleep(0.9)
        return own


def test_a_node_server_and_client(start_live: Callable[..., LiveRun], program: Callable[[str], str]) -> None:
    """Node listens on [::] and takes IPv4 there; its client connects as AF_INET."""
    node = program("node")
    server, port = spawn(node, "-e", NODE_SERVER)
    try:
        live = start_live()
        own = visit(port)
        subprocess.run([node, "-e", NODE_CLIENT.replace("port,", f"port: {port},")], check=True, timeout=20)
        live.end()
    finally:
        server.kill()
        server.communicate()
    row = live.of(own, "server")
    assert (row["verdict"], row["cause"], row["v6only"]) == ("ipv4-on-af_inet6", "dual-stack-listener", "off")
    assert (row["pid"], row["owner_by"], row["process"]) == (str(server.pid), "inode", "node")
    (client,) = [row for row in live.rows if row["side"] == "client" and row["client_port"] != str(own)]
    assert (client["verdict"], client["process"]) == ("ipv4-on-af_inet", "node")


@pytest.fixture(scope="module")
def java_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, compiled."""
    import shutil

    if shutil.which("javac") is None or shutil.which("java") is None:
        pytest.skip("javac is not installed")
    folder = tmp_path_factory.mktemp("java")
    (folder / "Server.java").write_text(JAVA_SERVER)
    (folder / "Client.java").write_text(JAVA_CLIENT)
    subprocess.run(["javac", "Server.java", "Client.java"], cwd=folder, check=True, timeout=120)
    return folder


def test_a_java_server_and_client(start_live: Callable[..., LiveRun], java_classes: Path) -> None:
    """Java has AF_INET6 sockets for everything: a dual-stack listener, and mapped connects."""
    server, port = spawn("java", "-cp", str(java_classes), "Server")
    try:
        live = start_live()
        client, own = spawn("java", "-cp", str(java_classes), "Client", str(port))
        client.communicate(timeout=20)
        live.end()
    finally:
        server.kill()
        server.communicate()
    rows = (live.of(own, "client"), live.of(own, "server"))
    assert [row["verdict"] for row in rows] == ["ipv4-on-af_inet6", "ipv4-on-af_inet6"]
    assert [row["cause"] for row in rows] == ["mapped-connect", "dual-stack-listener"]
    assert [row["pid"] for row in rows] == [str(client.pid), str(server.pid)]
    assert {row["process"] for row in rows} == {"java"}
    assert rows[1]["v6only"] == "off"
