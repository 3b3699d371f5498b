// The engine's own thread: it trains step by step, and does what the page asks between two steps. Messages to the page are
// { kind, value, bytes }; errors come as kind 'error' with the sentence that the library says.
import init, { Engine, catalogue } from './pkg/softq_web.js';

const asked = [];
let wake = () => {};
let engine;
let on = false; // Whether there is a run.
let running = false;
let looking = 0;
let stepped = false;

const tell = (kind, value, bytes) => postMessage({ kind, value, bytes }, bytes ? [bytes.buffer] : []);

// Whatever was on is over.
function end() {
  on = running = false;
  looking = 0;
  tell('stopped');
}

const commands = {
  // A run goes on where what is to take its place is refused.
  begin({ request, name, weights }) {
    const begun = JSON.parse(engine.begin(JSON.stringify(request), name ?? '', weights));
    end();
    stepped = false;
    tell('begun', { ...begun, file: name });
    on = running = true;
  },
  pause() {
    if (!on) return;
    running = false;
    engine.hold();
    tell('paused');
  },
  // What was asked of a run that is over by now is asked of nothing.
  resume() { running = on; },
  reset: () => end(),
  tune({ key, value }) {
    if (!on) return;
    engine.tune(key, value);
    tell('tuned', { key, value });
  },
  look() {
    if (!on) return;
    engine.look();
    looking++;
  },
  save({ agent }) { engine.save(agent); looking++; },
  async evaluate({ request, weights }) {
    const asked = JSON.stringify(request);
    engine.inspect(asked, weights);
    end();
    tell('evaluated', JSON.parse(await engine.evaluate(asked, weights)));
  },
  async verify({ request }) {
    end();
    const begun = performance.now();
    const ended = () => asked.some(({ kind }) => kind === 'end');
    const rows = await engine.verify(JSON.stringify(request), (row) => {
      tell('verified', JSON.parse(row));
      return !ended();
    });
    tell('verified_all', { rows, ended: ended(), seconds: (performance.now() - begun) / 1000 });
  },
  // Of a verification, which has looked for it already.
  end() {},
  check: ({ name, text, episodes }) => tell('checked', JSON.parse(engine.check_env(name, text, episodes))),
};

// Behind everything that waits in the event loop, and sooner than a timer would be.
const { port1, port2 } = new MessageChannel();
const breath = () => new Promise((go) => { port1.onmessage = go; port2.postMessage(0); });
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

// What is on show has arrived with its last part.
const LAST_PART = new Set(['lanes', 'current_weights']);

function forward(messages) {
  for (const { kind, json, bytes } of messages) {
    if (LAST_PART.has(kind)) looking--;
    if (kind === 'finished') running = false;
    tell(kind, JSON.parse(json), bytes);
  }
}

// Tells an error. A device that was lost with it is opened anew.
async function failed(error) {
  tell('error', String(error.message ?? error));
  // Neither answers once the engine has stopped for good; then the page is told so, and nothing more is obeyed.
  if (on && !engine.training()) end();
  if (engine.usable()) return;
  end();
  engine.free();
  engine = await Engine.open();
}

async function obey(command) {
  try {
    await commands[command.kind](command);
  } catch (error) {
    // A run goes on behind what it refused.
    await failed(error);
  }
}

async function turn() {
  if (asked.length > 0) return obey(asked.shift());
  if (!running && looking <= 0) return new Promise((go) => { wake = go; });
  try {
    forward(running ? await engine.step() : await engine.receive());
    if (running && !stepped) {
      stepped = true;
      tell('stepped');
    }
  } catch (error) {
    running = false;
    await failed(error);
    // It trains no more, but what it has learned can be saved.
    if (on) tell('broken');
  }
  return running ? breath() : pause(4);
}

onmessage = ({ data }) => {
  // A slider that is dragged asks faster than a large population is told.
  const older = data.kind === 'tune' ? asked.findIndex(({ kind, key }) => kind === 'tune' && key === data.key) : -1;
  if (older >= 0) asked.splice(older, 1);
  asked.push(data);
  wake();
};

try {
  await init();
  engine = await Engine.open();
  // Its names; an adapter of its own, since one gives a single device.
  const { vendor, architecture, description } = (await navigator.gpu.requestAdapter()).info;
  const info = { vendor, architecture, description };
  tell('ready', { adapter: JSON.parse(engine.adapter()), info, catalogue: JSON.parse(catalogue()) });
  for (;;) await turn();
} catch (error) {
  tell('unusable', String(error.message ?? error));
}
