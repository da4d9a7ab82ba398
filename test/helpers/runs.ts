import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ExecutionContext } from 'ava';
import { createProgress } from '../../src/commands/progress.js';
import type { Executor } from '../../src/executor/executor.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { type HubSettings, hubSettings } from '../../src/hub/settings.js';
import type { Checkpoint } from '../../src/input/checkpoint.js';
import { syntheticRows } from '../../src/input/synthetic.js';
import { type Config, loadConfig, type Overrides } from '../../src/run/config.js';
import { coordinateRun, type FinishedRun } from '../../src/run/coordinator.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { type RunVerification, type VerifyRunOptions, verifyRun } from '../../src/run/verify-run.js';
import { safetensors, scratchDirectory } from './fixtures.js';

/** Settings of the hub that ask nothing of the network. */
export const offlineHub = hubSettings({ HF_HUB_OFFLINE: '1' });

/** Flags of a run that a test sets. */
export interface RunFlags {
  resume?: boolean;
  overwrite?: boolean;
  checksums?: boolean;
  /** Takes the notes of the run. */
  notes?: string[];
  /** `offlineHub` by default. */
  hub?: HubSettings;
  checkpoint?: Checkpoint;
  /** The stage at whose beginning the run is interrupted. */
  interruptAt?: string;
}

/**
 * Runs a job in this process, without progress, and with the portable backend: a system library has one number of
 * threads for the whole process, in which tests run at once.
 */
export async function runHere(overrides: Overrides, flags: RunFlags = {}): Promise<FinishedRun> {
  return runConfig(await loadConfig(null, { workers: 2, backend: 'portable', ...overrides }), flags);
}

/** Threads in the pool of this process. */
const WORKERS = 2;

let pool: ThreadExecutor | undefined;

/** Gives the threads that runs of this process share: to start some takes longer than most runs. They end with it. */
function sharedPool(): ThreadExecutor {
  pool ??= new ThreadExecutor({ workers: WORKERS });
  return pool;
}

/** Runs a job of a checked configuration in this process, without progress. */
export async function runConfig(config: Config, flags: RunFlags): Promise<FinishedRun> {
  const {
    resume = false,
    overwrite = false,
    checksums = false,
    notes,
    hub = offlineHub,
    checkpoint,
    interruptAt,
  } = flags;
  const interruption = new AbortController();
  const isShared = config.workers === WORKERS && interruptAt === undefined;
  const executor = isShared
    ? sharedPool()
    : new ThreadExecutor({ workers: config.workers, signal: interruption.signal });
  const quiet = createProgress(process.stderr, true);
  const stopwatch = new Stopwatch({
    ...quiet,
    stage: (name) => {
      if (name === interruptAt) interruption.abort();
      return quiet.stage(name);
    },
  });
  const note = (line: string) => void notes?.push(line);
  try {
    return await coordinateRun(
      config,
      { resume, overwrite, checksums },
      { executor, stopwatch, note, hub },
      checkpoint === undefined ? {} : { checkpoint },
    );
  } finally {
    if (!isShared) await executor.close();
  }
}

/** Verifies a run in this process, without progress. */
export async function verifyHere(
  directory: string,
  options: Partial<VerifyRunOptions> = {},
): Promise<RunVerification & { problems: string }> {
  return verifyWith(sharedPool(), directory, options);
}

/** Verifies a run as `verifyHere` does, on threads that many verifications share. */
export async function verifyWith(
  executor: Executor,
  directory: string,
  options: Partial<VerifyRunOptions> = {},
): Promise<RunVerification & { problems: string }> {
  const context = {
    executor,
    stopwatch: new Stopwatch(createProgress(process.stderr, true)),
    note: () => {},
    hub: offlineHub,
  };
  const found = await verifyRun(directory, { isExact: false, ...options }, context);
  const failed = found.verification.checks.filter(({ verdict }) => verdict === 'failed');
  return { ...found, problems: failed.map(({ name, detail }) => `${name}: ${detail}`).join('\n') };
}

