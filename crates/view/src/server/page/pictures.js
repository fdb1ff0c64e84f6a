// Views of answers about pictures: captions with what each word attends to, drawings step by step, labelled frames.
import { Chart } from '/chart.js';
import { element } from '/reader.js';
import { COLOURS, bars, counted, stroke, whole } from '/shown.js';
import { Hypotheses } from '/texts.js';

/** Side of the large picture of a caption, in pixels. */
const LARGE = 420;
/** Side of the picture of a word. */
const SMALL = 132;
/** Time of a step of a drawing, in milliseconds. */
const STEP = 250;

const canvas = (width, height, attributes) => element('canvas', { width, height, role: 'img', ...attributes });

/** A picture with a caption, and where each word attends to. */
export class Captioned {
  verb = 'Caption';

  constructor() {
    this.large = canvas(LARGE, LARGE, { class: 'large', 'aria-label': 'The picture' });
    this.about = element('p', { role: 'status' });
    this.list = new Hypotheses(one => this.choose(one));
    this.tiles = element('div', { class: 'tiles' });
    this.node = element(
      'div',
      { hidden: true },
      this.list.node,
      element('div', { class: 'looked' }, element('div', {}, this.large, this.about), this.tiles),
    );
  }

  /** Opens the picture as soon as it has been chosen. */
  async files([file]) {
    this.node.hidden = !file;
    this.tiles.replaceChildren();
    this.list.node.replaceChildren();
    this.about.textContent = '';
    this.last = null;
    const turn = (this.opening = {});
    const picture = file ? await createImageBitmap(file).catch(() => null) : null;
    if (turn !== this.opening) return;
    this.picture = picture;
    this.place(picture?.width ?? 1, picture?.height ?? 1);
    this.paint(this.large, null);
    if (file && !picture)
      this.about.textContent = 'The browser cannot show this kind of picture; the model can read it.';
    // The answer may have come first.
    if (this.last) this.lines([this.last]);
  }

  place(width, height) {
    const scale = LARGE / Math.max(width, height);
    this.large.width = Math.max(1, Math.round(width * scale));
    this.large.height = Math.max(1, Math.round(height * scale));
  }

  start() {
    this.last = null;
    this.node.hidden = false;
  }

  lines([answer]) {
    if (!answer) return;
    this.last = answer;
    this.grid = answer.grid;
    if (!this.picture) this.place(answer.image.width, answer.image.height);
    this.list.show(answer.hypotheses);
  }

  done() {}

  choose({ words, attention }) {
    this.paint(this.large, null);
    if (!attention) {
      this.tiles.replaceChildren(element('p', { class: 'faint' }, 'This model has no attention.'));
      return;
    }
    const tall = Math.max(1, Math.round((SMALL * this.large.height) / this.large.width));
    const buttons = words.map((word, index) => {
      const small = canvas(SMALL, tall, { 'aria-hidden': 'true', role: null });
      this.paint(small, attention[index]);
      const look = () => {
        buttons.forEach(other => other.setAttribute('aria-pressed', String(other === button)));
        this.paint(this.large, attention[index]);
        this.about.textContent = `“${word}” attends most to ${this.where(attention[index])}.`;
      };
      const button = element(
        'button',
        { type: 'button', class: 'tile', 'aria-pressed': 'false', onclick: look, onfocus: look },
        small,
        word,
      );
      return button;
    });
    this.tiles.replaceChildren(...buttons);
  }

  /** The cell with the largest weight, in words. */
  where(weights) {
    const [rows, columns] = this.grid;
    const best = weights.indexOf(Math.max(...weights));
    return `row ${Math.floor(best / columns) + 1} of ${rows}, column ${(best % columns) + 1} of ${columns}`;
  }

