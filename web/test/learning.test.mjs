// Agents learn in the page, on a software adapter, and the page stays quick meanwhile.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, number, train } from './browser.mjs';

let browser;
before(async () => { browser = await Browser.open(); });
after(async () => { await browser?.close(); });

// Collects tasks of the main thread over 50 ms, which is what a browser calls long.
const observer = `
  globalThis.long = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) globalThis.long.push([startTime, duration]);
  }).observe({ type: 'longtask', buffered: true });
`;

// Trains until a greedy evaluation reaches `mean`; seconds from the click on.
async function reach(page, mean, limit) {
  const begun = performance.now();
  await page.waitForFunction(
    ([mean]) => Number(document.getElementById('greedy').textContent.replaceAll(',', '')) >= mean ||
      !document.getElementById('problem').hidden || document.getElementById('state').textContent.startsWith('finished'),
    [mean], { timeout: limit * 1000, polling: 100 });
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

test('CartPole is balanced, and no task of the page takes 50 ms', async (t) => {
  const page = await browser.page({ script: observer });
  await train(page, 'CartPole-v1', 'sqn', 'gradient_steps=2 eval_frequency=1000 eval_episodes=20');
  const seconds = await reach(page, 150, 180);
  const greedy = await number(page, 'greedy');
  const [steps, rate, updates] = [await number(page, 'steps'), await number(page, 'steps-rate'), await number(page, 'updates-rate')];
  const long = await page.evaluate(() => globalThis.long.filter(([start]) => start >= Number(document.documentElement.dataset.stepped)));
  t.diagnostic(`greedy mean ${greedy} after ${steps} steps, ${seconds.toFixed(1)} s; ${rate} steps/s, ${updates} updates/s`);
  t.diagnostic(`long tasks while training: ${JSON.stringify(long)}`);
  assert.ok(greedy >= 150);
  assert.deepEqual(long, []);
  assert.deepEqual(page.complaints, []);
  await page.close();
});
