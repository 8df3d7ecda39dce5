// What was done: each call of a tool with what went in, what came out, and who gave leave.
import { call } from "./api.js";
import { h, time } from "./dom.js";
import { float } from "./floating.js";
import { span } from "./phrases.js";
import { t } from "./words.js";

const EFFECTS = {
  none: t("changes nothing"), idempotent: t("changes something"), keyed: t("changes something, once for each call"),
  once: t("can’t be taken back"),
};
const SHORT = 600;

// Return the receipts of a task, the newest turn's first.
export const receiptsOf = async (task) => (await call("GET", `/v1/tasks/${encodeURIComponent(task)}/receipts`)).items;

export function receipts(items) {
  return h("ol.receipts", {}, items.map(receipt));
}

function receipt(of) {
  const { leave } = of;
  return h(of.failed ? "li.failed" : "li", {},
    h("p.line-of", {}, h("b", {}, of.tool), of.failed && h("span.fault", {}, of.unsure ? t("nobody knows whether it worked") : t("failed")),
      h("span.facts", {}, [of.package && t("from {package}", of), of.effect && EFFECTS[of.effect], span(of.ms)].filter(Boolean).join(" · ")), time(of.at)),
    leave && h("p.facts", {}, leaveOf(leave)),
    part(t("With"), of.arguments), part(t("Result"), of.result));
}

const UNDECIDED = { asked: t("nobody has answered yet"), expired: t("nobody answered in time") };

// Who gave leave, or answered, and to what.
function leaveOf(leave) {
  if (leave.kind === "answer") return leave.by ? t("Asked: {why} Answered by {by}: {decision}", leave) : t("Asked: {why} Answered: {decision}", leave);
  const { decision } = leave;
  if (decision === "approved") return leave.by ? t("Leave was given by {by}. Asked because: {why}", leave) : t("Leave was given. Asked because: {why}", leave);
  if (decision === "denied") return leave.by ? t("Leave was refused by {by}. Asked because: {why}", leave) : t("Leave was refused. Asked because: {why}", leave);
  return t("Leave was asked ({why}), but {decision}", { ...leave, decision: UNDECIDED[decision] ?? decision });
}

// A text in which every character is seen: what's invisible, or turns the order around, stands as its number.
const plain = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => (one === "\n" || one === "\t" ? one : `\\u{${one.codePointAt(0).toString(16)}}`));

// A text under its name; if it's long, clipped until somebody wants more of it.
export function part(name, text, whole = false) {
  if (!text) return null;
  const shown = plain(text);
  const long = !whole && shown.length > SHORT;
  const pre = h(whole ? "pre.whole" : "pre", { tabIndex: 0, "aria-label": name }, long ? `${shown.slice(0, SHORT)}…` : shown);
  const more = h("button.quiet", { type: "button", onclick: () => { pre.textContent = shown; more.remove(); pre.focus(); } }, t("More"));
  return h("div.part", {}, h("span.facts", {}, name), pre, long && more);
}

let dressed = null; // once the style is there: the chat has no need of it before

// Show the calls of one turn beside a button.
export async function explain(button, task, turn) {
  dressed ??= new Promise((resolve) => document.head.append(h("link", { rel: "stylesheet", href: new URL("receipts.css", import.meta.url).href, onload: resolve, onerror: resolve })));
  await dressed;
  const items = (await receiptsOf(task.id)).filter((of) => of.turn === turn);
  const box = h("div.panel.wide", { role: "dialog", "aria-label": t("What was done"), tabIndex: -1 },
    h("p.title", {}, t("What was done")), receipts(items),
    h("p", {}, h("a", { href: `/tasks/${task.id}#receipts` }, t("All of this task"))));
  float(button, box);
  box.focus();
}
