// How the pages look: a name, colours and a logo, shown as they'd be before they're used.
import { call } from "./api.js";
import { byId, h } from "./dom.js";
import { start } from "./shell.js";
import { sure } from "./sure.js";
import { t } from "./words.js";

const HEX = /^#[0-9a-f]{6}$/i;
let look = null;
let picture = ""; // a logo that was chosen and isn't kept yet, as a data: URL

async function load() {
  look = await call("GET", "/v1/brand");
  const { scopes } = await call("GET", "/v1/whoami");
  const mayChange = scopes.includes("admin");
  byId("open").hidden = !mayChange;
  byId("closed").hidden = mayChange;
  byId("closed").textContent = t("How these pages look is chosen by whoever owns this place.");
  if (mayChange) fill();
}

const own = (name) => (look.own.includes(name) ? look[name] : "");

function fill() {
  picture = "";
  byId("brand").reset();
  byId("name").value = own("name");
  byId("name").placeholder = look.name;
  byId("accent").value = own("accent");
  byId("accent").placeholder = look.accent;
  byId("accent-dark").value = own("accent_dark");
  byId("no-logo").hidden = !look.own.includes("logo");
  byId("back").hidden = !look.own.length;
  byId("hosts").hidden = !look.hosts.length;
  byId("no-hosts").hidden = look.hosts.length > 0;
  byId("names").replaceChildren(...look.hosts.map((name) => h("li", {}, name)));
  preview();
}

const light = () => (HEX.test(byId("accent").value) ? byId("accent").value : look.accent);
const dark = () => (HEX.test(byId("accent-dark").value) ? byId("accent-dark").value : byId("accent").value ? lighter(light()) : look.accent_dark);

// --- the picture of it

function preview() {
  byId("accent-pick").value = light();
  byId("dark-pick").value = dark();
  byId("accent-dark").placeholder = dark();
  byId("previews").replaceChildren(shop("lit", light()), shop("dim", dark()));
}

function shop(kind, accent) {
  const name = byId("name").value || look.name;
  // Without a logo of its own, a name or a colour of its own has a letter.
  const isNew = byId("name").value || byId("accent").value;
  const logo = picture || (look.own.includes("logo") || !isNew ? look.logo : letter(name, light()));
  const box = h(`div.shop.${kind}`, {},
    h("aside", {}, h("div.mark-of", {}, h("img", { src: logo, alt: "" }), h("span", {}, name)), h("p", {}, t("Chat")), h("p", {}, t("Tasks")), h("p", {}, t("People"))),
    h("div.said-there", {},
      h("p.their", {}, t("When do you open?")),
      h("p.ours", {}, t("At nine."), " ", h("u", {}, t("All our hours"))),
      h("span.press", {}, t("Sign in"))));
  box.style.setProperty("--p-accent", accent);
  box.style.setProperty("--p-on", ink(accent));
  return box;
}

// As the hub measures it (hub/colours.py), to show what it will take; it's the hub that decides.
function contrast(one, other) {
  const [low, high] = [one, other].map((colour) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

// The nearest lighter shade of the same hue that's read in dark pages.
function lighter(colour) {
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [least, most] = [Math.min(...parts), Math.max(...parts)];
  const middle = (least + most) / 2;
  const reach = Math.min(middle, 1 - middle);
  for (let step = 0; step <= 100; step += 1) {
    const light = middle + ((1 - middle) * step) / 100;
    // Hue and saturation stay as they are: each part keeps its place between the least and the most.
    const part = reach ? Math.min(light, 1 - light) / reach : 0;
    const shade = step ? `#${parts.map((each) => Math.round((light + (each - middle) * part) * 255).toString(16).padStart(2, "0")).join("")}` : colour;
    if (contrast(shade, "#282622") >= 4.5) return shade;
  }
  return "#ffffff";
}

const letter = (name, accent) => `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="${accent}"/><text x="16" y="22.6" text-anchor="middle" fill="${ink(accent)}" font-family="system-ui, sans-serif" font-size="19" font-weight="700">${name[0].toUpperCase().replace(/[<&]/, "")}</text></svg>`)}`;
const ink = (accent) => (contrast(accent, "#ffffff") >= 4.5 ? "#fff" : "#000");

// --- changing it

const say = (words) => { byId("said").textContent = words; };

async function act(work, words) {
  byId("fault").hidden = true;
  say("");
  try {
    look = await work();
    fill();
    dress();
    say(words);
  } catch (problem) {
    byId("fault").textContent = problem.message;
    byId("fault").hidden = false;
  }
}

// Have this very page look so at once: its next load would.
function dress() {
  document.querySelector(".brand span").textContent = look.name;
  document.querySelector(".brand img").src = look.logo;
  document.querySelector(".brand img").removeAttribute("width"); // Logos are as wide as they are.
  document.title = `${t("Look")} · ${look.name}`;
  document.documentElement.dataset.site = look.name;
  document.querySelectorAll('link[href^="/brand/"][rel="stylesheet"]').forEach((link) => link.remove());
  document.head.append(h("link", { rel: "stylesheet", href: look.style }));
}

byId("brand").onsubmit = (event) => {
  event.preventDefault();
  act(() => call("PATCH", "/v1/brand", {
    name: byId("name").value.trim(), accent: byId("accent").value, accent_dark: byId("accent-dark").value,
    ...(picture ? { logo: picture.slice(picture.indexOf(",") + 1) } : {}),
  }), t("Your pages look so from now on."));
};
byId("no-logo").onclick = () => act(() => call("PATCH", "/v1/brand", { logo: "" }), t("The logo is gone."));
sure(byId("back"), t("Really? Name, colours and logo are forgotten."), () => act(() => call("DELETE", "/v1/brand"), t("Your pages look as the hub’s own.")));
byId("logo").onchange = () => {
  const [file] = byId("logo").files;
  picture = "";
  if (!file) return preview();
  const reader = new FileReader();
  reader.onload = () => { picture = reader.result; preview(); };
  reader.readAsDataURL(file);
};
for (const [pick, words] of [["accent-pick", "accent"], ["dark-pick", "accent-dark"]]) {
  byId(pick).oninput = () => { byId(words).value = byId(pick).value; preview(); };
}
byId("brand").addEventListener("input", (event) => { if (event.target.type !== "color") preview(); });
start({ load });
