import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { topTokens } from '../../src/queries/top.js';
import { measures, sides } from '../../src/tables/measures.js';
import { hasInk, openPage, browserTest as test } from '../helpers/browser.js';
import { isInView, openReport } from '../helpers/report-page.js';
import { runWithTables } from '../helpers/run-with-tables.js';

test('every plot is drawn, and its values stand beneath as a table', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    const places = await page.locator('.plot').evaluateAll((all) => all.map(({ id }) => id));
    t.is(places.length, 13);
    for (const id of places) {
      t.true(await hasInk(page, `#${id} canvas`), `${id} is empty`);
      await page.locator(`#${id} + details summary`).click();
      await page.locator(`#${id} + details tbody tr`).first().waitFor();
    }
  });
});

test('a run is shown at a glance with its verdict and every check', async (t) => {
  await openReport(t, {}, async ({ page, manifest }) => {
    t.true((await page.locator('#overview').innerText()).includes('Verification passed'));
    await page.click('#overview summary');
    const text = await page.locator('#overview').innerText();
    t.true(text.includes('300 × 24'));
    for (const { name } of manifest.verification.checks) t.true(text.includes(name), name);
    t.is(await page.title(), `${manifest.model.name}: the eigenbasis of its vocabulary`);
  });
});

test('the explorer shows the extreme tokens of the eigenvector that is typed, by every measure', async (t) => {
  await openReport(t, {}, async ({ page, directory, manifest }) => {
    await page.fill('#index', '7');
    for (const measure of measures) {
      await page.selectOption('#measure', measure);
      const tables = page.locator('#extremes table');
      for (const [k, side] of sides.entries()) {
        const shown = await tables.nth(k).locator('tbody tr td:first-child').allInnerTexts();
        const top = await topTokens(directory, manifest, {
          eigenvector: 7,
          sides: [side],
          measure,
          count: 5,
        });
        t.deepEqual(
          shown.map(Number),
          top.map((token) => token.token_id),
          `${measure} ${side}`,
        );
      }
    }
  });
});

test('a click on a plot chooses the eigenvector under it, and every plot by index marks it', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    const drawing = page.locator('#extent-envelope .u-over');
    await drawing.scrollIntoViewIfNeeded();
    await drawing.click({ position: { x: 3, y: 30 } });
    t.is(await page.inputValue('#index'), '0');
    t.is(await page.inputValue('#index-slider'), '0');
    t.is(await page.locator('#chosen').innerText(), 'Eigenvector 0: explore');
    t.regex(await page.locator('#eigenvector-status').innerText(), /^Eigenvector 0, rank_by_variance 1: λ /);
    t.is(await page.locator('.marker:not([hidden])').count(), 6);
    await page.click('#chosen');
    t.true(await page.locator('#index').isVisible());
  });
});

test('a token is found by its text and by its id, and leads to its strongest directions', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    await page.fill('#search', 'word123');
    t.is(
      await page.locator('#search-status').innerText(),
      '1 token found with "word123". Enter takes the first.',
    );
    await page.click('#results button');
    t.regex(await page.locator('#token-details h4').innerText(), /^Token 123: "␣word123"$/);
    const first = page.locator('#token-details table button').first();
    const index = (await first.innerText()).replace('eigenvector ', '');
    await first.click();
    t.is(await page.inputValue('#index'), index);
    await page.fill('#search', '295');
    await page.click('#results button');
    t.regex(
      await page.locator('#token-details').innerText(),
      /Token 295: token 295[\s\S]*orphan[\s\S]*equals that of/,
    );
    await page.fill('#search', 'no such text');
    t.is(
      await page.locator('#search-status').innerText(),
      'No token has "no␣such␣text" in its text, or as its id.',
    );
  });
});

test('texts of tokens that look like HTML are shown, not obeyed', async (t) => {
  await openReport(t, {}, async ({ page, manifest }) => {
    await page.fill('#search', '<');
    const shown = await page.locator('#results button').allInnerTexts();
    t.true(shown.includes('"<img␣src=x␣onerror=alert(1)>"'));
    t.true(shown.some((text) => text.startsWith('"</script><script>')));
    t.is(await page.locator('img').count(), 0);
    t.true((await page.title()).startsWith(manifest.model.name));
  });
});

test('every control has a name, every table a caption, and ids are unique', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    for (const id of ['index', 'index-slider', 'measure', 'search', 'scatter-x', 'scatter-y']) {
      t.is(await page.locator(`label[for="${id}"]`).count(), 1, id);
    }
    t.is(await page.locator('table:not(:has(caption), .u-legend)').count(), 0);
    t.is(await page.locator('h1').count(), 1);
    t.is(await page.locator('main').count(), 1);
    const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
    t.is(new Set(ids).size, ids.length);
  });
});

