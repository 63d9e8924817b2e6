/** Lines in an SVG that reads on white and on black: x and y from 0, a mark for each figure, names at the ends. */

const [width, height] = [560, 320];
const area = { left: 60, right: 420, top: 40, bottom: 270 };
const strokes = ["#0072b2", "#d55e00", "#777777", "#009e73", "#cc79a7"];
const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text) => String(text).replace(/[&<>"]/g, (each) => escapes[each]);

/** Steps of 1, 2 or 5 times a power of ten, about five of them. */
function ticks(most) {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) =>
    Number((i * step).toPrecision(6)),
  );
}

/**
 * @param {{ title: string, x: string, y: string, names?: Record<number, string>, series: { name: string, points: [number, number][] }[] }} chart
 *   `names` are put at the x axis in place of numbers.
 */
export function plot({ title, x, y, names, series }) {
  const all = series.flatMap(({ points }) => points);
  const [mostX, mostY] = [0, 1].map((i) => 1.05 * Math.max(...all.map((point) => point[i])));
  const atX = (value) => (area.left + (value / mostX) * (area.right - area.left)).toFixed(1);
  const atY = (value) => (area.bottom - (value / mostY) * (area.bottom - area.top)).toFixed(1);
  const text = (tx, ty, content, more = "") => `<text x="${tx}" y="${ty}" ${more}>${escaped(content)}</text>`;
  const marksX = names
    ? Object.entries(names).map(([at, name]) => [Number(at), name])
    : ticks(mostX).map((n) => [n, n]);
  const ends = apart(series.map(({ points }) => Number(atY(points.at(-1)[1]))));
  const lines = series.map(({ name, points }, i) => {
    const color = strokes[i % strokes.length];
    const path = points.map(([px, py]) => `${atX(px)},${atY(py)}`).join(" ");
    const dots = points.map(
      ([px, py]) => `<circle cx="${atX(px)}" cy="${atY(py)}" r="3" fill="${color}" stroke="none"/>`,
    );
    return [
      `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...dots,
      text(Number(atX(points.at(-1)[0])) + 8, ends[i] + 4, name, `style="fill: ${color}"`),
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<style>text { font: 12px system-ui, sans-serif; fill: #777 } .title { font-weight: 600; font-size: 14px } .axis { stroke: #999; stroke-opacity: .5 }</style>
${text(area.left, 20, title, 'class="title"')}
${ticks(mostY)
  .map(
    (n) =>
      `<line class="axis" x1="${area.left}" x2="${area.right}" y1="${atY(n)}" y2="${atY(n)}"/>${text(area.left - 6, Number(atY(n)) + 4, n, 'text-anchor="end"')}`,
  )
  .join("\n")}
${marksX.map(([at, name]) => text(atX(at), area.bottom + 18, name, 'text-anchor="middle"')).join("\n")}
${text((area.left + area.right) / 2, height - 12, x, 'text-anchor="middle"')}
${text(14, (area.top + area.bottom) / 2, y, `text-anchor="middle" transform="rotate(-90 14 ${(area.top + area.bottom) / 2})"`)}
${lines.join("\n")}
</svg>
`;
}

/** Heights of names, moved so that none lies on another. */
function apart(heights) {
  const order = heights.map((y, i) => ({ y, i })).toSorted((a, b) => a.y - b.y);
  for (let i = 1; i < order.length; i++) order[i].y = Math.max(order[i].y, order[i - 1].y + 14);
  return order.toSorted((a, b) => a.i - b.i).map(({ y }) => y);
}
