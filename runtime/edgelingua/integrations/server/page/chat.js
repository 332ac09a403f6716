// A chat; it may go on for ever, as what no longer fits is compressed by the server.
import { answer, request } from "./api.js";
import { duration, tokens } from "./numbers.js";

const page = document.querySelector("#chat");
const log = page.querySelector(".log");
const form = page.querySelector("form");
const field = page.querySelector("#message");
const [stop, renew] = [".stop", ".new"].map((name) => page.querySelector(name));
const HELP = "/stats: what this chat and the server have used. /help: this.";
const GAUGES = {
  edgelingua_clients: ["requests being served or waiting", (value) => value],
  edgelingua_sessions: ["conversations kept in memory", (value) => value],
  edgelingua_resident_megabytes: ["memory", (value) => `${Math.round(value)} MB`],
};

let messages = [];
let used = null;
let work = null;
let running = Promise.resolve(); // the answer that is being written

function forget() {
  work?.abort();
  messages = [];
  used = { turns: 0, read: 0, cached: 0, written: 0, left: 0, evicted: 0, seconds: 0 };
  log.replaceChildren();
}

function put(who, text) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const [title, said] = [document.createElement("h3"), document.createElement("p")];
  title.textContent = who;
  said.dir = "auto";
  said.textContent = text;
  log.append(title, said);
  if (atEnd) log.scrollTop = log.scrollHeight;
  return said;
}

function count({ usage, edgelingua }) {
  if (!usage) return;
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  used.turns += 1;
  used.cached += cached;
  used.read += usage.prompt_tokens - cached;
  used.written += usage.completion_tokens;
  if (!edgelingua) return;
  used.left += Math.max(0, edgelingua.tokens_before - edgelingua.tokens_read);
  used.evicted += edgelingua.evicted ?? 0;
  used.seconds += (edgelingua.seconds_reading ?? 0) + (edgelingua.seconds_compressing ?? 0);
}

async function statistics(model) {
  const number = (name) => used[name].toLocaleString("en");
  const cap = model.context_window ? `, cap ${tokens(model.context_window)}` : "";
  const lines = [
    model.id + cap,
    `This chat: ${used.turns} ${used.turns === 1 ? "answer" : "answers"}; ` +
      `${tokens(used.read)} read in ${duration(used.seconds)}, ${number("cached")} from the cache, ` +
      `${number("left")} left out, ${number("evicted")} evicted, ${number("written")} written`,
  ];
  const found = await (await request("/metrics")).text();
  for (const line of found.split("\n")) {
    const [name, value] = line.split(" ");
    if (GAUGES[name]) lines.push(`Server: ${GAUGES[name][0]}: ${GAUGES[name][1](Number(value))}`);
  }
  return lines.join("\n");
}

async function say(text, model, signal) {
  const before = messages;
  put("You", text);
  const shown = put("Model", "");
  const asked = [...before, { role: "user", content: text }];
  const show = (written) => {
    shown.textContent = written;
    log.scrollTop = log.scrollHeight;
  };
  log.setAttribute("aria-busy", "true"); // read out when it is whole
  stop.hidden = false;
  try {
    const found = await answer({ model: model.id, messages: asked }, show, signal);
    count(found);
    if (found.finish === "length") put("Note", "The answer reached its longest length.");
  } finally {
    // What was stopped, or broke off, is part of the chat as far as it came.
    if (shown.textContent && messages === before) {
      messages = [...asked, { role: "assistant", content: shown.textContent }];
    }
    log.removeAttribute("aria-busy");
    stop.hidden = true;
  }
}

// A new message ends the answer to the one before it.
function saying(text, model) {
  work?.abort();
  work = new AbortController();
  const { signal } = work;
  running = running.catch(() => {}).then(() => say(text, model, signal));
  return running;
}

async function handle(line, { model }) {
  if (!line.startsWith("/")) return saying(line, await model());
  const [command] = line.split(/\s/);
  if (command === "/stats") put(command, await statistics(await model()));
  else put(command, command === "/help" ? HELP : `There is no such command. ${HELP}`);
}

export function setUp(frame) {
  forget();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const line = field.value.trim();
    if (!line) return;
    field.value = "";
    frame.attempt(() => handle(line, frame));
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  stop.addEventListener("click", () => {
    work?.abort();
    field.focus();
  });
  renew.addEventListener("click", () => {
    forget();
    field.focus();
  });
}
