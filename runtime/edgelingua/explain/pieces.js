
// Tells of the piece that is tapped, or gone to with the keyboard, what it scored and why it stayed
// or went. Elements of the text have in data-p: the number of the reason, then the score and the
// length of each piece; without scores an element is one piece.
const LONGEST = 60;

function pieces(element) {
  const [, ...numbers] = element.dataset.p.split(" ");
  const found = [];
  for (let i = 0, from = 0; i < numbers.length; i += 2) {
    const to = from + Number(numbers[i + 1]);
    found.push({ score: numbers[i], from, to });
    from = to;
  }
  return found.length ? found : [{ from: 0, to: element.textContent.length }];
}

function rangeOf(element, { from, to }) {
  const range = document.createRange();
  element.normalize();
  range.setStart(element.firstChild, from);
  range.setEnd(element.firstChild, to);
  return range;
}

function distance(range, { clientX, clientY }) {
  const each = Array.from(range.getClientRects(), ({ left, right, top, bottom }) =>
    Math.hypot(
      Math.max(left - clientX, 0, clientX - right),
      Math.max(top - clientY, 0, clientY - bottom),
    ),
  );
  return Math.min(...each);
}

// `text` holds the elements, `reasons` the items of the list that explains them, `start` begins to
// go through the pieces, and `panel` has a status and three buttons. It ends with `signal`.
export function explore({ text, reasons, start, panel, signal }) {
  const status = panel.querySelector("[role=status]");
  const [previous, next, close] = panel.querySelectorAll("button");
  const elements = [...text.querySelectorAll("[data-p]")];
  let chosen = { at: 0, number: 0 }; // of the element, and of the piece in it
  let here = null; // the element around that piece

  function choose(at, number) {
    forget();
    chosen = { at, number };
    const piece = pieces(elements[at])[number];
    const blank = elements[at].textContent.slice(piece.from, piece.to - 1).match(/^\s*/)[0].length;
    here = document.createElement("span");
    here.id = "here";
    here.tabIndex = -1;
    rangeOf(elements[at], { from: piece.from + blank, to: piece.to }).surroundContents(here);
    tell(reasons.children[parseInt(elements[at].dataset.p)], piece.score);
    here.scrollIntoView({ block: "nearest" });
  }

  function forget() {
    here?.replaceWith(...here.childNodes);
    here = null;
  }

  function tell(reason, score) {
    const shown = here.textContent.trim();
    const short = [...shown].slice(0, LONGEST).join("");
    const word = document.createElement("bdi");
    word.textContent = shown ? `“${short}${short === shown ? "" : "…"}”` : "White space.";
    const scored = score ? ` scored ${score}. ` : " ";
    const [fate, because] = reason.children;
    panel.hidden = false;
    status.replaceChildren(word, scored, `${fate.textContent}: ${because.textContent}.`);
  }

  function move(step) {
    const at = chosen.at + step;
    if (chosen.number + step in pieces(elements[chosen.at])) {
      choose(chosen.at, chosen.number + step);
    } else if (at in elements) {
      choose(at, step < 0 ? pieces(elements[at]).length - 1 : 0);
    }
  }

  function end() {
    forget();
    panel.hidden = true;
    start.focus({ preventScroll: true });
  }

  function on(element, event, listener) {
    element.addEventListener(event, listener, { signal });
  }

  on(text, "click", (event) => {
    const element = event.target.closest("[data-p]");
    if (!element || !getSelection().isCollapsed) return; // text is being selected
    forget();
    const far = pieces(element).map((piece) => distance(rangeOf(element, piece), event));
    choose(elements.indexOf(element), far.indexOf(Math.min(...far)));
    here.focus({ preventScroll: true });
  });

  on(document, "keydown", (event) => {
    if (panel.hidden || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("input, textarea, select")) return; // they have a use for these keys
    if (event.key === "Escape") end();
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const ahead = getComputedStyle(here).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    move(event.key === ahead ? 1 : -1);
    here.focus({ preventScroll: true });
  });

  on(start, "click", () => {
    choose(chosen.at, chosen.number);
    here.focus({ preventScroll: true });
  });
  on(previous, "click", () => move(-1));
  on(next, "click", () => move(1));
  on(close, "click", end);
  signal?.addEventListener("abort", () => {
    forget();
    panel.hidden = true;
  });
}
