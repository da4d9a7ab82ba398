import { mergeScans, type Scan, type ScannedRange } from '../input/scan.js';
import type { RunIdentity } from '../output/run-identity.js';
import { findingsOfScan } from '../output/unit-parts.js';
import type { RunContext } from './context.js';
import { fingerprintOf } from './identity.js';
import { refuseConstantRows } from './refuse-constant-rows.js';
import { publishUnit, type UnitRun } from './unit-run.js';
import type { WeighedRows } from './weigh-rows.js';

/** What a run is made from, weights included, and what its scan has found. */
export interface SettledIdentity {
  identity: RunIdentity;
  fingerprint: string;
  /** Of weighed rows, with the means under their weights. */
  scan: Scan;
  /** Weights of the rows, [V], their sum 1; null where all are alike. */
  weights: Float64Array | null;
}

/** Publishes what a scan has told that was taken before the run had a directory. */
export function publishScan(run: UnitRun, scanned: readonly ScannedRange[]): void {
  for (const [unit, range] of scanned.entries())
    publishUnit(run, { stage: 'scan', unit }, findingsOfScan(range), Date.now());
}

/**
 * Merges what the scan has told, the stage `identity`: the mean row, the hash of the weights, the fingerprint. Where rows are
 * weighed, it computes their weights, which are made of all rows, and the mean under them, on the pool.
 *
 * @param weighed what the rows are weighed by, where this process has read it; it is read again where nothing is said
 * @throws InputError where a metric cannot be computed of the rows, or what they are weighed by is not what was planned
 */
export async function settleIdentity(
  run: UnitRun,
  scanned: readonly ScannedRange[],
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
  weighed?: { values: Float64Array | null },
): Promise<SettledIdentity> {
  const started = Date.now();
  const { identity: planned, checkpoint, metric, units, weights: record } = run.plan;
  const source = { ...checkpoint.source, rows: units.rows };
  const merged = mergeScans(scanned, source);
  if (metric.source === 'computed') refuseConstantRows(source, merged.onlyRow);
  let rows: Partial<WeighedRows> = {};
  if (record !== undefined) {
    // Loaded where rows are weighed: as a step of its own this stage takes less than that.
    const [{ readRecordedWeighting, weighedCheckpoint }, { passesOfWeighting, weighRows }] =
      await Promise.all([import('../input/weighting/read-weighting.js'), import('./weigh-rows.js')]);
    const logitBias = checkpoint.logitBias ?? null;
    const place = weighedCheckpoint({ path: checkpoint.path, source, logitBias });
    const { values } = weighed ?? { values: await readRecordedWeighting(record, place) };
    const inputs = { record, values, source, logitBias, scan: merged };
    rows = await stopwatch.time('weights', units.rows * passesOfWeighting(record), (onRows) =>
      weighRows(inputs, { executor, ranges: units.scans, onRows }),
    );
  }
  const { weights, ...means } = rows;
  const scan = { ...merged, ...means };
  const { contentSha256, mean, unfoldedMean } = scan;
  const identity = { ...planned, model: { ...planned.model, contentSha256 } };
  const fingerprint = fingerprintOf(identity);
  const part = {
    mean,
    ...(checkpoint.source.fold === undefined ? {} : { unfoldedMean }),
    ...(weights === undefined ? {} : { weights }),
  };
  const findings = { files: [], part, results: { contentSha256, fingerprint } };
  publishUnit(run, { stage: 'identity', unit: 0 }, findings, started);
  return { identity, fingerprint, scan, weights: weights ?? null };
}
