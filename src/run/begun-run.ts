import type { ExportIdentity, ExportTarget, ProjectionsExport } from '../output/exports.js';
import type { RunDirectory } from '../output/run-directory.js';
import type { RunContext } from './context.js';
import type { PreparedRun } from './prepare-run.js';

/** A run between its beginning and its commit: what it works on, where it writes, and with what. */
export interface BegunRun {
  prepared: PreparedRun;
  directory: RunDirectory;
  context: RunContext;
  exports: RunExports;
}

/** The exports of a run: all of them, what they say of it, and those that workers write slice by slice. */
export interface RunExports {
  targets: readonly ExportTarget[];
  identity: ExportIdentity;
  projections: readonly ProjectionsExport[];
}
