// How a message looks.
import { chip, h, hue, icon, menu, size, time, toast } from "./dom.js";
import { likelyTasks } from "./shell.js";
import { t } from "./words.js";

// Return a kept message's element. `on` has what its controls do: move, choose, retry; `known` finds other messages.
export function draw(message, known, on) {
  const element = { user: drawUser, agent: drawAgent, notice: drawNotice }[message.role](message, known, on);
  element.dataset.id = message.id;
  element.id = `m-${message.id}`;
  return element;
}

// What was said in words; files are parts of their own.
export const words = (message) =>
  message.parts.filter((part) => part.type === "text").map((part) => part.text).join("\n");

function drawUser(message, known, on) {
  return h("li.said.user", {},
    h("div.bubble", {}, words(message), files(message)),
    h("div.meta", {},
      h("span.tools", {}, whyButton(message), wrongButton(message, message, on)),
      stateOf(message, on), message.task && chip(message.task, true), time(message.created_at)));
}

const WORDS = {
  accepted: t("Kept"), asking: t("Which task?"), routed: t("Kept"), working: t("Working…"), handed: t("A human answers"), stopped: t("Stopped"), failed: t("Failed"),
};

function stateOf(message, on) {
  if (message.state === "answered") return h("span.progress.answered", { title: t("Answered") }, icon("check"), h("span.sr", {}, t("Answered")));
  const words = WORDS[message.state];
  if (!words) return null;
  return h(`span.progress.${message.state}`, { role: message.state === "failed" ? "alert" : undefined }, words,
    message.error && `: ${message.error}`,
    ["failed", "stopped"].includes(message.state) && h("button.quiet", { type: "button", onclick: () => on.retry(message) }, t("Try again")));
}

function drawAgent(message, known, on) {
  const asked = known(message.answers);
  if (message.state === "moved") {
    return h("li.said.agent.taken", {}, h("p", {}, t("This answer was taken back: its message went to another task.")));
  }
  const body = h("div.body");
  body.innerHTML = message.html; // Sanitised by the hub.
  dress(body);
  return h(`li.said.agent.${hue(message.task)}`, {},
    h("div.meta", {}, message.task && chip(message.task), message.human && h("span.human", {}, message.human), time(message.created_at), quote(asked)),
    body, files(message), message.error && h("p.fault", {}, message.error), choices(message, on), usedButton(message),
    h("div.tools", {}, copyButton(() => words(message)), asked && whyButton(asked), wrongButton(message, asked ?? message, on)));
}

function drawNotice(message, known, on) {
  const body = h("div.body");
  body.innerHTML = message.html; // Sanitised by the hub.
  dress(body);
  return h("li.said.notice", {}, body, files(message), choices(message, on));
}

// Return the element of an answer that's still being written; .text(t, whole) adds to it.
export function drawLive(task) {
  const text = new Text("");
  const body = h("div.body.plain", {}, text, h("span.caret", { "aria-hidden": "true" }));
  const element = h(`li.said.agent.live.${hue(task)}`, { "aria-busy": "true" },
    h("div.meta", {}, task && chip(task), h("span.sr", {}, t("Working…"))), body);
  let waiting = "";
  let replace = false;
  // One paint for all the tokens that came since the last.
  element.write = (more, whole) => {
    if (!waiting && !replace) requestAnimationFrame(flush);
    if (whole) replace = true;
    waiting = whole ? more : waiting + more;
  };
  const flush = () => {
    if (replace) text.data = waiting;
    else text.appendData(waiting);
    waiting = "";
    replace = false;
  };
  return element;
}

// Return the element of a message that isn't at the hub yet.
export function drawUnsent(note, on) {
  const stuck = note.state === "unsent";
  return h("li.said.user.unsent", { "aria-busy": (!stuck).toString() },
    h("div.bubble", {}, note.text, files({ parts: note.files ?? [] })),
    h("div.meta", {}, stuck
      ? h("span.progress.failed", { role: "alert" }, t("Not sent"), note.problem && `: ${note.problem}`,
          h("button.quiet", { type: "button", onclick: () => on.send(note) }, t("Try again")),
          h("button.quiet", { type: "button", onclick: () => on.edit(note) }, t("Edit")))
      : h("span.progress", {}, t("Sending…"))));
}

