import { InputError } from '../errors.js';
import { reduceTasks, runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import type { Checkpoint } from '../input/checkpoint.js';
import { findInputEmbedding } from '../input/input-embedding.js';
import { SCAN_ROWS } from '../plan/plan-run.js';
import { splitRows } from '../plan/row-ranges.js';
import { rowKnots } from '../tables/row-knots.js';
import { type ClassifiedTokens, tokenClasses } from '../tables/token-classes.js';
import { counted } from '../text/figures.js';
import type { LockedRun } from './plan-extension.js';
import { findRecordedModel, readRecordedModel } from './recorded-model.js';

/** What only the checkpoint of a run tells of its tokens. */
export interface CheckpointFacts {
  /** Null where the checkpoint is not at hand. */
  knots: Int32Array | null;
  classified: ClassifiedTokens;
  /** Why texts were not encoded, and of how many tokens. */
  encoding: { failures: number; problems: string[] };
  input: { tensor: string; dtype: string; norms: Float64Array } | null;
  /** Remarks for a person. */
  notes: string[];
}

/** Parts of the vocabulary whose texts are encoded apart: each thread reads the tokenizer once. */
const STRETCHES = 8;

/** Milliseconds that some hundred tokens may take to be encoded; they take some ten. */
const LIMIT_MS = 10_000;

/** Problems of encoding that are kept. */
const MOST_PROBLEMS = 10;

/**
 * Reads what the checkpoint of a run tells of its tokens, once it is known to be the one that the run was made from.
 *
 * @param moved where it lies now; undefined where the run recorded it, and then it need not be there
 * @param isInputNeeded whether nothing else is done without the norms of an input embedding
 * @throws InputError where the one that is given cannot be read, or is another one, or has no such embedding
 */
export async function checkpointFacts(
  run: LockedRun,
  moved: string | undefined,
  isInputNeeded: boolean,
): Promise<CheckpointFacts> {
  const { manifest, context } = run;
  const { rows } = manifest.model;
  let checkpoint: Checkpoint;
  try {
    checkpoint = await findRecordedModel(manifest, moved, context);
    await readRecordedModel(manifest, checkpoint, { hashRows: false }, context);
  } catch (error) {
    if (moved !== undefined || !(error instanceof InputError)) throw error;
    if (isInputNeeded) throw withoutInput(run, `the checkpoint is not at hand: ${error.message}`);
    return {
      knots: null,
      classified: { classes: new Uint8Array(rows), encodings: new Map() },
      encoding: { failures: rows, problems: ['the checkpoint is not at hand'] },
      input: null,
      notes: [
        `the checkpoint is not at hand, so that near-duplicates and tokenizer are not known: ${error.message}`,
      ],
    };
  }
  const { input, notes } = await readInput(run, checkpoint);
  if (input === null && isInputNeeded) throw withoutInput(run, notes[0]!);
  const knots = await readKnots(run, checkpoint);
  const { classified, encoding, notes: ofTokenizer } = await classify(run, checkpoint);
  return { knots, classified, encoding, input, notes: [...ofTokenizer, ...notes] };
}

function withoutInput({ directory }: LockedRun, why: string): InputError {
  return new InputError(`${directory}: has no input_norm to sort by: ${why}; give another column with --by`);
}

async function readKnots({ context }: LockedRun, { source }: Checkpoint): Promise<Int32Array> {
  const { executor, stopwatch } = context;
  const patterns = new BigUint64Array(2 * source.rows);
  const inputs = splitRows(source.rows, SCAN_ROWS).map((rows) => ({ source, rows }));
  await stopwatch.time('near-duplicates', source.rows, (advance) =>
    runTasks(tellRows(executor, advance), 'patterns', inputs, (result, index) => {
      patterns.set(result.patterns, 2 * inputs[index]!.rows.first);
    }),
  );
  return rowKnots(patterns);
}

async function classify(
  { manifest, context }: LockedRun,
  { path: directory }: Checkpoint,
): Promise<Pick<CheckpointFacts, 'classified' | 'encoding' | 'notes'>> {
  const { rows } = manifest.model;
  const classes = new Uint8Array(rows);
  const encodings = new Map<number, readonly number[]>();
  const problems: string[] = [];
  const notes = new Set<string>();
  const inputs = splitRows(rows, Math.ceil(rows / STRETCHES)).map((range) => ({
    directory,
    rows: range,
    limitMs: LIMIT_MS,
  }));
  await context.stopwatch.time('encoding', rows, (advance) =>
    reduceTasks(tellRows(context.executor, advance), 'reachability', inputs, (result, index) => {
      classes.set(result.classes, inputs[index]!.rows.first);
      for (const note of result.notes) notes.add(note);
      for (const { token, ids } of result.encodings) encodings.set(token, ids);
      for (const { token, problem } of result.failures) {
        const line = token < 0 ? problem : `token ${token} ${problem}`;
        if (problems.length < MOST_PROBLEMS && !problems.includes(line)) problems.push(line);
      }
    }),
  );
  const unknown = tokenClasses.indexOf('unknown');
  const failures = classes.filter((found) => found === unknown).length;
  return { classified: { classes, encodings }, encoding: { failures, problems }, notes: [...notes] };
}

async function readInput(
  { manifest, context }: LockedRun,
  { path: checkpoint }: Checkpoint,
): Promise<Pick<CheckpointFacts, 'input' | 'notes'>> {
  const { tensor, rows } = manifest.model;
  const without = (why: string) => ({ input: null, notes: [`no norms of the input embedding: ${why}`] });
  let source: Awaited<ReturnType<typeof findInputEmbedding>>;
  try {
    source = await findInputEmbedding(checkpoint, { tensor, rows });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return without(error.message);
  }
  if (typeof source === 'string') return without(source);
  const { executor, stopwatch } = context;
  const norms = new Float64Array(rows);
  const inputs = splitRows(rows, SCAN_ROWS).map((range) => ({ source, rows: range }));
  await stopwatch.time('input embedding', rows, (advance) =>
    runTasks(tellRows(executor, advance), 'rowNorms', inputs, (result, index) => {
      norms.set(result.norms, inputs[index]!.rows.first);
    }),
  );
  const bad = norms.findIndex((norm) => !Number.isFinite(norm));
  if (bad >= 0) return without(`row ${bad} of ${source.tensor} is not finite, of ${counted(rows, 'row')}`);
  return { input: { tensor: source.tensor!, dtype: source.dtype, norms }, notes: [] };
}
