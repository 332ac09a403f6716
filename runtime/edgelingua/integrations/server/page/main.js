// The frame of the pages: which is shown, which model is meant, and what went wrong.
import { request } from "./api.js";
import { setUp as setUpAsk } from "./ask.js";
import { setUp as setUpChat } from "./chat.js";
import { setUp as setUpSavings } from "./savings.js";

const pages = [...document.querySelectorAll("main")];
const links = [...document.querySelectorAll("nav a")];
const chosen = document.querySelector("#model");
const error = document.querySelector("#error");

// Does something of which an error is shown; what was stopped on purpose is none.
async function attempt(work) {
  error.hidden = true;
  try {
    await work();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    error.textContent = problem.message;
    error.hidden = false;
    error.scrollIntoView({ block: "nearest" });
  }
}

const models = new Map();
let loading = null;

async function load() {
  const { data } = await (await request("/v1/models")).json();
  if (!data.length) throw new Error("The server names no models.");
  for (const found of data) {
    models.set(found.id, found);
    chosen.add(new Option(found.id));
  }
  document.querySelector("#models").hidden = false;
}

// The model that is meant; the list is asked for again where it did not come.
async function model() {
  loading ??= load();
  try {
    await loading;
  } catch (problem) {
    loading = null;
    throw problem;
  }
  return models.get(chosen.value);
}

const frame = { attempt, model };
const shown = { ask: setUpAsk(frame), chat: setUpChat(frame), savings: setUpSavings(frame) };

function show({ focus }) {
  const page = pages.find(({ id }) => `#${id}` === location.hash) ?? pages[0];
  for (const other of pages) other.hidden = other !== page;
  for (const link of links) {
    if (link.hash === `#${page.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = page.querySelector("h2");
  document.title = `${title.textContent} · edgelingua`;
  if (focus) {
    title.tabIndex = -1;
    title.focus();
  }
  shown[page.id]?.();
}

addEventListener("hashchange", () => show({ focus: true }));
show({ focus: false });
attempt(model);
