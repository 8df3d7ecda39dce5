// Forms that are sent as JSON: what they say stands in their data-method, data-path and data-next.
import { call, newKey } from "./api.js";
import { sure } from "./sure.js";

function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (field.name) body[field.name] = field.dataset.kind === "boolean" ? field.value === "true" : field.value;
  }
  return Object.keys(body).length || form.dataset.method !== "DELETE" ? body : undefined;
}

// `path` is the button's own, where a form has several.
async function send(form, path) {
  const { method, next } = form.dataset;
  const fault = form.querySelector(".fault");
  const done = form.querySelector(".done");
  form.inert = true;
  fault.hidden = true;
  try {
    await call(method, path, bodyOf(form), method === "POST" ? newKey() : undefined);
  } catch (problem) {
    form.inert = false;
    fault.textContent = problem.message;
    fault.hidden = false;
    return;
  }
  if (!done) return next ? location.assign(next) : location.reload();
  form.inert = false;
  form.reset();
  done.hidden = false;
}

for (const form of document.querySelectorAll("form.act[data-method]")) {
  const same = form.querySelector("[data-same]");
  for (const button of form.querySelectorAll("[data-sure]")) {
    const question = button.dataset.sure;
    delete button.dataset.sure;
    button.type = "button";
    sure(button, question, () => form.reportValidity() && send(form, button.dataset.path ?? form.dataset.path));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (same && same.value !== same.dataset.same) return same.select();
    send(form, event.submitter?.dataset.path ?? form.dataset.path);
  });
  form.hidden = false;
}
