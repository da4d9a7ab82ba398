import path from 'node:path';
import { COMPARISON_NAME } from './comparison-names.js';
import { beginsAs } from './run-folders.js';
import { SERIES_NAME } from './series-names.js';

/** Folders that are made of finished runs: name and format of the record that tells each kind, and what lies there. */
export const recordedKinds = {
  comparison: { record: COMPARISON_NAME, format: 'eigenshard-comparison', what: 'a comparison' },
  series: { record: SERIES_NAME, format: 'eigenshard-series', what: 'a series' },
  concepts: { record: 'concepts.json', format: 'eigenshard-concepts', what: 'concepts' },
  projected: { record: 'projected.json', format: 'eigenshard-projected', what: 'projected vectors' },
  undertrained: {
    record: 'undertrained.json',
    format: 'eigenshard-undertrained',
    what: 'indicators of undertrained tokens',
  },
} as const;

/** Kind of a folder that is made of finished runs. */
export type RecordedKindName = keyof typeof recordedKinds;

const names = Object.keys(recordedKinds) as RecordedKindName[];

/**
 * Tells by its record what kind of such folders a directory is; null where it is none. The name of a file is not enough: a batch,
 * or a list of concepts, may lie under one of these names beside runs, in a run, or in a checkpoint.
 */
export function recordedKindOf(directory: string): RecordedKindName | null {
  const isThere = (name: RecordedKindName) => {
    const { record, format, what } = recordedKinds[name];
    return beginsAs(path.join(directory, record), format, `the record of ${what}`);
  };
  return names.find(isThere) ?? null;
}
