"""Makes the pictures in docs/pictures/ from real runs: `python docs/draw_pictures.py`, as root.

Two network namespaces, a server's and its clients', joined by a veth pair; nginx and node serve there, `correlator
live` watches on a terminal (tmux), and what that shows, and the report that it writes, is photographed in Chromium.
"""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
COLUMNS, LINES = 150, 34
SECONDS = 14
STYLE = """
body { margin: 0; background: #0c0c0c; color: #d9d9d9 }
pre { font: 13px/1.35 "DejaVu Sans Mono", monospace; margin: 0; padding: 14px 16px; display: inline-block }
"""
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
NGINX = """
daemon off; master_process off; error_log /dev/null; pid {folder}/pid;
events {{ }}
http {{ access_log off; server {{ listen [::]:80 ipv6only=off; return 200 "hello"; }}
       server {{ listen 0.0.0.0:8080; return 200 "hello"; }} }}
"""
NODE = "require('http').createServer((_, answer) => answer.end('hello')).listen(3000, '::')"
CLIENTS = [f"10.0.0.{number}" for number in range(20, 26)]
SERVER = "10.0.0.12"
CLIENTS6 = [f"2001:db8::{number}" for number in range(20, 23)]
SERVER6 = "2001:db8::12"


def main() -> int:
    """Make them all."""
    if os.geteuid() or any(shutil.which(name) is None for name in ("ip", "tmux", "nginx", "node", "chromium")):
        sys.stderr.write("draw_pictures.py: needs root, and ip, tmux, nginx, node and chromium\n")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        inside = stack.enter_context(_namespaces())
        for program in (_nginx(folder), ["node", "-e", NODE]):
            stack.enter_context(_running([*inside, *program]))
        time.sleep(1)
        screen = _watched(inside, folder)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            _photograph_screen(browser, screen)
            _photograph_report(browser, folder / "x.html")
            browser.close()
    return 0


@contextlib.contextmanager
def _namespaces() -> Iterator[list[str]]:
    """The words that run a program in the server's namespace."""
    names = [f"pictures-{os.getpid()}", f"pictures-{os.getpid()}-c"]
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        server, clients = names
        lines = [f"ip -n {server} link add eth0 type veth peer name eth0 netns {clients}"]
        lines += [f"ip -n {name} link set {link} up" for name in names for link in ("lo", "eth0")]
        lines += [
            f"ip -n {server} addr add {SERVER}/24 dev eth0",
            f"ip -n {server} addr add {SERVER6}/64 dev eth0 nodad",
        ]
        lines += [f"ip -n {clients} addr add {address}/24 dev eth0" for address in CLIENTS]
        lines += [f"ip -n {clients} addr add {address}/64 dev eth0 nodad" for address in CLIENTS6]
        for line in lines:
            subprocess.run(line.split(), check=True)
        yield ["ip", "netns", "exec", server]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=True)


def _nginx(folder: Path) -> list[str]:
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _watched(inside: list[str], folder: Path) -> str:
    """What the screen shows while clients come and go, in the terminal's own language."""
    tmux = ["tmux", "-L", f"pictures-{os.getpid()}"]
    watch = [*inside, sys.executable, "-m", "correlator", "live", "-i", "eth0", "--html", str(folder / "x.html")]
    subprocess.run([*tmux, "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), *watch], check=True)
    try:
        time.sleep(2)
        with _running([*inside[:-1], inside[-1] + "-c", sys.executable, __file__, "clients"]):
            time.sleep(SECONDS - 2)
            shown = subprocess.run(
                [*tmux, "capture-pane", "-e", "-p"], check=True, capture_output=True, text=True
            ).stdout
        time.sleep(2)
        subprocess.run([*tmux, "send-keys", "q"], check=True)
        for _ in range(100):
            if (folder / "x.html").stat().st_size:
                break
            time.sleep(0.1)
        time.sleep(1)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
    return shown


def _clients() -> int:
    """Come and go for a while, each in its own way: most over IPv4."""
    end = time.monotonic() + SECONDS
    ports = [(80, 6), (3000, 3), (8080, 2), (25, 1)]

    def play(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  a scene, no secret
        while time.monotonic() < end:
            (port,) = dice.choices([port for port, _ in ports], [weight for _, weight in ports])
            six = dice.random() < 0.3 and port != 8080
            near, far = (dice.choice(CLIENTS6), SERVER6) if six else (dice.choice(CLIENTS[: 1 + seed * 2]), SERVER)
            with contextlib.suppress(OSError), socket.create_connection((far, port), 2, (near, 0)) as one:
                one.sendall(b"GET / HTTP/1.0\r\n\r\n")
                time.sleep(dice.expovariate(4))
                one.recv(100)
            time.sleep(dice.expovariate(6))

    threads = [threading.Thread(target=play, args=(seed,), daemon=True) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 5)
    return 0


def _photograph_screen(browser: Browser, shown: str) -> None:
    with open(os.devnull, "w", encoding="ascii") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(Text.from_ansi(shown), end="")
    code = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>", theme=MONOKAI)
    page = browser.new_page(viewport={"width": 1400, "height": 800}, device_scale_factor=1.25)
    page.set_content(f"<style>{STYLE}</style>{code}")
    page.locator("pre").screenshot(path=PICTURES / "live.png")
    page.close()


def _photograph_report(browser: Browser, report: Path) -> None:
    for scheme, name in (("light", "report.png"), ("dark", "report-dark.png")):
        page = browser.new_context(viewport={"width": 1240, "height": 1400}, color_scheme=scheme).new_page()  # type: ignore[arg-type]
        page.goto(report.as_uri())
        page.wait_for_selector("#rows tbody tr")
        page.screenshot(path=PICTURES / name, clip={"x": 0, "y": 0, "width": 1240, "height": 1400}, full_page=True)
    page.fill("#search", "nginx")
    page.select_option("#verdict", "=ipv4-on-af_inet6")
    page.wait_for_function("() => document.getElementById('status').textContent.includes(' of ')")
    page.click("#rows tbody tr.row >> nth=1")
    page.set_viewport_size({"width": 1240, "height": 640})
    page.locator("#findings").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('findings').scrollIntoView({ behavior: 'instant' })")
    page.screenshot(path=PICTURES / "table.png")


if __name__ == "__main__":
    sys.exit(_clients() if sys.argv[1:] == ["clients"] else main())
