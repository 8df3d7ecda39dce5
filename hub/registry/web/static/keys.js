// A publisher's key: made or loaded in this page, and its public half told to the registry.
import { call, newKey } from "./api.js";
import { h } from "./dom.js";
import { canSign, freshKey, keyIn, sealRotation } from "./sign.js";

// Fill a box with the ways to a key. Its data-publisher, data-current and data-path say whose; `done` gets the new key.
export async function keyBox(box, done) {
  const { publisher, current, path } = box.dataset;
  box.hidden = false;
  if (!(await canSign())) {
    box.replaceChildren(h("p.facts", {}, "This browser can’t work with Ed25519 keys here: it needs HTTPS, and Chrome 137, Firefox 129 or Safari 17 or later. On the command line: agenthost keys publisher."));
    return;
  }
  const fault = h("p.fault", { role: "alert", hidden: true });
  const tell = (words) => { fault.textContent = words; fault.hidden = !words; };
  const step = h("div.key-box", {});
  let old = null;

  async function use(key) {
    tell("");
    try {
      const rotation = current ? await sealRotation(old, publisher, key) : null;
      await call("POST", path, { public: key.public, rotation }, newKey());
      done(key);
    } catch (problem) {
      tell(problem.message);
    }
  }

  async function make() {
    const key = await freshKey();
    const keep = h("button.primary", { type: "button", disabled: true, onclick: () => use(key) }, "I’ve kept it: use this key");
    const save = h("a.button", { href: URL.createObjectURL(new Blob([key.file()])), download: `${publisher}.key`, onclick: () => { keep.disabled = false; } }, "Save the key file");
    step.replaceChildren(
      h("p", {}, "This is the only time that it’s shown. Keep the file where only you can read it, and a copy of it elsewhere: without it you can’t publish, nor state a next key."),
      h("p.facts", {}, "Key ", h("code", {}, key.id)), save, keep);
    save.focus();
  }

  const choose = () => {
    step.replaceChildren(
      h("p", {}, current ? "And which key is the new one?" : "A key signs what you publish. It’s made or read in this page; only its public half is sent."),
      h("button", { type: "button", onclick: make }, "Make a new key"),
      fileField("Or take one from a file that you have", (key) => use(key), tell));
  };
  if (!current) choose();
  else {
    step.replaceChildren(h("details", {}, h("summary", {}, "Change the key"),
      h("p", {}, "The key in use signs that another takes its place, so that hubs go along with it. Both are read in this page and go nowhere."),
      fileField(`The file of the key in use, ${current}`, (key) => {
        if (key.id !== current) return tell(`That’s the key ${key.id}; the one in use is ${current}.`);
        tell("");
        old = key;
        choose();
      }, tell)));
  }
  box.replaceChildren(step, fault);
}

// A field for a key's file.
export function fileField(words, found, tell) {
  return h("label.file-field", {}, words, h("input", { type: "file", accept: ".key,text/plain", onchange: async (event) => {
    try {
      await found(await keyIn(event.target.files[0]));
    } catch (error) {
      tell(error.message);
    }
    event.target.value = "";
  } }));
}
