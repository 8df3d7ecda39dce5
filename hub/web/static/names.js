// What people call the things for which the API has fixed words.
import { t } from "./words.js";

export const ROLES = {
  owner: t("owner"), admin: t("admin"), operator: t("operator"), member: t("member"), service: t("a program"), group: t("a shared chat"),
};
// Of a turn, a bridge, a hub, a model.
export const STANDINGS = {
  working: t("at work"), done: t("done"), stopped: t("stopped"), failed: t("failed"),
  connecting: t("connecting"), running: t("running"), waiting: t("waiting"), refused: t("refused"),
  alive: t("alive"), silent: t("silent"),
  ready: t("ready"), loading: t("loading"), restarting: t("restarting"), absent: t("absent"), broken: t("broken"),
};
export const KINDS = { plugin: t("plugin"), agent: t("agent"), script: t("script"), skill: t("skill"), server: t("MCP server") };

// "Firefox on Linux", as the hub calls a browser.
export function deviceOf(device) {
  const [browser, machine] = device.split(" on ");
  const name = { "A browser": t("A browser"), "A program": t("A program") }[browser] ?? browser;
  return machine ? t("{browser} on {machine}", { browser: name, machine }) : name;
}
