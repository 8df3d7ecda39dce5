// The packages: what's installed, and what comes in.
import { call, newKey } from "./api.js";
import { announce, byId, h, icon } from "./dom.js";
import { start } from "./shell.js";
import { sheet } from "./sheet.js";

let packages = [];
const unfolded = new Set();
const faults = new Map(); // id -> what the hub said to the last wish

async function load() {
  try {
    packages = (await call("GET", "/v1/packages")).items;
  } catch (problem) {
    if (problem.status !== 403 && problem.status !== 404) throw problem;
    byId("adding").hidden = true;
    byId("nothing").textContent = problem.message;
    byId("nothing").hidden = false;
    return;
  }
  paint();
}

function paint() {
  const focused = document.activeElement?.closest("[data-act]")?.dataset.act;
  byId("packages").replaceChildren(...packages.map(card));
  byId("nothing").hidden = packages.length > 0;
  const again = [...byId("packages").querySelectorAll("[data-act]")].filter((element) => element.dataset.act === focused);
  again.find((element) => !element.hidden)?.focus();
}

const KINDS = { plugin: "plugin", agent: "agent", script: "script", skill: "skill", server: "MCP server" };

function card(of) {
  return h("li.package", { id: `p-${of.id}` },
    h("details", { open: unfolded.has(of.id), ontoggle: (event) => unfolded[event.target.open ? "add" : "delete"](of.id) },
      h("summary", { "data-act": of.id }, h("b", {}, of.id), h("span.facts", {}, `${KINDS[of.kind] ?? of.kind} · ${of.now.version}`),
        h(`span.state.${of.state}`, {}, of.state === "enabled" ? "In use" : "Off"), of.description && h("span.told", {}, of.description)),
      sheet(of, faults.get(of.id), { wish, update, remove })));
}

// Have something done with a package; what the hub says against it stands on its sheet.
async function wish(of, words, ...requests) {
  faults.delete(of.id);
  try {
    for (const [method, path, body] of requests) {
      const changed = await call(method, `/v1/packages/${encodeURIComponent(of.id)}${path}`, body, method === "POST" ? newKey() : undefined);
      packages = packages.map((other) => (other.id === of.id ? changed : other));
    }
    announce(words);
  } catch (problem) {
    faults.set(of.id, problem.message);
  }
  await load().catch((problem) => faults.set(of.id, problem.message));
}

async function remove(of) {
  try {
    await call("DELETE", `/v1/packages/${encodeURIComponent(of.id)}`);
    announce(`${of.id} is removed.`);
    byId("here-title").scrollIntoView({ block: "nearest" });
    byId("main").focus();
  } catch (problem) {
    faults.set(of.id, problem.message);
  }
  await load().catch(() => {});
}

// --- what comes in

// Tell how far one is, and return how to tell more: (words, fault).
function coming(name) {
  const words = h("p.facts", {}, "On its way…");
  const close = h("button.icon", { type: "button", "aria-label": `Dismiss: ${name}`, hidden: true, onclick: () => row.remove() }, icon("cross"));
  const row = h("li.coming", {}, h("div", {}, h("b", {}, name), words), close);
  byId("comings").append(row);
  return (text, fault = false) => {
    words.textContent = text;
    words.classList.toggle("fault", fault);
    close.hidden = !fault;
    if (text === "") row.remove();
  };
}

async function upload(file) {
  const tell = coming(file.name);
  const form = new FormData();
  form.append("file", file);
  try {
    await came(await call("POST", "/v1/packages?enable=false", form, newKey()));
    tell("");
  } catch (problem) {
    tell(problem.message, true);
  }
}

const STEPS = {
  requested: "Is being fetched…", fetched: "Is here; its files are checked…", verified: "Is unpacked…", unpacked: "Its files are looked at…",
  scanned: "Is made ready…", built: "Is put in its place…",
};
const STEP = 700;

// Have one fetched, and follow it until it's in or has failed.
async function fetchFrom(name, path, body) {
  const tell = coming(name);
  try {
    return await arrive(await call("POST", path, body, newKey()), tell);
  } catch (problem) {
    tell(problem.message, true);
    return false;
  }
}

// Return whether it came in; `of` is an installation that's on its way, or already the package.
async function arrive(of, tell) {
  while (STEPS[of.state]) {
    tell(STEPS[of.state]);
    await new Promise((done) => setTimeout(done, STEP));
    of = await call("GET", `/v1/packages/installations/${encodeURIComponent(of.id)}`);
  }
  const failed = of.state === "failed";
  tell(failed ? of.error || "It failed." : "", failed);
  if (!failed) await came(of.now ? of : await call("GET", `/v1/packages/${encodeURIComponent(of.package)}`));
  return !failed;
}

const update = (of) => fetchFrom(of.id, `/v1/packages/${encodeURIComponent(of.id)}/update?wait=0`);

// What was on its way when somebody left the page is followed again.
async function resume() {
  const { items } = await call("GET", "/v1/packages/installations");
  for (const of of items.filter((each) => STEPS[each.state])) {
    const tell = coming(of.source);
    arrive(of, tell).catch((problem) => tell(problem.message, true));
  }
}

// It's here: unfold its sheet, and lead there.
async function came(of) {
  unfolded.add(of.id);
  await load();
  const summary = byId(`p-${of.id}`)?.querySelector("summary");
  summary?.focus();
  byId(`p-${of.id}`)?.scrollIntoView({ block: "start", behavior: "smooth" });
  const { version } = of.next ?? of.now;
  announce(`${of.id} ${version} is here, ${of.state === "enabled" && !of.next ? "and in use" : "and off until you say so"}.`);
}

async function uploadAll(files) {
  for (const file of files) await upload(file);
}

const zip = byId("zip");
byId("choose").onclick = () => zip.click();
zip.onchange = () => {
  const files = [...zip.files];
  zip.value = ""; // so that the same file, mended, may be chosen again
  uploadAll(files);
};
const drop = byId("drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") uploadAll([...event.dataTransfer.files]);
  });
}
byId("from").addEventListener("submit", async (event) => {
  event.preventDefault();
  const source = byId("source");
  const wanted = source.value.trim();
  source.value = "";
  if (!(await fetchFrom(wanted, "/v1/packages?enable=false&wait=0", { source: wanted })) && !source.value) source.value = wanted;
});

let resumed = false;
start({
  async load() {
    await load();
    if (!resumed && !byId("adding").hidden) resumed = !(await resume());
  },
  hello: (again) => again && load(),
});
