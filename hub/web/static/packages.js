// The packages: what's installed, and what comes in.
import { call, newKey } from "./api.js";
import { arrive, coming, fetchFrom, isComing } from "./coming.js";
import { announce, byId, h } from "./dom.js";
import { KINDS } from "./names.js";
import { start } from "./shell.js";
import { sheet } from "./sheet.js";
import { n, t } from "./words.js";

let packages = [];
const unfolded = new Set(location.hash.startsWith("#p-") ? [location.hash.slice(3)] : []);
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
  byId("look").hidden = !packages.some((of) => of.now.origin);
  const again = [...byId("packages").querySelectorAll("[data-act]")].filter((element) => element.dataset.act === focused);
  again.find((element) => !element.hidden)?.focus();
}

function card(of) {
  return h("li.package", { id: `p-${of.id}` },
    h("details", { open: unfolded.has(of.id), ontoggle: (event) => unfolded[event.target.open ? "add" : "delete"](of.id) },
      h("summary", { "data-act": of.id }, h("b", {}, of.id), h("span.facts", {}, `${KINDS[of.kind] ?? of.kind} · ${of.now.version}`),
        standing(of), of.description && h("span.told", {}, of.description)),
      sheet(of, faults.get(of.id), { wish, update, remove })));
}

function standing(of) {
  const { revoked, yanked } = of.standing ?? {};
  if (revoked) return h("span.state.revoked", {}, t("Taken away"));
  if (yanked) return h("span.state.yanked", {}, of.state === "enabled" ? t("In use, but taken back") : t("Taken back"));
  return h(`span.state.${of.state}`, {}, of.state === "enabled" ? t("In use") : t("Off"));
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
    announce(t("{package} is removed.", { package: of.id }));
    byId("here-title").scrollIntoView({ block: "nearest" });
    byId("main").focus();
  } catch (problem) {
    faults.set(of.id, problem.message);
  }
  await load().catch(() => {});
}

// --- what comes in

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

const update = (of) => fetchFrom(of.id, `/v1/packages/${encodeURIComponent(of.id)}/update?wait=0`, undefined, came);

// What was on its way when somebody left the page is followed again.
async function resume() {
  const { items } = await call("GET", "/v1/packages/installations");
  for (const of of items.filter(isComing)) {
    const tell = coming(of.source);
    arrive(of, tell, came).catch((problem) => tell(problem.message, true));
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
  const about = { package: of.id, version };
  announce(of.state === "enabled" && !of.next ? t("{package} {version} is here, and in use.", about) : t("{package} {version} is here, and off until you say so.", about));
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
  if (!(await fetchFrom(wanted, "/v1/packages?enable=false&wait=0", { source: wanted }, came)) && !source.value) source.value = wanted;
});

byId("look").onclick = async () => {
  byId("look").disabled = true;
  try {
    packages = (await call("POST", "/v1/packages/check", {}, newKey())).items;
    paint();
    const count = packages.filter((of) => of.standing?.newer).length;
    announce(count ? n("{n} can be updated.", "{n} can be updated.", count) : t("There’s nothing newer."));
  } catch (problem) {
    announce(problem.message);
  }
  byId("look").disabled = false;
};

let resumed = false;
start({
  async load() {
    await load();
    if (!resumed && !byId("adding").hidden) resumed = !(await resume());
  },
  hello: (again) => again && load(),
});
