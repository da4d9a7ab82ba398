import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { EigenshardError, InputError } from '../errors.js';
import { hashFile } from '../files/hash-file.js';
import { writeTable } from '../formats/parquet-table.js';
import { readPairs } from '../input/concept-pairs.js';
import { uniform } from '../linalg/uniform.js';
import { CONCEPT_NAMES, type ConceptManifest, conceptFolders } from '../output/concept-folder.js';
import { readEigenbasis, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { openTable, withoutTables } from '../output/open-table.js';
import { checkFolderName } from '../output/recorded-folder.js';
import { type FoundPair, findPairs, pairFates } from '../queries/find-pairs.js';
import { namedTokens } from '../queries/named-tokens.js';
import { writeConceptPage } from '../report/concept-page.js';
import {
  type ControlOutcome,
  conceptControls,
  drawControl,
  measureControl,
} from '../tables/concept-controls.js';
import type { PairList, TokenRows } from '../tables/concept-geometry.js';
import { type MeasuredSet, measureSet } from '../tables/concept-set.js';
import { summariseConcepts } from '../tables/concept-summary.js';
import {
  conceptTable,
  controlTable,
  cosineTable,
  type PairRow,
  pairTable,
} from '../tables/concept-tables.js';
import { version } from '../version.js';
import { type Caller, callerShape } from './caller.js';
import { type ConceptRows, conceptRows } from './concept-rows.js';
import { conceptVectors, writeConceptVectors } from './concept-vectors.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import { expenseSince } from './expense-since.js';
import { fillFolder } from './fill-folder.js';
import type { LockedRun } from './plan-extension.js';
import { refuseFailed } from './refuse-failed.js';
import { withLockedRun } from './with-locked-run.js';

/** How concepts are found. */
export interface ConceptOptions {
  /** Name of the folder in RUN/concepts. Default: that of the one file, without its ending; of several it has to be given. */
  name?: string | undefined;
  /** Whether digits in the file are texts of tokens, not ids. Default: not. */
  text?: boolean | undefined;
  /** Seed of the controls, a whole number. Default: 0. */
  seed?: number | undefined;
  /** How often each control is drawn, at most 1,000. Default: 10. */
  repeats?: number | undefined;
  /** Whether concepts of this name are replaced. Default: not. */
  overwrite?: boolean | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

/** Concepts that have been found. */
export interface FoundConcepts {
  /** Their folder, absolute. */
  directory: string;
  /** What is recorded of them, with all figures and controls. */
  manifest: ConceptManifest;
  /** Pairs as they were given, and what became of each. */
  pairs: FoundPair[];
}

const conceptSchema = z.strictObject({
  name: z.string().optional(),
  text: z.boolean().optional(),
  seed: z.int().min(0).max(0xffffffff).optional(),
  repeats: z.int().min(1).max(1000).optional(),
  overwrite: z.boolean().optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
}) satisfies z.ZodType<ConceptOptions & Caller>;

/**
 * Finds the directions of concepts from pairs of tokens that differ in nothing else, in the causal metric and in the
 * Euclidean one, measures how well the pairs of each agree and how the concepts lie to each other, and does the same with lists in which there is no
 * concept. Writes tables, vectors and a page into RUN/concepts/NAME, which appears whole or not at all; the run itself is left
 * as it is. Nothing is written to a stream.
 *
 * @param directory output directory of the run
 * @param files pairs of tokens, see docs/concepts.md
 * @param options how they are found, and how that is watched and stopped
 * @returns where they are, what is recorded of them, and what became of every pair
 * @throws EigenshardError of the kind 'input' where there is no run, it has no tables or no pair is one of its tokens,
 *   'verification' where a check fails, 'run' for a full disk, 'interrupted' after an abort
 */
export async function conceptDirections(
  directory: string,
  files: readonly string[],
  options: ConceptOptions & Caller = {},
): Promise<FoundConcepts> {
  const checked = checkConfig(conceptSchema, options, 'options');
  const { workers = configDefaults.workers, seed = 0, repeats = 10, text = false } = checked;
  const name = checkFolderName(checked.name ?? nameOf(files));
  const given = await readPairs(files, text);
  return withLockedRun(directory, workers, options, async (run) => {
    const { tables, model } = run.manifest;
    if (tables === null) throw withoutTables(directory);
    const table = await openTable({ directory: run.directory, tables }, 'tokens', model.rows);
    const named = await namedTokens(table);
    const { texts } = named;
    const pairs = findPairs(given, named);
    const place = { name, isReplaced: checked.overwrite ?? false };
    const make = async (stage: string): Promise<ConceptManifest> => {
      const started = new Date().toISOString();
      const sources = await Promise.all(
        files.map(async (file) => ({
          path: path.resolve(file),
          sha256: await hashFile(file, 'pairs of tokens'),
        })),
      );
      const rows = await conceptRows(run, pairs, table, seed);
      const made = await makeConcepts(run, { pairs, texts, rows, seed, repeats }, stage);
      return {
        format: 'eigenshard-concepts',
        layout: 1,
        version,
        run: { fingerprint: run.manifest.fingerprint, model: model.name },
        sources,
        controls: { seed, repeats, tokens: rows.tokens.length },
        pairs: { given: pairs.length, fates: fatesOf(pairs) },
        ...made,
        execution: expenseSince(started, run.context, {}),
      };
    };
    const { directory: folder, record } = await fillFolder(conceptFolders, run, place, make);
    return { directory: folder, manifest: record, pairs };
  });
}

function nameOf(files: readonly string[]): string {
  const [file, ...others] = files;
  if (file !== undefined && others.length === 0) return path.basename(file).replace(/\.[^.]*$/, '');
  throw new InputError(
    file === undefined
      ? 'expected a file with pairs of tokens; docs/concepts.md says how it is written'
      : 'of several files nothing says what their folder is to be called: give --name',
  );
}

/** What concepts are made of. */
interface Given {
  pairs: FoundPair[];
  /** Texts of all tokens, [V]. */
  texts: ArrayLike<unknown>;
  rows: ConceptRows;
  seed: number;
  repeats: number;
}

/** Measures the concepts and their controls, and writes what came of it on the stage. */
async function makeConcepts(
  run: LockedRun,
  { pairs, texts, rows, seed, repeats }: Given,
  stage: string,
): Promise<Pick<ConceptManifest, 'space' | 'summary' | 'checks' | 'files'>> {
  const { directory, manifest, context } = run;
  const d = manifest.model.hidden;
  await refuseDamagedBasis(directory, manifest);
  const basis = await readEigenbasis(directory, d, manifest.eigenbasis);
  const weights = { euclidean: new Float64Array(d).fill(1), causal: basis.eigenvalues };
  const atHand: TokenRows = { values: rows.values, d, weights };
  const { names, lists, measured } = listsOf(pairs, rows, d);
  const set = measureSet(lists, atHand);
  const outcomes = await context.stopwatch.time('controls', undefined, () =>
    drawControls({ set, lists, rows: atHand }, { seed, repeats }, context.signal),
  );
  const given = names.map((name) => ({
    name,
    given: pairs.filter(({ concept }) => concept === name).length,
  }));
  const summary = summariseConcepts(given, set, outcomes, d);
  const vectors = conceptVectors(set.lists, basis);
  const checks = [rows.check, ...vectors.checks];
  refuseFailed(directory, checks);
  const metadata = fileMetadata(manifest.fingerprint, manifest.layout, manifest.model.name);
  const space = manifest.model.norm === null ? 'normed' : 'residual';
  const textOf = (id: number) => (id < 0 ? null : ((texts[id] ?? null) as string | null));
  const pairRows: PairRow[] = pairs.map(({ concept, a, b, fate }, k) => ({
    ...{ concept, fate, measured: measured[k]! },
    a: { ...a, text: textOf(a.id) },
    b: { ...b, text: textOf(b.id) },
  }));
  const page = { model: manifest.model.name, summary, names, cosines: set.cosines, pairs: pairRows, d };
  return {
    space,
    summary,
    checks,
    files: [
      writeTable(stage, CONCEPT_NAMES.pairs, pairTable(pairRows, set), metadata),
      writeTable(stage, CONCEPT_NAMES.concepts, conceptTable(summary), metadata),
      writeTable(stage, CONCEPT_NAMES.cosines, cosineTable(names, set), metadata),
      writeTable(stage, CONCEPT_NAMES.controls, controlTable(names, outcomes), metadata),
      ...writeConceptVectors(stage, vectors, { names, space }, metadata),
      writeConceptPage(stage, CONCEPT_NAMES.page, page),
    ],
  };
}

/** Lists of pairs by concept, in the order in which concepts appear; pairs of equal rows are marked as such, in place. */
function listsOf(
  pairs: FoundPair[],
  { tokens, values }: Pick<ConceptRows, 'tokens' | 'values'>,
  d: number,
): { names: string[]; lists: PairList[]; measured: PairRow['measured'][] } {
  const places = new Map(Array.from(tokens, (token, place) => [token, place]));
  const found = new Map<string, { index: number; a: number[]; b: number[] }>();
  const rowAt = (place: number) => values.subarray(place * d, (place + 1) * d);
  const measured = pairs.map((pair) => {
    const list = found.get(pair.concept) ?? { index: found.size, a: [], b: [] };
    found.set(pair.concept, list);
    if (pair.fate !== 'used') return null;
    const [a, b] = [places.get(pair.a.id)!, places.get(pair.b.id)!];
    const other = rowAt(b);
    if (rowAt(a).every((value, j) => value === other[j])) {
      pair.fate = 'equal rows';
      return null;
    }
    list.b.push(b);
    return { list: list.index, pair: list.a.push(a) - 1 };
  });
  const lists = [...found.values()].map(({ a, b }) => ({ a: Int32Array.from(a), b: Int32Array.from(b) }));
  return { names: [...found.keys()], lists, measured };
}

/** Draws and measures every control as often as is asked for, each from a stream of its own. */
async function drawControls(
  { set, lists, rows }: { set: MeasuredSet; lists: readonly PairList[]; rows: TokenRows },
  { seed, repeats }: { seed: number; repeats: number },
  signal: AbortSignal | undefined,
): Promise<ControlOutcome[]> {
  const tokens = rows.values.length / rows.d;
  const outcomes: ControlOutcome[] = [];
  for (const [k, control] of conceptControls.entries())
    for (let repeat = 0; repeat < repeats; repeat++) {
      // Lets an interruption be heard.
      await setImmediate();
      if (signal?.aborted) throw new EigenshardError('interrupted', 'interrupted');
      const random = uniform(seed, 2 + k + repeat * conceptControls.length);
      const drawn = drawControl(control, lists, tokens, random);
      outcomes.push(measureControl(control, repeat, { set, lists: drawn }, rows));
    }
  return outcomes;
}

function fatesOf(pairs: readonly FoundPair[]): Record<string, number> {
  return Object.fromEntries(
    pairFates.map((fate) => [fate, pairs.filter((pair) => pair.fate === fate).length]),
  );
}
