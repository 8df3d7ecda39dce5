// What every page has around it: open tasks, the model's state, the theme, the connection.
import { call } from "./api.js";
import { byId, chip, float, h, icon } from "./dom.js";
import { follow } from "./events.js";

const OPEN = ["submitted", "working", "input-required"];
export const STATES = {
  submitted: "Waiting", working: "Working", "input-required": "Needs you",
  completed: "Done", failed: "Failed", canceled: "Canceled",
};

export const tasks = new Map();
export const isOpen = (task) => OPEN.includes(task.state);
const DAY = 86_400_000;

// What a message may be about: open tasks, then those of the last day; subtasks if they ask.
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
  byId("theme").append(icon("moon"), icon("sun"));
  byId("theme").onclick = turnTheme;
  byId("sign-out").append(icon("out"));
  byId("sign-out").onclick = async () => {
    await call("POST", "/v1/sign-out").catch(() => {});
    location.replace("/sign-in");
  };
  byId("model").onclick = showModel;

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
    busy,
    lost,
    task: later((task) => { keepTask(task); on.task?.(task); }),
    hello(again) {
      clearTimeout(offline);
      offline = 0;
      byId("offline").hidden = true;
      begin().then(() => on.hello?.(again));
      readStatus();
    },
  });
  // A proxy may hold events back; the page is shown all the same.
  setTimeout(begin, 1500);
  readStatus();
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
  ready: "Model ready", loading: "Model is loading", restarting: "Model restarts",
  absent: "No model", broken: "Model is broken", unknown: "Hub away",
};
let timer = 0;

async function readStatus() {
  clearTimeout(timer);
  try {
    if (!document.hidden) status = await call("GET", "/v1/status");
  } catch (problem) {
    // A key that may not read the status still chats.
    if (problem.status === 403) byId("model").hidden = true;
    else status = null;
  }
  const state = status?.llm.state ?? "unknown";
  byId("model").dataset.state = state;
  byId("model").querySelector(".words").textContent = MODEL[state];
  count("alert-count", status?.alerts.length);
  count("ask-count", status?.requests);
  for (const watcher of watchers.status) watcher(status);
  timer = setTimeout(readStatus, state === "ready" ? 30_000 : 4_000);
}

function showModel() {
  const llm = status?.llm;
  const row = (name, value) => value ? [h("dt", {}, name), h("dd", {}, String(value))] : [];
  const box = h("div.panel", { role: "dialog", "aria-label": "The model", tabIndex: -1 },
    h("p.title", {}, MODEL[llm?.state ?? "unknown"]),
    llm?.detail && h("p", {}, llm.detail),
    llm && h("dl", {}, row("Model", llm.model), row("Context", llm.context && `${llm.context} tokens`),
      row("Speed", llm.tokens_per_second && `${llm.tokens_per_second.toFixed(1)} tokens/s`),
      row("Threads", llm.threads), row("Restarts", llm.restarts),
      ...(status.bridges ?? []).filter((bridge) => bridge.name !== "http").flatMap(bridgeRow),
      row("Router", status.router && `${status.router.rule} rule, ${status.router.model}`), row("AgentHost", status.version)));
  float(byId("model"), box);
  box.focus();
}

// How a chat platform is: its state in words, who we are there, what waits, and what's wrong.
function bridgeRow(bridge) {
  const facts = [bridge.state, bridge.account && `as ${bridge.account}`,
    bridge.waiting && `${bridge.waiting} to be delivered`, bridge.lag > 1 && `lag ${bridge.lag.toFixed(1)} s`, bridge.detail];
  return [h("dt", {}, bridge.name), h(`dd.bridge.${bridge.state}`, {}, facts.filter(Boolean).join(", "))];
}

// --- light and dark

// theme.js follows the system; here a choice against it is made, or taken back.
function turnTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  const systems = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (theme === systems) localStorage.removeItem("agenthost.theme");
  else localStorage.setItem("agenthost.theme", theme);
  document.documentElement.dataset.theme = theme;
}
