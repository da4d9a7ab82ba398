import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { writeFully } from '../../src/files/partial-file.js';
import { fileChunks } from '../../src/formats/layout.js';
import { readNpyHeader } from '../../src/formats/npy.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { readTorchFile, readTorchTensor } from '../../src/formats/torch/read-torch.js';
import { isTorchTensor, type TorchTensor } from '../../src/formats/torch/torch-tensor.js';
import type { ExportsConfig } from '../../src/output/exports.js';
import {
  type ExportIdentity,
  exportEigenbasis,
  exportTargets,
  finishProjectionsExports,
  openExports,
  type ProjectionsExport,
  publishProjectionsExports,
  sliceRecordsOf,
  slicesOf,
} from '../../src/output/exports.js';
import { splitRows } from '../../src/plan/row-ranges.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32, randomFloat64 } from '../helpers/random.js';

const rows = 23;
const hidden = 5;
const projections = randomFloat32(rows * hidden, 1);

const identity: ExportIdentity = {
  model: 'made/up γ',
  rows,
  hidden,
  isMetricGiven: false,
  metric: 'metric.safetensors',
  eigenbasis: 'eigenbasis.pt',
  fingerprint: 'f00d',
  date: '2024-05-06',
  createdBy: 'eigenshard version 1.2.3',
};

const sampleBasis = {
  eigenvalues: randomFloat64(hidden, 2),
  covarianceEigenvalues: null,
  eigenvectors: randomFloat32(hidden * hidden, 3),
  reference: { file: '', byteOffset: 0, hidden, sha256: '' },
};

const all: ExportsConfig = { pt: true, safetensors: true, npy: true };

const partitions = (size: number) =>
  splitRows(rows, size).map((range) => {
    const values = projections.subarray(range.first * hidden, (range.first + range.count) * hidden);
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    return { rows: range, bytes, crc32: crc32(bytes) };
  });

/** Writes partitions as the workers do: each at its place in every export. */
function writeSlices(exports: readonly ProjectionsExport[], list: ReturnType<typeof partitions>): void {
  for (const { rows: range, bytes } of list) {
    for (const { file, byteOffset } of slicesOf(exports, range, hidden)) {
      const descriptor = openSync(file, 'r+');
      writeFully(descriptor, bytes, byteOffset, file);
      closeSync(descriptor);
    }
  }
}

function openAll(t: ExecutionContext) {
  const directory = scratchDirectory(t);
  const targets = exportTargets(all, directory);
  return { directory, targets, exports: openExports(targets, identity) };
}

test('exports without a path lie in the output directory, others where they were asked for, in a fixed order', (t) => {
  const directory = '/runs/a';
  const text = (config: ExportsConfig) =>
    exportTargets(config, directory).map(({ kind, holds, path }) => `${kind} ${holds} ${path}`);
  t.deepEqual(text({}), []);
  t.deepEqual(text({ npy: true, safetensors: true, pt: true }), [
    `pt eigenbasis ${join(directory, 'eigenbasis.pt')}`,
    `pt projections ${join(directory, 'projections.pt')}`,
    `safetensors projections ${join(directory, 'projections.safetensors')}`,
    `npy projections ${join(directory, 'projections.npy')}`,
  ]);
  t.deepEqual(
    text({
      npy: { projections: 'x/p.npy' },
      safetensors: { projections: '/y/p.safetensors' },
      pt: { eigenbasis: 'e.pt', projections: 'p.pt' },
    }),
    [
      `pt eigenbasis ${resolve('e.pt')}`,
      `pt projections ${resolve('p.pt')}`,
      `safetensors projections ${resolve('/y/p.safetensors')}`,
      `npy projections ${resolve('x/p.npy')}`,
    ],
  );
});

test('slices of any partitions, in any order, and the frame make the file that would be written at once', (t) => {
  for (const size of [1, 7, rows - 1, rows, rows + 1]) {
    const { directory, exports } = openAll(t);
    t.deepEqual(readdirSync(directory).sort(), [
      '.projections.npy.unfinished',
      '.projections.pt.unfinished',
      '.projections.safetensors.unfinished',
    ]);
    const list = partitions(size);
    writeSlices(exports, list.toReversed());
    finishProjectionsExports(exports, list, hidden);
    publishProjectionsExports(exports);
    t.deepEqual(readdirSync(directory).sort(), [
      'projections.npy',
      'projections.pt',
      'projections.safetensors',
    ]);
    for (const { path, layout } of exports) {
      const whole = Buffer.concat(fileChunks(layout, [projections]));
      t.true(readFileSync(path).equals(whole), `${basename(path)} in partitions of ${size}`);
    }
  }
});

