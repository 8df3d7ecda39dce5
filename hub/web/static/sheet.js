// A package's sheet: what it is, where it's from, what it asks for; and the buttons that go with it.
import { ago, h } from "./dom.js";
import { sure } from "./sure.js";

// `on` has what the buttons do: wish(package, words, ...requests) and remove(package).
export function sheet(of, fault, on) {
  return h("div.sheet", {},
    h("p", {}, of.what),
    facts(of),
    of.notes.length > 0 && h("ul", {}, of.notes.map((note) => h("li", {}, note))),
    of.found.length > 0 && findings(of.found),
    asking(of, on),
    fault && h("p.fault", { role: "alert" }, fault));
}

function facts(of) {
  const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
  const { now, before, next } = of;
  return h("dl", {},
    row("Version", now.version, before && h("span.facts", {}, ` before: ${before.version}`)),
    next && row("Waits", `${next.version}: it isn’t used before you say so`),
    row("From", now.source || "unknown"),
    row("Digest", h("code", { title: now.digest }, now.digest.slice(0, 12))),
    of.tools.length > 0 && row(of.kind === "agent" ? "Would use" : "Tools", of.tools.join(", ")),
    row("Changed", ago(of.updated_at)));
}

function findings(found) {
  return h("div.findings", { role: "note" },
    h("p", {}, h("b", {}, "A look at its files found:")), h("ul", {}, found.map((one) => h("li", {}, one))));
}

// The permissions with their boxes, and the buttons. An update starts with what the version before it was granted.
function asking(of, on) {
  const latest = of.next ?? of.now;
  const known = new Set([...latest.grants, ...(of.state === "disabled" ? of.before?.grants ?? [] : [])]);
  const boxes = of.permissions.map((permission) => h("input", { type: "checkbox", value: permission.id, checked: known.has(permission.id), onchange: weigh }));
  const ticked = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const all = () => boxes.every((box) => box.checked);
  const grants = () => ["PUT", "/grants", { grants: ticked() }];
  const act = (name, words, onclick, kind = "") => h(`button${kind}`, { type: "button", "data-act": `${name} ${of.id}`, onclick }, words);
  const enable = act("switch", of.next ? `Use ${of.next.version}` : "Enable", () => on.wish(of, `${of.id} is in use.`, grants(), ["POST", "/enable"]), ".primary");
  const disable = act("switch", "Disable", () => on.wish(of, `${of.id} is off.`, ["POST", "/disable"]));
  const save = act("save", "Save permissions", () => on.wish(of, "Saved.", grants()));
  const hint = h("p.facts", { id: `hint-${of.id}` });
  function weigh() {
    const isOn = of.state === "enabled" && !of.next;
    const changed = ticked().sort().join() !== [...latest.grants].sort().join();
    enable.hidden = isOn;
    disable.hidden = of.state !== "enabled";
    enable.disabled = !all();
    save.hidden = !changed || (!isOn && all());
    hint.textContent = all() ? "" : isOn && changed ? "Without all of it it’s switched off." : "It runs only with all that it asks for. Tick what you grant.";
    hint.hidden = !hint.textContent;
  }
  enable.setAttribute("aria-describedby", hint.id);
  weigh();
  return h("form", { onsubmit: (event) => event.preventDefault() },
    boxes.length
      ? h("fieldset", {}, h("legend", {}, "It asks to"), of.permissions.map((permission, n) => h("label.grant", {}, boxes[n], h("span", {}, permission.meaning, h("code", {}, permission.id)))), hint)
      : h("p", {}, "It asks for no permission: it reaches no network, no file and no secret."),
    h("div.acts", {}, enable, disable, save,
      isFetched(of) && sure(act("update", "Update"), "Really update?", () => on.wish(of, `${of.id} is updated.`, ["POST", "/update"])),
      of.next && sure(act("forget", `Forget ${of.next.version}`), "Really forget?", () => on.wish(of, `${of.id} stays ${of.now.version}.`, ["POST", "/rollback"])),
      !of.next && of.before && sure(act("back", `Roll back to ${of.before.version}`), "Really roll back?", () => on.wish(of, `${of.id} is ${of.before.version} again.`, ["POST", "/rollback"])),
      sure(act("remove", "Remove", null, ".danger"), "Really remove?", () => on.remove(of))));
}

// What was uploaded is updated by uploading it again; what has an address can be fetched anew.
const isFetched = (of) => !!of.now.source && !/^(uploaded|dev): /.test(of.now.source);
