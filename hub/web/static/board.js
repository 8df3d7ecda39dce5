// All tasks, by what they need.
import { call, newKey } from "./api.js";
import { approvals } from "./approvals.js";
import { changeOf } from "./changes.js";
import { ago, byId, chip, h, hue, toast } from "./dom.js";
import { STATES, isOpen, keepTask, onTasks, start, tasks } from "./shell.js";
import { n, t, when } from "./words.js";

const isDue = (task) => task.due_at && new Date(task.due_at) > new Date();
const ENDED = t("Ended early");
const COLUMNS = [
  [t("Needs you"), (task) => task.state === "input-required"],
  [t("Working"), (task) => task.state === "working" && !isDue(task)],
  [t("Waiting"), (task) => task.state === "submitted" || (task.state === "working" && isDue(task))],
  [t("Done"), (task) => task.state === "completed"],
  [ENDED, (task) => task.state === "failed" || task.state === "canceled"],
];
let cursor = null;

function paint() {
  const focused = document.activeElement?.closest(".ticket")?.dataset.id;
  const all = [...tasks.values()].filter((task) => !tasks.has(task.parent)).sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
  byId("board").replaceChildren(...COLUMNS.map(([name, isIn]) => {
    const found = all.filter(isIn);
    return h(`section.column-of`, { "aria-label": name, hidden: !found.length && name === ENDED },
      h("h2", {}, name, h("span.count", {}, String(found.length))),
      h("ul", {}, found.map(ticket)),
      !found.length && h("p.none", {}, t("Nothing here")));
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
    h("p.facts", {}, [task.agent, task.origin.bridge !== "http" && t("on {bridge}", { bridge: task.origin.bridge }), n("{n} turn", "{n} turns", task.used.turns), due(task), ago(task.updated_at)]
      .filter(Boolean).join(" · ")), subtasks(task));
}

// How much of its plan is done.
function plan(task) {
  const points = (task.plan ?? []).filter((point) => point.state !== "dropped");
  if (!points.length) return null;
  const done = points.filter((point) => point.state === "done").length;
  const meter = h("span.track", {}, h("i"));
  meter.firstChild.style.width = `${(done / points.length) * 100}%`;
  return h("p.planned", {}, n("{done} of {n} point done", "{done} of {n} points done", points.length, { done }), meter);
}

// What a task that rests waits for.
const SIGNALS = {
  message: (until) => t("Waits for a word from you until {until}", { until }),
  tasks: (until, on) => n("Waits for another task until {until}", "Waits for {n} other tasks until {until}", on.tasks.length, { until }),
  file: (until, on) => t("Waits for the file {path} until {until}", { path: on.path, until }),
  url: (until, on) => t("Waits for a change of {url} until {until}", { url: on.url, until }),
};
const because = (what, why) => (why ? t("{what}: {why}", { what, why }) : what);

function rests(task) {
  const { verdict } = task;
  if (!isOpen(task) || !isDue(task)) return "";
  if (verdict?.type === "wait") {
    const until = then(verdict.until);
    return because(verdict.on ? SIGNALS[verdict.on.type](until, verdict.on) : t("Waits until {until}", { until }), verdict.why);
  }
  if (task.schedule) return t("Next run {when}", { when: then(task.run_at ?? task.due_at) });
  return verdict?.type === "again" ? because(t("Goes on {when}", { when: then(task.due_at) }), verdict.why) : t("Begins {when}", { when: then(task.due_at) });
}

const then = (at) => when(at, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

// What was split off from a task and isn't over, beneath it.
function subtasks(task) {
  const below = [...tasks.values()].filter((other) => other.parent === task.id && isOpen(other)).sort((a, b) => a.number - b.number);
  return below.length > 0 && h("ul.below", {}, below.map((other) =>
    h("li", {}, chip(other), h(`span.state.${other.state}`, {}, STATES[other.state]))));
}

const due = (task) => isOpen(task) && (task.schedule ? t("{schedule}, again {ago}", { schedule: task.schedule.words, ago: ago(task.due_at) }) : task.due_at && ago(task.due_at));

// In a line's few words marks of Markdown only disturb.
const plain = (text) => text.replace(/(\*\*|__|\*|\x60)(?=\S)(.+?)(?<=\S)\1/g, "$2");

// A verdict in a line.
export function said(verdict) {
  if (!verdict) return "";
  return plain({ done: verdict.summary, again: verdict.why, wait: verdict.why, ask: verdict.question || verdict.why, blocked: verdict.missing }[verdict.type] ?? "");
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
