// The steps of signing in, after a password or an invitation: choose a tenant, give a code, set up an app.
import { call } from "./api.js";
import { byId, h } from "./dom.js";
import { mixed } from "./phrases.js";
import { t } from "./words.js";

// Say how it stands, to eyes and ears.
export function say(text, kind = "") {
  byId("words").className = kind;
  byId("words").textContent = text;
}

// Do something with a form shut; what goes wrong is told, and the field at fault has the focus.
export async function trying(form, what, words) {
  form.inert = true;
  say(words);
  try {
    await what();
  } catch (problem) {
    form.inert = false;
    tell(problem);
    const field = form.querySelector("[data-again]") ?? form.querySelector("input");
    if (field && (field.type === "password" || field.dataset.code)) field.value = "";
    field?.focus();
  }
}

export function tell(problem) {
  const { status, message } = problem;
  if (status === 409) return say(t("That took too long, or was done elsewhere. Begin again."), "fault");
  say(WRONG[message] ?? sentence(message), "fault");
}

// What goes wrong most often, in the words of the API.
const WRONG = {
  "e-mail or password is wrong": t("E-mail or password is wrong."),
  "the code is wrong; take the one that the app shows now, and see that its clock is right": t("The code is wrong. Take the one that the app shows now, and see that its clock is right."),
  "the code is wrong, or was used; wait for the app's next one": t("The code is wrong, or was used. Wait for the app’s next one."),
};

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

// Go on with what the hub wants next, in place of what the page has shown so far.
export function goOn(next) {
  for (const first of document.querySelectorAll(".first")) first.hidden = true;
  const box = byId("steps");
  box.replaceChildren(...{ choose, code, enrol, done }[next.next](next));
  box.querySelector("input, button, h2")?.focus();
}

function choose({ tenants }) {
  say(t("You’re known in several places. Where to?"));
  return [h("div.places", {}, tenants.map((tenant) =>
    h("button", { type: "button", onclick: (event) => trying(event.currentTarget.parentElement, async () => goOn(await call("POST", "/v1/sign-in/choose", { tenant: tenant.id })), t("Signing in…")) }, tenant.name)))];
}

function code() {
  say(t("One more thing: a code."));
  const input = field("one-time", t("Code from your authenticator app"), { inputMode: "numeric", maxLength: 64 });
  const other = h("button.quiet", { type: "button", onclick: () => {
    input[0].textContent = t("Recovery code");
    input[1].inputMode = "text";
    input[1].value = "";
    input[1].focus();
    other.remove();
  } }, t("The app isn’t here: use a recovery code"));
  return [h("form", { onsubmit: (event) => give(event, "/v1/sign-in/code", input[1]) }, input, h("button.primary", { type: "submit" }, t("Sign in"))), other];
}

function enrol({ secret, uri, qr }) {
  say(t("Here an authenticator app is needed beside the password. Set one up now; it takes a minute."));
  const input = field("one-time", t("Code that the app shows"), { inputMode: "numeric", maxLength: 10 });
  return [...appPicture({ secret, uri, qr }),
    h("form", { onsubmit: (event) => give(event, "/v1/sign-in/enrol", input[1]) }, input, h("button.primary", { type: "submit" }, t("Go on")))];
}

function done({ recovery }) {
  if (!recovery?.length) {
    location.replace("/");
    return [];
  }
  say(t("You’re signed in, and the app is set up."));
  return [...recoveryCodes(recovery), h("button.primary", { type: "button", onclick: () => location.replace("/") }, t("I’ve kept them"))];
}

function give(event, path, input) {
  event.preventDefault();
  trying(event.currentTarget, async () => goOn(await call("POST", path, { code: input.value.trim() })), t("Checking…"));
}

function field(id, label, more) {
  return [h("label", { htmlFor: id }, label),
    h("input", { id, name: id, autocomplete: "one-time-code", autocapitalize: "off", required: true, "data-code": "yes", "aria-describedby": "words", ...more })];
}

// What an app is shown: a picture, or for one on this very device a link, or the secret to be typed.
export function appPicture({ secret, uri, qr }) {
  return [
    h("p", {}, t("Scan this with the app, as Google Authenticator, Aegis, 1Password or Bitwarden.")),
    h("img.qr", { src: qr, alt: t("A code to scan with an authenticator app; the secret stands below as text"), width: 196, height: 196 }),
    h("p.facts", {}, mixed("Or {link}, or type this secret there:", { link: h("a", { href: uri }, t("open it in an app on this device")) })),
    h("p", {}, h("code.secret", { tabIndex: 0, "aria-label": t("The app’s secret") }, secret.match(/.{1,4}/g).join(" "))),
  ];
}

export function recoveryCodes(codes) {
  return [
    h("h2", { tabIndex: -1 }, t("Your recovery codes")),
    h("p", {}, t("Should the app be lost, each of these lets you in once. They’re shown now and never again: print them, or keep them in a password manager.")),
    h("ol.recovery", { "aria-label": t("Recovery codes") }, codes.map((each) => h("li", {}, h("code", {}, each)))),
  ];
}
