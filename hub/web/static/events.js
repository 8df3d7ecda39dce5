// The hub's events, from now on and without gaps.
import { call } from "./api.js";

const KINDS = ["message", "route", "task", "turn", "reply", "notice", "delivery", "approval", "delta"];
const HIDDEN_FOR = 15_000;

// Call on[kind](data) for every event, on.hello(again) when connected, on.lost() when not. A tab that nobody looks at
// and that waits for nothing hangs up after a while: a browser grants a host only six connections.
export function follow(on) {
  let source = null;
  let last = null;
  let pause = 500;
  let timer = 0;
  let again = false;

  function open() {
    clearTimeout(timer);
    source = new EventSource(last === null ? "/v1/events" : `/v1/events?after=${last}`);
    source.addEventListener("hello", (event) => {
      last ??= JSON.parse(event.data).last;
      pause = 500;
      on.hello(again);
      again = true;
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) last = event.lastEventId;
        on[kind]?.(JSON.parse(event.data));
        if (kind !== "delta") on.any?.();
      });
    }
    source.onerror = lose;
  }

  function lose() {
    close();
    on.lost();
    timer = setTimeout(retry, pause);
    pause = Math.min(pause * 2, 10_000);
  }

  // An EventSource doesn't say why it failed: ask in a way that does, so that a session that ended leads to sign-in.
  async function retry() {
    if (document.hidden && !on.busy()) return close();
    try {
      await call("GET", "/v1/whoami");
    } catch {
      return lose();
    }
    open();
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  let hiding = 0;
  function look() {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(() => on.busy() || close(), HIDDEN_FOR);
    else if (!source) open();
  }

  document.addEventListener("visibilitychange", look);
  addEventListener("online", () => source || open());
  open();
  look(); // One that's opened behind another is hidden from the start.
}
