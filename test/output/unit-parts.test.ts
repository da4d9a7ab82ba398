import test from 'ava';
import type { Measurements } from '../../src/checks/measurements.js';
import { InputError, RunError } from '../../src/errors.js';
import type { ScannedRange } from '../../src/input/scan.js';
import type { DoneRecord } from '../../src/output/done-records.js';
import { parseRecord, recordLine } from '../../src/output/done-records.js';
import { type PartArrays, partName, publishPart } from '../../src/output/part-file.js';
import { directoryStore, type RunStore } from '../../src/output/run-store.js';
import {
  basisFilesOf,
  findingsOfScan,
  findingsOfVerification,
  hasAllArrays,
  partOf,
  readBasisArrays,
  readScannedRange,
  readVerifiedUnit,
  type UnitFindings,
  type VerifiedUnit,
  verifiedFilesOf,
  writtenFilesOf,
} from '../../src/output/unit-parts.js';
import {
  ANGLE_SUMS,
  angleMetrics,
  COLUMN_ALIGNMENTS,
  COLUMN_SUMS,
  type TablePart,
} from '../../src/tables/part.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { doneRecord } from '../helpers/sample-plan.js';

const storeIn = (t: Parameters<typeof scratchDirectory>[0]) =>
  directoryStore(scratchDirectory(t), { durable: false, lock: null });

/** Publishes findings, and gives the record as whoever reads it from the disk sees it. */
function published(
  store: RunStore,
  stage: DoneRecord['stage'],
  { files, part, results }: UnitFindings,
): DoneRecord {
  const name = { stage, unit: 4 };
  const record = doneRecord(
    { sha256: 'ab' },
    { ...name, files, results, part: part === null ? null : publishPart(store, partName(name), part) },
  );
  return parseRecord(recordLine(record))!;
}

test('what a scan has told comes back, with row hashes and an only row or without', (t) => {
  const range: ScannedRange = {
    sha256: 'ab'.repeat(32),
    columnSums: Float64Array.of(1e300, -0, 1 / 3),
    offsets: Float64Array.of(0, -1.5),
    rowHashes: BigUint64Array.of(0n, 2n ** 64n - 1n),
    onlyRow: Float32Array.of(0.1, -0, 3e38),
  };
  for (const found of [
    range,
    { ...range, offsets: null },
    { ...range, rowHashes: null },
    { ...range, onlyRow: null },
  ]) {
    const store = storeIn(t);
    t.deepEqual(readScannedRange(store, published(store, 'scan', findingsOfScan(found))), found);
  }
});

const none = {
  minimum: Number.POSITIVE_INFINITY,
  maximum: Number.NEGATIVE_INFINITY,
  sum: 0,
  sumOfSquares: 0,
};
const measurements: Measurements = {
  problems: [],
  rows: 2,
  sums: Float64Array.of(1, Number.NaN),
  sumsOfSquares: Float64Array.of(1, Number.POSITIVE_INFINITY),
  sumsOfCubes: Float64Array.of(-1, 2 ** -1074),
  sumsOfFourths: Float64Array.of(0, 5),
  minima: Float64Array.of(Number.POSITIVE_INFINITY, -0),
  maxima: Float64Array.of(Number.NEGATIVE_INFINITY, 2 ** 0.5),
  gammaSums: Float64Array.of(3, 4),
  rowKeys: Float64Array.of(0.1, Number.NaN),
  weights: {
    differences: Float64Array.of(0.25, 2 ** -30),
    compared: 5,
    equal: Float64Array.of(1, 0),
    opposite: Float64Array.of(0, 3),
    repeated: Float64Array.of(2, 5),
    bits: -5,
  },
  gammaSquares: 1 / 3,
  normDifference: { maximum: Number.NaN, sum: 2, relative: Number.POSITIVE_INFINITY, tolerance: 3, row: 5 },
  probe: { relative: 1e-300, tolerance: 1e-7, row: -1 },
  alongProbe: { minimum: -1, maximum: 1.5, sum: 0.25, sumOfSquares: 7 },
  norm: none,
  causalNorm: { ...none, sum: Number.NaN },
  weighted: {
    gammaSums: Float64Array.of(-1, 2),
    first: weightedSums(0.5),
    second: { ...weightedSums(1 / 3), centres: Float64Array.of(7, 3.5) },
  },
};

/** Sums by weights, of two columns, all of which differ. */
function weightedSums(total: number) {
  const pair = (value: number) => Float64Array.of(value, total * value);
  return {
    ...{
      centres: pair(7),
      total,
      gammaSquares: total + 1,
      sums: pair(2),
      sumsOfSquares: pair(3),
      sumsOfCubes: pair(4),
    },
    sumsOfFourths: pair(5),
  };
}
const files: VerifiedUnit['files'] = [
  { path: 'projections/parquet/part-00004.parquet', bytes: 10, crc32: 0xffffffff, sha256: 'cd'.repeat(32) },
];

