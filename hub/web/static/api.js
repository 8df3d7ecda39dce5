// Calls of the hub's API, with the session's cookie; or of a registry's, whose pages say so.
import { t } from "./words.js";

const { door = "/sign-in", who = "hub" } = document.documentElement.dataset;

export class Problem extends Error {
  constructor(status, detail, after = 0) {
    super(detail);
    this.status = status;
    this.after = after;
  }
  // True where the same may well succeed later.
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

// Return the answer's JSON. With a `key` it's done once, however often it's sent.
export async function call(method, path, body, key) {
  let response = await request(method, path, body, key);
  if (response.status === 403 && (await isCsrf(response))) {
    // The hub made a new secret since: get another cookie.
    document.cookie = "csrftoken=; path=/; max-age=0";
    await request("GET", "/v1/whoami");
    response = await request(method, path, body, key);
  }
  // A wrong code on the way in is told where it was given.
  if (response.status === 401 && location.pathname !== door && !path.startsWith("/v1/sign-in")) {
    location.replace(door);
    return new Promise(() => {});
  }
  if (!response.ok) throw await problem(response);
  return response.status === 204 ? null : response.json();
}

// Return an id of one's own. crypto.randomUUID is missing over plain HTTP.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

async function request(method, path, body, key) {
  const headers = { Accept: "application/json" };
  const isForm = body instanceof FormData; // The browser names its boundary.
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (method !== "GET") headers["x-csrftoken"] = cookie("csrftoken");
  try {
    return await fetch(path, { method, headers, body: body === undefined || isForm ? body : JSON.stringify(body) });
  } catch {
    throw new Problem(0, who === "hub" ? t("The hub can’t be reached.") : `The ${who} can’t be reached.`);
  }
}

function cookie(name) {
  return document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

async function isCsrf(response) {
  return (await response.clone().text()).includes("CSRF");
}

async function problem(response) {
  let detail = who === "hub" ? t("The hub answered {status}.", { status: response.status }) : `The ${who} answered ${response.status}.`;
  try {
    detail = (await response.json()).detail || detail;
  } catch {
    // Not JSON: something between us answered.
  }
  return new Problem(response.status, detail, Number(response.headers.get("Retry-After")) || 0);
}
