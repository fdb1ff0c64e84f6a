// Views of answers that are texts: written characters, a classified text, translations, and sums.
import { Tokens, element, scale, shade } from '/reader.js';
import { neurons } from '/server.js';
import { bars, counted, figure, percent, quoted, table, whole } from '/shown.js';

/** Bits of surprise that have the strongest colour. */
const BITS = 8;
const surprise = probability => -Math.log2(probability) / BITS;

/** Text as a model writes it, with the probability of each token. */
export class Written {
  verb = 'Write';
  label = 'Text to continue';

  constructor({ run, given, again }) {
    this.run = run;
    this.series = given.series ?? [];
    this.data = [];
    this.text = new Tokens('The text, a token each: arrow keys show the probability and the alternatives', index =>
      this.point(index),
    );
    this.detail = element('div', { class: 'detail', role: 'status' });
    this.legend = element('p', { class: 'legend' });
    this.colour = element(
      'select',
      { onchange: () => this.recolour(again) },
      ...[
        ['probability', 'probability'],
        ['unit', 'a unit’s activation'],
        ['none', 'nothing'],
      ]
        .slice(0, this.series.length ? 3 : 1)
        .map(([value, label]) => element('option', { value }, label)),
    );
    const chosen = () => this.recolour(again);
    this.states = element(
      'select',
      { onchange: chosen },
      ...this.series.map((one, index) => element('option', { value: index }, one.name)),
    );
    this.unit = element('input', { type: 'number', min: '0', value: '0', onchange: chosen });
    this.feature = element(
      'select',
      { onchange: () => this.follow(again) },
      element('option', { value: '' }, 'choose a feature for its best unit'),
    );
    this.find = element('button', { type: 'button', onclick: () => this.rank() }, 'Find units by feature');
    this.which = element(
      'span',
      { class: 'controls', hidden: true },
      element('label', {}, 'States ', this.states),
      element('label', {}, 'Unit ', this.unit),
      this.find,
    );
    this.node = element(
      'div',
      {},
      element('div', { class: 'controls' }, element('label', {}, 'Colour by ', this.colour), this.which),
      this.legend,
      element('div', { class: 'beside' }, this.text.node, this.detail),
    );
    this.explain();
  }

  /** The unit whose activation is asked for, as an option of the request. */
  options() {
    const one = this.series[this.states.value];
    if (this.colour.value !== 'unit' || !one) return {};
    this.unit.max = one.count - 1;
    this.unit.value = Math.min(Math.max(Math.trunc(this.unit.value) || 0, 0), one.count - 1);
    return { neuron: { series: Number(this.states.value), unit: Number(this.unit.value) } };
  }

  /** Colours the text anew; another unit needs another text. */
  recolour(again) {
    this.which.hidden = this.colour.value !== 'unit';
    this.explain();
    const { neuron } = this.options();
    if (neuron && this.data.length && JSON.stringify(neuron) !== this.had) again();
    else this.paint(0);
  }

  explain() {
    const by = this.colour.value;
    const { least, most, nodes } = scale(by === 'probability' ? 0 : undefined);
    this.largest = 1;
    [least.textContent, most.textContent] =
      by === 'unit' ? ['−1.000', '+1.000'] : ['likely', 'surprising: 1 in 256 or less'];
    this.ends = [least, most];
    this.legend.replaceChildren(...(by === 'none' ? [] : nodes));
  }

  async rank() {
    this.find.disabled = true;
    this.find.textContent = 'reading a text …';
    try {
      const { features } = await neurons(this.run.id);
      this.features = features;
      this.feature.append(...features.map((one, index) => element('option', { value: index }, one.label)));
      this.find.replaceWith(element('label', {}, 'Feature ', this.feature));
    } catch (error) {
      this.find.textContent = error.message;
    }
  }

  follow(again) {
    const one = this.features[this.feature.value];
    if (!one) return;
    this.states.value = one.series;
    this.unit.value = one.unit;
    this.recolour(again);
  }

