// Why a message went to its task.
import { float, h, hue } from "./dom.js";

const RULES = {
  explicit: "You said which task it’s about.",
  reply: "You replied to a message of this task.",
  thread: "Its thread belongs to this task.",
  first: "There was no other open task.",
  errand: "It asks for one tool and nothing else.",
  model: "The model weighed the open tasks and found this the likeliest.",
  asked: "It was too close to call, so you were asked.",
  corrected: "You moved it here.",
  fallback: "The model couldn’t be asked in time, so a plain rule decided.",
  command: "It’s a command.",
};

export function explain(button, message) {
  const { route, task } = message;
  const facts = [route.model, route.tokens && `${route.tokens} tokens`, `${Math.round(route.ms)} ms`].filter(Boolean);
  const box = h("div.panel", { role: "dialog", "aria-label": "Why this task", tabIndex: -1 },
    h("p.title", {}, task ? `Why #${task.number}?` : "Why this task?"),
    h("p", {}, RULES[route.rule] ?? route.rule),
    route.reason && h("p", {}, route.reason),
    h("ul.bars", {}, [...route.candidates].sort((a, b) => b.probability - a.probability).map(bar)),
    h("p.facts", {}, facts.join(" · ")));
  float(button, box);
  box.focus();
}

function bar(candidate) {
  const percent = Math.round(candidate.probability * 100);
  const fill = h("i");
  fill.style.width = `${Math.max(percent, 1)}%`;
  const evidence = Object.entries(candidate.evidence ?? {}).map(([name, value]) => `${name} ${value > 0 ? "+" : ""}${Number(value).toFixed(2)}`);
  const name = candidate.task ? `#${candidate.number ?? "?"} ${candidate.title}` : "A new task";
  return h(`li.${candidate.number ? hue(candidate) : "t"}`, {},
    h("span.name", {}, name), h("span.percent", {}, `${percent} %`), h("span.track", {}, fill),
    evidence.length > 0 && h("small", {}, evidence.join(", ")));
}
