"use strict";
/* Some hundred lines of our own are simpler than a library to embed, to license and to keep up to date.
   The page's security policy names this script by its hash, so that it is the only one that can run.
   Without it the page shows everything; the script hides, sorts, saves, and says what a mark stands for. */
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, fields = {}, ...parts) => {
  const one = Object.assign(document.createElement(tag), fields);
  one.append(...parts);
  return one;
};
const words = new Intl.Collator("en", {numeric: true});
const form = document.querySelector(".explore");
const boxes = all("[name=show]", form);
const titles = boxes.map(box => box.parentElement.textContent.trim());
const tables = all(".wide > table:not(.matrix)").map((table, number) => ({
  table, heads: [...table.tHead.rows[0].cells], rows: [...table.tBodies[0].rows], hidden: new Set(), sorted: null,
  key: `${place(table)}.${number}`, titles: [...table.tHead.rows[0].cells].map(head => head.textContent),
}));
let at = "";  // the place in the page that a link to this view leads to

function place(one) {
  return one.closest("section")?.getAttribute("aria-labelledby") ?? "";
}

/* Sorting */

function value(row, column) {
  const text = row.cells[column].textContent.trim();
  const figure = /^[+\-–−]?\d[\d,]*(\.\d+)?(?=$|[\s%(])/.exec(text);
  return figure ? Number(figure[0].replaceAll(",", "").replace(/[–−]/, "-")) : text;
}

function compare(one, other) {
  const figures = (typeof one === "number") + (typeof other === "number");
  if (figures === 2) return one - other;
  return figures ? (typeof one === "number" ? -1 : 1) : words.compare(one, other);
}

function sort(one, column, down) {
  const body = one.table.tBodies[0];
  const rows = [...body.rows].map(row => [value(row, column), row]);
  const absent = rows.filter(([key]) => key === "–");  // a dash is no figure: last, whichever way
  const ordered = rows.filter(([key]) => key !== "–").sort(([a], [b]) => down ? compare(b, a) : compare(a, b));
  body.append(...[...ordered, ...absent].map(([, row]) => row));
  one.heads.forEach(head => head.setAttribute("aria-sort", "none"));
  one.heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  one.sorted = [column, down];
}

/* What is shown: the chosen experiments, the rows with the searched words, the columns that are not hidden */

function show() {
  const off = new Set(boxes.filter(box => !box.checked).map(box => box.value));
  const sought = form.q.value.trim().toLowerCase();
  for (const one of all("[data-of]")) {
    if (one.tagName !== "TR") one.toggleAttribute("hidden", one.dataset.of.split(" ").some(key => off.has(key)));
  }
  let seen = 0, rows = 0;
  for (const one of tables) {
    for (const row of one.rows) {
      const away = row.dataset.of?.split(" ").some(key => off.has(key));
      row.hidden = away || (sought !== "" && !cells(one, row).join("\n").toLowerCase().includes(sought));
      seen += !row.hidden;
    }
    rows += one.rows.length;
    for (const row of [one.table.tHead.rows[0], ...one.rows]) {
      one.titles.forEach((_, column) => { row.cells[column].hidden = one.hidden.has(column); });
    }
  }
  all("svg.rows").forEach(close_ranks);
  form.querySelector("[role=status]").textContent = seen < rows ? `${seen} of ${rows} rows are shown.` : "";
}

function cells(one, row) {
  return one.titles.map((_, column) => row.cells[column].textContent);
}

/* The rows of a chart that are shown move up, and its height follows. */
function close_ranks(svg) {
  const rows = all("g.row", svg);
  if (!rows.length) return;
  const [first, height] = svg.dataset.first?.split(" ").map(Number) ?? [top_of(rows[0]), 34];
  svg.dataset.first = `${first} ${height}`;
  const shown = rows.filter(row => !row.hasAttribute("hidden"));
  shown.forEach((row, number) => row.setAttribute("transform", `translate(0 ${first + number * height})`));
  const [, , width] = svg.getAttribute("viewBox").split(" ");
  svg.setAttribute("viewBox", `0 0 ${width} ${first + shown.length * height}`);
}

const top_of = row => Number(/translate\(0 ([\d.]+)\)/.exec(row.getAttribute("transform"))[1]);

/* The view in the address. A plain `#place` is a link of the contents; with `=` it is a view. */

function address() {
  const view = new URLSearchParams();
  const chosen = boxes.flatMap((box, number) => box.checked ? [titles[number]] : []);
  const other = boxes.flatMap((box, number) => box.checked ? [] : [titles[number]]);
  const few = chosen.length > 0 && chosen.length < other.length;
  for (const title of few ? chosen : other) view.append(few ? "only" : "without", title);
  if (form.q.value.trim()) view.set("q", form.q.value.trim());
  for (const one of tables) {
    for (const column of one.hidden) view.append("hide", `${one.key}:${one.titles[column]}`);
    if (one.sorted) view.append(one.sorted[1] ? "down" : "up", `${one.key}:${one.titles[one.sorted[0]]}`);
  }
  return `${view}` && at ? `at=${encodeURIComponent(at)}&${view}` : `${view}` || at;
}

function keep() {
  history.replaceState(null, "", `#${address()}`);
}

function open_view() {
  const hash = location.hash.slice(1);
  if (!hash.includes("=")) {
    at = hash;
    if (address() !== at) keep();  // the view stays while one walks through the contents
    return;
  }
  const view = new URLSearchParams(hash);
  const only = view.getAll("only"), without = view.getAll("without");
  boxes.forEach((box, n) => { box.checked = only.length ? only.includes(titles[n]) : !without.includes(titles[n]); });
  form.q.value = view.get("q") ?? "";
  for (const one of tables) {
    const column = name => one.titles.findIndex(title => name === `${one.key}:${title}`);
    one.hidden = new Set(view.getAll("hide").map(column).filter(number => number >= 0));
    for (const way of ["up", "down"]) {
      view.getAll(way).map(column).filter(number => number >= 0).forEach(number => sort(one, number, way === "down"));
    }
  }
  at = view.get("at") ?? "";
  show();
  document.getElementById(at)?.scrollIntoView();
}

function changed() {
  show();
  keep();
}

function reset() {
  for (const one of tables) {
    one.hidden.clear();
    one.sorted = null;
    one.heads.forEach(head => head.setAttribute("aria-sort", "none"));
    one.table.tBodies[0].append(...one.rows);
  }
  all(".tools details").forEach(one => { one.open = false; });
}

/* Saving what is seen */

function save(name, kind, text) {
  const link = make("a", {href: URL.createObjectURL(new Blob([text], {type: kind})), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/* A text that a spreadsheet would take for a formula gets an apostrophe, as a name in the record may be any text. */
function quoted(text) {
  const safe = /^[=@\t]|^[+\-](?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csv(table, columns) {
  const shown = [table.tHead.rows[0], ...table.tBodies[0].rows].filter(row => !row.hidden);
  const lines = shown.map(row => columns.map(column => quoted(row.cells[column].textContent.trim())).join(","));
  return `${lines.join("\n")}\n`;
}

const LOOK = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight",
              "font-family", "text-anchor", "paint-order"];
const brush = document.createElement("canvas").getContext("2d", {willReadFrequently: true});

/* A colour as every program knows it: ours are in a way of writing that few programs beside browsers read. */
function plain(colour) {
  if (!colour.startsWith("oklch")) return colour;
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue] = brush.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

function drawn(svg) {
  const copy = svg.cloneNode(true);
  const copies = [copy, ...all("*", copy)];
  [svg, ...all("*", svg)].forEach((one, number) => {
    const look = getComputedStyle(one);
    for (const name of LOOK) copies[number].setAttribute(name, plain(look.getPropertyValue(name)));
    if (said.has(one)) {
      const title = document.createElementNS(svg.namespaceURI, "title");
      title.textContent = said.get(one);
      copies[number].prepend(title);
    }
  });
  all("[hidden]", copy).forEach(one => one.remove());
  const [, , width, height] = copy.getAttribute("viewBox").split(" ");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const paper = document.createElementNS(svg.namespaceURI, "rect");
  for (const [name, size] of Object.entries({width, height, fill: getComputedStyle(document.body).backgroundColor})) {
    paper.setAttribute(name, size);
  }
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

async function copied(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {  // the browser does not let the page: then the reader copies it by hand
    button.textContent = text;
  }
  setTimeout(() => { button.textContent = button.dataset.name; }, 4000);
}

/* The words of a mark, under the mouse and under the arrow keys */

const tip = make("div", {className: "tip", role: "status"});  // empty where nothing is pointed at
const said = new WeakMap();  // the words of a mark; out of the drawing, where the browser would show them a second time
const marks = new WeakMap();

function read_marks(svg) {
  if (!marks.has(svg)) {
    for (const title of all("title", svg)) {
      said.set(title.parentElement, title.textContent);
      title.remove();
    }
    for (const one of all("circle.a", svg)) said.set(one, said.get(one.parentElement.lastElementChild));
    marks.set(svg, all("circle", svg).filter(one => said.get(one)));
  }
  return marks.get(svg).filter(one => !one.closest("[hidden]"));
}

function speak(text, x, y) {
  tip.textContent = text;
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 12 : y + 18}px`;
}

function hush() {
  tip.textContent = "";
  all("circle.on").forEach(one => one.classList.remove("on"));
}

function point(one) {
  hush();
  one.classList.add("on");
  const box = one.getBoundingClientRect();
  speak(`${one.closest("[data-says]")?.dataset.says ?? ""}: ${said.get(one)}`, box.right, box.bottom);
}

function nearest(svg, event) {
  let least = 30, found = null;
  for (const one of read_marks(svg)) {
    const box = one.getBoundingClientRect();
    const far = Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
    if (far < least) [least, found] = [far, one];
  }
  return found;
}

function walk(svg, event) {
  const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (event.key === "Escape") hush();
  const found = step ? read_marks(svg).filter(one => !one.matches(".a")) : [];
  if (!found.length) return;
  event.preventDefault();
  const now = found.findIndex(one => one.classList.contains("on"));
  point(found[now < 0 ? 0 : (now + step + found.length) % found.length]);
}

/* A large confusion matrix: its counts are unpacked when it is first pointed at. */

const grids = new WeakMap();

function read_grid(svg) {
  if (!grids.has(svg)) {
    const {names, cells, images, least} = svg.querySelector("[data-cells]").dataset;
    const counts = new Map();
    for (const line of cells.split(";").filter(Boolean)) {
      const [row, rest] = line.split(":");
      rest.split(" ").reduce((column, word, place, words) => {
        if (place % 2) return column;
        counts.set(`${row} ${column + Number(word)}`, Number(words[place + 1]));
        return column + Number(word);
      }, 0);
    }
    const of = images.split(" ").map(Number), n = names.split("\n").length;
    grids.set(svg, {names: names.split("\n"), counts, least, images: row => of.length < n ? of[0] : of[row], at: null});
  }
  return grids.get(svg);
}

function tell_grid(svg, row, column) {
  const grid = read_grid(svg), n = grid.names.length;
  const box = svg.querySelector("image").getBoundingClientRect(), mark = svg.querySelector("rect.on");
  const [start, side] = ["x", "width"].map(name => Number(svg.querySelector("image").getAttribute(name)));
  const count = grid.counts.get(`${row} ${column}`), whole = grid.images(row);
  const share = count && whole ? ` (${(100 * count / whole).toFixed(1)} % of the class)` : "";
  const many = count ?? (grid.least ? `fewer than ${grid.least} or none` : 0);
  for (const [name, value] of [["x", start + column * side / n], ["y", start + row * side / n]]) mark.setAttribute(name, value);
  for (const name of ["width", "height"]) mark.setAttribute(name, side / n);
  mark.removeAttribute("hidden");
  grid.at = [row, column];
  speak(`${grid.names[row]}, predicted ${grid.names[column]}: ${many} images${share}`,
        box.left + (column + 1) * box.width / n, box.top + (row + 1) * box.height / n);
}

function point_in_grid(svg, event) {
  const box = svg.querySelector("image").getBoundingClientRect(), n = read_grid(svg).names.length;
  const row = Math.floor((event.clientY - box.top) / box.height * n);
  const column = Math.floor((event.clientX - box.left) / box.width * n);
  if (Math.min(row, column) < 0 || Math.max(row, column) >= n) leave_grid(svg);
  else tell_grid(svg, row, column);
}

function leave_grid(svg) {
  svg.querySelector("rect.on").setAttribute("hidden", "");
  hush();
}

function walk_grid(svg, event) {
  const step = {ArrowRight: [0, 1], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowUp: [-1, 0]}[event.key];
  if (event.key === "Escape") leave_grid(svg);
  if (!step) return;
  event.preventDefault();
  const {names, at} = read_grid(svg), n = names.length;
  tell_grid(svg, ...(at ? at.map((place, way) => (place + step[way] + n) % n) : [0, 0]));
}

function tell_cell(cell) {
  const table = cell.closest("table"), row = cell.parentElement, images = cell.textContent || "0";
  const whole = [...row.cells].slice(1).reduce((sum, one) => sum + Number(one.textContent), 0);
  const names = [row.cells[0].textContent, table.tHead.rows[0].cells[cell.cellIndex].textContent];
  const box = cell.getBoundingClientRect();
  const share = whole ? ` (${(100 * Number(images) / whole).toFixed(1)} % of the class)` : "";
  speak(`${names[0]}, predicted ${names[1]}: ${images} images${share}`, box.right, box.bottom);
}

/* The tools: sorting heads, columns, saving, copying */

function button(name, label, act) {
  const one = make("button", {type: "button", onclick: () => act(one)}, name);
  one.dataset.name = name;
  one.setAttribute("aria-label", `${name}: ${label}`);
  return one;
}

function choose_columns(one, label) {
  const menu = make("details", {}, make("summary", {}, "Columns"));
  menu.ontoggle = () => {
    while (menu.children.length > 1) menu.lastChild.remove();
    if (!menu.open) return;
    menu.append(make("div", {}, ...one.titles.map((title, column) => {
      const box = make("input", {type: "checkbox", checked: !one.hidden.has(column)});
      box.onchange = () => {
        one.hidden[box.checked ? "delete" : "add"](column);
        changed();
      };
      return make("label", {}, box, title);
    })));
  };
  menu.firstChild.setAttribute("aria-label", `Columns: ${label}`);
  return menu;
}

for (const one of tables) {
  const wide = one.table.parentElement, label = wide.getAttribute("aria-label");
  one.heads.forEach((head, column) => {
    const act = make("button", {type: "button"});
    act.append(...head.childNodes);
    act.onclick = () => {
      sort(one, column, head.getAttribute("aria-sort") === "ascending");
      keep();
    };
    head.setAttribute("aria-sort", "none");
    head.append(act);
  });
  if (one.rows.some(row => row.dataset.again)) {
    one.table.tHead.rows[0].append(make("th", {scope: "col", className: "again"}, "again"));
    for (const row of one.rows) {
      const again = row.dataset.again;
      row.append(make("td", {className: "again", title: again ?? ""},
                      ...(again ? [button("Copy", again, act => copied(act, again))] : [])));
    }
  }
  const seen = () => one.titles.map((_, column) => column).filter(column => !one.hidden.has(column));
  const name = one.table.dataset.name ?? "table";
  const saving = button("Save CSV", label, () => save(`${place(wide)}-${name}.csv`, "text/csv", csv(one.table, seen())));
  wide.before(make("div", {className: "tools"}, choose_columns(one, label), saving));
}

for (const svg of all("svg.chart")) {
  const box = svg.parentElement, label = svg.getAttribute("aria-label");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `${label}; the arrow keys go from value to value`);
  const grid = svg.matches(".grid");
  box.onkeydown = event => grid ? walk_grid(svg, event) : walk(svg, event);
  box.onblur = () => grid ? leave_grid(svg) : hush();
  svg.onpointermove = event => {
    if (grid) return point_in_grid(svg, event);
    const one = nearest(svg, event);
    one ? point(one) : hush();
  };
  svg.onpointerleave = box.onblur;
  const file = `${place(svg)}-${label.replace(/[^\p{L}\p{N}]+/gu, "-")}.svg`;
  const saving = button("Save SVG", label, () => save(file, "image/svg+xml", drawn(svg)));
  box.append(make("div", {className: "tools"}, saving));
}

for (const table of all("table.matrix")) {
  table.onpointerover = ({target}) => { target.matches("tbody td") ? tell_cell(target) : hush(); };
  table.onpointerleave = hush;
}

for (const image of all("figure img")) {
  const zoom = button("", `Enlarge: ${image.alt}`, () => {
    zoom.setAttribute("aria-pressed", `${image.classList.toggle("large")}`);
  });
  zoom.className = "zoom";
  zoom.setAttribute("aria-pressed", "false");
  image.replaceWith(zoom);
  zoom.append(image);
}

document.body.append(tip);
form.hidden = false;
form.onsubmit = event => event.preventDefault();
form.oninput = changed;
form.onreset = () => setTimeout(() => { reset(); changed(); });
for (const [name, checked] of [["all", true], ["none", false]]) {
  form.elements[name].onclick = () => {
    boxes.forEach(box => { box.checked = checked; });
    changed();
  };
}
form.elements.link.dataset.name = form.elements.link.textContent;
form.elements.link.onclick = () => copied(form.elements.link, location.href);
addEventListener("hashchange", open_view);
addEventListener("keydown", event => { if (event.key === "Escape") hush(); });
if (location.hash) open_view();

/* On paper the tables behind the charts are open. */
addEventListener("beforeprint", () => all("figure details:not([open])").forEach(one => {
  one.open = true;
  one.dataset.printed = "";
}));
addEventListener("afterprint", () => all("figure details[data-printed]").forEach(one => {
  one.open = false;
  delete one.dataset.printed;
}));

const wide = matchMedia("(min-width: 70rem)");
wide.onchange = () => all("nav details").forEach(one => { one.open = wide.matches; });
wide.onchange();
