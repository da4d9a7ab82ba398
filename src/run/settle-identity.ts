import { mergeScans, type Scan, type ScannedRange } from '../input/scan.js';
import type { RunIdentity } from '../output/run-identity.js';
import { findingsOfScan } from '../output/unit-parts.js';
import { fingerprintOf } from './identity.js';
import { refuseConstantRows } from './prepare-run.js';
import { publishUnit, type UnitRun } from './unit-run.js';

/** What a run is made from, weights included, and what its scan has found. */
export interface SettledIdentity {
  identity: RunIdentity;
  fingerprint: string;
  scan: Scan;
}

/** Publishes what a scan has told that was taken before the run had a directory. */
export function publishScan(run: UnitRun, scanned: readonly ScannedRange[]): void {
  for (const [unit, range] of scanned.entries())
    publishUnit(run, { stage: 'scan', unit }, findingsOfScan(range), Date.now());
}

/**
 * Merges what the scan has told, the stage `identity`: the mean row, the hash of the weights, the fingerprint.
 *
 * @throws InputError where a metric cannot be computed of the rows
 */
export function settleIdentity(run: UnitRun, scanned: readonly ScannedRange[]): SettledIdentity {
  const started = Date.now();
  const { identity: planned, checkpoint, metric, units } = run.plan;
  const scan = mergeScans(scanned, { ...checkpoint.source, rows: units.rows });
  if (metric.source === 'computed') refuseConstantRows(checkpoint.source, scan.onlyRow);
  const { contentSha256, mean, unfoldedMean } = scan;
  const identity = { ...planned, model: { ...planned.model, contentSha256 } };
  const fingerprint = fingerprintOf(identity);
  const part = checkpoint.source.fold === undefined ? { mean } : { mean, unfoldedMean };
  const findings = { files: [], part, results: { contentSha256, fingerprint } };
  publishUnit(run, { stage: 'identity', unit: 0 }, findings, started);
  return { identity, fingerprint, scan };
}
