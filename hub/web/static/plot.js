// Bars over days, as an SVG of our own: with a title and a description for who doesn't see it, and a word on each bar.
import { h } from "./dom.js";

const SPACE = { left: 8, right: 8, top: 10, bottom: 24 };
const LINES = 4;
const WORD = 62; // Pixels that a word below the bars takes.

export function svg(name, props = {}, ...kids) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(props)) if (value !== undefined) element.setAttribute(key, value);
  element.append(...kids.flat(3).filter(Boolean));
  return element;
}

// Return round numbers from 0 up to the least that's above all: 1, 2 or 5 and noughts apart; whole ones if `whole`.
export function rungs(highest, whole) {
  const rough = highest / LINES || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999);
  if (whole) step = Math.max(1, step);
  return Array.from({ length: Math.max(1, Math.ceil(highest / step - 1e-9)) + 1 }, (_, at) => at * step);
}

// A picture that shows which series is which: lines go across the second one.
export function sample(number) {
  return svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, svg("rect", { width: 12, height: 12, class: `plot-${number}` }),
    number === 2 && svg("path", { d: "M0 4L4 0M0 8L8 0M0 12L12 0M4 12L12 4M8 12L12 8", class: "plot-lines" }));
}

// Draw bars into a place: `bars` are {name, words, values}, one value for each of `series`; `say` tells a value in words.
export function draw(place, { bars, series, say, short, title, about, whole = true }) {
  const width = place.clientWidth;
  const height = place.clientHeight;
  if (!width || !height) return;
  const sums = bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const lines = rungs(Math.max(...sums), whole);
  const margin = 7.2 * Math.max(...lines.map((line) => short(line).length)) + SPACE.left;
  const room = { x: margin, y: SPACE.top, w: width - margin - SPACE.right, h: height - SPACE.top - SPACE.bottom };
  const up = (value) => room.y + room.h * (1 - value / lines.at(-1));
  const step = room.w / bars.length;
  const thick = Math.min(44, Math.max(1, step * 0.72));
  const every = Math.ceil((bars.length * WORD) / room.w);
  const overs = bars.map((_, at) => svg("rect", { class: "plot-over", x: room.x + at * step, y: room.y, width: step, height: room.h }));
  const picture = svg("svg", { role: "img", "aria-labelledby": "plot-name plot-about", viewBox: `0 0 ${width} ${height}` },
    svg("title", { id: "plot-name" }, title), svg("desc", { id: "plot-about" }, about),
    svg("defs", {}, svg("pattern", { id: "plot-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("path", { d: "M0 0V6", class: "plot-lines" }))),
    lines.map((line) => [
      svg("line", { class: "plot-rule", x1: room.x, x2: width - SPACE.right, y1: Math.round(up(line)) + 0.5, y2: Math.round(up(line)) + 0.5 }),
      svg("text", { x: room.x - 8, y: up(line) + 4, "text-anchor": "end" }, short(line))]),
    bars.map(({ values }, at) => stack(values, room.x + at * step + (step - thick) / 2, thick, up)),
    bars.map(({ name }, at) => at % every === 0 && svg("text", { x: room.x + (at + 0.5) * step, y: height - 6, "text-anchor": "middle" }, name)),
    overs);
  place.replaceChildren(picture);
  point(place, picture, bars, series, say, overs, { room, step });
}

function stack(values, x, width, up) {
  let below = 0;
  return values.map((value, number) => {
    if (!value) return null;
    const [top, foot] = [up(below + value), up(below)];
    below += value;
    const shape = { x, y: top, width, height: Math.max(1, foot - top), rx: Math.min(2, width / 4) };
    return [svg("rect", { ...shape, class: `plot-${number + 1}` }), number === 1 && svg("rect", { ...shape, fill: "url(#plot-hatch)" })];
  });
}

// Tell of the bar that's pointed at.
function point(place, picture, bars, series, say, overs, { room, step }) {
  const tip = h("div.plot-tip", { hidden: true, "aria-hidden": "true" });
  const leave = () => {
    tip.hidden = true;
    for (const over of overs) over.classList.remove("here");
  };
  const show = (event) => {
    const at = Math.floor((event.clientX - picture.getBoundingClientRect().left - room.x) / step);
    leave();
    if (at < 0 || at >= bars.length) return;
    overs[at].classList.add("here");
    tip.replaceChildren(h("b", {}, bars[at].words), ...series.map((name, number) => h("span", {}, name ? `${name}: ${say(bars[at].values[number])}` : say(bars[at].values[number]))));
    tip.hidden = false;
    const middle = room.x + (at + 0.5) * step;
    tip.style.left = `${Math.max(0, Math.min(middle - tip.offsetWidth / 2, place.clientWidth - tip.offsetWidth))}px`;
  };
  place.append(tip);
  picture.addEventListener("pointermove", show);
  picture.addEventListener("pointerdown", show);
  picture.addEventListener("pointerleave", leave);
}
