// The page's language, picked by its own name.
import { byId } from "./dom.js";

const YEAR = 31_536_000;

// Keep the choice in this browser, have `keep(code)` do more with it, and show the page anew.
export function openPicker(keep = async () => {}) {
  byId("language").addEventListener("change", async ({ target }) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `agenthost_language=${target.value}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
    await keep(target.value).catch(() => {}); // who may keep nothing on the hub has it in the browser
    location.reload();
  });
}
