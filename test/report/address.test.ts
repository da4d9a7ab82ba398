import { browserTest as test, untilTrue } from '../helpers/browser.js';
import { openReport } from '../helpers/report-page.js';

test('a page opens on the direction of the most variance', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    t.is(await page.inputValue('#index'), '0');
    t.is(await page.inputValue('#measure'), 'causal_cosine');
    t.regex(await page.locator('#eigenvector-status').innerText(), /^Eigenvector 0, rank_by_variance 1:/);
    const [first, second] = await page
      .locator('main > section')
      .evaluateAll((all) => all.map(({ id }) => id));
    t.deepEqual([first, second], ['overview', 'explorer']);
  });
});

test('eigenvector, token and measure stand in the address, and outlive a reload', async (t) => {
  await openReport(t, {}, async ({ page, url }) => {
    await page.fill('#index', '7');
    await page.selectOption('#measure', 'projection');
    await page.fill('#search', '123');
    await page.press('#search', 'Enter');
    await page.waitForURL(`${url}#e=7&t=123&measure=projection`);
    await page.reload();
    await page.locator('#chosen').waitFor({ state: 'visible' });
    t.is(await page.inputValue('#index'), '7');
    t.is(await page.inputValue('#measure'), 'projection');
    t.regex(await page.locator('#token-details h4').innerText(), /^Token 123:/);
  });
});

test('back and forward lead through the choices, and a wrong address on the way is told and does no harm', async (t) => {
  await openReport(t, {}, async ({ page, url }) => {
    const shows = (index: string) => untilTrue(page, `document.querySelector('#index').value === '${index}'`);
    await page.fill('#index', '7');
    await page.waitForURL(`${url}#e=7&measure=causal_cosine`);
    await page.fill('#scatter-y', '9');
    await page.waitForURL(`${url}#e=7&measure=causal_cosine&y=9`);
    await page.goto(`${url}#e=11&t=300&other=1`);
    await shows('11');
    t.is(
      await page.locator('#state').innerText(),
      'The address asks for token “300”; this page has 0 to 299. ' +
        'The address asks for the part “other”; this page has e, t, measure, x, y and near.',
    );
    t.false(await page.locator('#token-details').isVisible());
    await page.goBack();
    await shows('7');
    t.is(await page.locator('#state').innerText(), '');
    t.is(await page.inputValue('#scatter-y'), '9');
    await page.goBack();
    await untilTrue(page, "document.querySelector('#scatter-y').value === '1'");
    t.is(await page.inputValue('#scatter-y'), '1');
    await page.goBack();
    await shows('0');
    t.is(page.url(), url);
    await page.goForward();
    await shows('7');
    await page.goForward();
    await page.goForward();
    await shows('11');
    await page.goto(`${url}#nowhere`);
    await page.waitForURL(`${url}#e=11&measure=causal_cosine`);
    t.is(
      await page.locator('#state').innerText(),
      'The address asks for “nowhere”, which this page does not have.',
    );
  });
});

test('a link to a section goes there and keeps the choice in the address', async (t) => {
  await openReport(t, { fragment: '#e=5&t=4&measure=euclidean_cosine' }, async ({ page, url }) => {
    await page.getByRole('link', { name: 'Norms' }).click();
    await page.waitForURL(`${url}#e=5&t=4&measure=euclidean_cosine`);
    const { y } = (await page.locator('#tokens-title').boundingBox())!;
    t.true(y >= 0 && y < 200, String(y));
  });
});

test('an address that is changed by hand is followed', async (t) => {
  await openReport(t, { fragment: '#e=5' }, async ({ page, url }) => {
    await page.goto(`${url}#e=11&t=3`);
    await untilTrue(page, "document.querySelector('#index').value === '11'");
    t.regex(await page.locator('#token-details h4').innerText(), /^Token 3:/);
  });
});

test('an address of another run says what this page has', async (t) => {
  await openReport(t, { fragment: '#e=99&t=x&m=angle' }, async ({ page }) => {
    const text = await page.locator('#state').innerText();
    t.true(text.includes('The address asks for eigenvector “99”; this page has 0 to 23.'), text);
    t.true(text.includes('The address asks for token “x”; this page has 0 to 299.'), text);
    t.true(text.includes('The address asks for the measure “angle”'), text);
    t.is(await page.inputValue('#index'), '0');
  });
});

test('the link of a section that a page is opened with leads there', async (t) => {
  await openReport(t, { fragment: '#angles' }, async ({ page }) => {
    await untilTrue(page, "Math.abs(document.querySelector('#angles').getBoundingClientRect().top) < 120");
    t.pass();
  });
});
