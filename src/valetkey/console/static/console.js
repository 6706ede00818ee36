// What HTML alone can't do: dialogs, copying, local times, tabs, uploads. No state lives here.
"use strict";

const each = (root, selector, act) => {
  if (root.matches?.(selector)) act(root);
  root.querySelectorAll?.(selector).forEach(act);
};

const localTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function prepare(root) {
  each(root, "time[datetime]", (time) => {
    const moment = new Date(time.dateTime);
    time.title = `${moment.toISOString().replace(".000Z", "Z")} (UTC)`;
    time.textContent = localTime.format(moment);
  });
  each(root, "dialog[data-open]", (dialog) => {
    if (dialog.open) return;
    dialog.showModal();
    dialog.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  });
  each(root, "template[data-becomes]", become);
  each(root, "[data-stream]", follow);
  each(root, "[data-focus]", (place) => place.focus());
  each(root, "img[data-fallback]", (image) => {
    image.addEventListener("error", () => { image.hidden = true; image.nextElementSibling.hidden = false; });
  });
}

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));

document.addEventListener("click", async (event) => {
  const target = event.target.closest("[data-copy], [data-close], [data-tab], [data-fill]");
  if (!target) return;
  if (target.dataset.copy) await copy(target);
  if ("close" in target.dataset) target.closest("dialog").close();
  if (target.dataset.fill) fill(target);
  if (target.dataset.tab) select(target);
});

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  // Browsers offer the clipboard over https and on localhost alone; a selection is copied anywhere.
  const copied = navigator.clipboard
    ? await navigator.clipboard.writeText(source.textContent).then(() => true, () => copySelected(source))
    : copySelected(source);
  button.textContent = copied ? "Copied" : "Press Ctrl+C";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function copySelected(source) {
  getSelection().selectAllChildren(source);
  const asText = (event) => {
    event.clipboardData.setData("text/plain", source.textContent);
    event.preventDefault();
  };
  document.addEventListener("copy", asText, { once: true });
  const copied = document.execCommand("copy");
  document.removeEventListener("copy", asText);
  if (copied) getSelection().removeAllRanges();
  return copied;
}

// Put a text of the page into a field, as if it had been typed.
function fill(button) {
  const field = document.getElementById(button.dataset.fill);
  field.value = document.getElementById(button.dataset.from).textContent.trim();
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.focus();
}

// --- answers that come piece by piece ---------------------------------------------------------

const token = () => document.querySelector("meta[name=csrf-token]").content;

// The server sends a piece of the page as soon as it is known, with a separator after each.
async function follow(list) {
  const answer = await fetch(list.dataset.stream, {
    method: "POST", headers: { "X-CSRF-Token": token(), "HX-Request": "true" },
  });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const pieces = (rest + (value ?? "")).split("\u001e");
    rest = done ? "" : pieces.pop();
    for (const piece of pieces) if (piece.trim()) place(list, piece);
    if (done) break;
  }
  list.nextElementSibling.hidden = true;
}

function place(list, piece) {
  const where = piece.trim().startsWith("<li") ? list : document.getElementById(list.dataset.outcome);
  where.insertAdjacentHTML("beforeend", piece);
  htmx.process(where.lastElementChild);
  prepare(where.lastElementChild);
  if (where !== list) document.dispatchEvent(new Event("list-changed"));
}

// News about what stands elsewhere on the page takes its place there, if it is shown at all.
function become(news) {
  const old = document.getElementById(news.dataset.becomes);
  news.remove();
  if (!old) return;
  old.replaceChildren(news.content);
  htmx.process(old);
  prepare(old);
}

// Something was made, changed or ended in a panel: the list behind it shows it at once.
document.addEventListener("list-changed", () => {
  if (!document.getElementById("list")) return;
  htmx.ajax("GET", location.href, { target: "#list", select: "#list", swap: "outerHTML" });
});