test('every export is read back by its own reader, and says whose it is', async (t) => {
  const { directory, exports } = openAll(t);
  writeSlices(exports, partitions(7));
  finishProjectionsExports(exports, partitions(7), hidden);
  publishProjectionsExports(exports);

  const npy = join(directory, 'projections.npy');
  const header = await readNpyHeader(npy);
  t.like(header, { dtype: 'float32', shape: [rows, hidden], fortranOrder: false });
  const bytes = Buffer.from(projections.buffer);
  t.true(readFileSync(npy).subarray(header.byteOffset).equals(bytes));

  const stored = join(directory, 'projections.safetensors');
  t.deepEqual(
    await withStoredTensors(stored, (tensors) => tensors.float32('projections', [rows, hidden])),
    projections,
  );

  const torch = await readTorchFile(join(directory, 'projections.pt'));
  const dictionary = torch.value as Map<string, unknown>;
  const tensor = dictionary.get('projections');
  t.true(isTorchTensor(tensor as never));
  t.deepEqual(
    await readTorchTensor(torch, 'projections', tensor as TorchTensor),
    Float64Array.from(projections),
  );
  const metadata = dictionary.get('metadata') as Map<string, unknown>;
  t.is(metadata.get('model'), identity.model);
  t.is(metadata.get('vocab_size'), rows);
  t.is(metadata.get('computation_date'), identity.date);
});

test('what the slices must hold is where they are written', (t) => {
  const { exports } = openAll(t);
  for (const { rows: range, bytes, crc32: crc } of partitions(7)) {
    const records = sliceRecordsOf(exports, range, hidden, crc);
    t.deepEqual(
      records.map(({ file, byteOffset }) => ({ file, byteOffset })),
      slicesOf(exports, range, hidden),
    );
    t.true(records.every((record) => record.bytes === bytes.length && record.crc32 === crc));
    t.deepEqual(sliceRecordsOf(exports, range, hidden, null), []);
  }
});

test('a resumed run finds what an interrupted one wrote, also under the final name', (t) => {
  const { targets, exports } = openAll(t);
  const list = partitions(7);
  writeSlices(exports, list.slice(0, 2));
  writeSlices(openExports(targets, identity), list.slice(2));
  finishProjectionsExports(exports, list, hidden);
  publishProjectionsExports(exports);
  const before = exports.map(({ path }) => readFileSync(path));

  // Killed after the exports had their names, and before the run was committed.
  const again = openExports(targets, identity);
  t.true(again.every(({ path, unfinished }) => !existsSync(path) && existsSync(unfinished)));
  publishProjectionsExports(again);
  t.deepEqual(
    exports.map(({ path }) => readFileSync(path)),
    before,
  );
});

test('an unfinished file of another size gets the right one', (t) => {
  for (const size of [0, 1, 100_000]) {
    const { targets, exports } = openAll(t);
    for (const { unfinished } of exports) writeFileSync(unfinished, Buffer.alloc(size, 7));
    openExports(targets, identity);
    for (const { unfinished, layout } of exports) t.is(statSync(unfinished).size, layout.bytes);
  }
});

test('missing directories are made; one that cannot be is a wrong argument', (t) => {
  const directory = scratchDirectory(t);
  const deep = { kind: 'npy', holds: 'projections', path: join(directory, 'a/b/p.npy') } as const;
  const [opened] = openExports([deep], identity);
  t.is(dirname(opened!.unfinished), join(directory, 'a/b'));
  writeFileSync(join(directory, 'plain'), '');
  const blocked = { ...deep, path: join(directory, 'plain', 'p.npy') };
  const error = t.throws(() => openExports([blocked], identity), { instanceOf: InputError });
  t.true(error.message.startsWith(`${blocked.path}: cannot write: `));
  const basis = { ...blocked, kind: 'pt', holds: 'eigenbasis' } as const;
  t.throws(() => exportEigenbasis([basis], sampleBasis, identity), { instanceOf: InputError });
});

test('without exports there is nothing to finish or to publish', (t) => {
  t.deepEqual(openExports([], identity), []);
  finishProjectionsExports([], [{ rows: { first: 0, count: rows }, crc32: null }], hidden);
  publishProjectionsExports([]);
  t.deepEqual(slicesOf([], { first: 0, count: rows }, hidden), []);
});

test("the eigenbasis is exported as the notebook's dictionary, in float32, whole or not at all", async (t) => {
  const directory = scratchDirectory(t);
  const targets = exportTargets(
    { pt: { eigenbasis: join(directory, 'x/e.pt'), projections: 'p.pt' } },
    directory,
  ).filter(({ holds }) => holds === 'eigenbasis');
  t.deepEqual(openExports(targets, identity), []);
  exportEigenbasis(targets, sampleBasis, identity);
  t.deepEqual(readdirSync(join(directory, 'x')), ['e.pt']);
  t.deepEqual(readdirSync(directory), ['x']);

  const torch = await readTorchFile(join(directory, 'x/e.pt'));
  const dictionary = torch.value as Map<string, unknown>;
  t.deepEqual([...dictionary.keys()], ['eigenvalues', 'eigenvectors', 'metadata']);
  for (const [name, values, shape] of [
    ['eigenvalues', Float32Array.from(sampleBasis.eigenvalues), [hidden]],
    ['eigenvectors', sampleBasis.eigenvectors, [hidden, hidden]],
  ] as const) {
    const tensor = dictionary.get(name) as TorchTensor;
    t.like(tensor, { dtype: 'float32', shape: [...shape] });
    t.deepEqual(await readTorchTensor(torch, name, tensor), Float64Array.from(values));
  }

  const before = readFileSync(join(directory, 'x/e.pt'));
  rmSync(join(directory, 'x/e.pt'));
  mkdirSync(join(directory, 'x'), { recursive: true });
  exportEigenbasis(targets, sampleBasis, identity);
  t.true(readFileSync(join(directory, 'x/e.pt')).equals(before));
});
