// The conversation.
import { call, newKey } from "./api.js";
import { aim, fill, openComposer } from "./composer.js";
import { announce, byId, day, h, icon, toast } from "./dom.js";
import { draw, drawLive, drawUnsent, words } from "./message.js";
import { onStatus, start, tasks } from "./shell.js";
import { t } from "./words.js";

const CHAT = "main";
const UNSENT = "agenthost.unsent";
const list = byId("messages");
const scroll = byId("scroll");
const messages = new Map(); // id -> message
const lives = new Map(); // turn -> {element, message}: answers that are being written
let unsent = []; // {ref, text, task, files, state, problem, element}
let cursor = null;

// --- keep what the hub says

// A chat has messages of this page and of the terminal; those of other bridges are elsewhere.
const isHere = (message) => message.bridge === "http" && message.chat?.split("/").at(-1) === CHAT;

function keep(message) {
  if (!isHere(message)) return;
  put(message);
  paint();
}

function put(message) {
  const before = messages.get(message.id);
  messages.set(message.id, { ...before, ...message });
  const element = draw(messages.get(message.id), (id) => messages.get(id), controls);
  const old = byId(element.id) ?? (before ? null : placeOf(message));
  if (old) swap(old, element);
  else insert(element);
  if (message.role === "user") paintQuestions();
  if (["stopped", "failed", "answered"].includes(message.state)) endLives(message.id);
}

// What a new message takes the place of: an answer's live text, or the note that was just sent.
function placeOf(message) {
  if (message.role === "user") {
    const note = unsent.find((note) => note.state === "sending" && isSame(note, message));
    return note ? drop(note) : null;
  }
  const live = lives.get(message.turn) ?? [...lives.values()].find((live) => message.answers && live.message === message.answers);
  if (!live) return null;
  lives.delete(live.turn);
  return live.element;
}

const isSame = (note, message) =>
  note.text === words(message) && (note.files?.length ?? 0) === message.parts.filter((part) => part.type === "file").length;

function swap(old, element) {
  const act = old.contains(document.activeElement) && document.activeElement.dataset.act;
  old.replaceWith(element);
  if (act) element.querySelector(`[data-act=${act}]`)?.focus();
}

function insert(element) {
  // Ids sort by time; nearly always it's the newest. What has no id yet stays where it began.
  let after = null;
  for (let other = list.lastElementChild; other; other = other.previousElementSibling) {
    if (other.dataset.id && other.dataset.id < element.dataset.id) break;
    if (other.dataset.id) after = other;
  }
  list.insertBefore(element, after);
}

// The choices of a question are open as long as nobody chose.
function paintQuestions() {
  for (const message of messages.values()) {
    if (!message.choices.length) continue;
    for (const button of byId(`m-${message.id}`).querySelectorAll(".choice")) button.disabled = !controls.isAsking(message);
  }
}

function paint() {
  byId("welcome").hidden = list.children.length > 0;
  byId("stop").hidden = !isBusy();
  let last = "";
  for (const element of list.children) {
    const message = messages.get(element.dataset.id);
    const today = message ? day(message.created_at) : last;
    if (today !== last) element.dataset.day = today;
    else delete element.dataset.day;
    last = today;
    const quote = element.querySelector(".quote");
    if (quote) quote.hidden = element.previousElementSibling?.dataset.id === message?.answers;
  }
}

const isBusy = () => lives.size > 0 || [...messages.values()].some((m) => m.role === "user" && m.state === "working");

// --- answers that are being written

function live(turn, message, task) {
  const known = lives.get(turn) ?? [...lives.values()].find((live) => message && live.message === message);
  if (known) {
    // Another turn for the same message: the first was cut off.
    lives.delete(known.turn);
    if (known.turn !== turn) known.element.write("", true);
    lives.set(turn, Object.assign(known, { turn }));
    return known;
  }
  const element = drawLive(tasks.get(task) ?? messages.get(message)?.task);
  const fresh = { turn, message, element };
  const asked = messages.get(message);
  if (asked && ["accepted", "routed"].includes(asked.state)) keep({ ...asked, state: "working" });
  lives.set(turn, fresh);
  list.append(element);
  paint();
  return fresh;
}

