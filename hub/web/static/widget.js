// A chat of an AgentHost hub in any page, by one line:
//   <script src="https://HUB/embed/ID/widget.js" data-pass-url="/my/pass" async></script>
// `data-pass-url` answers {"token": ...} for whoever is signed in there (your server asks the hub for it); or put one
// into `data-pass`. Without either, whoever comes is a visitor, if the chat takes visitors. It needs nothing of the page
// but `script-src` and `connect-src` for the hub, and shows itself in a shadow tree: no style goes in or out.
(() => {
  // Not `document.currentScript`: an <img name="currentScript"> in the page, which somebody may have written, would
  // take its place, and its address the hub's.
  const script = Object.getOwnPropertyDescriptor(Document.prototype, "currentScript").get.call(document);
  const base = new URL(".", script.src).href; // .../embed/ID/
  const id = base.split("/").at(-2);
  // Attributes of its own: `dataset` would show as well what somebody put into Object.prototype.
  const [pass, passUrl, lang] = ["data-pass", "data-pass-url", "data-lang"].map((name) => script.getAttribute(name));
  const KEPT = `agenthost.${id}`;
  const MORE = 30;

  const WORDS = {
    en: { open: "Open the chat", close: "Close the chat", say: "Write a message", send: "Send", more: "Earlier messages", busy: "An answer is being written", lost: "No connection; trying again", refused: "You can’t write here now", failed: "It wasn’t sent", again: "Send again", you: "You", them: "Answer", news: "New message" },
    de: { open: "Chat öffnen", close: "Chat schließen", say: "Nachricht schreiben", send: "Senden", more: "Frühere Nachrichten", busy: "Eine Antwort wird geschrieben", lost: "Keine Verbindung; neuer Versuch", refused: "Hier kann gerade nicht geschrieben werden", failed: "Nicht gesendet", again: "Noch einmal senden", you: "Du", them: "Antwort", news: "Neue Nachricht" },
    es: { open: "Abrir el chat", close: "Cerrar el chat", say: "Escribe un mensaje", send: "Enviar", more: "Mensajes anteriores", busy: "Se está escribiendo una respuesta", lost: "Sin conexión; reintentando", refused: "Ahora no se puede escribir aquí", failed: "No se envió", again: "Enviar de nuevo", you: "Tú", them: "Respuesta", news: "Mensaje nuevo" },
    pt: { open: "Abrir o chat", close: "Fechar o chat", say: "Escreva uma mensagem", send: "Enviar", more: "Mensagens anteriores", busy: "Uma resposta está sendo escrita", lost: "Sem conexão; tentando de novo", refused: "Agora não é possível escrever aqui", failed: "Não foi enviada", again: "Enviar de novo", you: "Você", them: "Resposta", news: "Nova mensagem" },
    zh: { open: "打开聊天", close: "关闭聊天", say: "输入消息", send: "发送", more: "更早的消息", busy: "正在回复", lost: "连接中断，正在重试", refused: "现在无法在此发送消息", failed: "未发送", again: "重新发送", you: "你", them: "回复", news: "新消息" },
  };
  const language = (lang || document.documentElement.lang || navigator.language || "en").slice(0, 2).toLowerCase();
  const words = WORDS[language] ?? WORDS.en;

  const STYLE = `
    :host { all: initial; --accent: #0f766e; --on-accent: #fff; --ink: #211f1c; --soft: #5f5a52; --paper: #fff; --sunk: #f1efeb; --line: #d9d4cb; --bad: #b42318; }
    @media (prefers-color-scheme: dark) { :host { --ink: #ebe7e0; --soft: #b0a99e; --paper: #1f1e1b; --sunk: #2c2925; --line: #45413a; --bad: #ff8f80; } }
    * { box-sizing: border-box; }
    .root { position: fixed; inset: auto 1rem 1rem auto; z-index: 2147483000; font: 15px/1.5 -apple-system, "Segoe UI", Roboto, Inter, "Noto Sans", Ubuntu, Cantarell, "Liberation Sans", system-ui, sans-serif; color: var(--ink); display: grid; justify-items: end; gap: .75rem; }
    button, textarea { font: inherit; color: inherit; }
    button { cursor: pointer; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    .door { position: relative; width: 3.5rem; height: 3.5rem; border: 0; border-radius: 50%; background: var(--accent); color: var(--on-accent); box-shadow: 0 6px 20px rgb(0 0 0 / 25%); }
    .door.news::after { content: ""; position: absolute; top: 0; right: 0; width: .9rem; height: .9rem; border-radius: 50%; background: #d92d20; border: 2px solid var(--paper); }
    svg { width: 1.6rem; height: 1.6rem; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; vertical-align: middle; }
    .panel { width: min(24rem, calc(100vw - 2rem)); height: min(36rem, calc(100dvh - 6.5rem)); display: flex; flex-direction: column; background: var(--paper); border: 1px solid var(--line); border-radius: 1rem; box-shadow: 0 12px 40px rgb(0 0 0 / 22%); overflow: hidden; }
    .panel[hidden] { display: none; }
    .head { display: flex; align-items: center; gap: .5rem; padding: .7rem 1rem; background: var(--accent); color: var(--on-accent); }
    h2 { font-size: 1rem; font-weight: 650; margin: 0; flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .head button { border: 0; background: none; padding: .2rem; border-radius: .4rem; line-height: 0; }
    .head :focus-visible { outline-color: var(--on-accent); }
    .log { flex: 1; overflow-y: auto; padding: 1rem; display: flex; flex-direction: column; gap: .6rem; overflow-wrap: anywhere; }
    .m { max-width: 88%; padding: .5rem .8rem; border-radius: .9rem; background: var(--sunk); align-self: flex-start; }
    .m.user { background: var(--accent); color: var(--on-accent); align-self: flex-end; }
    .m.notice { background: none; color: var(--soft); border: 1px solid var(--line); }
    .by { display: block; font-size: .8rem; font-weight: 600; color: var(--soft); }
    .m.failed { outline: 2px solid var(--bad); }
    .m > div > :first-child { margin-top: 0; } .m > div > :last-child { margin-bottom: 0; }
    .m p { margin: .4rem 0; } .m pre { overflow-x: auto; } .m a { color: inherit; }
    .m table { border-collapse: collapse; } .m td, .m th { border: 1px solid var(--line); padding: .2rem .4rem; }
    .choices { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .5rem; }
    .choices button, .more { border: 1px solid var(--line); border-radius: .7rem; background: var(--paper); color: var(--ink); padding: .3rem .7rem; }
    .more { align-self: center; }
    .status { min-height: 1.5em; padding: 0 1rem; color: var(--soft); font-size: .85rem; }
    .status.bad { color: var(--bad); }
    form { display: flex; gap: .5rem; padding: .6rem; border-top: 1px solid var(--line); align-items: flex-end; }
    textarea { flex: 1; resize: none; max-height: 8rem; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: .7rem; background: var(--paper); }
    form button { border: 0; border-radius: .7rem; padding: .5rem .8rem; background: var(--accent); color: var(--on-accent); font-weight: 600; }
    form button:disabled { opacity: .55; cursor: default; }
    .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    @media (max-width: 30rem) { .panel { width: calc(100vw - 2rem); } }
    @media (prefers-reduced-motion: no-preference) { .busy::after { content: "…"; animation: wink 1.2s steps(2) infinite; } @keyframes wink { 50% { opacity: .2; } } }`;

  // A page may demand that HTML be trusted by name; ours was made safe by the hub.
  const trusted = window.trustedTypes?.createPolicy?.(`agenthost-${id}`, { createHTML: (html) => html });
  const html = (text) => (trusted ? trusted.createHTML(text) : text);

  function h(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  function glyph(path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  // --- what the hub says and is told

  let token = pass ?? null;
  let visitors = false;

  async function call(method, path, body, key) {
    for (let tries = 0; ; tries += 1) {
      token ??= await admitted();
      const headers = { Authorization: `Bearer ${token}` };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      if (key) headers["Idempotency-Key"] = key;
      const response = await fetch(base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
      if (response.status === 401 && tries === 0) {
        forget();
        continue;
      }
      if (!response.ok) throw await problem(response);
      return response;
    }
  }

  class Problem extends Error {
    constructor(status, detail) {
      super(detail);
      this.status = status;
    }
  }

  async function problem(response) {
    const told = await response.json().catch(() => ({}));
    // Nobody is up to answer: that's said in the page's language.
    return new Problem(response.status, response.status === 503 ? words.refused : (told.detail ?? String(response.status)));
  }

  // A pass: the page's own server's, or what a visitor was given before.
  async function admitted() {
    if (passUrl) {
      const response = await fetch(passUrl, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!response.ok) throw new Problem(response.status, words.refused);
      return (await response.json()).token;
    }
    const kept = read();
    if (kept) return kept;
    if (!visitors) throw new Problem(403, words.refused);
    const response = await fetch(`${base}visits`, { method: "POST" });
    if (!response.ok) throw await problem(response);
    const fresh = (await response.json()).token;
    try {
      localStorage.setItem(KEPT, fresh);
    } catch {
      // The browser keeps nothing: the chat is this page's alone.
    }
    return fresh;
  }

  function read() {
    try {
      return localStorage.getItem(KEPT);
    } catch {
      return null;
    }
  }

  function forget() {
    token = null;
    try {
      localStorage.removeItem(KEPT);
    } catch {
      // Nothing was kept.
    }
  }

  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");

  // --- what's seen

  const log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": words.them, tabindex: "0" });
  const status = h("div", { class: "status", role: "status" });
  const field = h("textarea", { rows: "1", "aria-label": words.say, placeholder: words.say, maxlength: "20000" });
  const sending = h("button", { type: "submit" }, words.send);
  const form = h("form", {}, field, sending);
  const title = h("h2", { id: "title" });
  const closing = h("button", { type: "button", "aria-label": words.close, onclick: () => show(false) }, glyph("M6 6l12 12M18 6L6 18"));
  const panel = h("section", { class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true }, h("div", { class: "head" }, title, closing), log, status, form);
  const door = h("button", { class: "door", type: "button", "aria-label": words.open, "aria-expanded": "false", onclick: () => show(panel.hidden) }, glyph("M21 12a8 8 0 0 1-8 8H4l2-3.5A8 8 0 1 1 21 12z"));
  const root = h("div", { class: "root" }, panel, door);

  const messages = new Map(); // id -> {message, element}
  const lives = new Map(); // the id of what's answered -> the element of the answer that's being written
  let oldest = null;
  let greeted = null;

  function tell(text = "", bad = false) {
    status.textContent = text;
    status.classList.toggle("bad", bad);
  }

  function draw(message) {
    const from = message.human ? h("span", { class: "by" }, message.human) : h("span", { class: "sr" }, `${message.role === "user" ? words.you : words.them}: `);
    const body = h("div");
    body.innerHTML = html(message.html); // Sanitised by the hub.
    for (const link of body.querySelectorAll("a")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
    const element = h("div", { class: `m ${message.role}` }, from, body);
    element.dataset.id = message.id;
    if (message.choices.length) {
      const buttons = message.choices.map((choice) => h("button", { type: "button", onclick: () => choose(message, choice, buttons) }, choice.text));
      element.append(h("div", { class: "choices" }, ...buttons));
    }
    return element;
  }

  function put(message) {
    if (message.state === "moved") {
      messages.get(message.id)?.element.remove();
      messages.delete(message.id);
      return;
    }
    const element = draw(message);
    const before = messages.get(message.id)?.element ?? (message.role === "user" ? unsent(message) : lives.get(message.answers));
    if (message.role !== "user") lives.delete(message.answers);
    if (panel.hidden && message.role !== "user" && !messages.has(message.id)) mark(true);
    const low = isLow();
    if (before) before.replaceWith(element);
    else insert(element);
    messages.set(message.id, { message, element });
    greeted?.remove();
    greeted = null;
    if (["failed", "stopped", "handed"].includes(message.state)) {
      // No answer takes its place any more. Of an answered message it's still to come: that's told after this.
      lives.get(message.id)?.remove();
      lives.delete(message.id);
    }
    paint();
    if (low) scroll();
  }

  function insert(element) {
    let after = null;
    for (let other = log.lastElementChild; other; other = other.previousElementSibling) {
      if (!other.dataset.id) {
        if (other.classList.contains("more")) break;
        continue;
      }
      if (other.dataset.id < element.dataset.id) break;
      after = other;
    }
    log.insertBefore(element, after);
  }

  const isLow = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const scroll = () => log.scrollTo(0, log.scrollHeight);
  const isBusy = () => lives.size > 0 || [...messages.values()].some(({ message }) => message.role === "user" && ["accepted", "routed", "working"].includes(message.state));

  function paint() {
    status.classList.toggle("busy", isBusy());
    if (!status.classList.contains("bad")) tell(isBusy() ? words.busy : "");
  }

  function live({ message, text, whole }) {
    let element = lives.get(message);
    if (!element) {
      element = h("div", { class: "m agent", "aria-hidden": "true" });
      lives.set(message, element);
      greeted?.remove();
      greeted = null;
      log.append(element);
    }
    element.textContent = whole ? text : element.textContent + text;
    paint();
    if (isLow()) scroll();
  }

  // Somebody went on reading the page: what's said meanwhile is marked on the door.
  function mark(news) {
    door.classList.toggle("news", news);
    door.setAttribute("aria-label", panel.hidden ? (news ? `${words.open}: ${words.news}` : words.open) : words.close);
  }

  async function choose(message, choice, buttons) {
    for (const button of buttons) button.disabled = true;
    try {
      await call("POST", `messages/${message.id}/choice`, { choice: choice.id }, newKey());
    } catch (error) {
      for (const button of buttons) button.disabled = false;
      tell(error.message, true);
    }
  }

  // --- saying something

  const notes = new Map(); // key -> {text, element}: what isn't kept yet

  function unsent(message) {
    for (const [key, note] of notes) {
      if (note.id === message.id) {
        notes.delete(key);
        return note.element;
      }
    }
    return null;
  }

  async function say(text, key = newKey()) {
    const note = notes.get(key) ?? { text, element: h("div", { class: "m user" }, text) };
    if (!notes.has(key)) {
      notes.set(key, note);
      log.append(note.element);
      scroll();
    }
    note.element.classList.remove("failed");
    tell();
    try {
      note.id = (await (await call("POST", "messages", { text }, key)).json()).id;
      note.element.dataset.id = note.id;
      if (messages.has(note.id)) {
        note.element.remove(); // The stream was quicker.
        notes.delete(key);
      }
      follow();
    } catch (error) {
      note.element.classList.add("failed");
      note.element.replaceChildren(text, h("div", { class: "choices" }, h("button", { type: "button", onclick: (event) => (event.currentTarget.parentElement.remove(), say(text, key)) }, words.again)));
      tell(error instanceof Problem ? error.message : words.failed, true);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    grow();
    say(text);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  function grow() {
    field.rows = Math.min(6, field.value.split("\n").length);
  }
  field.addEventListener("input", grow);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) show(false);
  });

  // --- hearing

  let last = null;
  let hearing = null;
  let pause = 1000;

  const listens = () => !panel.hidden || messages.size > 0;

  // An EventSource can't send a pass, and a pass in an address would be in every log on the way.
  async function follow() {
    if (hearing || !listens()) return;
    hearing = new AbortController();
    try {
      token ??= await admitted();
      const headers = { Authorization: `Bearer ${token}`, Accept: "text/event-stream" };
      if (last !== null) headers["Last-Event-ID"] = last;
      const response = await fetch(`${base}events`, { headers, signal: hearing.signal });
      if (response.status === 401) forget();
      if (!response.ok) throw await problem(response);
      pause = 1000;
      if (status.classList.contains("bad")) tell();
      paint();
      await listen(response.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error instanceof Problem && [403, 404].includes(error.status)) return tell(words.refused, true);
      if (!panel.hidden) tell(words.lost, true);
    } finally {
      hearing = null;
    }
    if (!listens()) return;
    setTimeout(follow, pause);
    pause = Math.min(pause * 2, 30_000);
  }

  async function listen(reader) {
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const frames = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
      rest = frames.pop();
      for (const frame of frames) take(frame);
    }
  }

  function take(frame) {
    const fields = {};
    for (const line of frame.split("\n")) {
      const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (name) fields[name] = name === "data" && fields.data !== undefined ? `${fields.data}\n${value}` : value;
    }
    if (fields.data === undefined) return;
    const data = JSON.parse(fields.data);
    if (fields.event === "hello" && last === null) {
      // From here on nothing is missed; what came since the last look is fetched.
      last = String(data.last);
      load().catch(() => hearing?.abort());
    }
    if (fields.id) last = fields.id;
    if (fields.event === "delta") live(data);
    if (fields.event === "message") put(data);
  }

  // --- opening and closing

  async function load(cursor) {
    const query = cursor ? `?limit=${MORE}&cursor=${cursor}` : `?limit=${MORE}`;
    const { items, next } = await (await call("GET", `messages${query}`)).json();
    const height = log.scrollHeight;
    for (const message of items) put(message);
    oldest = next;
    log.querySelector(".more")?.remove();
    if (next) log.prepend(h("button", { class: "more", type: "button", onclick: () => load(oldest).catch((error) => tell(error.message, true)) }, words.more));
    if (cursor) log.scrollTop += log.scrollHeight - height;
    else scroll();
  }

  async function show(open) {
    panel.hidden = !open;
    door.setAttribute("aria-expanded", String(open));
    mark(false);
    if (!open) {
      if (!listens()) hearing?.abort();
      door.focus();
      return;
    }
    field.focus();
    try {
      // A visitor who hasn't said anything yet has no pass, and needs none to look.
      if (token || passUrl || read()) {
        await load();
        follow();
      }
    } catch (error) {
      tell(error instanceof Problem ? error.message : words.lost, true);
    }
    if (!messages.size && settings.greeting && !greeted) {
      greeted = h("div", { class: "m agent" }, settings.greeting);
      log.append(greeted);
    }
  }

  const settings = { greeting: "" };

  async function start() {
    const response = await fetch(`${base}settings`);
    if (!response.ok) return;
    Object.assign(settings, await response.json());
    visitors = settings.visitors;
    title.textContent = settings.title;
    const host = h("div", { lang: Object.hasOwn(WORDS, language) ? language : "en" });
    const shadow = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE + (settings.colour ? `:host { --accent: ${settings.colour}; --on-accent: ${settings.ink}; }` : ""));
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(root);
    document.body.append(host);
  }

  if (document.body) start();
  else addEventListener("DOMContentLoaded", start);
})();
