// One task: its goal, what it may cost and has cost, its turns with their steps, its messages.
import { call, newKey } from "./api.js";
import { approvals } from "./approvals.js";
import { ago, byId, h, hue, toast } from "./dom.js";
import { receipts, receiptsOf } from "./receipts.js";
import { STATES, isOpen, keepTask, start } from "./shell.js";
import { number, t, when } from "./words.js";

const id = decodeURIComponent(location.pathname.split("/")[2]);
const page = byId("task");
const brand = document.title.split(" · ").at(-1);
let led = false; // to what the address names behind the #
let task = null;
let turns = [];
let messages = [];
let done = [];
let parts = [];
let timeline = [];
let more = null; // what a task's page loads by and by
const leaves = h("section.waiting", { "aria-label": t("Waits for your leave"), hidden: true });
const lookForLeaves = approvals(leaves, () => task?.id);

async function load() {
  try {
    [task, turns, messages, done] = await Promise.all([
      call("GET", `/v1/tasks/${id}`), listing(`/v1/tasks/${id}/turns`), listing(`/v1/tasks/${id}/messages`), receiptsOf(id),
    ]);
  } catch (problem) {
    page.replaceChildren(h("h1", {}, t("No such task")), h("p", {}, problem.message), h("a", { href: "/tasks" }, t("All tasks")));
    return;
  }
  await lookForParts();
  if (!more) {
    const [{ timelineOf }, { history }, { changeOf }, { conversation }] = await Promise.all([import("./timeline.js"), import("./turns.js"), import("./changes.js"), import("./conversation.js")]);
    timeline = await timelineOf(id);
    more = { history, changeOf, conversation };
  }
  paint();
  timeline[1]();
  lookForLeaves();
}

const listing = async (path) => (await call("GET", path)).items;

function paint() {
  document.title = `#${task.number} ${task.title} · ${brand}`;
  const focused = document.activeElement?.dataset.act, typed = page.querySelector("[data-act=add-point]")?.value;
  page.className = `page ${hue(task)}`;
  page.replaceChildren(...[head(), leaves, goal(), ...parts, costs(), timeline[0], what(), more.history(turns, verdict), more.conversation(task, messages)].filter(Boolean));
  if (location.hash && !led) led = !page.querySelector(location.hash)?.scrollIntoView();
  if (typed) page.querySelector("[data-act=add-point]").value = typed;
  if (focused) page.querySelector(`[data-act="${focused}"]`)?.focus();
}

function head() {
  const act = (name, words) => h("button", { type: "button", "data-act": name, onclick: () => ask(name) }, words);
  const open = isOpen(task);
  return h("header.head", {},
    h("p.crumbs", {}, h("a", { href: "/tasks" }, t("Tasks")), " / ", `#${task.number}`),
    h("h1", {}, h("i.mark"), task.title),
    h("p.facts", {}, h(`span.state.${task.state}`, {}, STATES[task.state]), ` · ${task.agent} · ${begun(task)}`,
      task.due_at && open ? ` · ${t("due {ago}", { ago: ago(task.due_at) })}` : "", task.schedule ? h("span", { title: comes(task.schedule) }, ` · ${task.schedule.words}`) : ""),
    task.changed && h("p.why", {}, more.changeOf(task)),
    h("div.acts", {}, task.state === "working" && act("stop", t("Stop")),
      (task.state === "input-required" || !open) && act("resume", t("Resume")), open && act("cancel", t("Cancel task"))));
}

const begun = ({ created_at, origin: { bridge } }) => (bridge === "http" ? t("begun {ago}", { ago: ago(created_at) }) : t("begun {ago} on {bridge}", { ago: ago(created_at), bridge }));
const comes = ({ zone, next }) => (next.length ? t("{zone}. Next: {times}", { zone, times: next.map((at) => when(at)).join(", ") }) : t("{zone}. Next: none, it rests", { zone }));

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
  return h("section", { "aria-label": t("Goal") }, h("h2", {}, t("Goal")), h("p.goal", {}, task.goal), task.verdict && verdict(task.verdict));
}

const VERDICTS = { done: t("Done"), again: t("Goes on"), wait: t("Waits"), ask: t("Asks you"), blocked: t("Blocked") };

function verdict(of) {
  const lines = [of.summary, of.question, of.missing, of.why].filter(Boolean);
  return h(`p.verdict.${of.type}`, {}, h("b", {}, t("{what}:", { what: VERDICTS[of.type] ?? of.type }), " "), lines.join(" · "),
    of.until && ` (${t("until {time}", { time: when(of.until) })})`);
}

const amount = (value) => number(value, Number.isInteger(value) ? 0 : 2);

function costs() {
  const row = (name, used, limit) => {
    const meter = h("span.track", {}, h("i"));
    meter.firstChild.style.width = `${Math.min(100, limit ? (used / limit) * 100 : 0)}%`;
    const words = limit ? t("{used} of {limit}", { used: amount(used), limit: amount(limit) }) : amount(used);
    return h("li", {}, h("span.name", {}, name), h("span.percent", {}, words), meter);
  };
  const { used, limits } = task;
  return h("section", { "aria-label": t("Limits") }, h("h2", {}, t("Used")), h("ul.bars", {},
    row(t("Turns"), used.turns, limits.turns), row(t("Tokens"), used.tokens, limits.tokens), row(t("Minutes"), used.minutes, limits.minutes),
    (used.money > 0 || limits.money > 0) && row(t("Money"), used.money, limits.money)));
}

function what() {
  if (!done.length) return null;
  return h("section", { "aria-label": t("What it did"), id: "receipts" }, h("h2", {}, t("What it did")), receipts(done));
}

// Something of this task changed: read it again, once for all that came at the same time.
let timer = 0;
function changed(what) {
  if (!task || (what.task?.id ?? what.task ?? what.id) !== task.id) return;
  clearTimeout(timer);
  timer = setTimeout(load, 150);
}

start({ load, task: changed, turn: changed, message: changed, route: changed, reply: changed, notice: changed, approval: changed, hello: (again) => again && load() });
