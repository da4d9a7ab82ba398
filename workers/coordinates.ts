import { closeSync } from 'node:fs';
import { InputError } from '../src/errors.js';
import type { CoordinatesInput, Tasks } from '../src/executor/tasks.js';
import type { Slice } from '../src/files/file-record.js';
import { refuseLost } from '../src/files/lock.js';
import { openToWrite } from '../src/files/open-to-write.js';
import { writeFully } from '../src/files/partial-file.js';
import { readVectors } from '../src/input/vectors.js';
import type { FixedMultiplication } from '../src/linalg/backend/backend.js';
import { passVectors } from '../src/linalg/fold.js';
import {
  darkDirections,
  dualWeights,
  shareWeights,
  type VectorPass,
  vectorPasses,
} from '../src/tables/vector-geometry.js';
import { emptyVectorPart, type VectorPart } from '../src/tables/vector-part.js';
import { endIfInterrupted } from './interruption.js';
import { heldProjector, heldReturn } from './projector.js';
import { rowsReport } from './rows-report.js';

/**
 * Computes the coordinates a = V^T u of some vectors, what they say of each vector, and the duals; coordinates and duals are
 * written into their stretch of a file.
 *
 * Memory: the vectors as float64, and as float32 vectors, coordinates and duals.
 */
export async function coordinates(input: CoordinatesInput): Promise<Tasks['coordinates']['result']> {
  const { source, rows, fold, eigenvectors, backend } = input;
  const d = source.hidden;
  const vectors = await readVectors(source, rows);
  if (fold !== null) passVectors(vectors, fold);
  const a = await multiplied(await heldProjector(eigenvectors, backend), Float32Array.from(vectors), d);
  refuseOverflow(input, a);
  endIfInterrupted();
  const part = emptyVectorPart(rows.count, input.places, vectorPasses(input.kind, input.spectrum).length);
  measureVectors(input, { vectors, a }, part);
  writeRows(input, input.coordinates, a);
  const deviations = { norm: 0, probe: 0, dual: 0 };
  compareCoordinates(input, { vectors, a }, deviations);
  if (input.duals !== null) {
    const weights = dualWeights(input.kind, input.spectrum);
    const weighed = a.map((value, k) => value * weights[k % d]!);
    refuseOverflow(input, weighed);
    const duals = await multiplied(await heldReturn(eigenvectors, backend), weighed, d);
    refuseOverflow(input, duals);
    writeRows(input, input.duals, duals);
    compareDuals(input, { weighed, duals }, deviations);
  }
  rowsReport.advance(rows.count);
  return { part, deviations };
}

/** The product of rows [n, d] with a fixed [d, d]. A single row takes one of zeros with it: see `multiplyStrip`. */
async function multiplied(
  product: FixedMultiplication,
  rows: Float32Array,
  d: number,
): Promise<Float32Array> {
  const count = Math.max(2, rows.length / d);
  const values = rows.length === count * d ? rows : new Float32Array(count * d);
  if (values !== rows) values.set(rows);
  const out = { values: new Float32Array(count * d), rows: count, columns: d };
  await product.multiply({ values, rows: count, columns: d }, out);
  return out.values.subarray(0, rows.length);
}

/** @throws InputError for vectors of which float32 cannot hold what is made of them */
function refuseOverflow({ source, rows }: CoordinatesInput, values: Float32Array): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  const vector = rows.first + Math.floor(index / source.hidden);
  throw new InputError(
    `${source.givenAs ?? source.file}: vector ${vector} of those asked for is too long for float32, in which coordinates and duals are stored; ` +
      'divide the vectors by a number, and save them again',
  );
}

/** Vectors [count, d], and their coordinates. */
interface Computed {
  vectors: Float64Array;
  a: Float32Array;
}

/** Fills the figures of every vector. */
function measureVectors(
  { source: { hidden: d }, rows: { count }, kind, spectrum, places }: CoordinatesInput,
  { vectors, a }: Computed,
  part: VectorPart,
): void {
  const { eigenvalues: lambda } = spectrum;
  const passes = vectorPasses(kind, spectrum);
  const dual = dualWeights(kind, spectrum);
  const shares = shareWeights(kind, spectrum);
  const dark = d - darkDirections(d);
  for (let i = 0; i < count; i++) {
    const row = a.subarray(i * d, (i + 1) * d);
    let [squares, darkSquares, token, hidden, dualSquares, total, fourth] = [0, 0, 0, 0, 0, 0, 0];
    for (let j = 0; j < d; j++) {
      const square = row[j]! * row[j]!;
      squares += square;
      if (j >= dark) darkSquares += square;
      token += lambda[j]! * square;
      hidden += square / lambda[j]!;
      dualSquares += dual[j]! * dual[j]! * square;
      const share = shares[j]! * square;
      total += share;
      fourth += share * share;
    }
    part.norm[i] = Math.sqrt(squaresOf(vectors, i * d, d));
    part.tokenSquare[i] = token;
    part.hiddenSquare[i] = hidden;
    part.dualSquare[i] = dualSquares;
    part.darkShare[i] = darkSquares / squares;
    part.participation[i] = (total * total) / fourth;
    for (const [k, pass] of passes.entries()) {
      const { square, mean, variance } = passFigures(row, pass, spectrum);
      part.passSquares[k * count + i] = square;
      part.passMeans[k * count + i] = mean;
      part.passVariances[k * count + i] = variance;
    }
    for (const [place, j] of strongest(row, shares, places).entries()) {
      const at = i * places + place;
      part.directions[at] = j;
      part.directionCoordinates[at] = row[j]!;
      part.directionShares[at] = (shares[j]! * row[j]! * row[j]!) / total;
    }
  }
}

