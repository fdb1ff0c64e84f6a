// The tab that shows the inside of models: what units do while a model reads, and how far gradients reach.
import { RunChoice, modelOf, usable } from '/choice.js';
import { element, reader } from '/reader.js';
import { TIME_STEPS, get, neurons, ofRun } from '/server.js';
import { COLOURS, drawn, figure, problem, table, whole } from '/shown.js';

/** Distance over which gradients are shown if nothing else is asked for. */
const DISTANCE = 100;
/** Units that are listed with their best feature. */
const LISTED = 200;

export class Inside {
  constructor(root, runs, open) {
    Object.assign(this, { root, runs, shown: null });
    this.choice = new RunChoice(runs, id => open('inside', id));
    runs.listen(() => {
      if (root.hidden) return;
      if (this.shown === null) this.show(null);
      else this.choice.list(this.shown);
    });
  }

  show(id) {
    const chosen = this.choice.list(id ?? this.shown);
    if (chosen === this.shown && chosen !== null) return;
    this.shown = chosen;
    const run = this.runs.all.get(chosen);
    if (!run) {
      this.root.replaceChildren(this.choice.node, element('p', { class: 'faint' }, 'No run has a model yet.'));
      return;
    }
    this.root.replaceChildren(this.choice.node, this.units(run), this.gradients(run));
  }

  /** The part that shows units. */
  units(run) {
    const length = element('input', { type: 'number', min: '1', value: TIME_STEPS });
    const text = element('textarea', { rows: 2, placeholder: 'the validation split', 'aria-label': 'Text to read' });
    const form = element(
      'form',
      { onsubmit: submitted },
      // Only the input of a language model is a text that can be typed here.
      run.task === 'chars' ? element('label', {}, 'Text ', text) : null,
      element(
        'p',
        { class: 'controls' },
        element('label', {}, 'Time steps ', length),
        element('button', { type: 'submit' }, 'Show units'),
      ),
    );
    const found = element('div');
    function submitted(event) {
      event.preventDefault();
      busy(form, found, async () => {
        const read = () => neurons(run.id, Number(length.value) || TIME_STEPS, text.value);
        return unitsOf(run, await read(), read);
      });
    }
    const about =
      'The model reads its validation split, or your text. ' +
      'Each unit is scored by how well it follows features of what was read.';
    return element(
      'section',
      { 'aria-label': 'Units' },
      element('h2', {}, 'Units'),
      element('p', { class: 'faint' }, about),
      form,
      found,
    );
  }

  /** The part that shows the reach of gradients, of several runs side by side. */
  gradients(run) {
    const others = [...this.runs.all.values()].filter(
      other => usable(other) && other.task === run.task && other.id !== run.id,
    );
    const found = element('div');
    const boxes = others
      .slice(0, 30)
      .map(other =>
        element(
          'label',
          {},
          element('input', { type: 'checkbox', value: other.id }),
          ` ${other.name} (${modelOf(other)})`,
        ),
      );
    const distance = element('input', { type: 'number', min: '1', value: DISTANCE });
    const form = element(
      'form',
      { onsubmit: submitted },
      boxes.length
        ? element('fieldset', { class: 'choices' }, element('legend', {}, `Beside ${run.name}`), ...boxes)
        : null,
      element(
        'p',
        { class: 'controls' },
        element('label', {}, 'Time steps ', distance),
        element('button', { type: 'submit' }, 'Show gradients'),
      ),
    );
    const runs = this.runs;
    function submitted(event) {
      event.preventDefault();
      busy(form, found, async () => {
        const asked = new URLSearchParams({ distance: Number(distance.value) || DISTANCE });
        for (const box of form.querySelectorAll('input:checked')) asked.append('run', box.value);
        const { svg, runs: flows } = await get(ofRun(run.id, `gradients?${asked}`));
        return [picture(svg), ...flows.flatMap(one => flow(runs.all.get(one.id)?.name ?? one.id, one.flow))];
      });
    }
    const about =
      'How much the loss of the last prediction depends on earlier states, by distance: ' +
      'as the model started, and as trained.';
    return element(
      'section',
      { 'aria-label': 'Gradients' },
      element('h2', {}, 'Gradients'),
      element('p', { class: 'faint' }, about),
      form,
      found,
    );
  }
}

/** The half-lives and the recurrent weights of a run. */
function flow(name, flow) {
  const reach = flow.trained.reach.map((one, index) => [
    `layer ${one.layer} ${one.state}`,
    { number: half(flow.start.reach[index]) },
    { number: half(one) },
  ]);
  const weights = flow.trained.weights.map((one, index) => {
    const start = flow.start.weights[index];
    const sizes = [start, one].flatMap(at => [
      { number: figure(at?.largest_singular_value, 3) },
      { number: figure(at?.spectral_radius, 3) },
    ]);
    return [`layer ${one.layer}${one.reverse ? ' reverse' : ''} ${one.block}`, ...sizes];
  });
  const number = text => ({ number: text });
  return [
    element('h3', {}, name),
    element('p', { class: 'faint' }, `${flow.model}, step ${whole(flow.step)}`),
    table(['State', number('Half-life at the start, time steps'), number('as trained')], reach),
    weights.length
      ? element(
          'details',
          {},
          element('summary', {}, 'Recurrent weights: largest singular value σ and spectral radius ρ'),
          table(
            [
              'Block',
              number('σ at the start'),
              number('ρ at the start'),
              number('σ as trained'),
              number('ρ as trained'),
            ],
            weights,
          ),
        )
      : '',
  ];
}

