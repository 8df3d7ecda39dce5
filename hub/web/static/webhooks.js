// Webhooks: who is told what happens here, what went to them, and which systems write.
import { call, newKey } from "./api.js";
import { ago, announce, byId, h, toast } from "./dom.js";
import { start } from "./shell.js";
import { sure } from "./sure.js";
import { n, number, t, when } from "./words.js";

const EVENTS = {
  "message.accepted": t("a message that came"),
  "message.answered": t("an answer"),
  "message.failed": t("a message that couldn’t be answered"),
  "message.retracted": t("an answer that was taken back"),
  "message.delivered": t("what became of an answer on its platform"),
  notice: t("what the hub itself says"),
  "task.state": t("a task that got another state"),
  approval: t("a call that waits for leave, or doesn’t any more"),
};
const USUAL = ["message.answered", "task.state"];
const SOURCES = {
  generic: t("Any system"), github: "GitHub", gitlab: "GitLab", stripe: "Stripe", sentry: "Sentry",
  alertmanager: "Alertmanager", standard: t("One with Standard Webhooks"),
};
const STATES = { waiting: t("waits"), delivered: t("delivered"), dead: t("given up") };
let hooks = [];
let inlets = [];
const templates = new Map();
const unfolded = new Set();
const deliveries = new Map(); // a webhook's id -> what went to it, newest first
const more = new Map(); // a webhook's id -> where older ones begin

async function load() {
  try {
    hooks = (await call("GET", "/v1/webhooks")).items;
    inlets = (await call("GET", "/v1/hooks/in")).items;
    for (const { source, template } of (await call("GET", "/v1/hooks/in/templates")).items) templates.set(source, template);
  } catch (problem) {
    if (problem.status !== 403) throw problem;
    byId("open").hidden = true;
    byId("closed").textContent = problem.message;
    byId("closed").hidden = false;
    return;
  }
  await Promise.all(hooks.filter(({ id }) => unfolded.has(id)).map(({ id }) => read(id)));
  fill();
  paint();
}

const again = () => load().catch((problem) => toast(problem.message));

function paint() {
  const focused = document.activeElement?.closest("[data-act]")?.dataset.act;
  byId("hooks").replaceChildren(...hooks.map(hookOf));
  byId("inlets").replaceChildren(...inlets.map(inletOf));
  byId("no-hooks").hidden = hooks.length > 0;
  byId("no-inlets").hidden = inlets.length > 0;
  [...document.querySelectorAll("[data-act]")].find((element) => element.dataset.act === focused)?.focus();
}

// What the forms offer, once it's known.
function fill() {
  if (byId("source").options.length) return;
  byId("events").append(...Object.entries(EVENTS).map(([name, words]) =>
    h("label.tick", {}, h("input", { type: "checkbox", name: "events", value: name, defaultChecked: USUAL.includes(name) }), words)));
  byId("source").append(...[...templates.keys()].map((source) => h("option", { value: source }, SOURCES[source] ?? source)));
  byId("template").value = templates.get("generic");
}

const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
const button = (id, name, words, onclick, kind = "") => h(`button${kind}`, { type: "button", "data-act": `${name} ${id}`, onclick }, words);

// A card that unfolds, and stays as it was when all is painted anew.
function card(id, title, facts, state, body, opened = () => {}) {
  const toggle = (event) => {
    const isNew = event.target.open && !unfolded.has(id);
    unfolded[event.target.open ? "add" : "delete"](id);
    if (isNew) opened();
  };
  return h("li", { id: `h-${id}` },
    h("details", { open: unfolded.has(id), ontoggle: toggle },
      h("summary", { "data-act": `card ${id}` }, h("b", {}, title), h("span.facts", {}, facts), state), body));
}

// --- who is told

