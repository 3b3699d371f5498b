// The page: what is chosen, what the engine's worker says, and where that is shown.

import { Chart } from './chart.js';
import { Worlds } from './worlds.js';
import { Verification } from './verification.js';
import { Files } from './files.js';

const $ = (id) => document.getElementById(id);
const charts = { return: new Chart($('chart-return')), entropy: new Chart($('chart-entropy')), alpha: new Chart($('chart-alpha')) };

const UNSUPPORTED = `This browser has no WebGPU, which softq needs to compute on your GPU.
Current versions of Chrome, Edge and Safari have it, and Firefox on some systems; elsewhere it may have to be switched on.
The program trains without a browser: cargo run --release -- train cartpole`;

let worker;
let catalogue;
let run; // What the page knows of the run that is on.
let before; // What was said of it when another was asked for.

function problem(message) {
  $('problem').textContent = message;
  $('problem').hidden = !message;
}

function send(kind, command = {}, transfer = []) {
  worker.postMessage({ kind, ...command }, transfer);
}

const number = (x, digits = 4) => (x === null || x === undefined ? '-' : `${+x.toPrecision(digits)}`);
const count = (x) => Math.round(x).toLocaleString('en');

const worlds = new Worlds(() => send('look'));
const verification = new Verification(send);
const files = new Files(send, begin, chosen, algorithms);

function state(text) {
  $('state').textContent = text;
}

// What may be pressed while nothing, or a run, is on.
function buttons() {
  const idle = Boolean(catalogue);
  $('start').disabled = !idle;
  $('reset').disabled = !run || run.finished;
  $('pause').disabled = $('reset').disabled || run.broken;
  $('save').disabled = !run;
  $('pause').textContent = run?.paused ? 'Resume' : 'Pause';
  $('world-check').disabled = $('world-train').disabled = $('verify').disabled = !idle;
  for (const slider of sliders) $(slider.key).disabled = !run || run.finished || run.broken || slider.barred();
  files.allow(idle);
}

// Sliders: the setting, its value at a position, and the position of a value.
const power = { value: (x) => 10 ** x, position: (y) => Math.log10(Math.max(y, 1e-12)) };
const plain = { value: (x) => x, position: (y) => y };
const sliders = [
  { key: 'learning_rate', keys: ['learning_rate'], ...power, barred: () => swept('learning_rate') },
  { key: 'epsilon', keys: ['epsilon', 'epsilon_final'], ...plain, barred: () => swept('epsilon') || swept('epsilon_final') },
  { key: 'alpha', keys: ['alpha'], ...power, barred: () => run.config.temperature !== 'fixed' || run.members.length > 1 || swept('alpha') },
];

// Whether the agents of the run have values of their own.
function swept(key) {
  return run.config.sweep.some((entry) => entry.split('=')[0].trim() === key);
}

function setSlider(slider, value) {
  $(slider.key).value = slider.position(value);
  $(`${slider.key}-value`).textContent = number(value, 3);
}

for (const slider of sliders) {
  $(slider.key).addEventListener('input', () => {
    const value = slider.value(Number($(slider.key).value));
    $(`${slider.key}-value`).textContent = number(value, 3);
    if (run) run.held = { ...run.held, [slider.key]: true };
    for (const key of slider.keys) send('tune', { key, value: String(+value.toPrecision(4)) });
  });
}

function chosen() {
  const set = [`seed=${$('seed').value || 0}`];
  if ($('temperature').value) set.push(`temperature=${$('temperature').value}`);
  const population = $('population').value.trim();
  if (population) set.push('temperature=fixed', `sweep=alpha=${population.replaceAll(' ', '')}`);
  set.push(...$('settings').value.split(/\s+/).filter(Boolean));
  return { env: $('env').value, algo: $('algo').value, set };
}

// Begins a run; `file` is an environment of the user, `weights` a file to start from.
function begin(request, file, weights) {
  problem('');
  if ($('state').textContent !== 'preparing') before = $('state').textContent;
  state('preparing');
  $('start').disabled = true;
  send('begin', { request: { ...request, file, gallery: [16, 112] }, name: weights?.name, weights: weights?.bytes });
}

