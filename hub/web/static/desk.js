// Who wants a human: the queue with what's due, one chat with what the agent would say, and notes among operators.
import { call, newKey } from "./api.js";
import { ago, announce, byId, chip, h, menu, time, toast } from "./dom.js";
import { oneAtATime } from "./looking.js";
import { start } from "./shell.js";
import { sure } from "./sure.js";
import { t } from "./words.js";

const BY = { person: t("asked for a human"), agent: t("the agent asked for a human"), supervisor: t("a task waits for too long"), operator: t("taken over") };
const { title } = document;
let me = null;
let queue = [];
let operators = [];
let chosen = null; // the id of the handover that's shown
let draft = null; // what the box was filled with
let shown = ""; // of the chat: it's drawn anew only if it has changed
const path = (id, rest = "") => `/v1/handovers/${encodeURIComponent(id)}${rest}`;
const mine = (one) => one.state === "taken" && one.operator?.id === me.person.id;
const answering = (one) => t("{operator} answers", { operator: one.operator?.name ?? t("Somebody") });
const oops = (problem) => toast(problem.message);

async function load() {
  me ??= await call("GET", "/v1/whoami");
  try {
    operators = (await call("GET", "/v1/handovers/operators")).items;
  } catch (problem) {
    if (problem.status !== 403) throw problem;
    byId("pick").textContent = t("This page is for who operates chats: owner, admins and operators.");
    return;
  }
  await loadQueue();
  watch();
}

async function loadQueue() {
  queue = (await call("GET", "/v1/handovers?limit=200")).items;
  paintQueue();
  if (chosen && !queue.some((one) => one.id === chosen)) close();
}

// --- the queue

function paintQueue() {
  byId("queue-none").hidden = queue.length > 0;
  byId("queue-count").hidden = !queue.length;
  byId("queue-count").textContent = queue.length;
  const focused = document.activeElement?.dataset?.id;
  byId("queue").replaceChildren(...queue.map(entry));
  if (focused) byId("queue").querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function entry(one) {
  const button = h("button", { type: "button", "aria-current": (one.id === chosen).toString(), onclick: () => open(one.id) },
    h("span.top", {}, h("b", {}, one.person.name || t("Somebody")), due(one)),
    h("span.why", {}, one.why || BY[one.by]),
    h("span.facts", {}, one.state === "taken" ? answering(one) : t("waits, {ago}", { ago: ago(one.created_at) })));
  button.dataset.id = one.id;
  return h("li", {}, button);
}

// What's due next: the first answer, then the end.
function due(one) {
  const at = one.answered_at ? one.end_due_at : one.first_due_at;
  if (!at) return null;
  const left = new Date(at) - Date.now();
  const kind = left < 0 ? "over" : left < 300_000 ? "soon" : "fine";
  return h(`span.due.${kind}`, { title: one.answered_at ? t("Until it should be over") : t("Until the first answer") }, left < 0 ? t("late, {ago}", { ago: ago(at) }) : ago(at));
}

byId("queue").addEventListener("keydown", (event) => {
  const entries = [...byId("queue").querySelectorAll("button")];
  const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!to) return;
  event.preventDefault();
  entries.at((entries.indexOf(document.activeElement) + to) % entries.length).focus();
});

// --- one chat

async function open(id) {
  if (id !== chosen) {
    shown = "";
    draft = null;
    byId("words").value = "";
  }
  chosen = id;
  paintQueue();
  await refresh();
  byId("case-title").focus();
}

function close() {
  chosen = null;
  byId("case").hidden = true;
  byId("pick").hidden = false;
  document.title = title;
}

async function refresh() {
  const id = chosen;
  if (!id) return;
  const [one, said, drafts, notes] = await Promise.all([
    call("GET", path(id)), call("GET", path(id, "/messages?limit=100")),
    call("GET", path(id, "/drafts?limit=200")), call("GET", path(id, "/notes?limit=100")),
  ]);
  if (id !== chosen) return;
  byId("case").hidden = false;
  byId("pick").hidden = true;
  byId("case-title").textContent = one.person.name || t("Somebody");
  document.title = `${one.person.name} · ${title}`;
  const asked = one.why ? t("{what}: {why}", { what: BY[one.by], why: one.why }) : BY[one.by];
  const facts = [asked, one.bridge !== "http" && one.bridge, ago(one.created_at)].filter(Boolean).join(" · ");
  byId("case-facts").replaceChildren(`${facts} · `, due(one) ?? "");
  byId("acts").replaceChildren(...acts(one));
  byId("answering").hidden = !mine(one);
  paintTold(said.items.reverse());
  paintDraft(drafts.items.filter((each) => each.state === "open").at(-1));
  paintNotes(notes.items);
}

