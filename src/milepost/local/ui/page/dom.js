// Elements are made here and nowhere else. Whatever comes from apps goes in as text: it is never read as HTML.

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const link = (address, text) =>
  element("a", { href: address, ...(address.startsWith("#") ? {} : { target: "_blank", rel: "noreferrer" }) }, text);

const MOST = 300; // rows of a table that are shown

// Each column is [title, cell, class]; a cell is a text, an element or a list of them.
export function show(id, rows, columns, empty) {
  const section = document.getElementById(id);
  section.querySelector(".count").textContent = rows.length || "";
  const content = [rows.length ? table(rows.slice(0, MOST), columns) : element("p", { className: "note" }, empty)];
  if (rows.length > MOST) {
    content.push(element("p", { className: "note" }, `and ${rows.length - MOST} more; the box above narrows it down`));
  }
  section.querySelector(".wide").replaceChildren(...content);
}

function table(rows, columns) {
  const head = element("tr", {}, ...columns.map(([title]) => element("th", { scope: "col" }, title)));
  const body = rows.map((row) => element("tr", {}, ...columns.map(([, cell, kind]) => filled(cell(row), kind))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function filled(content, kind = "") {
  const parts = [content].flat().filter((part) => part !== null && part !== undefined).map((part) =>
    part instanceof Node ? part : String(part));
  const cell = element("td", { className: kind }, ...parts);
  if (/code|brief/.test(kind)) cell.title = cell.textContent;
  return cell;
}
