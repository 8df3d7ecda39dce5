// Turn the code behind the # into a session. It never reaches a server's log: browsers keep that part to themselves.
import { call, newKey } from "./api.js";
import { byId } from "./dom.js";

const words = byId("words");

async function signIn(code) {
  byId("door").inert = true;
  words.className = "";
  words.textContent = "Signing in…";
  try {
    await call("POST", "/v1/sign-in", { code }, newKey());
    location.replace("/");
  } catch (problem) {
    byId("door").inert = false;
    words.className = "fault";
    words.textContent = problem.passing ? `${problem.message} Try again in a moment.`
      : "This link or key doesn’t work. A link is good for an hour, and until the hub restarts: on the hub’s machine, agenthost status --link prints a fresh one. Or paste the key from owner.key.";
    document.querySelector("details").open = !problem.passing;
    byId("code").focus();
  }
}

const code = decodeURIComponent(location.hash.slice(1));
if (code) {
  history.replaceState(null, "", "/sign-in");
  signIn(code);
} else {
  byId("code").focus();
}
byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(byId("code").value.trim());
});
