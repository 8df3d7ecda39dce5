// What was done: each call of a tool with what went in, what came out, and who gave leave.
import { call } from "./api.js";
import { float, h, time } from "./dom.js";

const EFFECTS = {
  none: "changes nothing", idempotent: "changes something", keyed: "changes something, once for each call",
  once: "can’t be taken back",
};
const DECISIONS = { approved: "Leave was given", denied: "Leave was refused" };
const SHORT = 600;

// Return the receipts of a task, the newest turn's first.
export const receiptsOf = async (task) => (await call("GET", `/v1/tasks/${encodeURIComponent(task)}/receipts`)).items;

export function receipts(items) {
  return h("ol.receipts", {}, items.map(receipt));
}

function receipt(of) {
  const { leave } = of;
  return h(of.failed ? "li.failed" : "li", {},
    h("p.line-of", {}, h("b", {}, of.tool), of.failed && h("span.fault", {}, of.unsure ? "nobody knows whether it worked" : "failed"),
      h("span.facts", {}, [of.package && `from ${of.package}`, of.effect && EFFECTS[of.effect], span(of.ms)].filter(Boolean).join(" · ")), time(of.at)),
    leave && h("p.facts", {}, leaveOf(leave)),
    part("With", of.arguments), part("Result", of.result));
}

// Who gave leave, or answered, and to what.
function leaveOf(leave) {
  const by = leave.by ? ` by ${leave.by}` : "";
  if (leave.kind === "answer") return `Asked: ${leave.why} Answered${by}: ${leave.decision}`;
  const decision = DECISIONS[leave.decision];
  return decision ? `${decision}${by}. Asked because: ${leave.why}` : `Leave was asked (${leave.why}), but ${leave.decision}`;
}

const span = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

// A text in which every character is seen: what's invisible, or turns the order around, stands as its number.
const plain = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => (one === "\n" || one === "\t" ? one : `\\u{${one.codePointAt(0).toString(16)}}`));

// A text under its name; if it's long, clipped until somebody wants more of it.
export function part(name, text, whole = false) {
  if (!text) return null;
  const shown = plain(text);
  const long = !whole && shown.length > SHORT;
  const pre = h(whole ? "pre.whole" : "pre", { tabIndex: 0, "aria-label": name }, long ? `${shown.slice(0, SHORT)}…` : shown);
  const more = h("button.quiet", { type: "button", onclick: () => { pre.textContent = shown; more.remove(); pre.focus(); } }, "More");
  return h("div.part", {}, h("span.facts", {}, name), pre, long && more);
}

let dressed = null; // once the style is there: the chat has no need of it before

// Show the calls of one turn beside a button.
export async function explain(button, task, turn) {
  dressed ??= new Promise((resolve) => document.head.append(h("link", { rel: "stylesheet", href: new URL("receipts.css", import.meta.url).href, onload: resolve, onerror: resolve })));
  await dressed;
  const items = (await receiptsOf(task.id)).filter((of) => of.turn === turn);
  const box = h("div.panel.wide", { role: "dialog", "aria-label": "What was done", tabIndex: -1 },
    h("p.title", {}, "What was done"), receipts(items),
    h("p", {}, h("a", { href: `/tasks/${task.id}#receipts` }, "All of this task")));
  float(button, box);
  box.focus();
}
