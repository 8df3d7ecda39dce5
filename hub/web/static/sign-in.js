// Sign in: by e-mail and password, by somebody who vouches, or by what stands behind the # of a link or in owner.key.
// None of it reaches a server's log: browsers keep what's behind the # to themselves, the rest is in bodies.
import { call, newKey } from "./api.js";
import { byId, h } from "./dom.js";
import { goOn, say, tell, trying } from "./entrance.js";
import { openPicker } from "./language.js";
import { t } from "./words.js";

// Why one came back from somebody who vouches without being signed in, by the word behind #!.
const BACK = {
  "nobody-here": t("That account is nobody’s here yet. Open your invitation and accept it there by that account, or link it on the page of your account here."),
  "begin-again": t("That sign-in wasn’t begun in this browser, or took too long. Begin again."),
  "too-many": t("Too many tries. Wait a minute, then begin again."),
  "provider-away": t("Whoever vouches for you can’t be reached just now. Try again in a moment."),
  "provider-said-no": t("Whoever vouches for you said no, or didn’t prove who they are."),
};

async function byCode(code, instead = false) {
  byId("door").inert = byId("key-door").inert = true;
  say(t("Signing in…"));
  try {
    await call("POST", "/v1/sign-in", { code, instead }, newKey());
    location.replace("/");
  } catch (problem) {
    byId("door").inert = byId("key-door").inert = false;
    if (problem.status === 409) return ask(code);
    say(problem.passing ? `${problem.message} ${t("Try again in a moment.")}`
      : t("This link or key doesn’t work. A link is good for an hour, and until the hub restarts: on the hub’s machine, agenthost status --link prints a fresh one. Or paste the key from owner.key."), "fault");
    byId("with-key").open = true;
    byId("code").focus();
  }
}

// A link that somebody else sent would have one write into their chats.
function ask(code) {
  say(t("You’re signed in here as somebody else than this link is for. Go on only if you asked for it yourself."), "fault");
  const on = h("button.primary", { type: "button", onclick: () => byCode(code, true) }, t("Sign in by the link"));
  for (const first of document.querySelectorAll(".first")) first.hidden = true;
  byId("steps").replaceChildren(on, h("p", {}, h("a", { href: "/" }, t("Stay signed in as you are"))));
  on.focus();
}

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = { email: byId("email").value.trim(), password: byId("password").value };
  trying(byId("door"), async () => goOn(await call("POST", "/v1/sign-in/password", given)), t("Signing in…"));
});
byId("key-door").addEventListener("submit", (event) => {
  event.preventDefault();
  byCode(byId("code").value.trim());
});

async function showProviders() {
  const { oidc } = await call("GET", "/v1/sign-in");
  byId("providers").replaceChildren(...oidc.map(({ name, title }) => h("button", { type: "button", onclick: () => goTo(name) }, t("Continue with {provider}", { provider: title }))));
  byId("providers").hidden = !oidc.length;
}

async function goTo(name) {
  say(t("Going there…"));
  try {
    location.assign((await call("POST", `/v1/sign-in/oidc/${encodeURIComponent(name)}`, {})).url);
  } catch (problem) {
    tell(problem);
  }
}

function plain(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // It's no code, and is told so.
  }
}

openPicker();
const behind = location.hash.slice(1);
if (behind) history.replaceState(null, "", "/sign-in");
if (behind && !behind.startsWith("!")) {
  byCode(plain(behind));
} else {
  if (behind) say(BACK[behind.slice(1)] ?? BACK["begin-again"], "fault");
  byId("email").focus();
}
showProviders().catch(() => {});
