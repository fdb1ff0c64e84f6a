// Below the charts: the settings of runs side by side, and one run's pictures, samples and evaluations.
import { usable } from '/choice.js';
import { element } from '/reader.js';
import { get, ofRun } from '/server.js';
import { counted, duration, figure, problem, table, whole, words } from '/shown.js';

/** Runs whose settings are shown side by side. */
const SIDE_BY_SIDE = 30;
/** Evaluations that are listed at first. */
const EVALUATIONS = 8;

/** The settings of runs side by side. */
export class Settings {
  constructor(runs) {
    this.runs = runs;
    this.ids = [];
    this.node = element('section');
    this.different = element('input', { type: 'checkbox', checked: true, onchange: () => this.show(this.ids) });
  }

  async show(ids) {
    // The settings of some damaged runs cannot be read.
    const readable = ids.filter(id => this.runs.all.get(id)?.task);
    this.ids = readable.slice(0, SIDE_BY_SIDE);
    const turn = (this.turn = {});
    const count = this.ids.length;
    if (count === 0) {
      this.node.replaceChildren();
      return;
    }
    let found;
    try {
      found = await get('settings?' + this.ids.map(id => 'run=' + encodeURIComponent(id)).join('&'));
    } catch (error) {
      found = { error };
    }
    if (turn !== this.turn) return;
    const heading = element('h2', {}, 'Settings side by side');
    if (found.error) {
      this.node.replaceChildren(heading, problem(found.error));
      return;
    }
    const only = count > 1 && this.different.checked;
    const rows = found.rows.filter(row => row.differs || !only);
    const heads = found.runs.map(id => this.runs.all.get(id)?.name ?? id);
    const body = rows.map(row =>
      element(
        'tr',
        { class: row.differs && 'differs' },
        element(
          'th',
          { scope: 'row' },
          element('span', { class: 'faint' }, row.table ? row.table + '.' : ''),
          row.key,
          row.differs ? element('span', { class: 'sign', title: 'differs' }, ' ≠') : '',
        ),
        ...row.values.map(value => element('td', {}, value ?? '–')),
      ),
    );
    const grid = element(
      'table',
      { class: 'settings' },
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'Setting'),
          ...heads.map(head => element('th', { scope: 'col' }, head)),
        ),
      ),
      element('tbody', {}, ...body),
    );
    const framed = element('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Settings' }, grid);
    if (count === 1) {
      const open = this.node.querySelector('details')?.open ?? false;
      this.node.replaceChildren(
        element('details', { open }, element('summary', {}, `Settings of ${heads[0]}`), framed),
      );
      return;
    }
    const few = count < readable.length ? element('p', { class: 'faint' }, `The first ${count} runs.`) : '';
    const same = element('p', { class: 'faint' }, 'The settings of these runs are the same.');
    const filter = element('label', {}, this.different, ' only those that differ (≠)');
    this.node.replaceChildren(heading, few, filter, rows.length ? framed : same);
  }
}

/** A run: its facts and files. */
export class Details {
  constructor(runs, open) {
    Object.assign(this, { runs, open });
    this.node = element('section', { class: 'details', 'aria-label': 'The shown run' });
  }

  async show(id) {
    const run = this.runs.all.get(id);
    const turn = (this.turn = {});
    if (!run) {
      const gone = id !== null && element('p', { class: 'problem', role: 'status' }, 'This run has been deleted.');
      this.node.replaceChildren(...(gone ? [element('h2', {}, 'Run'), gone] : []));
      return;
    }
    let files = { pictures: [], samples: [], evaluations: [] },
      failed = null;
    try {
      files = await get(ofRun(run.id, 'files'));
    } catch (error) {
      failed = run.problem ? null : problem(error);
    }
    if (turn !== this.turn) return;
    const before = new Map([...this.node.querySelectorAll('details')].map(one => [one.dataset.name, one.open]));
    const facts = [
      ['State', run.state],
      ['Folder', run.path],
      ['Task', run.task],
      ['Model', run.model],
      ['Parameters', run.parameters === null ? null : whole(run.parameters)],
      ['Steps', run.total_steps ? `${whole(run.steps)} of ${whole(run.total_steps)}` : whole(run.steps)],
      ['Epoch', figure(run.epoch)],
      ['Training time', duration(run.seconds)],
    ];
    const play =
      usable(run) &&
      element(
        'p',
        {},
        element(
          'button',
          { type: 'button', onclick: () => this.open('playground', run.id) },
          'Try it in the playground',
        ),
        ' ',
        element('button', { type: 'button', onclick: () => this.open('inside', run.id) }, 'Look inside'),
      );
    this.node.replaceChildren(
      ...[
        element('h2', {}, run.name),
        run.problem && element('p', { class: 'problem' }, run.problem),
        failed,
        play || null,
        element(
          'dl',
          { class: 'facts' },
          ...facts
            .filter(([, value]) => value)
            .flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
        ),
        ...this.evaluations(run, files.evaluations),
        ...this.pictures(run, files.pictures),
        ...this.samples(files.samples),
      ].filter(Boolean),
    );
    // What the reader has opened or closed stays so when the run changes.
    for (const one of this.node.querySelectorAll('details')) one.open = before.get(one.dataset.name) ?? one.open;
  }

  evaluations(run, evaluations) {
    if (!evaluations.length) return [];
    const names = [...new Set(evaluations.flatMap(one => Object.keys(one.figures)))];
    const heads = [{ number: 'Step' }, { number: 'Epoch' }, ...names.map(name => ({ number: words(name) })), 'Best'];
    const newest = [...evaluations].reverse();
    // Each was marked as the best so far when it was made.
    const best = newest.find(one => one.best);
    const row = one => [
      { number: whole(one.step) },
      { number: figure(one.epoch) },
      ...names.map(name => ({ number: figure(one.figures[name]) })),
      one === best ? 'yes' : '',
    ];
    const rows = table(heads, newest.slice(0, EVALUATIONS).map(row));
    const rest = newest.slice(EVALUATIONS);
    const more =
      rest.length > 0 &&
      element(
        'details',
        { 'data-name': 'evaluations' },
        element('summary', {}, `${counted(rest.length, 'earlier one')}`),
        table(heads, rest.map(row)),
      );
    return [element('h3', {}, 'Evaluations'), rows, more || null];
  }

  pictures(run, pictures) {
    if (!pictures.length) return [];
    const one = picture => {
      const address = `/api/${ofRun(run.id, 'pictures/' + encodeURIComponent(picture.name))}?at=${picture.modified}`;
      return element(
        'figure',
        {},
        element(
          'a',
          { href: address, target: '_blank' },
          element('img', { src: address, alt: picture.label, loading: 'lazy' }),
        ),
        element('figcaption', {}, picture.label),
      );
    };
    return [element('h3', {}, 'Pictures'), element('div', { class: 'pictures' }, ...pictures.map(one))];
  }

  samples(samples) {
    if (!samples.length) return [];
    const newest = [...samples].reverse();
    return [
      element('h3', {}, 'Samples'),
      ...newest.map((sample, index) =>
        element(
          'details',
          { 'data-name': 'sample ' + sample.name, open: index === 0 },
          element('summary', {}, sample.step === null ? sample.name : `step ${whole(sample.step)}`),
          element('pre', { class: 'text', tabindex: '0' }, sample.text),
        ),
      ),
    ];
  }
}
