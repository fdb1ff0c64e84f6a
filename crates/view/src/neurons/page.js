'use strict';
const read = JSON.parse(document.getElementById('data').textContent);
const zero = (read.digits.length - 1) / 2;
const level = new Uint8Array(128);
for (let i = 0; i < read.digits.length; i++) level[read.digits.charCodeAt(i)] = i;
const at = id => document.getElementById(id);
const [feature, series, unit, text] = ['feature', 'series', 'unit', 'text'].map(at);

// Blue below 0 and orange above, laid over the paper, so that dark and light pages keep their own.
const rules = document.createElement('style');
for (let i = 0; i < read.digits.length; i++) {
  const share = (i - zero) / zero;
  const ink = share < 0 ? '33,113,190' : '230,97,1';
  rules.textContent += `.v${i}{background:rgba(${ink},${(0.8 * Math.abs(share)).toFixed(3)})}`;
  const step = document.createElement('i');
  step.className = 'v' + i;
  at('scale').append(step);
}
document.head.append(rules);

const starts = new Set(read.starts.slice(1));
const places = read.tokens.map((token, index) => {
  if (starts.has(index)) text.append('\n\n');
  const place = document.createElement('span');
  // A line break has no width of its own to colour.
  const shown = token.replace(/\n/g, '⏎\n').replace(/\t/g, '⇥\t');
  place.textContent = shown;
  if (shown !== token) place.dataset.mark = '';
  place.dataset.index = index;
  text.append(place);
  return place;
});

const option = (label, value) => new Option(label, value);
read.series.forEach((one, index) => series.append(option(one.name, index)));
feature.append(option('choose a feature for its best unit', ''));
read.features.forEach((one, index) => feature.append(option(one.label, index)));
const best = new Map(read.best.map(one => [one.series + ' ' + one.unit, one]));

function show() {
  const one = read.series[series.value];
  if (!one) return;
  unit.max = one.units.length - 1;
  const chosen = Math.min(Math.max(Math.trunc(unit.value) || 0, 0), one.units.length - 1);
  unit.value = chosen;
  const values = one.units[chosen];
  places.forEach((place, index) => {
    place.className = 'v' + level[values.charCodeAt(index)] + ('mark' in place.dataset ? ' mark' : '');
  });
  at('least').textContent = '−' + one.scales[chosen].toFixed(3);
  at('most').textContent = '+' + one.scales[chosen].toFixed(3);
  const own = best.get(series.value + ' ' + chosen);
  at('about').textContent = `${one.name} ${chosen}: ` +
    (own && own.feature ? `follows “${own.feature}” best (${own.figure}).` : 'follows no feature.');
}

function choose(ofSeries, ofUnit) {
  series.value = ofSeries;
  unit.value = ofUnit;
  show();
}

series.addEventListener('change', () => { feature.value = ''; show(); });
unit.addEventListener('change', () => { feature.value = ''; show(); });
feature.addEventListener('change', () => {
  const one = read.features[feature.value];
  if (one) choose(one.series, one.unit);
});
for (const [id, step] of [['back', -1], ['on', 1]]) {
  at(id).addEventListener('click', () => { feature.value = ''; unit.value = Number(unit.value) + step; show(); });
}
at('chooser').addEventListener('submit', event => event.preventDefault());
document.addEventListener('click', event => {
  const button = event.target.closest('button[data-series]');
  if (!button) return;
  feature.value = '';
  choose(button.dataset.series, button.dataset.unit);
  at('chooser').scrollIntoView();
});
text.addEventListener('mouseover', event => {
  const index = event.target.dataset && event.target.dataset.index;
  const one = read.series[series.value];
  if (index === undefined || !one) return;
  const share = (level[one.units[unit.value].charCodeAt(index)] - zero) / zero;
  at('value').textContent = `time step ${index}: ${(share * one.scales[unit.value]).toFixed(2)}`;
});
if (read.features.length) { feature.value = 0; choose(read.features[0].series, read.features[0].unit); } else show();
