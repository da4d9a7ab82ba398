import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compareSeries } from '../../src/run/compare-series.js';
import { hasInk, openPage, browserTest as test, watch } from '../helpers/browser.js';
import { asBfloat16, comparedRun } from '../helpers/compared-runs.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32 } from '../helpers/random.js';

const [ROWS, HIDDEN] = [100, 6];

test('a series is shown on a page, in both themes and on a phone, by mouse and by keyboard, and asks for nothing', async (t) => {
  const scratch = scratchDirectory(t);
  const texts = Array.from({ length: ROWS }, (_, id) =>
    id === 9 ? '</script><img src=x onerror=alert(1)>' : ` w${id}`,
  );
  const runs: string[] = [];
  let gamma = asBfloat16(randomFloat32(ROWS * HIDDEN, 71));
  for (let step = 0; step < 3; step++) {
    const noise = randomFloat32(ROWS * HIDDEN, 72 + step);
    const model = { rows: ROWS, hidden: HIDDEN, dtype: 'BF16', texts, gamma } as const;
    runs.push(await comparedRun(scratch, `step-${step}`, model));
    // Token 9 goes farthest to step 1, and token 12 to step 2.
    const far = step === 0 ? 9 : 12;
    gamma = asBfloat16(gamma.map((x, k) => x + (Math.floor(k / HIDDEN) === far ? 1 : 0.01) * noise[k]!));
  }
  const { directory } = await compareSeries(runs, { out: path.join(scratch, 'out'), workers: 1 });
  const url = pathToFileURL(path.join(directory, 'series.html')).href;

  const page = await openPage(t, { viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
  const { said, requests } = watch(page);
  await page.goto(url);
  await page.locator('#moved table').first().waitFor();
  const places = await page.locator('.plot').evaluateAll((all) => all.map(({ id }) => id));
  t.deepEqual(places, [
    ...['displacement', 'causal-displacement', 'coherence', 'bf16', 'cka', 'eigenvalues', 'participation'],
    'norms',
  ]);
  for (const id of places) t.true(await hasInk(page, `#${id} canvas`), id);
  await page.emulateMedia({ colorScheme: 'light' });
  const widths = await page
    .locator('html')
    .evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]);
  t.true(widths[0]! <= widths[1]!, `${widths}`);

  // The last step is chosen at first; the slider goes back by keyboard.
  const farthest = page.locator('#moved table').first().locator('tbody tr').first();
  t.regex(await farthest.innerText(), /^12\s/);
  await page.locator('#step').focus();
  await page.keyboard.press('ArrowLeft');
  t.regex(await farthest.innerText(), /^9\s+.*<img/);
  t.is(await page.locator('#step').getAttribute('aria-valuetext'), '1: step-1');
  t.is(await page.locator('#step-name').inputValue(), '1');
  await page.keyboard.press('Home');
  t.regex(await page.locator('#moved').innerText(), /no token has moved/);
  await page.locator('#step-name').selectOption('1');
  t.regex(await page.locator('#step-facts').innerText(), /step-1/);
  await page.locator('#cka .u-wrap').focus();
  await page.keyboard.press('End');
  t.regex((await page.locator('#cka .u-wrap').getAttribute('aria-valuetext'))!, /^step 2, with before 0\.9/);
  await page.keyboard.press('Enter');
  t.is(await page.locator('#step').inputValue(), '2');
  t.true(await page.locator('#norms .marker').isVisible());
  t.deepEqual(said, []);
  t.deepEqual([...new Set(requests)], [url]);
});
