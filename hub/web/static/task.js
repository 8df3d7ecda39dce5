// One task: its goal, what it may cost and has cost, its turns with their steps, its messages.
import { call, newKey } from "./api.js";
import { approvals } from "./approvals.js";
import { ago, byId, h, hue, time, toast } from "./dom.js";
import { dress, files, words } from "./message.js";
import { receipts, receiptsOf } from "./receipts.js";
import { STATES, isOpen, keepTask, start } from "./shell.js";

const id = decodeURIComponent(location.pathname.split("/")[2]);
const page = byId("task");
let led = false; // to what the address names behind the #
let task = null;
let turns = [];
let messages = [];
let done = [];
let parts = [];
let timeline = [];
let more = null; // what a task's page loads by and by
const leaves = h("section.waiting", { "aria-label": "Waits for your leave", hidden: true });
const lookForLeaves = approvals(leaves, () => task?.id);

async function load() {
  try {
    [task, turns, messages, done] = await Promise.all([
      call("GET", `/v1/tasks/${id}`), listing(`/v1/tasks/${id}/turns`), listing(`/v1/tasks/${id}/messages`), receiptsOf(id),
    ]);
  } catch (problem) {
    page.replaceChildren(h("h1", {}, "No such task"), h("p", {}, problem.message), h("a", { href: "/tasks" }, "All tasks"));
    return;
  }
  await lookForParts();
  if (!more) {
    const [{ timelineOf }, { history }, { changeOf }] = await Promise.all([import("./timeline.js"), import("./turns.js"), import("./changes.js")]);
    timeline = await timelineOf(id);
    more = { history, changeOf };
  }
  paint();
  timeline[1]();
  lookForLeaves();
}

const listing = async (path) => (await call("GET", path)).items;

function paint() {
  document.title = `#${task.number} ${task.title} · AgentHost`;
  const focused = document.activeElement?.dataset.act, typed = page.querySelector("[data-act=add-point]")?.value;
  page.className = `page ${hue(task)}`;
  page.replaceChildren(...[head(), leaves, goal(), ...parts, costs(), timeline[0], what(), more.history(turns, verdict), conversation()].filter(Boolean));
  if (location.hash && !led) led = !page.querySelector(location.hash)?.scrollIntoView();
  if (typed) page.querySelector("[data-act=add-point]").value = typed;
  if (focused) page.querySelector(`[data-act="${focused}"]`)?.focus();
}

function head() {
  const act = (name, words) => h("button", { type: "button", "data-act": name, onclick: () => ask(name) }, words);
  const open = isOpen(task);
  return h("header.head", {},
    h("p.crumbs", {}, h("a", { href: "/tasks" }, "Tasks"), " / ", `#${task.number}`),
    h("h1", {}, h("i.mark"), task.title),
    h("p.facts", {}, h(`span.state.${task.state}`, {}, STATES[task.state]), ` · ${task.agent} · begun ${ago(task.created_at)}${task.origin.bridge === "http" ? "" : ` on ${task.origin.bridge}`}`,
      task.due_at && open ? ` · due ${ago(task.due_at)}` : "", task.schedule ? h("span", { title: comes(task.schedule) }, ` · ${task.schedule.words}`) : ""),
    task.changed && h("p.why", {}, more.changeOf(task)),
    h("div.acts", {}, task.state === "working" && act("stop", "Stop"),
      (task.state === "input-required" || !open) && act("resume", "Resume"), open && act("cancel", "Cancel task")));
}

const comes = (schedule) => `${schedule.zone}. Next: ${schedule.next.map((at) => new Date(at).toLocaleString()).join(", ") || "none, it rests"}`;

async function ask(name) {
  try {
    task = await call("POST", `/v1/tasks/${task.id}/${name}`, undefined, newKey());
    keepTask(task);
    paint();
  } catch (problem) {
    toast(problem.message);
  }
}

// Only assignments have parts.
async function lookForParts() {
  if (task.kind === "assignment") parts = await (await import("./parts.js")).partsOf(task, replaced);
}

async function replaced(by) {
  task = by;
  keepTask(task);
  await lookForParts();
  paint();
}

function goal() {
  return h("section", { "aria-label": "Goal" }, h("h2", {}, "Goal"), h("p.goal", {}, task.goal), task.verdict && verdict(task.verdict));
}

const VERDICTS = { done: "Done", again: "Goes on", wait: "Waits", ask: "Asks you", blocked: "Blocked" };

function verdict(of) {
  const lines = [of.summary, of.question, of.missing, of.why].filter(Boolean);
  return h(`p.verdict.${of.type}`, {}, h("b", {}, `${VERDICTS[of.type] ?? of.type}: `), lines.join(" · "),
    of.until && ` (until ${new Date(of.until).toLocaleString()})`);
}

function costs() {
  const row = (name, used, limit) => {
    const meter = h("span.track", {}, h("i"));
    meter.firstChild.style.width = `${Math.min(100, limit ? (used / limit) * 100 : 0)}%`;
    const words = `${Number(used.toFixed(2)).toLocaleString()}${limit ? ` of ${limit.toLocaleString()}` : ""}`;
    return h("li", {}, h("span.name", {}, name), h("span.percent", {}, words), meter);
  };
  const { used, limits } = task;
  return h("section", { "aria-label": "Limits" }, h("h2", {}, "Used"), h("ul.bars", {},
    row("Turns", used.turns, limits.turns), row("Tokens", used.tokens, limits.tokens), row("Minutes", used.minutes, limits.minutes),
    (used.money > 0 || limits.money > 0) && row("Money", used.money, limits.money)));
}

function what() {
  if (!done.length) return null;
  return h("section", { "aria-label": "What it did", id: "receipts" }, h("h2", {}, "What it did"), receipts(done));
}

function conversation() {
  return h("section", { "aria-label": "Messages" }, h("h2", {}, "Messages"), h("ol.messages", {}, messages.map((message) => {
    const body = h("div.body");
    if (message.role === "user") body.append(h("p.goal", {}, words(message), files(message)));
    else body.innerHTML = message.html; // Sanitised by the hub.
    if (message.role !== "user" && message.parts.some((part) => part.type === "file")) body.append(files(message));
    dress(body);
    const who = message.role === "user" ? message.author || "You" : task.agent;
    const where = message.bridge === "http" ? "" : ` · ${message.bridge}`;
    return h(`li.line.${message.role}`, {}, h("p.facts", {}, who, where, " ", time(message.created_at)), body);
  })));
}

// Something of this task changed: read it again, once for all that came at the same time.
let timer = 0;
function changed(what) {
  if (!task || (what.task?.id ?? what.task ?? what.id) !== task.id) return;
  clearTimeout(timer);
  timer = setTimeout(load, 150);
}

start({ load, task: changed, turn: changed, message: changed, route: changed, reply: changed, notice: changed, approval: changed, hello: (again) => again && load() });