function hookOf(hook) {
  const [kind, words] = !hook.active ? ["off", t("Off")] : hook.failing_since ? ["failing", t("Doesn’t answer")] : ["on", t("On")];
  const path = `/v1/webhooks/${encodeURIComponent(hook.id)}`;
  const body = h("div.hook", {},
    hook.off_why && h("p.fault", { role: "note" }, t("Switched off by the hub: {why}", { why: hook.off_why })),
    h("dl", {},
      row(t("Address"), hook.url),
      row(t("Told of"), hook.events.join(", ")),
      hook.include.includes("text") && row(t("With"), t("what was said")),
      hook.task && row(t("Only task"), hook.task),
      hook.chat && row(t("Only chat"), hook.chat),
      hook.failing_since && row(t("Failing"), t("since {ago}", { ago: ago(hook.failing_since) })),
      hook.old_secret_until && row(t("Old secret"), t("signs as well until {time}", { time: when(hook.old_secret_until) }))),
    h("div.acts", {},
      button(hook.id, "test", t("Send a test"), () => test(hook, path)),
      button(hook.id, "switch", hook.active ? t("Switch off") : t("Switch on"), () => act("PATCH", path, { active: !hook.active }, hook.active ? t("It’s off.") : t("It’s on."))),
      sure(button(hook.id, "rotate", t("New secret")), t("Really make a new one?"), () => rotate(hook, path)),
      sure(button(hook.id, "remove", t("Remove"), null, ".danger"), t("Really remove?"), () => act("DELETE", path, undefined, t("It’s removed.")))),
    sent(hook, path));
  return card(hook.id, hook.description || hook.url, hook.description ? hook.url : "", h(`span.state.${kind}`, {}, words), body,
    () => read(hook.id).then(paint).catch((problem) => toast(problem.message)));
}

function sent(hook, path) {
  const found = deliveries.get(hook.id);
  if (!found) return h("p.none", {}, "…");
  if (!found.length) return h("p.none", {}, t("Nothing was sent yet."));
  return h("div", {},
    h("ul.deliveries", { "aria-label": t("Deliveries") }, found.map((delivery) => deliveryOf(hook, path, delivery))),
    more.get(hook.id) && button(hook.id, "older", t("Older ones"), () => older(hook)));
}

function deliveryOf(hook, path, delivery) {
  const tries = n("{n} try", "{n} tries", delivery.attempts);
  const facts = [ago(delivery.happened_at), delivery.became, tries, delivery.status && t("answered {status}", delivery), delivery.sent_at && t("{n} ms", { n: number(delivery.ms) })];
  const next = delivery.due_at && delivery.attempts > 0 && t("Tried again {ago}.", { ago: ago(delivery.due_at) });
  const told = [next, delivery.error, delivery.answer && t("“{words}”", { words: delivery.answer })].filter(Boolean).join(" ");
  const mayReplay = delivery.state !== "waiting" && hook.active;
  return h("li", { title: delivery.id },
    h("span", {}, delivery.event), h(`span.state.${delivery.state}`, {}, STATES[delivery.state]),
    h("span.facts", {}, facts.filter(Boolean).join(" · ")),
    mayReplay && button(delivery.id, "replay", t("Send again"), () => act("POST", `${path}/deliveries/${encodeURIComponent(delivery.id)}/replay`, undefined, t("It’s sent again."))),
    told && h("p.answer", {}, told));
}

async function read(id, cursor) {
  const query = cursor ? `?limit=20&cursor=${encodeURIComponent(cursor)}` : "?limit=20";
  const page = await call("GET", `/v1/webhooks/${encodeURIComponent(id)}/deliveries${query}`);
  deliveries.set(id, cursor ? [...deliveries.get(id), ...page.items] : page.items);
  more.set(id, page.next);
}

async function older(hook) {
  await read(hook.id, more.get(hook.id)).catch((problem) => toast(problem.message));
  paint();
}

async function act(method, path, body, words) {
  try {
    await call(method, path, body, method === "POST" ? newKey() : undefined);
    announce(words);
  } catch (problem) {
    toast(problem.message);
  }
  await again();
}

async function test(hook, path) {
  try {
    const came = await call("POST", `${path}/test`, undefined, newKey());
    toast(came.state === "delivered" ? t("It answered {status}: all is well.", came) : t("It didn’t work: {why}", { why: came.error }));
  } catch (problem) {
    toast(problem.message);
  }
  await again();
}

