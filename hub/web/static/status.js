// What's wrong with the hub, each with a way out, and how its parts are.
import { ago, byId, h, size } from "./dom.js";
import { STANDINGS } from "./names.js";
import { STATES, onStatus, start } from "./shell.js";
import { locale, n, number, t } from "./words.js";

const LEVELS = { fault: t("Doesn’t work"), warn: t("Works, but") };

function alertOf(alert) {
  return h("li", {},
    h("div.who", {}, h("b", {}, alert.text), h("span.facts", {}, `${LEVELS[alert.level]} · ${alert.fix}`)));
}

function fact(name, ...told) {
  return h("li", {}, h("div.who", {}, h("b", {}, name), h("span.facts", {}, told.filter(Boolean).join(" · "))));
}

const QUEUES = {
  "inbox.ready": (count) => n("{n} message to be answered", "{n} messages to be answered", count),
  "inbox.held": (count) => n("{n} message is being answered", "{n} messages are being answered", count),
  "inbox.dead": (count) => n("{n} message was given up", "{n} messages were given up", count),
  "outbox.ready": (count) => n("{n} answer to be delivered", "{n} answers to be delivered", count),
  "outbox.held": (count) => n("{n} answer is being delivered", "{n} answers are being delivered", count),
  "outbox.dead": (count) => n("{n} answer was given up", "{n} answers were given up", count),
};
const queued = (counts) => Object.entries(counts).map(([what, count]) => QUEUES[what]?.(count) ?? `${number(count)} ${what}`);
const counted = (counts) => Object.entries(counts).map(([what, count]) => t("{state}: {number}", { state: STATES[what], number: number(count) }));
const model = (info) => [info.model, STANDINGS[info.state] ?? info.state, info.tokens_per_second && t("{number} tokens/s", { number: number(info.tokens_per_second) }),
  info.money_today && t("{money} spent today", { money: info.money_today.toLocaleString(locale, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 }) })];

function paint(status) {
  if (!status) return;
  byId("alerts").replaceChildren(...status.alerts.map(alertOf));
  byId("well").hidden = status.alerts.length > 0;
  byId("facts").replaceChildren(
    fact(t("Hub"), t("version {version}", status), t("started {ago}", { ago: ago(status.started_at) })),
    fact(t("Answers"), ...model(status.llm)),
    fact(t("Decides"), ...model(status.decisions)),
    ...status.bridges.map((bridge) => fact(t("Bridge {name}", bridge), STANDINGS[bridge.state], bridge.account, bridge.waiting && n("{n} to be delivered", "{n} to be delivered", bridge.waiting))),
    ...(status.hubs.length < 2 ? [] : status.hubs.map((hub) => fact(t("Hub {name}", hub), STANDINGS[hub.state], hub.boot === status.boot && t("this one"), hub.leases.join(", ")))),
    fact(t("Queues"), queued(status.queues).join(", ") || t("empty")),
    fact(t("Tasks"), counted(status.tasks).join(", ") || t("none open")),
    fact(t("Database"), size(status.store.bytes)));
}

onStatus(paint);
start({ load: async () => {} });
