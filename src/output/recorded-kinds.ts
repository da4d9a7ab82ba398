import { existsSync } from 'node:fs';
import path from 'node:path';
import { COMPARISON_NAME } from './comparison-names.js';
import { SERIES_NAME } from './series-names.js';

/** Folders that are made of finished runs: the name of the record that tells each kind, and what lies there. */
export const recordedKinds = {
  comparison: { record: COMPARISON_NAME, what: 'a comparison' },
  series: { record: SERIES_NAME, what: 'a series' },
  concepts: { record: 'concepts.json', what: 'concepts' },
  projected: { record: 'projected.json', what: 'projected vectors' },
  undertrained: { record: 'undertrained.json', what: 'indicators of undertrained tokens' },
} as const;

/** Kind of a folder that is made of finished runs. */
export type RecordedKindName = keyof typeof recordedKinds;

const names = Object.keys(recordedKinds) as RecordedKindName[];

/** Tells by its record what kind of such folders a directory is; null where it is none. */
export function recordedKindOf(directory: string): RecordedKindName | null {
  return names.find((name) => existsSync(path.join(directory, recordedKinds[name].record))) ?? null;
}
