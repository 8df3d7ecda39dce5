// Finding packages in registries: what's found, each one's sheet, and what installs it once that was seen.
import { call } from "./api.js";
import { fetchFrom } from "./coming.js";
import { ago, announce, byId, h, size } from "./dom.js";
import { KINDS } from "./names.js";
import { start } from "./shell.js";
import { n, number, t } from "./words.js";

const SIGNERS = {
  pinned: [t("Signed by its publisher, whose key this hub knows."), "good"],
  rotated: [t("Signed by its publisher’s new key, which the old one vouches for."), "good"],
  new: [t("Signed. It’s the first package of this publisher’s here: their key is remembered, and later ones must have it."), "facts"],
  refused: [t("It can’t be installed: the signature isn’t good."), "fault"],
  unknown: [t("It can’t be installed now: nobody knows whether it’s what was signed."), "fault"],
};

function tell(faults) {
  byId("find-fault").replaceChildren(...faults.map((fault) => h("p.fault", {}, fault)));
}

const path = (query) => `/v1/registries/search?${new URLSearchParams(query)}`;

async function search(query, cursor) {
  const list = byId("offers");
  list.setAttribute("aria-busy", "true");
  try {
    const page = await call("GET", path(cursor ? { ...query, ...cursor } : query));
    const rows = page.items.map(offer);
    cursor ? list.append(...rows) : list.replaceChildren(...rows);
    tell(page.faults);
    byId("none-found").hidden = list.children.length > 0 || page.faults.length > 0;
    more(query, page);
    const count = list.children.length;
    announce(n("One package is found.", "{n} packages are found.", count));
  } catch (problem) {
    tell([problem.message]);
  }
  list.removeAttribute("aria-busy");
}

function more(query, page) {
  const button = byId("more");
  const last = page.items.at(-1);
  button.hidden = !page.next || !last;
  button.onclick = () => search(query, { cursor: page.next, registry: last.registry });
}

const stars = (rating) => (rating.n && rating.mean ? `★ ${number(rating.mean, 1)} (${number(rating.n)})` : t("not rated yet"));

function offer(of) {
  const name = `${of.publisher}/${of.name}`;
  const sheet = h("div.sheet", {}, h("p.none", {}, t("Is looked up…")));
  let isAsked = false;
  const look = async (event) => {
    if (!event.target.open || isAsked) return;
    isAsked = true;
    try {
      const whole = await call("GET", `/v1/registries/packages/${encodeURIComponent(of.publisher)}/${encodeURIComponent(of.name)}`);
      sheet.replaceChildren(...told(whole, name));
    } catch (problem) {
      isAsked = false;
      sheet.replaceChildren(h("p.fault", { role: "alert" }, problem.message));
    }
  };
  return h("li.package.offer", {}, h("details", { ontoggle: look },
    h("summary", {}, h("b", {}, name), h("span.facts", {}, `${KINDS[of.kind] ?? of.kind} · ${of.latest}`), h("span.facts", {}, stars(of.rating)),
      h("span.facts", {}, n("{n} hub", "{n} hubs", of.installs)), of.installed && h("span.state.enabled", {}, t("{version} is here", { version: of.installed })),
      of.description && h("span.told", {}, of.description)),
    sheet));
}

function told(of, name) {
  const [words, how] = SIGNERS[of.signer];
  return [
    h("p", {}, of.what),
    h(`p.${how}`, {}, words, of.key && h("code", { title: t("The key's id") }, ` ${of.key}`)),
    of.doubt && h("p.fault", { role: "alert" }, of.doubt),
    facts(of),
    of.notes.length > 0 && h("ul", {}, of.notes.map((note) => h("li", {}, note))),
    of.found.length > 0 && h("div.findings", { role: "note" }, h("p", {}, h("b", {}, t("The registry’s look at its files found:"))), h("ul", {}, of.found.map((one) => h("li", {}, one)))),
    asking(of, name),
    of.versions.length > 0 && versions(of.versions),
    of.opinions.length > 0 && opinions(of.opinions),
    of.readme_html && readme(of),
  ].filter(Boolean);
}

function facts(of) {
  const row = (title, value) => value && [h("dt", {}, title), h("dd", {}, value)];
  return h("dl", {}, [
    row(t("Version"), of.latest), row(t("From"), of.registry), row(of.kind === "agent" ? t("Would use") : t("Tools"), of.tools.join(", ")),
    row(t("License"), of.license), row(t("Changed"), of.updated_at && ago(of.updated_at)), row(t("Fetched"), n("once", "{n} times", of.downloads)), row(t("About"), of.tags.join(", ")),
  ].filter(Boolean).flat());
}

