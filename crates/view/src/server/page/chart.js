// Line charts that show the values under the pointer, or under a cursor that the arrow keys move.
import { element } from '/reader.js';
import { drawn, figure, swatch } from '/shown.js';

const HEIGHT = 250,
  LEFT = 58,
  RIGHT = 12,
  TOP = 10,
  BELOW = 26;
/** Values that are listed under a chart at most. */
const LISTED = 8;

/** Numbers between `from` and `to` for the ticks of an axis: about `count`. */
function ticks(from, to, count) {
  const least = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= least) ?? least;
  const first = Math.ceil(from / step),
    last = Math.floor(to / step);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => (first + index) * step);
}

/** The same for a logarithmic axis, of logarithms: powers of ten, with 2 and 5 where these are few. */
function powers(from, to) {
  const factors = to - from > 3 ? [1] : to - from > 1 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const found = [];
  for (let power = Math.floor(from); power <= to; power++) {
    for (const factor of factors) {
      const at = power + Math.log10(factor);
      if (at >= from && at <= to) found.push(at);
    }
  }
  const skip = Math.ceil(found.length / 7);
  return found.length > 1 ? found.filter((_, index) => index % skip === 0) : ticks(from, to, 4);
}

/** The index of the point nearest to `x`, of points in the order of `x`. */
function nearest(points, x) {
  let low = 0,
    high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - points[low - 1][0] <= points[low][0] - x ? low - 1 : low;
}

function range(values) {
  let least = Infinity,
    most = -Infinity;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (least === Infinity) return [0, 1];
  return least === most ? [least - 0.5, most + 0.5] : [least, most];
}

/**
 * A chart with a title. `chosen(x)` is called when the pointer or the cursor is at another place. `of` names the
 * horizontal axis in what is listed: `step 400`.
 */
