// The tab in which a trained model is tried: its options, its input, and the view of its answers.
import { RunChoice } from '/choice.js';
import { Controls, Files } from '/controls.js';
import { Captioned, Drawn, Timeline } from '/pictures.js';
import { element } from '/reader.js';
import { get, ofRun, post } from '/server.js';
import { problem, say } from '/shown.js';
import { Classified, Summed, Translated, Written } from '/texts.js';

/** How the answers of a task are shown. A task that is not here is shown as JSON. */
const VIEWS = {
  adding: Summed,
  caption: Captioned,
  chars: Written,
  draw: Drawn,
  frames: Timeline,
  sentiment: Classified,
  translate: Translated,
};
/** Time after the last key until a text is read, in milliseconds. */
const TYPING = 250;

/** Answers of a task without a view. */
class Plain {
  constructor() {
    this.node = element('pre', { class: 'text', tabindex: '0' });
  }

  start() {
    this.node.textContent = '';
  }

  lines(lines) {
    for (const line of lines) this.node.append(JSON.stringify(line, null, 2) + '\n');
  }

  done() {}
}

export class Playground {
  constructor(root, runs, open) {
    Object.assign(this, { root, runs, shown: null, running: null });
    this.choice = new RunChoice(runs, id => open('playground', id));
    this.stage = element('div');
    runs.listen(() => {
      if (root.hidden) return;
      if (this.shown === null) this.show(null);
      else this.choice.list(this.shown);
    });
  }

  async show(id) {
    this.root.replaceChildren(this.choice.node, this.stage);
    const chosen = this.choice.list(id ?? this.shown);
    if (chosen === this.shown && chosen !== null && !this.failed) return;
    this.failed = false;
    this.stop();
    this.shown = chosen;
    const run = this.runs.all.get(chosen);
    if (!run) {
      this.stage.replaceChildren(element('p', { class: 'faint' }, 'No run has a model yet.'));
      return;
    }
    this.stage.replaceChildren(element('p', { class: 'faint' }, 'Reading …'));
    try {
      const given = await get(ofRun(chosen, 'playground'));
      if (chosen === this.shown) this.build(run, given);
    } catch (error) {
      this.failed = true;
      this.stage.replaceChildren(problem(error));
    }
  }

  build(run, given) {
    const { input, optional = false, note } = given;
    this.input = input;
    this.optional = optional;
    this.controls = new Controls(given.controls);
    this.view = new (VIEWS[run.task] ?? Plain)({ run, given, again: () => this.play() });
    this.text = null;
    this.files = null;
    this.note = element('div');
    this.button = element('button', { type: 'submit', class: 'go' }, this.view.verb ?? 'Run');
    this.halt = element('button', { type: 'button', disabled: true, onclick: () => this.stop() }, 'Stop');
    this.progress = element('span', { class: 'faint', role: 'status' });
    const parts = [];
    if (note) parts.push(element('p', { class: 'faint' }, note));
    const ready = input === 'none' && note && given.controls.length === 0;
    if (input === 'text' || input === 'lines') parts.push(this.texts());
    if (input === 'picture' || input === 'clip') parts.push(this.uploads(given.files));
    if (given.controls.length) {
      const open = given.controls.length <= 8;
      parts.push(
        element('details', { open, class: 'all-options' }, element('summary', {}, 'Options'), this.controls.node),
      );
    }
    if (!ready) parts.push(element('p', { class: 'actions' }, this.button, ' ', this.halt, ' ', this.progress));
    const form = element(
      'form',
      {
        onsubmit: event => {
          event.preventDefault();
          this.play();
        },
      },
      ...parts,
    );
    this.stage.replaceChildren(
      form,
      this.note,
      ...(ready ? [] : [element('h2', { class: 'unseen' }, 'Answer'), this.view.node]),
    );
  }

  texts() {
    const label = this.view.label ?? 'Text';
    this.text = element('textarea', {
      rows: this.input === 'lines' ? 3 : 4,
      'aria-label': label,
      placeholder: this.optional ? `${label} (or none)` : label,
      onkeydown: event => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.play();
      },
      oninput: () => {
        clearTimeout(this.typing);
        if (this.view.live && this.text.value.trim()) this.typing = setTimeout(() => this.play(), TYPING);
      },
    });
    return element(
      'div',
      { class: 'input' },
      this.text,
      element('p', { class: 'faint' }, this.view.live ? 'It is read as you type.' : 'Ctrl + Enter runs it.'),
    );
  }

  uploads(files) {
    this.files = new Files(files, this.optional, given => {
      this.view.files?.(given);
      if (given.length) this.play();
    });
    return element('div', { class: 'input' }, this.files.node);
  }

  /** Stops what is running: the connection is closed, and the server stops at the next token. */
  stop() {
    this.running?.abort();
    this.running = null;
  }

  body() {
    const options = { ...this.controls.values(), ...this.view.options?.() };
    if (!this.files || this.files.files.length === 0) return { options, text: this.text?.value };
    const form = new FormData();
    form.append('options', JSON.stringify(options));
    for (const file of this.files.files) form.append('file', file, file.name);
    return form;
  }

  async play() {
    const missing = this.optional
      ? null
      : this.text && !this.text.value.trim()
        ? 'Type a text first.'
        : this.files && this.files.files.length === 0
          ? 'Choose a file first.'
          : null;
    if (missing) {
      this.note.replaceChildren(element('p', { class: 'problem', role: 'alert' }, missing));
      return;
    }
    if (!this.controls.valid()) return;
    clearTimeout(this.typing);
    this.stop();
    const running = (this.running = new AbortController());
    const { view } = this;
    this.note.replaceChildren();
    this.halt.disabled = false;
    this.progress.textContent = 'running …';
    view.node.setAttribute('aria-busy', 'true');
    let started = false,
      failed = null;
    try {
      for await (const lines of post(ofRun(this.shown, 'play'), this.body(), running.signal)) {
        if (running.signal.aborted) break;
        if (!started) view.start();
        started = true;
        view.lines(
          lines.filter(line => !line.done),
          lines.find(line => line.done),
        );
        if (view.progress) this.progress.textContent = view.progress();
      }
    } catch (error) {
      if (error.name !== 'AbortError') failed = error;
    }
    // Another call has taken over.
    if (this.running !== running && this.running !== null) return;
    const stopped = running.signal.aborted;
    this.running = null;
    this.halt.disabled = true;
    view.node.removeAttribute('aria-busy');
    if (failed) this.note.replaceChildren(problem(failed));
    view.done();
    const end = failed ? '' : (view.progress?.() ?? 'done');
    this.progress.textContent = stopped ? `stopped: ${end}` : end;
    if (!failed) say(stopped ? 'Stopped.' : 'Done.');
  }
}
