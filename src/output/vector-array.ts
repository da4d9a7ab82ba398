import path from 'node:path';
import type { FileRecord, Slice } from '../files/file-record.js';
import { hashFile } from '../files/hash-file.js';
import { createPartialFile, type PartialFile } from '../files/partial-file.js';
import { planNpyFile } from '../formats/npy-header.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';
import type { VectorFormat } from './projected-folder.js';

/** A file of vectors, float32 [count, d], that several threads write at once. */
export interface VectorArray {
  /** Where vector 0 begins. */
  slice: Slice;
  /** Completes the file, and records it; it is on the disk after `syncFiles`. */
  finish(): Promise<FileRecord>;
  /** Removes the file, unless it has been completed. */
  discard(): void;
}

/** What a file of vectors holds. */
export interface VectorArrayPlan {
  /** What the vectors are called: 'coordinates' or 'duals'. */
  name: string;
  format: VectorFormat;
  count: number;
  hidden: number;
  /** Of a .safetensors file; the other format has none. */
  metadata: Record<string, string>;
}

/** Opens a file of vectors in a folder. @throws InputError or RunError where it cannot be made */
export function openVectorArray(
  folder: string,
  { name, format, count, hidden, metadata }: VectorArrayPlan,
): VectorArray {
  const tensor = { dtype: 'float32', shape: [count, hidden] } as const;
  const layout =
    format === 'npy' ? planNpyFile(name, tensor) : planSafetensorsFile({ [name]: tensor }, metadata);
  const fileName = `${name}.${format}`;
  const file: PartialFile = createPartialFile(path.join(folder, fileName), { bytes: layout.bytes });
  return {
    slice: { file: file.path, byteOffset: layout.tensors[0]!.byteOffset },
    finish: async () => {
      for (const { offset, bytes } of layout.frame([])) file.write(bytes, offset);
      file.commit({ durable: false });
      const sha256 = await hashFile(path.join(folder, fileName), `the ${name}`);
      return { path: fileName, bytes: layout.bytes, sha256 };
    },
    discard: () => file.discard(),
  };
}
