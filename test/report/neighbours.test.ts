import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readManifest } from '../../src/output/manifest.js';
import { readNeighbourLists } from '../../src/output/neighbours-file.js';
import { renewReport } from '../../src/report/renew-report.js';
import { findNeighbours } from '../../src/run/find-neighbours.js';
import { browserTest as test, untilTrue } from '../helpers/browser.js';
import { openReport } from '../helpers/report-page.js';
import { runWithTables, TOP } from '../helpers/run-with-tables.js';
import { runHere, verifyHere } from '../helpers/runs.js';
import { sameBits } from '../helpers/same-bits.js';

test('neighbours make the page know them, by mouse and keyboard, and every one leads to its token', async (t) => {
  const { directory } = await runWithTables(t);
  const before = readFileSync(path.join(directory, 'report.html'));
  const measures = ['causal_cosine', 'distance'] as const;
  await findNeighbours(directory, { k: 6, measures: [...measures], workers: 1, backend: 'portable' });
  const manifest = readManifest(directory);
  const page = readFileSync(path.join(directory, 'report.html'));
  t.false(page.equals(before));
  t.is((await verifyHere(directory)).problems, '');
  await renewReport(directory);
  sameBits(t, readFileSync(path.join(directory, 'report.html')), page);
  rmSync(path.join(directory, 'report.html'));
  const model = path.join(directory, '../model');
  await runHere({ model, out: directory, partitionRows: 100, top: TOP }, { resume: true });
  sameBits(t, readFileSync(path.join(directory, 'report.html')), page);
  const [cosines, distances] = await Promise.all(
    measures.map((measure) => readNeighbourLists(directory, manifest, measure)),
  );

  await openReport(t, { run: { directory, manifest }, fragment: '#t=20&e=3' }, async ({ page, url }) => {
    const shown = async () =>
      (await page.locator('#neighbours tbody td:first-child').allInnerTexts()).map(Number);
    const values = async () =>
      (await page.locator('#neighbours tbody td:last-child').allInnerTexts()).map(Number);
    t.deepEqual(await shown(), cosines![20]!.ids);
    for (const [k, value] of (await values()).entries())
      t.true(Math.abs(value / cosines![20]!.values![k]! - 1) < 0.006, String(value));
    const [first, second] = cosines![20]!.ids!;
    const link = page.locator('#neighbours a').nth(1);
    t.is(await link.getAttribute('href'), `#e=3&t=${second}&measure=causal_cosine`);
    await link.click();
    await page.waitForURL(`${url}#e=3&t=${second}&measure=causal_cosine`);
    t.deepEqual(await shown(), cosines![second!]!.ids);
    await page.goBack();
    await untilTrue(page, "document.querySelector('#token-details h4').innerText.startsWith('Token 20:')");
    await page.focus('#neighbours a >> nth=0');
    await page.keyboard.press('Enter');
    t.regex(await page.locator('#token-details h4').innerText(), new RegExp(`^Token ${first}:`));
    t.is(await page.locator('#token-details:focus').count(), 1);

    await page.selectOption('#near', 'distance');
    await page.waitForURL(`${url}#e=3&t=${first}&measure=causal_cosine&near=distance`);
    t.deepEqual(await shown(), distances![first!]!.ids);
    await page.reload();
    await page.locator('#chosen').waitFor({ state: 'visible' });
    t.is(await page.inputValue('#near'), 'distance');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('#neighbours .save').getByText('CSV').click(),
    ]);
    t.is(file.suggestedFilename(), `nearest-tokens-of-token-${first}-by-distance.csv`);
    const rows = readFileSync(await file.path(), 'utf8')
      .trimEnd()
      .split('\r\n');
    t.is(rows[0], 'place,token_id,token,value');
    t.is(rows.length, 7);

    // Equal rows, without a text.
    await page.goto(`${url}#t=295`);
    await untilTrue(page, "document.querySelector('#token-details h4').innerText.startsWith('Token 295:')");
    t.deepEqual(await values(), [0, 0, 0, 0, 0, 0]);
  });
});
