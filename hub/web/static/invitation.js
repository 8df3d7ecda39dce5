// Accept an invitation. Its code stays behind the # until it's used, so that loading the page again loses nothing.
import { call } from "./api.js";
import { byId, h } from "./dom.js";
import { goOn, say, tell, trying } from "./entrance.js";
import { openPicker } from "./language.js";
import { t } from "./words.js";

const code = decodeURIComponent(location.hash.slice(1));
const ROLES = {
  owner: t("As its owner. Choose how you sign in."), admin: t("As an admin. Choose how you sign in."),
  operator: t("As an operator. Choose how you sign in."), member: t("As a member. Choose how you sign in."),
};

async function look() {
  const to = await call("POST", "/v1/invitations/look", { code });
  byId("title").textContent = to.known ? t("A new way in") : t("You’re invited to {tenant}", to);
  say(to.known ? t("You’re known at {tenant}. Choose a new password; you’re signed out elsewhere then.", to) : ROLES[to.role]);
  for (const [id, given] of [["name", to.name], ["email", to.email]]) {
    byId(id).value = given;
    byId(id).readOnly = id === "email" && !!given;
  }
  const named = to.known;
  byId("name").hidden = document.querySelector("label[for=name]").hidden = named;
  byId("name").required = !named;
  byId("accept").hidden = false;
  byId("providers").replaceChildren(...to.oidc.map(({ name, title }) => h("button", { type: "button", onclick: () => goTo(name) }, t("Accept with {provider}", { provider: title }))));
  byId("providers").hidden = !to.oidc.length;
  [...byId("accept").querySelectorAll("input")].find((input) => !input.hidden && !input.value)?.focus();
}

async function goTo(name) {
  say(t("Going there…"));
  try {
    location.assign((await call("POST", `/v1/sign-in/oidc/${encodeURIComponent(name)}`, { invitation: code })).url);
  } catch (problem) {
    tell(problem);
  }
}

byId("accept").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = { code, email: byId("email").value.trim(), password: byId("password").value, name: byId("name").value.trim() || null };
  trying(byId("accept"), async () => {
    const next = await call("POST", "/v1/invitations/accept", given);
    history.replaceState(null, "", "/invitation");
    goOn(next);
  }, t("Setting it up…"));
});

openPicker();
if (code) look().catch(tell);
else say(t("This link isn’t whole: what follows the # is missing. Open it as you were given it."), "fault");
