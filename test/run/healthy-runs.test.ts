import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { syntheticRows } from '../../src/input/synthetic.js';
import { campaignLack } from '../helpers/campaign.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { randomNumbers } from '../helpers/random.js';
import { runHere } from '../helpers/runs.js';
import { systemKernelsTest } from '../helpers/system-libraries.js';

/** Seeds that are tried of each precision of weights; EIGENSHARD_CAMPAIGN=1 for all of them. */
const SEEDS = campaignLack === null ? 500 : 6;
const RIDGE = 1e-6;

/** Times what healthy runs measure at most that a tolerance may be. */
const LARGEST_MARGIN = 12;

/** Bits of a float32 that weights of a dtype have. */
const precisions = { float32: 0xffffffff, float16: 0xffffe000, bfloat16: 0xffff0000 };
type Precision = keyof typeof precisions;

/** Writes float32 numbers as a matrix, which is a model of its own. */
function matrixFile(file: string, gamma: Float32Array<ArrayBuffer>, rows: number): string {
  writeFileSync(file, npy('<f4', [rows, gamma.length / rows], new Uint8Array(gamma.buffer)));
  return file;
}

function syntheticModel(
  t: ExecutionContext,
  recipe: { rows: number; hidden: number; seed: number },
  precision: Precision,
): string {
  const { rows, hidden } = recipe;
  const gamma = new Float32Array(rows * hidden);
  const fill = syntheticRows(recipe);
  for (let i = 0; i < rows; i++) fill(i, gamma.subarray(i * hidden, (i + 1) * hidden));
  const bits = new Uint32Array(gamma.buffer);
  for (let k = 0; k < bits.length; k++) bits[k]! &= precisions[precision];
  return matrixFile(path.join(scratchDirectory(t), 'model.npy'), gamma, rows);
}

/** Largest share of its tolerance that each check has measured. */
class Margins {
  readonly #largest = new Map<string, number>();

  /** Asserts that a run passes, and takes what it has measured. */
  take(t: ExecutionContext, { manifest }: Awaited<ReturnType<typeof runHere>>, what: string): void {
    for (const { name, verdict, measured, tolerance } of manifest.verification.checks) {
      t.is(verdict, 'passed', `${what}: ${name}`);
      if (!tolerance) continue;
      this.#largest.set(name, Math.max(this.#largest.get(name) ?? 0, measured! / tolerance));
    }
  }

  /** Asserts that no tolerance is much larger than what was measured at most. */
  areNarrow(t: ExecutionContext): void {
    for (const [name, share] of this.#largest) {
      t.log(`${name}: its tolerance is ${(1 / share).toFixed(1)} times what was measured at most`);
      t.true(share * LARGEST_MARGIN >= 1, name);
    }
  }
}

test(`no healthy run of ${SEEDS} seeds fails, in any precision of the weights, and no tolerance is far from what they measure`, async (t) => {
  t.timeout(15 * 60_000);
  const margins = new Margins();
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const precision of Object.keys(precisions) as Precision[]) {
      const model = syntheticModel(t, { rows: 512, hidden: 64, seed }, precision);
      const run = await runHere({ model, out: scratchDirectory(t), tables: 'none' });
      margins.take(t, run, `seed ${seed}, ${precision}`);
    }
  }
  margins.areNarrow(t);
});

test('nor does a larger one, whose bfloat16 weights are often equal', async (t) => {
  const margins = new Margins();
  for (const seed of [1, 2, 3, 4]) {
    const model = syntheticModel(t, { rows: 6000, hidden: 96, seed }, 'bfloat16');
    margins.take(t, await runHere({ model, out: scratchDirectory(t), tables: 'none' }), `seed ${seed}`);
  }
  margins.areNarrow(t);
});

for (const dtype of ['float64', 'float32'] as const) {
  test(`nor does one with the metric of its own that a file gives in ${dtype}`, async (t) => {
    const margins = new Margins();
    const d = 64;
    for (const seed of [1, 2, 3, 4]) {
      const model = syntheticModel(t, { rows: 512, hidden: d, seed }, 'float32');
      const out = scratchDirectory(t);
      await runHere({ model, out, tables: 'none' });
      const M = await withStoredTensors(path.join(out, 'metric.safetensors'), (tensors) =>
        tensors.float64('M', [d, d]),
      );
      const metric = path.join(scratchDirectory(t), 'M.npy');
      const [descr, values] = dtype === 'float64' ? ['<f8', M] : ['<f4', Float32Array.from(M)];
      writeFileSync(metric, npy(descr, [d, d], new Uint8Array((values as Float64Array).buffer)));
      const given = { model, metric, ridge: RIDGE, out: scratchDirectory(t), tables: 'none' } as const;
      margins.take(t, await runHere(given), `seed ${seed}`);
    }
    margins.areNarrow(t);
  });
}

systemKernelsTest("nor does one of this machine's system library", async (t) => {
  const margins = new Margins();
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const model = syntheticModel(t, { rows: 512, hidden: 64, seed }, 'bfloat16');
    const run = await runHere({ model, out: scratchDirectory(t), tables: 'none', backend: 'system' });
    margins.take(t, run, `seed ${seed}`);
  }
  margins.areNarrow(t);
});

/** Weights for which errors do not average out as those of normal numbers do: gamma_ik of row i and coordinate k. */
const unusual: Readonly<Record<string, (normal: () => number, i: number, k: number) => number>> = {
  'of two sizes': (normal) => (normal() < 0 ? -0.1 : 0.1),
  'of three values': (normal) => 0.37 * Math.sign(Math.trunc(normal() * 1.6)),
  'with outlying coordinates': (normal, _i, k) => (k === 3 ? 2 + 0.6 * normal() : 0.02 * normal()),
  'of nearly one row': (normal) => 1 + 1e-4 * normal(),
  'of which every second row is the same': (normal, i, k) => (i % 2 === 0 ? normal() : Math.sin(k)),
  'of which most rows are zeros': (normal, i) => (i > 600 ? 0 : normal()),
  'of which every fifth row is constant': (normal, i) => (i % 5 === 0 ? 1 : 0.05 * normal()),
  'of rows of many lengths': (normal, i) => 0.02 * normal() * Math.exp(2 * Math.sin(7.7 * i)),
  'of a few enormous rows': (normal, i) => (i % 1000 === 5 ? 100 : 0.02) * normal(),
  'of few directions': (normal, i, k) => Math.sin(1.1 * i) * Math.cos(k) + 0.001 * normal(),
  'mostly zero': (normal) => (normal() > 2 ? normal() : 0),
};

for (const [what, weight] of Object.entries(unusual)) {
  test(`nor does one of weights ${what}`, async (t) => {
    const [rows, d] = [2000, 64];
    const { normal } = randomNumbers(7);
    const gamma = Float32Array.from({ length: rows * d }, (_, k) => weight(normal, Math.floor(k / d), k % d));
    const model = matrixFile(path.join(scratchDirectory(t), 'model.npy'), gamma, rows);
    new Margins().take(t, await runHere({ model, out: scratchDirectory(t), tables: 'none' }), what);
  });
}
