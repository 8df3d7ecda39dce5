// What an assignment is made of: its plan, whose points its person may tick off, drop, take up again, add to.
import { call } from "./api.js";
import { ago, chip, h, size, toast } from "./dom.js";
import { STATES } from "./shell.js";
import { mixed } from "./phrases.js";
import { n, t } from "./words.js";

const LONGEST = 160;

// Return the sections of an assignment's page; `changed` gets the task as it's kept after a change.
export async function partsOf(task, changed) {
  const below = (await call("GET", `/v1/tasks?parent=${task.id}`)).items.reverse();
  const made = (await call("GET", `/v1/tasks/${task.id}/artefacts`)).items;
  return [above(task), plan(task, changed), subtasks(below), files(task, made)].filter(Boolean);
}

function files(task, made) {
  const href = (file) => `/v1/tasks/${task.id}/artefacts/${file.sha256}`;
  return made.length > 0 && h("section", { "aria-label": t("Files"), id: "files" }, h("h2", {}, t("Files")),
    h("ul.plan", {}, made.map((file) => h("li.point", {}, h("a", { href: href(file), target: "_blank", rel: "noopener" }, file.name),
      h("span.facts", {}, [file.kind === "sent" && t("sent to you"), size(file.size), file.turn && t("turn {number}", { number: file.turn }), ago(file.at)].filter(Boolean).join(" · "))))));
}

const above = (task) => task.parent && h("p.facts", {}, mixed("Part of {task}", { task: h("a", { href: `/tasks/${task.parent}` }, t("the task above")) }));

function subtasks(below) {
  return below.length > 0 && h("section", { "aria-label": t("Subtasks"), id: "subtasks" }, h("h2", {}, t("Subtasks")),
    h("ul.plan", {}, below.map((task) => h("li.point", {}, chip(task), h(`span.state.${task.state}`, {}, STATES[task.state])))));
}

function plan(task, changed) {
  const put = async (points) => {
    try {
      changed(await call("PUT", `/v1/tasks/${task.id}/plan`, { points }));
      return true;
    } catch (problem) {
      toast(problem.message);
    }
  };
  const counted = task.plan.filter((point) => point.state !== "dropped");
  const done = counted.filter((point) => point.state === "done").length;
  return h("section", { "aria-label": t("Plan"), id: "plan" },
    h("h2", {}, t("Plan"), counted.length > 0 && h("span.facts", {}, " ", n("{done} of {n} done", "{done} of {n} done", counted.length, { done }))),
    h("ol.plan", {}, task.plan.map((point, at) => item(point, at, task.plan, put))), adding(task.plan, put));
}

function item(point, at, points, put) {
  const become = (state) => put(points.map((other, n) => (n === at ? { ...other, state } : other)));
  const dropped = point.state === "dropped";
  const tick = h("input", { type: "checkbox", checked: point.state === "done", disabled: dropped, "data-act": `tick-${at}`,
    onchange: (event) => become(event.target.checked ? "done" : "open") });
  return h(`li.point.${point.state}`, {}, h("label", {}, tick, h("span", {}, point.text)),
    point.state !== "done" && h("button.quiet", { type: "button", "data-act": `drop-${at}`, onclick: () => become(dropped ? "open" : "dropped") },
      dropped ? t("Take up again") : t("Drop")));
}

function adding(points, put) {
  const text = h("input", { type: "text", maxLength: LONGEST, required: true, placeholder: t("Add a point…"), "aria-label": t("A new point"), "data-act": "add-point" });
  return h("form.found", { onsubmit: async (event) => {
    event.preventDefault();
    const words = text.value.trim();
    text.value = ""; // what's typed stays through every drawing of the page but this one
    if (words && !(await put([...points, { text: words }]))) text.value = words;
  } }, text, h("button", { type: "submit" }, t("Add")));
}
