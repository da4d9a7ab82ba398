import type { Page } from 'playwright-core';
import { browserTest as test } from '../helpers/browser.js';
import { openReport } from '../helpers/report-page.js';

test('the first stops lead to the eigenvector, the search and the plots', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    const stops = ['Skip to the explorer', 'Skip to the search for a token', 'Skip to the plots'];
    for (const stop of stops) {
      await page.keyboard.press('Tab');
      t.is(await focused(page), stop);
    }
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    t.is(await focused(page), 'search');
    await page.keyboard.type('word77');
    await page.keyboard.press('Enter');
    t.regex(await page.locator('#token-details h4').innerText(), /^Token 77:/);
  });
});

test('the explorer works by the keyboard alone', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    t.is(await focused(page), 'index');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('5');
    t.regex(await page.locator('#eigenvector-status').innerText(), /^Eigenvector 5,/);
    await page.keyboard.press('Tab');
    t.is(await focused(page), 'index-slider');
    await page.keyboard.press('ArrowRight');
    t.is(await page.inputValue('#index'), '6');
    await page.keyboard.press('End');
    t.is(await page.inputValue('#index'), '23');
    await page.keyboard.press('Tab');
    t.is(await focused(page), 'measure');
    await page.keyboard.press('ArrowUp');
    t.is(await page.inputValue('#measure'), 'euclidean_cosine');
    await page.focus('#search');
    await page.keyboard.type('word77');
    await page.keyboard.press('Tab');
    t.is(await focused(page), 'match-case');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    t.regex(await page.locator('#token-details h4').innerText(), /^Token 77:/);
  });
});

test('the search is among the first twenty stops', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    const stops: string[] = [];
    while (!stops.includes('search') && stops.length < 20) {
      await page.keyboard.press('Tab');
      stops.push(await focused(page));
    }
    t.true(stops.includes('search'), stops.join(', '));
  });
});

test('in a plot arrows move the point, whose values are said, and Enter picks it', async (t) => {
  await openReport(t, { fragment: '#e=7' }, async ({ page }) => {
    const plot = page.locator('#spectrum-linear [role=slider]');
    await page.locator('#distribution + details summary').focus();
    await reach(page, '#spectrum-linear [role=slider]');
    t.regex(String(await plot.getAttribute('aria-valuetext')), /^index \(ascending λ\) 7, λ \d/);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    t.is(await plot.getAttribute('aria-valuenow'), '9');
    t.regex(await page.locator('#spectrum-linear .u-legend').innerText(), /^index \(ascending λ\)\s*9\D/);
    await page.keyboard.press('Enter');
    t.is(await page.inputValue('#index'), '9');
    await page.keyboard.press('End');
    t.is(await plot.getAttribute('aria-valuenow'), '23');
    await page.keyboard.press('Home');
    t.is(await plot.getAttribute('aria-valuenow'), '0');
  });
});

test('plus enlarges a plot around its point, and 0 shows all of it again', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    await page.locator('#distribution + details summary').focus();
    await reach(page, '#spectrum-linear [role=slider]');
    const marker = page.locator('#spectrum-linear .marker');
    await page.keyboard.press('End');
    for (let press = 0; press < 3; press++) await page.keyboard.press('+');
    await marker.waitFor({ state: 'hidden' });
    await page.keyboard.press('ArrowLeft');
    t.is(await page.locator('#spectrum-linear [role=slider]').getAttribute('aria-valuenow'), '22');
    await page.keyboard.press('Home');
    await marker.waitFor({ state: 'visible' });
    await page.keyboard.press('End');
    await marker.waitFor({ state: 'hidden' });
    await page.keyboard.press('0');
    await marker.waitFor({ state: 'visible' });
  });
});

/** Presses Tab until an element has the focus. */
async function reach(page: Page, selector: string): Promise<void> {
  const hasFocus = page.locator(`${selector}:focus`);
  for (let press = 0; press < 100 && (await hasFocus.count()) === 0; press++)
    await page.keyboard.press('Tab');
}

/** The id, or the text, of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.locator(':focus').evaluate((found) => {
    const { id, textContent } = found as unknown as { id: string; textContent: string };
    return id === '' ? textContent : id;
  });
}