  start() {
    this.data = [];
    this.text.clear();
    this.detail.replaceChildren(
      element('p', { class: 'faint' }, 'Point at a character, or focus the text and use the arrow keys.'),
    );
    this.began = performance.now();
    this.seconds = 0;
    this.tokens = 0;
    this.had = JSON.stringify(this.options().neuron);
    this.largest = 1;
  }

  lines(lines) {
    const { node } = this.text;
    const atEnd = node.scrollTop + node.clientHeight > node.scrollHeight - 40;
    const from = this.data.length;
    for (const line of lines) {
      for (const token of line.prime ?? [line]) this.add(token, line.prime !== undefined);
    }
    this.paint(from);
    if (atEnd) node.scrollTop = node.scrollHeight;
    this.seconds = (performance.now() - this.began) / 1000;
  }

  add(token, given) {
    if (token.text === undefined) return;
    this.data.push(token);
    const place = this.text.add(token.text);
    if (given) place.dataset.given = '';
    else this.tokens += 1;
  }

  paint(from) {
    const by = this.colour.value;
    if (by === 'unit') {
      const before = this.largest;
      for (const { activation } of this.data.slice(from))
        this.largest = Math.max(this.largest, Math.abs(activation) || 0);
      if (this.largest !== before) from = 0;
      [this.ends[0].textContent, this.ends[1].textContent] = [
        '−' + this.largest.toFixed(3),
        '+' + this.largest.toFixed(3),
      ];
    }
    const share = {
      probability: one => (one.probability === undefined ? 0 : surprise(one.probability)),
      unit: one => one.activation / this.largest,
      none: () => 0,
    }[by];
    for (let index = from; index < this.data.length; index++)
      this.text.places[index].className = shade(share(this.data[index]));
  }

  point(index) {
    const one = this.data[index];
    if (!one) return;
    const facts =
      one.probability === undefined ? 'given, not written by the model' : `probability ${percent(one.probability)}`;
    const activation = one.activation === undefined ? '' : `, activation ${figure(one.activation, 3)}`;
    this.detail.replaceChildren(
      element('p', {}, `${whole(index + 1)}: `, element('b', {}, quoted(one.text)), `, ${facts}${activation}`),
      one.alternatives?.length ? bars(one.alternatives.map(other => [quoted(other.text), other.probability])) : '',
    );
  }

  progress() {
    const speed = this.seconds > 0.05 ? `, ${whole(Math.round(this.tokens / this.seconds))} a second` : '';
    return `${counted(this.tokens, 'token')}, ${this.seconds.toFixed(1)} s${speed}`;
  }

  done() {}
}

/** The classes of a text, and what each word adds. */
export class Classified {
  live = true;
  verb = 'Classify';
  label = 'A text to classify';

  constructor() {
    this.shares = element('div');
    this.text = new Tokens('The words, coloured by what they add: arrow keys show the number', index =>
      this.point(index),
    );
    this.detail = element('p', { class: 'detail', role: 'status' });
    this.legend = element('p', { class: 'legend' });
    this.node = element(
      'div',
      { hidden: true },
      this.shares,
      element('h3', {}, 'What each word adds'),
      this.legend,
      this.text.node,
      this.detail,
    );
  }

  start() {
    this.node.hidden = false;
  }

  lines([answer]) {
    if (!answer) return;
    const { labels, probabilities, words } = answer;
    const order = labels.map((label, index) => [label, probabilities[index]]).sort((a, b) => b[1] - a[1]);
    this.shares.replaceChildren(bars(order));
    // What is no word, such as white space, has no weight.
    this.words = words.filter(word => word.weight !== null);
    this.best = order[0]?.[0] ?? '';
    const largest = this.words.reduce((most, word) => Math.max(most, Math.abs(word.weight)), 0);
    const { least, most, nodes } = scale();
    least.textContent = `against “${this.best}”`;
    most.textContent = `for “${this.best}”`;
    this.legend.replaceChildren(...nodes);
    this.text.clear();
    this.detail.textContent = answer.empty ? 'No word was found: the model read one unknown word.' : '';
    for (const { text, weight } of words) {
      if (weight === null) this.text.node.append(text);
      else this.text.add(text).className = shade(weight / largest);
    }
  }