function select(tab) {
  for (const other of tab.parentElement.querySelectorAll("[data-tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.dataset.tab).hidden = !chosen;
  }
}

// Arrow keys move between tabs, as the ARIA pattern for tabs asks.
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const tabs = [...tab.parentElement.querySelectorAll("[role=tab]")];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  next.focus();
  select(next);
});

// A closed dialog that came from the server is gone: opening it again asks anew.
document.addEventListener("close", (event) => {
  if (!event.target.matches("dialog[data-open]")) return;
  event.target.remove();
  // A page that was opened for its panel alone has nothing to show without it.
  const home = document.getElementById("panel")?.dataset.home;
  if (home) location.assign(home);
}, true);

// Every request that htmx sends carries the page's token against forged requests.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = token();
});

// What the server says to a form stands until something in it is changed: a check of a field that
// was still to come, or on its way, must not wipe it.
const isCheck = (element) => element.matches("[hx-post*='/check/']");
document.addEventListener("input", (event) => { delete event.target.dataset.judged; }, true);
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = event.detail;
  if (isCheck(elt) && "judged" in elt.dataset) event.preventDefault();
  if (requestConfig.triggeringEvent?.type !== "submit") return;
  for (const field of elt.elements ?? []) field.dataset.judged = "";
  for (const place of elt.querySelectorAll(".error")) say(place, "");
  const answer = elt.dataset.clears && document.getElementById(elt.dataset.clears);
  answer?.replaceChildren();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt } = event.detail.requestConfig;
  if (isCheck(elt) && "judged" in elt.dataset) event.detail.shouldSwap = false;
});

function say(place, text) {
  place.textContent = text;
  mark(place);
}

// A field is marked as wrong while the place beside it says why.
document.addEventListener("htmx:afterSwap", (event) => mark(event.detail.target));

function mark(place) {
  const field = place.dataset?.for && document.getElementById(place.dataset.for);
  if (!field) return;
  const wrong = place.textContent.trim() !== "";
  field.toggleAttribute("aria-invalid", wrong);
  if (wrong) field.setAttribute("aria-invalid", "true");
}

// Answers that refuse still hold a page part that says why.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status >= 400 && xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// A sync or an upload has ended: show what is there now. Pictures need a page of their own, since
// only its policy names the place that they come from.
document.addEventListener("items-changed", () => {
  if (document.getElementById("items").dataset.view === "grid") location.reload();
  else htmx.ajax("GET", location.href, { target: "#items", select: "#items", swap: "outerHTML" });
});

// --- uploads: one file after the other, each with its own progress bar -----------------------

document.addEventListener("dragover", (event) => {
  const drop = event.target.closest?.(".drop");
  if (drop) { event.preventDefault(); drop.classList.add("over"); }
});
document.addEventListener("dragleave", (event) => event.target.closest?.(".drop")?.classList.remove("over"));
document.addEventListener("drop", (event) => {
  const drop = event.target.closest?.(".drop");
  if (!drop) return;
  event.preventDefault();
  drop.classList.remove("over");
  uploadAll(drop, event.dataTransfer.files);
});
document.addEventListener("change", (event) => {
  const drop = event.target.closest?.(".drop");
  if (drop && event.target.type === "file") uploadAll(drop, event.target.files);
});

async function uploadAll(drop, files) {
  for (const file of files) await upload(drop, file);
  drop.dispatchEvent(new Event("items-changed", { bubbles: true }));
}

function upload(drop, file) {
  const line = document.createElement("p");
  const label = document.createElement("span");
  const bar = document.createElement("progress");
  label.textContent = file.name;
  bar.max = file.size || 1;
  bar.setAttribute("aria-label", `Upload of ${file.name}`);
  line.append(label, bar);
  document.getElementById("uploads").append(line);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${drop.dataset.upload}?path=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.setRequestHeader("X-CSRF-Token", token());
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded; });
    request.addEventListener("loadend", () => {
      bar.remove();
      label.textContent = request.status < 300
        ? request.responseText
        : `${file.name}: ${request.responseText || "The connection was cut; nothing was stored."}`;
      resolve();
    });
    request.send(file);
  });
}
