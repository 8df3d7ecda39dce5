// Files that go along with the next message: picked, dropped or pasted. Each is sent to the hub at once.
import { call } from "./api.js";
import { byId, h, icon, size } from "./dom.js";

const MOST = 10;
let files = []; // {name, kept, problem, preview}: `kept` is what the hub answered.
let changed = () => {};

// Wire the page's button, drops and pastes; `watch` is told whenever the files change.
export function openAttach(watch) {
  changed = watch;
  byId("attach").append(icon("clip"));
  byId("attach").onclick = () => byId("file").click();
  byId("file").onchange = () => {
    add(byId("file").files);
    byId("file").value = "";
  };
  byId("text").addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    add(event.clipboardData.files);
  });
  const area = byId("main");
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  area.addEventListener("dragover", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    area.classList.add("dropping");
  });
  area.addEventListener("dragleave", (event) => {
    if (!area.contains(event.relatedTarget)) area.classList.remove("dropping");
  });
  area.addEventListener("drop", (event) => {
    area.classList.remove("dropping");
    if (!holds(event)) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
}

// Whether a message may go: no file is still on its way, none was refused.
export const isReady = () => files.every((file) => file.kept);
export const isEmpty = () => files.length === 0;

// Return the files as a message's parts, and begin anew.
export function take() {
  const parts = files.map(({ kept }) => ({ type: "file", ...kept }));
  put([]);
  return parts;
}

// Take back what a message that wasn't sent had.
export const restore = (parts) => put(parts.map((part) => ({ name: part.name, kept: part })));

function add(chosen) {
  for (const file of [...chosen].slice(0, MOST - files.length)) upload(file);
  paint();
}

async function upload(file) {
  const entry = { name: file.name || "picture" };
  files.push(entry);
  if (file.type.startsWith("image/") && file.size < 8e6) preview(file, entry);
  const form = new FormData();
  form.append("file", file, entry.name);
  try {
    entry.kept = await call("POST", "/v1/files", form);
  } catch (problem) {
    entry.problem = problem.message;
  }
  paint();
}

function preview(file, entry) {
  const reader = new FileReader();
  reader.onload = () => {
    entry.preview = reader.result;
    paint();
  };
  reader.readAsDataURL(file);
}

function put(next) {
  files = next;
  paint();
}

function paint() {
  byId("attached").hidden = files.length === 0;
  byId("attached").replaceChildren(...files.map((file) =>
    h(`li${file.problem ? ".failed" : ""}`, { "aria-busy": (!file.kept && !file.problem).toString() },
      file.preview && h("img", { src: file.preview, alt: "" }),
      h("span", {}, h("b", {}, file.name),
        h("small", { role: file.problem ? "alert" : undefined }, file.problem ?? (file.kept ? size(file.kept.size) : "Sending…"))),
      h("button.icon", {
        type: "button", "aria-label": `Leave out ${file.name}`, title: "Leave out",
        onclick: () => put(files.filter((other) => other !== file)),
      }, icon("cross")))));
  changed();
}