function fill(select, names) {
  const before = select.value;
  select.replaceChildren(...names.map(([value, name]) => new Option(name, value)));
  if (names.some(([value]) => value === before)) select.value = before;
}

function algorithms() {
  if (!catalogue) return;
  const env = catalogue.environments.find(({ id }) => id === $('env').value);
  // Which ones take a world of the user's own, its actions say when it is trained in.
  const all = new Set(catalogue.environments.flatMap(({ algorithms }) => algorithms));
  const names = files.world() ? [...new Set([...env.algorithms, ...all])] : env.algorithms;
  fill($('algo'), names.map((name) => [name, name]));
}

function rank() {
  if (!run || run.members.length < 2) return;
  const order = run.members.map((_, agent) => agent);
  const worth = (agent) => run.greedy[agent] ?? run.returns[agent] ?? -Infinity;
  order.sort((a, b) => worth(b) - worth(a));
  const body = $('ranking').tBodies[0];
  body.replaceChildren(...order.map((agent) => {
    const row = document.createElement('tr');
    for (const cell of [agent, number(run.members[agent]), number(run.returns[agent]), number(run.greedy[agent])]) {
      row.insertCell().textContent = cell;
    }
    return row;
  }));
}

const handlers = {
  ready({ adapter, info, catalogue: all }) {
    catalogue = all;
    const suitable = all.environments.filter(({ algorithms }) => algorithms.length > 0);
    fill($('env'), suitable.map(({ id }) => [id, id]));
    algorithms();
    const name = [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') || 'a GPU that the browser does not name';
    $('device').textContent = `softq ${all.version} on ${name}${adapter.device_type === 'Cpu' ? ', in software' : ''}`;
    buttons();
    document.documentElement.dataset.ready = performance.now().toFixed(0);
  },
  // The worker does nothing more.
  unusable(text) {
    const was = catalogue;
    catalogue = run = undefined;
    worlds.stop();
    verification.failed();
    files.failed();
    buttons();
    state('stopped');
    $('device').textContent = 'No device.';
    problem(was ? `The engine has stopped: ${text}. Load the page again to go on.`
      : `The browser has WebGPU, but opens no device: ${text}`);
  },
  begun(begun) {
    run = { ...begun, returns: [], greedy: [], last: undefined };
    for (const chart of Object.values(charts)) chart.clear();
    for (const slider of sliders) setSlider(slider, run.config[slider.key]);
    for (const id of ['steps', 'steps-rate', 'updates-rate', 'gpu', 'gpu-share', 'return', 'greedy', 'alpha-now']) $(id).textContent = '-';
    $('ranking-section').hidden = run.members.length < 2;
    rank();
    worlds.begin({ heads: run.heads, policy: run.policy, temperature: run.config.temperature, lanes: run.lanes, drawn: run.drawn });
    files.begun(run.file);
    for (const text of run.warnings) handlers.warning(text);
    state('training');
    buttons();
  },
  stepped() { document.documentElement.dataset.stepped = performance.now().toFixed(0); },
  paused() {
    worlds.stop();
    if (!run || run.finished || run.broken) return;
    run.paused = true;
    state('paused');
    buttons();
  },
  broken() {
    worlds.stop();
    if (!run) return;
    run.broken = true;
    state('stopped by an error; its weights can be saved');
    buttons();
  },
  stopped() {
    worlds.stop();
    if (run) state('stopped');
    run = undefined;
    buttons();
  },
  tuned({ key, value }) {
    if (!run) return;
    run.config[key] = Number(value);
    if (key === 'alpha') run.members = run.members.map(() => Number(value));
  },
  // Seconds that the device has computed so far, by its own clock; null where the browser shows none.
  device_time(seconds) { if (run) run.device = seconds; },
  progress(progress) {
    if (!run) return;
    const { last } = run;
    $('steps').textContent = count(progress.env_steps);
    $('return').textContent = number(progress.episodic_return);
    $('alpha-now').textContent = number(progress.alpha);
    // Epsilon follows its schedule until the slider is moved, which ends that.
    if (progress.epsilon !== null && progress.epsilon !== undefined && !run.held?.epsilon) setSlider(sliders.find(({ key }) => key === 'epsilon'), progress.epsilon);
    const seconds = last ? progress.wall_s - last.wall_s : 0;
    if (seconds > 0) {
      $('steps-rate').textContent = count((progress.env_steps - last.env_steps) / seconds);
      $('updates-rate').textContent = count((progress.updates - last.updates) / seconds);
      if (run.device !== null) {
        const busy = run.device - last.device;
        const each = (progress.updates - last.updates) > 0 ? busy * 1000 / (progress.updates - last.updates) : null;
        $('gpu').textContent = `${number(each, 3)} ms`;
        $('gpu-share').textContent = `${Math.min(100, Math.round(100 * busy / seconds))}%`;
      }
    }
    run.last = { ...progress, device: run.device };
    if (run.members.length === 1) {
      charts.return.add(progress.env_steps, progress.episodic_return);
      charts.alpha.add(progress.env_steps, progress.alpha);
    }
    charts.entropy.add(progress.env_steps, progress.entropy);
  },
  agents_progress(agents) {
    if (!run) return;
    agents.forEach((progress, agent) => {
      charts.return.add(progress.env_steps, progress.episodic_return, agent);
      charts.alpha.add(progress.env_steps, progress.alpha, agent);
      run.returns[agent] = progress.episodic_return;
    });
    rank();
  },
  evaluation({ env_steps, mean }) {
    $('greedy').textContent = number(mean);
    charts.return.dot(env_steps, mean);
  },
  agents_evaluation([, means]) {
    if (!run) return;
    run.greedy = means;
    rank();
  },
  warning(text) { problem([$('problem').textContent, text].filter(Boolean).join('\n')); },
  finished(report) {
    if (!run) return;
    run.finished = report;
    worlds.stop();
    state(`finished after ${count(report.env_steps)} steps, ${report.wall_s.toFixed(1)} s`);
    $('greedy').textContent = number(report.greedy_mean);
    buttons();
  },
  best_weights() {},
  last_weights() {},
  current_weights: ([agent, steps], bytes) => files.saved(agent, steps, bytes),
  pictures: (shape, bytes) => worlds.pictures(shape, bytes),
  outputs: (outputs) => worlds.outputs(outputs),
  agents: (records) => worlds.agents(records),
  lanes: () => worlds.arrived(),
  evaluated: (report) => files.evaluated(report),
  checked: (findings) => files.checked(findings),
  verified: (row) => verification.row(row),
  verified_all: (all) => verification.done(all),
  error(text) {
    problem(text);
    if (!run) state('stopped');
    else if ($('state').textContent === 'preparing') state(before);
    verification.failed();
    files.failed();
    buttons();
  },
};

function start() {
  if (!navigator.gpu) {
    $('device').textContent = 'No WebGPU.';
    problem(isSecureContext ? UNSUPPORTED : 'Browsers offer WebGPU to pages from https or localhost alone, and this one came over plain http.');
    return;
  }
  worker = new Worker('worker.js', { type: 'module' });
  worker.onerror = (event) => problem(`The engine did not load: ${event.message ?? 'its script failed'}`);
  worker.onmessage = ({ data: { kind, value, bytes } }) => handlers[kind](value, bytes);
}

$('env').addEventListener('change', algorithms);
$('setup').addEventListener('submit', (event) => {
  event.preventDefault();
  begin(chosen());
});
$('pause').addEventListener('click', () => {
  if (!run) return;
  if (run.paused) {
    run.paused = false;
    send('resume');
    worlds.go();
    state('training');
    buttons();
  } else {
    send('pause');
  }
});
$('reset').addEventListener('click', () => {
  for (const chart of Object.values(charts)) chart.clear();
  send('reset');
});
$('save').addEventListener('click', () => send('save', { agent: run.finished?.best ?? 0 }));

start();
