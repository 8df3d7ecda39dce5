// The site's texts, in English where they stand. A page in another language names its catalogue; modules wait for it.
const { lang, dataset } = document.documentElement;
const { texts, plural } = (dataset.words && await import(dataset.words).catch(() => null)) || { texts: {} };

// Whose numbers and dates: the browser's own region's, where it speaks the page's language.
function spoken(tag) {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return `${language}-${script}`;
  } catch {
    return ""; // no tag
  }
}
export const locale = navigator.languages.find((tag) => spoken(tag) === spoken(lang)) ?? lang;

// t("Hello {name}", { name }): a text with its values.
export const t = (text, values = {}) => fill(texts[text] ?? text, values);

// n("{n} turn", "{n} turns", count): one of two texts by a number, which is {n} in them.
export const n = (one, many, count, values = {}) =>
  fill(texts[one]?.[plural(count)] ?? (count === 1 ? one : many), { n: number(count), ...values });

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

export const number = (value, digits = 0) =>
  value.toLocaleString(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits });

// A time as people write it; `how` is as Intl.DateTimeFormat has it.
export const when = (at, how) => new Date(at).toLocaleString(locale, how);
export const clock = (at) => when(at, { hour: "2-digit", minute: "2-digit" });
