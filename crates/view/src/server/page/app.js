// The page: its tabs, and the runs that all of them show.
import { Inside } from '/inside.js';
import { Playground } from '/playground.js';
import { RunsTab } from '/runs.js';
import { follow, get } from '/server.js';
import { problem } from '/shown.js';

/** The runs under the folders, and who wants to know of changes. */
class Runs {
  constructor() {
    this.all = new Map();
    this.folders = [];
    this.listeners = [];
  }

  /** Calls `listener(id)` when a run has changed or gone, and `listener(null)` when many may have. */
  listen(listener) {
    this.listeners.push(listener);
  }

  tell(id) {
    for (const listener of this.listeners) listener(id);
  }

  async read() {
    const { folders, runs } = await get('runs');
    this.folders = folders;
    this.all = new Map(runs.map(run => [run.id, run]));
    this.tell(null);
  }

  changed(run) {
    this.all.set(run.id, run);
    this.tell(run.id);
  }

  gone(id) {
    if (this.all.delete(id)) this.tell(id);
  }
}

const runs = new Runs();
const panel = name => document.getElementById(name);
const tabs = {
  runs: new RunsTab(panel('runs'), runs, open),
  playground: new Playground(panel('playground'), runs, open),
  inside: new Inside(panel('inside'), runs, open),
};
const names = Object.keys(tabs);
const button = name => document.getElementById('tab-' + name);

/** Shows a tab, and in it the run with this id, if any. The address of the page remembers both. */
function open(name, id = null) {
  location.hash = id === null ? name : `${name}=${encodeURIComponent(id)}`;
}

function show() {
  const [given, id] = location.hash.slice(1).split('=');
  const name = names.includes(given) ? given : 'runs';
  for (const other of names) {
    button(other).setAttribute('aria-selected', String(other === name));
    button(other).tabIndex = other === name ? 0 : -1;
    panel(other).hidden = other !== name;
  }
  tabs[name].show(id === undefined ? null : decodeURIComponent(id));
}

for (const [index, name] of names.entries()) {
  button(name).addEventListener('click', () => open(name));
  button(name).addEventListener('keydown', event => {
    const last = names.length - 1;
    const to = {
      ArrowRight: index === last ? 0 : index + 1,
      ArrowLeft: index === 0 ? last : index - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    open(names[to]);
    button(names[to]).focus();
  });
}

const connection = document.getElementById('connection');
async function start() {
  try {
    await runs.read();
  } catch (error) {
    panel('runs').replaceChildren(problem(error));
    return;
  }
  window.addEventListener('hashchange', show);
  show();
  follow({
    changed: run => runs.changed(run),
    gone: id => runs.gone(id),
    refresh: () => runs.read().catch(() => {}),
    connected: whether => {
      connection.textContent = whether ? 'live' : 'The connection is lost. Is “rekindle view” still running?';
      connection.className = whether ? 'live' : 'lost';
    },
  });
}
start();
