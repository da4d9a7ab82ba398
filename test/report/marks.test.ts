import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FinishedRun } from '../../src/run/coordinator.js';
import { browserTest as test } from '../helpers/browser.js';
import { safetensors, scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32 } from '../helpers/random.js';
import { openReport } from '../helpers/report-page.js';
import { runHere } from '../helpers/runs.js';

const [ROWS, HIDDEN, RANK] = [60, 12, 4];

/** A run whose rows lie in RANK of HIDDEN dimensions: the ridge alone decides the others, all alike. */
async function lowRankRun(t: ExecutionContext): Promise<FinishedRun> {
  const scratch = scratchDirectory(t);
  const model = path.join(scratch, 'model.safetensors');
  const random = randomFloat32(ROWS * RANK, 5);
  const gamma = new Float32Array(ROWS * HIDDEN);
  for (let i = 0; i < ROWS; i++) gamma.set(random.subarray(i * RANK, (i + 1) * RANK), i * HIDDEN);
  const tensor = { name: 'lm_head.weight', dtype: 'F32', shape: [ROWS, HIDDEN] };
  writeFileSync(model, safetensors([{ ...tensor, data: new Uint8Array(gamma.buffer) }]));
  return runHere({ model, out: path.join(scratch, 'run') });
}

test('directions that the ridge sets, and near-equal ones, are marked and named', async (t) => {
  await openReport(t, { run: await lowRankRun(t) }, async ({ page }) => {
    const text = await page.locator('#spectrum-marks').innerText();
    t.regex(text, /^Shaded: 8 of 12 directions, 4 to 11, are set by the ridge\./);
    t.regex(text, /Bars at the foot: a cluster of eigenvalues .*, 4 to 11\./);
    t.false(await page.locator('#eigenvector-cautions').isVisible());
    await page.fill('#index', '6');
    const warning = await page.locator('#eigenvector-cautions').innerText();
    t.regex(warning, /^Set by the ridge: its covariance eigenvalue c = \S+ is below ρ = 0\.000001/);
    t.regex(warning, /One of 8 near-equal eigenvalues \(4 to 11\)/);
  });
});

test('where nothing is to be marked the page says so', async (t) => {
  await openReport(t, {}, async ({ page }) => {
    t.is(
      await page.locator('#spectrum-marks').innerText(),
      'No direction is set by the ridge: c is at least ρ = 0.000001 everywhere. ' +
        'No two neighbouring eigenvalues are closer than 0.000001 of their size.',
    );
  });
});