const half = reach =>
  reach?.half_life === null || reach?.half_life === undefined ? 'no decay' : figure(reach.half_life, 3);

/** Shows that something is being computed, and then what `compute` returns, or why there is nothing. */
async function busy(form, found, compute) {
  const button = form.querySelector('button[type=submit]');
  button.disabled = true;
  found.replaceChildren(element('p', { class: 'faint', role: 'status' }, 'computing …'));
  try {
    found.replaceChildren(...[await compute()].flat());
  } catch (error) {
    found.replaceChildren(problem(error));
  }
  button.disabled = false;
}

/** A chart of the server as a picture: as one it can run no script. */
function picture(svg) {
  const src = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  const alt = 'Norms of gradients by distance, at the start and as trained; the half-lives are in the tables below';
  return element('p', {}, element('img', { src, alt, class: 'gradients', onload: () => URL.revokeObjectURL(src) }));
}

/** What units do: `data`, which `read` reads anew when the server has dropped it. */
function unitsOf(run, data, read) {
  const cache = new Map();
  const values = async (series, unit) => {
    const ask = async () => (await get(ofRun(run.id, `neurons/${series}/${unit}`))).values;
    const key = `${series} ${unit}`;
    if (!cache.has(key)) {
      cache.set(key, await ask().catch(error => (error.status === 410 ? read().then(ask) : Promise.reject(error))));
    }
    return cache.get(key);
  };
  const root = element('div');
  const choose = reader(root, { ...data, values });
  const button = one => element('button', { type: 'button', onclick: () => choose(one.series, one.unit) }, one.name);
  const count = data.series.reduce((sum, one) => sum + one.count, 0);
  const number = text => ({ number: text });
  const features = data.features.map(one => [
    one.feature,
    button(one),
    number(one.auc === null ? '' : one.auc.toFixed(3)),
    number(figure(one.correlation, 3)),
    one.higher ? 'higher' : 'lower',
    number(whole(one.count)),
  ]);
  const units = data.best
    .filter(one => one.feature)
    .sort((a, b) => b.strength - a.strength)
    .slice(0, LISTED);
  return [
    element(
      'p',
      { class: 'faint' },
      `${whole(data.tokens.length)} ${data.unit} of ${data.source}; ${whole(count)} units.`,
    ),
    data.notes ? element('p', { class: 'faint' }, data.notes) : '',
    root,
    element('h3', {}, 'The best unit for each feature'),
    table(
      ['Feature', 'Best unit', number('AUC'), number('Correlation'), 'With the feature', number('Time steps')],
      features,
    ),
    element(
      'details',
      {},
      element('summary', {}, `The best feature of each unit (the ${units.length} that follow one best)`),
      table(
        ['Unit', 'Best feature', 'Score'],
        units.map(one => [button(one), one.feature, one.figure]),
      ),
    ),
    ...(data.gates.length
      ? [
          element('h3', {}, 'Saturated gates'),
          element(
            'p',
            { class: 'faint' },
            'Each point is a unit: the share of time steps at which its gate is closed (below 0.1) across, ' +
              'open (above 0.9) up.',
          ),
          element('div', { class: 'plots' }, ...data.gates.map(scatter)),
        ]
      : []),
  ];
}

/** Side of a scatter plot, and its margins. */
const SIDE = 150,
  LEFT = 46,
  TOP = 24,
  BELOW = 34;

/** How often a gate is closed and open, a point for each unit. */
function scatter({ name, layer, left, right }) {
  const mean = values => values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
  const [closed, open] = [left, right].map(values => Math.round(100 * mean(values)));
  const about = `${name}: ${closed} % of the time closed, ${open} % open, on average`;
  const text = (x, y, content, anchor) => drawn('text', { x, y, 'text-anchor': anchor }, content);
  const bottom = TOP + SIDE;
  return drawn(
    'svg',
    {
      class: 'scatter',
      viewBox: `0 0 ${LEFT + SIDE + 8} ${bottom + BELOW}`,
      width: LEFT + SIDE + 8,
      height: bottom + BELOW,
      role: 'img',
      'aria-label': about,
    },
    text(LEFT, 16, name, 'start'),
    drawn('path', { d: `M${LEFT} ${TOP}V${bottom}h${SIDE}`, class: 'axis' }),
    drawn('path', { d: `M${LEFT} ${TOP}l${SIDE} ${SIDE}`, class: 'grid' }),
    ...[0, 0.5, 1].flatMap(share => [
      text(LEFT + share * SIDE, bottom + 14, String(share), 'middle'),
      text(LEFT - 5, bottom - share * SIDE + 4, String(share), 'end'),
    ]),
    text(LEFT + SIDE / 2, bottom + 29, 'closed', 'middle'),
    drawn('text', { transform: `translate(9 ${TOP + SIDE / 2}) rotate(-90)`, 'text-anchor': 'middle' }, 'open'),
    ...left.map((closed, index) =>
      drawn('circle', {
        cx: (LEFT + closed * SIDE).toFixed(1),
        cy: (bottom - right[index] * SIDE).toFixed(1),
        r: 3,
        fill: COLOURS[layer % COLOURS.length],
        'fill-opacity': 0.55,
      }),
    ),
  );
}
