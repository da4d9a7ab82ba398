import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { hasInk, openPage, browserTest as test, watch } from '../helpers/browser.js';
import { asBfloat16, comparedRun, compareHere } from '../helpers/compared-runs.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32 } from '../helpers/random.js';

const [ROWS, HIDDEN] = [200, 10];

test('a comparison is shown on a page, in both themes and on a phone, by mouse and by keyboard, and asks for nothing', async (t) => {
  const scratch = scratchDirectory(t);
  const gamma = asBfloat16(randomFloat32(ROWS * HIDDEN, 61));
  const noise = randomFloat32(ROWS * HIDDEN, 62);
  const moved = asBfloat16(
    gamma.map((value, k) => value + (Math.floor(k / HIDDEN) === 9 ? 1 : 0.01) * noise[k]!),
  );
  const texts = Array.from({ length: ROWS }, (_, id) =>
    id === 9 ? '</script><img src=x onerror=alert(1)>' : ` w${id}`,
  );
  const model = { rows: ROWS, hidden: HIDDEN, dtype: 'BF16', texts } as const;
  const a = await comparedRun(scratch, 'a', { ...model, gamma });
  const b = await comparedRun(scratch, 'b', { ...model, gamma: moved });
  const { directory } = await compareHere(a, b, path.join(scratch, 'out'), { sample: 10 });
  const url = pathToFileURL(path.join(directory, 'compare.html')).href;

  const page = await openPage(t, { viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
  const { said, requests } = watch(page);
  await page.goto(url);
  await page.locator('#displaced table').first().waitFor();
  const places = await page.locator('.plot').evaluateAll((all) => all.map(({ id }) => id));
  t.deepEqual(places, ['displacement-norm', 'displacement-causal', 'flow-variances', 'flow-ratio']);
  for (const id of places) t.true(await hasInk(page, `#${id} canvas`), id);
  t.true(await hasInk(page, '#overlap'));
  await page.emulateMedia({ colorScheme: 'light' });
  const widths = await page
    .locator('html')
    .evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]);
  t.true(widths[0]! <= widths[1]!, `${widths}`);

  // The token that has moved most stands first in both lists; its text is text.
  const first = page.locator('#displaced table').first().locator('tbody tr').first();
  t.regex(await first.innerText(), /^9\s+.*<img/);
  await first.locator('button').click();
  t.regex(await page.locator('#token-details').innerText(), /^Token 9: .*img/);
  await page.locator('#search').fill(' w12');
  await page.keyboard.press('Enter');
  t.regex(await page.locator('#token-details').innerText(), /^Token 12: /);
  await page.locator('#displacement-norm .u-wrap').focus();
  await page.keyboard.press('End');
  t.regex(
    (await page.locator('#displacement-norm .u-wrap').getAttribute('aria-valuetext'))!,
    /^norm in A .*, greatest /,
  );
  await page.keyboard.press('Enter');
  t.notRegex(await page.locator('#token-details').innerText(), /^Token 12: /);
  await page.locator('#overlap + details summary').click();
  await page.locator('#overlap + details tbody tr').first().waitFor();
  t.is(await page.locator('#overlap + details tbody tr').count(), HIDDEN);
  t.deepEqual(said, []);
  t.deepEqual([...new Set(requests)], [url]);
});
