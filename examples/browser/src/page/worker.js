// In a Web Worker: trains and writes with the program in WebAssembly. Before this stand the bindings, which
// define `wasm_bindgen`.

/** Milliseconds of training before messages are read. */
const SLICE = 60;
/** Milliseconds of training between two samples, or so many times what a sample takes. */
const SAMPLE_EVERY = 2000;
const SAMPLE_SHARE = 5;

const { Trainer, Files, form } = wasm_bindgen;
const channel = new MessageChannel();
let trainer = null,
  reader = null,
  running = false,
  scheduled = false,
  /** How samples are written: the texts of the form as JSON, and the priming text. */
  writing = { settings: '{}', prime: '' },
  nextSample = 0;

const actions = {
  program({ bytes }) {
    wasm_bindgen.initSync({ module: bytes });
    postMessage({ what: 'ready', form: JSON.parse(form()) });
  },
  start({ text, settings }) {
    running = false;
    trainer?.free();
    trainer = null;
    trainer = new Trainer(text, settings);
    nextSample = 0;
    go();
  },
  pause() {
    running = false;
    state();
  },
  continue() {
    go();
  },
  writing({ settings, prime }) {
    writing = { settings, prime };
  },
  sample({ settings, prime }) {
    write(trainer, 'sample', { settings, prime });
  },
  open({ files }) {
    reader?.free();
    reader = null;
    const all = new Files();
    for (const { name, bytes } of files) all.add(name, bytes);
    reader = all.open();
    postMessage({ what: 'opened', summary: reader.summary });
  },
  write({ settings, prime }) {
    write(reader, 'written', { settings, prime });
  },
};

function go() {
  if (!trainer || running) return;
  running = true;
  state();
  schedule();
}

/** Asks for the next slice, once. */
function schedule() {
  if (!scheduled) channel.port2.postMessage(null);
  scheduled = true;
}

function state() {
  postMessage({ what: 'state', running, started: trainer !== null });
}

/** Trains for a while, reports, and comes back after the messages that have arrived meanwhile. */
function slice() {
  scheduled = false;
  if (!running) return;
  const start = performance.now();
  let last,
    sum = 0,
    count = 0;
  do {
    last = trainer.step();
    sum += last;
    count++;
  } while (performance.now() - start < SLICE && trainer.steps !== trainer.pause_after);
  const seconds = (performance.now() - start) / 1000;
  if (trainer.steps === trainer.pause_after) running = false;
  const speed = (count * trainer.characters) / seconds;
  const { steps, smooth_loss: smooth } = trainer;
  postMessage({ what: 'progress', steps, count, loss: sum / count, last, smooth, speed });
  const end = performance.now();
  if (!running || end > nextSample) {
    try {
      write(trainer, 'sample', writing);
    } catch (error) {
      // Training goes on: the form of the samples can be mended meanwhile.
      failed(error, 'sample');
    }
    const now = performance.now();
    nextSample = now + Math.max(SAMPLE_EVERY, SAMPLE_SHARE * (now - end));
  }
  if (running) schedule();
  else state();
}

/** Writes a text; the page is given each piece as it comes. */
function write(model, what, { settings, prime }) {
  if (!model) return;
  let pieces = '',
    last = performance.now();
  const flush = () => {
    if (pieces) postMessage({ what, more: pieces });
    pieces = '';
    last = performance.now();
  };
  // A sample of the training appears at once; a text of a large model as it is written.
  postMessage({ what, prime, steps: trainer?.steps });
  model.write(settings, prime, piece => {
    pieces += piece;
    if (performance.now() - last > 50) flush();
  });
  flush();
  postMessage({ what, end: true });
}

function failed(error, from) {
  // After a trap, the memory of the program cannot be trusted.
  const broken = error instanceof WebAssembly.RuntimeError;
  const message = broken
    ? `the program stopped (${error.message}): perhaps the memory was too small. Try smaller settings.`
    : error.message;
  if (from === 'start') running = false;
  if (!broken) state();
  postMessage({ what: 'failed', from, message, broken });
}

function act(data) {
  try {
    actions[data.what](data);
  } catch (error) {
    failed(error, data.what);
  }
}

onmessage = ({ data }) => act(data);
channel.port1.onmessage = () => {
  try {
    slice();
  } catch (error) {
    failed(error, 'start');
  }
};
