import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { campaignLack } from '../helpers/campaign.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomNumbers } from '../helpers/random.js';
import { runHere, shardedModel } from '../helpers/runs.js';
import { type RunContents, SpoiledRun } from '../helpers/spoiled-run.js';
import { testUnless } from '../helpers/test-unless.js';

/** A fault, of a size where it has one. */
interface Fault {
  name: string;
  spoil(contents: RunContents, size: number): void;
}

/** Rotates two columns of projections or eigenvectors by an angle. */
function turn(a: Float32Array, b: Float32Array, angle: number): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    a[i] = cos * x - sin * y;
    b[i] = sin * x + cos * y;
  }
}

function turnEigenvectors({ eigenvectors, d }: RunContents, j: number, angle: number): void {
  const column = (k: number) => Float32Array.from({ length: d }, (_, i) => eigenvectors[i * d + k]!);
  const [a, b] = [column(j), column(j + 1)];
  turn(a, b, angle);
  for (let i = 0; i < d; i++) {
    eigenvectors[i * d + j] = a[i]!;
    eigenvectors[i * d + j + 1] = b[i]!;
  }
}

/** The two neighbours whose variances are closest to each other. */
function closestPair({ columns, rows }: RunContents): number {
  const variances = columns.map((column) => {
    const mean = column.reduce((sum, p) => sum + p, 0) / rows;
    return column.reduce((sum, p) => sum + (p - mean) ** 2, 0) / rows;
  });
  const gaps = variances.slice(1).map((variance, j) => Math.abs(variance - variances[j]!) / variance);
  return gaps.indexOf(Math.min(...gaps));
}

function norm({ columns }: RunContents, i: number): number {
  return Math.sqrt(columns.reduce((sum, column) => sum + column[i]! ** 2, 0));
}

const MIDDLE = (contents: RunContents) => contents.columns[contents.d >> 1]!;
const ROW = 1234;

const scaledColumn: Fault = {
  name: 'a column scaled by 1 + size',
  spoil: (contents, size) => {
    const column = MIDDLE(contents);
    column.set(column.map((p) => p * (1 + size)));
  },
};
const swappedColumns: Fault = {
  name: 'two neighbouring columns swapped',
  spoil: ({ columns, d }) => {
    const column = columns[d >> 1]!.slice();
    columns[d >> 1]!.set(columns[(d >> 1) + 1]!);
    columns[(d >> 1) + 1]!.set(column);
  },
};
const wrongSign: Fault = {
  name: 'the sign of a column',
  spoil: (contents) => void MIDDLE(contents).set(MIDDLE(contents).map((p) => -p)),
};
const oneValue: Fault = {
  name: 'one value off by size x the norm of its row',
  spoil: (contents, size) => {
    MIDDLE(contents)[ROW]! += size * norm(contents, ROW);
  },
};
const oneRow: Fault = {
  name: 'a row scaled by 1 + size',
  spoil: ({ columns }, size) => {
    for (const column of columns) column[ROW]! *= 1 + size;
  },
};
const swappedRows: Fault = {
  name: 'two rows of a partition swapped',
  spoil: ({ columns }) => {
    for (const column of columns) [column[ROW], column[ROW + 1]] = [column[ROW + 1]!, column[ROW]!];
  },
};
const noise: Fault = {
  name: 'every value off by size x itself, at random',
  spoil: ({ columns }, size) => {
    const { normal } = randomNumbers(5);
    for (const column of columns) column.set(column.map((p) => p * (1 + size * normal())));
  },
};
const turnedBoth: Fault = {
  name: 'two eigenvectors of a cluster, and their projections, rotated by size',
  spoil: (contents, size) => {
    const j = closestPair(contents);
    turnEigenvectors(contents, j, size);
    turn(contents.columns[j]!, contents.columns[j + 1]!, size);
  },
};
const turnedEigenvectors: Fault = {
  name: 'two eigenvectors of a cluster rotated by size, and not their projections',
  spoil: (contents, size) => turnEigenvectors(contents, closestPair(contents), size),
};
const roundedEigenvectors: Fault = {
  name: 'eigenvectors rounded to bfloat16',
  spoil: ({ eigenvectors }) => eigenvectors.set(eigenvectors.map(toBfloat16)),
};
const projectionsOnRounded: Fault = {
  name: 'projections on eigenvectors rounded to bfloat16',
  spoil: ({ columns, eigenvectors: v, rows, d }) => {
    // V V^T = I, so gamma bf16(V) = P (V^T bf16(V)).
    const rounded = v.map(toBfloat16);
    const product = new Float64Array(d * d);
    for (let k = 0; k < d; k++) {
      for (let l = 0; l < d; l++) {
        for (let j = 0; j < d; j++) product[l * d + j]! += v[k * d + l]! * rounded[k * d + j]!;
      }
    }
    const before = columns.map((column) => column.slice());
    for (let j = 0; j < d; j++) {
      const column = new Float64Array(rows);
      for (let l = 0; l < d; l++) {
        const factor = product[l * d + j]!;
        const from = before[l]!;
        for (let i = 0; i < rows; i++) column[i]! += factor * from[i]!;
      }
      columns[j]!.set(column);
    }
  },
};