function acts(one) {
  if (one.state === "asked") return [act(t("Take over"), "take", t("You answer from here on."), ".primary")];
  if (!mine(one)) return [h("span.facts", {}, answering(one))];
  const others = operators.filter((other) => other.id !== me.person.id && other.id !== one.person.id);
  return [
    others.length > 0 && h("button", {
      type: "button", "aria-haspopup": "menu", "aria-expanded": "false",
      onclick: (event) => menu(event.currentTarget, t("Hand it to"), others.map((other) => ({
        label: other.name, pick: () => step("transfer", t("{operator} answers from here on.", { operator: other.name }), { to: other.id }),
      }))),
    }, t("Hand it to…")),
    act(t("Back to the queue"), "release", t("It’s in the queue again; the agent answers.")),
    act(t("Let the agent go on"), "resolve", t("The agent answers again.")),
  ].filter(Boolean);
}

const act = (label, name, done, kind = "") => h(`button${kind}`, { type: "button", onclick: () => step(name, done) }, label);

async function step(name, done, body = undefined) {
  try {
    await call("POST", path(chosen, `/${name}`), body, newKey());
    announce(done);
    toast(done);
  } catch (problem) {
    oops(problem);
  }
  await again();
}

function paintTold(messages) {
  const now = JSON.stringify(messages.map((message) => [message.id, message.state, message.text]));
  if (now === shown) return;
  shown = now;
  byId("messages").replaceChildren(...messages.map(line));
  byId("told").scrollTop = byId("told").scrollHeight;
}

// Who reads the end goes on reading it while the box and the notes below take more room, or less.
let low = true;
byId("told").addEventListener("scroll", ({ currentTarget: told }) => { low = told.scrollHeight - told.scrollTop - told.clientHeight < 60; });
new ResizeObserver(() => { if (low) byId("told").scrollTop = byId("told").scrollHeight; }).observe(byId("told"));

function line(message) {
  const meta = h("div.meta", {}, message.task && chip(message.task, true), message.human && h("span.human", {}, message.human),
    message.role === "notice" && t("the hub"), message.state === "handed" && h("span.progress.asking", {}, t("Waits for you")), time(message.created_at));
  if (message.role === "user") return h("li.said.user", {}, h("div.bubble", {}, message.text), meta);
  const body = h("div.body");
  body.innerHTML = message.html; // Sanitised by the hub.
  return h(`li.said.${message.role === "notice" ? "notice" : "agent"}`, {}, meta, body);
}

// --- answering

// The newest draft fills the box, unless the operator has begun to write something else.
function paintDraft(fresh) {
  const box = byId("words");
  const untouched = !box.value.trim() || box.value === draft?.text;
  if (untouched && fresh?.id !== draft?.id) box.value = fresh?.text ?? "";
  if (untouched || !fresh) draft = fresh ?? null;
  byId("discard").hidden = !draft;
  byId("drafted").textContent = draft
    ? draft.choices.length ? t("The agent would say this, and ask: {choices}.", { choices: draft.choices.map((choice) => choice.text).join(" / ") }) : t("The agent would say this.")
    : fresh ? t("The agent has drafted something else meanwhile.") : t("Nothing is drafted; say something of your own.");
}

async function answer() {
  const text = byId("words").value;
  const body = draft && text === draft.text ? { draft: draft.id } : { text, ...(draft && { draft: draft.id }) };
  byId("send").disabled = true;
  try {
    await call("POST", path(chosen, "/send"), body, newKey());
    byId("words").value = "";
    draft = null;
    announce(t("Sent."));
  } catch (problem) {
    oops(problem);
  }
  byId("send").disabled = false;
  await again();
}

byId("answering").addEventListener("submit", (event) => { event.preventDefault(); answer(); });
byId("words").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); answer(); }
});
sure(byId("discard"), t("Really discard it?"), async () => {
  await call("POST", path(chosen, `/drafts/${encodeURIComponent(draft.id)}/discard`), undefined, newKey()).catch(oops);
  byId("words").value = "";
  draft = null;
  await again();
});

// --- notes

function paintNotes(notes) {
  byId("note-count").hidden = !notes.length;
  byId("note-count").textContent = notes.length;
  byId("notes").replaceChildren(...notes.map((note) => h("li", {}, note.text, h("div.facts", {}, `${note.by.name} · ${ago(note.created_at)}`))));
}

byId("note-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = byId("note").value;
  if (!text.trim()) return;
  await call("POST", path(chosen, "/notes"), { text }, newKey()).then(() => { byId("note").value = ""; }, oops);
  await again();
});

// --- what's new

const again = oneAtATime(async () => {
  await loadQueue().catch(oops);
  // It may be over by now.
  if (chosen) await refresh().catch((problem) => problem.status === 404 || oops(problem));
});

function watch() {
  const source = new EventSource("/v1/handovers/events");
  source.addEventListener("hello", again);
  source.addEventListener("handover", again);
  source.onerror = () => {
    source.close();
    setTimeout(() => call("GET", "/v1/whoami").catch(() => {}).then(watch), 3000);
  };
  addEventListener("pagehide", () => source.close(), { once: true });
}

setInterval(() => document.hidden || paintQueue(), 30_000);
start({ load });
