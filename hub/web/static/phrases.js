// Rarer ways to say something in the page's language: with elements within, spans of time, shares.
import { locale, number, t } from "./words.js";

// mixed("Open {link}, or don’t.", { link: h("a", ...) }): a text with elements among its values, as a list to append.
export const mixed = (text, values) => t(text).split(/\{(\w+)\}/).map((part, at) => (at % 2 ? values[part] : part));

// 412 ms, 3.1 s, 12 min, 2 h 5 min.
export function span(ms) {
  if (ms < 1000) return t("{n} ms", { n: number(ms) });
  if (ms < 60_000) return t("{n} s", { n: number(ms / 1000, 1) });
  const minutes = Math.round(ms / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  return [days && t("{n} d", { n: number(days) }), hours && t("{n} h", { n: hours }), minutes % 60 && !days && t("{n} min", { n: minutes % 60 })].filter(Boolean).join(" ");
}

export const percent = (share, digits = 0) =>
  share.toLocaleString(locale, { style: "percent", maximumFractionDigits: digits, minimumFractionDigits: digits });