function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  // To the nearest; ties, which are rare, away from zero.
  bits[0] = (bits[0]! + 0x8000) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

/** A partition that another run has left: of another model, in whose place this one lies now. */
function stalePartition(other: RunContents): Fault {
  return {
    name: 'a stale partition',
    spoil: ({ columns, partitionRows }) => {
      for (const [j, column] of columns.entries()) column.set(other.columns[j]!.subarray(0, partitionRows));
    },
  };
}

/** Size of a fault from which on it is caught, where it has one, and identities that catch it. */
type Finding = readonly [fault: Fault, size: number | null, checks: readonly string[]];

interface Vocabulary {
  rows: number;
  d: number;
  findings(other: RunContents): readonly Finding[];
}

async function runOf(t: ExecutionContext, { rows, d }: Vocabulary, seed: number): Promise<SpoiledRun> {
  const model = shardedModel(t, rows, d, seed).directory;
  const out = path.join(scratchDirectory(t), 'run');
  await runHere({ model, out, tables: 'none', partitionRows: Math.ceil(rows / 3) });
  return SpoiledRun.open(out);
}

/** Asserts that every fault is caught from its size on, and that no smaller one is. */
async function findingsHold(t: ExecutionContext, vocabulary: Vocabulary): Promise<void> {
  const run = await runOf(t, vocabulary, 1);
  const other = await runOf(t, vocabulary, 2);
  t.deepEqual(await run.failing(() => {}), [], 'intact');
  for (const [fault, size, checks] of vocabulary.findings(other.contents)) {
    const caught = await run.failing((contents) => fault.spoil(contents, size ?? 0));
    t.log(`${fault.name}${size === null ? '' : ` = ${size}`}: ${caught.join(', ')}`);
    t.deepEqual(
      checks.filter((name) => !caught.includes(name)),
      [],
      fault.name,
    );
    if (size === null) continue;
    const missed = await run.failing((contents) => fault.spoil(contents, size / 5));
    t.deepEqual(missed, [], `${fault.name}, ${size / 5}`);
  }
}

const small: Vocabulary = {
  rows: 4000,
  d: 128,
  findings: (other) => [
    [scaledColumn, 1e-7, ['column means']],
    [swappedColumns, null, ['probe', 'column means', 'column variances', 'mean causal norm']],
    [wrongSign, null, ['probe', 'column means']],
    [oneValue, 2e-6, ['probe']],
    [oneRow, 3e-7, ['row norms']],
    [swappedRows, null, ['row norms', 'probe']],
    [noise, 5e-7, ['probe']],
    [roundedEigenvectors, null, ['orthonormality', 'residual', 'probe', 'column means', 'column variances']],
    [projectionsOnRounded, null, ['row norms', 'probe', 'column means', 'column variances']],
    [
      stalePartition(other),
      null,
      ['row norms', 'probe', 'column means', 'column variances', 'mean causal norm'],
    ],
    [turnedEigenvectors, 2e-7, ['column means']],
    [turnedBoth, 1e-3, ['residual']],
  ],
};

test('every kind of fault of 4,000 x 128 is caught from the size on that the documents give, and no smaller one', async (t) => {
  await findingsHold(t, small);
});

test('projections that are rotated with their eigenvectors, within a cluster, keep all but the residual, and at last the variances', async (t) => {
  const run = await runOf(t, small, 1);
  const failing = (angle: number) => run.failing((contents) => turnedBoth.spoil(contents, angle));
  t.deepEqual(await failing(1e-3), ['residual']);
  t.deepEqual(await failing(3e-2), ['residual', 'column variances']);
});

testUnless(campaignLack)('so is every kind of fault of 20,000 x 512', async (t) => {
  t.timeout(5 * 60_000);
  const sizes = new Map([
    [scaledColumn, 1e-7],
    [oneValue, 3e-6],
    [oneRow, 2e-7],
    [noise, 5e-7],
    [turnedEigenvectors, 2e-7],
    [turnedBoth, 1e-2],
  ]);
  await findingsHold(t, {
    rows: 20_000,
    d: 512,
    findings: (other) =>
      small.findings(other).map(([fault, size, checks]) => [fault, sizes.get(fault) ?? size, checks]),
  });
});
