import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { LAYOUT_VERSION } from '../../src/output/manifest.js';
import { planText } from '../../src/output/plan-file.js';
import { directoryStore } from '../../src/output/run-store.js';
import { scratchDirectory } from './fixtures.js';

/**
 * Makes the directory of a run that is planned and not begun, of 60 rows in partitions of 10.
 *
 * @param name of the directory
 * @returns its absolute path
 */
export function plannedRun(t: ExecutionContext, name = 'mine'): string {
  const directory = path.join(scratchDirectory(t), name);
  const text = planText({
    format: 'eigenshard-plan',
    layout: LAYOUT_VERSION,
    version: '0.1.0',
    started: '2026-01-01T00:00:00.000Z',
    identity: {
      layout: LAYOUT_VERSION,
      model: { name: 'made', contentSha256: '', rows: 60, hidden: 8, dtype: 'float32' },
      rows: 'all',
      metric: { source: 'computed', ridge: 1e-6 },
      format: 'parquet',
      partitionRows: 10,
      tables: null,
      exports: [],
    },
    source: { file: '/models/made', byteOffset: 0, rows: 60, columns: 8, dtype: 'float32', tensor: null },
    sourceState: { bytes: 1920, modified: 0, inode: 1 },
    exports: [],
    tables: [],
    kernels: { backend: 'portable', library: 'onnxruntime', version: '1.30.0', float32: 'onnxruntime' },
    choice: { backend: 'portable' },
  });
  directoryStore(directory, { durable: false }).publish('plan.json', [Buffer.from(text)]);
  return directory;
}
