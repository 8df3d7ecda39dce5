// Keys: what programs sign in with, made, given a fresh secret, revoked.
import { call, newKey } from "./api.js";
import { ago, announce, byId, h, toast } from "./dom.js";
import { once } from "./once.js";
import { start } from "./shell.js";
import { sure } from "./sure.js";
import { locale, n, t } from "./words.js";

// Every scope in plain words; the hub's own names stand beside them, for who writes programs.
const SCOPES = {
  "messages:write": t("Say something to your agents, and send files"),
  "messages:read": t("Read what was said and answered"),
  "tasks:write": t("Give, stop and change tasks"),
  "tasks:read": t("Read tasks, their turns and what they cost"),
  "local:lend": t("Lend a computer of yours to your agents"),
  "embed:write": t("Put chats into pages, and let people write there"),
  "webhooks:write": t("Have other systems told, and let them write"),
  "chats:operate": t("Take chats over from agents"),
  "people:write": t("Let people in, speak for them, and erase them"),
  "keys:write": t("Make and revoke keys"),
  "usage:read": t("Read what everybody used, and what it cost"),
  "audit:read": t("Read what was done, and by whom"),
  "status:read": t("See how the hub is"),
  "metrics:read": t("Read its metrics"),
  admin: t("Everything its person may"),
};
const USUAL = ["messages:write", "messages:read", "tasks:write", "tasks:read"];
const OVERLAPS = { 24: t("another day"), 1: t("another hour"), 168: t("another week"), 0: t("not any more") };
const OWNERS = "owner"; // The key in owner.key: who deletes that file gets another one.
const DAY = 86_400_000;
const SOON = 7 * DAY;

let me = null;
let keys = [];
let people = new Map();
const unfolded = new Set();
let turning = null; // the key that's about to get a fresh secret

async function load() {
  me ??= await call("GET", "/v1/whoami");
  try {
    keys = (await call("GET", "/v1/keys")).items;
  } catch (problem) {
    if (problem.status !== 403) throw problem;
    byId("open").hidden = true;
    byId("closed").textContent = t("Your account may make no keys; ask whoever owns this place.");
    byId("closed").hidden = false;
    return;
  }
  if (isAdmin()) people = new Map((await call("GET", "/v1/people")).items.map((person) => [person.id, person]));
  await fill();
  paint();
}

const isAdmin = () => me.scopes.includes("admin");
const again = () => load().catch((problem) => toast(problem.message));
const isOver = (key) => key.revoked_at || (key.expires_at && new Date(key.expires_at) < Date.now());

function paint() {
  const focused = document.activeElement?.closest("[data-act]")?.dataset.act;
  const good = keys.filter((key) => !isOver(key));
  const mine = good.filter((key) => key.person === me.person.id);
  const theirs = good.filter((key) => key.person !== me.person.id);
  const ended = keys.filter(isOver);
  byId("mine").replaceChildren(...mine.map(keyOf));
  byId("none-yet").hidden = mine.length > 0;
  byId("theirs").replaceChildren(...theirs.map(keyOf));
  byId("others").hidden = !theirs.length;
  byId("ended").replaceChildren(...ended.map(keyOf));
  byId("over").hidden = !ended.length;
  byId("over-title").textContent = n("{n} key that’s over", "{n} keys that are over", ended.length);
  [...document.querySelectorAll("[data-act]")].find((element) => element.dataset.act === focused)?.focus();
}

// What the form offers, once it's known.
async function fill() {
  if (byId("scopes").querySelector("input")) return;
  const may = isAdmin() ? Object.keys(SCOPES) : Object.keys(SCOPES).filter((scope) => me.scopes.includes(scope));
  const tick = (scope) => h(`label.tick${scope === "admin" ? ".whole" : ""}`, {},
    h("input", { type: "checkbox", name: "scopes", value: scope, defaultChecked: USUAL.includes(scope) }),
    h("span.scope", {}, SCOPES[scope], h("small", {}, scope)));
  byId("scopes").append(...[...may.filter((scope) => scope === "admin"), ...may.filter((scope) => scope !== "admin")].map(tick));
  byId("scopes").addEventListener("change", whole);
  const { items } = await call("GET", "/v1/agents");
  byId("agents").append(...items.map(({ name }) =>
    h("label.tick", {}, h("input", { type: "checkbox", name: "agents", value: name }), name)));
  if (people.size < 2) return;
  const others = [...people.values()].filter((person) => person.id !== me.person.id && person.role !== "group");
  byId("person").append(h("option", { value: "" }, t("yourself")), ...others.map((person) => h("option", { value: person.id }, person.name)));
  byId("for-whom").hidden = others.length === 0;
}

// Who may everything needs nothing else ticked.
function whole() {
  const ticks = [...byId("scopes").querySelectorAll("input")];
  const all = ticks.some((each) => each.value === "admin" && each.checked);
  for (const each of ticks) each.disabled = all && each.value !== "admin";
}

const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
const button = (key, name, words, onclick, kind = "") => h(`button${kind}`, { type: "button", "data-act": `${name} ${key.id}`, onclick }, words);

