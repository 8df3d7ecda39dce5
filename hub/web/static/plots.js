// Small plots in SVG, drawn with the page's own colours.
import { percent } from "./phrases.js";

function s(tag, attributes, ...kids) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...kids);
  return element;
}

const at = (number) => number.toFixed(1);

function frame(width, height, label) {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": label });
}

function words(x, y, text, anchor = "middle") {
  return s("text", { x: at(x), y: at(y), "text-anchor": anchor }, text);
}

// Shares over time: [{name, n, share, low, high}], oldest first; `null` shares leave a gap. The axis begins where it's of use, and says so.
export function course(points, label) {
  const [width, height, left, right, top, bottom] = [520, 190, 44, 10, 12, 34];
  const known = points.filter((point) => point.share !== null);
  const least = Math.min(0.9, ...known.map((point) => point.low));
  const floor = Math.max(0, Math.floor(least * 10) / 10);
  const x = (place) => left + (points.length < 2 ? 0.5 : place / (points.length - 1)) * (width - left - right);
  const y = (share) => top + (1 - share) / (1 - floor) * (height - top - bottom);
  const svg = frame(width, height, label);
  for (const share of [floor, (1 + floor) / 2, 1]) {
    svg.append(s("line", { class: "grid", x1: left, x2: width - right, y1: at(y(share)), y2: at(y(share)) }), words(left - 8, y(share) + 4, percent(share), "end"));
  }
  for (const run of runs(points)) {
    if (run.length < 2) continue;
    const upper = run.map((place) => `${at(x(place))},${at(y(points[place].high))}`);
    const lower = run.map((place) => `${at(x(place))},${at(y(points[place].low))}`).reverse();
    svg.append(s("polygon", { class: "band", points: [...upper, ...lower].join(" ") }),
      s("polyline", { class: "course", points: run.map((place) => `${at(x(place))},${at(y(points[place].share))}`).join(" ") }));
  }
  const every = Math.ceil(points.length / 6);
  points.forEach((point, place) => {
    if (place % every === 0 || place === points.length - 1 && place % every > every / 2) svg.append(words(x(place), height - 14, point.name));
    if (point.share === null) return;
    if (points.length < 2) svg.append(s("line", { class: "whisker", x1: at(x(place)), x2: at(x(place)), y1: at(y(point.low)), y2: at(y(point.high)) }));
    svg.append(s("circle", { class: "dot", cx: at(x(place)), cy: at(y(point.share)), r: 4 }, s("title", {}, `${point.name}: ${percent(point.share)}, n = ${point.n}`)));
  });
  return svg;
}

// Neighbours that have a share, by their places.
function runs(points) {
  const found = [[]];
  points.forEach((point, place) => {
    if (point.share === null) found.push([]);
    else found.at(-1).push(place);
  });
  return found;
}

// What was said against what came true: [{said, share, low, high, n}]; on the dashed line both are the same.
export function reliability(bins, label, across, up) {
  const [width, height, left, right, top, bottom] = [320, 236, 44, 12, 12, 40];
  const x = (share) => left + share * (width - left - right);
  const y = (share) => top + (1 - share) * (height - top - bottom);
  const most = Math.max(...bins.map((bin) => bin.n), 1);
  const svg = frame(width, height, label);
  for (const share of [0, 0.5, 1]) {
    svg.append(s("line", { class: "grid", x1: left, x2: width - right, y1: at(y(share)), y2: at(y(share)) }), words(left - 8, y(share) + 4, percent(share), "end"),
      words(x(share), height - bottom + 16, percent(share), share === 1 ? "end" : "middle"));
  }
  svg.append(s("line", { class: "ideal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }), words((left + width - right) / 2, height - 6, across),
    words(left + 4, top - 2, up, "start"));
  for (const bin of bins) {
    svg.append(s("line", { class: "whisker", x1: at(x(bin.said)), x2: at(x(bin.said)), y1: at(y(bin.low)), y2: at(y(bin.high)) }),
      s("circle", { class: "dot", cx: at(x(bin.said)), cy: at(y(bin.share)), r: at(3 + 5 * Math.sqrt(bin.n / most)) },
        s("title", {}, `${percent(bin.said)} → ${percent(bin.share)}, n = ${bin.n}`)));
  }
  return svg;
}
