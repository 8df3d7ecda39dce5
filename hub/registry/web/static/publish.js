// Publish from the page: the zip is looked into, the browser signs, and both are sent. The private key stays here.
import { call } from "./api.js";
import { byId, h, size } from "./dom.js";
import { fileField, keyBox } from "./keys.js";
import { canSign, digest, sealRelease, statedIn } from "./sign.js";

const desk = byId("desk");
const { api, root } = desk?.dataset ?? {};
const publisher = byId("publisher");
let archive = null; // {name, bytes, look}
let statement = null; // the envelope as text

const tell = (words) => { byId("fault").textContent = words; byId("fault").hidden = !words; };
// Have an element hold these; what's false is left out.
const fill = (element, ...kids) => element.replaceChildren(...kids.flat().filter(Boolean));
const busy = (words) => { byId("busy").textContent = words; };

async function take(files) {
  tell("");
  const isStatement = (file) => /\.json$/i.test(file.name);
  for (const file of files.filter((each) => !isStatement(each)).slice(0, 1)) await takeArchive(file);
  for (const file of files.filter(isStatement)) takeStatement(file.name, await file.text());
  if (archive) await draw();
}

function takeStatement(name, text) {
  if (statedIn(text)) statement = text;
  else tell(`${name} is no signed statement: it should be a DSSE envelope, as agenthost publish makes it.`);
}

async function takeArchive(file) {
  statement = null;
  byId("outcome").hidden = true;
  busy("It’s looked into…");
  const form = new FormData();
  form.append("archive", file);
  try {
    const look = await call("POST", `${api}/looks`, form);
    archive = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()), look };
  } catch (problem) {
    archive = null;
    byId("look").hidden = byId("signing").hidden = true;
    tell(problem.message);
  }
  busy("");
}

async function draw() {
  const { look, bytes } = archive;
  const full = `${publisher.value}/${look.name}`;
  fill(byId("look"),
    h("h2", { id: "look-title" }, `${full} ${look.version}`),
    h("p", {}, look.description), h("p", {}, look.what),
    look.asks.length ? [h("p", {}, h("b", {}, "It asks to:")), h("ul.asks-for", {}, look.asks.map((ask) => h("li", {}, ask.meaning, h("code", {}, ask.id))))]
      : h("p", {}, "It asks for no permission: it reaches no network, no file and no secret."),
    look.findings.length > 0 && h("div.note.held", { role: "note" }, h("p", {}, h("b", {}, "The scan found, and a moderator will look at:")), h("ul", {}, look.findings.map((one) => h("li", {}, one)))),
    h("dl", {}, h("dt", {}, "File"), h("dd", {}, `${archive.name}, ${size(bytes.byteLength)}`), h("dt", {}, "SHA-256"), h("dd", {}, h("code.long", {}, crypto.subtle ? await digest(bytes) : look.sha256))));
  byId("look").hidden = false;
  await drawSigning(full);
}

async function drawSigning(full) {
  const section = byId("signing");
  const title = h("h2", { id: "signing-title" }, "Sign it");
  const current = publisher.selectedOptions[0].dataset.key;
  section.hidden = false;
  if (statement) return fill(section, title, ...stated(full));
  if (!current) {
    const box = h("div.key-box", { "data-publisher": publisher.value, "data-current": "", "data-path": `${api}/publishers/${publisher.value}/keys` });
    fill(section, title, h("p", {}, `${publisher.value} has no key yet.`), box);
    return keyBox(box, (key) => { publisher.selectedOptions[0].dataset.key = key.id; sign(key, full); });
  }
  fill(section, title,
    (await canSign())
      ? h("div.key-box", {}, h("p", {}, "Your browser signs: the key’s file is read in this page, and neither it nor a copy is sent."), fileField(`The file of the key ${current}`, (key) => sign(key, full), tell))
      : h("p.facts", {}, "This browser can’t sign here: it needs HTTPS, and Chrome 137, Firefox 129 or Safari 17 or later. Drop a statement beside the zip, or use agenthost publish."),
    h("p.facts", {}, "Or drop the statement that you have."));
}

async function sign(key, full) {
  const { look, bytes } = archive;
  const current = publisher.selectedOptions[0].dataset.key;
  if (key.id !== current) return tell(`That’s the key ${key.id}; ${publisher.value} signs with ${current}. Change it on your account’s page first, if you mean to.`);
  tell("");
  statement = JSON.stringify(await sealRelease(key, { name: full, version: look.version, archive: bytes, permissions: look.asks.map((ask) => ask.id) }));
  return drawSigning(full);
}

function stated(full) {
  const says = statedIn(statement);
  const fits = says.name === full && says.version === archive.look.version;
  const button = h("button.primary", { type: "button", onclick: send }, `Publish ${archive.look.version}`);
  if (fits) setTimeout(() => button.focus());
  return fits
    ? [h("p", {}, "Signed by the key ", h("code", {}, says.key), `: these bytes are ${says.name} ${says.version}, and ask for what’s told above. A version can’t be changed afterwards.`), button]
    : [h("p.fault", {}, `The statement is about ${says.name} ${says.version}, and not about ${full} ${archive.look.version}.`),
      h("button", { type: "button", onclick: () => { statement = null; drawSigning(full); } }, "Put it aside")];
}

async function send() {
  const { look, bytes, name } = archive;
  const form = new FormData();
  form.append("archive", new Blob([bytes], { type: "application/zip" }), name);
  form.append("statement", new Blob([statement], { type: "application/json" }), "statement.json");
  const where = `/packages/${publisher.value}/${look.name}`;
  desk.inert = true;
  busy("It’s sent and looked into…");
  try {
    const made = await call("PUT", `${api}${where}/versions/${look.version}`, form);
    const shown = h("a", { href: `${root}${where}` }, `${publisher.value}/${look.name} ${made.version}`);
    fill(byId("outcome"), made.state === "listed"
      ? h("p", {}, shown, " is listed: everybody can find and install it.")
      : h("p", {}, shown, ` is here, and not listed yet. ${made.reason || "A moderator looks at it first."}`));
    byId("outcome").hidden = false;
    byId("look").hidden = byId("signing").hidden = true;
    archive = statement = null;
  } catch (problem) {
    tell(problem.message);
  }
  busy("");
  desk.inert = false;
  byId("outcome").querySelector("a")?.focus();
}

if (desk) {
  desk.hidden = false;
  const field = byId("files");
  byId("choose").onclick = () => field.click();
  field.onchange = () => {
    const files = [...field.files];
    field.value = "";
    take(files);
  };
  publisher.onchange = () => { statement = null; if (archive) draw(); };
  const drop = byId("drop");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take([...event.dataTransfer.files]);
    });
  }
}
