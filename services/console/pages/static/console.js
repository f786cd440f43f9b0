// What the pages do beyond HTML. Every page works without it.
"use strict";

// A form is sent once: a second click does nothing while the answer is awaited.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method.toLowerCase() === "post") form.dataset.sent = "1";
});
// A page that comes back from the browser's history can be sent again; the server recognises what it has carried out.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// The keyboard: "/" goes to the search of the page.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("input[type=search]");
  if (search) {
    event.preventDefault();
    search.focus();
  }
});

// Filters apply when one is chosen.
for (const form of document.querySelectorAll("form[data-apply]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=date], input[type=checkbox]")) form.requestSubmit();
  });
}

// The progress of a command is read again until it is done.
const poll = async () => {
  const shown = document.querySelector("#progress[data-poll]");
  if (!shown) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#progress");
  if (fresh) shown.replaceWith(fresh);
  setTimeout(poll, 1000);
};
setTimeout(poll, 1000);
