// Requests to the server. Every error that is thrown has a sentence for the reader.

/** The part of an address that names a run. */
export const ofRun = (id, rest) => `runs/${encodeURIComponent(id)}/${rest}`;

async function asked(path, options) {
  let response;
  try {
    response = await fetch('/api/' + path, options);
  } catch (error) {
    throw error.name === 'AbortError' ? error : new Error('No answer: is “rekindle view” still running?');
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  const sentence = answer.error ?? `The server answered with status ${response.status}.`;
  throw Object.assign(new Error(sentence), { status: response.status });
}

/** The JSON at an address. */
export const get = async (path, signal) => (await asked(path, { signal })).json();

/** Time steps that are read if nothing else is asked for. */
export const TIME_STEPS = 10000;

/** What the units of a run do while it reads `length` time steps of a text, or of its validation split. */
export async function neurons(id, length = TIME_STEPS, text = '') {
  const typed = text ? { method: 'POST', headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: text } : {};
  return (await asked(ofRun(id, `neurons?length=${length}`), typed)).json();
}

/**
 * Posts `body`, a form or a value to be sent as JSON, and yields the lines of the answer as lists of those that have
 * arrived together. Ending the loop, or `signal`, closes the connection.
 */
export async function* post(path, body, signal) {
  const form = body instanceof FormData;
  const response = await asked(path, {
    method: 'POST',
    signal,
    body: form ? body : JSON.stringify(body),
    headers: form ? {} : { 'Content-Type': 'application/json' },
  });
  const stream = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '',
    ended = false;
  try {
    for (;;) {
      const { value, done } = await stream.read();
      const lines = (rest + (value ?? '')).split('\n');
      rest = done ? '' : lines.pop();
      const parsed = lines.filter(line => line.trim()).map(line => JSON.parse(line));
      const failed = parsed.find(line => line.error !== undefined);
      ended ||= parsed.some(line => line.done);
      if (parsed.length) yield parsed.filter(line => line.error === undefined);
      if (failed) throw new Error(failed.error);
      if (done) break;
    }
  } finally {
    stream.cancel().catch(() => {});
  }
  if (!ended) throw new Error('The answer ended too early: is “rekindle view” still running?');
}

/** Calls `changed(run)`, `gone(id)` and `refresh()` as the server reports them, and `connected(whether)`. */
export function follow({ changed, gone, refresh, connected }) {
  const source = new EventSource('/api/events');
  let lost = false;
  source.addEventListener('runs', event => changed(JSON.parse(event.data)));
  source.addEventListener('gone', event => gone(JSON.parse(event.data).id));
  source.addEventListener('resync', refresh);
  source.addEventListener('open', () => {
    connected(true);
    // Changes while the connection was lost have not been reported.
    if (lost) refresh();
    lost = false;
  });
  source.addEventListener('error', () => {
    lost = true;
    connected(false);
  });
}