// Which message it answers. The page hides it where that's the one just above.
function quote(asked) {
  if (!asked) return null;
  const short = asked.text.length > 60 ? `${asked.text.slice(0, 58)}…` : asked.text;
  return h("a.quote", { href: `#m-${asked.id}` }, icon("reply"), short);
}

export function files(message) {
  const found = message.parts.filter((part) => part.type === "file");
  return found.length ? h("div.files", {}, found.map(file)) : null;
}

// Pictures and sound in their place, where the hub lets the browser show them; the rest to be saved.
const PICTURE = /^image\/(avif|gif|jpeg|png|webp)$/;
const SOUND = /^audio\//;

function file(part) {
  const address = `/v1/files/${part.sha256}`;
  if (PICTURE.test(part.media_type)) {
    return h("a.picture", { href: address, target: "_blank", title: part.name },
      h("img", { src: address, alt: part.name, loading: "lazy" }));
  }
  const link = h("a.file", { href: address, download: part.name }, icon("down"), h("span", {}, part.name), h("small", {}, size(part.size)));
  return SOUND.test(part.media_type) ? h("div.sound", {}, h("audio", { src: address, controls: true, preload: "none" }), link) : link;
}

function choices(message, on) {
  if (!message.choices.length) return null;
  return h("div.choices", { role: "group", "aria-label": t("Choices") },
    message.choices.map((choice) => h("button.choice", {
      type: "button", disabled: !on.isAsking(message), onclick: (event) => on.choose(message, choice, event.target.parentNode),
    }, choice.text)));
}

function wrongButton(message, asked, on) {
  if (!message.task || asked.role !== "user") return null;
  return h("button.quiet", {
    type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "data-act": "wrong",
    onclick: (event) => menu(event.currentTarget, t("Move this message to"), [
      ...likelyTasks().filter((task) => task.id !== message.task.id).map((task) => (
        { label: task.title, note: `#${task.number}`, hue: hue(task), pick: () => on.move(asked, task.id, t("Moved to {task}. The answer comes from there.", { task: `#${task.number}` })) })),
      { label: t("New task"), pick: () => on.move(asked, "new", t("Moved to a new task. The answer comes from there.")) },
    ]),
  }, t("Wrong task?"));
}

function whyButton(message) {
  if (!message.route) return null;
  return h("button.quiet", {
    type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", "data-act": "why",
    onclick: ({ currentTarget }) => import("./evidence.js").then(({ explain }) => explain(currentTarget, message)),
  }, t("Why?"));
}

// The tools used for an answer, and their receipts.
function usedButton(message) {
  if (!message.used?.length || !message.task) return null;
  return h("button.quiet.used", {
    type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", "data-act": "used",
    onclick: ({ currentTarget }) => import("./receipts.js").then(({ explain }) => explain(currentTarget, message.task, message.turn))
      .catch((problem) => toast(problem.message)),
  }, t("Used {tools}", { tools: message.used.join(", ") }));
}

function copyButton(text) {
  if (!navigator.clipboard) return null;
  return h("button.icon", {
    type: "button", "aria-label": t("Copy"), title: t("Copy"),
    onclick: async (event) => {
      const button = event.currentTarget;
      await navigator.clipboard.writeText(text());
      button.replaceChildren(icon("check"));
      setTimeout(() => button.replaceChildren(icon("copy")), 1500);
    },
  }, icon("copy"));
}

// Give code its copy button, and let wide tables scroll by themselves.
export function dress(body) {
  for (const table of body.querySelectorAll("table")) {
    const frame = h("div.table", { tabIndex: 0, role: "group", "aria-label": t("Table") });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const pre of body.querySelectorAll("pre")) {
    const language = pre.firstElementChild?.className.replace("language-", "") || "text";
    const frame = h("div.code", {}, h("div.bar", {}, h("span", {}, language), copyButton(() => pre.textContent)));
    pre.tabIndex = 0;
    pre.replaceWith(frame);
    frame.append(pre);
  }
}
