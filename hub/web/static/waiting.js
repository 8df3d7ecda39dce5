// Everything that waits for somebody's leave or answer: what exactly would happen, and what one may say to it.
import { call, newKey } from "./api.js";
import { recount } from "./counted.js";
import { ago, announce, byId, chip, h, hue, toast } from "./dom.js";
import { oneAtATime } from "./looking.js";
import { may, start } from "./shell.js";
import { sure } from "./sure.js";
import { locale, n, number, t } from "./words.js";

const SOON = 180_000;
const cards = new Map(); // an id -> its card and what it shows
let of = "me";

// --- in words

const KIND = {
  leave: () => t("Leave"), question: () => t("Question"), budget: () => t("Budget"), blocked: () => t("Stuck"), checks: () => t("Acceptance"),
  route: () => t("Which task?"), pairing: () => t("New person"), package: () => t("Package"), draft: () => t("Draft"), handover: () => t("Wants a human"),
};
const EFFECTS = {
  none: () => t("It changes nothing."), idempotent: () => t("It changes something outside the chat."),
  keyed: () => t("It changes something outside the chat, once."), once: () => t("It can’t be taken back."),
};
const CHOICES = {
  approve: () => t("Approve"), deny: () => t("Deny"), more: () => t("Go on"), finish: () => t("Leave it at that"), resume: () => t("Try again"),
  cancel: () => t("Give it up"), yes: () => t("Check it so"), no: () => t("Don’t check"), send: () => t("Send"), discard: () => t("Discard"),
  take: () => t("Take over"), allow: () => t("Allow it"), keep: () => t("Keep what I have"), new: () => t("A new task"),
};
const DONE = {
  approve: () => t("Approved: it’s done now."), deny: () => t("Denied: it isn’t done."), more: () => t("It goes on."), finish: () => t("It’s left at that."),
  resume: () => t("It’s tried again."), cancel: () => t("It’s given up."), yes: () => t("It’ll be checked so."), no: () => t("It won’t be checked."),
  send: () => t("Sent."), discard: () => t("It’s never sent."), take: () => t("You answer from here on."), allow: () => t("It’s used from now on."),
  keep: () => t("It stays as it was."),
};
const chosen = (what, one) => (one.kind === "pairing" ? { approve: t("Let in"), deny: t("Refuse") }[what.id] : CHOICES[what.id]?.()) ?? what.text;
const done = (what, one) => (one.kind === "pairing" ? { approve: t("{name} is let in.", { name: one.text }), deny: t("{name} isn’t let in.", { name: one.text }) }[what] : DONE[what]?.()) ?? t("Answered.");

function titleOf(one) {
  const name = one.person?.name || t("Somebody");
  switch (one.kind) {
    case "leave": return [t("May this be called?"), " ", h("code", {}, one.tool)];
    case "question": return t("A task asks you");
    case "budget": return t("A task has spent what it may. Shall it go on?");
    case "blocked": return t("A task can’t go on");
    case "checks": return t("When is this task done?");
    case "route": return t("Which task is this about?");
    case "pairing": return t("{name} asks to be let in", { name: one.text });
    case "package": return t("An update waits for your leave");
    case "draft": return t("An answer to {name} waits for you", { name });
    default: return t("{name} wants a human", { name });
  }
}

// --- one card

function card(one) {
  const item = h(`li.wait.${hue(one.task)}`, { tabIndex: -1, onkeydown: (event) => keys(event, item), "aria-labelledby": `w-${one.id}` },
    h("p.from", {}, h("span.kind", {}, KIND[one.kind]()), one.task && chip(one.task), from(one), h("span", {}, ago(one.created_at))),
    h("h2", { id: `w-${one.id}` }, titleOf(one)),
    body(one), h("p.lapses", {}), one.yours ? acts(one) : h("p.facts", {}, t("Only {name} can answer this.", { name: one.person?.name || t("its person") })));
  item.dataset.id = one.id;
  return item;
}

