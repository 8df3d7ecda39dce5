// All tasks, by what they need.
import { call, newKey } from "./api.js";
import { approvals } from "./approvals.js";
import { changeOf } from "./changes.js";
import { ago, byId, chip, h, hue, toast } from "./dom.js";
import { STATES, isOpen, keepTask, onTasks, start, tasks } from "./shell.js";

const isDue = (task) => task.due_at && new Date(task.due_at) > new Date();
const COLUMNS = [
  ["Needs you", (task) => task.state === "input-required"],
  ["Working", (task) => task.state === "working" && !isDue(task)],
  ["Waiting", (task) => task.state === "submitted" || (task.state === "working" && isDue(task))],
  ["Done", (task) => task.state === "completed"],
  ["Ended early", (task) => task.state === "failed" || task.state === "canceled"],
];
let cursor = null;

function paint() {
  const focused = document.activeElement?.closest(".ticket")?.dataset.id;
  const all = [...tasks.values()].filter((task) => !tasks.has(task.parent)).sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
  byId("board").replaceChildren(...COLUMNS.map(([name, isIn]) => {
    const found = all.filter(isIn);
    return h(`section.column-of`, { "aria-label": name, hidden: !found.length && name === "Ended early" },
      h("h2", {}, name, h("span.count", {}, String(found.length))),
      h("ul", {}, found.map(ticket)),
      !found.length && h("p.none", {}, "Nothing here"));
  }));
  if (focused) document.querySelector(`.ticket[data-id="${focused}"] a`)?.focus();
}

function ticket(task) {
  const words = rests(task) || said(task.verdict);
  return h(`li.ticket.${hue(task)}`, { "data-id": task.id },
    chip(task, true),
    h("a.name", { href: `/tasks/${task.id}` }, task.title),
    words && h("p.verdict", {}, words), plan(task),
    task.changed && h("p.facts.why", { title: changeOf(task) }, changeOf(task)),
    h("p.facts", {}, [task.agent, task.origin.bridge !== "http" && `on ${task.origin.bridge}`, `${task.used.turns} ${task.used.turns === 1 ? "turn" : "turns"}`, due(task), ago(task.updated_at)]
      .filter(Boolean).join(" · ")), subtasks(task));
}

// How much of its plan is done.
function plan(task) {
  const points = (task.plan ?? []).filter((point) => point.state !== "dropped");
  if (!points.length) return null;
  const done = points.filter((point) => point.state === "done").length;
  const meter = h("span.track", {}, h("i"));
  meter.firstChild.style.width = `${(done / points.length) * 100}%`;
  return h("p.planned", {}, `${done} of ${points.length} points done`, meter);
}

// What a task that rests waits for.
const SIGNALS = { message: () => "a word from you", tasks: (on) => (on.tasks.length === 1 ? "another task" : `${on.tasks.length} other tasks`),
  file: (on) => `the file ${on.path}`, url: (on) => `a change of ${on.url}` };

function rests(task) {
  const { verdict } = task;
  if (!isOpen(task) || !isDue(task)) return "";
  if (verdict?.type === "wait") return `Waits${verdict.on ? ` for ${SIGNALS[verdict.on.type](verdict.on)}` : ""} until ${when(verdict.until)}${verdict.why ? `: ${verdict.why}` : ""}`;
  if (task.schedule) return `Next run ${when(task.run_at ?? task.due_at)}`;
  return verdict?.type === "again" ? `Goes on ${when(task.due_at)}${verdict.why ? `: ${verdict.why}` : ""}` : `Begins ${when(task.due_at)}`;
}

const when = (at) => new Date(at).toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

// What was split off from a task and isn't over, beneath it.
function subtasks(task) {
  const below = [...tasks.values()].filter((other) => other.parent === task.id && isOpen(other)).sort((a, b) => a.number - b.number);
  return below.length > 0 && h("ul.below", {}, below.map((other) =>
    h("li", {}, chip(other), h(`span.state.${other.state}`, {}, STATES[other.state]))));
}

const due = (task) => isOpen(task) && (task.schedule ? `${task.schedule.words}, again ${ago(task.due_at)}` : task.due_at && ago(task.due_at));

// A verdict in a line.
export function said(verdict) {
  if (!verdict) return "";
  return { done: verdict.summary, again: verdict.why, wait: verdict.why, ask: verdict.question || verdict.why, blocked: verdict.missing }[verdict.type] ?? "";
}

async function more() {
  const page = await call("GET", `/v1/tasks${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ""}`);
  cursor = page.next;
  byId("older").hidden = !cursor;
  const below = page.items.some((task) => task.kind === "assignment" && isOpen(task)) ? await call("GET", "/v1/tasks?parent=any&limit=200") : { items: [] };
  for (const task of [...page.items, ...below.items]) tasks.set(task.id, task);
  paint();
}

byId("older").onclick = () => more().catch((problem) => toast(problem.message));
byId("found").addEventListener("submit", async (event) => {
  event.preventDefault();
  const goal = byId("goal");
  try {
    keepTask(await call("POST", "/v1/tasks", { text: goal.value.trim() }, newKey()));
    goal.value = "";
  } catch (problem) {
    toast(problem.message);
  }
});
const lookForLeaves = approvals(byId("leaves"));
onTasks(paint);
start({ load: () => more().then(lookForLeaves), approval: lookForLeaves, task: lookForLeaves, hello: (again) => again && lookForLeaves() });
