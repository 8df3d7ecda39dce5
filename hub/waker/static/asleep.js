// Wake the hub with a key that it knows, and sign in with it: the request waits at the waker until the hub is up.
import { byId } from "./dom.js";

const words = byId("words");
const TRIES = 30, PAUSE = 2000;

function tell(text, fault) {
  words.className = fault ? "fault" : "";
  words.textContent = text;
  byId("door").inert = !fault;
}

async function signIn(key) {
  tell("Waking the hub …", false);
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };
  for (let tries = 0; tries < TRIES; tries += 1) {
    let status = 0;
    try {
      ({ status } = await fetch("/v1/sign-in", { method: "POST", headers, body: JSON.stringify({ code: key }) }));
    } catch {
      // Cut off: asked again.
    }
    if (status === 204) return location.replace(location.pathname === "/sign-in" ? "/" : location.href);
    if (status >= 400 && status < 500) break;
    await new Promise((done) => { setTimeout(done, PAUSE); });
  }
  tell("The hub doesn’t know this key, or can’t be woken now.", true);
  byId("code").focus();
}

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("code").value.trim();
  if (/^[\x21-\x7e]+$/.test(key)) signIn(key);
  else tell("A key has only letters, digits, - and _.", true);
});
byId("code").focus();
