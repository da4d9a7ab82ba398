import { z } from 'zod';
import { InputError } from '../errors.js';
import type { ExportKind } from '../output/export-kinds.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { additionsSchema, checkAdditions, checkConfig, configDefaults, configSchema } from './config.js';
import { type ExtendedRun, extendRun } from './extend-run.js';

/** What is to be added to a finished run, or made again. */
export interface ExportOptions {
  /** Kinds of export: 'pt', 'safetensors', 'npy'. Default: none. */
  exports?: ExportKind[] | undefined;
  /** The four tables, and the report with them. Default: only where `top` is given. */
  tables?: 'all' | undefined;
  /** Tokens in each list of the table of extremes, at most 1,000. Default: as the run has it, or 20. */
  top?: number | undefined;
  /**
   * The checkpoint, which tables are made of as well: a path, or owner/name@revision on the hub. Default: where the run
   * recorded it.
   */
  model?: string | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

const exportSchema = z.strictObject({
  ...additionsSchema.shape,
  model: configSchema.shape.model,
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
}) satisfies z.ZodType<ExportOptions & Caller>;

/**
 * Adds exports and tables to a finished run from what lies on the disk, and records them: projections are not computed
 * again. The run has the same files with the same bytes then, and the same manifest but for how it went, as if it had been
 * made so. Nothing is written to a stream. A kill at any moment leaves the run as it was, or as it is to be.
 *
 * @param directory output directory of the run
 * @param options what is to be added, and how that is watched and stopped
 * @returns the run's manifest as it is now, and which files were made and which were there
 * @throws EigenshardError of the kind 'input' where there is no run, the options are wrong, the disk is too small or a file of
 *   somebody else stands in the way, 'verification' where the run is damaged, 'run' for a full disk, 'interrupted' after an abort
 */
export async function exportRun(
  directory: string,
  options: ExportOptions & Caller = {},
): Promise<ExtendedRun> {
  const { exports, tables, top, workers, model } = checkConfig(exportSchema, options, 'options');
  const additions = checkAdditions({ exports, tables, top }, 'options');
  if (model !== undefined && additions.tables === undefined && additions.top === undefined)
    throw new InputError(
      `${directory}: --model says where the checkpoint is that tables are made of, and exports are made of the partitions alone: ` +
        'leave it away, or ask for tables',
    );
  return withContext(workers ?? configDefaults.workers, options, (context) =>
    extendRun(directory, additions, model, context),
  );
}
