// Where each message went and why, and how often the router was right as far as corrections tell.
import { call } from "./api.js";
import { ago, announce, byId, chip, h, hue, menu, toast } from "./dom.js";
import { percent } from "./phrases.js";
import { course, reliability } from "./plots.js";
import { likelyTasks, may, start } from "./shell.js";
import { n, number, t, when } from "./words.js";

const RULES = {
  explicit: () => t("told outright"), reply: () => t("by a reply"), thread: () => t("by its thread"), first: () => t("no other open task"),
  errand: () => t("one tool and nothing else"), model: () => t("weighed by the model"), asked: () => t("asked"), corrected: () => t("moved"),
  fallback: () => t("by a plain rule: no model"), command: () => t("a command"),
};
let of = "me";
let only = "all";
let cursor = null;

// --- how often it was right

function measured(found) {
  const { decided, guessed, asked, live } = found;
  if (!decided.n && !guessed.n) {
    return [h("p", {}, t("There’s nothing to measure yet: no message had more than one task that it could be about."))];
  }
  return [
    h("div.headline", {},
      h("span.figure", { id: "right" }, decided.n ? percent(decided.share, decided.n >= 100 ? 1 : 0) : "–"),
      h("p", {}, h("b", {}, n("right at most, of {n} message it decided about by itself", "right at most, of {n} messages it decided about by itself", decided.n)),
        h("span.facts", {}, " ", decided.n > 0 && t("95% interval {low} to {high}; {moved} put right by people.", { low: percent(decided.low, 1), high: percent(decided.high, 1), moved: live.moved })))),
    h("dl.tiles", {},
      tile(t("Asked instead of guessing"), asked.n ? percent(asked.share, 1) : "–", n("{right} of {n} message", "{right} of {n} messages", asked.n, { right: asked.right })),
      tile(t("Best guess when it asked"), guessed.n ? percent(guessed.share) : "–", guessed.n ? t("right in {right} of {n}, as people answered", guessed) : t("nobody was asked")),
      tile(t("Calibration error"), found.calibration_error === null ? "–" : percent(found.calibration_error, 1), t("between what it says and what comes true")),
      tile(t("Cost of a message"), t("{n} tokens", { n: number(found.tokens) }), t("and {ms} ms, in the middle", { ms: number(found.ms) }))),
    h("div.plots", {}, weeks(found), bins(found)), honest(found)];
}

const tile = (name, figure, words) => h("div", {}, h("dt", {}, name), h("dd", {}, figure, h("small", {}, words)));

const dayOf = (monday) => when(`${monday}T12:00:00Z`, { day: "numeric", month: "short" });

function weeks(found) {
  const points = found.weeks.map((week) => ({ name: dayOf(week.monday), ...week.decided }));
  const last = points.findLast((point) => point.share !== null);
  const label = last ? t("Share of messages that stayed where they were put, by week; in the last one {share} of {n}", { share: percent(last.share), n: last.n }) : t("Nothing was decided in these weeks");
  return h("figure", {}, h("figcaption", {}, t("Right, week by week")), course(points, label));
}

function bins(found) {
  const shown = found.bins.map((bin) => ({ said: bin.said, ...bin.decided }));
  const label = t("How often messages were right, by the probability it gave; {n} groups", { n: shown.length });
  return h("figure", {}, h("figcaption", {}, t("What it says against what comes true")), reliability(shown, label, t("probability it gave"), t("right")));
}

function honest(found) {
  const head = (...names) => h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)));
  const rows = found.weeks.map((week) => h("tr", {}, h("td", {}, dayOf(week.monday)), h("td", {}, String(week.decided.n)),
    h("td", {}, week.decided.n ? `${percent(week.decided.share)} (${percent(week.decided.low)}–${percent(week.decided.high)})` : "–"), h("td", {}, String(week.asked))));
  const groups = found.bins.map((bin) => h("tr", {}, h("td", {}, `${percent(bin.low)}–${percent(bin.high)}`), h("td", {}, String(bin.decided.n)), h("td", {}, percent(bin.decided.share)), h("td", {}, String(bin.proven))));
  return h("details.honest", {},
    h("summary", {}, t("What these figures tell, and what they can’t")),
    h("p", {}, t("A message that nobody moved counts as right, though nobody has said so: the share is the most that can be true. Somebody who doesn’t notice, or doesn’t mind, corrects nothing.")),
    h("p", {}, t("Where it asked, the person’s answer is known, and so whether its best guess was right; these are the hard ones, so that share is lower than it would be of all.")),
    h("p", {}, t("Counted are the newest {most} messages since {since}, of which {n} had a route.", { most: number(found.most), since: dayOf(found.since), n: found.messages }),
      " ", t("On the command line, agenthost eval routing --history counts the same over all that’s kept, and asks today’s router again.")),
    rows.length > 0 && h("div.table", { tabIndex: 0, role: "group", "aria-label": t("By week") }, h("table", {}, h("thead", {}, head(t("Week of"), t("Decided"), t("Right"), t("Asked"))), h("tbody", {}, rows))),
    groups.length > 0 && h("div.table", { tabIndex: 0, role: "group", "aria-label": t("By probability") }, h("table", {}, h("thead", {}, head(t("It gave"), t("Messages"), t("Right"), t("Known for certain"))), h("tbody", {}, groups))));
}

let measuredAt = 0;
async function measure() {
  measuredAt = Date.now();
  const open = document.querySelector(".honest")?.open;
  byId("measured").replaceChildren(...measured(await call("GET", `/v1/routes/figures?of=${of}`)));
  byId("measured").hidden = false;
  if (open) document.querySelector(".honest").open = true;
}

// --- the messages

