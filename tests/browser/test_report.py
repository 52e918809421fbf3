"""The HTML report as a reader meets it: what it shows, finds, sorts and hands out, and that it is silent."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CAPTURE = ROOT / "captures" / "jessie.pcap"
TABLE = ROOT / "captures" / "jessie.netstat.txt"
HOSTILE = '</script><script>window.stolen=1</script><img src=x onerror="window.stolen=2">=1+1'
HOSTILE_COMMAND = '=HYPERLINK("http://x")\u202egnp.exe\x1b[2J\U000e0001,\n\''


def correlator(*arguments: str | Path) -> None:
    """Run a command that must succeed."""
    command = [sys.executable, "-m", "correlator", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample capture's report: page, CSV and JSON Lines."""
    folder = tmp_path_factory.mktemp("report")
    options = [f"--{form}={folder / ('x.' + form)}" for form in ("html", "csv", "jsonl")]
    correlator("analyse", "-q", CAPTURE, "--sockets", TABLE, *options)
    return folder / "x.html"


@pytest.fixture(scope="module")
def hostile(report: Path) -> Path:
    """The same with names that want to be more than text."""
    lines = report.with_suffix(".jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    for record in records[1:-1]:
        if record["process"] == "java":
            record |= {"process": HOSTILE, "cmdline": HOSTILE_COMMAND, "cookie": (1 << 60) + 1}
            record |= {"cgroup": "/system.slice/" + HOSTILE + ".service", "tcp_info": {"rtt_us": 7}}
    records[0]["host"] = HOSTILE
    source = report.with_name("hostile.jsonl")
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    for form in ("html", "csv"):
        correlator("export", source, f"--{form}", source.with_suffix("." + form))
    return source.with_suffix(".html")


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; in the end there was no error, no message on the console, and no request but for the file."""
    noises: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)

    def open_page(path: Path, fragment: str = "") -> Any:
        page = context.new_page()
        page.on("console", lambda message: noises.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: noises.append(f"error: {error}"))
        page.on("request", lambda request: noises.append(f"request: {request.url}"))
        page.goto(f"{path.as_uri()}{fragment}")
        page.wait_for_selector("#rows tbody tr")
        assert noises.pop(0).startswith("request: file:")
        return page

    yield open_page
    context.close()
    assert noises == []


def shown(page: Any, column: str) -> list[str]:
    """The cells of a column, as they are shown."""
    names = page.locator("#rows thead th").all_inner_texts()
    place = [name.strip(" ▲▼") for name in names].index(column) + 1
    return list(page.locator(f"#rows tbody tr.row td:nth-child({place})").all_inner_texts())


def status(page: Any, text: str) -> None:
    """Wait for what the table says of itself."""
    page.wait_for_function("text => document.getElementById('status').textContent === text", arg=text)


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV's rows."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_answer_comes_first(report: Path, visit: Callable[..., Any]) -> None:
    """How many, which listeners, which clients, and who would be hit."""
    page = visit(report)
    assert page.locator("h1").inner_text() == "3 of 15 findings: IPv4 on AF_INET6 sockets"
    listeners = page.locator("section[aria-labelledby=h-listeners] tbody tr")
    assert listeners.count() == 1
    told = listeners.first.inner_text()
    assert all(fact in told for fact in ("10.0.0.12:4243", "java", "31307", "10.0.0.20", "100 %", "2015-01-01"))
    assert "java (31307)" in page.locator("section[aria-labelledby=h-who]").inner_text()
    assert page.locator("svg rect.ipv4-on-af_inet6").count() > 3
    assert page.locator("svg path.ribbon").count() > 5


def test_search_filters_and_their_end(report: Path, visit: Callable[..., Any]) -> None:
    """Each narrows what is shown; all together; the way back."""
    page, rows = visit(report), rows_of(report.with_suffix(".csv"))
    status(page, "15 findings")
    page.fill("#search", "JAVA 4243")
    status(page, "1 of 15 findings")
    assert shown(page, "server") == ["10.0.0.12:4243"]
    page.click("text=Clear")
    status(page, "15 findings")
    page.select_option("#verdict", "=ipv4-on-af_inet6")
    status(page, "3 of 15 findings")
    assert set(shown(page, "process")) == {"java (31307)"}
    page.fill("#port", "443")
    wanted = [r for r in rows if r["verdict"] == "ipv4-on-af_inet6" and "443" in (r["client_port"], r["server_port"])]
    status(page, f"{len(wanted)} of 15 findings")
    page.click("text=Clear")
    page.select_option("#process", "=smbd")
    status(page, f"{sum(row['process'] == 'smbd' for row in rows)} of 15 findings")
    page.select_option("#process", "=")
    status(page, f"{sum(row['process'] == '' for row in rows)} of 15 findings")
    page.fill("#search", "no such thing")
    status(page, "0 of 15 findings")
    page.click("text=Clear")
    page.click(".tile[data-verdict=no-socket]")
    status(page, "1 of 15 findings")


def test_sorting(report: Path, visit: Callable[..., Any]) -> None:
    """Up, down and back; addresses by their numbers, unknown last."""
    page = visit(report)
    before = shown(page, "client")
    page.click("#rows thead button:text-is('client')")
    up = shown(page, "client")
    key = lambda end: [[int(part) for part in end.split(":")[0].split(".")], int(end.split(":")[1])]  # noqa: E731
    assert up == sorted(before, key=key)
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("client")
    page.click("#rows thead button:text-is('client')")
    assert shown(page, "client") == up[::-1]
    page.click("#rows thead button:text-is('client')")
    assert shown(page, "client") == before
    for _ in range(2):
        page.click("#rows thead button:text-is('process')")
        processes = shown(page, "process")
        assert processes[-2:] == ["", ""]
        assert "" not in processes[:-2]


def test_details_and_links(report: Path, visit: Callable[..., Any]) -> None:
    """By mouse and by keyboard; a link opens what it names, whatever is filtered."""
    rows = rows_of(report.with_suffix(".csv"))
    number = next(place for place, row in enumerate(rows, 1) if row["server_port"] == "4243")
    page = visit(report, f"#finding-{number}")
    details = page.locator("tr.details")
    assert details.count() == 1
    told = details.inner_text()
    wanted = rows[number - 1]
    assert all(value in told for name, value in wanted.items() if value), told
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"details of finding {number}"
    page.keyboard.press("Enter")
    assert page.locator("tr.details").count() == 0
    page.keyboard.press("Enter")
    assert page.locator("tr.details").count() == 1
    page.select_option("#verdict", "=no-socket")
    page.evaluate("location.hash = '#finding-2'")
    status(page, "15 findings")
    assert page.locator("#finding-2.target").count() == 1


@pytest.mark.parametrize("which", ["report", "hostile"])
def test_the_download_is_our_csv(which: str, visit: Callable[..., Any], request: pytest.FixtureRequest) -> None:
    """Byte for byte what the command writes, all of it and a selection."""
    path = request.getfixturevalue(which)
    page = visit(path)
    with page.expect_download() as download:
        page.click("#download")
    assert Path(download.value.path()).read_bytes() == path.with_suffix(".csv").read_bytes()
    page.select_option("#verdict", "=ipv4-on-af_inet6")
    with page.expect_download() as download:
        page.click("#download")
    got = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"), newline="")))
    assert got == [row for row in rows_of(path.with_suffix(".csv")) if row["verdict"] == "ipv4-on-af_inet6"]


def test_hostile_names_are_text(hostile: Path, visit: Callable[..., Any]) -> None:
    """In the answer, the pictures, the choices, the table and the details; nothing turns or hides what is shown."""
    page = visit(hostile, "#finding-13")
    assert page.evaluate("window.stolen") is None
    assert page.locator("img").count() == 0
    text = page.locator("body").inner_text()
    assert text.count("<script>window.stolen=1</script>") >= 4
    assert not any(character in text for character in "\u202e\x1b\U000e0001")
    page.fill("#search", "gnp.exe")
    status(page, "3 of 15 findings")
    details = page.locator("tr.details").inner_text()
    assert "\\u202egnp.exe\\x1b[2J\\U000e0001,\\n" in details
    assert str((1 << 60) + 1) in details
    assert '{"rtt_us":7}' in details


def test_a_hundred_thousand_findings(report: Path, tmp_path: Path, visit: Callable[..., Any]) -> None:
    """They are searched, sorted and paged through; the page holds a hundred rows at a time."""
    lines = report.with_suffix(".jsonl").read_text().splitlines()
    base, count = json.loads(lines[1]), 100_000
    with open(tmp_path / "large.jsonl", "w") as file:
        file.write(lines[0] + "\n")
        for number in range(count):
            second, client = number // 1000 % 60, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            opened = f"2026-01-01T{number // 60000:02d}:00:{second:02d}.{number % 1000:03d}000000Z"
            file.write(json.dumps(base | {"client_ip": client, "opened_at": opened, "server_port": number % 7}) + "\n")
        file.write(lines[-1] + "\n")
    correlator("export", tmp_path / "large.jsonl", "--html", tmp_path / "large.html")
    assert (tmp_path / "large.html").stat().st_size < 12_000_000
    page = visit(tmp_path / "large.html")
    status(page, "100,000 findings")
    assert page.locator("#rows tbody tr").count() == 100
    page.click("#last")
    assert page.locator("#page").inner_text() == "page 1,000 of 1,000"
    page.fill("#search", "10.1.134.159")
    status(page, "1 of 100,000 findings")
    page.click("text=Clear")
    page.fill("#port", "3")
    status(page, f"{len(range(3, count, 7)):,} of 100,000 findings")
    page.click("#rows thead button:text-is('client')")
    page.click("#rows thead button:text-is('client')")
    assert shown(page, "client")[0].startswith("10.1.134.1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(report: Path, browser: Any, scheme: str) -> None:
    """Text against its background as WCAG 2 asks for (1.4.3: 4.5 to 1), in both schemes."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(report.as_uri())
    for ink, paper in (("--ink", "--paper"), ("--quiet", "--paper"), ("--ink", "--panel"), ("--quiet", "--panel")):
        ratio = page.evaluate(
            """([ink, paper]) => {
              const style = getComputedStyle(document.documentElement);
              const light = (name) => {
                const hex = style.getPropertyValue(name).trim().slice(1);
                const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
                  .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const [low, high] = [light(ink), light(paper)].sort((a, b) => a - b);
              return (high + 0.05) / (low + 0.05);
            }""",
            [ink, paper],
        )
        assert ratio >= 4.5, (ink, paper, ratio)
    context.close()


def test_on_paper(report: Path, browser: Any) -> None:
    """Without what can only be clicked, and not wider than the sheet."""
    context = browser.new_context(viewport={"width": 760, "height": 1000})
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector("#rows tbody tr")
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.locator("h1").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 760
    context.close()


def test_without_scripts(report: Path, browser: Any) -> None:
    """The answer and the pictures are there; the table says what it needs."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("h1").is_visible()
    assert page.locator("#timeline svg").is_visible()
    assert page.locator("noscript").inner_text().startswith("The table needs JavaScript")
    context.close()


def test_roles_and_names(report: Path, visit: Callable[..., Any]) -> None:
    """What a screen reader goes by: one heading of the page, named regions, images, controls."""
    page = visit(report)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("img").count() >= 4
    for role, name in (("search", "Findings"), ("navigation", "Pages of the table"), ("searchbox", "Search")):
        assert page.get_by_role(role, name=name).count() == 1
    for name in ("Verdict", "Process"):
        assert page.get_by_role("combobox", name=name).count() == 1
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, select, svg[role=img]')].filter((one) => "
        "!(one.getAttribute('aria-label') || one.textContent.trim() || one.closest('label'))).length"
    )
    assert unnamed == 0
