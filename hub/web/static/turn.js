// Light and dark: theme.js follows the system; here a choice against it is made, or taken back.
export function turnTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  const systems = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (theme === systems) localStorage.removeItem("agenthost.theme");
  else localStorage.setItem("agenthost.theme", theme);
  document.documentElement.dataset.theme = theme;
}
