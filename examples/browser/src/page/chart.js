// The curve of the loss.

/** Points that are kept; of more, neighbours are averaged. */
const MOST = 600;
const LEFT = 44,
  RIGHT = 10,
  TOP = 8,
  BELOW = 22;

const drawn = (tag, attributes, text = '') => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
};

/** About `count` round numbers between `from` and `to`. */
function ticks(from, to, count) {
  const least = (to - from) / count || 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= least) ?? least;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-9; at += step) {
    found.push(Number(at.toPrecision(6)));
  }
  return found;
}

class Curve {
  constructor(svg) {
    this.svg = svg;
    this.clear();
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  clear() {
    this.points = [];
    /** How many steps a point has at least. */
    this.span = 1;
    this.draw();
  }

  /** Adds the mean `loss` of `count` steps up to `step`, and the smoothed loss there. */
  add(step, count, loss, smooth) {
    const last = this.points.at(-1);
    if (last && last.count < this.span) {
      last.loss = (last.loss * last.count + loss * count) / (last.count + count);
      Object.assign(last, { step, smooth, count: last.count + count });
    } else {
      this.points.push({ step, count, loss, smooth });
    }
    if (this.points.length > MOST) {
      const merged = [];
      for (let at = 0; at + 1 < this.points.length; at += 2) {
        const [a, b] = this.points.slice(at, at + 2);
        const count = a.count + b.count;
        merged.push({ ...b, count, loss: (a.loss * a.count + b.loss * b.count) / count });
      }
      this.points = merged;
      this.span = merged[0].count;
    }
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    this.svg.replaceChildren();
    if (!width || !this.points.length) return;
    const last = this.points.at(-1);
    const losses = this.points.flatMap(point => [point.loss, point.smooth]);
    let [low, high] = [Math.min(...losses), Math.max(...losses)];
    if (high - low < 1e-6) [low, high] = [low - 0.5, high + 0.5];
    const x = step => LEFT + (step / last.step) * (width - LEFT - RIGHT);
    const y = loss => TOP + ((high - loss) / (high - low)) * (height - TOP - BELOW);
    for (const loss of ticks(low, high, 5)) {
      this.svg.append(drawn('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(loss), y2: y(loss) }));
      this.svg.append(drawn('text', { x: LEFT - 6, y: y(loss) + 4, 'text-anchor': 'end' }, String(loss)));
    }
    for (const step of ticks(0, last.step, Math.max(2, width / 130))) {
      const anchor = x(step) > width - 50 ? 'end' : 'middle';
      const place = { x: anchor === 'end' ? width - RIGHT : x(step), y: height - 5, 'text-anchor': anchor };
      this.svg.append(drawn('text', place, step.toLocaleString('en')));
    }
    const path = key => 'M' + this.points.map(p => `${x(p.step).toFixed(1)},${y(p[key]).toFixed(1)}`).join('L');
    this.svg.append(drawn('path', { class: 'line raw', d: path('loss') }));
    this.svg.append(drawn('path', { class: 'line', d: path('smooth') }));
    const words = `Loss from ${this.points[0].smooth.toFixed(2)} to ${last.smooth.toFixed(2)} after ${last.step} steps`;
    this.svg.setAttribute('aria-label', words);
  }
}