function from(one) {
  const names = [of === "tenant" && one.person?.name, one.agent, one.bridge && one.bridge !== "http" && one.bridge].filter(Boolean);
  return names.length ? h("span", {}, names.join(" · ")) : null;
}

function body(one) {
  switch (one.kind) {
    case "leave": return [
      h("p", {}, one.about, one.about && " ", one.effect && h("span", one.effect === "once" ? { className: "risk" } : {}, EFFECTS[one.effect]())),
      one.why && h("p.facts", {}, t("Why you’re asked: {why}", { why: one.why })),
      h("div", {}, h("p.facts", {}, t("With exactly this")), h("pre.exact", { tabIndex: 0, "aria-label": t("With exactly this") }, one.shown)),
      one.read.length > 0 && h("p.facts", {}, t("Others’ words in this task: {sources}", { sources: one.read.join("; ") }))];
    case "budget": return [saying(one.text), spent(one), h("p.facts", {}, t("Going on grants it {more} besides.", { more: amounts(one.more) }))];
    case "checks": return [saying(one.text), h("p", {}, t("It would be called done only when")), h("ul.lines", {}, one.lines.map((line) => h("li", {}, line)))];
    case "pairing": return h("p", {}, t("{sender} on {bridge}. Let in, they talk to your agents as a person of their own.", { sender: one.why, bridge: one.bridge }), " ",
      h("a", { href: "/people" }, t("Let them in as somebody you know")));
    case "package": return [h("p", {}, h("b", {}, one.text)), one.why && h("p.facts", {}, one.why), asks(one),
      one.lines.length > 0 && h("ul.lines.odd", { "aria-label": t("What a scan found odd") }, one.lines.map((line) => h("li", {}, line)))];
    case "draft": return one.why && h("blockquote.saying", {}, one.why);
    case "handover": return one.why && saying(one.why);
    default: return saying(one.text);
  }
}

const saying = (text) => h("blockquote.saying", { tabIndex: text.length > 600 ? 0 : undefined }, text);

function asks(one) {
  return h("ul.lines", {}, one.permissions.map((each) =>
    h("li", {}, each.granted ? each.meaning : h("b", {}, t("New: {meaning}", { meaning: each.meaning })))));
}

const amounts = (limits) => [n("{n} turn", "{n} turns", limits.turns), t("{n} tokens", { n: number(limits.tokens) }), t("{n} minutes", { n: round(limits.minutes) }),
  limits.money && t("{n} money", { n: round(limits.money) })].filter(Boolean).join(", ");

function spent(one) {
  const rows = [[t("Turns"), "turns"], [t("Tokens"), "tokens"], [t("Minutes"), "minutes"], [t("Money"), "money"]].filter(([, key]) => one.limits[key]);
  return h("div.spent", {}, rows.map(([name, key]) => {
    const share = Math.min(1, one.used[key] / one.limits[key]);
    const track = h(share >= 1 ? "span.track.full" : "span.track", {}, h("i"));
    track.firstChild.style.width = `${share * 100}%`;
    return h("div", {}, t("{name}: {used} of {limit}", { name, used: round(one.used[key]), limit: round(one.limits[key]) }), track);
  }));
}

// What’s less than one, as money often is, needs more digits.
const round = (value) => value.toLocaleString(locale, { maximumFractionDigits: value < 1 ? 4 : 2 });

// --- what may be said to it

function acts(one) {
  const row = h("div.acts", {}, one.choices.map((choice, at) => button(one, choice, at)));
  if (!one.words) return row;
  const text = h("textarea", { rows: 3, maxLength: 20_000, value: one.kind === "draft" ? one.text : "", });
  const send = () => (text.value.trim() ? decide(one, one.kind === "draft" ? { choice: "send", ...(text.value !== one.text && { text: text.value }) } : { text: text.value }, text) : text.focus());
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); } });
  if (one.kind === "draft") row.replaceChildren(h("button.primary", { type: "button", onclick: send }, t("Send")), button(one, one.choices[1], 1));
  else row.append(h("button.primary", { type: "button", onclick: send }, t("Answer")));
  return [h("label", {}, one.kind === "draft" ? t("What the agent would say; change it as you like") : t("Your answer"), text), row];
}