  point(index) {
    const { text, weight } = this.words[index];
    const sign = weight > 0 ? '+' : '';
    this.detail.textContent = `“${text.trim()}”: ${sign}${figure(weight, 3)} for “${this.best}”`;
  }

  done() {}
}

/** A list of hypotheses, of which one is chosen; `chosen(hypothesis)` shows it. */
export class Hypotheses {
  constructor(chosen) {
    this.chosen = chosen;
    this.node = element('ol', { class: 'hypotheses' });
  }

  show(hypotheses) {
    const buttons = hypotheses.map((one, index) =>
      element(
        'button',
        { type: 'button', class: 'plain', 'aria-pressed': String(index === 0), onclick: () => choose(index) },
        one.text || '(nothing)',
      ),
    );
    const choose = index => {
      buttons.forEach((button, other) => button.setAttribute('aria-pressed', String(other === index)));
      this.chosen(hypotheses[index]);
    };
    this.node.replaceChildren(
      ...hypotheses.map((one, index) =>
        element(
          'li',
          {},
          buttons[index],
          ' ',
          element('span', { class: 'faint' }, one.score === null || one.score === undefined ? '' : figure(one.score)),
        ),
      ),
    );
    if (hypotheses.length) choose(0);
  }
}

/** Translations of a sentence, with what each word attends to. */
export class Translated {
  verb = 'Translate';
  label = 'A sentence to translate';

  constructor() {
    this.matrix = element('div');
    this.node = element('div');
  }

  start() {
    this.node.replaceChildren();
  }

  /** Every line of the text has an answer. */
  lines(answers) {
    for (const { source, hypotheses } of answers) {
      const matrix = element('div');
      const list = new Hypotheses(one => matrix.replaceChildren(attention(source, one)));
      list.show(hypotheses);
      this.node.append(element('section', {}, element('h3', {}, source.join(' ')), list.node, matrix));
    }
  }

  done() {}
}

/** Attention weights as a table: a row for each written token, a column for each read one. */
function attention(source, { tokens, attention: weights }) {
  if (!weights) return element('p', { class: 'faint' }, 'This model has no attention.');
  const head = element(
    'tr',
    {},
    element('td'),
    ...source.map(token => element('th', { scope: 'col' }, element('span', {}, token))),
  );
  const rows = weights.map((row, index) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, tokens[index] ?? ''),
      ...row.map(weight =>
        element('td', { class: shade(weight) }, weight >= 0.005 ? String(Math.round(100 * weight)) : ''),
      ),
    ),
  );
  return element(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': `Attention weights for ${source.join(' ')}` },
    element(
      'table',
      { class: 'attention' },
      element(
        'caption',
        {},
        'Attention weights in percent: each row is a written word, each column a word that was read.',
      ),
      element('thead', {}, head),
      element('tbody', {}, ...rows),
    ),
  );
}

/** A sequence of numbers, the sum of the marked ones and the model's answer. */
export class Summed {
  verb = 'Add';
  label = 'Numbers with two marked: 0.3 0.5* 0.1 0.25*';

  constructor() {
    this.node = element('div');
  }

  start() {
    this.node.replaceChildren();
  }

  lines(answers) {
    for (const { sequence, target, prediction } of answers) {
      this.node.append(
        element('h3', {}, counted(sequence.length, 'number')),
        element(
          'p',
          { class: 'numbers' },
          ...sequence.flatMap(({ value, marked }) => [element(marked ? 'mark' : 'span', {}, figure(value, 3)), ' ']),
        ),
        table(
          ['Number', { number: 'Value' }],
          [
            ['Sum of the marked numbers', { number: figure(target) }],
            ['The model’s answer', { number: figure(prediction) }],
            ['Difference', { number: figure(prediction - target, 3) }],
          ],
        ),
      );
    }
  }

  done() {}
}