function passFigures(
  row: Float32Array,
  { weights }: VectorPass,
  { means, variances, isUncentred }: CoordinatesInput['spectrum'],
): { square: number; mean: number; variance: number } {
  let [square, mean, variance] = [0, 0, 0];
  for (let j = 0; j < row.length; j++) {
    const b = weights === null ? row[j]! : weights[j]! * row[j]!;
    square += b * b;
    mean += means === null ? Number.NaN : means[j]! * b;
    variance += variances === null ? Number.NaN : variances[j]! * b * b;
  }
  // sum_j e_j b_j^2 is the mean square of the products.
  return { square, mean, variance: isUncentred ? Math.max(0, variance - mean * mean) : variance };
}

/** Indices of the `places` largest weights a^2, falling, ties to the lower index. */
function strongest(row: Float32Array, weights: Float64Array, places: number): number[] {
  const indices: number[] = [];
  const keys: number[] = [];
  for (let j = 0; j < row.length; j++) {
    const key = weights[j]! * row[j]! * row[j]!;
    if (indices.length === places && !(key > keys[places - 1]!)) continue;
    let k = Math.min(indices.length, places - 1);
    for (; k > 0 && key > keys[k - 1]!; k--) {
      keys[k] = keys[k - 1]!;
      indices[k] = indices[k - 1]!;
    }
    keys[k] = key;
    indices[k] = j;
  }
  return indices;
}

function squaresOf(values: Float64Array | Float32Array, first: number, d: number): number {
  let sum = 0;
  for (let k = first; k < first + d; k++) sum += values[k]! * values[k]!;
  return sum;
}

type Deviations = Tasks['coordinates']['result']['deviations'];

/** Compares norms, and products with random vectors, of vectors and coordinates. */
function compareCoordinates(
  { source: { hidden: d }, probe: { vectors: probes, images } }: CoordinatesInput,
  { vectors, a }: Computed,
  deviations: Deviations,
): void {
  for (let first = 0; first < a.length; first += d) {
    const norm = Math.sqrt(squaresOf(vectors, first, d));
    const difference = Math.abs(norm - Math.sqrt(squaresOf(a, first, d)));
    deviations.norm = worse(deviations.norm, difference, norm);
    for (let at = 0; at < probes.length; at += d) {
      const [probe, image] = [probes.subarray(at, at + d), images.subarray(at, at + d)];
      const missed = Math.abs(dot(a, first, probe) - dot(vectors, first, image));
      deviations.probe = worse(deviations.probe, missed, norm);
    }
  }
}

/** Compares products with a random vector of the duals and of their coordinates. */
function compareDuals(
  { source: { hidden: d }, probe: { dualVector, dualImage } }: CoordinatesInput,
  { weighed, duals }: { weighed: Float32Array; duals: Float32Array },
  deviations: Deviations,
): void {
  for (let first = 0; first < duals.length; first += d) {
    const missed = Math.abs(dot(duals, first, dualVector) - dot(weighed, first, dualImage));
    deviations.dual = worse(deviations.dual, missed, Math.sqrt(squaresOf(weighed, first, d)));
  }
}

function dot(rows: Float64Array | Float32Array, first: number, vector: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < vector.length; j++) sum += rows[first + j]! * vector[j]!;
  return sum;
}

/** The larger of two deviations, relative to a norm; one that is no number stays. */
function worse(worst: number, deviation: number, norm: number): number {
  const relative = deviation === 0 ? 0 : deviation / norm;
  return Number.isNaN(worst) || !(relative <= worst) ? relative : worst;
}

/** Writes rows [count, d] into the stretch of a file that is theirs. */
function writeRows(
  { lock, rows, source }: CoordinatesInput,
  slice: Slice | null,
  values: Float32Array,
): void {
  if (slice === null) return;
  const descriptor = openToWrite(slice.file);
  try {
    if (lock !== null) refuseLost(lock);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    writeFully(descriptor, bytes, slice.byteOffset + rows.first * source.hidden * 4, slice.file);
  } finally {
    closeSync(descriptor);
  }
}
