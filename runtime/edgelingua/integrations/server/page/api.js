// Talks to the server: JSON, streams of events, and keys, which this tab keeps for itself.
// A proxy has a key of its own beside that of the server behind it.
const OWN = "x-edgelingua-key";
const HEADERS = { [OWN]: (key) => key, Authorization: (key) => `Bearer ${key}` };
const dialog = document.querySelector("dialog");
const field = dialog.querySelector("input");
let asking = null; // one dialog for all requests that want a key

function askForKey(header) {
  asking ??= new Promise((resolve) => {
    field.value = "";
    dialog.returnValue = "";
    dialog.querySelector("span").textContent = header === OWN ? "This proxy" : "The server";
    dialog.showModal();
    dialog.addEventListener(
      "close",
      () => {
        asking = null;
        if (dialog.returnValue === "use") sessionStorage.setItem(header, field.value);
        resolve(dialog.returnValue === "use");
      },
      { once: true },
    );
  });
  return asking;
}

function keys() {
  const known = Object.entries(HEADERS).filter(([name]) => sessionStorage.getItem(name));
  return known.map(([name, write]) => [name, write(sessionStorage.getItem(name))]);
}

function reached(work) {
  return work.catch((problem) => {
    throw problem instanceof TypeError ? new Error("The server cannot be reached.") : problem;
  });
}

async function told(response) {
  const body = await response.json().catch(() => ({}));
  return new Error(body.error?.message ?? `The server answered ${response.status}.`);
}

export async function request(path, body, signal) {
  for (;;) {
    const headers = Object.fromEntries(keys());
    if (body) headers["Content-Type"] = "application/json";
    const options = { method: body ? "POST" : "GET", headers, signal, cache: "no-store" };
    const response = await reached(fetch(path, { ...options, body: body && JSON.stringify(body) }));
    if (response.ok) return response;
    const error = await told(response);
    const wanted = response.headers.get("www-authenticate") === OWN ? OWN : "Authorization";
    if (response.status !== 401 || !(await askForKey(wanted))) throw error;
  }
}

// Yields the objects of a stream of server-sent events, until its [DONE].
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let left = ""; ; ) {
    const { done, value } = await reached(reader.read());
    if (done) throw new Error("The answer broke off.");
    const parts = (left + value).split(/\r?\n\r?\n/);
    left = parts.pop();
    for (const part of parts) {
      const data = part.replace(/^data: ?/, "");
      if (data === "[DONE]") return;
      if (part.startsWith("data:")) yield JSON.parse(data);
    }
  }
}

// What a header says in short: "before=4503, read=484, compressed=1".
function inShort(header) {
  const said = Object.fromEntries([...(header ?? "").matchAll(/(\w+)=(\d+)/g)].map(([, n, v]) => [n, +v]));
  if (!("before" in said)) return undefined;
  return { tokens_before: said.before, tokens_read: said.read ?? said.after };
}

// Has the model answer; `onText` gets what it has written so far. Returns the text, how it ended,
// the usage and what the server says it left out.
export async function answer(asked, onText, signal) {
  const options = { stream: true, stream_options: { include_usage: true } };
  const response = await request("/v1/chat/completions", { ...asked, ...options }, signal);
  const found = { text: "", edgelingua: inShort(response.headers.get("x-edgelingua")) };
  for await (const chunk of events(response)) {
    if (chunk.error) throw new Error(chunk.error.message);
    found.usage = chunk.usage ?? found.usage;
    found.edgelingua = chunk.edgelingua ?? found.edgelingua;
    found.finish = chunk.choices[0]?.finish_reason ?? found.finish;
    if (chunk.choices[0]?.delta.content) {
      found.text += chunk.choices[0].delta.content;
      onText(found.text);
    }
  }
  return found;
}
