import { readProjections } from '../../src/output/read-projections.js';
import { browserTest as test } from '../helpers/browser.js';
import { openReport } from '../helpers/report-page.js';
import { readBasis } from '../helpers/runs.js';

test('a token that is chosen shows its z on the eigenvector on show, and where it lies in the distribution', async (t) => {
  await openReport(t, { fragment: '#e=7&t=123' }, async ({ page, directory, manifest }) => {
    const p = await readProjections(directory, manifest, { first: 123, count: 1 });
    const { eigenvalues } = await readBasis(directory, manifest.model.hidden);
    for (const index of [7, 20]) {
      await page.fill('#index', String(index));
      const shown = await page.locator('.token-z').innerText();
      const [, sign, digits] = /^z on eigenvector (?:7|20)\n([+−])([\d.]+)$/.exec(shown)!;
      const z = Number(digits) * (sign === '+' ? 1 : -1);
      const expected = p[index]! * Math.sqrt(eigenvalues[index]!);
      t.log(`z ${z}, expected ${expected}`);
      // Half a step of the page, and half of the third digit.
      t.true(Math.abs(z - expected) < 0.01, `${z} is not ${expected}`);
      t.regex(
        await page.locator('#distribution-token').innerText(),
        /^Marked: token 123, "␣word123", z [+−]\d/,
      );
      t.true(await page.locator('#distribution .marker').isVisible());
    }
    t.is(await page.locator('#token-details tbody tr').count(), 8);
    t.is((await page.locator('#token').boundingBox())!.x < 300, true);
  });
});

test('a token is brought into view from the end of the page', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    t.false(await page.locator('#token-details').isVisible());
    await page.locator('#distorted button.token').last().click();
    const { y } = (await page.locator('#token-details h4').boundingBox())!;
    t.true(y >= 0 && y < 640, String(y));
  });
});

test('spaces, escapes and case count in a search, as names show them', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    const search = async (text: string) => {
      await page.fill('#search', text);
      return page.locator('#results button').allInnerTexts();
    };
    t.deepEqual(await search(' the'), ['"␣the"']);
    t.deepEqual(await search('␣the'), ['"␣the"']);
    t.deepEqual(await search('the'), ['"The"', '"␣the"']);
    t.deepEqual(await search('\\n'), ['"国\\n"']);
    t.deepEqual(await search('the '), []);
    t.is(
      await page.locator('#search-status').innerText(),
      'No token has "the␣" in its text, or as its id. Spaces count.',
    );
    await page.check('#match-case');
    t.deepEqual(await search('The'), ['"The"']);
    t.deepEqual(await search('the'), ['"␣the"']);
    await page.press('#search', 'Enter');
    t.is(await page.locator('#token-details h4').innerText(), 'Token 4: "␣the"');
  });
});

test('a long name is cut in a list, has its whole as a title, and stands in full on the card', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    await page.fill('#search', 'oooo');
    const button = page.locator('#results button');
    t.is((await button.innerText()).length, 60);
    t.is(await button.getAttribute('title'), `"${'o'.repeat(200)}"`);
    await button.click();
    t.is(await page.locator('#token-details h4').innerText(), `Token 8: "${'o'.repeat(200)}"`);
  });
});

test('an index that is none is refused with a message, and the eigenvector on show stays', async (t) => {
  await openReport(t, { fragment: '#e=5' }, async ({ page }) => {
    for (const wrong of ['24', '-1', '1.5', 'five']) {
      await page.fill('#index', wrong);
      t.true(
        (await page.locator('#index-message').innerText()).endsWith('Type a whole number from 0 to 23.'),
        wrong,
      );
      t.regex(await page.locator('#eigenvector-status').innerText(), /^Eigenvector 5,/);
    }
    await page.fill('#index', '23');
    t.is(await page.locator('#index-message').innerText(), '');
    t.is(await page.inputValue('#index-slider'), '23');
  });
});
