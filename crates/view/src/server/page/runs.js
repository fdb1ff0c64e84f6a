// The tab of runs: their table, their learning curves, and the parts of `details.js`.
import { Chart } from '/chart.js';
import { modelOf } from '/choice.js';
import { Details, Settings } from '/details.js';
import { element } from '/reader.js';
import { get, ofRun } from '/server.js';
import { counted, figure, say, stroke, swatch, throttled, whole, words } from '/shown.js';

/** Runs whose curves are shown at first. */
const AT_FIRST = 6;
/** Runs that one click puts into the charts at most. */
const AT_ONCE = 50;
/** Rows of the table that are made at once; more are made when the reader has come to their end. */
const ROWS = 60;
/** Requests for curves at a time. */
const REQUESTS = 4;
/** Least time between two requests for the same run in training, in milliseconds. */
const PAUSE = 1500;

/** The horizontal axes: how a point `[step, epoch, seconds, value]` is placed. */
const AXES = {
  steps: { of: 'step', at: point => point[0] },
  epochs: { of: 'epoch', at: point => point[1] },
  'wall time': { of: 'minute', at: point => (point[2] === null ? NaN : point[2] / 60), unit: 'minutes' },
};

const ORDERS = {
  newest: (a, b) => b.modified - a.modified,
  name: (a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }),
  task: (a, b) => (a.task ?? '').localeCompare(b.task ?? ''),
  steps: (a, b) => b.steps - a.steps,
};

/** An exponential moving average of points that does not lean to its start. */
function smoothed(points, weight) {
  let mean = 0,
    scale = 0;
  return points.map(([x, y]) => {
    if (!Number.isFinite(y)) return [x, y];
    mean = weight * mean + (1 - weight) * y;
    scale = weight * scale + (1 - weight);
    return [x, mean / scale];
  });
}

/** The curves of all figures, with that of the loss first. */
const lossFirst = curves => Object.entries(curves).sort(([a], [b]) => (b === 'loss') - (a === 'loss'));

/** A control with a label. */
const labelled = (text, control) => element('label', {}, text + ' ', control);
const choice = (names, changed) =>
  element('select', { onchange: changed }, ...names.map(name => element('option', {}, name)));

export class RunsTab {
  constructor(root, runs, open) {
    Object.assign(this, {
      root,
      runs,
      open,
      chosen: new Set(),
      shown: null,
      rows: new Map(),
      curves: new Map(),
      charts: new Map(),
    });
    this.settings = new Settings(runs);
    this.details = new Details(runs, open);
    this.relist = throttled(() => this.list(), 300);
    this.replot = throttled(() => this.plot(), 100);
    this.redetail = throttled(() => this.details.show(this.shown), PAUSE);
  }

  show(id) {
    if (!this.table) this.build();
    if (id !== null && this.runs.all.has(id)) this.look(id);
    this.list();
    this.replot();
  }

  /** Chooses the newest runs of one task, until the reader chooses. */
  begin() {
    const runs = [...this.runs.all.values()].sort(ORDERS.newest);
    const first = runs.find(run => run.steps > 0) ?? runs.find(run => !run.problem) ?? runs[0];
    const like = runs.filter(run => run.task === first?.task && run.steps > 0);
    this.chosen = new Set(like.slice(0, AT_FIRST).map(run => run.id));
    this.shown = first?.id ?? null;
  }

