// How numbers, times and states are shown, and what is said to screen readers.
import { element } from '/reader.js';

/** The colours and dashes of lines: those of `chart.rs`. */
export const COLOURS = ['#0072b2', '#e66100', '#009e73', '#cc79a7', '#56b4e9', '#b8860b', '#8a8a8a'];
const DASHES = ['', '7 4', '2 4', '10 3 2 3'];

/** The colour and the dashes of the line with this index. */
export function stroke(index) {
  return { colour: COLOURS[index % COLOURS.length], dash: DASHES[Math.floor(index / COLOURS.length) % DASHES.length] };
}

/** An SVG element. */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A piece of a line, for a legend. */
export function swatch({ colour, dash }) {
  return drawn(
    'svg',
    { class: 'swatch', viewBox: '0 0 28 8', width: 28, height: 8, 'aria-hidden': 'true' },
    drawn('path', { d: 'M0 4h28', stroke: colour, 'stroke-width': 3, 'stroke-dasharray': dash }),
  );
}

/** A number in at most `digits` digits. */
export function figure(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-4))
    return value
      .toExponential(digits - 2)
      .replace('e+', 'e')
      .replace(/-/g, '−');
  if (size >= 10 ** digits || (size >= 1000 && Number.isInteger(value))) return whole(Math.round(value));
  return String(Number(value.toPrecision(digits))).replace('-', '−');
}

/** A whole number with separators. */
export const whole = value => value.toLocaleString('en').replace('-', '−');

/** A probability as a percentage. */
export function percent(share) {
  const value = 100 * share;
  return (value >= 10 || value === 0 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : '< 0.1') + ' %';
}

/** A duration in its two largest units. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const rounded = Math.round(seconds);
  const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor(rounded / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min ${rounded % 60} s`;
  return seconds < 10 ? `${figure(seconds, 2)} s` : `${rounded} s`;
}

/** `1 step`, `2 steps`. */
export const counted = (count, one, many = one + 's') => `${whole(count)} ${count === 1 ? one : many}`;

/** A name of a figure as words: `bits_per_symbol` is "bits per symbol". */
export const words = name => name.replace(/_/g, ' ');

/** A token as it can be named: with signs for white space. */
export const quoted = token => `“${token.replace(/\n/g, '⏎').replace(/\t/g, '⇥').replace(/ /g, '␣')}”`;

/** Has screen readers say a sentence. */
export function say(sentence) {
  document.getElementById('said').textContent = sentence;
}

/** A message about an error. */
export const problem = error => element('p', { class: 'problem', role: 'alert' }, error.message ?? String(error));

/** A table of cells: texts, numbers as `{ number }`, or elements. */
export function table(heads, rows) {
  const cell = (tag, content) => {
    const number = content?.number !== undefined;
    return element(tag, { class: number && 'number', scope: tag === 'th' && 'col' }, number ? content.number : content);
  };
  return element(
    'div',
    { class: 'wide', tabindex: '0' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...heads.map(head => cell('th', head)))),
      element('tbody', {}, ...rows.map(row => element('tr', {}, ...row.map(content => cell('td', content))))),
    ),
  );
}

/** Shares as bars: `[label, share]`, the label a text. */
export function bars(rows) {
  return element(
    'ul',
    { class: 'bars' },
    ...rows.map(([label, share]) => {
      const bar = element('span', { class: 'bar', 'aria-hidden': 'true' });
      bar.style.setProperty('--share', Math.min(Math.max(share, 0), 1));
      return element(
        'li',
        {},
        element('span', { class: 'name' }, label),
        bar,
        element('span', { class: 'number' }, percent(share)),
      );
    }),
  );
}

/** Calls `act` at once, and then at most once in `least` milliseconds. */
export function throttled(act, least) {
  let waiting = null,
    last = -Infinity;
  return () => {
    if (waiting !== null) return;
    waiting = setTimeout(
      () => {
        waiting = null;
        last = performance.now();
        act();
      },
      Math.max(0, last + least - performance.now()),
    );
  };
}