async function rotate(hook, path) {
  try {
    const { secret } = await call("POST", `${path}/secret`, {}, newKey());
    once("shown-hook", t("The new secret of {address}. The old one signs as well for a day.", { address: hook.description || hook.url }), { [t("Secret")]: secret });
  } catch (problem) {
    toast(problem.message);
  }
  await again();
}

// Show what's never shown again.
function once(place, words, values) {
  const close = h("button", { type: "button", onclick: () => byId(place).replaceChildren() }, t("I’ve kept it"));
  byId(place).replaceChildren(h("div.once", {},
    h("p", {}, words, " ", t("This is the only time that it’s shown.")),
    Object.entries(values).filter(([, value]) => value).map(([name, value]) => h("div", {}, h("span.facts", {}, name), h("code", {}, value))),
    h("div.acts", {}, close)));
  byId(place).scrollIntoView({ block: "nearest" });
}

// --- who writes

function inletOf(inlet) {
  const path = `/v1/hooks/in/${encodeURIComponent(inlet.id)}`;
  const proof = { token: t("by its address alone"), bearer: t("by a secret that comes along") }[inlet.proof] ?? t("as {source} does", { source: SOURCES[inlet.proof] ?? inlet.proof });
  const body = h("div.hook", {},
    h("dl", {},
      row(t("Proved"), proof), row(t("Chat"), inlet.chat), inlet.agent && row(t("Agent"), inlet.agent),
      row(t("Task"), { new: t("a new one each time"), auto: t("the router finds out") }[inlet.task] ?? inlet.task),
      row(t("At most"), n("{n} a minute", "{n} a minute", inlet.per_minute)), row(t("Says"), inlet.template)),
    h("div.acts", {},
      button(inlet.id, "switch", inlet.active ? t("Switch off") : t("Switch on"), () => act("PATCH", path, { active: !inlet.active }, inlet.active ? t("It’s off.") : t("It’s on."))),
      sure(button(inlet.id, "remove", t("Remove"), null, ".danger"), t("Really remove?"), () => act("DELETE", path, undefined, t("It’s removed.")))));
  return card(inlet.id, inlet.name, SOURCES[inlet.source] ?? inlet.source, h(`span.state.${inlet.active ? "on" : "off"}`, {}, inlet.active ? t("On") : t("Off")), body);
}

// --- making

async function make(event, fault, work) {
  event.preventDefault();
  byId(fault).hidden = true;
  try {
    await work(new FormData(event.target));
    event.target.reset();
    event.target.closest("details").open = false;
  } catch (problem) {
    byId(fault).textContent = problem.message;
    byId(fault).hidden = false;
    return;
  }
  await again();
}

byId("new-hook").onsubmit = (event) => make(event, "hook-fault", async (form) => {
  const { secret } = await call("POST", "/v1/webhooks", {
    url: form.get("url"), description: form.get("description"), events: form.getAll("events"), include: form.has("text") ? ["text"] : [],
  }, newKey());
  once("shown-hook", t("What deliveries are signed by."), { [t("Secret")]: secret });
});

byId("new-inlet").onsubmit = (event) => make(event, "inlet-fault", async (form) => {
  const source = form.get("source");
  const { url, secret } = await call("POST", "/v1/hooks/in", {
    name: form.get("name"), source, template: form.get("template"), chat: form.get("chat"),
    ...(form.get("secret") ? { secret: form.get("secret") } : {}),
  }, newKey());
  once("shown-inlet", t("Give the other system this address."), { [t("Address")]: url.startsWith("/") ? `${location.origin}${url}` : url, [t("Secret")]: secret });
});

byId("source").onchange = () => { byId("template").value = templates.get(byId("source").value); };
byId("new-inlet").addEventListener("reset", () => setTimeout(() => { byId("template").value = templates.get(byId("source").value); }));

// What's under way changes by itself: looked at while somebody looks at an unfolded one.
setInterval(() => {
  const isBusy = document.hidden || !unfolded.size || document.querySelector("[data-sure], .float") || document.querySelector(".making[open]");
  if (!isBusy) again();
}, 5000);
start({ load });
