// Sign in, or open an account: the answer brings the session's cookie.
import { call } from "./api.js";
import { byId } from "./dom.js";

const form = byId("door-form");
const fault = byId("door-fault");

// Where one was going, if that's a page of this registry.
function onward() {
  const home = form.dataset.next;
  const asked = new URLSearchParams(location.search).get("next") ?? home;
  const url = URL.canParse(asked, location.origin) ? new URL(asked, location.origin) : location;
  return url.origin === location.origin && url.pathname.startsWith(home) ? url.pathname + url.search + url.hash : home;
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  form.inert = true;
  fault.hidden = true;
  try {
    await call("POST", form.dataset.path, body);
    location.assign(onward());
  } catch (problem) {
    form.inert = false;
    fault.textContent = problem.message;
    fault.hidden = false;
    byId("password").focus();
  }
});
byId("name")?.focus();