function follow(delta) {
  if (!messages.has(delta.message) && tasks.get(delta.task)?.origin.bridge !== "http") return;
  live(delta.turn, delta.message, delta.task).element.write(delta.text, delta.whole);
}

function turned(turn) {
  const message = turn.messages?.at(-1);
  if (turn.state === "working") {
    if (messages.has(message)) live(turn.id, message, turn.task?.id ?? turn.task);
  } else {
    setTimeout(() => endTurn(turn.id), 800); // its reply comes along, and takes the place
  }
}

function endTurn(id) {
  lives.get(id)?.element.remove();
  lives.delete(id);
  paint();
}

function endLives(message) {
  for (const live of lives.values()) if (live.message === message) setTimeout(() => endTurn(live.turn), 800);
}

// --- send

const saveUnsent = () =>
  localStorage.setItem(UNSENT, JSON.stringify(unsent.map(({ ref, text, task, files }) => ({ ref, text, task, files }))));

function write(text, task, files = []) {
  const note = { ref: newKey(), text, task, files };
  unsent.push(note);
  saveUnsent();
  pinned = true;
  send(note);
}

function said({ text, files }) {
  if (!files?.length) return { text };
  return { parts: [...(text ? [{ type: "text", text }] : []), ...files.map(({ sha256, name }) => ({ type: "file", sha256, name }))] };
}

async function send(note) {
  show(note, "sending");
  try {
    const { id, state } = await call("POST", "/v1/messages", { ...said(note), ...(note.task && { task: note.task }) }, note.ref);
    const element = drop(note);
    if (messages.has(id)) element?.remove();
    else if (element) adopt(note, element, id, state);
  } catch (problem) {
    note.problem = problem.message;
    note.passing = problem.passing;
    if (!unsent.includes(note)) return;
    show(note, "unsent");
    if (problem.passing) setTimeout(resend, 1000 * (problem.after || 4));
  }
}

// The hub keeps it: the note becomes a message, whose event tells the rest.
function adopt(note, element, id, state) {
  const message = {
    id, state, role: "user", text: note.text, parts: [{ type: "text", text: note.text }, ...(note.files ?? [])], choices: [], task: null, route: null,
    bridge: "http", chat: CHAT, created_at: new Date().toISOString(),
  };
  messages.set(id, message);
  element.replaceWith(draw(message, () => undefined, controls));
  paint();
}

function show(note, state) {
  note.state = state;
  const element = drawUnsent(note, { send, edit });
  if (note.element) note.element.replaceWith(element);
  else list.append(element);
  note.element = element;
  paint();
}

function drop(note) {
  unsent = unsent.filter((other) => other !== note);
  saveUnsent();
  return note.element;
}

function edit(note) {
  drop(note)?.remove();
  fill(note.text, note.files ?? []);
  aim(note.task ?? null);
  byId("text").focus();
  paint();
}

// Notes that a reload or a lost connection left behind: their keys make sure that each is kept once.
function resend() {
  for (const note of unsent) if (note.state === undefined || (note.state === "unsent" && note.passing)) send(note);
}

// --- what a message's controls do

const controls = {
  async move(message, task, words) {
    try {
      keep(await call("PUT", `/v1/messages/${message.id}/task`, { task }));
      toast(words);
    } catch (problem) {
      toast(problem.message);
    }
  },
  async choose(message, choice, group) {
    const buttons = [...group.children];
    for (const button of buttons) button.disabled = true;
    try {
      await call("POST", `/v1/messages/${message.id}/choice`, { choice: choice.id }, newKey());
      buttons.find((button) => button.textContent === choice.text)?.classList.add("chosen");
    } catch (problem) {
      for (const button of buttons) button.disabled = false;
      toast(problem.message);
    }
  },
  // Its task answers after all what was stopped or failed; a message without a task is said once more.
  async retry(message) {
    if (!message.task) return write(words(message), null, message.parts.filter((part) => part.type === "file"));
    await call("POST", `/v1/tasks/${message.task.id}/resume`, undefined, newKey()).catch((problem) => toast(problem.message));
  },
  isAsking(message) {
    if (messages.get(message.answers)?.state === "asking") return true;
    return tasks.get(message.task?.id)?.state === "input-required" &&
      ![...messages.values()].some((m) => m.role === "user" && m.task?.id === message.task.id && m.id > message.id);
  },
};

