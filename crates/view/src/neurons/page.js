const read = JSON.parse(document.getElementById('data').textContent);
const zero = (read.digits.length - 1) / 2;
read.values = (series, unit) => {
  const { scales, units } = read.series[series];
  return Array.from(units[unit], digit => ((read.digits.indexOf(digit) - zero) / zero) * scales[unit]);
};
const choose = reader(document.getElementById('reader'), read);
document.addEventListener('click', event => {
  const { series, unit } = event.target.closest('button[data-series]')?.dataset ?? {};
  if (unit !== undefined) choose(series, unit);
});