function routed(one) {
  const share = one.asked && one.guess ? one.guess.probability : one.probability;
  const weighed = one.guess !== null;
  const track = h("span.track", {}, h("i"));
  track.firstChild.style.width = `${Math.max(1, share * 100)}%`;
  const facts = [of === "tenant" && one.person.name, RULES[one.rule]?.() ?? one.rule, one.tokens > 0 && n("{n} token", "{n} tokens", one.tokens), one.ms >= 1 && t("{n} ms", { n: Math.round(one.ms) }),
    one.bridge !== "http" && one.bridge, ago(one.created_at)];
  const item = h(`li.${hue(one.task)}`, {},
    h(one.text === null ? "p.text.none" : "p.text", {}, one.text ?? t("Somebody else’s words")),
    h("div.to", {}, one.task ? place(one.task) : h("span.none", {}, t("not routed yet")), weighed && h("span.percent", {}, percent(share)), weighed && track),
    weighed && one.runner_up && h("p.next", {}, t("Next: {title}, {percent}.", { title: titleOf(one.runner_up), percent: percent(one.runner_up.probability) }), one.reason && ` ${one.reason}`),
    tags(one),
    h("div.foot-of", {}, h("p.facts", {}, facts.filter(Boolean).join(" · ")), one.movable && (one.task || one.state === "asking") && wrong(one)));
  item.dataset.id = one.message;
  return item;
}

const place = (task) => (task.title ? chip(task) : h("span", {}, t("Task {number}", { number: task.number })));
const titleOf = (found) => (found.task === null ? t("a new task") : found.title || t("task {number}", { number: found.number ?? "?" }));

function tags(one) {
  const found = [];
  if (one.corrected) {
    const from = one.corrected.wrong ? `#${one.corrected.wrong.number} ${one.corrected.wrong.title}`.trim() : t("a task that’s gone");
    found.push(h("span.tag.wrong", {}, t("Put right")), h("span.facts", {}, one.corrected.by ? t("from {from}, by {name}", { from, name: one.corrected.by.name || t("somebody") }) : t("from {from}", { from })));
  }
  if (one.asked) {
    found.push(h("span.tag.ask", {}, one.state === "asking" ? t("Asks now") : t("Asked")));
    const right = one.guess && one.state !== "asking" && (one.guess.task === null ? one.new : one.guess.task === one.task?.id);
    if (one.guess && one.state !== "asking") found.push(h("span.facts", {}, right ? t("its best guess was right") : t("its best guess was {title}", { title: titleOf(one.guess) })));
  }
  return found.length > 0 && h("p.tags", {}, found);
}

function wrong(one) {
  return h("button.quiet", {
    type: "button", "aria-haspopup": "menu", "aria-expanded": "false",
    onclick: (event) => menu(event.currentTarget, t("Move this message to"), [
      ...places(one).map((task) => ({ label: task.title, note: `#${task.number}`, hue: hue(task), pick: () => move(one, task.id, `#${task.number}`) })),
      { label: t("New task"), pick: () => move(one, "new", t("a new task")) },
    ]),
  }, one.state === "asking" ? t("Which task?") : t("Wrong task?"));
}

// Of one's own messages every likely task; of others' those that the router weighed.
function places(one) {
  if (of === "me") return likelyTasks().filter((task) => task.id !== one.task?.id);
  return [one.guess, one.runner_up].filter((each) => each?.task && each.task !== one.task?.id && each.number).map(({ task, number, title }) => ({ id: task, number, title }));
}

async function move(one, task, name) {
  try {
    await call("PUT", `/v1/messages/${encodeURIComponent(one.message)}/task`, { task });
    announce(t("Moved to {name}; it’s answered there.", { name }));
    toast(t("Moved to {name}; it’s answered there.", { name }));
  } catch (problem) {
    toast(problem.message);
  }
  await again();
}

const NOTHING = {
  all: () => t("Nothing yet. What you write anywhere stands here, with the task it went to."), wrong: () => t("Nobody has put a message right here."),
  asked: () => t("Nobody was asked about a message here."), uncertain: () => t("There’s no message here about which it was unsure."),
};

async function list(from = null) {
  const asked = `${of} ${only}`;
  const page = await call("GET", `/v1/routes?of=${of}&only=${only}&limit=25${from ? `&cursor=${encodeURIComponent(from)}` : ""}`);
  if (asked !== `${of} ${only}`) return;
  cursor = page.next;
  const items = page.items.map(routed);
  if (from) byId("routed").append(...items);
  else byId("routed").replaceChildren(...items);
  byId("older").hidden = !cursor;
  byId("no-routes").hidden = byId("routed").children.length > 0;
  byId("no-routes").textContent = cursor ? t("None among the newest; look further.") : NOTHING[only]();
  if (from) items[0]?.querySelector("button")?.focus();
}

const oops = (problem) => toast(problem.message);
const again = () => Promise.all([list(), measure()]).catch(oops);

function choose(group, key, set) {
  for (const choice of byId(group).children) {
    choice.onclick = () => {
      set(choice.dataset[key]);
      for (const each of byId(group).children) each.setAttribute("aria-pressed", String(each === choice));
    };
  }
}

choose("of", "of", (value) => { of = value; again(); });
choose("only", "only", (value) => { only = value; list().catch(oops); });
byId("older").onclick = () => list(cursor).catch(oops);
// New ones come in by themselves, unless somebody has gone further down or is about to move one.
let timer = 0;
const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(() => document.querySelector(".float") || byId("routed").children.length > 25 || Promise.all([list(), Date.now() - measuredAt > 20_000 && measure()]).catch(oops), 600);
};
may("usage:read").then((yes) => { byId("of").hidden = !yes; }).catch(() => {});
start({ load: again, route: soon, message: soon, hello: (known) => known && soon() });
