// What the server has saved, by day and model.
import { request } from "./api.js";
import { duration, tokens } from "./numbers.js";

const page = document.querySelector("#savings");
const titles = page.querySelectorAll("thead th");
const COLUMNS = [
  "answers",
  "compressions",
  "tokens_left_out",
  "tokens_cached",
  "tokens_read",
  "tokens_written",
];

// The roles are said because narrow windows show rows as lists.
function rowOf(found) {
  const row = document.createElement("tr");
  row.role = "row";
  const time = found.seconds_saved === null ? "–" : duration(found.seconds_saved);
  const numbers = COLUMNS.map((name) => found[name].toLocaleString("en"));
  for (const [at, value] of [found.day, found.model, ...numbers, time].entries()) {
    const cell = document.createElement(at ? "td" : "th");
    cell.role = at ? "cell" : "rowheader";
    if (!at) cell.scope = "row";
    cell.dataset.label = titles[at].textContent;
    cell.textContent = value;
    row.append(cell);
  }
  return row;
}

function sum(rows, name) {
  return rows.reduce((total, row) => total + (row[name] ?? 0), 0);
}

export function setUp({ attempt }) {
  const load = async () => {
    const { data } = await (await request("/v1/savings")).json();
    page.querySelector("tbody").replaceChildren(...data.map(rowOf));
    const saved = sum(data, "tokens_left_out") + sum(data, "tokens_cached");
    page.querySelector(".total").textContent = data.length
      ? `${tokens(saved)} did not have to be read; that saved about ` +
        `${duration(sum(data, "seconds_saved"))}.`
      : "Nothing has been asked yet.";
  };
  page.querySelector("button").addEventListener("click", () => attempt(load));
  return () => attempt(load);
}