export class Chart {
  constructor(title, { chosen = () => {} } = {}) {
    this.title = title;
    this.chosen = chosen;
    this.given = { lines: [], x: '', of: '', log: false };
    this.cursor = null;
    this.svg = drawn('svg', { class: 'plot', 'aria-hidden': 'true' });
    this.listed = element('ul', { class: 'values' });
    this.frame = element(
      'div',
      {
        class: 'frame',
        tabindex: '0',
        role: 'slider',
        'aria-label': title,
        'aria-valuetext': 'no value yet',
        onpointermove: event => this.follow(event),
        onpointerdown: event => this.follow(event),
        onkeydown: event => this.move(event),
      },
      this.svg,
    );
    this.node = element('figure', { class: 'chart' }, element('figcaption', {}, title), this.frame, this.listed);
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  /** Draws `lines` (`name`, `colour`, `dash`, `points` as `[x, y]` in order, and `faint` ones). */
  update(given) {
    this.given = { ...this.given, ...given };
    this.draw();
  }

  draw() {
    const width = this.frame.clientWidth;
    if (!width) return;
    const { lines, x: axis, log } = this.given;
    const shown = log ? ([x, y]) => [x, y > 0 ? Math.log10(y) : NaN] : point => point;
    this.lines = lines.map(line => ({
      ...line,
      points: line.points.map(shown).filter(([x]) => Number.isFinite(x)),
      faint: (line.faint ?? []).map(shown),
    }));
    const every = function* (lines, at) {
      for (const line of lines) {
        for (const point of line.points) if (Number.isFinite(point[1])) yield point[at];
        for (const point of line.faint) if (Number.isFinite(point[1])) yield point[at];
      }
    };
    const x = range(every(this.lines, 0)),
      y = range(every(this.lines, 1));
    const inner = width - LEFT - RIGHT,
      tall = HEIGHT - TOP - BELOW;
    this.across = value => LEFT + ((value - x[0]) / (x[1] - x[0])) * inner;
    this.up = value => TOP + (1 - (value - y[0]) / (y[1] - y[0])) * tall;
    this.back = at => x[0] + ((at - LEFT) / inner) * (x[1] - x[0]);
    const parts = [],
      bottom = TOP + tall;
    const text = (at, content, anchor, more = {}) =>
      drawn('text', { x: at[0].toFixed(1), y: at[1].toFixed(1), 'text-anchor': anchor, ...more }, content);
    for (const tick of log ? powers(...y) : ticks(...y, 5)) {
      const at = this.up(tick);
      parts.push(drawn('path', { d: `M${LEFT} ${at.toFixed(1)}h${inner}`, class: 'grid' }));
      parts.push(text([LEFT - 6, at + 4], figure(log ? 10 ** tick : tick, 3), 'end'));
    }
    for (const tick of ticks(...x, inner / 90)) {
      const at = this.across(tick);
      parts.push(drawn('path', { d: `M${at.toFixed(1)} ${bottom}v4`, class: 'axis' }));
      if (at < LEFT + inner - 70) parts.push(text([at, bottom + 17], figure(tick, 4), 'middle'));
    }
    parts.push(text([LEFT + inner, bottom + 17], axis, 'end', { class: 'unit' }));
    parts.push(drawn('path', { d: `M${LEFT} ${TOP}V${bottom}h${inner}`, class: 'axis' }));
    for (const line of this.lines) {
      const style = { stroke: line.colour, 'stroke-dasharray': line.dash };
      if (line.faint.length) parts.push(drawn('path', { d: this.path(line.faint), class: 'line faint', ...style }));
      parts.push(drawn('path', { d: this.path(line.points), class: 'line', ...style }));
      if (line.points.length < 30) parts.push(...this.dots(line.points, line.colour));
    }
    this.marks = drawn('g');
    this.svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute('width', width);
    this.svg.setAttribute('height', HEIGHT);
    this.svg.replaceChildren(...parts, this.marks);
    this.ends = x;
    if (this.cursor === null) this.frame.setAttribute('aria-valuenow', x[0]);
    this.frame.setAttribute('aria-valuemin', x[0]);
    this.frame.setAttribute('aria-valuemax', x[1]);
    this.mark();
  }

  path(points) {
    let path = '',
      gap = true;
    for (const [x, y] of points) {
      if (Number.isFinite(y)) path += `${gap ? 'M' : 'L'}${this.across(x).toFixed(1)} ${this.up(y).toFixed(1)}`;
      gap = !Number.isFinite(y);
    }
    return path;
  }

  dots(points, colour) {
    return points
      .filter(([, y]) => Number.isFinite(y))
      .map(([x, y]) =>
        drawn('circle', { cx: this.across(x).toFixed(1), cy: this.up(y).toFixed(1), r: 2.5, fill: colour }),
      );
  }

  follow(event) {
    if (!this.back) return;
    const at = event.clientX - this.frame.getBoundingClientRect().left;
    this.place(this.back(at));
  }

  /** Puts the cursor at `x`. */
  place(x) {
    this.cursor = Math.min(Math.max(x, this.ends[0]), this.ends[1]);
    this.mark();
    this.chosen(this.cursor);
  }

  move(event) {
    const longest = this.lines?.reduce((most, line) => (line.points.length > most.length ? line.points : most), []);
    if (!longest?.length) return;
    const at = this.cursor === null ? -1 : nearest(longest, this.cursor);
    const far = Math.max(1, Math.round(longest.length / 20));
    const to = {
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      PageUp: at + far,
      PageDown: at - far,
      Home: 0,
      End: longest.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.place(longest[Math.min(Math.max(to, 0), longest.length - 1)][0]);
  }

  /** Marks and lists the values at the cursor. */
  mark() {
    const { of, log } = this.given;
    if (this.cursor === null) {
      this.listed.replaceChildren();
      return;
    }
    const at = this.across(this.cursor);
    const found = this.lines
      .filter(line => line.points.length)
      .map(line => {
        const [x, y] = line.points[nearest(line.points, this.cursor)];
        return { ...line, x, y, value: log ? 10 ** y : y };
      })
      .filter(({ y }) => Number.isFinite(y));
    this.marks.replaceChildren(
      drawn('path', { d: `M${at.toFixed(1)} ${TOP}V${HEIGHT - BELOW}`, class: 'cursor' }),
      ...found.flatMap(line => this.dots([[line.x, line.y]], line.colour)),
    );
    const rows = found
      .slice(0, LISTED)
      .map(line => [line, `${line.name}: ${figure(line.value)} (${of} ${figure(line.x)})`]);
    this.listed.replaceChildren(
      ...rows.map(([line, text]) => element('li', {}, swatch(line), text)),
      ...(found.length > LISTED ? [element('li', {}, `and ${found.length - LISTED} more`)] : []),
    );
    this.frame.setAttribute('aria-valuenow', this.cursor);
    this.frame.setAttribute('aria-valuetext', rows.map(([, text]) => text).join('; ') || 'no value');
  }
}
