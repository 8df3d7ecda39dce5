// What happened to a task, as a list: the newest first, by kinds, with times and durations; whole as a file.
import { call } from "./api.js";
import { day, h, time, toast } from "./dom.js";
import { STATES } from "./shell.js";
import { STANDINGS } from "./names.js";
import { mixed, span } from "./phrases.js";
import { clock as hour, n, number, t, when } from "./words.js";

const KINDS = [
  [t("Everything"), []], [t("Said"), ["message"]], [t("Turns"), ["turn", "step"]], [t("Tool calls"), ["call", "leave"]],
  [t("Verdicts"), ["verdict", "check"]], [t("Waits"), ["wait", "leave"]], [t("Changes"), ["state", "run", "correction"]],
];
const NAMES = {
  state: t("State"), run: t("Run"), message: t("Message"), turn: t("Turn"), call: t("Tool"), step: t("Model"), check: t("Check"),
  verdict: t("Verdict"), wait: t("Wait"), leave: t("Leave"), correction: t("Moved"),
};
const ACTORS = { agent: t("the agent"), supervisor: t("the supervisor"), schedule: t("the schedule"), hub: t("the hub"), person: t("the person") };
const PAGE = 50;
const MOST = 200;
const SHORT = 240;

// Return a task's section, once its style is there, and how to have it look again.
export async function timelineOf(id) {
  await new Promise((resolve) => document.head.append(h("link", { rel: "stylesheet", href: new URL("timeline.css", import.meta.url).href, onload: resolve, onerror: resolve })));
  const list = h("ol.timeline");
  const sums = h("p.facts.sums");
  const none = h("p.none", { hidden: true }, t("Nothing of that kind."));
  const more = h("button.quiet", { type: "button", hidden: true, onclick: () => show(true) }, t("Show earlier"));
  const base = `/v1/tasks/${encodeURIComponent(id)}/timeline`;
  let kinds = [];
  let items = [];
  let cursor = null;

  const filter = h("div.kinds", { role: "group", "aria-label": t("Show") }, KINDS.map(([name, wanted]) =>
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
  const section = h("section", { "aria-label": t("Timeline"), id: "timeline" },
    h("h2", {}, t("Timeline")), sums, filter, list, none, more,
    h("p.facts", {}, mixed("Download all of it: {csv} · {jsonl}", { csv: get("csv", "CSV"), jsonl: get("jsonl", t("JSON lines")) })));
  return [section, () => show(false)];
}

function moment(item, before, open) {
  const newDay = !before || day(before.at) !== day(item.at);
  const facts = [ACTORS[item.by] ?? item.by, item.leave, item.ms !== undefined && span(item.ms), tokens(item), item.until && t("until {time}", { time: clock(item) })];
  const key = `${item.at} ${item.kind} ${item.what}`;
  return h(`li.of-${item.kind}${item.failed ? ".failed" : ""}`, { "data-day": newDay ? day(item.at) : undefined },
    h("p.line-of", {}, h("span.kind", {}, NAMES[item.kind]), h("b", {}, said(item.what)), h("span.facts", {}, facts.filter(Boolean).join(" · ")), time(item.at)),
    item.request && folded(t("With"), item.request, `${key} with`, open), item.detail && folded("", item.detail, key, open));
}

// A text as it is; if it's long, its beginning, and the rest when somebody unfolds it.
function folded(name, text, key, open) {
  const words = name ? t("{what}: {why}", { what: name, why: text }) : text;
  if (words.length <= SHORT) return h("p.detail", {}, words);
  return h("details", { open: open.has(key), "data-key": key }, h("summary", {}, `${words.slice(0, SHORT).trimEnd()}…`), h("p.detail", {}, words));
}

const clock = (item) => {
  return day(item.until) === day(item.at) ? hour(item.until) : when(item.until, { dateStyle: "medium", timeStyle: "short" });
};
const tokens = (item) => (item.tokens_in || item.tokens_out) && n("{n} token", "{n} tokens", (item.tokens_in ?? 0) + (item.tokens_out ?? 0));

// What the hub says of a moment, in the page's language where it's of a few fixed kinds; a tool's name stays as it is.
const FIXED = [
  [/^(\S+) → (\S+)$/, (before, after) => `${STATES[before] ?? before} → ${STATES[after] ?? after}`],
  [/^founded: (\S+)$/, (state) => t("founded: {state}", { state: STATES[state] ?? state })],
  [/^said on (\S+)$/, (bridge) => t("said on {bridge}", { bridge })],
  [/^answered on (\S+)$/, (bridge) => t("answered on {bridge}", { bridge })],
  [/^told on (\S+)$/, (bridge) => t("told on {bridge}", { bridge })],
  [/^turn (\d+): (\w+)$/, (number, state) => t("turn {number}: {state}", { number, state: STANDINGS[state] ?? state })],
  [/^(Done|Again|Wait|Ask|Blocked)$/, (name) => VERDICTS[name]],
  [/^for its person$/, () => t("for its person")],
  [/^until a time$/, () => t("until a time")],
  [/^until the next turn$/, () => t("until the next turn")],
];
const VERDICTS = { Done: t("Done"), Again: t("Again"), Wait: t("Wait"), Ask: t("Ask"), Blocked: t("Blocked") };

function said(what) {
  for (const [shape, words] of FIXED) {
    const found = shape.exec(what);
    if (found) return words(...found.slice(1));
  }
  return what;
}

function totals(of) {
  const minutes = (of) => span(of * 60_000);
  return [n("{n} turn", "{n} turns", of.turns), n("{n} token", "{n} tokens", of.tokens), t("{time} at work", { time: minutes(of.minutes_at_work) }),
    t("{time} waiting", { time: minutes(of.minutes_waiting) }), of.minutes_for_person > 0 && t("{time} of it for you", { time: minutes(of.minutes_for_person) }),
    of.money > 0 && t("{money} money", { money: number(of.money, 2) })].filter(Boolean).join(" · ");
}
