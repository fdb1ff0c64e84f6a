// A text coloured by a unit: the page of `inspect --neurons` holds this script, that of `rekindle view` loads it.

/** An element with attributes and children. Texts become text nodes. `onNAME` is a listener of the event `NAME`. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined)
      made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

/** Shades of a colour on either side of 0. */
const LEVELS = 31;

/** The class that shades an element: from -1, blue, over 0, the paper, to 1, orange. A value that is none is 0. */
export function shade(share) {
  const level = Math.round(Math.min(Math.max(share || 0, -1), 1) * LEVELS);
  return 'v' + (level + LEVELS);
}

// Colours lie over the paper, so that dark and light pages keep their own.
const shades = new CSSStyleSheet();
shades.replaceSync(
  Array.from({ length: 2 * LEVELS + 1 }, (_, index) => {
    const share = (index - LEVELS) / LEVELS;
    const ink = share < 0 ? '33,113,190' : '230,97,1';
    return `.v${index}{background-color:rgba(${ink},${(0.7 * Math.abs(share)).toFixed(3)})}`;
  }).join(''),
);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, shades];

/** The scale of the shades, between the texts `least` and `most`, which can change. */
export function scale(from = -LEVELS) {
  const least = element('span'),
    most = element('span');
  const steps = Array.from({ length: LEVELS - from + 1 }, (_, index) =>
    element('i', { class: shade((from + index) / LEVELS) }),
  );
  return { least, most, nodes: [least, element('span', { class: 'scale', 'aria-hidden': 'true' }, ...steps), most] };
}

let texts = 0;

/**
 * A text of tokens. `chosen(index)` is called when the pointer is over a token, or the arrow keys reach it. `node` is
 * the element; `add(token)` adds a token and returns its element.
 */
export class Tokens {
  constructor(label, chosen) {
    this.places = [];
    this.at = -1;
    this.chosen = chosen;
    this.id = 'token-' + texts++;
    this.node = element('pre', {
      class: 'text',
      tabindex: '0',
      role: 'listbox',
      'aria-label': label,
      // Not `mouseover`: it comes too when the arrow keys scroll the text under a resting pointer.
      onmousemove: event => this.point(Number(event.target.dataset.index)),
      onclick: event => this.point(Number(event.target.dataset.index)),
      onfocus: () => (this.at < 0 ? this.point(0) : this.chosen(this.at)),
      onkeydown: event => this.move(event),
    });
  }

  add(token) {
    // A line break has no width of its own to colour.
    const shown = token.replace(/\n/g, '⏎\n').replace(/\t/g, '⇥\t');
    const place = element('span', { role: 'option', 'data-index': this.places.length }, shown);
    if (shown !== token) place.dataset.mark = '';
    else if (!token.trim()) place.setAttribute('aria-label', 'space');
    this.places.push(place);
    this.node.append(place);
    return place;
  }

  clear() {
    this.places = [];
    this.at = -1;
    this.node.replaceChildren();
    this.node.removeAttribute('aria-activedescendant');
  }

  point(index) {
    const place = this.places[index];
    if (!place || index === this.at) return;
    const before = this.places[this.at];
    if (before) {
      before.removeAttribute('id');
      before.removeAttribute('aria-selected');
    }
    this.at = index;
    place.id = this.id;
    place.setAttribute('aria-selected', 'true');
    this.node.setAttribute('aria-activedescendant', this.id);
    this.chosen(index);
  }

