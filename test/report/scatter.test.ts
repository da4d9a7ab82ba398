import type { Page } from 'playwright-core';
import { topTokens } from '../../src/queries/top.js';
import { sides } from '../../src/tables/measures.js';
import { hasInk, browserTest as test } from '../helpers/browser.js';
import { openReport } from '../helpers/report-page.js';

test('a scatter of two eigenvectors has the extreme tokens of both and all others of a small run, and names the one pointed at', async (t) => {
  await openReport(t, { fragment: '#x=7&y=20' }, async ({ page, url, directory, manifest }) => {
    t.is(await page.inputValue('#scatter-x'), '7');
    const extremes = new Set<number>();
    for (const eigenvector of [7, 20])
      for (const { token_id } of await topTokens(directory, manifest, {
        eigenvector,
        sides: [...sides],
        measure: 'causal_cosine',
        count: 5,
      }))
        extremes.add(token_id);
    t.is(
      await page.locator('#scatter-status').innerText(),
      `${extremes.size} extreme tokens by causal_cosine; all ${300 - extremes.size} others whose z the page holds along both.`,
    );
    t.true(await hasInk(page, '#scatter-plot canvas'));

    await page.locator('#scatter-plot + details summary').click();
    await page.locator('#scatter-plot + details tbody tr').first().waitFor();
    const listed = await page.locator('#scatter-plot + details tbody td:first-child').allInnerTexts();
    t.deepEqual(new Set(listed.slice(0, extremes.size).map(Number)), extremes);

    const plot = page.locator('#scatter-plot [role=slider]');
    await page.locator('#scatter-y').focus();
    await page.keyboard.press('Tab');
    t.is(await page.locator('#scatter-plot [role=slider]:focus').count(), 1);
    const along = async () => {
      const text = String(await plot.getAttribute('aria-valuetext'));
      t.is(text, await page.locator('#scatter-point').innerText());
      const [, token, x, y] = /^Token (\d+), .*: z on 7 ([+−][\d.]+), on 20 ([+−][\d.]+)$/.exec(text)!;
      return { token, x: Number(x!.replace('−', '-')), y: Number(y!.replace('−', '-')) };
    };
    const leftmost = await along();
    await page.keyboard.press('ArrowRight');
    t.true((await along()).x >= leftmost.x);
    await page.keyboard.press('End');
    const rightmost = await along();
    await page.keyboard.press('ArrowUp');
    t.true((await along()).y >= rightmost.y);
    await page.keyboard.press('Home');
    t.deepEqual(await along(), leftmost);
    await page.keyboard.press('Enter');
    t.regex(await page.locator('#token-details h4').innerText(), new RegExp(`^Token ${leftmost.token}:`));
    await page.waitForURL(new RegExp(`#e=0&t=${leftmost.token}&measure=causal_cosine&x=7&y=20$`));

    await page.fill('#scatter-x', '24');
    t.regex(await page.locator('#scatter-x-message').innerText(), /There is no eigenvector 24/);
    await page.fill('#scatter-x', '0');
    await page.waitForURL(`${url}#e=0&t=${leftmost.token}&measure=causal_cosine&y=20`);
  });
});

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

test('on a phone in the dark a tap on a point of the scatter shows its token', async (t) => {
  await openReport(t, { ...phone, colorScheme: 'dark' }, async ({ page }) => {
    const ring = page.locator('#scatter-plot .ring');
    await page.locator('#scatter-plot [role=slider]').scrollIntoViewIfNeeded();
    await page.focus('#scatter-y');
    await page.keyboard.press('Tab');
    await page.keyboard.press('End');
    const named = await page.locator('#scatter-point').innerText();
    const { x, y, width } = (await ring.boundingBox())!;
    await page.keyboard.press('Home');
    t.not(await page.locator('#scatter-point').innerText(), named);
    await page.mouse.move(x + width / 2, y + width / 2);
    t.is(await page.locator('#scatter-point').innerText(), named);
    await page.touchscreen.tap(x + width / 2, y + width / 2);
    const [, token] = /^Token (\d+),/.exec(named)!;
    t.regex(await page.locator('#token-details h4').innerText(), new RegExp(`^Token ${token}:`));
    t.true(await isNarrow(page));
  });
});

async function isNarrow(page: Page): Promise<boolean> {
  return (
    (await page
      .locator('html')
      .evaluate((root) => (root as unknown as { scrollWidth: number }).scrollWidth)) === 390
  );
}
