// Who's known and by which accounts, who asks to be let in, and how to link one more account of one's own.
import { call, newKey } from "./api.js";
import { ago, byId, h, menu, toast } from "./dom.js";
import { loadInvitations } from "./invite.js";
import { ROLES } from "./names.js";
import { onStatus, start } from "./shell.js";
import { sure } from "./sure.js";
import { mixed } from "./phrases.js";
import { clock, t } from "./words.js";

const KINDS = { telegram: "Telegram", xmpp: "XMPP", http: t("Web") };
const platform = (what) => KINDS[what.kind] ?? what.kind ?? what.bridge;
const named = (what) => (what.bridge === what.kind || !what.kind ? platform(what) : `${platform(what)} (${what.bridge})`);
let me = null;
let people = [];
let knocks = null; // null: this person lets nobody in
let waiting = -1;

async function load() {
  me = (await call("GET", "/v1/people/me"));
  people = (await call("GET", "/v1/people")).items;
  try {
    knocks = (await call("GET", "/v1/pairings")).items;
  } catch (problem) {
    if (problem.status !== 403) throw problem;
    knocks = null;
  }
  paint();
  await loadInvitations();
}

const again = () => load().catch((problem) => toast(problem.message));

function paint() {
  const mayLetIn = knocks !== null;
  byId("requests").hidden = byId("others").hidden = !mayLetIn;
  byId("knocks").replaceChildren(...(knocks ?? []).map(knock));
  byId("nobody").hidden = knocks?.length > 0;
  byId("mine").replaceChildren(...me.accounts.map((account) => accountOf(account, me)));
  byId("alone").hidden = me.accounts.length > 0;
  const others = people.filter((person) => person.id !== me.id);
  byId("everybody").replaceChildren(...others.map(personOf));
  byId("only-you").hidden = others.length > 0;
}

// --- who asks

function knock(request) {
  const who = request.name || request.sender;
  const button = (act, words, name, onclick) =>
    h(`button${act}`, { type: "button", "aria-label": t("{act}: {what}", { act: words, what: who }), onclick, ...name }, words);
  return h("li", {},
    h("div.who", {}, h("b", {}, who), h("span.facts", {}, `${named(request)} · ${request.sender} · ${ago(request.created_at)}`)),
    h("div.acts", {},
      button("", t("Refuse"), {}, () => answer(request, "deny", undefined, t("{name} isn’t let in.", { name: who }))),
      people.length > 1 && button("", t("Let in as…"), { "aria-haspopup": "menu", "aria-expanded": "false" }, (event) => chooseWho(event.currentTarget, request)),
      button(".primary", t("Let in"), {}, () => answer(request, "approve", {}, t("{name} is let in.", { name: who })))));
}

function chooseWho(button, request) {
  menu(button, t("One more account of"), people.filter((person) => person.role !== "group").map((person) => ({
    label: person.id === me.id ? t("{name} (you)", person) : person.name,
    pick: () => answer(request, "approve", { person: person.id }, t("{account} is {name}’s from now on.", { account: request.sender, name: person.name })),
  })));
}

async function answer(request, how, body, words) {
  try {
    await call("POST", `/v1/pairings/${encodeURIComponent(request.id)}/${how}`, body, newKey());
    toast(words);
  } catch (problem) {
    toast(problem.message);
  }
  await again();
}

// --- who's known

function personOf(person) {
  return h("li.person", {},
    h("div.who", {}, h("b", {}, person.name), h("span.facts", {}, [person.role !== "member" && ROLES[person.role], t("since {ago}", { ago: ago(person.created_at) }), person.suspended_at && t("locked out")].filter(Boolean).join(" · "))),
    person.role !== "owner" && h("div.acts", {}, lock(person)),
    h("ul.persons", {}, person.accounts.map((account) => accountOf(account, person))));
}

// Whoever is locked out is signed out everywhere, and keeps what they have.
function lock(person) {
  const { name } = person;
  const change = (how, words) => call("POST", `/v1/people/${encodeURIComponent(person.id)}/${how}`, undefined, newKey()).then(() => toast(words), (problem) => toast(problem.message)).then(again);
  return person.suspended_at
    ? h("button", { type: "button", "aria-label": t("Let in again: {name}", { name }), onclick: () => change("resume", t("{name} is let in again.", { name })) }, t("Let in again"))
    : sure(h("button.quiet", { type: "button", "aria-label": t("Lock out {name}", { name }) }, t("Lock out")), t("Really lock out?"), () => change("suspend", t("{name} is locked out.", { name })));
}

// Unlinking is asked twice: who writes from there is a stranger afterwards.
function accountOf(account, person) {
  return h("li.account", {},
    h("div.who", {}, h("span", {}, account.sender), h("span.facts", {}, `${named(account)} · ${t("linked {ago}", { ago: ago(account.created_at) })}`)),
    sure(h("button.quiet", { type: "button", "aria-label": t("Unlink {account}", { account: account.sender }) }, t("Unlink")), t("Really unlink?"), () => unlink(account, person)));
}

async function unlink(account, person) {
  const query = new URLSearchParams({ bridge: account.bridge, sender: account.sender });
  await call("DELETE", `/v1/people/${encodeURIComponent(person.id)}/accounts?${query}`).catch((problem) => toast(problem.message));
  await again();
}

// --- one more account of one's own

async function link() {
  byId("link").disabled = true;
  try {
    const made = await call("POST", "/v1/pairings", undefined, newKey());
    const ways = made.ways.filter((way) => way.account || way.link);
    byId("linking").hidden = false;
    byId("linking").replaceChildren(
      h("p", {}, mixed("Your code is {code}, good until {time}.", { code: h("code", {}, made.code), time: clock(made.expires_at) }),
        ways.length ? "" : [" ", mixed("Write {words} to the hub from your other account.", { words: h("code", {}, made.say) })]),
      h("div.ways", {}, ways.map((way) => h("article.way", {},
        h("h3", {}, named(way)),
        way.qr && h("img", { src: way.qr, alt: t("A code to scan: it opens {platform} with your pairing code", { platform: named(way) }), width: 168, height: 168 }),
        way.link && h("a.button", { href: way.link, rel: "noreferrer" }, t("Open {platform}", { platform: platform(way) })),
        h("p.facts", {}, way.account ? mixed("or write {words} to {account}", { words: h("code", {}, made.say), account: way.account })
          : mixed("or write {words} to the hub there", { words: h("code", {}, made.say) }))))));
  } catch (problem) {
    toast(problem.message);
  }
  byId("link").disabled = false;
}

byId("link").onclick = link;
onStatus((status) => {
  if (status && status.requests !== waiting && waiting >= 0) again();
  if (status) waiting = status.requests;
});
// An account that's just been linked, a stranger who's just written: looked for while somebody looks.
setInterval(() => document.hidden || document.querySelector("[data-sure], .float, #invite:focus-within") || again(), 5000);
start({ load });
