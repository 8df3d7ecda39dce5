// Files that go along with the next message, each sent to the hub at once. Loaded when the first one comes.
import { call } from "./api.js";
import { byId, h, icon, size } from "./dom.js";
import { t } from "./words.js";

const MOST = 10;
document.head.append(h("link", { rel: "stylesheet", href: new URL("attach.css", import.meta.url).href }));
let files = []; // {name, kept, problem, preview}: `kept` is what the hub answered.
let changed = () => {};

// `watch` is told whenever the files change.
export function openAttach(watch) {
  changed = watch;
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

export function add(chosen) {
  for (const file of [...chosen].slice(0, MOST - files.length)) upload(file);
  paint();
}

async function upload(file) {
  const entry = { name: file.name || t("picture") };
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
        h("small", { role: file.problem ? "alert" : undefined }, file.problem ?? (file.kept ? size(file.kept.size) : t("Sending…")))),
      h("button.icon", {
        type: "button", "aria-label": t("Leave out {file}", { file: file.name }), title: t("Leave out"),
        onclick: () => put(files.filter((other) => other !== file)),
      }, icon("cross")))));
  changed();
}
