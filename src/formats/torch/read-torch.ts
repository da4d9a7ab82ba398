import { InputError } from '../../errors.js';
import { isLfsPointer, lfsPointer } from '../../files/lfs-pointer.js';
import { type OpenFile, readBytes, withFile } from '../../files/open-file.js';
import { type Dtype, dtypeBytes } from '../dtype.js';
import { elementCount, shapeText } from '../shape.js';
import { readStrided } from '../strided.js';
import type { PickleValue } from './pickle-value.js';
import { readPickle } from './read-pickle.js';
import { readStoredEntries, type StoredEntry } from './read-zip.js';
import { torchRules } from './torch-globals.js';
import { isFloat, type TorchTensor } from './torch-tensor.js';

/** A file of torch.save: the object, and where the bytes of each tensor's storage lie. */
export interface TorchFile {
  file: string;
  /** Tensors in it are TorchTensor: descriptors, not data. */
  value: PickleValue;
  /** Storages by the key that a TorchTensor names. */
  storages: ReadonlyMap<string, StoredEntry>;
}

/**
 * Reads the structure of a file in the format of torch.save (PyTorch 1.6 and later): an uncompressed zip archive
 * with one directory, in it data.pkl, data/<key> for each storage, version, and since PyTorch 2.1 byteorder.
 * No tensor's data are read, and nothing in the file is executed.
 *
 * @throws InputError for any other file, a big-endian one, or a pickle that names anything but tensors and plain values
 */
export async function readTorchFile(file: string): Promise<TorchFile> {
  return withFile(file, 'the tensors', async (opened) => {
    await refuseOtherFormats(opened);
    const entries = await readStoredEntries(opened);
    const root = findRoot(file, entries);
    await refuseBigEndian(opened, entries.get(`${root}byteorder`));
    const pickle = entries.get(`${root}data.pkl`)!;
    if (pickle.byteLength > MAX_PICKLE_BYTES) {
      throw new InputError(
        `${file}: ${pickle.name} has ${pickle.byteLength} bytes, at most ${MAX_PICKLE_BYTES} are allowed; ` +
          'save only what is needed',
      );
    }
    const bytes = await readBytes(opened, pickle.byteOffset, pickle.byteLength);
    const prefix = `${root}data/`;
    const storages = new Map(
      [...entries].flatMap(([name, entry]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), entry] as const] : [],
      ),
    );
    return { file, value: readPickle(bytes, `${file} (${pickle.name})`, torchRules), storages };
  });
}

/** A tensor of floating-point numbers, and the byte of the file at which its element (0, 0, ...) lies. */
export interface TorchPlace {
  dtype: Dtype;
  byteOffset: number;
}

/**
 * Finds a tensor's bytes in the file; reads none of them.
 *
 * @throws InputError for an integer tensor, or one that reaches beyond its storage
 */
export function locateTorchTensor(
  { file, storages }: TorchFile,
  name: string,
  tensor: TorchTensor,
): TorchPlace {
  const { dtype, shape, strides, storageOffset, storageKey, storageSize } = tensor;
  const problem = (text: string) => tensorProblem(file, name, text);
  if (!isFloat(dtype)) {
    throw problem(`its dtype is ${dtype}, expected a floating-point one; save it as tensor.double()`);
  }
  const entry = storages.get(storageKey);
  if (entry === undefined) throw problem(`its storage data/${storageKey} is missing; save the file again`);
  const width = dtypeBytes[dtype];
  if (Math.floor(entry.byteLength / width) !== storageSize) {
    throw problem(
      `its storage data/${storageKey} has ${entry.byteLength} bytes, ${storageSize} x ${width} were expected; ` +
        'the file is damaged: save or copy it again',
    );
  }
  const last = lastElement(tensor);
  if (!shape.includes(0) && !(last < storageSize)) {
    throw problem(
      `shape ${shapeText(shape)}, strides (${strides}) and offset ${storageOffset} reach element ${last} of a storage ` +
        `of ${storageSize}; the file is damaged: save or copy it again`,
    );
  }
  return { dtype, byteOffset: entry.byteOffset + storageOffset * width };
}

/**
 * Reads one tensor's values.
 *
 * @returns float64, row-major, whatever the tensor's strides are
 * @throws InputError as locateTorchTensor
 */
