// Weights in and out, and environments of the user's own.

import { download } from './verification.js';

const $ = (id) => document.getElementById(id);

// Algorithms that can take the entropy of the uniform policy off.
const WITH_KL = new Set(['sqn', 'soft_q', 'sac_discrete', 'soft_pqn']);

export class Files {
  // `chosen` gives the request that the setup describes, `changed` hears that there is a world, or none any more.
  constructor(send, begin, chosen, changed) {
    this.send = send;
    this.changed = changed;
    $('world').addEventListener('input', changed);
    $('load').addEventListener('change', async () => {
      const [file] = $('load').files;
      if (file) await this.take(file);
      $('load').value = '';
    });
    $('evaluate').addEventListener('click', () => {
      const request = { name: this.weights.name, episodes: 100, seed: 0, file: this.world() };
      this.said('Playing 100 episodes ...');
      send('evaluate', { request, weights: this.weights.bytes.slice() });
    });
    $('world-check').addEventListener('click', () => {
      $('world-said').replaceChildren();
      if (this.world()) send('check', { ...this.world(), episodes: 200 });
      else this.none();
    });
    $('world-train').addEventListener('click', () => {
      const file = this.world();
      $('world-said').replaceChildren();
      if (!file) return this.none();
      const { algo, set } = chosen();
      // Without a bonus for being in a state at all, where the algorithm has one; the setup's own settings come later and win.
      const first = ['total_timesteps=80000', ...(WITH_KL.has(algo) ? ['kl=true'] : [])];
      begin({ env: file.name, algo, set: [...first, ...set] }, file);
    });
    for (const kind of ['dragover', 'drop', 'dragleave']) {
      addEventListener(kind, (event) => {
        // Text that is dragged goes where it goes.
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        document.body.classList.toggle('drop', kind === 'dragover');
        if (kind === 'drop' && event.dataTransfer.files[0]) this.take(event.dataTransfer.files[0]);
      });
    }
    this.begin = begin;
  }

  allow(idle) {
    $('load').disabled = !idle;
    $('evaluate').disabled = !idle || !this.weights;
  }

  said(text) {
    $('files-said').textContent = text;
  }

  none() {
    this.checked([{ check: 'environment', verdict: 'failed', text: 'there is none: paste or drop a WGSL file first.' }]);
  }

  // The environment of the user, if there is one.
  world() {
    const text = $('world').value;
    return text.trim() ? { name: $('world-name').value.trim() || 'my_world.wgsl', text } : undefined;
  }

  // A file that was chosen or dropped.
  async take(file) {
    let bytes;
    try {
      bytes = new Uint8Array(await file.arrayBuffer());
    } catch (error) {
      return this.said(`${file.name} cannot be read: ${error.message}`);
    }
    if (file.name.endsWith('.wgsl')) {
      $('world-name').value = file.name;
      $('world').value = new TextDecoder().decode(bytes);
      return this.changed();
    }
    if ($('load').disabled) return;
    this.offered = { name: file.name, bytes };
    this.said(`Reading ${file.name} ...`);
    this.begin({ env: $('env').value, algo: $('algo').value }, this.world(), { ...this.offered, bytes: this.offered.bytes.slice() });
  }

  // A run has begun, from this file or from none.
  begun(name) {
    if (!name || this.offered?.name !== name) return;
    this.weights = this.offered;
    this.said(`Training goes on from ${name}.`);
  }

  saved(agent, steps, bytes) {
    download('model.safetensors', 'application/octet-stream', bytes);
    this.said(`Saved the weights of agent ${agent} after ${steps.toLocaleString('en')} steps.`);
  }

  evaluated(report) {
    this.report = report;
    this.said(`${report.env}, ${report.algo}: greedy mean ${report.mean.toFixed(2)} over ${100} episodes, ` +
      `95% interval ${report.mean_interval.map((x) => x.toFixed(1)).join(' to ')}.`);
  }

  checked(findings) {
    $('world-said').replaceChildren(...findings.map(({ check, verdict, text, advice }) => {
      const item = document.createElement('li');
      item.textContent = `${check}: ${text}${advice ? ` ${advice}` : ''}`;
      item.className = verdict;
      return item;
    }));
  }

  failed() {
    if ($('files-said').textContent.endsWith('...')) this.said('');
  }
}
