import { InputError } from '../errors.js';
import { withFile } from '../files/open-file.js';
import { detectFormat, type Format } from '../formats/detect-format.js';
import { type Dtype, dtypeBytes, dtypeOfSafetensors } from '../formats/dtype.js';
import { readNpyHeader } from '../formats/npy.js';
import { readSafetensorsHeader } from '../formats/safetensors.js';
import { elementCount, shapeText } from '../formats/shape.js';
import { readStrided } from '../formats/strided.js';
import { locateTorchTensor, readTorchFile } from '../formats/torch/read-torch.js';
import { isTorchTensor } from '../formats/torch/torch-tensor.js';
import type { RowRange } from '../plan/row-ranges.js';
import { type VectorKind, vectorKinds } from '../plan/vector-kind.js';
import { unknownName } from '../text/nearest.js';

const ROLE = 'the vectors';

/** Metadata of a .safetensors file that say of which kind its vectors are. */
export const KIND_METADATA = 'eigenshard.vectors';

/** Vectors in a file, as plain data, which any thread can read by themselves. */
export interface GivenVectors {
  /** Absolute path. */
  file: string;
  /** What the user gave, where the file is a copy of it; messages name it. */
  givenAs?: string;
  dtype: Dtype;
  /** Place of component 0 of vector 0, from the start of the file. */
  byteOffset: number;
  /** Steps from a vector to the next, and from a component to the next, in elements. */
  strides: readonly [number, number];
  /** Number of vectors, n. */
  count: number;
  /** Hidden size d. */
  hidden: number;
}

/** Vectors that were found in a file, and what it says of them. */
export interface FoundVectors extends GivenVectors {
  /** The tensor's name in the file; null where the file is one bare tensor. */
  tensor: string | null;
  /** Number of the first vector among those of the file. */
  first: number;
  /** Whether the vectors are the columns of the stored matrix. */
  isTransposed: boolean;
  /** Kind of the vectors by the file's own metadata; null where it says nothing. */
  kind: VectorKind | null;
}

/** Which vectors of a file are asked for. */
export interface VectorWish {
  /** Name of the tensor; undefined where it is the only one that fits. */
  tensor?: string | undefined;
  /** Whether the vectors are the columns of the matrix; undefined where its shape tells. */
  transpose?: boolean | undefined;
  /** Vectors [from, to) of those of the file; all where nothing is said. */
  rows?: { from: number; to: number | null } | undefined;
}

/** A tensor of a file, before it is known whether it is asked for. */
export interface Candidate {
  name: string | null;
  shape: readonly number[];
  /** Finds where its elements lie. @throws InputError where they cannot be read */
  place: () => Pick<GivenVectors, 'dtype' | 'byteOffset'> & { strides: readonly number[] };
}

/**
 * Finds vectors of d components in a .npy, .safetensors or .pt file; the content decides which it is. Headers are read, and
 * none of the vectors.
 *
 * @param file path
 * @param hidden d
 * @throws InputError where there is no such file, nothing in it fits, or several tensors or both of its sides do
 */
export async function findVectors(file: string, hidden: number, wish: VectorWish): Promise<FoundVectors> {
  const { candidates, kind } = await candidatesOf(file, ROLE);
  const chosen = chooseTensor(file, hidden, candidates, wish.tensor);
  const { name, shape, place } = chosen;
  const isTransposed = orientation(file, chosen, hidden, wish.transpose);
  const { dtype, byteOffset, strides } = place();
  const [down = 0, across = 1] = strides.length === 1 ? [0, strides[0]] : strides;
  const count = shape.length === 1 ? 1 : shape[isTransposed ? 1 : 0]!;
  const { first, count: selected } = selection(file, count, wish.rows);
  const ways: [number, number] = isTransposed ? [across, down] : [down, across];
  return {
    file,
    tensor: name,
    first,
    isTransposed,
    kind,
    dtype,
    byteOffset: byteOffset + first * ways[0] * dtypeBytes[dtype],
    strides: ways,
    count: selected,
    hidden,
  };
}

/**
 * Reads some vectors, float64 [count, d] row-major.
 *
 * @param range [first, first + count) of the source's own
 * @throws InputError where the file has changed, or a component is no finite number
 */
export async function readVectors(source: GivenVectors, { first, count }: RowRange): Promise<Float64Array> {
  const { file, givenAs = file, dtype, strides, hidden } = source;
  const byteOffset = source.byteOffset + first * strides[0] * dtypeBytes[dtype];
  const values = await withFile(file, ROLE, (opened) =>
    readStrided(opened, { dtype, shape: [count, hidden], strides, byteOffset }),
  );
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return values;
  throw new InputError(
    `${givenAs}: component ${index % hidden} of vector ${first + Math.floor(index / hidden)} of those asked for is ` +
      `${values[index]}, expected finite numbers; leave such vectors out with --rows, or save them anew`,
  );
}

/**
 * Lists the tensors of a .npy, .safetensors or .pt file, and the kind of vectors that it says they are.
 *
 * @param role what the file is to the user, for messages
 * @throws InputError where there is no such file, or it is of another format
 */
export async function candidatesOf(file: string, role: string): Promise<Listing> {
  return listTensors[await detectFormat(file, role, 'a .npy, .safetensors or .pt (torch.save) file')](file);
}

interface Listing {
  candidates: Candidate[];
  kind: VectorKind | null;
}