// What it would be allowed, to be ticked; with all of it it's used at once, else it's put in switched off.
function asking(of, name) {
  const boxes = of.permissions.map((permission) => h("input", { type: "checkbox", value: permission.id, onchange: weigh }));
  const isGood = !["refused", "unknown"].includes(of.signer);
  const button = h("button.primary", { type: "submit" });
  const off = h("button", { type: "button", disabled: !isGood, onclick: () => go(false) }, t("Install, switched off"));
  const words = h("p.facts", { "aria-live": "polite" });
  async function go(isUsed) {
    button.disabled = off.disabled = true;
    words.textContent = t("On its way…");
    const grants = isUsed ? boxes.map((box) => box.value) : boxes.filter((box) => box.checked).map((box) => box.value);
    const isIn = await fetchFrom(name, `/v1/packages?enable=${isUsed}&wait=0`, { source: name, grants }, came);
    words.textContent = isIn ? t("It’s here.") : t("It didn’t come in; why stands above.");
    if (isIn) return;
    off.disabled = false;
    weigh();
  }
  function weigh() {
    button.textContent = boxes.length ? t("Grant this, and install") : t("Install");
    button.disabled = !isGood || of.found.length > 0 || !boxes.every((box) => box.checked);
  }
  function came(of) {
    const { version } = of.next ?? of.now;
    const isUsing = of.state === "enabled" && !of.next;
    const about = { package: of.id, version };
    announce(isUsing ? t("{package} {version} is here, and in use.", about) : t("{package} {version} is here, and off until you say so.", about));
    acts.replaceChildren(h("a", { href: `/packages#p-${of.id}` }, isUsing ? t("{package} {version} is in use", about) : t("{package} {version} is here, and off until you say so", about)));
  }
  const acts = h("div.acts", {}, button, off);
  weigh();
  return h("form", { onsubmit: (event) => { event.preventDefault(); go(true); } },
    boxes.length
      ? h("fieldset", {}, h("legend", {}, t("It asks to")), of.permissions.map((permission, n) => h("label.grant", {}, boxes[n], h("span", {}, permission.meaning, h("code", {}, permission.id)))))
      : h("p", {}, t("It asks for no permission: it reaches no network, no file and no secret.")),
    acts, words);
}

function versions(all) {
  const differs = (one) => [one.added.length > 0 && t("asks besides for {permissions}", { permissions: one.added.join(", ") }), one.removed.length > 0 && t("no longer asks for {permissions}", { permissions: one.removed.join(", ") })].filter(Boolean).join("; ");
  const line = (one) => h("li", {}, h("b", {}, one.version), h("span.facts", {}, [one.published_at && ago(one.published_at), size(one.size)].filter(Boolean).join(" · ")),
    differs(one) && h("span", {}, differs(one)), one.yanked && h("span.fault", {}, t("taken back: {why}", { why: one.yanked })), one.revoked && h("span.fault", {}, t("taken away: {why}", { why: one.revoked })));
  return h("details.part", {}, h("summary", {}, t("Versions ({number})", { number: all.length })), h("ul.lines", {}, all.map(line)));
}

function opinions(all) {
  const line = (one) => h("li", {}, h("b", {}, "★".repeat(one.stars)), h("span.facts", {}, t("{account}, of {version}", one)), one.text && h("span", {}, one.text));
  return h("details.part", {}, h("summary", {}, t("What others think")), h("ul.lines", {}, all.map(line)));
}

function readme(of) {
  const body = h("div.body");
  const message = { html: of.readme_html };
  body.innerHTML = message.html; // Sanitised by the hub.
  return h("details.part", {}, h("summary", {}, t("Its own words")), body);
}

const find = () => {
  return search(Object.fromEntries([["q", byId("words").value.trim()], ["kind", byId("kind").value]].filter(([, value]) => value)));
};
byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});

start({
  async load() {
    try {
      const { items } = await call("GET", "/v1/registries");
      byId("find").hidden = items.length === 0;
      byId("nowhere").hidden = items.length > 0;
      tell(items.filter((one) => one.fault).map((one) => one.fault));
      if (items.length && !byId("offers").children.length) await find();
    } catch (problem) {
      if (problem.status !== 403 && problem.status !== 404) throw problem;
      tell([problem.message]);
    }
  },
});
