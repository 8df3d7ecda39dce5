// Where a message is written: grows, keeps the draft, offers commands, aims at a task.
import { byId, hue, h, icon, menu } from "./dom.js";
import { onTasks, likelyTasks, tasks } from "./shell.js";

const COMMANDS = [
  ["/new", "begin a new task"], ["/tasks", "list your open tasks"],
  ["/task", "see or write to one: /task 3 TEXT"], ["/move", "move your last message: /move 3"],
  ["/stop", "stop what’s running"], ["/resume", "go on with a stopped task"],
  ["/status", "how the hub is"], ["/schedule", "later: /schedule tomorrow at 9 TEXT"], ["/timezone", "your time zone"],
  ["/agent", "list the agents"], ["/model", "which model answers"],
  ["/approve", "allow what a task asks for"], ["/deny", "refuse what a task asks for"],
  ["/follow", "hear of a task in this chat too: /follow 3"], ["/unfollow", "hear of it here no more"],
  ["/quiet", "at night: /quiet 22-7"], ["/digest", "your day"],
  ["/whoami", "who the hub takes you for"], ["/pair", "link another account"], ["/unlink", "take an account off you"],
  ["/start", "a short welcome"], ["/help", "all commands"],
];
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

function showHints() {
  const found = /^\/\w*$/.test(text.value) ? COMMANDS.filter(([name]) => name.startsWith(text.value.toLowerCase())) : [];
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
  menu(byId("target"), "What is it about?", [
    { label: "Auto", note: "the hub finds the task", checked: target === null, pick: () => pick(null) },
    { label: "New task", checked: target === "new", pick: () => pick("new") },
    ...likelyTasks().map(task),
  ]);
}

function pick(at) {
  aim(at);
  text.focus();
}

function paintTarget() {
  const task = tasks.get(target);
  const words = target === null ? "Auto" : task ? `#${task.number} ${task.title}` : "New task";
  byId("target").className = `target ${hue(task)}`;
  byId("target").title = target === null ? "The hub finds the task that a message is about" : "Messages go to this task";
  byId("target").replaceChildren(h("i"), h("span", {}, h("span.sr", {}, "Task: "), words), icon("chevron"));
}
