// Calls that wait for leave: what exactly would be done, and two buttons.
import { call, newKey } from "./api.js";
import { ago, announce, h, toast } from "./dom.js";
import { part } from "./receipts.js";
import { tasks } from "./shell.js";
import { mixed } from "./phrases.js";
import { t } from "./words.js";

// Keep a section up to date with what waits, of one task or of all; return how to have it look again.
export function approvals(section, task = null) {
  let shown = "";
  let timer = 0;

  async function look() {
    let items;
    try {
      items = (await call("GET", "/v1/approvals")).items;
    } catch (problem) {
      if (problem.status === 403 || problem.status === 404) items = []; // not this key's to decide
      else return;
    }
    items = items.filter((of) => (of.state ?? "asked") === "asked" && (task === null || idOf(of) === task()));
    const seen = items.map((of) => of.id).join();
    if (seen === shown) return;
    if (items.length > shown.split(",").filter(Boolean).length) announce(t("A call waits for your leave."));
    shown = seen;
    section.hidden = items.length === 0;
    section.replaceChildren(h("h2", {}, t("Waits for your leave")), h("ul.leaves", {}, items.map((of) => leave(of, look))));
  }

  return () => { clearTimeout(timer); timer = setTimeout(look, 150); };
}

const idOf = (of) => of.task?.id ?? of.task;

function leave(of, look) {
  const task = tasks.get(idOf(of)) ?? of.task;
  const act = (how, words, kind) => h(`button${kind}`, { type: "button", "aria-label": t("{act}: {what}", { act: words, what: of.tool }), onclick: (event) => decide(event.currentTarget.closest("li"), of, how, look) }, words);
  return h("li.leave", {},
    h("p", {}, task?.number ? mixed("{tool} for {task}", { tool: h("b", {}, of.tool), task: h("a.facts", { href: `/tasks/${task.id}` }, `#${task.number} ${task.title ?? ""}`) }) : h("b", {}, of.tool)),
    of.why && h("p", {}, of.why), part(t("With exactly this"), of.shown, true),
    h("p.facts", {}, t("No answer is a no: it’s forgotten {ago}.", { ago: ago(of.expires_at) })),
    h("div.acts", {}, act("approve", t("Approve"), ".primary"), act("deny", t("Deny"), "")));
}

async function decide(row, of, how, look) {
  for (const button of row.querySelectorAll("button")) button.disabled = true;
  try {
    await call("POST", `/v1/approvals/${encodeURIComponent(of.id)}/${how}`, undefined, newKey());
    announce(how === "approve" ? t("Approved.") : t("Denied."));
    row.remove();
  } catch (problem) {
    for (const button of row.querySelectorAll("button")) button.disabled = false;
    toast(problem.message);
  }
  look();
}
