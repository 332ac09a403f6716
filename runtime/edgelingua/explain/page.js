
const start = document.querySelector("header button");
explore({
  text: document.querySelector("main"),
  reasons: document.querySelector("#reasons"),
  start,
  panel: document.querySelector("aside"),
});
document.querySelector("#plain").hidden = true;
start.parentElement.hidden = false;
