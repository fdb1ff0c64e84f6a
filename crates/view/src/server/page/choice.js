// Which runs can be tried and looked into, and the choice of one.
import { element } from '/reader.js';

/** The task and the model of a run, as far as they can be read. */
export const modelOf = run => [run.task, run.model].filter(Boolean).join(' · ') || 'not readable';

/** The states of runs that have no model to be tried. */
const WITHOUT = ['new', 'unfinished', 'damaged', 'other version', 'unknown task'];
/** Whether a run has a model that can be opened. */
export const usable = run => !WITHOUT.includes(run.state);

/** A choice among the usable runs. */
export class RunChoice {
  constructor(runs, changed) {
    this.runs = runs;
    this.select = element('select', { onchange: () => changed(this.select.value || null) });
    this.node = element('label', { class: 'run' }, 'Run ', this.select);
  }

  /** Lists the runs anew, with the run `id` chosen if there is one. Returns the chosen one. */
  list(id) {
    const runs = [...this.runs.all.values()].filter(usable).sort((a, b) => b.modified - a.modified);
    const chosen = runs.some(run => run.id === id) ? id : (runs[0]?.id ?? null);
    this.select.replaceChildren(
      ...runs.map(run =>
        element('option', { value: run.id, selected: run.id === chosen }, `${run.name} (${modelOf(run)})`),
      ),
    );
    return chosen;
  }
}
