import { InputError } from '../errors.js';
import { hashFile } from '../files/hash-file.js';
import { withFile } from '../files/open-file.js';
import { detectFormat, type Format } from '../formats/detect-format.js';
import { type Dtype, dtypeOfSafetensors } from '../formats/dtype.js';
import { readNpyHeader } from '../formats/npy.js';
import { readSafetensorsHeader } from '../formats/safetensors.js';
import { elementCount, shapeText } from '../formats/shape.js';
import { readStrided, type StridedTensor } from '../formats/strided.js';
import { isOpaque, type PickleValue } from '../formats/torch/pickle-value.js';
import {
  locateTorchTensor,
  readTorchFile,
  readTorchTensor,
  type TorchFile,
} from '../formats/torch/read-torch.js';
import { isFloat, isTorchTensor } from '../formats/torch/torch-tensor.js';

/** What the header of a metric's file says of it. */
export interface MetricHeader {
  /** The dtype in which it is stored. */
  dtype: Dtype;
  /** rho, where the file's metadata give it as `regularization` or `ridge`. */
  ridge: number | null;
  /** The tensor's name in the file, null where the file is one bare tensor. */
  tensor: string | null;
  file: string;
}

/** The causal metric tensor M, as it was given. */
export interface Metric extends MetricHeader {
  /** (M + M^T) / 2, [d, d] row-major. */
  matrix: Float64Array;
  /** Distance of M as stored from a symmetric matrix: max |M - M^T|, and that over max |M|. */
  asymmetry: { max: number; relative: number };
  /** SHA-256 (hex) of the file's bytes. */
  sha256: string;
}

/**
 * Bounds what a symmetric matrix may lose of its symmetry in float32: the notebook's own file, an inverse computed in
 * float32, has 2.8e-2 on entries of order 1e3, 3e-5 relative. Beyond 1e-3 something else is wrong with the file.
 */
export const MAX_RELATIVE_ASYMMETRY = 1e-3;

/**
 * Reads the causal metric tensor M from a .pt file (torch.save: a dictionary with `M`, or the tensor itself), a
 * .safetensors file (`M`, or the only square matrix) or a .npy file; the content decides which.
 *
 * Memory: the d x d float64 result, and one row more.
 *
 * @throws InputError where the matrix is not hiddenSize x hiddenSize, finite and symmetric
 */
export async function readMetric(file: string, options: { hiddenSize: number }): Promise<Metric> {
  const { hiddenSize } = options;
  const { read, dtype, ridge, tensor } = await findMetric(file, hiddenSize);
  const matrix = await read();
  checkFinite(file, matrix, hiddenSize);
  const asymmetry = symmetrise(matrix, hiddenSize);
  if (asymmetry.relative > MAX_RELATIVE_ASYMMETRY) {
    throw new InputError(
      `${file}: the metric is not symmetric: max |M - M^T| is ${asymmetry.max}, ${asymmetry.relative.toExponential(2)} ` +
        `of max |M|, at most ${MAX_RELATIVE_ASYMMETRY} is allowed; check how it was computed, or save (M + M^T) / 2`,
    );
  }
  return { matrix, dtype, ridge, asymmetry, tensor, file, sha256: await hashFile(file, 'the metric') };
}

/**
 * Reads what the header of a metric's file says, and none of its entries.
 *
 * @throws InputError where there is no such file, or no matrix hiddenSize x hiddenSize of floating-point numbers in it
 */
export async function readMetricHeader(
  file: string,
  { hiddenSize }: { hiddenSize: number },
): Promise<MetricHeader> {
  const { dtype, ridge, tensor } = await findMetric(file, hiddenSize);
  return { dtype, ridge, tensor, file };
}

/** A metric whose entries have not been read yet. */
interface StoredMetric extends Omit<MetricHeader, 'file'> {
  /** Reads M as stored, row-major. */
  read: () => Promise<Float64Array>;
}

async function findMetric(file: string, hiddenSize: number): Promise<StoredMetric> {
  const format = await detectFormat(file, 'the metric', 'a .pt (torch.save), .safetensors or .npy file');
  return finders[format](file, hiddenSize);
}

const finders: Readonly<Record<Format, (file: string, hiddenSize: number) => Promise<StoredMetric>>> = {
  torch: findTorchMetric,
  // For its message about the formats before the zip archive.
  pickle: findTorchMetric,
  safetensors: findSafetensorsMetric,
  npy: findNpyMetric,
};

async function findTorchMetric(file: string, hiddenSize: number): Promise<StoredMetric> {
  const torchFile = await readTorchFile(file);
  const { value } = torchFile;
  const name = isTorchTensor(value) ? null : 'M';
  const tensor = value instanceof Map ? value.get('M') : value;
  if (!isTorchTensor(tensor)) {
    throw new InputError(
      `${file}: expected a tensor, or a dictionary with the tensor M, found ${describe(value)}; ` +
        "save the metric as torch.save({'M': M}, path)",
    );
  }
  checkShape(file, name, tensor.shape, hiddenSize);
  const shown = name ?? '(bare)';
  const { dtype } = locateTorchTensor(torchFile, shown, tensor);
  const metadata = value instanceof Map ? value.get('metadata') : undefined;
  const ridge = parseRidge(file, await numberOf(torchFile, findRidge(metadata)));
  return { read: () => readTorchTensor(torchFile, shown, tensor), dtype, ridge, tensor: name };
}

/** A number that is kept as a tensor of one element. */
async function numberOf(
  torchFile: TorchFile,
  value: PickleValue | undefined,
): Promise<PickleValue | undefined> {
  if (!isTorchTensor(value) || !isFloat(value.dtype) || elementCount(value.shape) !== 1) return value;
  return (await readTorchTensor(torchFile, 'ridge', value))[0];
}