async function stop() {
  byId("stop").disabled = true;
  await call("POST", "/v1/chat/stop", { chat: CHAT }, newKey()).catch((problem) => toast(problem.message));
  byId("stop").disabled = false;
}

// --- earlier messages, and staying at the end

let pinned = true;

async function older() {
  byId("older").disabled = true;
  try {
    const height = scroll.scrollHeight - scroll.scrollTop;
    const page = await call("GET", `/v1/messages?chat=${CHAT}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    cursor = page.next;
    page.items.forEach(put);
    paint();
    if (!pinned) scroll.scrollTop = scroll.scrollHeight - height;
    byId("older").hidden = !cursor;
  } finally {
    byId("older").disabled = false;
  }
}

let top = 0;
let height = 0;

function toEnd() {
  pinned = true;
  scroll.scrollTop = scroll.scrollHeight;
}

// A scroll upwards lets go of the end. One that came about because the page grew or shrank meanwhile doesn't.
scroll.addEventListener("scroll", () => {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  if (atEnd) pinned = true;
  else if (scroll.scrollTop < top - 1 && scroll.scrollHeight >= height) pinned = false;
  top = scroll.scrollTop;
  height = scroll.scrollHeight;
  byId("latest").hidden = pinned;
}, { passive: true });
new ResizeObserver(() => pinned && toEnd()).observe(list);
new ResizeObserver(() => pinned && toEnd()).observe(scroll);
new IntersectionObserver(([seen]) => seen.isIntersecting && cursor && !byId("older").disabled && older().catch(() => {}),
  { root: scroll }).observe(byId("older"));

// --- what's new while nobody looks

const { title } = document;
let missed = 0;

function told(message) {
  const fresh = !messages.has(message.id);
  keep(message);
  if (!fresh || !isHere(message) || message.state === "moved") return;
  const text = message.text.slice(0, 300);
  announce(message.task ? t("Task {number}: {title}", { number: message.task.number, title: text }) : text);
  if (document.hidden) document.title = `(${++missed}) ${title}`;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  missed = 0;
  document.title = title;
});

// --- begin

onStatus((status) => {
  const llm = status?.llm;
  byId("kept").hidden = !llm || llm.state === "ready";
  byId("kept").textContent = !llm ? "" : llm.state === "loading" || llm.state === "restarting"
    ? t("The model is getting ready. What you write is kept, and answered in a moment.")
    : t("There’s no model at the moment. What you write is kept, and answered as soon as there is one. {detail}", llm);
});

import("./welcome.js").then(({ TRIES }) => byId("tries").append(...TRIES.map((words) => h("button", { type: "button", onclick: () => write(words, null) }, words))));
byId("latest").append(icon("down"));
byId("latest").onclick = toEnd;
byId("older").onclick = older;
byId("stop").onclick = stop;
document.addEventListener("keydown", (event) => {
  const pages = { PageUp: -0.85, PageDown: 0.85 }[event.key];
  if (event.key === "/" && event.target === document.body) byId("text").focus();
  else if (!pages || event.target !== byId("text")) return;
  else scroll.scrollBy(0, pages * scroll.clientHeight);
  event.preventDefault();
});
openComposer(write);

start({
  async load() {
    unsent = JSON.parse(localStorage.getItem(UNSENT) ?? "[]");
    await older();
    for (const note of unsent) show(note, undefined);
    toEnd();
    if (matchMedia("(hover: hover)").matches) byId("text").focus();
    paint();
  },
  busy: isBusy,
  hello: resend,
  message: keep,
  route: keep,
  delivery: keep,
  reply: told,
  notice: told,
  task: paintQuestions,
  turn: turned,
  delta: follow,
});
