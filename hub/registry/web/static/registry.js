// What every page has: light or dark, and buttons that copy a line.
import { announce, byId, icon } from "./dom.js";

// theme.js follows the system; here a choice against it is made, or taken back.
const theme = byId("theme");
theme.append(icon("moon"), icon("sun"));
theme.hidden = false;
theme.onclick = () => {
  const wished = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  const systems = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (wished === systems) localStorage.removeItem("agenthost.theme");
  else localStorage.setItem("agenthost.theme", wished);
  document.documentElement.dataset.theme = wished;
};

export function copying(button) {
  if (!navigator.clipboard) return; // Not over plain HTTP: there the line is marked and copied by hand.
  button.append(icon("copy"));
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return announce("It couldn’t be copied.");
    }
    button.replaceChildren(icon("check"));
    announce("Copied.");
    setTimeout(() => button.replaceChildren(icon("copy")), 2000);
  });
}
document.querySelectorAll("[data-copy]").forEach(copying);
