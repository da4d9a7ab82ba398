import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { topTokens } from '../../src/queries/top.js';
import { browserTest as test } from '../helpers/browser.js';
import { openReport } from '../helpers/report-page.js';

test('a list of extreme tokens is downloaded as the tables have it', async (t) => {
  await openReport(t, { fragment: '#e=7&m=projection' }, async ({ page, directory, manifest }) => {
    const { name, text } = await download(page, '#extremes .save >> nth=1');
    t.is(name, 'extreme-tokens-eigenvector-7-projection-minus-side.csv');
    const [head, ...rows] = text.trimEnd().split('\r\n');
    t.is(head, 'place,token_id,token,value,angle');
    const options = { eigenvector: 7, sides: ['-'], measure: 'projection', count: 5 } as const;
    const top = await topTokens(directory, manifest, options);
    t.is(rows.length, top.length);
    for (const [k, row] of rows.entries()) {
      const fields = row.split(',');
      t.is(fields[0], String(k + 1));
      t.is(fields[1], String(top[k]!.token_id));
      t.is(Math.fround(Number(fields[3])), Math.fround(top[k]!.value));
    }
  });
});

test('every list and table on show can be saved', async (t) => {
  await openReport(t, { fragment: '#t=4' }, async ({ page }) => {
    await page.fill('#search', 'word1');
    await page.click('#overview summary >> nth=0');
    await page.click('#overview summary >> nth=1');
    await page.click('#spectrum-log + details summary');
    const rows = {
      '#overview .save >> nth=0': 9,
      '#overview .save >> nth=1': 12,
      '#results-save': 1 + (await countOf(page)),
      '#token-details .save': 9,
      '#eigenvector-save': 1 + 40,
      '#distorted .save >> nth=0': 21,
      '#distorted .save >> nth=1': 21,
      '#spectrum-log + details .save': 25,
    };
    for (const [place, least] of Object.entries(rows)) {
      const { text } = await download(page, place);
      t.true(text.split('\r\n').length > least, `${place}: ${text}`);
    }
  });
});

test('a copy is the same text', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    await page.locator('#extremes .save >> nth=0').getByText('Copy').click();
    await page.locator('#extremes .save >> nth=0').getByText('Copied.').waitFor();
    await page.focus('#search');
    await page.keyboard.press('Control+V');
    t.true((await page.inputValue('#search')).startsWith('place,token_id,token,value,angle'));
  });
});

/** Number of tokens that the search says it has found. */
async function countOf(page: Page): Promise<number> {
  return Number.parseInt(await page.locator('#search-status').innerText(), 10);
}

async function download(page: Page, place: string): Promise<{ name: string; text: string }> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.locator(place).getByText('CSV', { exact: true }).click(),
  ]);
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
}
