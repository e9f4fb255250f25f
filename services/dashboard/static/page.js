// Keeps the page up to date: replaces the parts that the server sends, counts ages, and says when the connection is lost.

const SILENCE_MS = 20_000; // heartbeats come every few seconds; without one for this long the connection is dead
const RETRY_MS = 5_000;

let main = document.querySelector("main[data-stream]");
let serverOffset = Number(main.dataset.now) - Date.now();
let lastMessageAt = Date.now();
let dataAsOf = Number(main.dataset.now);
let source = null;
let retry = null;

const serverNow = () => Date.now() + serverOffset;

// The same form as shared/text/durations.py.
function formatDuration(milliseconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const whole = Math.max(0, Math.floor(milliseconds / 1000));
  const first = units.findIndex(([, length]) => whole >= length);
  if (first < 0) return "under 1 s";
  let rest = whole;
  const counts = units.slice(first, first + 2).map(([unit, length]) => {
    const count = Math.floor(rest / length);
    rest %= length;
    return count > 0 ? `${count} ${unit}` : "";
  });
  return counts.filter((text) => text !== "").join(" ");
}

function formatClock(milliseconds) {
  return `${new Date(milliseconds).toISOString().slice(11, 19)} UTC`;
}

function tick() {
  const now = serverNow();
  for (const element of document.querySelectorAll("[data-since]")) {
    if (element.dataset.since !== "") {
      const text = formatDuration(now - Number(element.dataset.since));
      if (element.textContent !== text) element.textContent = text;
    }
  }
  for (const element of document.querySelectorAll("[data-late-since]")) {
    const age = now - Number(element.dataset.lateSince);
    element.hidden = age <= 1000 * Number(element.dataset.lateAfter);
    showBadges(element.hidden ? null : age);
  }
  if (source !== null && Date.now() - lastMessageAt > SILENCE_MS) reconnect();
}

// A badge shows the state at the snapshot. Once the snapshot is late (its age is not null), the badge says how long ago.
function showBadges(age) {
  for (const badge of document.querySelectorAll(".badge[data-late-hint]")) {
    const hint = age === null ? badge.dataset.hint : badge.dataset.lateHint;
    const ago = age === null ? "" : ` ${formatDuration(age)} ago`;
    badge.classList.toggle("is-late", age !== null);
    if (badge.title !== hint) badge.title = badge.querySelector(".hint").textContent = hint;
    if (badge.querySelector(".ago").textContent !== ago) badge.querySelector(".ago").textContent = ago;
  }
}

function onMessage(nowMs) {
  serverOffset = nowMs - Date.now();
  lastMessageAt = Date.now();
  dataAsOf = nowMs;
  document.body.classList.remove("is-lost");
  document.getElementById("lost").hidden = true;
}

function lost() {
  const banner = document.getElementById("lost");
  document.body.classList.add("is-lost");
  const text = `Connection lost, showing data as of ${formatClock(dataAsOf)}. Trying again.`;
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = false;
}

async function show(parts) {
  const layout = "waiting" in parts ? "waiting" : "ratio_position" in parts ? "comparison" : main.dataset.layout;
  if (layout !== main.dataset.layout) return replacePage();
  for (const [name, html] of Object.entries(parts)) {
    const element = document.getElementById(`part-${name}`);
    if (element === null) continue;
    const isOpen = element.querySelector("details")?.open;
    element.innerHTML = html;
    if (isOpen) element.querySelector("details").open = true;
  }
  tick();
}

async function replacePage() {
  const answer = await fetch(location.pathname);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  main.replaceWith(document.adoptNode(page.querySelector("main")));
  main = document.querySelector("main");
  tick();
}

function connect() {
  source = new EventSource(main.dataset.stream);
  lastMessageAt = Date.now();
  source.addEventListener("page", (event) => {
    const { now_ms: nowMs, parts } = JSON.parse(event.data);
    onMessage(nowMs);
    show(parts);
  });
  source.addEventListener("beat", (event) => onMessage(JSON.parse(event.data).now_ms));
  source.addEventListener("error", () => {
    lost();
    // The browser reconnects by itself after a drop, but not after an error response.
    if (source.readyState === EventSource.CLOSED) reconnect();
  });
}

function reconnect() {
  lost();
  source?.close();
  source = null;
  clearTimeout(retry);
  retry = setTimeout(connect, RETRY_MS);
}

// The numbers of the chart at the pointer, from the table below the chart.
document.addEventListener("pointermove", (event) => {
  const plot = event.target.closest?.(".plot");
  for (const line of document.querySelectorAll(".cursor")) line.remove();
  const readout = document.getElementById("readout");
  if (!plot) {
    if (readout) readout.textContent = "";
    return;
  }
  const rows = document.querySelectorAll("#history tbody tr");
  const box = plot.getBoundingClientRect();
  const place = ((event.clientX - box.left) / box.width) * rows.length;
  const index = Math.min(rows.length - 1, Math.max(0, Math.round(place)));
  const [session, lead, , other, , ratio] = [...rows[index].children].map((cell) => cell.textContent);
  const [leadName, otherName] = [1, 3].map(
    (column) => document.querySelectorAll("#history thead th")[column].textContent,
  );
  readout.textContent = `${session}  ${leadName} ${lead}  ${otherName} ${other}  log ratio ${ratio}`;
  for (const each of document.querySelectorAll(".plot")) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const x = `${(100 * index) / rows.length}%`;
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: "0", y2: "100%", class: "cursor" })) {
      line.setAttribute(name, value);
    }
    each.append(line);
  }
});

setInterval(tick, 1000);
tick();
connect();