/** A part of the tables of two rows and two columns, with places that hold nothing. */
function tablePart(): TablePart {
  let next = 0;
  const floats = (length: number) =>
    Float64Array.from({ length }, () => (next++ % 5 === 4 ? Number.NaN : 1 / next));
  const whole = (length: number) => Int32Array.from({ length }, () => next++ - 7);
  return {
    zeroRows: 3,
    cosineSums: floats(2),
    exponentials: floats(4),
    tokens: {
      norm: floats(2),
      causalNorm: floats(2),
      centredNorm: floats(2),
      causalCentredNorm: floats(2),
      centroidCosine: floats(2),
      causalCentroidCosine: floats(2),
      participation: floats(2),
      normError: floats(2),
      directions: whole(4),
      directionValues: floats(4),
    },
    minima: Float64Array.of(Number.POSITIVE_INFINITY, -1),
    maxima: Float64Array.of(Number.NEGATIVE_INFINITY, 1),
    columnSums: floats(2 * COLUMN_SUMS),
    aligned: whole(2 * COLUMN_ALIGNMENTS),
    fineCounts: whole(10),
    histogram: whole(6),
    extremes: { keys: floats(12), tokens: new Int32Array(12).fill(-1) },
  };
}

test('what a verification has measured comes back exactly, with tables or without, infinities and NaN among it', (t) => {
  t.is(COLUMN_SUMS, 4 + ANGLE_SUMS * angleMetrics.length);
  for (const tables of [null, tablePart()]) {
    const store = storeIn(t);
    const found = { measurements, files, tables };
    const record = published(store, 'verify', findingsOfVerification(found));
    t.deepEqual(readVerifiedUnit(store, record), found);
    t.deepEqual(verifiedFilesOf(record), { files, problems: [] });
  }
});

test('what an earlier version has measured, without an array that is read now, is told from what is whole', (t) => {
  const findings = findingsOfVerification({ measurements, files, tables: null });
  t.true(hasAllArrays(published(storeIn(t), 'verify', findings)));
  for (const name of Object.keys(findings.part!).filter((one) => !one.startsWith('measured.weighted'))) {
    const { [name]: _, ...part } = findings.part!;
    t.false(hasAllArrays(published(storeIn(t), 'verify', { ...findings, part })), name);
  }
});

test('sums of a covariance are those of this version by their name: units of former ones had other rows', (t) => {
  const unit = (part: PartArrays) => published(storeIn(t), 'covariance', { files: [], part, results: {} });
  const sums = Float64Array.of(1, 2, 3);
  t.true(hasAllArrays(unit({ outerSums: sums })));
  for (const name of ['sums', 'blocks']) t.false(hasAllArrays(unit({ [name]: sums })), name);
});

test('problems that a verification has found stand in its record', (t) => {
  const store = storeIn(t);
  const problems = ['part-00004.parquet: not the recorded bytes', 'γ'];
  const found = { measurements: { ...measurements, problems }, files, tables: null };
  const record = published(store, 'verify', findingsOfVerification(found));
  t.deepEqual(verifiedFilesOf(record).problems, problems);
  t.deepEqual(readVerifiedUnit(store, record), found);
});

test('arrays of a basis come back, and a record without a part, or with a lost one, has none', (t) => {
  const store = storeIn(t);
  const part = {
    eigenvalues: Float64Array.of(1, 2),
    probeVectors: Float64Array.of(-1, 1, 1, 2),
    probeImages: Float64Array.of(0.5, -0, 3, 4),
    likeEntries: Float64Array.of(1.5),
    means: Float64Array.of(3, 4),
  };
  const record = published(store, 'basis', { files: [], part, results: {} });
  t.deepEqual(readBasisArrays(store, record), part);
  store.remove(record.part!.path);
  t.throws(() => readBasisArrays(store, record), {
    instanceOf: InputError,
    message: /basis.00004\.bin: .*missing/,
  });
  t.throws(() => partOf(store, { ...record, part: null }), {
    instanceOf: RunError,
    message: /^basis, unit 4: its record names no part$/,
  });
});

test('the files of a record are told apart: basis, computed metric, partitions', (t) => {
  const eigenbasis = { path: 'eigenbasis.safetensors', bytes: 1, sha256: 'ab' };
  const metric = { path: 'metric.safetensors', bytes: 2, sha256: 'cd' };
  const partition = { path: 'projections/parquet/part-00000.parquet', bytes: 3, crc32: 4 };
  t.deepEqual(basisFilesOf({ files: [eigenbasis] }), [eigenbasis]);
  t.deepEqual(basisFilesOf({ files: [eigenbasis, metric] }), [eigenbasis, metric]);
  t.deepEqual(writtenFilesOf({ files: [partition, eigenbasis] }), [partition]);
  t.throws(() => basisFilesOf({ files: [] }));
});