  /** The picture, and over it a veil that is thin where the weights are large. */
  paint(on, weights) {
    const pen = on.getContext('2d');
    const { width, height } = on;
    pen.clearRect(0, 0, width, height);
    if (this.picture) {
      pen.drawImage(this.picture, 0, 0, width, height);
    } else {
      pen.fillStyle = '#8a8a8a';
      pen.fillRect(0, 0, width, height);
    }
    if (!weights) return;
    const [rows, columns] = this.grid;
    const most = Math.max(...weights, 1e-9);
    const veil = new ImageData(columns, rows);
    weights.forEach((weight, index) => veil.data.set([0, 0, 0, Math.round(215 * (1 - weight / most))], 4 * index));
    const cells = new OffscreenCanvas(columns, rows);
    cells.getContext('2d').putImageData(veil, 0, 0);
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(cells, 0, 0, width, height);
  }
}

/** Images as they are drawn, with the windows of each step. */
export class Drawn {
  verb = 'Draw';

  constructor() {
    this.steps = [];
    this.slider = element('input', {
      type: 'range',
      min: '0',
      max: '0',
      value: '0',
      'aria-label': 'Step',
      oninput: () => {
        this.pause();
        this.paint();
      },
    });
    this.play = element('button', { type: 'button', onclick: () => (this.timer ? this.pause() : this.run()) }, 'Play');
    this.windows = element('input', { type: 'checkbox', checked: true, onchange: () => this.paint() });
    this.about = element('span', { class: 'faint' });
    this.legend = element(
      'span',
      { class: 'controls' },
      element('label', {}, this.windows, ' windows: '),
      element('span', { class: 'window write' }, 'write'),
      element('span', { class: 'window read' }, 'read'),
    );
    this.images = element('div', { class: 'tiles' });
    this.node = element(
      'div',
      { hidden: true },
      element(
        'p',
        { class: 'controls' },
        this.play,
        element('label', { class: 'grow' }, 'Step ', this.slider),
        this.about,
        this.legend,
      ),
      this.images,
    );
  }

  start() {
    this.pause();
    this.steps = [];
    this.node.hidden = false;
  }

  lines(lines) {
    for (const line of lines) {
      if (line.size) this.prepare(line);
      else if (line.images) this.steps.push(line);
    }
    if (!this.steps.length) return;
    this.slider.max = this.steps.length - 1;
    // A model without attention reads and writes the whole image.
    this.legend.hidden = !this.steps[0].windows?.some(one => one?.read || one?.write);
    if (!this.timer) this.slider.value = this.steps.length - 1;
    this.paint();
  }

  prepare({ steps, size, count, channels = 1 }) {
    Object.assign(this, { size, channels, whole: steps });
    const scale = Math.max(1, Math.floor(SMALL / Math.max(...size)));
    this.scale = scale;
    this.canvases = Array.from({ length: count }, (_, index) =>
      canvas(size[1] * scale, size[0] * scale, { class: 'drawn', 'aria-label': `Image ${index + 1}` }),
    );
    this.images.replaceChildren(...this.canvases);
  }

  run() {
    if (!this.steps.length) return;
    this.play.textContent = 'Pause';
    if (Number(this.slider.value) >= this.steps.length - 1) this.slider.value = 0;
    this.paint();
    this.timer = setInterval(() => {
      if (Number(this.slider.value) >= this.steps.length - 1) return this.pause();
      this.slider.value = Number(this.slider.value) + 1;
      this.paint();
    }, STEP);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = 'Play';
  }

  paint() {
    const step = this.steps[this.slider.value];
    if (!step) return;
    this.about.textContent = `${Number(this.slider.value) + 1} of ${this.whole ?? this.steps.length}`;
    this.slider.setAttribute('aria-valuetext', this.about.textContent);
    step.images.forEach((image, index) =>
      this.image(this.canvases[index], image, this.windows.checked ? step.windows?.[index] : null),
    );
  }

