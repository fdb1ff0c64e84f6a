// The page: forms, messages to and from the worker, and what is shown.

const find = (selector, within = document) => within.querySelector(selector);
const node = (tag, attributes = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
};
const number = (value, digits = 0) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const curve = new Curve(find('#curve'));
let worker = null,
  running = false,
  started = false;

/** The program, unpacked once; each worker gets a copy. */
const packed = Uint8Array.from(atob(find('#program').textContent.trim()), letter => letter.charCodeAt(0));
const program = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
const source = URL.createObjectURL(new Blob([find('#worker').textContent], { type: 'text/javascript' }));

async function hire() {
  worker?.terminate();
  worker = new Worker(source);
  worker.onmessage = ({ data }) => answers[data.what](data);
  worker.onerror = event => problem('start', `the program does not start: ${event.message}`);
  worker.postMessage({ what: 'program', bytes: await program });
}

const answers = {
  ready({ form }) {
    if (!find('#training-settings').childElementCount) build(form);
    document.body.dataset.ready = 'true';
    find('#start').disabled = false;
    tellWriting();
  },
  state(state) {
    ({ running, started } = state);
    find('#pause').disabled = !started;
    find('#pause').textContent = running || !started ? 'Pause' : 'Continue';
    find('#start').textContent = started ? 'Start again' : 'Start';
    find('#train').dataset.state = running ? 'running' : started ? 'paused' : 'idle';
  },
  progress({ steps, count, loss, last, smooth, speed }) {
    curve.add(steps, count, loss, smooth);
    find('#loss').textContent = number(smooth, 4);
    Object.assign(find('#loss').dataset, { smooth, last });
    find('#bits').textContent = number(smooth / Math.LN2, 3);
    find('#latest').textContent = number(loss, 4);
    find('#steps').textContent = number(steps);
    find('#steps').dataset.value = steps;
    // The mean of about the last ten slices.
    meanSpeed = meanSpeed ? 0.9 * meanSpeed + 0.1 * speed : speed;
    find('#speed').textContent = number(Number(meanSpeed.toPrecision(3)));
    find('#speed').dataset.value = meanSpeed;
  },
  sample: piece => {
    if (piece.steps !== undefined) find('#sample-step').textContent = `at step ${number(piece.steps)}`;
    show(find('#sample'), piece);
    if (piece.end) problem('sample', '');
  },
  written: piece => show(find('#written'), piece),
  opened({ summary }) {
    find('#model').textContent = summary;
    find('#open-writer button').disabled = false;
    find('#open-writer').requestSubmit();
  },
  failed({ from, message, broken }) {
    problem(from, message);
    if (broken) {
      started = running = false;
      answers.state({ started, running });
      closed();
      hire();
    }
  },
};
let meanSpeed = 0;

/** Shows a piece of a text: its prime, more of it, or its end. */
function show(place, { prime, more, end }) {
  if (prime !== undefined) {
    place.replaceChildren(node('span', { className: 'prime' }, prime));
    place.dataset.state = 'writing';
  }
  if (more) place.append(more);
  if (end) place.dataset.state = 'done';
}

/** Shows what is wrong, in the section that it belongs to. */
function problem(from, message) {
  const place = find(`${['open', 'write'].includes(from) ? '#open' : '#train'} .problem`);
  place.textContent = message ? message[0].toUpperCase() + message.slice(1) : '';
  place.hidden = !message;
}

/** A field of a form: a choice, a number or a text. */
function field({ key, help, choices, kind, default: value, range }, about) {
  const label = key.replaceAll('_', ' ');
  const hint = node('span', { className: 'help' }, help);
  let input;
  if (choices) {
    const options = choices.map(choice => new Option(choice, choice, false, choice === value));
    input = node('select', { name: key }, ...options);
    const explain = () => (hint.textContent = (about[input.value] ?? help).replaceAll('`', ''));
    input.addEventListener('change', explain);
    explain();
  } else {
    const step = kind === 'integer' ? 1 : 'any';
    input = node('input', { name: key, type: 'number', step, value, required: true, inputMode: 'decimal' });
    if (range?.from?.included) input.min = range.from.at;
    if (range?.to?.included) input.max = range.to.at;
  }
  const title = node('span', {}, label[0].toUpperCase() + label.slice(1));
  return node('label', { className: choices ? 'field wide' : 'field', title: help }, title, input, hint);
}

/** The forms, from the settings that the program declares. */
function build({ training, writing, about }) {
  find('#training-settings').append(...training.map(setting => field(setting, about)));
  for (const [form, words] of [
    ['#train-writer', 'Write now'],
    ['#open-writer', 'Write'],
  ]) {
    const prime = node('input', { name: 'prime', type: 'text', autocomplete: 'off', spellcheck: false });
    const title = node('span', {}, 'Priming text');
    const fields = writing.map(setting => field(setting, about));
    for (const hint of fields.map(made => find('.help', made))) hint.remove();
    const button = node('button', { type: 'submit', disabled: form === '#open-writer' }, words);
    find(form).append(node('label', { className: 'field wide' }, title, prime), ...fields, button);
  }
}

/** The texts of a form by their names, as JSON. */
const texts = form => JSON.stringify(Object.fromEntries([...new FormData(form)].filter(([name]) => name !== 'prime')));

function order(form) {
  return { settings: texts(form), prime: form.elements.prime.value };
}

function tellWriting() {
  worker.postMessage({ what: 'writing', ...order(find('#train-writer')) });
}

find('#train form').addEventListener('submit', event => {
  event.preventDefault();
  problem('start', '');
  curve.clear();
  meanSpeed = 0;
  worker.postMessage({ what: 'start', text: find('#text').value, settings: texts(event.target) });
});
find('#pause').addEventListener('click', () => worker.postMessage({ what: running ? 'pause' : 'continue' }));
find('#train-writer').addEventListener('input', tellWriting);
find('#train-writer').addEventListener('submit', event => {
  event.preventDefault();
  problem('sample', started ? '' : 'there is no model yet: start the training');
  if (started) worker.postMessage({ what: 'sample', ...order(event.target) });
});

const textSize = () => {
  const length = find('#text').value.length;
  find('#text-size').textContent = length ? `${number(length)} characters` : '';
};
const setText = text => {
  find('#text').value = text;
  textSize();
};
find('#text').addEventListener('input', textSize);
find('#own-text').addEventListener('click', () =>
  setText(['#own-source', '#page', 'style'].map(part => find(part).textContent).join('\n')),
);
find('#text-file').addEventListener('change', async event => {
  if (event.target.files[0]) setText(await event.target.files[0].text());
});

function closed() {
  find('#model').textContent = 'No run is open.';
  find('#open-writer button').disabled = true;
}

async function open(files) {
  if (!files.length) return;
  problem('open', '');
  closed();
  const read = async file => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
  worker.postMessage({ what: 'open', files: await Promise.all([...files].map(read)) });
}
find('#files').addEventListener('change', async event => {
  await open(event.target.files);
  // The same files can be chosen again.
  event.target.value = '';
});
for (const [kind, over] of [
  ['dragover', true],
  ['dragleave', false],
  ['drop', false],
]) {
  find('#open').addEventListener(kind, event => {
    event.preventDefault();
    find('#open').classList.toggle('over', over);
    if (kind === 'drop') open(event.dataTransfer.files);
  });
}
find('#open-writer').addEventListener('submit', event => {
  event.preventDefault();
  problem('write', '');
  worker.postMessage({ what: 'write', ...order(event.target) });
});

hire();
