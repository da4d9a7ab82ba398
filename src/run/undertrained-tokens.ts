import { z } from 'zod';
import { InputError } from '../errors.js';
import type { ParquetColumns } from '../formats/parquet-columns.js';
import { writeTable } from '../formats/parquet-table.js';
import { readEigenbasis, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { openTable, withoutTables } from '../output/open-table.js';
import { checkFolderName } from '../output/recorded-folder.js';
import {
  INDICATORS_NAME,
  type UndertrainedManifest,
  undertrainedFolders,
} from '../output/undertrained-folder.js';
import { namedTokens } from '../queries/named-tokens.js';
import { largestKnot } from '../tables/row-knots.js';
import { type ClassifiedTokens, classOf, type TokenClass, tokenClasses } from '../tables/token-classes.js';
import {
  type IndicatorColumn,
  indicatorColumns,
  indicatorValues,
  MOST_LISTED,
  type UndertrainedFacts,
  undertrainedTable,
} from '../tables/undertrained-table.js';
import { counted } from '../text/figures.js';
import { version } from '../version.js';
import { type Caller, callerShape } from './caller.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import { expenseSince } from './expense-since.js';
import { fillFolder } from './fill-folder.js';
import { indicatorChecks, meanOfRows, measureIndicators } from './measure-indicators.js';
import { meanOfColumns } from './measure-rows.js';
import { partitionInputs } from './partition-inputs.js';
import type { LockedRun } from './plan-extension.js';
import { refuseFailed } from './refuse-failed.js';
import { checkpointFacts } from './undertrained-sources.js';
import { withLockedRun } from './with-locked-run.js';

/** What indicators are measured against, and which tokens are listed. */
export interface UndertrainedOptions {
  /** Ids of tokens that are known to be undertrained. Default: rows without a token, and the largest knot of near-duplicates. */
  reference?: number[] | undefined;
  /** Name of the folder in RUN/undertrained. Default: 'default'. */
  name?: string | undefined;
  /** Column by which the list is sorted. Default: the first that is known of 'input_norm', 'indicator_b', 'indicator_a' and 'indicator_d'. */
  by?: IndicatorColumn | undefined;
  /** Tokens in the list, at most 10,000. Default: 20. */
  top?: number | undefined;
  /** The checkpoint: a path, or owner/name@revision on the hub. Default: where the run recorded it, if it is there. */
  model?: string | undefined;
  /** Whether indicators of this name are replaced. Default: not. */
  overwrite?: boolean | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

/** A token with its indicators; null where one is not defined, or not known. */
export interface IndicatedToken extends Record<IndicatorColumn, number | null> {
  token_id: number;
  text: string | null;
  class: TokenClass;
}

/** Indicators that have been measured. */
export interface FoundUndertrained {
  /** Their folder, absolute. */
  directory: string;
  /** What is recorded of them. */
  manifest: UndertrainedManifest;
  /** Column by which the list is sorted. */
  by: IndicatorColumn;
  /** Tokens with the smallest values that are not of the reference, and that texts can reach, as far as that is known. */
  tokens: IndicatedToken[];
}

const undertrainedSchema = z.strictObject({
  reference: z.array(z.int().min(0)).min(1).optional(),
  name: z.string().optional(),
  by: z.enum(indicatorColumns).optional(),
  top: z.int().min(1).max(MOST_LISTED).optional(),
  model: configSchema.shape.model,
  overwrite: z.boolean().optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
}) satisfies z.ZodType<UndertrainedOptions & Caller>;

/**
 * Measures indicators of undertrained tokens: how near each row is to rows that no training can have reached, and whether the
 * tokenizer itself can reach the token. They point at tokens to be tried; what a model does with them only generation shows.
 * Writes RUN/undertrained/NAME, which appears whole or not at all; the run itself is left as it is. Nothing is written to a
 * stream.
 *
 * @param directory output directory of the run
 * @param options what they are measured against, and how that is watched and stopped
 * @returns where they are, what is recorded of them, and a list
 * @throws EigenshardError of the kind 'input' where there is no run, it has no tables or nothing to refer to, 'verification'
 *   where a check fails, 'run' for a full disk, 'interrupted' after an abort
 */
export async function undertrainedTokens(
  directory: string,
  options: UndertrainedOptions & Caller = {},
): Promise<FoundUndertrained> {
  const checked = checkConfig(undertrainedSchema, options, 'options');
  const { workers = configDefaults.workers, top = 20 } = checked;
  const name = checkFolderName(checked.name ?? 'default');
  return withLockedRun(directory, workers, options, async (run) => {
    refuseUnknown(run, checked.reference);
    if (checked.by === 'indicator_b') refuseWithoutPrincipal(run);
    let facts: UndertrainedFacts | undefined;
    const place = { name, isReplaced: checked.overwrite ?? false };
    const make = async (stage: string): Promise<UndertrainedManifest> => {
      const started = new Date().toISOString();
      const made = await makeIndicators(run, checked, stage);
      facts = made.facts;
      return {
        format: 'eigenshard-undertrained',
        layout: 1,
        version,
        run: { fingerprint: run.manifest.fingerprint, model: run.manifest.model.name },
        ...made.record,
        execution: expenseSince(started, run.context, {}),
      };
    };
    const { directory: folder, record } = await fillFolder(undertrainedFolders, run, place, make);
    return { directory: folder, manifest: record, ...listTokens(facts!, checked.by, top) };
  });
}

/** @throws InputError for ids that are no token's */
function refuseUnknown({ directory, manifest }: LockedRun, reference: readonly number[] | undefined): void {
  const { rows } = manifest.model;
  const unknown = reference?.find((id) => id >= rows);
  if (unknown === undefined) return;
  throw new InputError(
    `${directory}: has no token ${unknown}, which --reference names; its ids are 0 to ${rows - 1}`,
  );
}

/** @throws InputError where a run cannot have `indicator_b`, by which the list is to be sorted */
function refuseWithoutPrincipal({ directory, manifest }: LockedRun): void {
  const why = withoutPrincipal(manifest);
  if (why === null) return;
  throw new InputError(`${directory}: has no indicator_b to sort by: ${why}; give another column with --by`);
}

type Made = {
  facts: UndertrainedFacts;
  record: Omit<UndertrainedManifest, 'format' | 'layout' | 'version' | 'run' | 'execution'>;
};

/** Measures the indicators, and writes their table on the stage. */
async function makeIndicators(
  run: LockedRun,
  { reference: given, model, by }: Pick<UndertrainedOptions, 'reference' | 'model' | 'by'>,
  stage: string,
): Promise<Made> {
  const { directory, manifest } = run;
  const { rows, hidden, name } = manifest.model;
  const { tables } = manifest;
  if (tables === null) throw withoutTables(directory);
  const table = await openTable({ directory, tables }, 'tokens', rows);
  const known = await checkpointFacts(run, model, by === 'input_norm');
  const groups = await table.numbers('duplicate_group');
  // Equal rows are near-duplicates that the tables know without the checkpoint.
  const knots = known.knots ?? Int32Array.from(groups, (group) => (Number.isNaN(group) ? -1 : group));
  const orphans = await orphansOf(table, known.classified);
  const knot = largestKnot(knots);
  const chosen = Int32Array.from(new Set(given ?? [...orphans, ...knot])).sort();
  if (chosen.length === 0)
    throw new InputError(
      `${directory}: nothing is known to be undertrained: every row has a token, and no two are near-duplicates; give ids of ` +
        'tokens with --reference',
    );
  await refuseDamagedBasis(directory, manifest);
  const { eigenvalues } = await readEigenbasis(directory, hidden, manifest.eigenbasis);
  const partitions = partitionInputs(run);
  // Checksums are compared as well. The tables have that of the weights alone, and an indicator is one of rows.
  const mean = await meanOfColumns(partitions, run.context);
  const compared = { reference: await meanOfRows(run, chosen), mean, eigenvalues };
  const indicators = await measureIndicators(run, compared);
  const norms = {
    norm: await table.numbers('norm'),
    causalNorm: await table.numbers('causal_norm'),
  };
  const checks = indicatorChecks(indicators, norms, compared);
  refuseFailed(directory, checks);
  const whyNoPrincipal = withoutPrincipal(manifest);
  if (whyNoPrincipal !== null) indicators.b.fill(Number.NaN);
  const isReference = new Uint8Array(rows);
  for (const token of chosen) isReference[token] = 1;
  const facts: UndertrainedFacts = {
    texts: await table.values('text'),
    classified: known.classified,
    isReference,
    knots,
    indicators,
    centredCausalNorm: await table.numbers('centred_causal_norm'),
    inputNorm: known.input?.norms ?? null,
  };
  const metadata = fileMetadata(manifest.fingerprint, manifest.layout, name);
  const within = (tokens: readonly number[]) => tokens.filter((token) => isReference[token] === 1).length;
  const norm = Math.sqrt(compared.reference.reduce((sum, value) => sum + value * value, 0));
  return {
    facts,
    record: {
      reference: {
        source: given === undefined ? 'orphans and the largest knot' : 'given',
        tokens: chosen.length,
        orphans: within(orphans),
        knot: within(knot),
        knots: known.knots === null ? 'equal bits' : 'equal signs and exponents',
        norm,
      },
      classes: countsOf(facts),
      encoding: known.encoding,
      input: known.input === null ? null : { tensor: known.input.tensor, dtype: known.input.dtype },
      notes: [...known.notes, ...notesOn(chosen.length, norm, whyNoPrincipal)],
      checks,
      files: [writeTable(stage, INDICATORS_NAME, undertrainedTable(facts), metadata)],
    },
  };
}

/** Gives classes, in place, to what the tables know of the tokens where nothing else did. @returns rows without a token */
async function orphansOf(table: ParquetColumns, { classes }: ClassifiedTokens): Promise<number[]> {
  const [isOrphan, isSpecial] = [await table.values('is_orphan'), await table.values('is_special')];
  const { isByte } = await namedTokens(table);
  const orphans: number[] = [];
  for (let id = 0; id < classes.length; id++) {
    if (isOrphan[id] === true) orphans.push(id);
    if (tokenClasses[classes[id]!] !== 'unknown') continue;
    if (isOrphan[id] === true) classes[id] = tokenClasses.indexOf('orphan');
    else if (isSpecial[id] === true) classes[id] = tokenClasses.indexOf('special');
    else if (isByte?.[id] === true) classes[id] = tokenClasses.indexOf('byte fallback');
  }
  return orphans;
}

/**
 * Says why the first direction of a run is not the first principal direction of its rows: only of their own covariance it is,
 * of centred rows that count the same.
 *
 * @returns null where it is
 */
function withoutPrincipal({ metric, weights }: LockedRun['manifest']): string | null {
  const not = "its first direction is not the rows' principal one";
  if (metric.source === 'file') return metric.matches === true ? null : `the metric was given, and ${not}`;
  if (metric.secondMoment !== 'centred') return `the second moment is ${metric.secondMoment}, and ${not}`;
  return weights === null ? null : `the rows are weighted, and ${not}`;
}

/** A mean of fewer rows says little of what they have in common. */
const FEW = 8;

function notesOn(count: number, norm: number, whyNoPrincipal: string | null): string[] {
  return [
    ...(count < FEW
      ? [`the reference has ${counted(count, 'token')} alone: the indicators rest on few rows`]
      : []),
    ...(norm > 0 ? [] : ['the mean of the reference is zero: cosines with it are not defined']),
    ...(whyNoPrincipal === null ? [] : [`indicator_b is not known: ${whyNoPrincipal}`]),
  ];
}

function countsOf({ classified, isReference }: UndertrainedFacts): UndertrainedManifest['classes'] {
  const counts: UndertrainedManifest['classes'] = {};
  for (let id = 0; id < isReference.length; id++) {
    const found = classOf(classified, id);
    counts[found] = (counts[found] ?? 0) + 1;
  }
  return Object.fromEntries(
    tokenClasses.flatMap((name) => (counts[name] === undefined ? [] : [[name, counts[name]]])),
  );
}

/** Classes of tokens that texts can have, as far as that is known. */
const listed: readonly TokenClass[] = ['reachable', 'unknown'];

/** Columns by which a list is sorted where none is named, best first: not all are known of every run. */
const usual: readonly IndicatorColumn[] = ['input_norm', 'indicator_b', 'indicator_a', 'indicator_d'];

/** Lists the tokens with the smallest values of a column, or of the first usual one that is known, ties to the lowest id. */
function listTokens(
  facts: UndertrainedFacts,
  asked: IndicatorColumn | undefined,
  top: number,
): Pick<FoundUndertrained, 'by' | 'tokens'> {
  const isKnown = (column: IndicatorColumn) =>
    indicatorValues(facts, column)?.some((value) => !Number.isNaN(value)) ?? false;
  // Distances are always known.
  const by = asked ?? usual.find(isKnown)!;
  const values = indicatorValues(facts, by) ?? new Float64Array();
  const ids = Array.from({ length: values.length }, (_, id) => id).filter(
    (id) =>
      facts.isReference[id] === 0 &&
      !Number.isNaN(values[id]) &&
      listed.includes(classOf(facts.classified, id)),
  );
  const tokens = ids
    .sort((a, b) => values[a]! - values[b]! || a - b)
    .slice(0, top)
    .map((id) => ({
      token_id: id,
      text: (facts.texts[id] ?? null) as string | null,
      class: classOf(facts.classified, id),
      ...(Object.fromEntries(
        indicatorColumns.map((column) => {
          const value = indicatorValues(facts, column)?.[id] ?? Number.NaN;
          return [column, Number.isNaN(value) ? null : value];
        }),
      ) as Record<IndicatorColumn, number | null>),
    }));
  return { by, tokens };
}
