import { createHash } from 'node:crypto';
import type { Normalisation } from '../input/norm-head.js';
import type { RowSelection } from '../input/vocabulary-rows.js';

/**
 * SHA-256 (hex) over everything that decides a run's bytes: inputs by their content, options, layout version.
 * Where things lie and how many workers run are not part of it.
 */
export function fingerprintOf(identity: {
  layout: number;
  model: { name: string; contentSha256: string; rows: number; hidden: number; dtype: string };
  rows: RowSelection;
  /** Absent where the rows are taken as they are stored, as by all runs before there was a choice. */
  normalisation?: Normalisation;
  metric: { source: 'file'; sha256: string; ridge: number | null } | { source: 'computed'; ridge: number };
  format: string;
  partitionRows: number;
  tables: { top: number } | null;
  exports: readonly string[];
}): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

/** Key-value metadata that every file of a run carries. */
export function fileMetadata(fingerprint: string, layout: number, model: string): Record<string, string> {
  return { 'eigenshard.fingerprint': fingerprint, 'eigenshard.layout': String(layout), model };
}
