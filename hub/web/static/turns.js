// A task's turns with their steps.
import { h, time } from "./dom.js";
import { STANDINGS } from "./names.js";
import { span } from "./phrases.js";
import { n, number, t } from "./words.js";

const unfolded = new Set();

export function history(turns, verdict) {
  return h("section", { "aria-label": t("Turns") }, h("h2", {}, t("Turns")),
    turns.length ? h("ol.turns", {}, [...turns].sort((a, b) => b.number - a.number).map((turn) => turnOf(turn, verdict))) : h("p.none", {}, t("No turn was taken yet.")));
}

function turnOf(turn, verdict) {
  const steps = turn.steps ?? [];
  const facts = [span(turn.ms), t("{before} → {after} tokens", { before: number(turn.tokens_in), after: number(turn.tokens_out) }), n("{n} step", "{n} steps", steps.length)];
  return h("li", {}, h("details", { open: unfolded.has(turn.id), ontoggle: (event) => unfolded[event.target.open ? "add" : "delete"](turn.id) },
    h("summary", {}, h("b", {}, t("Turn {number}", turn)), h(`span.state.${turn.state}`, {}, STANDINGS[turn.state]), h("span.facts", {}, facts.join(" · ")), time(turn.started_at)),
    h("ol.steps", {}, steps.map(stepOf)),
    turn.answer && h("p.goal", {}, turn.answer), turn.error && h("p.fault", {}, turn.error), turn.verdict && verdict(turn.verdict)));
}

function stepOf(step) {
  return h(step.failed ? "li.failed" : "li", {},
    h("p", {}, h("b", {}, step.kind), step.name !== step.kind && ` ${step.name}`, h("span.facts", {}, `${n("{n} token", "{n} tokens", step.tokens_in + step.tokens_out)} · ${span(step.ms)}`)),
    step.request && h("pre", { tabIndex: 0 }, step.request), step.result && h("pre.result", { tabIndex: 0 }, step.result));
}