function button(one, choice, at) {
  const words = chosen(choice, one);
  const primary = at === 0 && one.kind !== "route" ? ".primary" : "";
  const made = h(`button${primary}`, { type: "button", "data-at": at + 1 }, words, h("kbd", { "aria-hidden": "true" }, String(at + 1)));
  if (one.kind === "leave" && choice.id === "deny") made.addEventListener("click", () => refuse(one, made));
  else if (choice.id === "discard" || choice.id === "cancel") return sure(made, t("Really? {words}", { words }), () => decide(one, { choice: choice.id }, made));
  else made.addEventListener("click", () => decide(one, { choice: choice.id }, made));
  return made;
}

// Refusing asks for a reason, which may be left out: Enter refuses, Esc thinks better of it.
function refuse(one, made) {
  const item = made.closest(".wait");
  const reason = h("input", { type: "text", maxLength: 500, autocomplete: "off", placeholder: t("You may leave this empty") });
  const form = h("form.reason", { onsubmit: (event) => { event.preventDefault(); decide(one, { choice: "deny", reason: reason.value.trim() }, reason); } },
    h("label", {}, t("Why not? The agent is told."), reason),
    h("div.acts", {}, h("button.primary", { type: "submit" }, t("Deny")), h("button", { type: "button", onclick: back }, t("Back"))));
  const row = item.querySelector(":scope > .acts");
  function back() { form.replaceWith(row); row.querySelector("[data-at='2']").focus(); }
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); back(); } });
  row.replaceWith(form);
  reason.focus();
}

async function decide(one, answer, at) {
  const item = at.closest(".wait");
  const controls = [...item.querySelectorAll("button, input, textarea")];
  for (const control of controls) control.disabled = true;
  try {
    await call("POST", `/v1/waiting/${encodeURIComponent(one.id)}`, answer, newKey());
    const words = done(answer.choice, one);
    announce(words);
    toast(words);
    if (answer.choice === "take") location.assign("/desk");
    leave(item);
  } catch (problem) {
    toast(problem.message);
    if (problem.status === 409 || problem.status === 404) leave(item); // somebody was first
    else for (const control of controls) control.disabled = false;
  }
  recount();
  look();
  lookBack();
}

// Take a card away, and have the next one under one's fingers.
function leave(item) {
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const had = item.contains(document.activeElement) || document.activeElement === document.body;
  cards.delete(item.dataset.id);
  item.remove();
  settle();
  if (had) (next ?? byId("main")).focus();
}

function keys(event, item) {
  if (event.target !== item) return;
  const to = { ArrowDown: item.nextElementSibling, ArrowUp: item.previousElementSibling }[event.key];
  const pressed = /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey && item.querySelector(`button[data-at="${event.key}"]`);
  if (to) to.focus();
  else if (pressed) pressed.click();
  else return;
  event.preventDefault();
}

// --- the list

const look = oneAtATime(async () => {
  try {
    paint((await call("GET", `/v1/waiting?of=${of}&limit=200`)).items);
  } catch (problem) {
    toast(problem.message);
  }
});

// What lapses within the hour comes first; else the longest waiting.
const urgency = (one) => Math.min(one.expires_at ? new Date(one.expires_at) - Date.now() : Infinity, 3_600_000);

// A card that's still true stays as it is: somebody may be writing in it.
function paint(found) {
  const items = [...found].sort((a, b) => urgency(a) - urgency(b) || (a.created_at < b.created_at ? -1 : 1));
  const known = new Set(items.map((one) => one.id));
  for (const [id, kept] of cards) if (!known.has(id)) leave(kept.item);
  const first = !byId("waits").children.length;
  items.forEach((one, at) => {
    if (cards.has(one.id)) return;
    const item = card(one);
    cards.set(one.id, { item, one });
    byId("waits").insertBefore(item, byId("waits").children[at] ?? null);
    if (!first && one.yours) announce(t("Something new waits for you."));
  });
  settle();
}