export async function readTorchTensor(
  torchFile: TorchFile,
  name: string,
  tensor: TorchTensor,
): Promise<Float64Array> {
  const { file } = torchFile;
  const { shape, strides } = tensor;
  const place = locateTorchTensor(torchFile, name, tensor);
  const count = elementCount(shape);
  if (count === null || count > MAX_ELEMENTS) {
    throw tensorProblem(
      file,
      name,
      `its shape is ${shapeText(shape)}, at most ${MAX_ELEMENTS} elements can be read`,
    );
  }
  if (!isDisjoint(shape, strides)) {
    throw tensorProblem(
      file,
      name,
      `by its shape ${shapeText(shape)} and strides (${strides.join(', ')}) its rows overlap in the storage; save it again ` +
        'after tensor.contiguous()',
    );
  }
  return withFile(file, 'the tensors', (opened) => readStrided(opened, { ...place, shape, strides }));
}

function tensorProblem(file: string, name: string, text: string): InputError {
  return new InputError(`${file}: tensor ${name}: ${text}`);
}

/** data.pkl holds names and shapes, no weights; even a vocabulary's 150,000 strings in the metadata make some 4 MB. */
const MAX_PICKLE_BYTES = 64 * 1024 * 1024;

/** 8 GiB as float64, a metric of 32,768 rows. Strides of 0 let a file of some bytes ask for any amount of memory. */
const MAX_ELEMENTS = 2 ** 30;

/** Sums and products of whole numbers from 0 only grow, so one that is no longer exact is still too large. */
function lastElement({ shape, strides, storageOffset }: TorchTensor): number {
  return shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, storageOffset);
}

/**
 * True where the slices along each dimension lie one behind the other, or are one, by a stride of 0. Others would be read
 * again and again, in all far more often than there are bytes.
 */
function isDisjoint(shape: readonly number[], strides: readonly number[]): boolean {
  const dimensions = shape
    .map((size, axis) => ({ size, stride: strides[axis]! }))
    .filter(({ size, stride }) => size > 1 && stride > 0)
    .sort((a, b) => a.stride - b.stride);
  let end = 0;
  for (const { size, stride } of dimensions) {
    if (stride <= end) return false;
    end += (size - 1) * stride;
  }
  return true;
}

/** Before PyTorch 1.6 torch.save wrote pickles one after another, of which the first is a magic number. */
async function refuseOtherFormats(opened: OpenFile): Promise<void> {
  const head = await readBytes(opened, 0, Math.min(8, opened.size));
  if (isLfsPointer(head)) throw lfsPointer(opened.file);
  if (head[0] !== 0x80) return;
  throw new InputError(
    `${opened.file}: this is a bare pickle, or the format of torch.save before PyTorch 1.6; expected its zip archive. ` +
      'Load it with torch.load and save it again with torch.save(object, path), in the default format',
  );
}

/** The archive's one directory, with its slash: the stem of the name that the file was first saved under. */
function findRoot(file: string, entries: ReadonlyMap<string, StoredEntry>): string {
  const roots = [...entries.keys()]
    .filter((name) => /^[^/]+\/data\.pkl$/.test(name))
    .map((name) => name.slice(0, -'data.pkl'.length));
  const root = roots[0];
  if (root === undefined || roots.length > 1) {
    throw new InputError(
      `${file}: a zip archive with ${roots.length} entries */data.pkl, expected the one of torch.save; ` +
        'save the tensors with torch.save',
    );
  }
  if (entries.has(`${root}constants.pkl`)) {
    throw new InputError(
      `${file}: this is a TorchScript program (torch.jit.save), expected tensors; ` +
        'load it with torch.jit.load and save its state_dict() with torch.save',
    );
  }
  return root;
}

async function refuseBigEndian(opened: OpenFile, entry: StoredEntry | undefined): Promise<void> {
  // Written since PyTorch 2.1; before, every machine that wrote this format in practice was little-endian.
  if (entry === undefined) return;
  const bytes = await readBytes(opened, entry.byteOffset, Math.min(entry.byteLength, 16));
  const order = Buffer.from(bytes).toString('latin1');
  if (order === 'little') return;
  throw new InputError(
    `${opened.file}: its byte order is ${JSON.stringify(order)}, expected "little"; save it again on a little-endian machine`,
  );
}
