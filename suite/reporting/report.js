"use strict";
/* Forty lines of our own are simpler than a library to embed, to license and to keep up to date.
   The page's security policy names this script by its hash, so that it is the only one that can run. */
const words = new Intl.Collator("en", {numeric: true});

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

function sort(table, heads, column) {
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  const body = table.tBodies[0];
  const rows = [...body.rows].map(row => [value(row, column), row]);
  const absent = rows.filter(([key]) => key === "–");  // a dash is no figure: last, whichever way
  const ordered = rows.filter(([key]) => key !== "–").sort(([a], [b]) => down ? compare(b, a) : compare(a, b));
  body.append(...[...ordered, ...absent].map(([, row]) => row));
  heads.forEach(head => head.setAttribute("aria-sort", "none"));
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    button.onclick = () => sort(table, heads, column);
    head.setAttribute("aria-sort", "none");
    head.append(button);
  });
}

const wide = matchMedia("(min-width: 70rem)");
const contents = document.querySelector("nav details");
wide.onchange = () => { if (contents) contents.open = wide.matches; };
wide.onchange();
