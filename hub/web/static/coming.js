// Packages on their way in: how far each is, until it's here or has failed.
import { call, newKey } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { t } from "./words.js";

// Tell how far one is, and return how to tell more: (words, fault).
export function coming(name) {
  const words = h("p.facts", {}, t("On its way…"));
  const close = h("button.icon", { type: "button", "aria-label": t("Dismiss: {name}", { name }), hidden: true, onclick: () => row.remove() }, icon("cross"));
  const row = h("li.coming", {}, h("div", {}, h("b", {}, name), words), close);
  byId("comings").append(row);
  return (text, fault = false) => {
    words.textContent = text;
    words.classList.toggle("fault", fault);
    close.hidden = !fault;
    if (text === "") row.remove();
  };
}

const STEPS = {
  requested: t("Is being fetched…"), fetched: t("Is here; its files are checked…"), verified: t("Is unpacked…"), unpacked: t("Its files are looked at…"),
  scanned: t("Is made ready…"), built: t("Is put in its place…"),
};
const STEP = 700;

export const isComing = (of) => !!STEPS[of.state];

// Have one fetched, and follow it until it's in or has failed.
export async function fetchFrom(name, path, body, came) {
  const tell = coming(name);
  try {
    return await arrive(await call("POST", path, body, newKey()), tell, came);
  } catch (problem) {
    tell(problem.message, true);
    return false;
  }
}

// Return whether it came in; `of` is an installation that's on its way, or already the package.
export async function arrive(of, tell, came) {
  while (STEPS[of.state]) {
    tell(STEPS[of.state]);
    await new Promise((done) => setTimeout(done, STEP));
    of = await call("GET", `/v1/packages/installations/${encodeURIComponent(of.id)}`);
  }
  const failed = of.state === "failed";
  tell(failed ? of.error || t("It failed.") : "", failed);
  if (!failed) await came(of.now ? of : await call("GET", `/v1/packages/${encodeURIComponent(of.package)}`));
  return !failed;
}
