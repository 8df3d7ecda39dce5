// What's never shown again: words, values with a button that copies each, and a way to put it away.
import { announce, byId, h, icon } from "./dom.js";
import { t } from "./words.js";

// Show values by their names in a place of the page; those that are empty are left out.
export function once(place, words, values) {
  const close = h("button", { type: "button", onclick: () => byId(place).replaceChildren() }, t("I’ve kept it"));
  byId(place).replaceChildren(h("div.once", {},
    h("p", {}, words), h("p", {}, t("This is the only time that it’s shown.")),
    Object.entries(values).filter(([, value]) => value).map(([name, value]) => h("div", {},
      h("span.facts", {}, name), h("div.secret-line", {}, h("code", {}, value), copies(value)))),
    h("div.acts", {}, close)));
  byId(place).scrollIntoView({ block: "nearest" });
}

// A button that copies a text; null over plain HTTP, where browsers let nobody: there it's marked and copied by hand.
function copies(text) {
  if (!navigator.clipboard) return null;
  const words = h("span", {}, t("Copy"));
  return h("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(text);
    words.textContent = t("Copied");
    announce(t("Copied"));
    setTimeout(() => { words.textContent = t("Copy"); }, 2000);
  } }, icon("copy"), words);
}
