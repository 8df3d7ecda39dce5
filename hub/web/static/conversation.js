// What was said about a task, on its page.
import { h, time } from "./dom.js";
import { dress, files, words } from "./message.js";
import { t } from "./words.js";

export function conversation(task, messages) {
  return h("section", { "aria-label": t("Messages") }, h("h2", {}, t("Messages")), h("ol.messages", {}, messages.map((message) => {
    const body = h("div.body");
    if (message.role === "user") body.append(h("p.goal", {}, words(message), files(message)));
    else body.innerHTML = message.html; // Sanitised by the hub.
    if (message.role !== "user" && message.parts.some((part) => part.type === "file")) body.append(files(message));
    dress(body);
    const who = message.role === "user" ? message.author || t("You") : task.agent;
    const where = message.bridge === "http" ? "" : ` · ${message.bridge}`;
    return h(`li.line.${message.role}`, {}, h("p.facts", {}, who, where, " ", time(message.created_at)), body);
  })));
}
