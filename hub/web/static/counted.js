// How much waits for this person's leave or answer, in the menu: counted anew once things have calmed down.
import { call } from "./api.js";
import { byId } from "./dom.js";

let timer = 0;

export function recount() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const { waiting } = await call("GET", "/v1/waiting/count").catch(() => ({ waiting: 0 })); // not every key may know
    byId("waiting-count").hidden = !waiting;
    byId("waiting-count").textContent = waiting || "";
  }, 400);
}
