// How the model and the bridges are: what a press on the light in the corner shows.
import { h } from "./dom.js";
import { float } from "./floating.js";
import { STANDINGS } from "./names.js";
import { n, number, t } from "./words.js";

export function showModel(button, status, words) {
  const llm = status?.llm;
  const row = (name, value) => value ? [h("dt", {}, name), h("dd", {}, String(value))] : [];
  const box = h("div.panel", { role: "dialog", "aria-label": t("The model"), tabIndex: -1 },
    h("p.title", {}, words[llm?.state ?? "unknown"]),
    llm?.detail && h("p", {}, llm.detail),
    llm && h("dl", {}, row(t("Model"), llm.model), row(t("Context"), llm.context && n("{n} token", "{n} tokens", llm.context)),
      row(t("Speed"), llm.tokens_per_second && t("{number} tokens/s", { number: number(llm.tokens_per_second, 1) })),
      row(t("Threads"), llm.threads), row(t("Restarts"), llm.restarts),
      ...(status.bridges ?? []).filter((bridge) => bridge.name !== "http").flatMap(bridgeRow),
      row(t("Router"), status.router && t("{rule} rule, {model}", status.router)), row(t("Version"), status.version)));
  float(button, box);
  box.focus();
}

// How a chat platform is: its state in words, who we are there, what waits, and what's wrong.
function bridgeRow(bridge) {
  const facts = [STANDINGS[bridge.state], bridge.account && t("as {account}", bridge),
    bridge.waiting && n("{n} to be delivered", "{n} to be delivered", bridge.waiting), bridge.lag > 1 && t("lag {n} s", { n: number(bridge.lag, 1) }), bridge.detail];
  return [h("dt", {}, bridge.name), h(`dd.bridge.${bridge.state}`, {}, facts.filter(Boolean).join(", "))];
}
