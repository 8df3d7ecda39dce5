// Usage: what was taken in some days, by day and by whom, and how the quotas stand.
import { call } from "./api.js";
import { ago, byId, h, size } from "./dom.js";
import { percent } from "./phrases.js";
import { draw, sample } from "./plot.js";
import { may, start } from "./shell.js";
import { locale, t } from "./words.js";

const DAY = 86_400_000;
const BARS = 62; // So many days have a bar each; of more, each week has.
const MOST = 8;
const whole = (value) => Math.round(value).toLocaleString(locale);
const money = (value) => value.toLocaleString(locale, { minimumFractionDigits: value ? 2 : 0, maximumFractionDigits: value && value < 1 ? 4 : 2 });
const brief = (value) => value.toLocaleString(locale, { notation: "compact", maximumFractionDigits: 1 });

// What's counted: its name, how it's said, and which of the API's numbers make it up.
const KINDS = {
  messages: { name: t("Messages"), say: whole, short: brief, of: ["messages"], names: [""] },
  tokens: { name: t("Tokens"), say: whole, short: brief, of: ["tokens_in", "tokens_out"], names: [t("Read by models"), t("Written by models")] },
  money: { name: t("Money"), say: money, short: brief, of: ["money"], names: [""], parts: true },
  turns: { name: t("Turns"), say: whole, short: brief, of: ["turns"], names: [""] },
  bytes: { name: t("Files sent"), say: size, short: size, of: ["bytes"], names: [""] },
};
const GROUPS = { agent: t("Agent"), person: t("Person"), key: t("Key") };
const QUOTAS = {
  messages: { name: t("Messages today"), say: whole },
  tokens: { name: t("Tokens today"), say: whole },
  money: { name: t("Money this month"), say: money },
  storage_mb: { name: t("Files kept"), say: (mb) => t("{n} MB", { n: mb.toLocaleString(locale, { maximumFractionDigits: 1 }) }) },
};

const wish = { kind: "messages", by: "agent", span: "month", from: "", to: "", tenant: "", person: "", name: "" };
let me = null;
let readsAll = false;
let found = null; // what was taken, by day
let asked = 0;

const utc = (at) => new Date(at).toISOString().slice(0, 10);
const path = (what) => (wish.tenant && wish.tenant !== me.tenant ? `/v1/tenants/${encodeURIComponent(wish.tenant)}/${what}` : `/v1/${what}`);
const isForeign = () => Boolean(wish.tenant) && wish.tenant !== me.tenant;
const much = (row, kind = wish.kind) => KINDS[kind].of.reduce((sum, name) => sum + row[name], 0);

function days() {
  const now = new Date();
  const today = utc(now);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  if (wish.span === "month") return [utc(Date.UTC(year, month, 1)), today];
  if (wish.span === "last") return [utc(Date.UTC(year, month - 1, 1)), utc(Date.UTC(year, month, 0))];
  if (wish.span === "own" && wish.from && wish.to) return [wish.from, wish.to];
  return [utc(now - ((Number(wish.span) || 30) - 1) * DAY), today];
}

function query(more) {
  const [from, to] = days();
  const person = wish.person && !isForeign() ? { person: wish.person } : {};
  return new URLSearchParams({ from, to, ...person, ...more });
}

// --- asking

async function load() {
  me = await call("GET", "/v1/whoami");
  readsAll = await may("usage:read");
  read();
  byId("whose").textContent = readsAll ? "" : t("What you took yourself.");
  if (me.tenant === "home" && me.scopes.includes("admin")) await loadTenants();
  byId("by").append(...Object.entries(GROUPS).map(([by, words]) =>
    h("button", { type: "button", value: by, onclick: () => choose({ by }) }, words)));
  await show();
}

