import { InputError } from '../errors.js';
import { type OpenFile, readBytes, withFile } from '../files/open-file.js';
import { readSafetensorsHeader, type SafetensorsEntry } from './safetensors.js';

/** One of a run's own .safetensors files, opened: its tensors by name, read when asked for. */
export interface StoredTensors {
  has(name: string): boolean;
  /** @throws InputError where there is none of that name, or not one of this dtype and shape */
  entry(name: string, dtype: 'F32' | 'F64', shape: readonly number[]): SafetensorsEntry;
  float64(name: string, shape: readonly number[]): Promise<Float64Array>;
  float32(name: string, shape: readonly number[]): Promise<Float32Array>;
}

/** Opens `file`, hands its tensors to `use`, and closes it again. */
export async function withStoredTensors<T>(
  file: string,
  use: (tensors: StoredTensors) => Promise<T>,
): Promise<T> {
  const { tensors } = await readSafetensorsHeader(file);
  return withFile(file, 'the tensors', (opened) => use(storedTensors(opened, tensors)));
}

function storedTensors(opened: OpenFile, entries: readonly SafetensorsEntry[]): StoredTensors {
  const find = (name: string) => entries.find((entry) => entry.name === name);
  const entry: StoredTensors['entry'] = (name, dtype, shape) => {
    const found = find(name);
    const text = (at: { dtype: string; shape: readonly number[] }) => `${at.dtype} [${at.shape.join(', ')}]`;
    if (found !== undefined && text(found) === text({ dtype, shape })) return found;
    const came = found === undefined ? 'none' : text(found);
    throw new InputError(
      `${opened.file}: expected the tensor ${name}, ${text({ dtype, shape })}; there is ${came}`,
    );
  };
  const bytes = ({ byteOffset, byteLength }: SafetensorsEntry) => readBytes(opened, byteOffset, byteLength);
  return {
    has: (name) => find(name) !== undefined,
    entry,
    float64: async (name, shape) => new Float64Array((await bytes(entry(name, 'F64', shape))).buffer),
    float32: async (name, shape) => new Float32Array((await bytes(entry(name, 'F32', shape))).buffer),
  };
}
