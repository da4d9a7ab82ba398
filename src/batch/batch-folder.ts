import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { EigenshardError } from '../errors.js';
import { openParquetColumns } from '../formats/parquet-columns.js';
import { type Manifest, readManifest } from '../output/manifest.js';
import { holdsBegunRun, MANIFEST_NAME, type RunFolder, runFoldersIn } from '../output/run-folders.js';
import { batchSummaryFile } from './batch-summary.js';

/** A run of a batch, as its folder and the summary tell of it. */
export interface BatchFolderRun {
  /** What the model is called, as far as that is known; else the folder's name. */
  name: string;
  /** The run's folder, below the batch's; null for a run that never began. */
  folder: string | null;
  /** What lies there. `failed`: the last call of the batch said so. */
  state: 'finished' | 'unfinished' | 'failed' | 'damaged';
  /** Of a finished run. */
  manifest: Manifest | null;
  /** Why a run failed, or what is damaged of it. */
  problem: string | null;
}

/** The folders of the runs in the folder of a batch; null for a directory that is none, but of a run or of other things. */
export function runsOfBatch(directory: string): RunFolder[] | null {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return null;
  if (existsSync(path.join(directory, MANIFEST_NAME)) || holdsBegunRun(directory)) return null;
  const runs = runFoldersIn(directory);
  return runs.length > 0 || batchSummaryFile(directory) !== null ? runs : null;
}

/** Reads what the folder of a batch tells of its runs: those with a folder by its name, then those that never began. */
export async function inspectBatch(
  directory: string,
  folders: readonly RunFolder[],
): Promise<BatchFolderRun[]> {
  const failed = await failedRuns(directory);
  const runs = folders.map(({ name: folder, isFinished }): BatchFolderRun => {
    const failure = failed.find((run) => run.folder === folder);
    if (!isFinished && failure !== undefined) return failure;
    const run = { name: failure?.name ?? folder, folder, manifest: null, problem: null };
    if (!isFinished) return { ...run, state: 'unfinished' };
    try {
      const manifest = readManifest(path.join(directory, folder));
      return { ...run, name: manifest.model.name, state: 'finished', manifest };
    } catch (error) {
      if (!(error instanceof EigenshardError)) throw error;
      return { ...run, state: 'damaged', problem: error.message };
    }
  });
  const known = new Set(folders.map(({ name }) => name));
  return [...runs, ...failed.filter(({ folder }) => folder === null || !known.has(folder))];
}

/** The runs that the summary calls failed; none where there is no summary yet. */
async function failedRuns(directory: string): Promise<BatchFolderRun[]> {
  const file = batchSummaryFile(directory);
  if (file === null) return [];
  const table = await openParquetColumns(file, 'the summary of the batch');
  const [models, statuses, errors, folders] = await Promise.all(
    ['model', 'status', 'error', 'folder'].map((column) => table.values(column)),
  );
  const texts = (column: ArrayLike<unknown> | undefined, k: number) =>
    typeof column?.[k] === 'string' ? column[k] : null;
  return Array.from({ length: table.rows }, (_, k) => k)
    .filter((k) => statuses?.[k] === 'failed')
    .map((k) => ({
      name: texts(models, k) ?? '',
      folder: texts(folders, k),
      state: 'failed',
      manifest: null,
      problem: texts(errors, k),
    }));
}