function keyOf(key) {
  const toggle = (event) => unfolded[event.target.open ? "add" : "delete"](key.id);
  return h("li", { id: `k-${key.id}` },
    h("details", { open: unfolded.has(key.id), ontoggle: toggle },
      h("summary", { "data-act": `card ${key.id}` }, h("b", {}, key.name), h("span.facts", {}, factsOf(key)), stateOf(key)),
      h("div.hook", {},
        h("dl", {},
          row(t("May"), h("ul.can", {}, key.scopes.map((scope) => h("li", {}, SCOPES[scope] ?? scope)))),
          key.person !== me.person.id && row(t("Whose"), people.get(key.person)?.name ?? key.person),
          key.agents.length > 0 && row(t("Only agents"), key.agents.join(", ")),
          key.requests && row(t("At most"), n("{n} request a minute", "{n} requests a minute", key.requests)),
          row(t("Made"), when(key.created_at)),
          row(t("Last used"), key.last_used ? day(key.last_used) : t("never")),
          row(key.revoked_at ? t("Revoked") : t("Good until"), key.revoked_at ? when(key.revoked_at) : key.expires_at ? when(key.expires_at) : t("it’s revoked"))),
        !isOver(key) && h("div.acts", {},
          key.id !== OWNERS && button(key, "turn", t("New secret"), () => { turning = turning === key.id ? null : key.id; paint(); }),
          sure(button(key, "revoke", t("Revoke"), null, ".danger"), t("Really revoke? Programs that use it stop."), () => revoke(key))),
        turning === key.id && turnOf(key))));
}

function factsOf(key) {
  const whose = key.person !== me.person.id && (people.get(key.person)?.name ?? key.person);
  const used = key.last_used ? t("used {day}", { day: day(key.last_used) }) : t("never used");
  return [whose, used, t("made {when}", { when: ago(key.created_at) })].filter(Boolean).join(" · ");
}

function stateOf(key) {
  if (key.revoked_at) return h("span.state.off", {}, t("Revoked"));
  if (isOver(key)) return h("span.state.off", {}, t("Past its end"));
  if (key.expires_at && new Date(key.expires_at) - Date.now() < SOON) return h("span.state.soon", {}, t("Ends {when}", { when: ago(key.expires_at) }));
  return h("span.state.on", {}, t("Good"));
}

const when = (at) => new Date(at).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });

// Days are the hub's, in UTC.
function day(text) {
  const today = new Date().toISOString().slice(0, 10);
  if (text === today) return t("today");
  if (text === new Date(Date.now() - DAY).toISOString().slice(0, 10)) return t("yesterday");
  return new Date(`${text}T12:00:00Z`).toLocaleDateString(locale, { dateStyle: "medium", timeZone: "UTC" });
}

// --- a fresh secret

function turnOf(key) {
  const chosen = h("select", { id: "overlap" }, Object.entries(OVERLAPS).sort(([a], [b]) => (b === "24") - (a === "24") || a - b).map(([hours, words]) => h("option", { value: hours }, words)));
  const cancel = h("button", { type: "button", onclick: () => { turning = null; paint(); } }, t("Leave it"));
  return h("div.turning", {},
    h("label", {}, t("The old secret is good for"), chosen),
    h("div.acts", {}, h("button.primary", { type: "button", onclick: () => rotate(key, Number(chosen.value)) }, t("Give it a new secret")), cancel));
}

async function rotate(key, hours) {
  try {
    const made = await call("POST", `/v1/keys/${encodeURIComponent(key.id)}/rotate`, { overlap_hours: hours }, newKey());
    turning = null;
    once("shown-key", t("The new secret of {name}.", { name: key.name }), { [t("Key")]: made.key });
  } catch (problem) {
    toast(problem.message);
  }
  await again();
}

async function revoke(key) {
  try {
    await call("DELETE", `/v1/keys/${encodeURIComponent(key.id)}`);
    announce(t("{name} is revoked.", { name: key.name }));
  } catch (problem) {
    toast(problem.message);
  }
  await again();
}

// --- making one

byId("new-key").onsubmit = async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const fault = byId("key-fault");
  const days = Number(form.get("days"));
  fault.hidden = true;
  try {
    const made = await call("POST", "/v1/keys", {
      name: form.get("name"),
      scopes: form.getAll("scopes"),
      agents: form.getAll("agents"),
      ...(days ? { expires_at: new Date(Date.now() + days * DAY).toISOString() } : {}),
      ...(form.get("person") ? { person: form.get("person") } : {}),
      ...(form.get("requests") ? { requests: Number(form.get("requests")) } : {}),
    }, newKey());
    event.target.reset();
    byId("making").open = false;
    once("shown-key", t("The key {name} is made.", { name: made.name }), { [t("Key")]: made.key });
  } catch (problem) {
    fault.textContent = problem.message;
    fault.hidden = false;
    return;
  }
  await again();
};
byId("new-key").addEventListener("reset", () => setTimeout(whole));

start({ load });
