// The options of `sample` and `predict` as a form, and the places for texts and files.
import { element } from '/reader.js';

let made = 0;

/** Options as controls. `values()` has those that are not left as they are. */
export class Controls {
  constructor(controls) {
    this.inputs = new Map();
    this.node = element('div', { class: 'options' }, ...controls.map(control => this.control(control)));
  }

  control(control) {
    const id = 'option-' + made++;
    const input = this.input(control);
    input.id = id;
    input.setAttribute('aria-describedby', id + '-help');
    this.inputs.set(control.name, [input, control]);
    const label = element('label', { for: id }, control.name.replace(/[-_]/g, ' '));
    const help = element('span', { class: 'faint help', id: id + '-help' }, control.help);
    return element('div', { class: 'option' }, label, input, help);
  }

  input({ kind, default: given, unset, least, most, choices }) {
    const placeholder = unset ?? null;
    if (kind === 'flag') return element('input', { type: 'checkbox', checked: given === true });
    if (kind === 'choice') {
      const options = choices.map(choice => element('option', { selected: choice === given }, choice));
      return element(
        'select',
        {},
        ...(given === null ? [element('option', { value: '' }, unset ?? '')] : []),
        ...options,
      );
    }
    if (kind === 'text') return element('textarea', { rows: 1, placeholder }, given ?? '');
    const step = kind === 'integer' ? '1' : 'any';
    return element('input', { type: 'number', step, min: least, max: most, placeholder, value: given });
  }

  /** The options that have a value, by name. */
  values() {
    const values = {};
    for (const [name, [input, control]] of this.inputs) {
      const value = control.kind === 'flag' ? input.checked : typed(input.value, control.kind);
      if (value !== '' && value !== (control.default ?? false)) values[name] = value;
    }
    return values;
  }

  /** Whether all values are in their ranges; if not, the browser shows which one is not. */
  valid() {
    return [...this.inputs.values()].every(([input]) => input.reportValidity());
  }
}

/** A number where the option is one. */
function typed(text, kind) {
  return text !== '' && (kind === 'number' || kind === 'integer') ? Number(text) : text;
}

/** A place to drop files, or to choose them. `changed(files)` is called with those that were given. */
export class Files {
  constructor({ most = 1, accept = '' } = {}, optional, changed) {
    this.most = most;
    this.files = [];
    this.changed = changed;
    const id = 'files-' + made++;
    const input = element('input', {
      type: 'file',
      id,
      accept,
      multiple: most > 1,
      onchange: () => this.give(input.files),
    });
    this.input = input;
    this.given = element('p', { class: 'faint', role: 'status' });
    this.clear = element('button', { type: 'button', hidden: true, onclick: () => this.give([]) }, 'Remove');
    this.node = element(
      'div',
      {
        class: 'drop',
        ondragover: event => {
          event.preventDefault();
          this.node.classList.add('over');
        },
        ondragleave: () => this.node.classList.remove('over'),
        ondrop: event => this.drop(event),
      },
      element(
        'label',
        { for: id },
        most > 1 ? `Drop files here, up to ${most}, or choose them` : 'Drop a file here, or choose it',
        optional ? ' (or none)' : '',
      ),
      input,
      this.given,
      this.clear,
    );
  }

  drop(event) {
    event.preventDefault();
    this.node.classList.remove('over');
    this.give(event.dataTransfer.files);
  }

  give(files) {
    const given = [...files];
    this.files = given.slice(0, this.most);
    // Frames are in the order of their numbers.
    this.files.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    if (given.length === 0) this.input.value = '';
    this.clear.hidden = given.length === 0;
    const names = this.files
      .slice(0, 3)
      .map(file => file.name)
      .join(', ');
    const rest = this.files.length > 3 ? ` and ${this.files.length - 3} more` : '';
    this.given.textContent =
      given.length > this.most ? `${names}${rest}: the first ${this.most} of ${given.length} files.` : names + rest;
    this.changed(this.files);
  }
}