/** Checkpoint that was made for a test. */
export interface SyntheticModel {
  directory: string;
  /** Rows [rows, hidden], exactly what the checkpoint stores. */
  gamma: Float32Array;
  rows: number;
  hidden: number;
}

/**
 * A Hugging Face directory in bfloat16 whose weights are in two shards with an index: `lm_head.weight` in the
 * second one, behind another tensor.
 */
export function shardedModel(t: ExecutionContext, rows: number, hidden: number, seed = 7): SyntheticModel {
  const directory = path.join(scratchDirectory(t), 'sharded');
  mkdirSync(directory);
  const { gamma, stored } = bfloat16Rows(rows, hidden, seed);
  const other = {
    name: 'model.norm.weight',
    dtype: 'BF16',
    shape: [hidden],
    data: new Uint8Array(2 * hidden),
  };
  const embedding = { ...other, name: 'model.embed_tokens.weight', shape: [3, hidden] };
  const shards = {
    'model-00001-of-00002.safetensors': [{ ...embedding, data: new Uint8Array(6 * hidden) }],
    'model-00002-of-00002.safetensors': [
      other,
      { name: 'lm_head.weight', dtype: 'BF16', shape: [rows, hidden], data: stored },
    ],
  };
  const weightMap: Record<string, string> = {};
  for (const [file, tensors] of Object.entries(shards)) {
    writeFileSync(path.join(directory, file), safetensors(tensors));
    for (const { name } of tensors) weightMap[name] = file;
  }
  const index = { metadata: {}, weight_map: weightMap };
  writeFileSync(path.join(directory, 'model.safetensors.index.json'), JSON.stringify(index));
  const config = { model_type: 'test', hidden_size: hidden, vocab_size: rows, tie_word_embeddings: false };
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config));
  return { directory, gamma, rows, hidden };
}

/** Synthetic rows cut to bfloat16: as stored, and as the float32 values that they mean. */
function bfloat16Rows(rows: number, hidden: number, seed: number) {
  const fill = syntheticRows({ rows, hidden, seed });
  const gamma = new Float32Array(rows * hidden);
  for (let i = 0; i < rows; i++) fill(i, gamma.subarray(i * hidden, (i + 1) * hidden));
  const bits = new Uint32Array(gamma.buffer);
  const stored = new Uint16Array(bits.length);
  for (let k = 0; k < bits.length; k++) {
    stored[k] = bits[k]! >>> 16;
    bits[k]! &= 0xffff0000;
  }
  return { gamma, stored: new Uint8Array(stored.buffer) };
}

/** Every file of a run but those that tell how it went, by path. */
export function dataFiles(directory: string): Map<string, Buffer> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .filter((name) => !['manifest.json', 'records.jsonl'].includes(name))
    .sort();
  return new Map(names.map((name) => [name, readFileSync(path.join(directory, name))]));
}

/** The projections of a run [rows, hidden], as DuckDB reads its Parquet partitions. */
export async function readProjections(directory: string): Promise<{ ids: number[]; values: Float32Array }> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const glob = path.join(directory, 'projections/parquet', '*.parquet');
  const result = await connection.runAndReadAll(`SELECT * FROM read_parquet('${glob}') ORDER BY token_id`);
  const rows = result.getRows() as number[][];
  connection.closeSync();
  return { ids: rows.map((row) => row[0]!), values: Float32Array.from(rows.flatMap((row) => row.slice(1))) };
}

/** The eigenbasis of a run. */
export async function readBasis(
  directory: string,
  d: number,
): Promise<{ eigenvalues: Float64Array; eigenvectors: Float32Array }> {
  return withStoredTensors(path.join(directory, 'eigenbasis.safetensors'), async (tensors) => ({
    eigenvalues: await tensors.float64('eigenvalues', [d]),
    eigenvectors: await tensors.float32('eigenvectors', [d, d]),
  }));
}