function settle() {
  const all = [...byId("waits").children];
  all.forEach((item, at) => { item.tabIndex = at === 0 || item.contains(document.activeElement) ? 0 : -1; });
  byId("clear").hidden = all.length > 0;
  byId("keys").hidden = all.length === 0;
  for (const { item, one } of cards.values()) {
    const left = one.expires_at ? new Date(one.expires_at) - Date.now() : Infinity;
    item.classList.toggle("soon", left < SOON);
    item.querySelector(".lapses").textContent = one.expires_at ? lapses(one) : "";
    item.querySelector(".lapses").hidden = !one.expires_at;
  }
}

function lapses(one) {
  const when = ago(one.expires_at);
  if (one.kind === "leave") return t("No answer is a no: it lapses {when}.", { when });
  if (one.kind === "route") return t("Unanswered, the best guess is taken {when}.", { when });
  if (one.kind === "draft" || one.kind === "handover") return t("An answer is due {when}.", { when });
  return t("It lapses {when}.", { when });
}

// --- what was decided

const BECAME = {
  approved: () => t("approved"), denied: () => t("denied"), expired: () => t("lapsed"), answered: () => t("answered"), done: () => t("done"),
  redeemed: () => t("let in"), sent: () => t("answered"), discarded: () => t("draft discarded"), taken: () => t("taken over"), enabled: () => t("allowed"),
  granted: () => t("granted as much again"), resumed: () => t("taken up again"), spoken: () => t("answered"),
  canceled: () => t("given up"), completed: () => t("called complete"), agreed: () => t("checks agreed on"), unwanted: () => t("not checked"),
};
const GOOD = ["approved", "answered", "done", "redeemed", "sent", "taken", "enabled", "granted", "resumed", "spoken", "agreed"];
const BAD = ["denied", "discarded", "canceled", "unwanted"];

function settledOf(one) {
  const [kind, sign] = GOOD.includes(one.outcome) ? ["good", "✓"] : BAD.includes(one.outcome) ? ["bad", "✕"] : ["lapsed", "–"];
  const whose = of === "tenant" || one.kind === "desk" ? one.person?.name : "";
  const what = one.what || whose;
  const became = BECAME[one.outcome]?.() ?? one.outcome;
  return h("li", {}, h(`span.mark-of.${kind}`, { "aria-hidden": "true" }, sign),
    h("div.who", {}, h("span", {}, h("b", {}, became), what && ` · ${what}`), one.reason && h("span.facts", {}, t("Because: {reason}", { reason: one.reason })),
      h("span.facts", {}, [one.by ? t("by {name}", { name: one.by.name || t("somebody") }) : t("by nobody"), ago(one.at)].join(" · "))),
    one.task && chip(one.task));
}

async function lookBack() {
  try {
    const { items } = await call("GET", `/v1/waiting/settled?of=${of}&limit=20`);
    byId("settled-part").hidden = !items.length;
    byId("settled").replaceChildren(...items.map(settledOf));
  } catch (problem) {
    toast(problem.message);
  }
}

for (const choice of byId("of").children) {
  choice.onclick = () => {
    of = choice.dataset.of;
    for (const each of byId("of").children) each.setAttribute("aria-pressed", String(each === choice));
    byId("lead").textContent = of === "me" ? t("What waits for your leave or your answer, from all your tasks and chats.")
      : t("What waits for anybody’s leave or answer. What’s others’ they answer themselves.");
    for (const { item } of cards.values()) item.remove();
    cards.clear();
    look();
    lookBack();
  };
}

let timer = 0;
const soon = () => { clearTimeout(timer); timer = setTimeout(() => { look(); lookBack(); }, 300); };
// What no event tells of, as strangers and packages, is looked for while somebody looks.
setInterval(() => { if (!document.hidden) look(); }, 15_000);
setInterval(settle, 10_000);
may("admin").then((yes) => { byId("of").hidden = !yes; }).catch(() => {});
start({ load: () => Promise.all([look(), lookBack()]), approval: soon, task: soon, notice: soon, route: soon, message: soon, hello: (again) => again && soon() });
