// What an assignment is made of: its plan, whose points its person may tick off, drop, take up again, add to.
import { call } from "./api.js";
import { h, toast } from "./dom.js";

const LONGEST = 160;

// Return the sections of an assignment's page; `changed` gets the task as it's kept after a change.
export async function partsOf(task, changed) {
  return [plan(task, changed)];
}

function plan(task, changed) {
  const put = async (points) => {
    try {
      changed(await call("PUT", `/v1/tasks/${task.id}/plan`, { points }));
    } catch (problem) {
      toast(problem.message);
    }
  };
  const counted = task.plan.filter((point) => point.state !== "dropped");
  const done = counted.filter((point) => point.state === "done").length;
  return h("section", { "aria-label": "Plan", id: "plan" },
    h("h2", {}, "Plan", counted.length > 0 && h("span.facts", {}, ` ${done} of ${counted.length} done`)),
    h("ol.plan", {}, task.plan.map((point, at) => item(point, at, task.plan, put))), adding(task.plan, put));
}

function item(point, at, points, put) {
  const become = (state) => put(points.map((other, n) => (n === at ? { ...other, state } : other)));
  const dropped = point.state === "dropped";
  const tick = h("input", { type: "checkbox", checked: point.state === "done", disabled: dropped, "data-act": `tick-${at}`,
    onchange: (event) => become(event.target.checked ? "done" : "open") });
  return h(`li.point.${point.state}`, {}, h("label", {}, tick, h("span", {}, point.text)),
    point.state !== "done" && h("button.quiet", { type: "button", "data-act": `drop-${at}`, onclick: () => become(dropped ? "open" : "dropped") },
      dropped ? "Take up again" : "Drop"));
}

function adding(points, put) {
  const text = h("input", { type: "text", maxLength: LONGEST, required: true, placeholder: "Add a point…", "aria-label": "A new point", "data-act": "add-point" });
  return h("form.found", { onsubmit: (event) => {
    event.preventDefault();
    const words = text.value.trim();
    if (words) put([...points, { text: words }]);
  } }, text, h("button", { type: "submit" }, "Add"));
}