for (const scheme of ['light', 'dark'] as const) {
  test(`text stands out from its ground in the ${scheme} theme by 4.5 to 1 at least`, async (t) => {
    await openReport(t, { colorScheme: scheme }, async ({ page }) => {
      const ground = luminance(await colourOf(page, 'body', 'backgroundColor'));
      t.is(ground > 0.5, scheme === 'light');
      for (const selector of [
        'body',
        'figcaption',
        'a',
        '.passed',
        'summary',
        '.differs',
        '#index-message',
      ]) {
        const text = luminance(await colourOf(page, selector, 'color'));
        const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
        t.log(`${selector}: ${ratio.toFixed(1)}`);
        t.true(ratio >= 4.5, selector);
      }
    });
  });
}

test('the theme can be chosen against that of the system, and is kept', async (t) => {
  await openReport(t, { colorScheme: 'light' }, async ({ page }) => {
    await page.selectOption('#theme', 'dark');
    t.true(luminance(await colourOf(page, 'body', 'backgroundColor')) < 0.5);
    await page.reload();
    await page.locator('#chosen').waitFor({ state: 'visible' });
    t.is(await page.inputValue('#theme'), 'dark');
    t.true(luminance(await colourOf(page, 'body', 'backgroundColor')) < 0.5);
    await page.selectOption('#theme', '');
    t.true(luminance(await colourOf(page, 'body', 'backgroundColor')) > 0.5);
  });
});

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

function colourOf(page: Page, selector: string, property: 'color' | 'backgroundColor'): Promise<string> {
  return page
    .locator(selector)
    .first()
    .evaluate((found, name) => {
      const view = globalThis as unknown as { getComputedStyle(element: unknown): Record<string, string> };
      return view.getComputedStyle(found)[name]!;
    }, property);
}

/** Relative luminance of WCAG 2. */
function luminance(rgb: string): number {
  const [red, green, blue] = rgb.match(/\d+/g)!.map((channel) => {
    const value = Number(channel) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

test('a browser that refuses to keep anything shows the page all the same', async (t) => {
  const run = await runWithTables(t);
  const page = await openPage(t, {});
  await page.addInitScript(
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('refused', 'SecurityError'); } })",
  );
  await page.goto(pathToFileURL(path.join(run.directory, 'report.html')).href);
  await page.locator('#chosen').waitFor({ state: 'visible' });
  await page.selectOption('#theme', 'dark');
  t.true(luminance(await colourOf(page, 'body', 'backgroundColor')) < 0.5);
});

for (const width of [360, 390, 1366]) {
  test(`at ${width} pixels nothing is cut off: neither the page nor a table is wider than its place`, async (t) => {
    const isPhone = width < 500;
    const screen = { viewport: { width, height: 740 }, isMobile: isPhone, hasTouch: isPhone };
    await openReport(t, { ...screen, fragment: '#t=8' }, async ({ page }) => {
      for (const measure of measures) {
        await page.selectOption('#measure', measure);
        for (const summary of await page.locator('#overview summary').all()) await summary.click();
        t.is(await page.locator('html').evaluate(widthOf), width);
        const cut = await page
          .locator('table:not(.scroll table)')
          .evaluateAll((tables) =>
            (tables as unknown as { scrollWidth: number; parentElement: { clientWidth: number } }[])
              .filter(({ scrollWidth, parentElement }) => scrollWidth > parentElement.clientWidth + 1)
              .map(String),
          );
        t.deepEqual(cut, []);
      }
    });
  });
}

function widthOf(root: unknown): number {
  return (root as { scrollWidth: number }).scrollWidth;
}

test('on a phone the menu leads everywhere, and a tap on a plot chooses', async (t) => {
  await openReport(t, phone, async ({ page }) => {
    const links = page.locator('#sections a');
    t.false(await links.first().isVisible());
    await page.tap('#menu');
    for (const link of await links.all()) t.true(await link.isVisible());
    await links.getByText('Norms').tap();
    t.false(await links.first().isVisible());
    t.true(await isInView(page, '#tokens-title'));
    await page.locator('#extent-envelope .u-over').tap();
    t.not(await page.inputValue('#index'), '0');
  });
});

test('on a phone a tapped token brings its card into view, and its direction the eigenvector', async (t) => {
  await openReport(t, phone, async ({ page }) => {
    await page.locator('#extremes button.token').last().tap();
    t.true(await isInView(page, '#token-details h4'));
    await page.locator('#token-details table button').last().tap();
    t.true(await isInView(page, '#eigenvector-title'));
  });
});
