// A task's turns with their steps.
import { h, time } from "./dom.js";

const unfolded = new Set();

export function history(turns, verdict) {
  return h("section", { "aria-label": "Turns" }, h("h2", {}, "Turns"),
    turns.length ? h("ol.turns", {}, [...turns].sort((a, b) => b.number - a.number).map((turn) => turnOf(turn, verdict))) : h("p.none", {}, "No turn was taken yet."));
}

function turnOf(turn, verdict) {
  const steps = turn.steps ?? [];
  const facts = [seconds(turn.ms), `${turn.tokens_in} → ${turn.tokens_out} tokens`, `${steps.length} ${steps.length === 1 ? "step" : "steps"}`];
  return h("li", {}, h("details", { open: unfolded.has(turn.id), ontoggle: (event) => unfolded[event.target.open ? "add" : "delete"](turn.id) },
    h("summary", {}, h("b", {}, `Turn ${turn.number}`), h(`span.state.${turn.state}`, {}, turn.state), h("span.facts", {}, facts.join(" · ")), time(turn.started_at)),
    h("ol.steps", {}, steps.map(stepOf)),
    turn.answer && h("p.goal", {}, turn.answer), turn.error && h("p.fault", {}, turn.error), turn.verdict && verdict(turn.verdict)));
}

function stepOf(step) {
  return h(step.failed ? "li.failed" : "li", {},
    h("p", {}, h("b", {}, step.kind), step.name !== step.kind && ` ${step.name}`, h("span.facts", {}, `${step.tokens_in + step.tokens_out} tokens · ${seconds(step.ms)}`)),
    step.request && h("pre", { tabIndex: 0 }, step.request), step.result && h("pre.result", { tabIndex: 0 }, step.result));
}

const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
