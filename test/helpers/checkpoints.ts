import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { OtherTensor } from '../../src/input/checkpoint.js';
import { explainCheckpoint } from '../../src/input/open-checkpoint.js';
import { openRows } from '../../src/input/rows.js';
import { type FixtureTensor, safetensors, scratchDirectory } from './fixtures.js';

/** A bfloat16 matrix of `rows` x 3 in which every byte is `fill`. */
export function matrix(name: string, rows = 4, fill = 1): FixtureTensor {
  return { name, dtype: 'BF16', shape: [rows, 3], data: new Uint8Array(rows * 6).fill(fill) };
}

/** What lies in a Hugging Face directory. */
export interface Contents {
  /** By default of the width 3, and silent about all else. */
  config?: object;
  single?: FixtureTensor[];
  shards?: Record<string, FixtureTensor[]>;
  /** What the index says beside what follows from the shards. */
  index?: Record<string, unknown>;
  /** Other files, as JSON where they are not text. */
  files?: Record<string, unknown>;
}

/** Makes a Hugging Face directory. @returns its path */
export function checkpointDirectory(t: ExecutionContext, contents: Contents): string {
  const { config, single, shards, index, files = {} } = contents;
  const directory = scratchDirectory(t);
  writeFileSync(
    join(directory, 'config.json'),
    JSON.stringify(config ?? { model_type: 'test', hidden_size: 3 }),
  );
  if (single !== undefined) writeFileSync(join(directory, 'model.safetensors'), safetensors(single));
  const map: Record<string, unknown> = { ...index };
  for (const [shard, tensors] of Object.entries(shards ?? {})) {
    writeFileSync(join(directory, shard), safetensors(tensors));
    for (const { name } of tensors) map[name] = shard;
  }
  if (shards !== undefined) {
    writeFileSync(
      join(directory, 'model.safetensors.index.json'),
      JSON.stringify({ metadata: {}, weight_map: map }),
    );
  }
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return directory;
}

/** What is found in a checkpoint: the tensor, the first byte of its matrix (`fill` above), and what is said of it. */
export async function found(
  path: string,
  tensor?: string,
): Promise<{ tensor: string | null; fill: number; notes: string[]; reason: string; others: OtherTensor[] }> {
  const { source, notes, reason, others } = await explainCheckpoint(
    path,
    tensor === undefined ? {} : { tensor },
  );
  const into = new Uint8Array(source.columns * (source.dtype === 'float32' ? 4 : 2));
  const reader = openRows(source);
  reader.read(0, 1, into);
  reader.close();
  return { tensor: source.tensor, fill: into[0]!, notes, reason, others };
}
