// What every page has around it: open tasks, the model's state, the theme, the connection.
import { call } from "./api.js";
import { byId, chip, h, icon } from "./dom.js";
import { follow } from "./events.js";
import { t } from "./words.js";

const OPEN = ["submitted", "working", "input-required"];
export const STATES = {
  submitted: t("Waiting"), working: t("Working"), "input-required": t("Needs you"),
  completed: t("Done"), failed: t("Failed"), canceled: t("Canceled"),
};

export const tasks = new Map();
export const isOpen = (task) => OPEN.includes(task.state);
const DAY = 86_400_000;

// What a message may be about: open tasks, the last day’s; subtasks if they ask.
export function likelyTasks() {
  const likely = [...tasks.values()].filter((task) => task.parent ? task.state === "input-required" : isOpen(task) || Date.now() - new Date(task.updated_at) < DAY);
  return likely.sort((a, b) => isOpen(b) - isOpen(a) || b.number - a.number).slice(0, 12);
}

let status = null;
const watchers = { tasks: [], status: [] };
export const onTasks = (watcher) => watchers.tasks.push(watcher);
export const onStatus = (watcher) => watchers.status.push(watcher);

// Start the page. `on` takes events as events.js has them; `load` fills the page, and events wait for it.
export function start({ load, busy = () => false, ...on }) {
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  byId("account").append(icon("person"));
  byId("theme").append(icon("moon"), icon("sun"));
  byId("theme").onclick = () => import("./turn.js").then(({ turnTheme }) => turnTheme());
  byId("sign-out").append(icon("out"));
  byId("sign-out").onclick = async () => {
    await call("POST", "/v1/sign-out").catch(() => {});
    location.replace("/sign-in");
  };
  // Loaded only by who wants to know more.
  byId("model").onclick = () => import("./model.js").then(({ showModel }) => showModel(byId("model"), status, MODEL));

  let loaded = null;
  const begin = () => (loaded ??= Promise.all([loadTasks(), load()]).catch(lost));
  let offline = 0;
  const lost = () => {
    offline ||= setTimeout(() => { byId("offline").hidden = false; }, 1200);
  };
  const later = (take) => (data) => begin().then(() => take(data));
  const handlers = Object.fromEntries(Object.entries(on).map(([kind, take]) => [kind, later(take)]));
  follow({
    ...handlers,
    any: recount,
    busy,
    lost,
    task: later((task) => { keepTask(task); on.task?.(task); }),
    hello(again) {
      clearTimeout(offline);
      offline = 0;
      byId("offline").hidden = true;
      begin().then(() => on.hello?.(again));
      readStatus();
      recount();
    },
  });
  // A proxy may hold events back; the page is shown all the same.
  setTimeout(begin, 1500);
  readStatus();
  for (const a of document.querySelectorAll("[data-may]")) may(a.dataset.may).then((yes) => { a.hidden = !yes; }).catch(() => {});
}

const recount = () => import("./counted.js").then((counted) => counted.recount());

// Asked once.
let asked = null;
const whoami = () => (asked ??= call("GET", "/v1/whoami").catch((problem) => { asked = null; throw problem; }));

// A scope; or "home": what those may who run the hub, and no customer's.
export async function may(scope) {
  const { scopes, tenant } = await whoami();
  return scope === "home" ? tenant === scope : scopes.includes(scope) || scopes.includes("admin");
}

export function keepTask(task) {
  const known = tasks.get(task.id);
  tasks.set(task.id, { ...known, ...task });
  paintTasks();
}

async function loadTasks() {
  const { items } = await call("GET", "/v1/tasks");
  for (const task of items) tasks.set(task.id, task);
  paintTasks();
}

function count(id, number) {
  byId(id).hidden = !number;
  byId(id).textContent = number || "";
}

function paintTasks() {
  const likely = likelyTasks();
  count("open-count", likely.filter(isOpen).length);
  byId("open-none").hidden = likely.length > 0;
  byId("open-tasks").replaceChildren(...likely.map((task) =>
    h("li", {}, chip(task), h(`span.state.${task.state}`, {}, STATES[task.state]))));
  for (const watcher of watchers.tasks) watcher();
}

// --- the model

const MODEL = {
  ready: t("Model ready"), loading: t("Model is loading"), restarting: t("Model restarts"),
  absent: t("No model"), broken: t("Model is broken"), unknown: t("Hub away"),
};
let timer = 0;

async function readStatus() {
  clearTimeout(timer);
  try {
    // Who may not read the status still chats.
    if (!(await may("home")) || !(await may("status:read"))) {
      byId("model").hidden = true;
      return;
    }
    if (!document.hidden) status = await call("GET", "/v1/status");
  } catch {
    status = null;
  }
  const state = status?.llm.state ?? "unknown";
  byId("model").dataset.state = state;
  byId("model").querySelector(".words").textContent = MODEL[state];
  count("alert-count", status?.alerts.length);
  if (byId("ask-count").textContent !== String(status?.requests || "")) recount();
  count("ask-count", status?.requests);
  for (const watcher of watchers.status) watcher(status);
  timer = setTimeout(readStatus, state === "ready" ? 30_000 : 4_000);
}
