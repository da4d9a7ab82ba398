import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { readManifest } from '../../src/output/manifest.js';
import { readNeighbourLists } from '../../src/output/neighbours-file.js';
import { findNeighbours } from '../../src/run/find-neighbours.js';
import { nearestToVectors } from '../../src/run/nearest-to-vectors.js';
import { neighbourMeasures } from '../../src/tables/neighbour-measures.js';
import { eigenshard } from '../helpers/cli.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { EQUAL_ROWS, vectorRun, ZERO_ROW } from '../helpers/projected-vectors.js';
import { readBasis, readProjections } from '../helpers/runs.js';

const backend = 'portable';

test("vectors that are rows are at 0 exactly from their rows, and have these rows' neighbours", async (t) => {
  const { directory, gamma, rows, hidden } = await vectorRun(t);
  const file = path.join(scratchDirectory(t), 'rows.npy');
  const measures = [...neighbourMeasures];
  const { manifest } = await findNeighbours(directory, { measures, k: 6, workers: 1, backend });
  // By passes in float64, and by products.
  for (const tokens of [
    [3, ZERO_ROW],
    [3, ZERO_ROW, EQUAL_ROWS, 5, 7, 11, 13, 17, 19, 23],
  ]) {
    const values = Float32Array.from(
      tokens.flatMap((id) => [...gamma.subarray(id * hidden, (id + 1) * hidden)]),
    );
    writeFileSync(file, npy('<f4', [tokens.length, hidden], new Uint8Array(values.buffer)));
    const options = { kind: 'token', centre: true, measures, k: 7, workers: 2, backend } as const;
    const found = await nearestToVectors(directory, file, options);
    t.deepEqual(
      found.map(({ measure, vector }) => [measure, vector]),
      measures.flatMap((measure) => tokens.map((_, vector) => [measure, vector])),
    );
    for (const [m, measure] of measures.entries()) {
      const lists = await readNeighbourLists(directory, manifest, measure);
      for (const [vector, token] of tokens.entries()) {
        const { ids, values: distances } = found[m * tokens.length + vector]!;
        const { ids: others, values: stored } = lists[token]!;
        if (others === null || stored === null) t.deepEqual([ids, distances], [null, null]);
        else {
          const zeros = stored.filter((value) => value === 0).length + 1;
          t.deepEqual(distances!.slice(0, zeros), new Array(Math.min(7, zeros)).fill(0));
          t.true(zeros >= 7 || ids!.includes(token));
          t.deepEqual(
            ids!.filter((id) => id !== token).slice(0, 6),
            others.slice(0, ids!.includes(token) ? 6 : 7),
          );
        }
      }
    }
  }
  t.is(rows, 400);
});

test('directions have nothing taken off, and hidden-like vectors are compared by their duals and as they are', async (t) => {
  const { directory, file, vectors, hidden: d } = await vectorRun(t);
  const { values: p } = await readProjections(directory);
  const { eigenvalues, eigenvectors } = await readBasis(directory, d);
  const rows = p.length / d;
  const mean = Float64Array.from({ length: d }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += p[i * d + j]!;
    return sum / rows;
  });
  const selected = { from: 4, to: 6 };
  for (const kind of ['token', 'hidden'] as const)
    for (const measure of ['causal_cosine', 'cosine'] as const) {
      const found = await nearestToVectors(directory, file, {
        ...{ kind, space: 'normed', measures: [measure], k: 3, rows: selected, workers: 1, backend },
      });
      t.deepEqual(
        found.map(({ vector }) => vector),
        [4, 5],
      );
      for (const { vector, ids, values } of found) {
        const isCausal = measure === 'causal_cosine';
        const direction = Float64Array.from({ length: d }, (_, j) => {
          let a = 0;
          for (let i = 0; i < d; i++) a += vectors[vector * d + i]! * eigenvectors[i * d + j]!;
          return kind === 'hidden' && isCausal ? a / eigenvalues[j]! : a;
        });
        const distances = Array.from({ length: rows }, (_, id) => {
          let [product, left, right] = [0, 0, 0];
          for (let j = 0; j < d; j++) {
            const weight = isCausal ? eigenvalues[j]! : 1;
            const q = p[id * d + j]! - (isCausal ? mean[j]! : 0);
            product += weight * q * direction[j]!;
            left += weight * q * q;
            right += weight * direction[j]! ** 2;
          }
          return { id, value: 1 - product / Math.sqrt(left * right) };
        }).filter(({ value }) => Number.isFinite(value));
        const wanted = distances.sort((a, b) => a.value - b.value || a.id - b.id).slice(0, 3);
        t.deepEqual(
          ids,
          wanted.map(({ id }) => id),
          `${kind} ${measure}`,
        );
        for (const [place, { value }] of wanted.entries())
          t.true(Math.abs(values![place]! - value) < 1e-5, `${values![place]} ${value}`);
      }
    }
});

test('vectors are refused of which nothing is said, and measures that say nothing of them', async (t) => {
  const { directory, file } = await vectorRun(t);
  const refused = (options: object, message: RegExp) =>
    t.throwsAsync(nearestToVectors(directory, file, options as never), { message });
  await refused({}, /say what the vectors are with --kind/);
  await refused({ kind: 'hidden' }, /--space normed or residual/);
  const hidden = { kind: 'hidden', space: 'normed' };
  await refused({ ...hidden, measures: ['distance'] }, /distance compares places of rows/);
  await refused({ ...hidden, centre: true }, /leave --centre away/);
  const asked = ['neighbours', directory, '--quiet', '--vectors', file];
  const { code, stderr } = await eigenshard(...asked, '--token', 'x');
  t.deepEqual([code, stderr.includes('leave --token and --ids away')], [2, true]);
  const { stdout } = await eigenshard(...asked, '--kind', 'token', '--rows', '3:4', '-k', '2');
  t.regex(stdout, /^vector 3, by causal_cosine\nplace +token_id +text +value\n/);
  t.is(readManifest(directory).neighbours, null);
});