const listTensors: Readonly<Record<Format, (file: string) => Promise<Listing>>> = {
  npy: async (file) => {
    const { shape, dtype, byteOffset, fortranOrder } = await readNpyHeader(file);
    const strides = fortranOrder ? [1, shape[0] ?? 1] : [shape.length === 1 ? 1 : (shape[1] ?? 1), 1];
    const place = () => ({ dtype, byteOffset, strides: shape.length === 1 ? [1] : strides });
    return { candidates: [{ name: null, shape, place }], kind: null };
  },
  safetensors: async (file) => {
    const { tensors, metadata } = await readSafetensorsHeader(file);
    const candidates = tensors.map(({ name, shape, dtype: stored, byteOffset }) => ({
      name,
      shape,
      place: () => {
        const dtype = dtypeOfSafetensors(stored);
        if (dtype === null)
          throw new InputError(
            `${file}: tensor ${name} is ${stored}, expected BF16, F16, F32 or F64; convert it to one of them`,
          );
        return { dtype, byteOffset, strides: shape.length === 1 ? [1] : [shape[1] ?? 1, 1] };
      },
    }));
    const said = metadata.get(KIND_METADATA);
    return { candidates, kind: vectorKinds.find((kind) => kind === said) ?? null };
  },
  torch: listTorchTensors,
  // For its message about the formats before the zip archive.
  pickle: listTorchTensors,
};

async function listTorchTensors(file: string): Promise<{ candidates: Candidate[]; kind: null }> {
  const torchFile = await readTorchFile(file);
  const { value } = torchFile;
  const entries: [string | null, unknown][] =
    value instanceof Map ? [...value].map(([key, held]) => [String(key), held]) : [[null, value]];
  const candidates = entries.flatMap(([name, tensor]) => {
    if (!isTorchTensor(tensor as never)) return [];
    const held = tensor as Parameters<typeof locateTorchTensor>[2];
    const { shape, strides, storageSize } = held;
    const place = () => {
      const located = locateTorchTensor(torchFile, name ?? '(bare)', held);
      // Strides of 0 let a file of some bytes ask for any amount of work.
      if (!((elementCount(shape) ?? Number.POSITIVE_INFINITY) <= storageSize))
        throw new InputError(
          `${file}: tensor ${name ?? '(bare)'}: by its shape ${shapeText(shape)} and strides (${strides.join(', ')}) its ` +
            'rows overlap in the storage; save it again after tensor.contiguous()',
        );
      return { ...located, strides };
    };
    return [{ name, shape, place }];
  });
  return { candidates, kind: null };
}

/** Names of tensors in a message. */
const MOST_LISTED = 20;

/** Names and shapes of tensors, for a message. */
export function candidatesText(candidates: readonly Candidate[]): string {
  const listed = candidates
    .slice(0, MOST_LISTED)
    .map(({ name, shape }) => `${name ?? 'a bare tensor'} (${shapeText(shape)})`);
  return listed.join(', ') || 'no tensor';
}

function chooseTensor(
  file: string,
  hidden: number,
  candidates: readonly Candidate[],
  wanted: string | undefined,
): Candidate {
  if (wanted !== undefined) {
    const named = candidates.find(({ name }) => name === wanted);
    if (named === undefined) {
      const names = candidates.flatMap(({ name }) => name ?? []).slice(0, MOST_LISTED);
      if (names.length === 0)
        throw new InputError(`${file}: holds no tensors with names; leave --tensor away`);
      throw new InputError(`${file}: there is no tensor ${unknownName(wanted, names)}`);
    }
    if (fits(named, hidden)) return named;
    throw new InputError(
      `${file}: tensor ${wanted} is ${shapeText(named.shape)}, expected vectors of ${hidden} components, the run's hidden size`,
    );
  }
  const fitting = candidates.filter((candidate) => fits(candidate, hidden));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1)
    throw new InputError(
      `${file}: several tensors hold vectors of ${hidden} components: ${candidatesText(fitting)}; name one with --tensor`,
    );
  throw new InputError(
    `${file}: expected vectors of ${hidden} components, the run's hidden size, as a tensor n x ${hidden} or ${hidden} x n; ` +
      `found ${candidatesText(candidates)}`,
  );
}

function fits({ shape }: Candidate, hidden: number): boolean {
  const isMatrix = shape.length === 2 && shape.includes(hidden) && !shape.includes(0);
  return isMatrix || (shape.length === 1 && shape[0] === hidden);
}

/**
 * Decides whether the vectors are the columns.
 *
 * @throws InputError where both sides are d and nobody says, or what is said does not fit
 */
function orientation(
  file: string,
  { shape }: Candidate,
  hidden: number,
  transpose: boolean | undefined,
): boolean {
  const [rows, columns] = shape;
  if (shape.length === 2 && rows === hidden && columns === hidden) {
    if (transpose !== undefined) return transpose;
    throw new InputError(
      `${file}: is ${shapeText(shape)}, so that its shape does not tell where the vectors lie: give --no-transpose where ` +
        'they are its rows, as in W_dec [n, d], or --transpose where they are its columns, as in decoder.weight [d, n]',
    );
  }
  const isTransposed = shape.length === 2 && columns !== hidden;
  if (transpose === undefined || transpose === isTransposed) return isTransposed;
  throw new InputError(
    `${file}: is ${shapeText(shape)}, whose ${isTransposed ? 'columns' : 'rows'} have ${hidden} components; leave ` +
      `${transpose ? '--transpose' : '--no-transpose'} away`,
  );
}

/** Takes some of the vectors of a file. @throws InputError where it has not those */
export function selection(file: string, count: number, rows: VectorWish['rows']): RowRange {
  const { from, to } = { from: rows?.from ?? 0, to: rows?.to ?? count };
  if (from < to && to <= count) return { first: from, count: to - from };
  throw new InputError(
    `${file}: holds ${count} vectors; --rows ${from}:${to} asks for others: a range from:to, without the last one, is to ` +
      `lie within 0:${count}`,
  );
}
