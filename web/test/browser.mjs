// A headless Chromium with its software WebGPU adapter, and the page in it.

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from '../serve.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const target = path.resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');
export const folder = path.resolve(root, process.env.SOFTQ_WEB ?? path.join(target, 'web'));

// --enable-unsafe-webgpu is what gives out SwiftShader; the rest keeps Chromium to itself.
const flags = [
  '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader',
];

// CHROMIUM, or what there is.
async function chromiumProgram() {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  for (const name of [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean)) {
    for (const file of path.isAbsolute(name) ? [name] : folders.map((folder) => path.join(folder, name))) {
      if (await stat(file).then(() => true, () => false)) return file;
    }
  }
  throw new Error('no Chromium: install it, or name its program in CHROMIUM');
}

// The native program: SOFTQ, or the newest that cargo built.
export async function program() {
  if (process.env.SOFTQ) return process.env.SOFTQ;
  const found = [];
  for (const profile of ['debug', 'release']) {
    const file = path.join(target, profile, 'softq');
    await stat(file).then(({ mtimeMs }) => found.push([mtimeMs, file]), () => {});
  }
  if (found.length === 0) throw new Error(`no native program under ${target}: run cargo build, or name it in SOFTQ`);
  return found.sort((a, b) => b[0] - a[0])[0][1];
}

export class Browser {
  static async open() {
    const browser = new Browser();
    browser.profile = await mkdtemp(path.join(tmpdir(), 'softq-chromium-'));
    browser.site = await serve(folder);
    browser.context = await chromium.launchPersistentContext(browser.profile, {
      executablePath: await chromiumProgram(), headless: true, args: flags, acceptDownloads: true,
    });
    return browser;
  }

  // The page, ready to train. What it complains of is collected in `complaints`, where it asked for anything in `strangers`.
  // `before` runs in the engine's worker before anything else.
  async page({ script, before, ready = true } = {}) {
    const page = await this.context.newPage();
    page.complaints = [];
    page.strangers = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
    });
    page.on('pageerror', (error) => page.complaints.push(error.message));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(this.site.address) && !url.startsWith('blob:') && !url.startsWith('data:')) page.strangers.push(url);
    });
    if (script) await page.addInitScript(script);
    if (before) {
      const worker = await readFile(path.join(folder, 'worker.js'), 'utf8');
      await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: `${before}\n${worker}` }));
    }
    await page.goto(this.site.address);
    if (ready) await page.waitForFunction(() => document.documentElement.dataset.ready, null, { timeout: 60_000 });
    return page;
  }

  async close() {
    await this.context?.close();
    this.site?.server.close();
    await rm(this.profile, { recursive: true, force: true });
  }
}

// Fills the form: environment, algorithm, other settings.
export async function choose(page, env, algo, settings = '') {
  await page.selectOption('#env', env);
  await page.selectOption('#algo', algo);
  await page.fill('#settings', settings);
}

export const train = async (page, env, algo, settings) => {
  await choose(page, env, algo, settings);
  await page.click('#start');
};

export const text = (page, id) => page.textContent(`#${id}`);

export async function number(page, id) {
  return Number((await text(page, id)).replaceAll(',', ''));
}

// Waits until the page's state begins so; a problem that it shows ends the wait.
export async function until(page, state, timeout = 60_000) {
  await page.waitForFunction(
    (state) => document.getElementById('state').textContent.startsWith(state) || !document.getElementById('problem').hidden,
    state, { timeout });
  const problem = await text(page, 'problem');
  if (problem) throw new Error(`the page says: ${problem}`);
}

// Verifies one kernel in a worker of its own: its row, or what went wrong.
export function verify(page, only, cases) {
  return page.evaluate(([only, cases]) => new Promise((done) => {
    const worker = new Worker('worker.js', { type: 'module' });
    const rows = [];
    worker.onmessage = ({ data: { kind, value } }) => {
      if (kind === 'ready') worker.postMessage({ kind: 'verify', request: { cases, only } });
      if (kind === 'verified') rows.push(value);
      if (['verified_all', 'error', 'unusable'].includes(kind)) {
        worker.terminate();
        done({ rows, kind, value });
      }
    };
  }), [only, cases]);
}

// The file that a click downloads.
export async function download(page, button) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return await file.path();
}
