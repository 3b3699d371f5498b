// The page in headless Chromium on its software adapter. Numbers that the page must reach are made by the native program.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Browser, choose, download, number, program, root, text, train, until, verify } from './browser.mjs';
import { parse } from './safetensors.mjs';

const run = promisify(execFile);
let browser, scratch, softq;

before(async () => {
  softq = await program();
  scratch = await mkdtemp(path.join(tmpdir(), 'softq-web-test-'));
  browser = await Browser.open();
});

after(async () => {
  await browser?.close();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

const native = async (...words) => (await run(softq, words, { cwd: scratch, maxBuffer: 1 << 26 })).stdout;

// Nothing on the console, nothing asked of anybody else, and no page left open to share the processors with the next test.
async function done(page) {
  assert.deepEqual(page.complaints, []);
  assert.deepEqual(page.strangers, []);
  await page.close();
}

const digest = (tensors) => {
  const hash = createHash('sha256');
  for (const [name, { shape, bytes }] of Object.entries(tensors)) hash.update(`${name} ${shape}\n`).update(bytes);
  return hash.digest('hex');
};

// 200 updates of CartPole: ceil((864 - 64) / 4), one after each step of the four environments.
const SHORT = 'learning_starts=64 num_envs=4 gradient_steps=1 batch_size=32 buffer_size=400 hidden=32,32 total_timesteps=864 ' +
  'eval_frequency=0 eval_episodes=20';

// The same run by the native CPU executor.
async function nativeRun(name, settings) {
  const dir = path.join(scratch, name);
  const set = settings.split(' ').flatMap((setting) => ['--set', setting]);
  const report = await native('train', 'CartPole-v1', '--device', 'cpu', '--quiet', '--json', '--run-dir', dir, ...set);
  return { dir, report: JSON.parse(report.trim().split('\n').at(-1)), file: path.join(dir, 'model.safetensors') };
}

test('the page loads, shows its adapter, and trains within three seconds', async (t) => {
  // Once, so that the assets are cached.
  await (await browser.page()).close();
  const page = await browser.page();
  assert.match(await text(page, 'device'), /^softq \d+\.\d+\.\d+ on google swiftshader.*, in software$/);
  await choose(page, 'CartPole-v1', 'sqn', SHORT);
  // The clock of the page stands at 0 when it is asked for.
  const clicked = await page.evaluate(() => {
    document.getElementById('start').click();
    return performance.now();
  });
  await page.waitForFunction(() => document.documentElement.dataset.stepped);
  const [ready, stepped] = await page.evaluate(() => [document.documentElement.dataset.ready, document.documentElement.dataset.stepped].map(Number));
  const took = ready + (stepped - clicked);
  t.diagnostic(`engine ready after ${ready} ms, first step of training ${(stepped - clicked).toFixed(0)} ms after the click`);
  await until(page, 'finished');
  assert.ok(took <= 3000 || process.env.SOFTQ_SLOW, `${took} ms`);
  await done(page);
});

test('200 updates end with the bits of the native CPU executor', async (t) => {
  const { report, file } = await nativeRun('bits', SHORT);
  const page = await browser.page();
  await train(page, 'CartPole-v1', 'sqn', SHORT);
  await until(page, 'finished after 864 steps');
  const saved = parse(await readFile(await download(page, '#save')));
  const wanted = parse(await readFile(file));
  const [got, want] = [digest(saved.tensors), digest(wanted.tensors)];
  t.diagnostic(`weights ${got.slice(0, 16)} in the page, ${want.slice(0, 16)} natively`);
  assert.equal(got, want);
  // The same weights play the same episodes.
  assert.equal((await number(page, 'greedy')).toPrecision(4), report.eval_greedy_mean.toPrecision(4));
  await done(page);
});

test('weights go both ways, and evaluate alike', async (t) => {
  const page = await browser.page();
  await train(page, 'CartPole-v1', 'sqn', `${SHORT} seed=5`);
  await until(page, 'finished');
  const saved = await download(page, '#save');
  // Into a run directory: the settings that the file itself records, and the weights.
  const dir = path.join(scratch, 'from_page');
  await mkdir(dir);
  await copyFile(saved, path.join(dir, 'model.safetensors'));
  const bytes = await readFile(saved);
  await writeFile(path.join(dir, 'config.toml'), parse(bytes).metadata.config);
  const evaluated = JSON.parse(await native('eval', dir, '--device', 'cpu', '--json'));
  const load = async (file) => {
    await page.setInputFiles('#load', file);
    await page.waitForFunction(() => document.getElementById('state').textContent === 'training');
    await page.click('#evaluate');
    await page.waitForFunction(() => document.getElementById('files-said').textContent.includes('greedy mean'));
    return text(page, 'files-said');
  };
  assert.match(await load(saved), new RegExp(`greedy mean ${evaluated.mean.toFixed(2)} over 100`));
  // And a native file into the page.
  const { dir: other, file } = await nativeRun('to_page', `${SHORT} seed=6`);
  const wanted = JSON.parse(await native('eval', other, '--device', 'cpu', '--json'));
  assert.match(await load(file), new RegExp(`greedy mean ${wanted.mean.toFixed(2)} over 100`));
  t.diagnostic(`greedy means ${evaluated.mean} and ${wanted.mean} on both sides`);
  // A file that is none of ours is told.
  await page.setInputFiles('#load', { name: 'broken.safetensors', mimeType: 'application/octet-stream', buffer: bytes.subarray(0, 1000) });
  await page.waitForFunction(() => document.getElementById('problem').textContent.includes('broken.safetensors'));
  await done(page);
});

test('every kernel is verified under Chromium\'s compiler', async (t) => {
  const cases = Number(process.env.SOFTQ_WEB_CASES ?? 3);
  const page = await browser.page();
  await page.fill('#cases', String(cases));
  await page.click('#verify');
  await page.waitForFunction(() => / checks passed /.test(document.getElementById('verify-said').textContent), null, { timeout: 900_000 });
  const file = JSON.parse(await readFile(await download(page, '#verify-save')));
  t.diagnostic(await text(page, 'verify-said'));
  for (const row of file.rows.filter((row) => !row.passed)) t.diagnostic(JSON.stringify(row));
  assert.deepEqual(file.rows.filter((row) => !row.passed).map((row) => row.name), []);
  const names = (await native('verify', '--device', 'cpu', '--cases', '1', '--json')).trim().split('\n').map((line) => JSON.parse(line).name);
  assert.deepEqual(file.rows.map((row) => row.name), names.filter(Boolean));
  assert.equal(await page.locator('#verify-rows tbody tr').count(), file.rows.length);
  await done(page);
});

test('a verification can be ended', async () => {
  const page = await browser.page();
  await page.fill('#cases', '2');
  await page.click('#verify');
  await page.waitForFunction(() => document.querySelectorAll('#verify-rows tbody tr').length >= 2, null, { timeout: 300_000 });
  assert.equal(await text(page, 'verify'), 'End');
  await page.click('#verify');
  await page.waitForFunction(() => / then it was ended/.test(document.getElementById('verify-said').textContent), null, { timeout: 300_000 });
  const file = JSON.parse(await readFile(await download(page, '#verify-save')));
  assert.equal(file.summary.ended, true);
  assert.equal(file.rows.length, file.summary.checks);
  assert.ok(file.rows.length < 40, `${file.rows.length} rows`);
  assert.equal(await text(page, 'verify'), 'Verify');
  await done(page);
});

// Replaces a piece of every shader on its way to the browser's compiler.
const altered = (from, to) => `{
  const compile = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    return compile.call(this, { ...descriptor, code: descriptor.code.replace(${JSON.stringify(from)}, ${JSON.stringify(to)}) });
  };
}`;

test('a kernel that computes something else fails, and one that does not compile is told', async () => {
  const wrong = await browser.page({ before: altered('loss = 0.5 * e * e;', 'loss = 0.500001 * e * e;'), ready: false });
  const { rows: [row] } = await verify(wrong, 'td_error', 20);
  assert.equal(row.passed, false);
  assert.equal(row.failures[0].binding, 'errors.loss');
  await done(wrong);
  const broken = await browser.page({ before: altered('var loss = e * e;', 'var loss = e * nothing;'), ready: false });
  const { kind, value } = await verify(broken, 'td_error', 1);
  assert.equal(kind, 'error');
  assert.match(value, /nothing/);
  await broken.close();
});

test('sliders act, pause holds, resume goes on, reset ends', async () => {
  const page = await browser.page();
  await train(page, 'CartPole-v1', 'sqn', 'temperature=fixed alpha=0.5 hidden=16 eval_frequency=0 log_frequency=200 total_timesteps=1000000');
  const alpha = (value) => page.waitForFunction(
    (value) => Math.abs(Number(document.getElementById('alpha-now').textContent) - value) < 1e-3, value, { timeout: 30_000 });
  await alpha(0.5);
  await page.locator('#alpha').fill('-2');
  await alpha(0.01);
  await page.locator('#learning_rate').fill('-4');
  await page.locator('#epsilon').fill('0.75');
  const settings = parse(await readFile(await download(page, '#save'))).metadata.config;
  assert.match(settings, /^learning_rate = 0\.0001$/m);
  assert.match(settings, /^epsilon = 0\.75$/m);
  assert.match(settings, /^alpha = 0\.01$/m);
  // Pictures and action values of the watched world.
  await page.waitForSelector('#watched tbody tr:nth-child(2)');
  const shares = await page.$$eval('#watched tbody meter', (meters) => meters.map((meter) => meter.value));
  assert.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - 1) < 1e-5, `${shares}`);
  const colours = await page.$eval('#lanes', (canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(colours > 8, `${colours} colours`);

  await page.click('#pause');
  await page.waitForFunction(() => document.getElementById('state').textContent === 'paused');
  const held = await text(page, 'steps');
  await page.waitForTimeout(1500);
  assert.equal(await text(page, 'steps'), held);
  await page.click('#pause');
  await page.waitForFunction((held) => document.getElementById('steps').textContent !== held, held);
  // What is refused in its place leaves the run alone.
  const refused = async (words) => {
    await page.waitForFunction((words) => document.getElementById('problem').textContent.includes(words), words);
    await page.waitForFunction(() => document.getElementById('state').textContent === 'training');
    const at = await text(page, 'steps');
    await page.waitForFunction((at) => document.getElementById('steps').textContent !== at, at);
    assert.ok(await page.isEnabled('#save') && await page.isEnabled('#pause'));
  };
  await page.fill('#settings', 'hidden=many');
  await page.click('#start');
  await refused('many');
  // What only the plan refuses, too.
  await page.fill('#settings', 'hidden=4096,4096');
  await page.click('#start');
  await refused('4096');
  await page.setInputFiles('#load', { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no weights') });
  await refused('photo.jpg');
  assert.equal(await text(page, 'files-said'), '');
  assert.ok(await page.isDisabled('#evaluate'));
  await page.click('#reset');
  await page.waitForFunction(() => document.getElementById('state').textContent === 'stopped');
  assert.ok(await page.isDisabled('#pause'));
  await done(page);
});

test('a population with its own alphas is ranked', async () => {
  const page = await browser.page();
  await page.fill('#population', '0.01, 0.1, 1');
  await train(page, 'Catch-bsuite', 'sqn', 'hidden=16 num_envs=4 learning_starts=100 log_frequency=200 eval_frequency=400 eval_episodes=5 total_timesteps=800');
  await until(page, 'finished');
  const alphas = await page.$$eval('#ranking tbody tr', (rows) => rows.map((row) => Number(row.cells[1].textContent)));
  assert.deepEqual([...alphas].sort(), [0.01, 0.1, 1]);
  const means = await page.$$eval('#ranking tbody tr', (rows) => rows.map((row) => Number(row.cells[3].textContent)));
  assert.deepEqual(means, [...means].sort((a, b) => b - a));
  await done(page);
});

test('a world of the user is checked with the native messages, then trained', async () => {
  const page = await browser.page();
  const broken = path.join(root, 'tests/data/broken_envs/unknown_identifier.wgsl');
  await page.setInputFiles('#load', []);
  await page.fill('#world-name', 'unknown_identifier.wgsl');
  await page.fill('#world', await readFile(broken, 'utf8'));
  await page.click('#world-check');
  await page.waitForFunction(() => !document.getElementById('problem').hidden);
  const refused = await run(softq, ['check-env', 'unknown_identifier.wgsl'], { cwd: path.dirname(broken) }).catch((error) => error);
  assert.equal(`error: ${await text(page, 'problem')}`, refused.stderr.trim());

  await page.fill('#world-name', 'sailing.wgsl');
  await page.fill('#world', await readFile(path.join(root, 'examples/custom_env/sailing.wgsl'), 'utf8'));
  await page.click('#world-check');
  await page.waitForSelector('#world-said li', { timeout: 60_000 });
  assert.equal(await page.locator('#world-said li.failed').count(), 0);
  // With an algorithm that knows no entropy, and with settings of the setup.
  await page.selectOption('#algo', 'dqn');
  await page.fill('#settings', 'total_timesteps=70000');
  await page.click('#world-train');
  await page.waitForFunction(() => document.documentElement.dataset.stepped, null, { timeout: 60_000 });
  await page.waitForFunction(() => Number(document.getElementById('steps').textContent.replaceAll(',', '')) >= 1000, null, { timeout: 60_000 });
  assert.equal(await text(page, 'problem'), '');
  await done(page);
});

test('a browser without WebGPU is told so', async () => {
  const page = await browser.page({ script: 'delete Navigator.prototype.gpu', ready: false });
  await page.waitForSelector('#problem:not([hidden])');
  assert.match(await text(page, 'problem'), /no WebGPU/);
  assert.ok(await page.isDisabled('#start') && await page.isDisabled('#load'));
  await done(page);
});
