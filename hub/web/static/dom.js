// Small means to build pages: elements, icons, times.
import { clock, locale, number, t, when } from "./words.js";

// h("p.note", {title: "x", onclick}, "text", child): an element. Strings become text, never HTML.
export function h(tag, props = {}, ...kids) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...kids.flat().filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

const PATHS = {
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  chevron: "M7 10l5 5 5-5",
  moon: "M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.2 4.2l1.4 1.4M18.4 18.4l1.4 1.4M2 12h2M20 12h2M4.2 19.8l1.4-1.4M18.4 5.6l1.4-1.4",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20a7.5 7.5 0 0 1 15 0",
  out: "M14 4H6v16h8M10 12h10M17 8.5l3.5 3.5-3.5 3.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clip: "M20 11.5l-8.2 8.2a5.2 5.2 0 0 1-7.4-7.4l8.6-8.6a3.5 3.5 0 0 1 5 5l-8.6 8.5a1.7 1.7 0 0 1-2.5-2.4l7.9-7.8",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  reply: "M9 7l-5 5 5 5M4 12h10a6 6 0 0 1 6 6",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("glyph");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

// A task's colour, number and title, as a link to it; `short` leaves the title to the tooltip.
export function chip(task, short = false) {
  const name = t("Task {number}: {title}", task);
  return h(`a.chip.${hue(task)}`, { href: `/tasks/${task.id}`, title: name, "aria-label": short && name },
    h("i"), `#${task.number} `, !short && h("span", {}, task.title));
}

// How much so many bytes are, as people say it.
export function size(bytes) {
  if (bytes < 1000) return `${number(bytes)} B`;
  const [unit, name] = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]].find(([unit]) => bytes >= unit);
  return `${number(bytes / unit, 1)} ${name}`;
}

export const hue = (task) => (task ? `t${task.number % 8}` : "t");

export function time(at) {
  return h("time", { dateTime: at, title: when(at) }, clock(at));
}

export function day(at) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return t("Today");
  if (days === 1) return t("Yesterday");
  return when(at, { weekday: "long", day: "numeric", month: "long" });
}

// "3 minutes ago", "in 2 hours".
export function ago(at) {
  const seconds = (new Date(at) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  for (const [unit, size] of [["day", 86_400], ["hour", 3_600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return seconds > 1 ? t("in a moment") : t("just now");
}

// Open a menu as floating.js has it, which is loaded for the first one.
export const menu = async (...of) => (await import("./floating.js")).menu(...of);

// Say something in passing, to eyes and ears.
export function toast(words) {
  const note = h("p", {}, words);
  byId("toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}

export const announce = (words) => { byId("announce").textContent = words; };
