import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { HubSettings } from '../../src/hub/settings.js';
import type { Checkpoint } from '../../src/input/checkpoint.js';
import { planModel } from '../../src/input/model-plan.js';
import { COMMIT, HubServer } from './hub-server.js';
import { type SyntheticModel, shardedModel } from './runs.js';

/** The shard of `shardedHub` that holds the matrix, and the one that does not. */
export const SHARD = 'model-00002-of-00002.safetensors';
export const OTHER_SHARD = 'model-00001-of-00002.safetensors';

/** A hub with a sharded bfloat16 model of 1500 x 32: a matrix of 96,000 bytes, ten pieces. */
export async function shardedHub(
  t: ExecutionContext,
): Promise<{ server: HubServer; model: SyntheticModel; matrix: Buffer }> {
  const model = shardedModel(t, 1500, 32);
  writeFileSync(join(model.directory, 'tokenizer.json'), JSON.stringify({ model: { vocab: { a: 0 } } }));
  const server = await HubServer.start(t, model.directory);
  // The bytes of the matrix are the last of its shard.
  const matrix = server.files.get(SHARD)!.content.subarray(-model.rows * model.hidden * 2);
  return { server, model, matrix };
}

/** Plans a model of a hub and fetches it. */
export async function obtain(
  hub: HubSettings,
  reference = 'some/model',
  notes: string[] = [],
): Promise<{ checkpoint: Checkpoint; planned: number; received: number }> {
  const plan = await planModel(reference, { hub, note: (line) => notes.push(line) });
  let received = 0;
  const checkpoint = await plan.fetch((bytes) => {
    received += bytes;
  });
  return { checkpoint, planned: plan.bytesToDownload, received };
}

/** An empty snapshot of the commit in the hub's own cache. */
export function hubSnapshot(settings: HubSettings, repository: string): string {
  const model = join(settings.hubCache, `models--${repository.replace('/', '--')}`);
  const snapshot = join(model, 'snapshots', COMMIT);
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(model, 'refs'), { recursive: true });
  writeFileSync(join(model, 'refs', 'main'), COMMIT);
  return snapshot;
}
