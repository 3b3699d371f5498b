// Line charts on a canvas, in the colours of the style sheet.

const nice = (span) => {
  const base = 10 ** Math.floor(Math.log10(span));
  return [1, 2, 5, 10].map((m) => m * base).find((step) => span / step <= 4) ?? 10 * base;
};

const text = (x) => {
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e6) return `${+(x / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(x / 1e3).toPrecision(3)}k`;
  return size < 1e-2 ? x.toExponential(0) : `${+x.toPrecision(3)}`;
};

// So many points are kept of a line; then every second one goes.
const MOST = 800;

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  clear() {
    this.lines = [];
    this.dots = [];
    this.draw();
  }

  // A point of line `index`, of which a population has one per agent.
  add(x, y, index = 0) {
    if (y === null || !Number.isFinite(y)) return;
    const line = (this.lines[index] ??= []);
    line.push([x, y]);
    if (line.length > MOST) this.lines[index] = line.filter((_, i) => i % 2 === 1);
    this.later();
  }

  dot(x, y) {
    if (Number.isFinite(y)) this.dots.push([x, y]);
    this.later();
  }

  // Draws once per frame, however many points came.
  later() {
    this.waiting ??= requestAnimationFrame(() => { this.waiting = undefined; this.draw(); });
  }

  draw() {
    const { canvas } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0) return;
    const ratio = devicePixelRatio;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`);
    const all = [...this.lines.filter(Boolean).flat(), ...this.dots];
    const left = 44, bottom = height - 20, top = 6, right = width - 8;
    pen.font = '11px system-ui, sans-serif';
    pen.fillStyle = colour('soft');
    if (all.length === 0) {
      pen.fillText('no data yet', left, height / 2);
      return;
    }
    // Spread over the arguments of one call, the points of a large population are more than a browser takes.
    let [x1, y0, y1] = [1, Infinity, -Infinity];
    for (const [x, y] of all) [x1, y0, y1] = [Math.max(x1, x), Math.min(y0, y), Math.max(y1, y)];
    const room = (y1 - y0) * 0.05 || Math.abs(y1) * 0.1 || 1;
    [y0, y1] = [y0 - room, y1 + room];
    const place = ([x, y]) => [left + (x / x1) * (right - left), bottom - ((y - y0) / (y1 - y0)) * (bottom - top)];
    pen.strokeStyle = colour('line');
    pen.lineWidth = 1;
    for (let step = nice(y1 - y0), y = Math.ceil(y0 / step) * step; y <= y1; y += step) {
      const [, at] = place([0, y]);
      pen.beginPath();
      pen.moveTo(left, at);
      pen.lineTo(right, at);
      pen.stroke();
      pen.textAlign = 'right';
      pen.fillText(text(Math.abs(y) < step / 1e6 ? 0 : y), left - 4, at + 4);
    }
    pen.textAlign = 'right';
    pen.fillText(`${text(x1)} steps`, right, height - 5);
    pen.lineWidth = 1.75;
    this.lines.forEach((line, index) => {
      const hue = this.lines.length > 1 ? `hsl(${(index * 360) / this.lines.length} 65% 50%)` : colour('main');
      pen.strokeStyle = hue;
      pen.beginPath();
      line?.forEach((point) => pen.lineTo(...place(point)));
      pen.stroke();
    });
    pen.fillStyle = colour('dots');
    for (const point of this.dots) {
      pen.beginPath();
      pen.arc(...place(point), 3.5, 0, 7);
      pen.fill();
    }
  }
}
