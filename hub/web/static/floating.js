// Boxes and menus that float beside a button.
import { h, icon } from "./dom.js";

// Open a floating box beside a button. Esc or a click elsewhere closes it, and the button has the focus again.
export function float(button, box) {
  if (button.getAttribute("aria-expanded") === "true" || button === shutting) {
    shutting = null;
    return;
  }
  box.popover = "auto";
  box.classList.add("float");
  document.body.append(box);
  button.setAttribute("aria-expanded", "true");
  box.showPopover();
  place(button, box);
  // A press on the button itself closes the box; the click that follows mustn't open it again.
  const press = (event) => { shutting = button.contains(event.target) ? button : null; };
  document.addEventListener("pointerdown", press, true);
  box.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const inside = box.contains(document.activeElement) || document.activeElement === document.body;
    document.removeEventListener("pointerdown", press, true);
    box.remove();
    button.setAttribute("aria-expanded", "false");
    if (inside && button.isConnected) button.focus();
  });
}

let shutting = null;

function place(button, box) {
  const at = button.getBoundingClientRect();
  const below = innerHeight - at.bottom > box.offsetHeight + 16 || at.top < box.offsetHeight + 16;
  const top = below ? at.bottom + 6 : at.top - box.offsetHeight - 6;
  box.style.top = `${Math.max(8, Math.min(top, innerHeight - box.offsetHeight - 8))}px`;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
}

// Open a menu: `items` are {label, note, hue, checked, pick}. Arrows, Home, End move; Enter picks.
export function menu(button, title, items) {
  const entries = items.map((item) =>
    h(`button.item.${item.hue || "t"}`,
      { type: "button", role: item.checked === undefined ? "menuitem" : "menuitemradio", "aria-checked": item.checked?.toString(),
        tabIndex: -1, onclick: () => { box.hidePopover(); item.pick(); } },
      h("i"), h("span", {}, item.label), item.note && h("small", {}, item.note), item.checked && icon("check")));
  const box = h("div.menu", { role: "menu", "aria-label": title, onkeydown: (event) => walk(event, entries) },
    h("p.title", {}, title), entries);
  float(button, box);
  (entries.find((_, n) => items[n].checked) ?? entries[0])?.focus();
}

function walk(event, entries) {
  const at = entries.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (event.key === "Tab") event.currentTarget.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  entries.at(to % entries.length).focus();
}
