// What's wrong with the hub, each with a way out, and how its parts are.
import { ago, byId, h } from "./dom.js";
import { onStatus, start } from "./shell.js";

const LEVELS = { fault: "Doesn’t work", warn: "Works, but" };

function alertOf(alert) {
  return h("li", {},
    h("div.who", {}, h("b", {}, alert.text), h("span.facts", {}, `${LEVELS[alert.level]} · ${alert.fix}`)));
}

function fact(name, ...told) {
  return h("li", {}, h("div.who", {}, h("b", {}, name), h("span.facts", {}, told.filter(Boolean).join(" · "))));
}

const counted = (counts, none) => Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(", ") || none;
const size = (bytes) => (bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const model = (info) => [info.model, info.state, info.tokens_per_second && `${Math.round(info.tokens_per_second)} tokens/s`,
  info.money_today && `${info.money_today.toPrecision(3)} spent today`];

function paint(status) {
  if (!status) return;
  byId("alerts").replaceChildren(...status.alerts.map(alertOf));
  byId("well").hidden = status.alerts.length > 0;
  byId("facts").replaceChildren(
    fact("Hub", `version ${status.version}`, `started ${ago(status.started_at)}`),
    fact("Answers", ...model(status.llm)),
    fact("Decides", ...model(status.decisions)),
    ...status.bridges.map((bridge) => fact(`Bridge ${bridge.name}`, bridge.state, bridge.account, bridge.waiting && `${bridge.waiting} to be delivered`)),
    ...(status.hubs.length < 2 ? [] : status.hubs.map((hub) => fact(`Hub ${hub.name}`, hub.state, hub.boot === status.boot && "this one", hub.leases.join(", ")))),
    fact("Queues", counted(status.queues, "empty")),
    fact("Tasks", counted(status.tasks, "none open")),
    fact("Database", size(status.store.bytes)));
}

onStatus(paint);
start({ load: async () => {} });
