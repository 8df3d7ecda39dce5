// Where a message is written: grows, keeps the draft, offers commands, aims at a task.
import { byId, hue, h, icon, menu } from "./dom.js";
import { onTasks, likelyTasks, tasks } from "./shell.js";
import { t } from "./words.js";

const DRAFT = "agenthost.draft";

const text = byId("text");
const hints = byId("hints");
let target = null; // null: the router decides; "new"; or a task's id.
let chosen = -1;

// Call send(text, task, files) for each message that's finished.
export function openComposer(send) {
  byId("send").append(icon("up"));
  text.value = localStorage.getItem(DRAFT) ?? "";
  text.addEventListener("input", changed);
  text.addEventListener("keydown", press);
  text.addEventListener("blur", () => setTimeout(hideHints, 150));
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const words = text.value.trim();
    if (!isWhole()) return;
    fill("");
    send(words, target, attached?.take() ?? []);
    if (target === "new") aim(null);
  });
  byId("target").onclick = chooseTarget;
  byId("attach").append(icon("clip"));
  byId("attach").onclick = () => byId("file").click();
  byId("file").onchange = async () => {
    await attach([...byId("file").files]);
    byId("file").value = "";
  };
  text.addEventListener("paste", (event) => takeIn(event, event.clipboardData));
  for (const kind of ["dragover", "dragleave", "drop"]) byId("main").addEventListener(kind, drag);
  onTasks(paintTarget);
  changed();
  paintTarget();
}

// Put words into the composer, and files, for the person to go on with.
export function fill(words, files) {
  text.value = words;
  if (files?.length) withFiles().then((module) => module.restore(files));
  changed();
}

// --- files

let attached = null; // attach.js, once there was a file

async function withFiles() {
  if (!attached) {
    attached = await import("./attach.js");
    attached.openAttach(mayGo);
  }
  return attached;
}

const attach = async (files) => (await withFiles()).add(files);

function takeIn(event, carried) {
  if (!carried?.files.length) return;
  event.preventDefault();
  attach([...carried.files]);
}

function drag(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  if (event.type === "dragleave" && byId("main").contains(event.relatedTarget)) return;
  byId("main").classList.toggle("dropping", event.type === "dragover");
  if (event.type === "dragover") event.preventDefault();
  if (event.type === "drop") takeIn(event, event.dataTransfer);
}

// Something is said, and every file of it is at the hub.
const isWhole = () => (text.value.trim() || attached?.isEmpty() === false) && attached?.isReady() !== false;

function mayGo() {
  byId("send").disabled = !isWhole();
}

export function aim(at) {
  target = at;
  paintTarget();
}

function changed() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, innerHeight * 0.4)}px`;
  mayGo();
  if (text.value) localStorage.setItem(DRAFT, text.value);
  else localStorage.removeItem(DRAFT);
  showHints();
}

// On a touch keyboard Enter begins a new line; there is a button to send.
const isTouch = matchMedia("(hover: none) and (pointer: coarse)");

function press(event) {
  if (event.isComposing) return;
  if (!hints.hidden && pressInHints(event)) return event.preventDefault();
  if (event.key === "Enter" && !event.shiftKey && !isTouch.matches) {
    event.preventDefault();
    byId("composer").requestSubmit();
  }
}

// --- commands

let commands = []; // of commands.js, once a slash was typed

async function showHints() {
  const isOne = () => /^\/\w*$/.test(text.value);
  if (isOne()) commands = (await import("./commands.js")).COMMANDS;
  const found = isOne() ? commands.filter(([name]) => name.startsWith(text.value.toLowerCase())) : [];
  hints.hidden = found.length === 0 || document.activeElement !== text;
  hints.replaceChildren(...found.map(([name, words], n) =>
    h("li", { role: "option", id: `hint-${n}`, "data-name": name, onmousedown: (event) => { event.preventDefault(); take(name); } },
      h("b", {}, name), h("span", {}, words))));
  choose(0);
}

function hideHints() {
  hints.hidden = true;
  text.removeAttribute("aria-activedescendant");
}

function choose(at) {
  const all = [...hints.children];
  chosen = all.length ? (at + all.length) % all.length : -1;
  all.forEach((hint, n) => hint.setAttribute("aria-selected", (n === chosen).toString()));
  all[chosen]?.scrollIntoView({ block: "nearest" });
  if (hints.hidden || chosen < 0) text.removeAttribute("aria-activedescendant");
  else text.setAttribute("aria-activedescendant", `hint-${chosen}`);
}

function pressInHints(event) {
  const hint = hints.children[chosen];
  switch (event.key) {
    case "ArrowDown": choose(chosen + 1); return true;
    case "ArrowUp": choose(chosen - 1); return true;
    case "Escape": hideHints(); return true;
    case "Tab": take(hint.dataset.name); return true;
    case "Enter":
      // A command that's complete is sent; the beginning of one is completed.
      if (event.shiftKey || hint.dataset.name === text.value.toLowerCase()) return false;
      take(hint.dataset.name);
      return true;
    default: return false;
  }
}

function take(name) {
  fill(`${name} `);
  hideHints();
  text.focus();
}

// --- the task that it's about

function chooseTarget() {
  const task = (task) => ({
    label: task.title, note: `#${task.number}`, hue: hue(task), checked: target === task.id, pick: () => pick(task.id),
  });
  menu(byId("target"), t("What is it about?"), [
    { label: t("Auto"), note: t("the hub finds the task"), checked: target === null, pick: () => pick(null) },
    { label: t("New task"), checked: target === "new", pick: () => pick("new") },
    ...likelyTasks().map(task),
  ]);
}

function pick(at) {
  aim(at);
  text.focus();
}

function paintTarget() {
  const task = tasks.get(target);
  const words = target === null ? t("Auto") : task ? `#${task.number} ${task.title}` : t("New task");
  byId("target").className = `target ${hue(task)}`;
  byId("target").title = target === null ? t("The hub finds the task that a message is about") : t("Messages go to this task");
  byId("target").replaceChildren(h("i"), h("span", {}, h("span.sr", {}, t("Task:"), " "), words), icon("chevron"));
}
