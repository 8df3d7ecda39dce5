// Who's known and by which accounts, who asks to be let in, and how to link one more account of one's own.
import { call, newKey } from "./api.js";
import { ago, byId, h, menu, toast } from "./dom.js";
import { onStatus, start } from "./shell.js";
import { sure } from "./sure.js";

const KINDS = { telegram: "Telegram", xmpp: "XMPP", http: "Web" };
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
    h(`button${act}`, { type: "button", "aria-label": `${words}: ${who}`, onclick, ...name }, words);
  return h("li", {},
    h("div.who", {}, h("b", {}, who), h("span.facts", {}, `${named(request)} · ${request.sender} · ${ago(request.created_at)}`)),
    h("div.acts", {},
      button("", "Refuse", {}, () => answer(request, "deny", undefined, `${who} isn’t let in.`)),
      people.length > 1 && button("", "Let in as…", { "aria-haspopup": "menu", "aria-expanded": "false" }, (event) => chooseWho(event.currentTarget, request)),
      button(".primary", "Let in", {}, () => answer(request, "approve", {}, `${who} is let in.`))));
}

function chooseWho(button, request) {
  menu(button, "One more account of", people.filter((person) => person.role !== "group").map((person) => ({
    label: person.id === me.id ? `${person.name} (you)` : person.name,
    pick: () => answer(request, "approve", { person: person.id }, `${request.sender} is ${person.name}’s from now on.`),
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

const ROLES = { owner: "owner", member: "", group: "a shared chat" };

function personOf(person) {
  return h("li.person", {},
    h("div.who", {}, h("b", {}, person.name), h("span.facts", {}, [ROLES[person.role], `since ${ago(person.created_at)}`].filter(Boolean).join(" · "))),
    h("ul.persons", {}, person.accounts.map((account) => accountOf(account, person))));
}

// Unlinking is asked twice: who writes from there is a stranger afterwards.
function accountOf(account, person) {
  return h("li.account", {},
    h("div.who", {}, h("span", {}, account.sender), h("span.facts", {}, `${named(account)} · linked ${ago(account.created_at)}`)),
    sure(h("button.quiet", { type: "button", "aria-label": `Unlink ${account.sender}` }, "Unlink"), "Really unlink?", () => unlink(account, person)));
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
      h("p", {}, "Your code is ", h("code", {}, made.code), `, good until ${new Date(made.expires_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}.`,
        ways.length ? "" : " Write ", ways.length ? "" : h("code", {}, made.say), ways.length ? "" : " to the hub from your other account."),
      h("div.ways", {}, ways.map((way) => h("article.way", {},
        h("h3", {}, named(way)),
        way.qr && h("img", { src: way.qr, alt: `A code to scan: it opens ${named(way)} with your pairing code`, width: 168, height: 168 }),
        way.link && h("a.button", { href: way.link, rel: "noreferrer" }, `Open ${platform(way)}`),
        h("p.facts", {}, "or write ", h("code", {}, made.say), way.account ? ` to ${way.account}` : " to the hub there")))));
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
setInterval(() => document.hidden || document.querySelector("[data-sure], .float") || again(), 5000);
start({ load });
