"""The pictures of a report as shapes with their places, which the page's template draws as SVG.

Lengths are in the units of each picture's viewBox. Colours are classes of the style sheet, by token.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from correlator.core.address import text
from correlator.core.model import Verdict
from correlator.core.timetext import time_text
from correlator.report.escape import terminal
from correlator.report.page.tallies import OTHER_PROCESSES, OTHERS, RTT_BOUNDS, Flows, RttClasses, Timeline

WIDTH, HEIGHT = 720, 200
_LEFT, _RIGHT, _BOTTOM, _TOP = 52, 24, 24, 10  # room for the labels of axes
_TICKS = 4
_CLASSES = 9  # of RTTs, at the least
_VERDICTS = tuple(str(verdict) for verdict in Verdict)
_SECOND, _DAY = 1_000_000_000, 86_400_000_000_000

MAP_WIDTH, _NODE = 900, 14
_TALL, _LABEL, _GAP = 220, 14, 8  # of all that flows; of a node's label; between two nodes
_SHOWN = 8  # clients, processes; the others are one
_COLUMNS = (0, 290, 520, 740)
"""Where the nodes of clients, wire families, socket families and processes stand."""
_UNKNOWN = "unknown process"


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column: a rectangle, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str
    anchor: str = "middle"
    """Which part of the label stands at the mark: `start`, `middle`, `end`."""


@dataclass(slots=True)
class Chart:
    """Stacked columns with two axes."""

    bars: list[Bar] = field(default_factory=list)
    across: list[Tick] = field(default_factory=list)
    up: list[Tick] = field(default_factory=list)
    rows: list[tuple[str, list[int]]] = field(default_factory=list)
    """The same as a table: a column's name, and its counts by `kinds`."""
    kinds: list[str] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A stop on the way of connections."""

    x: float
    y: float
    height: float
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Ribbon:
    """What flows between two stops: a closed path."""

    path: str
    kind: str
    label: str


@dataclass(slots=True)
class Map:
    """Clients, families and processes, and what flows between them."""

    height: float = 0
    nodes: list[Node] = field(default_factory=list)
    ribbons: list[Ribbon] = field(default_factory=list)


def timeline(tally: Timeline) -> Chart:
    """Findings over time, by verdict."""
    first, last = min(tally.bins, default=0), max(tally.bins, default=0)
    is_long = time_text(first * tally.width)[:10] != time_text(last * tally.width)[:10]
    begins = [_time(number * tally.width, tally.width, is_long=is_long) for number in range(first, last + 1)]
    chart = _columns({number - first: counts for number, counts in tally.bins.items()}, last - first + 1)
    chart.rows = [
        (begins[number - first], [tally.bins[number][kind] for kind in chart.kinds]) for number in sorted(tally.bins)
    ]
    places = sorted({round(share * (last - first) / _TICKS) for share in range(_TICKS + 1)})
    step = (WIDTH - _LEFT - _RIGHT) / (last - first + 1)
    anchors = {places[0]: "start", places[-1]: "end"} if len(places) > 1 else {}
    chart.across = [Tick(_LEFT + place * step, begins[place], anchors.get(place, "middle")) for place in places]
    chart.note = f"times are UTC; a column is {duration(tally.width)}" + (
        f"; {tally.untimed} without a time" if tally.untimed else ""
    )
    return chart


def rtt(tally: RttClasses) -> Chart:
    """How long handshakes took."""
    first, last = min(tally.classes, default=0), max(tally.classes, default=0)
    first = max(min(first, last - _CLASSES + 1), 0)  # a single class would be a wall
    last = max(last, first + _CLASSES - 1)
    chart = _columns({place - first: counts for place, counts in tally.classes.items()}, last - first + 1)
    step = (WIDTH - _LEFT - _RIGHT) / (last - first + 1)
    chart.across = [
        Tick(_LEFT + (place - first + 1) * step, duration(RTT_BOUNDS[place] * 1000))
        for place in range(first, min(last + 1, len(RTT_BOUNDS)))
    ]
    chart.rows = [
        (_class_name(place), [tally.classes[place][kind] for kind in chart.kinds]) for place in sorted(tally.classes)
    ]
    chart.note = "RTT from SYN to SYN-ACK; a mark is the upper end of the column before it"
    return chart


def flow_map(tally: Flows) -> Map:
    """Clients, wire families, socket families, processes."""
    top_clients, top_processes = _top(tally, 0), _top(tally, 3)
    merged: Counter[tuple[str, str, str, str]] = Counter()
    for (client, wire, family, process), count in tally.counts.items():
        where = text(client) if client in top_clients else "other clients"
        who = (terminal(process) or _UNKNOWN) if process in top_processes else "other processes"
        merged[where, wire, family, who] += count
    return _laid_out(merged)


def duration(nanoseconds: int) -> str:
    """A length of time in the largest unit that leaves it whole."""
    for unit, name in (
        (_DAY, "d"),
        (3600 * _SECOND, "h"),
        (60 * _SECOND, "min"),
        (_SECOND, "s"),
        (1_000_000, "ms"),
        (1000, "µs"),
    ):
        if nanoseconds >= unit and nanoseconds % unit == 0:
            return f"{nanoseconds // unit} {name}"
    return f"{nanoseconds} ns"


def _time(at: int, width: int, *, is_long: bool) -> str:
    """A time with as much of it as tells bins of a width apart; with its date where a run is longer than a day."""
    told = time_text(at)
    if width >= _DAY:
        return told[:10]
    clock = told[11:19] if width >= _SECOND else told[11:23]
    return f"{told[5:10]} {clock}" if is_long else clock


def _class_name(place: int) -> str:
    if place >= len(RTT_BOUNDS):
        return f"over {duration(RTT_BOUNDS[-1] * 1000)}"
    return f"up to {duration(RTT_BOUNDS[place] * 1000)}"


def _columns(counts: dict[int, Counter[str]], columns: int) -> Chart:
    """Columns by place, stacked in the order of the verdicts."""
    present = {kind for one in counts.values() for kind in one}
    kinds = [kind for kind in _VERDICTS if kind in present]
    most = max((one.total() for one in counts.values()), default=0)
    scale = _nice(most)
    chart = Chart(kinds=kinds)
    step, tall = (WIDTH - _LEFT - _RIGHT) / columns, HEIGHT - _BOTTOM - _TOP
    for place, one in sorted(counts.items()):
        y = float(HEIGHT - _BOTTOM)
        for kind in kinds:
            if not one[kind]:
                continue
            height = one[kind] / scale * tall
            y -= height
            chart.bars.append(Bar(_LEFT + place * step, y, max(step * 0.86, 0.5), height, kind, f"{one[kind]} {kind}"))
    chart.up = [
        Tick(HEIGHT - _BOTTOM - tall * part / _TICKS, f"{scale * part // _TICKS:,}")
        for part in range(_TICKS + 1)
        if scale * part % _TICKS == 0
    ]
    return chart


def _nice(most: int) -> int:
    """The end of an axis: the next of 1, 2, 4, 8, 10 times a power of ten."""
    power = 1
    while most > 10 * power:
        power *= 10
    return next(step * power for step in (1, 2, 4, 8, 10) if most <= step * power)


def _top(tally: Flows, place: int) -> set[object]:
    """The members of flows with the most terminations, as many as are shown."""
    totals: Counter[object] = Counter()
    for flow, count in tally.counts.items():
        if flow[place] not in {OTHERS, OTHER_PROCESSES}:
            totals[flow[place]] += count
    return {name for name, _ in totals.most_common(_SHOWN)}


def _laid_out(flows: Counter[tuple[str, str, str, str]]) -> Map:
    """Nodes in four columns, the largest first, and the ribbons between each two of them."""
    total = flows.total()
    if not total:
        return Map()
    columns = [_totals(flows, place) for place in range(4)]
    scale = _TALL / total
    needs = [sum(_slot(count * scale) for _, count in column) for column in columns]
    tall = max(needs)
    found = Map(height=tall)
    tops: list[dict[str, float]] = []
    for place, column in enumerate(columns):
        y, top = 0.0, {}
        spread = (tall - needs[place]) / (len(column) + 1)  # a column with room to spare stands in the middle
        for name, count in column:
            y += spread
            top[name] = y
            found.nodes.append(Node(_COLUMNS[place], y, count * scale, name, count))
            y += _slot(count * scale)
        tops.append(top)
    for place in range(3):
        leaving, arriving = dict(tops[place]), dict(tops[place + 1])
        pairs: Counter[tuple[str, str, str]] = Counter()
        for flow, count in flows.items():
            pairs[flow[place], flow[place + 1], _kind(flow)] += count
        order = {name: number for column in columns for number, (name, _) in enumerate(column)}
        for (near, far, kind), count in sorted(pairs.items(), key=lambda item: [order[item[0][0]], order[item[0][1]]]):
            height = count * scale
            path = _band(_COLUMNS[place] + _NODE, leaving[near], _COLUMNS[place + 1], arriving[far], height)
            leaving[near] += height
            arriving[far] += height
            found.ribbons.append(Ribbon(path, kind, f"{near} to {far}: {count}"))
    return found


def _slot(height: float) -> float:
    """What a node takes of its column: at least its label's height."""
    return max(height, _LABEL) + _GAP


def _totals(flows: Counter[tuple[str, str, str, str]], place: int) -> Sequence[tuple[str, int]]:
    totals: Counter[str] = Counter()
    for flow, count in flows.items():
        totals[flow[place]] += count
    return totals.most_common()


def _kind(flow: Iterable[str]) -> str:
    """The verdict of a flow, for its colour."""
    _, wire, family, _ = flow
    return f"{wire}-on-{family.lower()}"


def _band(left: float, top: float, right: float, landing: float, height: float) -> str:
    """A ribbon between two columns as SVG's path data."""
    middle = (left + right) / 2
    return (
        f"M{left:.1f} {top:.1f}C{middle:.1f} {top:.1f} {middle:.1f} {landing:.1f} {right:.1f} {landing:.1f}"
        f"V{landing + height:.1f}C{middle:.1f} {landing + height:.1f} {middle:.1f} {top + height:.1f} "
        f"{left:.1f} {top + height:.1f}Z"
    )
