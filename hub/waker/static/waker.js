// How the hubs are, asked every two seconds while somebody looks.
import { ago, byId, h } from "./dom.js";

const EVERY = 2000;
const WORDS = { stopped: "asleep", starting: "starting", ready: "up", draining: "about to stop", stopping: "stopping", failed: "couldn’t be started", unknown: "not known" };
const money = (value) => value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const seconds = (value) => `${value.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
const at = (time) => new Date(time * 1000).toISOString();

function span(from, to) {
  const all = Math.max(0, Math.round(to - from));
  if (all < 60) return `${all} s`;
  const hours = Math.floor(all / 3600), minutes = Math.floor(all / 60) % 60;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${all % 60} s`;
}

function told(name, value) {
  return value === "" || value === null || value === undefined ? [] : [h("div", {}, h("dt", {}, name), h("dd", {}, value))];
}

function run(one, now) {
  return h("tr", {},
    h("td", {}, h("time", { dateTime: at(one.began), title: new Date(one.began * 1000).toLocaleString() }, ago(at(one.began)))),
    h("td", {}, one.ready === null ? "–" : seconds(one.ready - one.began)),
    h("td", {}, span(one.began, one.ended ?? now), one.ended === null && " so far"),
    h("td", {}, money(one.cost)),
    h("td", {}, one.error));
}

function hub(one, now) {
  const wakes = one.runs.filter((each) => each.ready !== null).map((each) => each.ready - each.began).sort((a, b) => a - b);
  const spent = one.money_per_month ? `${money(one.spent_this_month)} of ${money(one.money_per_month)}` : money(one.spent_this_month);
  const ears = one.ears.map((ear) => h("li", {}, h("b", {}, ear.name), ear.trouble ? ` doesn’t hear: ${ear.trouble}` : " hears"));
  const section = h("section.hub", { "aria-label": one.name },
    h("h2", {}, h("span.light"), h("span.name", {}, one.name), h("span.power", {}, WORDS[one.state] ?? one.state)),
    one.detail && h("p.facts", {}, one.detail),
    h("dl", {},
      told("Waiting for it", one.waiting + one.later ? `${one.waiting} said, ${one.later} asked` : "nothing"),
      told("Last start took", one.wake_seconds === null ? "" : seconds(one.wake_seconds)),
      told("Starts usually take", wakes.length > 2 ? seconds(wakes[Math.floor(wakes.length / 2)]) : ""),
      told("Starts within the hour", `${one.starts_this_hour} of ${one.starts_per_hour}`),
      told("Next due", one.next_due === null ? "" : ago(at(one.next_due))),
      told("Spent this month", spent),
      told("Provider", one.provider)),
    ears.length > 0 && h("ul.facts", {}, ...ears),
    one.runs.length > 0 && h("div.wide", {}, h("table", {},
      h("thead", {}, h("tr", {}, ...["Started", "Until it was up", "Ran", "Cost", ""].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...one.runs.map((each) => run(each, now))))));
  section.dataset.state = one.state;
  return section;
}

// A machine that carries our tag and is nobody's: it costs money until somebody looks after it.
function orphan(one) {
  return h("p.fault", {}, `Nobody’s machine: ${one.id} at ${one.place}, once made for ${one.hub}; it’s ${one.state}, seen first ${ago(at(one.seen_at))}.`);
}

function tell(text) {
  // Only what's new is read out.
  if (byId("words").textContent !== text) byId("words").textContent = text;
}

async function look() {
  const words = byId("words");
  try {
    const answer = await fetch("/waker/status", { headers: { Accept: "application/json" } });
    if (answer.status === 401) return location.reload();
    const { items, orphans } = await answer.json();
    byId("hubs").replaceChildren(...items.map((one) => hub(one, Date.now() / 1000)), ...orphans.map(orphan));
    words.className = "";
    tell(items.length === 1 ? "One hub is looked after." : `${items.length} hubs are looked after.`);
  } catch {
    words.className = "fault";
    tell("The waker doesn’t answer. This is how it was last.");
  }
}

document.addEventListener("visibilitychange", () => document.hidden || look());
setInterval(() => document.hidden || look(), EVERY);
look();
