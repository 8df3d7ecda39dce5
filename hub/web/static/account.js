// One's own account: password, authenticator app, linked accounts, and where one is signed in.
import { call, newKey } from "./api.js";
import { ago, byId, h } from "./dom.js";
import { appPicture, recoveryCodes } from "./entrance.js";
import { openPicker } from "./language.js";
import { ROLES, deviceOf } from "./names.js";
import { start } from "./shell.js";
import { sure } from "./sure.js";
import { n, t } from "./words.js";

let mine = null;

async function load() {
  const [me, account, sessions] = await Promise.all([call("GET", "/v1/whoami"), call("GET", "/v1/account"), call("GET", "/v1/sessions")]);
  mine = account;
  byId("who").textContent = `${me.person.name} · ${ROLES[me.person.role]}`;
  paintPassword();
  paintApp();
  paintLinked();
  byId("sessions").replaceChildren(...sessions.items.map(place));
  byId("end-others").hidden = sessions.items.length < 2;
}

const say = (words, kind = "") => { byId("said").className = kind; byId("said").textContent = words; };

// Do something, then show how it stands; what goes wrong is told where one looks.
async function act(what, words) {
  try {
    await what();
    await load();
    say(words);
  } catch (problem) {
    say(problem.message, "fault");
  }
}

// --- password

function paintPassword() {
  byId("password-facts").textContent = mine.has_password
    ? t("You sign in as {email}; the password was set {ago}.", { email: mine.email, ago: ago(mine.changed_at) }) : t("You have none yet.");
  byId("password-box").querySelector("summary").textContent = mine.has_password ? t("Change it") : t("Set one");
  byId("email").value = mine.email;
  byId("old").hidden = document.querySelector("label[for=old]").hidden = !mine.has_password;
  byId("old").required = mine.has_password;
}

byId("password-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const fault = form.querySelector(".fault");
  fault.hidden = true;
  form.inert = true;
  try {
    await call("PUT", "/v1/account/password", { email: byId("email").value.trim(), old: byId("old").value, new: byId("new").value });
    form.reset();
    byId("password-box").open = false;
    await load();
    say(t("Your password is set. You’re signed out everywhere else."));
  } catch (problem) {
    fault.textContent = problem.message;
    fault.hidden = false;
  }
  form.inert = false;
});

// --- the app

function paintApp() {
  byId("app-facts").textContent = mine.totp_at
    ? `${t("Set up {ago}: its codes are asked for when you sign in.", { ago: ago(mine.totp_at) })} ${n("{n} recovery code is left.", "{n} recovery codes are left.", mine.recovery_left)}`
    : mine.has_password ? t("None is set up: the password alone lets you in.") : t("Set a password first.");
  const button = (words, onclick) => h("button", { type: "button", onclick }, words);
  byId("app-acts").replaceChildren(...[
    mine.has_password && button(mine.totp_at ? t("Set up another one") : t("Set one up"), setUp),
    mine.totp_at && button(t("New recovery codes"), () => prove(t("Show new recovery codes"), async (password) => showCodes(await call("POST", "/v1/account/recovery", { password }, newKey())))),
    mine.totp_at && !mine.totp_needed && button(t("Do without it"), () => prove(t("Do without the app"), async (password) => { await call("POST", "/v1/account/totp/end", { password }, newKey()); byId("app-box").replaceChildren(); })),
  ].filter(Boolean));
}

async function setUp() {
  try {
    const app = await call("POST", "/v1/account/totp", undefined, newKey());
    const code = h("input", { id: "app-code", inputMode: "numeric", autocomplete: "one-time-code", maxLength: 10, required: true });
    ask(appPicture(app), [h("label", { htmlFor: "app-code" }, t("Code that the app shows")), code], t("Use it from now on"),
      async (password) => showCodes(await call("POST", "/v1/account/totp/confirm", { setting_up: app.setting_up, code: code.value.trim(), password }, newKey())));
    code.focus();
  } catch (problem) {
    say(problem.message, "fault");
  }
}

const prove = (words, what) => {
  ask([], [], words, what);
  byId("app-password").focus();
};

// Ask for the password, which proves that it's oneself, and do something with it.
function ask(before, fields, words, what) {
  const password = h("input", { id: "app-password", type: "password", autocomplete: "current-password", maxLength: 1024, required: true });
  const name = h("input.sr", { autocomplete: "username", value: mine.email, tabIndex: -1, "aria-hidden": "true", readOnly: true });
  const fault = h("p.fault", { role: "alert", hidden: true });
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    form.inert = true;
    fault.hidden = true;
    try {
      await what(password.value);
      await load();
    } catch (problem) {
      fault.textContent = problem.message;
      fault.hidden = false;
      form.inert = false;
    }
  } }, name, ...fields, h("label", { htmlFor: "app-password" }, t("Your password")), password, fault, h("button.primary", { type: "submit" }, words));
  byId("app-box").replaceChildren(...before, form);
}

function showCodes({ recovery }) {
  byId("app-box").replaceChildren(...recoveryCodes(recovery), h("button", { type: "button", onclick: () => byId("app-box").replaceChildren() }, t("I’ve kept them")));
  byId("app-box").querySelector("h2").focus();
}

// --- linked accounts

function paintLinked() {
  const linked = new Set(mine.linked.map((each) => each.provider));
  byId("linked-section").hidden = !mine.linked.length && !mine.providers.length;
  byId("linked").replaceChildren(...mine.linked.map((each) => h("li", {},
    h("div.who", {}, h("b", {}, each.title), h("span.facts", {}, [each.email, t("linked {ago}", { ago: ago(each.created_at) })].filter(Boolean).join(" · "))),
    sure(h("button.quiet", { type: "button", "aria-label": t("Unlink {account}", { account: each.title }) }, t("Unlink")), t("Really unlink?"),
      () => act(() => call("DELETE", `/v1/account/oidc?${new URLSearchParams({ issuer: each.issuer, subject: each.subject })}`), t("It’s unlinked."))))));
  byId("link-acts").replaceChildren(...mine.providers.filter(({ name }) => !linked.has(name)).map(({ name, title }) =>
    h("button", { type: "button", onclick: () => act(async () => location.assign((await call("POST", `/v1/account/oidc/${encodeURIComponent(name)}`, undefined, newKey())).url), t("Going there…")) }, t("Link {account}", { account: title }))));
}

// --- sessions

function place(session) {
  return h("li", {},
    h("div.who", {}, h("b", {}, deviceOf(session.device), session.current && h("span.facts", {}, " ", t("this one"))),
      h("span.facts", {}, [t("signed in {ago}", { ago: ago(session.created_at) }), t("used {ago}", { ago: ago(session.seen_at) })].join(" · "))),
    !session.current && h("button.quiet", { type: "button", "aria-label": t("Sign out {device}", { device: deviceOf(session.device) }), onclick: () => act(() => call("DELETE", `/v1/sessions/${session.id}`), t("It’s signed out.")) }, t("Sign out")));
}

byId("end-others").onclick = () => act(() => call("DELETE", "/v1/sessions"), t("You’re signed out everywhere else."));
openPicker((language) => call("PUT", "/v1/people/me/preferences", { language }));
if (location.hash === "#!linked") {
  history.replaceState(null, "", "/account");
  say(t("It’s linked: you can sign in by it from now on."));
}
start({ load });