  image(on, values, windows) {
    const [height, width] = this.size;
    const area = height * width;
    const pixels = new ImageData(width, height);
    for (let at = 0; at < area; at++) {
      for (let channel = 0; channel < 3; channel++) {
        pixels.data[4 * at + channel] = 255 * values[at + (this.channels === 3 ? channel * area : 0)];
      }
      pixels.data[4 * at + 3] = 255;
    }
    const small = new OffscreenCanvas(width, height);
    small.getContext('2d').putImageData(pixels, 0, 0);
    const pen = on.getContext('2d');
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, on.width, on.height);
    pen.lineWidth = 2;
    for (const [name, colour] of [
      ['read', '#56b4e9'],
      ['write', '#e66100'],
    ]) {
      const window = windows?.[name];
      if (!window) continue;
      const [top, left, tall, wide] = window.map(length => length * this.scale);
      pen.strokeStyle = colour;
      pen.strokeRect(left, top, wide, tall);
    }
  }

  done() {
    if (this.steps.length > 1) {
      this.slider.value = 0;
      this.run();
    }
  }
}

/** The labels of the frames of a clip over time. */
export class Timeline {
  verb = 'Label';

  constructor() {
    this.strip = element('div', { class: 'strip', 'aria-hidden': 'true' });
    this.legend = element('ul', { class: 'legend' });
    this.chart = new Chart('Probability of each label by frame', { chosen: at => this.frame(Math.round(at)) });
    this.picture = element('img', { alt: '', hidden: true, class: 'frame-picture' });
    this.about = element('p', {});
    this.shares = element('div');
    this.node = element(
      'div',
      { hidden: true },
      this.legend,
      this.strip,
      this.chart.node,
      element('div', { class: 'looked' }, this.picture, element('div', {}, this.about, this.shares)),
    );
  }

  start() {
    this.node.hidden = false;
    this.frames = [];
    this.labels = [];
    this.thumbnails = null;
  }

  lines(lines) {
    for (const line of lines) {
      this.labels = line.labels ?? this.labels;
      this.thumbnails = line.thumbnails ?? this.thumbnails;
      this.frames.push(...(line.frames ?? []));
    }
    const style = this.labels.map((name, index) => ({ name, ...stroke(index) }));
    this.legend.replaceChildren(
      ...style.map(({ name, colour }) => {
        const mark = element('span', { class: 'patch', 'aria-hidden': 'true' });
        mark.style.background = colour;
        return element('li', {}, mark, name);
      }),
    );
    this.strip.replaceChildren(
      ...this.stretches().map(({ label, from, to }) => {
        const part = element('span', { title: `${label}: frames ${from} to ${to - 1}` }, label);
        const { colour } = stroke(this.labels.indexOf(label));
        part.style.flexGrow = to - from;
        part.style.background = colour;
        // The first colour alone is too dark for black letters.
        part.style.color = colour === COLOURS[0] ? '#fff' : '#000';
        return part;
      }),
    );
    this.chart.update({
      lines: style.map((one, label) => ({
        ...one,
        points: this.frames.map((frame, index) => [index, frame.probabilities[label]]),
      })),
      x: 'frames',
      of: 'frame',
    });
    if (this.frames.length) this.frame(0);
  }

  /** Stretches of frames with one label. */
  stretches() {
    const found = [];
    this.frames.forEach(({ label }, index) => {
      const last = found.at(-1);
      if (last?.label === label) last.to = index + 1;
      else found.push({ label, from: index, to: index + 1 });
    });
    return found;
  }

  frame(index) {
    const frame = this.frames?.[index];
    if (!frame) return;
    const source = this.thumbnails?.[index];
    this.picture.hidden = !source;
    if (source) this.picture.src = source;
    this.picture.alt = `Frame ${index}`;
    const truth = typeof frame.truth === 'string' ? `, labelled ${frame.truth}` : '';
    this.about.textContent = `Frame ${whole(index)}: ${frame.label}${truth}`;
    this.shares.replaceChildren(
      bars(this.labels.map((label, at) => [label, frame.probabilities[at]]).sort((a, b) => b[1] - a[1])),
    );
  }

  progress() {
    return (
      counted(this.frames?.length ?? 0, 'frame') +
      (this.frames?.length ? `, ${counted(this.stretches().length, 'stretch', 'stretches')}` : '')
    );
  }

  done() {}
}
