// Set the theme before the page is painted, and follow the system's unless one was chosen here.
const system = matchMedia("(prefers-color-scheme: dark)");

function paintTheme() {
  const chosen = localStorage.getItem("agenthost.theme");
  document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
}

paintTheme();
system.addEventListener("change", paintTheme);
addEventListener("storage", paintTheme);
