// A package's sheet: what it is, where it's from, what it asks for; and the buttons that go with it.
import { ago, h } from "./dom.js";
import { sure } from "./sure.js";
import { mixed } from "./phrases.js";
import { t } from "./words.js";

// `on` has what the buttons do: wish(package, words, ...requests), update(package) and remove(package).
export function sheet(of, fault, on) {
  return h("div.sheet", {},
    h("p", {}, of.what),
    facts(of),
    of.standing && standing(of.standing),
    of.notes.length > 0 && h("ul", {}, of.notes.map((note) => h("li", {}, note))),
    of.found.length > 0 && findings(of.found),
    asking(of, on),
    fault && h("p.fault", { role: "alert" }, fault));
}

function facts(of) {
  const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
  const { now, before, next } = of;
  const shown = next ?? now;
  return h("dl", {},
    row(t("Version"), now.version, next ? h("b", {}, " ", t("{version} waits", next)) : before && h("span.facts", {}, " ", t("before: {version}", before))),
    row(t("From"), shown.source || t("unknown")),
    row(t("Signed"), ...(shown.origin ? mixed("{key} by {publisher}, at {registry}", { key: h("code", {}, shown.origin.key), publisher: shown.origin.name.split("/")[0], registry: shown.origin.registry }) : [t("by nobody")])),
    row(t("Digest"), h("code", { title: shown.digest }, shown.digest.slice(0, 12))),
    of.tools.length > 0 && row(of.kind === "agent" ? t("Would use") : t("Tools"), of.tools.join(", ")),
    row(t("Changed"), ago(of.updated_at)));
}

// What its registry said last.
function standing({ yanked, revoked, newer, fault }) {
  return h("div", {},
    revoked && h("p.fault", { role: "note" }, t("Its registry took it away, so it can’t be used: {why}", { why: revoked })),
    yanked && h("p.fault", { role: "note" }, t("Its publisher took it back: {why}", { why: yanked })),
    newer && h("p", {}, t("Version {version} is there, since {ago}.", { version: newer.version, ago: ago(newer.since) })),
    fault && h("p.facts", {}, t("Whether it was taken back isn’t known just now: {why}", { why: fault })));
}

function findings(found) {
  return h("div.findings", { role: "note" },
    h("p", {}, h("b", {}, t("A look at its files found:"))), h("ul", {}, found.map((one) => h("li", {}, one))));
}

// The permissions with their boxes, and the buttons. What an earlier version was granted is ticked, and waits for a word.
function asking(of, on) {
  const { next } = of;
  const isOn = of.state === "enabled";
  const earlier = new Set(isOn ? [] : of.before?.grants);
  const granted = of.permissions.filter((permission) => permission.granted).map((permission) => permission.id).sort().join();
  const boxes = of.permissions.map((permission) => h("input", { type: "checkbox", value: permission.id, checked: permission.granted || earlier.has(permission.id), onchange: weigh }));
  const ticked = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const all = () => boxes.every((box) => box.checked);
  const grants = () => ["PUT", "/grants", { grants: ticked() }];
  const act = (name, words, onclick, kind = "") => h(`button${kind}`, { type: "button", "data-act": `${name} ${of.id}`, onclick }, words);
  const enable = act("switch", next ? t("Use {version}", next) : t("Enable"), () => on.wish(of, t("{package} is in use.", { package: of.id }), grants(), ["POST", "/enable"]), ".primary");
  const disable = act(next ? "off" : "switch", t("Disable"), () => on.wish(of, t("{package} is off.", { package: of.id }), ["POST", "/disable"]));
  const save = act("save", t("Save permissions"), () => on.wish(of, t("Saved."), grants()));
  const hint = h("p.facts", { id: `hint-${of.id}` });
  function weigh() {
    const changed = ticked().sort().join() !== granted;
    enable.hidden = isOn && !next;
    enable.disabled = !all();
    disable.hidden = !isOn;
    save.hidden = !changed || (enable.hidden ? false : all());
    hint.textContent = all() ? "" : isOn && changed ? t("Without all of it it’s switched off.") : t("It runs only with all that it asks for. Tick what you grant.");
    hint.hidden = !hint.textContent;
  }
  enable.setAttribute("aria-describedby", hint.id);
  weigh();
  return h("form", { onsubmit: (event) => event.preventDefault() },
    next && h("p", {}, isOn ? t("Version {version} is here, and isn’t used before you say so. Until then {now} goes on.", { version: next.version, now: of.now.version }) : t("Version {version} is here, and isn’t used before you say so.", next)),
    boxes.length
      ? h("fieldset", {}, h("legend", {}, t("It asks to")), of.permissions.map((permission, n) => h("label.grant", {}, boxes[n], h("span", {}, permission.meaning, h("code", {}, permission.id)))), hint)
      : h("p", {}, t("It asks for no permission: it reaches no network, no file and no secret.")),
    h("div.acts", {}, enable, disable, save,
      !next && isFetched(of) && sure(act("update", of.standing?.newer ? t("Update to {version}", of.standing.newer) : t("Update")), t("Really update?"), () => on.update(of)),
      next && sure(act("back", t("Forget {version}", next)), t("Really forget it?"), () => on.wish(of, t("{version} is forgotten.", next), ["POST", "/rollback"])),
      !next && of.before && sure(act("back", t("Roll back to {version}", of.before)), t("Really roll back?"), () => on.wish(of, t("{package} is {version} again.", { package: of.id, version: of.before.version }), ["POST", "/rollback"])),
      sure(act("remove", t("Remove"), null, ".danger"), t("Really remove?"), () => on.remove(of))));
}

// What was uploaded is updated by uploading it again; what has an address can be fetched anew.
const isFetched = (of) => !!of.now.source && !/^(uploaded|dev): /.test(of.now.source);
