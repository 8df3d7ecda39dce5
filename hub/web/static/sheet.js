// A package's sheet: what it is, where it's from, what it asks for; and the buttons that go with it.
import { ago, h } from "./dom.js";
import { sure } from "./sure.js";

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
    row("Version", now.version, next ? h("b", {}, ` ${next.version} waits`) : before && h("span.facts", {}, ` before: ${before.version}`)),
    row("From", shown.source || "unknown"),
    row("Signed", shown.origin && h("code", {}, shown.origin.key), shown.origin ? ` by ${shown.origin.name.split("/")[0]}, at ${shown.origin.registry}` : "by nobody"),
    row("Digest", h("code", { title: shown.digest }, shown.digest.slice(0, 12))),
    of.tools.length > 0 && row(of.kind === "agent" ? "Would use" : "Tools", of.tools.join(", ")),
    row("Changed", ago(of.updated_at)));
}

// What its registry said last.
function standing({ yanked, revoked, newer, fault }) {
  return h("div", {},
    revoked && h("p.fault", { role: "note" }, `Its registry took it away, so it can’t be used: ${revoked}`),
    yanked && h("p.fault", { role: "note" }, `Its publisher took it back: ${yanked}`),
    newer && h("p", {}, `Version ${newer.version} is there, since ${ago(newer.since)}.`),
    fault && h("p.facts", {}, `Whether it was taken back isn’t known just now: ${fault}`));
}

function findings(found) {
  return h("div.findings", { role: "note" },
    h("p", {}, h("b", {}, "A look at its files found:")), h("ul", {}, found.map((one) => h("li", {}, one))));
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
  const enable = act("switch", next ? `Use ${next.version}` : "Enable", () => on.wish(of, `${of.id} is in use.`, grants(), ["POST", "/enable"]), ".primary");
  const disable = act(next ? "off" : "switch", "Disable", () => on.wish(of, `${of.id} is off.`, ["POST", "/disable"]));
  const save = act("save", "Save permissions", () => on.wish(of, "Saved.", grants()));
  const hint = h("p.facts", { id: `hint-${of.id}` });
  function weigh() {
    const changed = ticked().sort().join() !== granted;
    enable.hidden = isOn && !next;
    enable.disabled = !all();
    disable.hidden = !isOn;
    save.hidden = !changed || (enable.hidden ? false : all());
    hint.textContent = all() ? "" : isOn && changed ? "Without all of it it’s switched off." : "It runs only with all that it asks for. Tick what you grant.";
    hint.hidden = !hint.textContent;
  }
  enable.setAttribute("aria-describedby", hint.id);
  weigh();
  return h("form", { onsubmit: (event) => event.preventDefault() },
    next && h("p", {}, `Version ${next.version} is here, and isn’t used before you say so.${isOn ? ` Until then ${of.now.version} goes on.` : ""}`),
    boxes.length
      ? h("fieldset", {}, h("legend", {}, "It asks to"), of.permissions.map((permission, n) => h("label.grant", {}, boxes[n], h("span", {}, permission.meaning, h("code", {}, permission.id)))), hint)
      : h("p", {}, "It asks for no permission: it reaches no network, no file and no secret."),
    h("div.acts", {}, enable, disable, save,
      !next && isFetched(of) && sure(act("update", of.standing?.newer ? `Update to ${of.standing.newer.version}` : "Update"), "Really update?", () => on.update(of)),
      next && sure(act("back", `Forget ${next.version}`), "Really forget it?", () => on.wish(of, `${next.version} is forgotten.`, ["POST", "/rollback"])),
      !next && of.before && sure(act("back", `Roll back to ${of.before.version}`), "Really roll back?", () => on.wish(of, `${of.id} is ${of.before.version} again.`, ["POST", "/rollback"])),
      sure(act("remove", "Remove", null, ".danger"), "Really remove?", () => on.remove(of))));
}

// What was uploaded is updated by uploading it again; what has an address can be fetched anew.
const isFetched = (of) => !!of.now.source && !/^(uploaded|dev): /.test(of.now.source);
