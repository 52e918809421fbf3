// The table of findings: search, filters, order, pages, details and CSV, over rows that came with the page.
// What strangers named is only ever text (textContent), with what could turn or hide it as escapes.
"use strict";
(async () => {
  const COLUMNS = JSON.parse(document.getElementById("columns").textContent);
  const AT = Object.fromEntries(COLUMNS.map((name, place) => [name, place]));
  const $ = (id) => document.getElementById(id);
  const number = (value) => value.toLocaleString("en-US");

  async function load() {
    const packed = atob($("data").textContent.trim());
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream());
    const found = [], reader = text.getReader();
    for (let rest = "", piece; !(piece = await reader.read()).done; ) {
      const lines = (rest + piece.value).split("\n");
      rest = lines.pop();
      for (const line of lines) found.push(Object.assign(JSON.parse(line), { number: found.length + 1 }));
    }
    if (found.length !== Number($("data").dataset.count)) throw new Error("rows are missing");
    return found;
  }

  // As `correlator` writes text: control, format, surrogate and private characters as Python's escapes.
  const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
  const NAMED = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };
  function safe(text) {
    return text.replace(UNSAFE, (character) => {
      const code = character.codePointAt(0), hex = code.toString(16);
      if (NAMED[character]) return NAMED[character];
      return code < 0x100 ? "\\x" + hex.padStart(2, "0") : code < 0x10000 ? "\\u" + hex.padStart(4, "0") : "\\U" + hex.padStart(8, "0");
    });
  }
  function shown(row, name) {
    const value = row[AT[name]];
    if (value === null || value === undefined) return "";
    if (name === "syn_rtt_us" || name === "ack_rtt_us") return value.toFixed(3);
    return typeof value === "string" ? safe(value) : String(value);
  }
  // RFC 4180; a cell that a spreadsheet would take for a formula has ' before it.
  function csvCell(row, name) {
    const value = row[AT[name]], text = shown(row, name);
    const cell = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? "'" + text : text;
    return /[",\r\n]/.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell;
  }
  const csv = (rows) => // in parts: all of it may be more than a text can hold
    [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => csvCell(row, name)))].map((cells) => cells.join(",") + "\r\n");

  const endpoint = (row, side) => {
    const ip = safe(row[AT[side + "_ip"]]);
    return (ip.includes(":") ? `[${ip}]` : ip) + ":" + row[AT[side + "_port"]];
  };
  const owner = (row) => (row[AT.pid] === null ? "" : `${shown(row, "process") || "?"} (${row[AT.pid]})`);
  // IPv4 by its octets, IPv6 by its text; unknown comes last whichever way.
  const addressKey = (ip) => (ip.includes(":") ? "6" + ip : "4" + ip.split(".").map((part) => part.padStart(3, "0")).join("."));
  const endKey = (side) => (row) => addressKey(row[AT[side + "_ip"]]) + " " + String(row[AT[side + "_port"]]).padStart(5, "0");
  const plain = (name) => [(row) => shown(row, name), (row) => row[AT[name]]];
  const VIEW = {
    opened: [(row) => shown(row, "opened_at").slice(5, 23).replace("T", " "), (row) => row[AT.opened_at]],
    verdict: plain("verdict"), side: plain("side"),
    client: [(row) => endpoint(row, "client"), endKey("client")],
    server: [(row) => endpoint(row, "server"), endKey("server")],
    process: [owner, (row) => row[AT.process] ?? row[AT.pid]],
    socket: plain("socket_local"), cause: plain("cause"),
    "rtt µs": plain("syn_rtt_us"), handshake: plain("handshake"), close: plain("close"),
  };

  function element(name, text, properties) {
    const made = Object.assign(document.createElement(name), properties);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  let rows;
  try {
    rows = await load();
  } catch (error) {
    $("status").textContent = `The table cannot be shown by this browser (${error.message}); correlator export writes CSV.`;
    return;
  }
  let chosen = rows, order = null, page = 0, target = 0;
  const open = new Set();
  const size = () => Number($("size").value);

  function fill(select, name, unknown) {
    const counts = new Map();
    for (const row of rows) {
      const value = row[AT[name]] ?? "";
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    for (const [value, count] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, 1000)) {
      select.append(element("option", `${value === "" ? unknown : safe(value)} (${number(count)})`, { value: "=" + value }));
    }
  }

  function choose() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = $("verdict").value, process = $("process").value, port = $("port").value.trim();
    chosen = rows.filter((row) =>
      (!verdict || "=" + row[AT.verdict] === verdict) &&
      (!process || "=" + (row[AT.process] ?? "") === process) &&
      (!port || String(row[AT.client_port]) === port || String(row[AT.server_port]) === port) &&
      (!words.length || has(row, words)));
    if (order) {
      const key = VIEW[order.name][1];
      const keyed = chosen.map((row) => [key(row) ?? "", row]);
      keyed.sort(([a], [b]) => (a === b ? 0 : a === "" ? 1 : b === "" ? -1 : (a < b ? -1 : 1) * order.way));
      chosen = keyed.map(([, row]) => row);
    }
    page = 0;
    draw();
  }
  function has(row, words) {
    const text = [endpoint(row, "client"), endpoint(row, "server"), ...row.slice(0, COLUMNS.length)].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  function head() {
    const line = $("rows").tHead.rows[0];
    line.append(element("th", "", { scope: "col" }));
    for (const name of Object.keys(VIEW)) {
      const cell = element("th", undefined, { scope: "col" }), button = element("button", name, { type: "button" });
      button.addEventListener("click", () => {
        order = order?.name === name ? (order.way === 1 ? { name, way: -1 } : null) : { name, way: 1 };
        for (const other of line.cells) other.removeAttribute("aria-sort");
        if (order) cell.setAttribute("aria-sort", order.way === 1 ? "ascending" : "descending");
        choose();
      });
      cell.append(button);
      line.append(cell);
    }
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(chosen.length / size()));
    page = Math.min(Math.max(page, 0), pages - 1);
    const body = $("rows").tBodies[0];
    const lines = [];
    if (!chosen.length) {
      lines.push(element("tr"));
      lines[0].append(element("td", "No finding has all of this.", { colSpan: Object.keys(VIEW).length + 1 }));
    }
    for (const row of chosen.slice(page * size(), (page + 1) * size())) {
      lines.push(line(row));
      if (open.has(row.number)) lines.push(details(row));
    }
    body.replaceChildren(...lines);
    $("page").textContent = `page ${number(page + 1)} of ${number(pages)}`;
    $("first").disabled = $("back").disabled = page === 0;
    $("next").disabled = $("last").disabled = page === pages - 1;
    $("status").textContent = chosen.length === rows.length
      ? `${number(rows.length)} findings` : `${number(chosen.length)} of ${number(rows.length)} findings`;
  }

  function line(row) {
    const made = element("tr", undefined, { className: row.number === target ? "row target" : "row", id: "finding-" + row.number });
    const cell = element("td"), isOpen = open.has(row.number);
    const button = element("button", isOpen ? "▾" : "▸", { type: "button", title: "details" });
    button.setAttribute("aria-expanded", String(isOpen));
    button.setAttribute("aria-label", `details of finding ${row.number}`);
    cell.append(button);
    made.append(cell);
    for (const [name, [text]] of Object.entries(VIEW)) {
      const value = text(row), one = element("td", value);
      if (name === "verdict") one.prepend(element("span", undefined, { className: "key " + row[AT.verdict] }));
      if (value.length > 30) one.title = value;
      made.append(one);
    }
    made.addEventListener("click", () => {
      if (String(getSelection())) return; // text is being selected
      if (!open.delete(row.number)) open.add(row.number);
      draw();
      document.querySelector(`#finding-${row.number} button`)?.focus();
    });
    return made;
  }

  function details(row) {
    const made = element("tr", undefined, { className: "details" });
    const cell = element("td", undefined, { colSpan: Object.keys(VIEW).length + 1 });
    cell.append(element("p", shown(row, "explanation")));
    const list = element("dl");
    const facts = COLUMNS.filter((name) => name !== "explanation").map((name) => [name, shown(row, name)]);
    const more = row[COLUMNS.length];
    if (more) facts.push(...Object.entries(more).map(([name, value]) => [name, safe(JSON.stringify(value))]));
    for (const [name, value] of facts) {
      if (value === "") continue;
      const pair = element("div");
      pair.append(element("dt", safe(name)), element("dd", value));
      list.append(pair);
    }
    const link = element("a", `link to finding ${row.number}`, { href: "#finding-" + row.number });
    cell.append(list, link);
    made.append(cell);
    return made;
  }

  function follow() {
    const found = /^#finding-(\d+)$/.exec(location.hash);
    if (!found || !rows[found[1] - 1]) return;
    target = Number(found[1]);
    if (!chosen.includes(rows[target - 1])) {
      for (const id of ["search", "port", "verdict", "process"]) $(id).value = "";
      choose();
    }
    open.add(target);
    page = Math.floor(chosen.indexOf(rows[target - 1]) / size());
    draw();
    const line = $("finding-" + target);
    line.scrollIntoView({ block: "center" });
    line.querySelector("button").focus({ preventScroll: true });
  }

  function download() {
    const url = URL.createObjectURL(new Blob(csv(chosen), { type: "text/csv" }));
    element("a", undefined, { href: url, download: "findings.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  let timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(choose, 120); };
  head();
  fill($("verdict"), "verdict", "none");
  fill($("process"), "process", "unknown");
  for (const id of ["search", "port"]) $(id).addEventListener("input", soon);
  for (const id of ["verdict", "process"]) $(id).addEventListener("change", choose);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(choose));
  $("download").addEventListener("click", download);
  $("size").addEventListener("change", () => { page = 0; draw(); });
  for (const [id, turn] of [["first", () => 0], ["back", () => page - 1], ["next", () => page + 1], ["last", () => Infinity]]) {
    $(id).addEventListener("click", () => { page = turn(); draw(); });
  }
  for (const tile of document.querySelectorAll("[data-verdict]")) {
    tile.addEventListener("click", () => {
      $("verdict").value = "=" + tile.dataset.verdict;
      choose();
      $("findings").scrollIntoView();
    });
  }
  addEventListener("hashchange", follow);
  $("filters").hidden = $("table").hidden = $("pages").hidden = false;
  choose();
  follow();
})();
