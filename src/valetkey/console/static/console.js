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
    if (!dialog.open) dialog.showModal();
  });
  each(root, "img[data-fallback]", (image) => {
    image.addEventListener("error", () => { image.hidden = true; image.nextElementSibling.hidden = false; });
  });
}

document.addEventListener("DOMContentLoaded", () => prepare(document));
document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));

document.addEventListener("click", async (event) => {
  const target = event.target.closest("[data-copy], [data-close], [data-tab], [data-shows]");
  if (!target) return;
  if (target.dataset.copy) await copy(target);
  if ("close" in target.dataset) target.closest("dialog").close();
  if (target.dataset.shows) document.getElementById(target.dataset.shows).showModal();
  if (target.dataset.tab) select(target);
});

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}

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
  if (event.target.matches("dialog[data-open]")) event.target.remove();
}, true);

// Every request that htmx sends carries the page's token against forged requests.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf-token]").content;
});

// Answers that refuse still hold a page part that says why.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status >= 400 && xhr.getResponseHeader("Content-Type")?.startsWith("text/html")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
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
  document.dispatchEvent(new CustomEvent("items-changed"));
  htmx.trigger(document.body, "items-changed");
}

function upload(drop, file) {
  const line = document.createElement("p");
  const label = document.createElement("span");
  const bar = document.createElement("progress");
  label.textContent = file.name;
  bar.max = file.size || 1;
  bar.setAttribute("aria-label", `Upload of ${file.name}`);
  line.append(label, bar);
  drop.after(line);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    request.open("POST", drop.dataset.upload);
    request.setRequestHeader("X-CSRF-Token", document.querySelector("meta[name=csrf-token]").content);
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded; });
    request.addEventListener("loadend", () => {
      bar.remove();
      label.textContent = request.status < 300
        ? `${file.name}: uploaded.`
        : `${file.name}: ${request.responseText || "the connection was cut; nothing was stored."}`;
      resolve();
    });
    request.send(form);
  });
}