  /** Makes what stands in the tab, once. */
  build() {
    this.begin();
    this.filter = element('input', { type: 'search', placeholder: 'name, task or model', oninput: () => this.find() });
    this.order = choice(Object.keys(ORDERS), () => this.find());
    this.count = element('p', { class: 'faint', role: 'status' });
    this.body = element('tbody');
    this.table = element(
      'table',
      { class: 'runs' },
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, element('span', { class: 'unseen' }, 'In the charts')),
          element('th', { scope: 'col' }, 'Run'),
          element('th', { scope: 'col', class: 'number' }, 'Steps'),
          element('th', { scope: 'col' }, 'Best'),
        ),
      ),
      this.body,
    );
    this.more = element('button', { type: 'button', onclick: () => this.lengthen() }, 'More runs');
    this.limit = ROWS;
    const some = () => {
      this.chosen = new Set(
        this.listed()
          .slice(0, AT_ONCE)
          .map(run => run.id),
      );
      this.choose();
    };
    const none = () => {
      this.chosen.clear();
      this.choose();
    };
    this.axis = choice(Object.keys(AXES), () => this.plot());
    this.log = element('input', { type: 'checkbox', onchange: () => this.plot() });
    this.smoothing = element('input', {
      type: 'range',
      min: '0',
      max: '0.98',
      step: '0.02',
      value: '0',
      oninput: () => this.plot(),
    });
    this.plots = element('div', { class: 'charts' });
    this.legend = element('ul', { class: 'legend' });
    const scroller = element(
      'div',
      { class: 'wide list', tabindex: '0', role: 'region', 'aria-label': 'Table of runs' },
      this.table,
      this.more,
    );
    scroller.addEventListener('scroll', () => {
      if (scroller.scrollTop + 2 * scroller.clientHeight > scroller.scrollHeight) this.lengthen();
    });
    this.root.replaceChildren(
      element(
        'div',
        { class: 'side' },
        element('h2', {}, 'Runs'),
        element(
          'div',
          { class: 'controls' },
          labelled('Find', this.filter),
          labelled('Order', this.order),
          element(
            'span',
            {},
            'Charts: ',
            element('button', { type: 'button', onclick: some }, 'those listed'),
            ' ',
            element('button', { type: 'button', onclick: none }, 'none'),
          ),
        ),
        this.count,
        scroller,
      ),
      element(
        'div',
        { class: 'main' },
        element('h2', {}, 'Learning curves'),
        element(
          'div',
          { class: 'controls' },
          labelled('Axis', this.axis),
          labelled('Smoothing', this.smoothing),
          element('label', {}, this.log, ' logarithmic'),
        ),
        this.legend,
        this.plots,
        this.settings.node,
        this.details.node,
      ),
    );
    this.runs.listen(id => this.changed(id));
    this.settings.show([...this.chosen]);
    this.details.show(this.shown);
  }

  changed(id) {
    // At the start of the server, runs are found before they are read.
    if (!this.touched && this.chosen.size === 0) {
      this.begin();
      if (this.chosen.size) this.settings.show([...this.chosen]);
      this.redetail();
    }
    for (const chosen of this.chosen) if (!this.runs.all.has(chosen)) this.chosen.delete(chosen);
    if (id === null || !this.rows.has(id)) this.sorted = null;
    if (id === null) {
      for (const known of this.curves.values()) known.old = true;
    } else {
      const known = this.curves.get(id);
      if (known) known.old = true;
    }
    this.relist();
    this.replot();
    if (id === null || id === this.shown) this.redetail();
  }

  /** The runs that match what is looked for, in the order that they had when they were sorted. */
  listed() {
    return (this.sorted ?? this.sort()).map(id => this.runs.all.get(id)).filter(Boolean);
  }

  /** Sorts the runs. A run in training that changes keeps its place, so that rows do not move under the pointer. */
  sort() {
    const wanted = this.filter.value.toLowerCase().split(/\s+/);
    const text = run => [run.name, run.task, run.model, run.state].join(' ').toLowerCase();
    const found = [...this.runs.all.values()].filter(run => wanted.every(word => text(run).includes(word)));
    this.sorted = found.sort(ORDERS[this.order.value]).map(run => run.id);
    return this.sorted;
  }

  /** Lists what the reader looks for, from its start. */
  find() {
    this.sort();
    this.limit = ROWS;
    this.list();
  }

  list() {
    if (this.root.hidden) return;
    const listed = this.listed();
    const shown = listed.slice(0, this.limit);
    this.more.hidden = shown.length === listed.length;
    const all = this.runs.all.size;
    this.count.textContent =
      all === 0
        ? `No run in ${this.runs.folders.join(', ')} yet. A run that starts there appears here.`
        : listed.length === all
          ? counted(all, 'run')
          : `${whole(listed.length)} of ${counted(all, 'run')}`;
    const rows = shown.map(run => this.row(run));
    const same =
      rows.length === this.body.children.length && rows.every((row, index) => this.body.children[index] === row);
    // Moving rows would take the focus away.
    if (!same) {
      const focused = document.activeElement;
      this.body.replaceChildren(...rows);
      if (this.body.contains(focused)) focused.focus({ preventScroll: true });
    }
    for (const id of this.rows.keys()) if (!this.runs.all.has(id)) this.rows.delete(id);
  }

  lengthen() {
    if (this.more.hidden) return;
    this.limit += ROWS;
    this.list();
  }

  /** The row of a run, with its present state. */
  row(run) {
    let row = this.rows.get(run.id);
    if (!row) {
      const mark = element('input', { type: 'checkbox', onchange: () => this.toggle(run.id, mark.checked) });
      const name = element('button', { type: 'button', class: 'plain name', onclick: () => this.look(run.id) });
      row = {
        mark,
        name,
        model: element('div', { class: 'faint' }),
        state: element('span', { class: 'state' }),
        sign: element('span'),
        steps: element('td', { class: 'number' }),
        best: element('td', { class: 'best' }),
      };
      row.node = element(
        'tr',
        {},
        element('td', {}, element('label', { class: 'mark' }, mark, row.sign)),
        element('td', { class: 'who' }, name, row.model, row.state),
        row.steps,
        row.best,
      );
      this.rows.set(run.id, row);
    }
    if (row.run !== run) {
      row.run = run;
      row.name.textContent = run.name;
      row.mark.setAttribute('aria-label', `${run.name} in the charts`);
      row.model.textContent = modelOf(run);
      row.state.textContent = run.state;
      row.state.dataset.state = run.state;
      row.steps.replaceChildren(
        whole(run.steps),
        element('div', { class: 'faint' }, run.total_steps > run.steps ? `of ${whole(run.total_steps)}` : ''),
      );
      const best = Object.entries(run.best?.figures ?? {});
      row.best.replaceChildren(
        ...best
          .slice(0, 2)
          .map(([name, value]) =>
            element('div', {}, figure(value), ' ', element('span', { class: 'faint' }, words(name))),
          ),
      );
    }
    row.mark.checked = this.chosen.has(run.id);
    row.name.setAttribute('aria-pressed', String(run.id === this.shown));
    row.node.classList.toggle('shown', run.id === this.shown);
    row.sign.replaceChildren(...(this.chosen.has(run.id) ? [swatch(this.stroke(run.id))] : []));
    return row.node;
  }

  /** How the lines of a chosen run are drawn. */
  stroke(id) {
    return stroke([...this.chosen].indexOf(id));
  }

  toggle(id, whether) {
    if (whether) this.chosen.add(id);
    else this.chosen.delete(id);
    this.choose();
  }

  choose() {
    this.touched = true;
    this.list();
    this.plot();
    this.settings.show([...this.chosen]);
  }

  look(id) {
    this.touched = true;
    this.shown = id;
    this.list();
    this.details.show(this.shown);
    // On a narrow page the details are far below.
    if (this.details.node.getBoundingClientRect().top > window.innerHeight) this.details.node.scrollIntoView();
    say(`${this.runs.all.get(id)?.name} is shown below the charts.`);
  }

  /** Reads the curves of the chosen runs that are not known or have changed. */
  async read() {
    const count = this.chosen.size;
    const points = count <= 8 ? 600 : count <= 20 ? 300 : 150;
    const now = performance.now();
    const missing = [...this.chosen].filter(id => {
      const known = this.curves.get(id);
      return !known || (known.old && !known.asked) || (known.points < points && !known.asked);
    });
    let late = false;
    const next = async () => {
      for (let id; (id = missing.shift()) !== undefined;) {
        const known = this.curves.get(id) ?? { at: -Infinity, data: null };
        if (now - known.at < PAUSE) {
          late = true;
          continue;
        }
        this.curves.set(id, Object.assign(known, { asked: true, old: false, at: now, points }));
        try {
          known.data = await get(ofRun(id, `curves?points=${points}`));
          known.error = null;
        } catch (error) {
          known.error = error;
        }
        known.asked = false;
        this.replot();
      }
    };
    await Promise.all(Array.from({ length: REQUESTS }, next));
    if (late) setTimeout(() => this.replot(), PAUSE);
  }

  plot() {
    if (this.root.hidden || !this.table) return;
    this.read();
    const axis = AXES[this.axis.value];
    const weight = Number(this.smoothing.value);
    const lines = new Map();
    const add = (title, run, points) => {
      const placed = points.map(point => [axis.at(point), point[3] ?? NaN]);
      if (!lines.has(title)) lines.set(title, []);
      const smooth = weight > 0 ? { points: smoothed(placed, weight), faint: placed } : { points: placed };
      lines.get(title).push({ name: run.name, ...this.stroke(run.id), ...smooth });
    };
    const runs = [...this.chosen].map(id => this.runs.all.get(id)).filter(Boolean);
    for (const run of runs) {
      const { training = {}, evaluations = {} } = this.curves.get(run.id)?.data ?? {};
      for (const [name, points] of Object.entries(training)) add(`Training ${words(name)}`, run, points);
      for (const [name, points] of lossFirst(evaluations)) add(`Held out: ${words(name)}`, run, points);
    }
    for (const [title, chart] of this.charts) {
      if (lines.has(title)) continue;
      chart.node.remove();
      this.charts.delete(title);
    }
    for (const [title, own] of lines) {
      let chart = this.charts.get(title);
      if (!chart) {
        chart = new Chart(title);
        this.charts.set(title, chart);
        this.plots.append(chart.node);
      }
      chart.update({ lines: own, x: axis.unit ?? this.axis.value, of: axis.of, log: this.log.checked });
    }
    const unread = runs.some(run => !this.curves.get(run.id)?.data && !this.curves.get(run.id)?.error);
    const empty =
      runs.length === 0 ? 'Mark runs in the table to see their curves.' : unread ? 'Reading …' : 'No figures yet.';
    this.legend.replaceChildren(
      ...runs.map(run => element('li', {}, swatch(this.stroke(run.id)), run.name)),
      ...(lines.size === 0 ? [element('li', { class: 'faint' }, empty)] : []),
    );
  }
}
