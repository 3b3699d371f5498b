// The training environments on a canvas, and what the agent thinks of the watched one.

const $ = (id) => document.getElementById(id);

export class Worlds {
  // `ask` sends for the next pictures.
  constructor(ask) {
    this.ask = ask;
    this.canvas = $('lanes');
    this.pen = this.canvas.getContext('2d');
    this.canvas.addEventListener('click', (event) => {
      const { left, top, width, height } = this.canvas.getBoundingClientRect();
      if (!this.shape) return;
      const column = Math.floor(((event.clientX - left) / width) * this.columns);
      const row = Math.floor(((event.clientY - top) / height) * this.rows);
      this.choose(row * this.columns + column);
    });
    $('lane').addEventListener('input', () => this.choose(Number($('lane').value)));
    document.addEventListener('visibilitychange', () => this.next());
  }

  // A run begins: `heads` actions of each head, none where actions are numbers.
  begin({ heads, policy, temperature, lanes, drawn }) {
    Object.assign(this, { heads, policy, temperature, lanes, watched: 0, shape: undefined, alphas: [], under: false, live: true });
    $('lane').value = 0;
    $('lanes').hidden = $('lane-choice').hidden = $('watched').hidden = true;
    $('lanes-hint').hidden = false;
    $('lanes-hint').textContent = drawn ? 'They appear when training starts.' : 'This world has no `draw`, so that there is nothing to be seen.';
    this.next();
  }

  stop() {
    this.live = this.under = false;
  }

  go() {
    this.live = true;
    this.next();
  }

  choose(lane) {
    const most = this.shape ? this.shape[0] - 1 : 0;
    this.watched = Math.min(Math.max(Math.trunc(lane) || 0, 0), most);
    $('lane').value = this.watched;
    this.paint();
    this.show();
  }

  // Asks again, unless that is under way or nobody looks. What it costs is kept to a quarter of the time.
  next() {
    if (!this.live || this.under || document.hidden) return;
    this.under = true;
    this.since = performance.now();
    this.ask();
  }

  pictures(shape, bytes) {
    this.shape = shape;
    this.pixels = new Uint8ClampedArray(bytes.buffer);
    $('lane').max = shape[0] - 1;
    this.canvas.hidden = $('lane-choice').hidden = false;
    $('lanes-hint').hidden = true;
    this.paint();
  }

  paint() {
    if (!this.pixels) return;
    const [frames, width, height] = this.shape;
    const gap = 2;
    this.columns = Math.min(frames, Math.max(1, Math.floor(this.canvas.parentElement.clientWidth / (width * 1.2))), 8);
    this.rows = Math.ceil(frames / this.columns);
    const [across, down] = [this.columns * (width + gap), this.rows * (height + gap)];
    if (this.canvas.width !== across || this.canvas.height !== down) {
      [this.canvas.width, this.canvas.height] = [across, down];
    }
    for (let frame = 0; frame < frames; frame++) {
      const image = new ImageData(this.pixels.subarray(frame * width * height * 4, (frame + 1) * width * height * 4), width);
      const [x, y] = [(frame % this.columns) * (width + gap), Math.floor(frame / this.columns) * (height + gap)];
      this.pen.putImageData(image, x, y);
      if (frame === this.watched) {
        this.pen.strokeStyle = getComputedStyle(this.canvas).getPropertyValue('--dots');
        this.pen.lineWidth = 3;
        this.pen.strokeRect(x + 1.5, y + 1.5, width - 3, height - 3);
      }
    }
  }

  outputs([width, lanes, values]) {
    Object.assign(this, { width, lanes, values });
  }

  agents(records) {
    this.alphas = records.map(([alpha]) => alpha);
    this.show();
  }

  // The last part of what is on show.
  arrived() {
    this.under = false;
    const took = performance.now() - this.since;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.next(), Math.max(60, 3 * took));
  }

  show() {
    if (!this.values || !this.heads) return;
    const own = this.values.slice(this.watched * this.width, (this.watched + 1) * this.width);
    const alpha = this.policy ? 1 : this.alphas[Math.floor(this.watched / this.lanes)] ?? 1;
    const known = this.policy || this.temperature !== 'per_state';
    const rows = [];
    let first = 0;
    this.heads.forEach((actions, head) => {
      const values = own.slice(first, first + actions);
      first += actions;
      const top = Math.max(...values);
      const weights = values.map((value) => Math.exp((value - top) / alpha));
      const sum = weights.reduce((a, b) => a + b, 0);
      values.forEach((value, action) => {
        const name = this.heads.length > 1 ? `${head}: ${action}` : `${action}`;
        rows.push([name, value, known ? weights[action] / sum : null]);
      });
    });
    const body = $('watched').tBodies[0];
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach(([name, value, share], index) => {
      const row = body.rows[index] ?? this.row(body);
      row.cells[0].textContent = name;
      row.cells[1].textContent = value.toFixed(3);
      const [bar, number] = row.cells[2].children;
      bar.value = share ?? 0;
      number.textContent = share === null ? ' -' : ` ${share.toFixed(3)}`;
    });
    $('watched').hidden = rows.length === 0;
    $('watched').tHead.rows[0].cells[1].textContent = this.policy ? 'logit' : 'Q';
    $('watched').tHead.rows[0].cells[2].textContent = this.policy ? 'probability' : 'softmax(Q / alpha)';
  }

  row(body) {
    const row = body.insertRow();
    for (let cell = 0; cell < 3; cell++) row.insertCell();
    row.cells[2].append(document.createElement('meter'), document.createElement('span'));
    return row;
  }
}