async function findSafetensorsMetric(file: string, hiddenSize: number): Promise<StoredMetric> {
  const { tensors, metadata } = await readSafetensorsHeader(file);
  const squares = tensors.filter(
    ({ shape: [rows, columns, ...more] }) => rows === columns && more.length === 0,
  );
  const entry = tensors.find(({ name }) => name === 'M') ?? (squares.length === 1 ? squares[0] : undefined);
  if (entry === undefined) {
    const found = tensors.map(({ name, shape }) => `${name} (${shapeText(shape)})`).slice(0, 20);
    throw new InputError(
      `${file}: expected the tensor M, or one square matrix, found ${found.join(', ') || 'no tensor'}; ` +
        'save the metric under the name M',
    );
  }
  const { name, shape, byteOffset } = entry;
  const dtype = dtypeOfSafetensors(entry.dtype);
  if (dtype === null) {
    throw new InputError(
      `${file}: tensor ${name} is ${entry.dtype}, expected BF16, F16, F32 or F64; convert it to one of them`,
    );
  }
  checkShape(file, name, shape, hiddenSize);
  const read = () => readMatrix(file, { dtype, shape, strides: [hiddenSize, 1], byteOffset });
  return { read, dtype, ridge: parseRidge(file, findRidge(metadata)), tensor: name };
}

async function findNpyMetric(file: string, hiddenSize: number): Promise<StoredMetric> {
  const { dtype, shape, fortranOrder, byteOffset } = await readNpyHeader(file);
  checkShape(file, null, shape, hiddenSize);
  const strides = fortranOrder ? [1, hiddenSize] : [hiddenSize, 1];
  return {
    read: () => readMatrix(file, { dtype, shape, strides, byteOffset }),
    dtype,
    ridge: null,
    tensor: null,
  };
}

function readMatrix(file: string, tensor: StridedTensor): Promise<Float64Array> {
  return withFile(file, 'the metric', (opened) => readStrided(opened, tensor));
}

function checkShape(file: string, name: string | null, shape: readonly number[], hiddenSize: number): void {
  if (shape.length === 2 && shape.every((size) => size === hiddenSize)) return;
  throw new InputError(
    `${file}: the metric${name === null ? '' : ` ${name}`} is ${shapeText(shape)}, expected ${hiddenSize} x ${hiddenSize}, ` +
      "the checkpoint's hidden size; give the metric that belongs to this checkpoint",
  );
}

function describe(value: PickleValue): string {
  if (value instanceof Map) {
    const keys = [...value]
      .slice(0, 20)
      .map(([key, held]) => `${keyText(key)}${isTorchTensor(held) ? ' (tensor)' : ''}`);
    return keys.length === 0 ? 'an empty dictionary' : `a dictionary with the keys ${keys.join(', ')}`;
  }
  if (Array.isArray(value)) return `a list or tuple of ${value.length}`;
  if (isOpaque(value)) return `a value of ${value.name}`;
  return value === null ? 'None' : `a ${typeof value}`;
}

function keyText(key: PickleValue): string {
  return typeof key === 'object' ? '(...)' : String(key);
}

/** The value under which a .pt dictionary's `metadata`, or a safetensors header's, keep rho. */
function findRidge(metadata: PickleValue | undefined): PickleValue | undefined {
  if (!(metadata instanceof Map)) return undefined;
  return metadata.get('regularization') ?? metadata.get('ridge');
}

/**
 * Takes rho for what it is: a number, or in a safetensors header its text; null where it is neither.
 *
 * @throws InputError for a number that no ridge has
 */
function parseRidge(file: string, stored: PickleValue | undefined): number | null {
  const isText = typeof stored === 'string' && stored.trim() !== '';
  if (typeof stored !== 'number' && !isText) return null;
  if (isText && !/^\s*[+-]?(?:nan|inf(?:inity)?|[\d.]+(?:e[+-]?\d+)?)\s*$/i.test(stored)) return null;
  const ridge = Number(stored);
  if (Number.isFinite(ridge) && ridge >= 0) return ridge;
  throw new InputError(
    `${file}: the metadata give the ridge ${stored}, expected a finite number from 0 on; check how the metric was ` +
      'computed, and save it with the ridge that was added to it, or without one',
  );
}

function checkFinite(file: string, matrix: Float64Array, d: number): void {
  const index = matrix.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new InputError(
    `${file}: the metric has ${matrix[index]} in row ${Math.floor(index / d)}, column ${index % d} (counted from 0), ` +
      'expected finite numbers; compute it anew',
  );
}

/** M becomes (M + M^T) / 2, in place. @param matrix [d, d] row-major, finite */
function symmetrise(matrix: Float64Array, d: number): Metric['asymmetry'] {
  let max = 0;
  let largest = 0;
  for (let row = 0; row < d; row++) {
    largest = Math.max(largest, Math.abs(matrix[row * d + row]!));
    for (let column = 0; column < row; column++) {
      const lower = matrix[row * d + column]!;
      const upper = matrix[column * d + row]!;
      largest = Math.max(largest, Math.abs(lower), Math.abs(upper));
      max = Math.max(max, Math.abs(lower - upper));
      // Halved before adding: the sum of two finite numbers may overflow.
      const mean = lower === upper ? lower : lower / 2 + upper / 2;
      matrix[row * d + column] = mean;
      matrix[column * d + row] = mean;
    }
  }
  return { max, relative: largest === 0 ? 0 : max / largest };
}
