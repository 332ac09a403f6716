// A text and a question: what was kept of it, and the answer beside it.
import { answer, request } from "./api.js";
import { explore } from "./pieces.js";
import { duration, tokens } from "./numbers.js";

const SOME = 64; // tokens read at once that tell how fast the model reads
const FRAME = 64; // tokens of a chat's template, or so
const DELAY = 300; // milliseconds that the slider rests before the text is compressed anew
const page = document.querySelector("#ask");
const [form, beside, panel] = ["form", ".beside", "aside"].map((name) => page.querySelector(name));
const [text, question, rate, file] = ["#text", "#question", "#rate", "[type=file]"].map((name) =>
  page.querySelector(name),
);
const stop = page.querySelector(".stop");
const find = (name) => beside.querySelector(`.${name}`);
// What the server marks up is escaped there; nothing else becomes HTML.
const safe = globalThis.trustedTypes?.createPolicy("explanation", { createHTML: (html) => html });

let pieces = new AbortController();
let work = new AbortController();
let speed = 0; // tokens that the model reads in a second

function put(element, html) {
  element.innerHTML = safe ? safe.createHTML(html) : html;
}

function begin() {
  work.abort();
  work = new AbortController();
  stop.hidden = true;
  return work.signal;
}

// Tokens that the cap leaves to a text, beside the question, the template and an answer.
function roomOf({ context_window: cap }) {
  return cap ? Math.max(16, Math.floor(cap * 0.75) - FRAME - question.value.length) : Infinity;
}

// What is shown is what will be read: what is too long the server would compress once more.
async function compress(model, signal, { preview }) {
  const room = roomOf(model);
  const budget = { rate: rate.value / 100, ...(room < Infinity ? { tokens: room } : {}) };
  const asked = { model: model.id, text: text.value, question: question.value, ...budget };
  const response = await request("/v1/compress", { ...asked, explain: true, preview }, signal);
  const found = await response.json();
  const capped = budget.rate * found.tokens_before > room;
  pieces.abort();
  pieces = new AbortController();
  const { body, reasons, meaning } = found.explanation;
  put(find("body"), body);
  put(find("reasons"), reasons);
  find("meaning").textContent = meaning;
  find("answer").textContent = find("read").textContent = "";
  find("saved").textContent =
    `${tokens(found.tokens_before)} became ${found.tokens_after.toLocaleString("en")} ` +
    `in ${duration(found.seconds_compressing)}.` +
    (capped ? ` The cap of ${tokens(model.context_window)} has room for no more.` : "");
  const parts = { text: find("body"), reasons: find("reasons"), start: find("pieces"), panel };
  explore({ ...parts, signal: pieces.signal });
  beside.hidden = false;
  return found;
}

// What the reader read, and an estimate of what it would have taken to read all.
function readBy({ usage, edgelingua }, compressed) {
  if (!usage) return "";
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const said = [`${tokens(usage.prompt_tokens)} read, ${usage.completion_tokens} written.`];
  if (cached) said.push(`${cached.toLocaleString("en")} of them had been read before.`);
  if (edgelingua?.compressed?.length) {
    said.push(`The cap made it less than the ${tokens(edgelingua.tokens_before)} it was given.`);
  }
  const seconds = edgelingua?.seconds_reading;
  if (seconds && usage.prompt_tokens - cached >= SOME) {
    speed = (usage.prompt_tokens - cached) / seconds;
  }
  if (speed) {
    const whole = compressed.tokens_before - compressed.tokens_after + usage.prompt_tokens;
    const spent = (seconds ?? 0) + compressed.seconds_compressing;
    said.push(
      `Compressing and reading took ${duration(spent)}; at ${Math.round(speed)} tokens/s, ` +
        `reading all would have taken about ${duration(whole / speed)}.`,
    );
  }
  return said.join(" ");
}

async function ask(model, signal) {
  const compressed = await compress(model, signal, { preview: false });
  const shown = find("answer");
  shown.setAttribute("aria-busy", "true"); // read out when it is whole
  try {
    const asked = { messages: [{ role: "user", content: `${compressed.text}\n\n${question.value}` }], temperature: 0 };
    const show = (written) => (shown.textContent = written);
    const found = await answer({ model: model.id, ...asked }, show, signal);
    find("read").textContent = readBy(found, compressed);
  } finally {
    shown.removeAttribute("aria-busy");
  }
}

async function open(chosen) {
  if (!chosen) return;
  text.value = await chosen.text();
  question.focus();
}

export function setUp({ attempt, model }) {
  let waiting = 0;
  const tell = () => (page.querySelector("output").textContent = `${rate.value} %`);
  tell();
  rate.addEventListener("input", () => {
    tell();
    clearTimeout(waiting);
    if (!beside.hidden && form.checkValidity()) {
      waiting = setTimeout(() => attempt(async () => compress(await model(), begin(), { preview: true })), DELAY);
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    const signal = begin();
    stop.hidden = false;
    await attempt(async () => ask(await model(), signal));
    if (work.signal === signal) stop.hidden = true;
  });
  stop.addEventListener("click", () => {
    begin();
    form.querySelector(".main").focus();
  });
  page.querySelector(".open").addEventListener("click", () => file.click());
  file.addEventListener("change", () => attempt(() => open(file.files[0])));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    text.addEventListener(kind, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return; // text drops as it always does
      event.preventDefault();
      text.classList.toggle("over", kind === "dragover");
      if (kind === "drop") attempt(() => open(event.dataTransfer.files[0]));
    });
  }
}