async function loadTenants() {
  const tenants = [];
  for (let cursor = ""; cursor !== null;) {
    const page = await call("GET", `/v1/tenants?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    tenants.push(...page.items);
    cursor = page.next;
  }
  byId("tenant").append(...tenants.map((tenant) =>
    h("option", { value: tenant.id }, tenant.id === me.tenant ? t("This hub’s own people") : tenant.name)));
  byId("tenant").value = wish.tenant || me.tenant;
  byId("of-whom").hidden = tenants.length < 2;
}

async function show() {
  const mine = ++asked;
  write();
  controls();
  try {
    const rows = [];
    let page = null;
    for (let cursor = ""; cursor !== null; cursor = page.next) {
      page = await call("GET", `${path("usage")}?${query({ by: "day", limit: 200, ...(cursor && { cursor }) })}`);
      rows.push(...page.items);
    }
    const ranked = await call("GET", `${path("usage")}?${query({ by: wish.by, most: wish.kind, limit: MOST })}`);
    const shares = readsAll ? (await call("GET", path("quotas"))).items : [];
    if (mine !== asked) return; // Something else was wished for meanwhile.
    found = { ...page, items: rows };
    byId("fault").hidden = true;
    paint();
    paintRanks(ranked);
    paintShares(shares);
  } catch (problem) {
    if (mine !== asked) return;
    byId("fault").textContent = problem.message;
    byId("fault").hidden = false;
  }
}

function choose(changes) {
  Object.assign(wish, changes);
  return show();
}

// What's looked at stands in the address, to be kept or handed on.
function read() {
  for (const [name, value] of new URLSearchParams(location.search)) if (name in wish) wish[name] = value;
  if (!(wish.kind in KINDS)) wish.kind = "messages";
  if (!(wish.by in GROUPS)) wish.by = "agent";
}

function write() {
  const usual = { kind: "messages", by: "agent", span: "month" };
  const told = Object.entries(wish).filter(([name, value]) => value && value !== usual[name]);
  history.replaceState(null, "", `${location.pathname}${told.length ? `?${new URLSearchParams(told)}` : ""}`);
}

// --- painting

function controls() {
  const [from, to] = days();
  byId("span").disabled = false; // Chosen before anybody listens, it would be forgotten.
  byId("span").value = wish.span;
  byId("own").hidden = wish.span !== "own";
  byId("from").value = from;
  byId("to").value = to;
  for (const button of byId("by").children) {
    button.ariaPressed = String(button.value === wish.by);
    button.hidden = isForeign() && button.value !== "agent"; // Who another tenant's people are is theirs to know.
  }
  byId("chosen").hidden = !wish.person || isForeign();
  byId("chosen").replaceChildren(t("Only {name}", { name: wish.name || wish.person }),
    h("button.quiet", { type: "button", onclick: () => choose({ person: "", name: "" }) }, t("Show everybody")));
  byId("csv").href = `${path("usage")}?${query({ by: "day", format: "csv" })}`;
}

function paint() {
  byId("tiles").replaceChildren(...Object.entries(KINDS).map(([kind, { name, say }]) =>
    h("button.tile", { type: "button", value: kind, ariaPressed: String(kind === wish.kind), onclick: () => choose({ kind }).then(() => byId("tiles").querySelector(`[value=${kind}]`).focus()) },
      h("span.facts", {}, name), h("b", {}, say(much(found.total, kind))))));
  const { name, names } = KINDS[wish.kind];
  const bars = barsOf();
  byId("plot-title").textContent = bars.weekly ? t("{what} by week", { what: name }) : t("{what} by day", { what: name });
  byId("legend").hidden = names.length < 2;
  byId("legend").replaceChildren(...(names.length < 2 ? [] : names.map((words, at) => h("span", {}, sample(at + 1), words))));
  plot(bars);
  table(bars);
}

const label = (day, form) => new Date(`${day}T12:00:00Z`).toLocaleDateString(locale, { timeZone: "UTC", ...form });

// A bar for each day, those without anything too; or for each week, where there are many.
function barsOf() {
  const [from, to] = [Date.parse(found.from), Date.parse(found.to)];
  const weekly = (to - from) / DAY >= BARS;
  const known = new Map(found.items.map((row) => [row.day, row]));
  const bars = [];
  for (let at = from; at <= to; at += DAY) {
    const row = known.get(utc(at));
    const values = KINDS[wish.kind].of.map((each) => row?.[each] ?? 0);
    if (weekly && bars.length && (at - from) % (7 * DAY) !== 0) {
      const last = bars.at(-1);
      last.values = last.values.map((value, number) => value + values[number]);
    } else {
      const words = label(utc(at), { weekday: weekly ? undefined : "short", day: "numeric", month: "long", year: "numeric" });
      bars.push({ name: label(utc(at), { day: "numeric", month: "short" }), words: weekly ? t("Week from {day}", { day: words }) : words, values });
    }
  }
  return Object.assign(bars, { weekly });
}

function plot(bars) {
  const { name, say, short, names, parts } = KINDS[wish.kind];
  const sum = much(found.total);
  if (!sum) {
    byId("plot").replaceChildren(h("p.plot-none", {}, t("None in these days.")));
    return;
  }
  const best = bars.reduce((most, bar) => (bar.values.reduce((a, b) => a + b) > most.values.reduce((a, b) => a + b) ? bar : most));
  const about = t("{sum} from {from} to {to}; most of it on {day}: {most}. The same stands below as a table.", {
    sum: say(sum), from: label(found.from, { dateStyle: "medium" }), to: label(found.to, { dateStyle: "medium" }),
    day: best.words, most: say(best.values.reduce((a, b) => a + b)),
  });
  draw(byId("plot"), { bars, series: names, say, short, title: name, about, whole: !parts });
}

function table(bars) {
  const { name, say, names } = KINDS[wish.kind];
  const heads = names.length > 1 ? names : [name];
  byId("table").replaceChildren(h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, bars.weekly ? t("Week") : t("Day")), heads.map((words) => h("th", { scope: "col" }, words)))),
    h("tbody", {}, bars.map((bar) => h("tr", {}, h("td", {}, bar.words), bar.values.map((value) => h("td", {}, say(value))))))));
}

const NOBODY = { agent: t("Before an agent had it"), key: t("By chat platforms, or due by a schedule"), person: "" };

function nameOf(row) {
  const id = row[wish.by];
  if (wish.by === "agent") return id || NOBODY.agent;
  if (row.name) return row.name;
  if (wish.by === "person") return id === me.person.id ? me.person.name : t("Somebody who’s gone");
  return id ? t("In the browser, or by a key that’s gone") : NOBODY.key;
}

function paintRanks(ranked) {
  const rows = new Map(); // What has the same name is one: a person's sessions are many.
  for (const row of ranked.items) {
    const name = nameOf(row);
    if (much(row)) rows.set(name, { row, value: (rows.get(name)?.value ?? 0) + much(row) });
  }
  const shown = [...rows].sort(([, a], [, b]) => b.value - a.value);
  const others = much(ranked.total) - shown.reduce((sum, [, { value }]) => sum + value, 0);
  const most = shown[0]?.[1].value ?? 1;
  const { say } = KINDS[wish.kind];
  byId("ranks").replaceChildren(...shown.map(([name, { row, value }]) => rank(row, name, value, value / most)),
    ...(others > 1e-6 && shown.length ? [h("li", {}, h("span.name.facts", {}, t("All others")), h("span.much.facts", {}, say(others)))] : []));
  byId("no-ranks").hidden = shown.length > 0;
}

function rank(row, name, value, part) {
  const opens = wish.by === "person" && readsAll && !wish.person;
  const bar = h("i");
  bar.style.width = `${Math.max(1, part * 100)}%`;
  return h("li", {},
    opens ? h("button.name", { type: "button", title: t("Show only {name}", { name }), onclick: () => choose({ person: row.person, name }) }, name) : h("span.name", { title: name }, name),
    h("span.much", {}, KINDS[wish.kind].say(value)), h("div.track", { "aria-hidden": "true" }, bar));
}

// --- quotas

function paintShares(shares) {
  byId("quotas").hidden = !shares.length;
  byId("shares").replaceChildren(...shares.map(({ quota, limit, used, renews_at }) => {
    const { name, say } = QUOTAS[quota];
    if (limit === null) return h("li", {}, h("span", {}, name), h("span.much", {}, say(used)), h("span.facts", {}, t("No quota")));
    const part = limit ? used / limit : 1;
    const bar = h("i");
    bar.style.width = `${Math.min(100, part * 100)}%`;
    const words = part >= 1 ? t("used up") : t("{share} used", { share: percent(Math.floor(part * 100) / 100) });
    const anew = renews_at ? t("begins anew {when}, on {day} at 00:00 UTC", { when: ago(renews_at), day: label(renews_at.slice(0, 10), { day: "numeric", month: "long" }) }) : t("counts until files are deleted");
    return h(`li${part >= 1 ? ".gone" : part >= 0.8 ? ".near" : ""}`, {},
      h("span", {}, name), h("span.much", {}, t("{used} of {limit}", { used: say(used), limit: say(limit) })),
      h("div.track", { role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": limit, "aria-valuenow": Math.min(used, limit), "aria-valuetext": words }, bar),
      h("span.facts", {}, [words, anew].join(" · ")));
  }));
}

// --- the form

byId("which").onchange = (event) => {
  const { name, value } = event.target;
  if (name === "span" && value === "own") {
    const [from, to] = days();
    return choose({ span: value, from, to });
  }
  if (name === "tenant") return choose({ tenant: value === me.tenant ? "" : value, person: "", name: "", by: "agent" });
  return choose({ [name]: value });
};
byId("which").onsubmit = (event) => event.preventDefault();

let drawing = 0;
new ResizeObserver(() => {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => found && plot(barsOf()));
}).observe(byId("plot"));
start({ load });
