// Inviting people, for those who let people in: make a link, see who took theirs, withdraw one.
import { call, newKey } from "./api.js";
import { ago, byId, h, toast } from "./dom.js";
import { ROLES } from "./names.js";
import { sure } from "./sure.js";
import { t, when } from "./words.js";

const day = (at) => when(at, { dateStyle: "short" });

// Show the invitations; without the right to make any, nothing is shown.
export async function loadInvitations() {
  let found;
  try {
    found = (await call("GET", "/v1/invitations")).items;
  } catch (problem) {
    if (problem.status !== 403) throw problem;
    return;
  }
  byId("invitations").hidden = false;
  byId("invited").replaceChildren(...found.filter((each) => each.state === "open").map(row));
}

function row(invitation) {
  const who = invitation.name || invitation.email || t("Somebody");
  return h("li", {},
    h("div.who", {}, h("b", {}, who), h("span.facts", {}, [ROLES[invitation.role], invitation.email, t("open until {day}", { day: day(invitation.expires_at) }), t("made {ago}", { ago: ago(invitation.created_at) })].filter(Boolean).join(" · "))),
    sure(h("button.quiet", { type: "button", "aria-label": t("Withdraw the invitation of {name}", { name: who }) }, t("Withdraw")), t("Really withdraw?"), () => withdraw(invitation)));
}

async function withdraw(invitation) {
  await call("DELETE", `/v1/invitations/${encodeURIComponent(invitation.id)}`).catch((problem) => toast(problem.message));
  await loadInvitations();
}

byId("invite").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const fault = form.querySelector(".fault");
  fault.hidden = true;
  form.inert = true;
  const given = new FormData(form);
  try {
    const made = await call("POST", "/v1/invitations", { role: given.get("role"), email: given.get("email").trim(), name: given.get("name").trim() || null }, newKey());
    byId("link-made").replaceChildren(
      h("p", {}, t("Give them this link, and nobody else: it lets in whoever opens it first, once, until {day}. It’s shown this once.", { day: day(made.expires_at) })),
      h("p", {}, h("code", { id: "invitation-link", tabIndex: 0 }, made.url)));
    byId("link-made").hidden = false;
    form.reset();
    await loadInvitations();
  } catch (problem) {
    fault.textContent = problem.message;
    fault.hidden = false;
  }
  form.inert = false;
});
