// Why a message went to its task.
import { h, hue } from "./dom.js";
import { float } from "./floating.js";
import { percent } from "./phrases.js";
import { n, number, t } from "./words.js";

const RULES = {
  explicit: t("You said which task it’s about."),
  reply: t("You replied to a message of this task."),
  thread: t("Its thread belongs to this task."),
  first: t("There was no other open task."),
  errand: t("It asks for one tool and nothing else."),
  model: t("The model weighed the open tasks and found this the likeliest."),
  asked: t("It was too close to call, so you were asked."),
  corrected: t("You moved it here."),
  fallback: t("The model couldn’t be asked in time, so a plain rule decided."),
  command: t("It’s a command."),
};

export function explain(button, message) {
  const { route, task } = message;
  const facts = [route.model, route.tokens && n("{n} token", "{n} tokens", route.tokens), t("{n} ms", { n: number(route.ms) })].filter(Boolean);
  const box = h("div.panel", { role: "dialog", "aria-label": t("Why this task"), tabIndex: -1 },
    h("p.title", {}, task ? t("Why {task}?", { task: `#${task.number}` }) : t("Why this task?")),
    h("p", {}, RULES[route.rule] ?? route.rule),
    route.reason && h("p", {}, route.reason),
    h("ul.bars", {}, [...route.candidates].sort((a, b) => b.probability - a.probability).map(bar)),
    h("p.facts", {}, facts.join(" · ")));
  float(button, box);
  box.focus();
}

function bar(candidate) {
  const fill = h("i");
  fill.style.width = `${Math.max(candidate.probability * 100, 1)}%`;
  const evidence = Object.entries(candidate.evidence ?? {}).map(([name, value]) => `${name} ${value > 0 ? "+" : ""}${number(Number(value), 2)}`);
  const name = candidate.task ? `#${candidate.number ?? "?"} ${candidate.title}` : t("A new task");
  return h(`li.${candidate.number ? hue(candidate) : "t"}`, {},
    h("span.name", {}, name), h("span.percent", {}, percent(candidate.probability)), h("span.track", {}, fill),
    evidence.length > 0 && h("small", {}, evidence.join(", ")));
}
