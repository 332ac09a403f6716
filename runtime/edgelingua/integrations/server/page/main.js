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
    error.textContent = problem instanceof TypeError ? "The server cannot be reached." : problem.message;
    error.hidden = false;
  }
}

const frame = { attempt, model: () => chosen.value, models: new Map() };
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
await attempt(async () => {
  const { data } = await (await request("/v1/models")).json();
  for (const model of data) {
    frame.models.set(model.id, model);
    chosen.add(new Option(model.id));
  }
  document.querySelector("#models").hidden = false;
});
show({ focus: false });
