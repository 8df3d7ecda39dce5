// What happened to a task, as a list: the newest first, by kinds, with times and durations; whole as a file.
import { call } from "./api.js";
import { day, h, time, toast } from "./dom.js";

const KINDS = [
  ["Everything", []], ["Said", ["message"]], ["Turns", ["turn", "step"]], ["Tool calls", ["call", "leave"]],
  ["Verdicts", ["verdict", "check"]], ["Waits", ["wait", "leave"]], ["Changes", ["state", "run", "correction"]],
];
const NAMES = {
  state: "State", run: "Run", message: "Message", turn: "Turn", call: "Tool", step: "Model", check: "Check",
  verdict: "Verdict", wait: "Wait", leave: "Leave", correction: "Moved",
};
const PAGE = 50;
const MOST = 200;
const SHORT = 240;

// Return a task's section, once its style is there, and how to have it look again.
export async function timelineOf(id) {
  await new Promise((resolve) => document.head.append(h("link", { rel: "stylesheet", href: new URL("timeline.css", import.meta.url).href, onload: resolve, onerror: resolve })));
  const list = h("ol.timeline");
  const sums = h("p.facts.sums");
  const none = h("p.none", { hidden: true }, "Nothing of that kind.");
  const more = h("button.quiet", { type: "button", hidden: true, onclick: () => show(true) }, "Show earlier");
  const base = `/v1/tasks/${encodeURIComponent(id)}/timeline`;
  let kinds = [];
  let items = [];
  let cursor = null;

  const filter = h("div.kinds", { role: "group", "aria-label": "Show" }, KINDS.map(([name, wanted]) =>
    h("button", { type: "button", "aria-pressed": String(wanted === KINDS[0][1]), onclick: (event) => {
      kinds = wanted;
      items = [];
      for (const other of filter.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
      show(false);
    } }, name)));

  async function show(further) {
    const query = new URLSearchParams({ limit: further ? PAGE : Math.min(MOST, Math.max(PAGE, items.length)) });
    for (const kind of kinds) query.append("kind", kind);
    if (further && cursor) query.set("cursor", cursor);
    const asked = kinds;
    try {
      const page = await call("GET", `${base}?${query}`);
      if (asked !== kinds) return; // another kind was chosen meanwhile
      items = further ? [...items, ...page.items] : page.items;
      cursor = page.next;
      if (page.totals) sums.textContent = totals(page.totals);
    } catch (problem) {
      toast(problem.message);
      return;
    }
    const open = new Set([...list.querySelectorAll("details[open]")].map((each) => each.dataset.key));
    list.replaceChildren(...items.map((item, at) => moment(item, items[at - 1], open)));
    none.hidden = items.length > 0;
    more.hidden = !cursor;
  }

  const get = (format, words) => h("a", { href: `${base}?format=${format}`, download: "" }, words);
  const section = h("section", { "aria-label": "Timeline", id: "timeline" },
    h("h2", {}, "Timeline"), sums, filter, list, none, more,
    h("p.facts", {}, "Download all of it: ", get("csv", "CSV"), " · ", get("jsonl", "JSON lines")));
  return [section, () => show(false)];
}

function moment(item, before, open) {
  const newDay = !before || day(before.at) !== day(item.at);
  const facts = [item.by, item.leave, item.ms !== undefined && span(item.ms), tokens(item), item.until && `until ${clock(item)}`];
  const key = `${item.at} ${item.kind} ${item.what}`;
  return h(`li.of-${item.kind}${item.failed ? ".failed" : ""}`, { "data-day": newDay ? day(item.at) : undefined },
    h("p.line-of", {}, h("span.kind", {}, NAMES[item.kind]), h("b", {}, item.what), h("span.facts", {}, facts.filter(Boolean).join(" · ")), time(item.at)),
    item.request && folded("With", item.request, `${key} with`, open), item.detail && folded("", item.detail, key, open));
}

// A text as it is; if it's long, its beginning, and the rest when somebody unfolds it.
function folded(name, text, key, open) {
  const words = name ? `${name}: ${text}` : text;
  if (words.length <= SHORT) return h("p.detail", {}, words);
  return h("details", { open: open.has(key), "data-key": key }, h("summary", {}, `${words.slice(0, SHORT).trimEnd()}…`), h("p.detail", {}, words));
}

const clock = (item) => {
  const at = new Date(item.until);
  return day(item.until) === day(item.at) ? at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
};
const tokens = (item) => (item.tokens_in || item.tokens_out) && `${((item.tokens_in ?? 0) + (item.tokens_out ?? 0)).toLocaleString()} tokens`;

// 412 ms, 3.1 s, 12 min, 2 h 5 min.
export function span(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.round(ms / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  return [days && `${days} d`, hours && `${hours} h`, minutes % 60 && !days && `${minutes % 60} min`].filter(Boolean).join(" ");
}

function totals(of) {
  const minutes = (of) => span(of * 60_000);
  return [`${of.turns} ${of.turns === 1 ? "turn" : "turns"}`, `${of.tokens.toLocaleString()} tokens`, `${minutes(of.minutes_at_work)} at work`,
    `${minutes(of.minutes_waiting)} waiting`, of.minutes_for_person > 0 && `${minutes(of.minutes_for_person)} of it for you`,
    of.money > 0 && `${of.money.toFixed(2)} money`].filter(Boolean).join(" · ");
}