  move(event) {
    const last = this.places.length - 1;
    const to = {
      ArrowLeft: () => this.at - 1,
      ArrowRight: () => this.at + 1,
      Home: () => 0,
      End: () => last,
      ArrowUp: () => this.line(-1),
      ArrowDown: () => this.line(1),
    }[event.key];
    if (!to || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.point(Math.min(Math.max(to(), 0), last));
    this.places[this.at]?.scrollIntoView({ block: 'nearest' });
  }

  /** The token of the line above (-1) or below (1) that is nearest in the other direction. */
  line(step) {
    const from = this.places[this.at];
    if (!from) return 0;
    let top = null,
      best = this.at,
      distance = Infinity;
    for (let index = this.at + step; this.places[index]; index += step) {
      const place = this.places[index];
      if (place.offsetTop === from.offsetTop) continue;
      if (top === null) top = place.offsetTop;
      if (place.offsetTop !== top) break;
      const far = Math.abs(place.offsetLeft - from.offsetLeft);
      if (far < distance) [best, distance] = [index, far];
    }
    return best;
  }
}

/**
 * Fills `root` with a text and the controls that choose the unit that colours it. `read` has the `tokens`, the
 * `starts` of sequences, the `series` of units (`name`, `count`), the `features` (`label`, `series`, `unit`), the best
 * feature of units (`best`) and `values(series, unit)`: a unit's activations, or a promise of them. The returned
 * function chooses a unit.
 */
export function reader(root, read) {
  const option = (label, value) => element('option', { value }, label);
  const feature = element(
    'select',
    { onchange: () => choose(read.features[feature.value]) },
    option('choose a feature for its best unit', ''),
    ...read.features.map((one, index) => option(one.label, index)),
  );
  const series = element(
    'select',
    { onchange: () => changed(unit.value) },
    ...read.series.map((one, index) => option(one.name, index)),
  );
  const unit = element('input', { type: 'number', min: '0', value: '0', onchange: () => changed(unit.value) });
  const step = (label, by, sign) =>
    element('button', { type: 'button', 'aria-label': label, onclick: () => changed(Number(unit.value) + by) }, sign);
  const about = element('p', { 'aria-live': 'polite' });
  const value = element('span', { class: 'value faint', role: 'status' });
  const { least, most, nodes } = scale();
  const best = new Map(read.best.map(one => [one.series + ' ' + one.unit, one]));
  const text = new Tokens('The text, coloured by the chosen unit: arrow keys show the value at a token', show);
  let values = [],
    asked = 0;

  const starts = new Set(read.starts.slice(1));
  read.tokens.forEach((token, index) => {
    if (starts.has(index)) text.node.append('\n\n');
    text.add(token);
  });
  root.replaceChildren(
    element(
      'form',
      { class: 'chooser', onsubmit: event => event.preventDefault() },
      element('label', {}, 'Feature ', feature),
      element('label', {}, 'States ', series),
      element('label', {}, 'Unit ', unit),
      element('span', {}, step('Previous unit', -1, '◀'), ' ', step('Next unit', 1, '▶')),
    ),
    about,
    element('p', { class: 'legend' }, ...nodes, value),
    text.node,
  );

  function show(index) {
    if (values.length) value.textContent = `time step ${index}: ${(values[index] ?? 0).toFixed(2).replace('-', '−')}`;
  }

  function changed(to) {
    feature.value = '';
    colour(series.value, to);
  }

  function choose(one) {
    if (!one) return;
    series.value = one.series;
    colour(one.series, one.unit);
  }

  async function colour(ofSeries, to) {
    const one = read.series[ofSeries];
    if (!one) return;
    unit.max = one.count - 1;
    const chosen = Math.min(Math.max(Math.trunc(to) || 0, 0), one.count - 1);
    unit.value = chosen;
    const own = best.get(ofSeries + ' ' + chosen);
    about.textContent =
      `${one.name} ${chosen}: ` +
      (own?.feature ? `follows “${own.feature}” best (${own.figure}).` : 'follows no feature.');
    // An answer that another choice has overtaken is dropped.
    const turn = ++asked;
    try {
      const found = await read.values(Number(ofSeries), chosen);
      if (turn === asked) paint(found);
    } catch (error) {
      if (turn === asked) about.textContent = error.message;
    }
  }

  function paint(found) {
    values = found;
    const largest = values.reduce((most, one) => Math.max(most, Math.abs(one) || 0), 0);
    text.places.forEach((place, index) => {
      place.className = shade(values[index] / largest);
    });
    least.textContent = '−' + largest.toFixed(3);
    most.textContent = '+' + largest.toFixed(3);
    if (text.at >= 0) show(text.at);
  }

  if (read.features.length) {
    feature.value = 0;
    choose(read.features[0]);
  } else {
    colour(0, 0);
  }
  return (ofSeries, ofUnit) => {
    feature.value = '';
    choose({ series: ofSeries, unit: ofUnit });
    root.scrollIntoView();
  };
}
