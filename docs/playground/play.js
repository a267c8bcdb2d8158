// The playground: the form is read, the shipped simulator runs in the page, and
// what it returns is drawn.  No number is computed here.

const at = (id) => document.getElementById(id);
const form = at("play"), status = at("play-status"), picture = at("play-picture");
const WIDTH = 800, TOP = 32, HALF = 100, GAP = 34, ALL = 2 * HALF + TOP + GAP + 34;
let play = null, clicked = null, cursor = 0, last = null;

const seconds = (value) =>
  value < 1e-6 ? "0 s" : value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${Number(value.toPrecision(4))} s`;

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function bars(instants, end, base, height, kind) {
  // As many as there are columns to see; a column is as high as it is full.
  const columns = new Array(200).fill(0);
  for (const instant of instants) columns[Math.min(199, Math.floor((instant / end) * 200))] += 1;
  const most = Math.max(1, ...columns);
  return columns.flatMap((many, number) => many === 0 ? [] : [element("rect", {
    class: kind, x: number * 4, width: 3, y: base - (many / most) * height, height: (many / most) * height,
  })]);
}

function draw(found) {
  const end = Math.max(...found.came, ...found.went, 1e-9);
  last = end;
  const floor = TOP + HALF;
  const x = (cursor / end) * WIDTH;
  picture.replaceChildren(
    ...bars(found.came, end, floor, HALF, "play-came"),
    element("line", { class: "play-axis", x1: 0, x2: WIDTH, y1: floor, y2: floor }),
    ...bars(found.went, end, floor + GAP + HALF, HALF, "play-went"),
    element("line", { class: "play-axis", x1: 0, x2: WIDTH, y1: floor + GAP + HALF, y2: floor + GAP + HALF }),
    element("line", { class: "play-cursor", x1: x, x2: x, y1: TOP, y2: floor }),
    element("text", { x: 0, y: TOP - 6 }, "who comes"),
    element("text", { x: 0, y: floor + GAP - 6 }, "who goes"),
    element("text", { x: WIDTH, y: floor + GAP + HALF + 24, "text-anchor": "end" }, seconds(end)),
    element("text", { x: 0, y: floor + GAP + HALF + 24 }, "0 s"),
  );
  const rows = [
    ["arrived", found.arrived], ["admitted", found.admitted], ["refused", found.refused],
    ["wait, p50", seconds(found.p50)], ["p90", seconds(found.p90)], ["p99", seconds(found.p99)],
    ["longest", seconds(found.longest)], ["longest queue", found.queue],
    ["most in any period", `${found.fullest} in ${found.period} s`],
    ["rate used", found.used === null ? "-" : `${(found.used * 100).toFixed(1)}%`],
  ];
  at("play-numbers").replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("tr");
    for (const [tag, text] of [["th", name], ["td", value]]) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  }));
  at("play-line").textContent = found.limit;
}

function run() {
  if (play === null) return;
  const began = performance.now();
  const { limit, who, until, max_wait: wait } = Object.fromEntries(new FormData(form));
  const found = JSON.parse(play(limit, clicked ?? who, until, wait));
  if (found.error) {
    status.textContent = found.error;
    return;
  }
  draw(found);
  status.textContent = clicked === null
    ? `Drawn in ${Math.round(performance.now() - began)} ms.`
    : `${clicked.length} clicked in; drawn in ${Math.round(performance.now() - began)} ms.`;
  picture.dataset.drawn = String(Number(picture.dataset.drawn ?? 0) + 1);
}

function come(instant) {
  clicked = [...(clicked ?? []), Math.max(0, instant)];
  run();
}

form.addEventListener("input", (event) => {
  if (event.target.name === "who") clicked = null;
  run();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("click", ({ target }) => {
  if (target.dataset.limit) form.elements.limit.value = target.dataset.limit;
  if (target.dataset.who) [form.elements.who.value, clicked] = [target.dataset.who, null];
  if ("clear" in target.dataset) clicked = [];
  if (target.type === "button") run();
});
picture.addEventListener("click", (event) => {
  const box = picture.getBoundingClientRect();
  if ((event.clientY - box.top) / box.height < (TOP + HALF) / ALL) come(((event.clientX - box.left) / box.width) * last);
});
picture.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -last / 100, ArrowRight: last / 100 }[event.key];
  if (step) cursor = Math.min(last, Math.max(0, cursor + step));
  else if (event.key === "Enter") clicked = [...(clicked ?? []), cursor];
  else if (event.key === "Backspace") clicked = (clicked ?? []).slice(0, -1);
  else return;
  event.preventDefault();
  run();
});
at("play-copy").addEventListener("click", () => navigator.clipboard.writeText(at("play-line").textContent));

try {
  const { loadPyodide } = await import("./pyodide/pyodide.mjs");
  const python = await loadPyodide();
  const wheel = await fetch(new URL("./aiolimiter.whl", import.meta.url));
  python.unpackArchive(await wheel.arrayBuffer(), "wheel");
  const simulate = python.runPython("from aiolimiter._sim.play import play; play");
  play = (limit, who, until, wait) => simulate(limit, Array.isArray(who) ? python.toPy(who) : who, until, wait);
  at("play-static").hidden = true;
  run();
} catch (error) {
  status.textContent = `Python could not be loaded here (${error.message}). The pictures below show what it would draw.`;
}
