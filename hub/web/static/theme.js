// Set the theme before the page is painted: the one chosen here, else the system's.
const chosen = localStorage.getItem("agenthost.theme");
if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
