// The account: signing out, making tokens, and its publishers' keys.
import { call, newKey } from "./api.js";
import { byId, h } from "./dom.js";
import { keyBox } from "./keys.js";
import { copying } from "./registry.js";

const out = byId("sign-out");
out.hidden = false;
out.onclick = async () => {
  await call("DELETE", byId("token-form").dataset.path.replace(/tokens$/, "session")).catch(() => {});
  location.assign(document.querySelector(".brand").href);
};

const form = byId("token-form");
const fault = form.querySelector(".fault");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = new FormData(form);
  const one = given.get("one").trim();
  const scopes = [...given.getAll("scope"), ...(one ? [`publish:${one}`] : [])];
  fault.hidden = true;
  form.inert = true;
  try {
    show(await call("POST", form.dataset.path, { name: given.get("name"), scopes, days: Number(given.get("days")) }, newKey()), given.get("name"), scopes);
    form.hidden = true;
  } catch (problem) {
    fault.textContent = problem.message;
    fault.hidden = false;
  }
  form.inert = false;
});

// The token stands on the page until one leaves it, and nowhere else.
function show(made, name, scopes) {
  const button = h("button.icon", { type: "button", "data-copy": made.token, "aria-label": "Copy the token", title: "Copy", hidden: true });
  const again = h("button", { type: "button", onclick: () => location.reload() }, "Done");
  byId("fresh").replaceChildren(
    h("p", {}, h("b", {}, "This token is shown once."), " Copy it now to where it’s used: nobody, we neither, can read it again."),
    h("div.copy", {}, h("pre", { tabIndex: 0, "aria-label": "The token" }, h("code", { id: "token" }, made.token)), button),
    h("p.facts", {}, `${name}: ${scopes.join(", ")}`), again);
  copying(button);
  byId("fresh").hidden = false;
}

for (const box of document.querySelectorAll(".key-box[data-publisher]")) keyBox(box, () => location.reload());
