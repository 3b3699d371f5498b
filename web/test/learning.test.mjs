// Agents learn in the page, on a software adapter, and the page stays quick meanwhile.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, number, train } from './browser.mjs';

let browser;
before(async () => { browser = await Browser.open(); });
after(async () => { await browser?.close(); });

// Collects what a browser calls a long task: over 50 ms of the main thread.
const observer = `
  globalThis.long = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) globalThis.long.push([startTime, duration]);
  }).observe({ type: 'longtask', buffered: true });
`;

// Processor time, in milliseconds, of every task of the main thread from here on: on a machine that others use too, a task also
// takes the time in which it did not run, and the observer cannot tell. The call that is returned ends it.
async function tasks(page) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel'] } });
  return async () => {
    const complete = new Promise((go) => session.once('Tracing.tracingComplete', go));
    await session.send('Tracing.end');
    await complete;
    const named = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
    const main = new Set(named.map(({ pid, tid }) => `${pid} ${tid}`));
    const run = events.filter(({ name, pid, tid, tdur }) =>
      name === 'ThreadControllerImpl::RunTask' && tdur !== undefined && main.has(`${pid} ${tid}`));
    return run.map(({ tdur }) => tdur / 1000);
  };
}

// On a machine that others use too, what takes long may take longer.
const slow = Boolean(process.env.SOFTQ_SLOW);

// Trains until a greedy evaluation reaches `mean`; seconds from the click on.
async function reach(page, mean, limit) {
  const begun = performance.now();
  await page.waitForFunction(
    ([mean]) => Number(document.getElementById('greedy').textContent.replaceAll(',', '')) >= mean ||
      !document.getElementById('problem').hidden || document.getElementById('state').textContent.startsWith('finished'),
    [mean], { timeout: (slow ? 5 : 1) * limit * 1000, polling: 100 });
  assert.equal(await page.textContent('#problem'), '');
  return (performance.now() - begun) / 1000;
}

test('Catch is learnt', async (t) => {
  const page = await browser.page();
  await train(page, 'Catch-bsuite', 'sqn', 'eval_frequency=500 eval_episodes=50');
  // Random play misses four times of five: -0.6.
  const seconds = await reach(page, 0.9, 120);
  const greedy = await number(page, 'greedy');
  t.diagnostic(`greedy mean ${greedy} after ${await number(page, 'steps')} steps, ${seconds.toFixed(1)} s`);
  assert.ok(greedy >= 0.9);
  await page.close();
});

test('CartPole is balanced, and no task of the main thread takes 50 ms', async (t) => {
  const page = await browser.page({ script: observer });
  await train(page, 'CartPole-v1', 'sqn', 'eval_frequency=1000 eval_episodes=20');
  await page.waitForFunction(() => document.documentElement.dataset.stepped);
  const ended = await tasks(page);
  const seconds = await reach(page, 150, 180);
  const spent = await ended();
  const greedy = await number(page, 'greedy');
  const [steps, rate, updates] = [await number(page, 'steps'), await number(page, 'steps-rate'), await number(page, 'updates-rate')];
  const long = await page.evaluate(() => globalThis.long.filter(([start]) => start >= Number(document.documentElement.dataset.stepped)));
  const clock = await page.evaluate(async () => (await navigator.gpu.requestAdapter()).features.has('timestamp-query'));
  const [gpu, share] = [await page.textContent('#gpu'), await page.textContent('#gpu-share')];
  t.diagnostic(`greedy mean ${greedy} after ${steps} steps, ${seconds.toFixed(1)} s; ${rate} steps/s, ${updates} updates/s; ` +
    `GPU ${gpu} per update, busy ${share}, timestamps: ${clock}`);
  assert.ok(clock ? parseFloat(gpu) > 0 && parseFloat(share) > 0 : gpu === '-' && share === '-', `${gpu}, ${share}`);
  const longest = Math.max(...spent);
  t.diagnostic(`${spent.length} tasks of the main thread while training, at most ${longest.toFixed(1)} ms of processor time each; ` +
    `over 50 ms by the page's observer: ${JSON.stringify(long)}`);
  assert.ok(greedy >= 150);
  assert.ok(spent.length > 100 && (longest < 50 || slow), `${longest} ms`);
  assert.deepEqual(page.complaints, []);
  await page.close();
});
