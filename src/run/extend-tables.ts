import { columnVariances } from '../checks/averages.js';
import { mergeMeasurements } from '../checks/measurements.js';
import { summationOf } from '../checks/rounding.js';
import { EigenshardError } from '../errors.js';
import type { Checkpoint } from '../input/checkpoint.js';
import { readLogitBias, recordBias } from '../input/logit-bias.js';
import type { EigenbasisOnDisk } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import type { Manifest } from '../output/manifest.js';
import { identityOfManifest } from '../output/manifest-identity.js';
import { readWeighing } from '../output/metric-file.js';
import { weighingOfTables } from '../output/run-identity.js';
import { stageFile } from '../output/staged-files.js';
import { writeReport } from '../report/write-report.js';
import { emptyTables } from '../tables/merged-tables.js';
import { withFiguresOfRows } from '../tables/spectral-figures.js';
import { readVocabulary, type Vocabulary } from '../tables/vocabulary.js';
import { refuseDamaged } from './export-projections.js';
import { measurePartitions } from './measure-partitions.js';
import { hasReport, type LockedRun } from './plan-extension.js';
import { findRecordedModel, type RecordedModel, readRecordedModel } from './recorded-model.js';
import { recordedPartitions } from './recorded-partitions.js';
import { spectrumSource } from './spectrum-source.js';
import { writeTables } from './write-tables.js';

/** What tables hold beside what eigenbasis and partitions tell. */
export interface TableInputs extends RecordedModel {
  vocabulary: Vocabulary;
  /** Bias of each token's logit, [V]; null where there is none. */
  logitBias: Float64Array | null;
}

/**
 * Reads the checkpoint of a finished run for its tables: texts of tokens, norms of rows, equal rows.
 *
 * @param place where it lies now, if not where the run recorded it
 * @throws InputError where it is another one, or not at hand
 */
export async function readTableInputs(
  { manifest, context }: LockedRun,
  place: string | undefined,
): Promise<TableInputs> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = await findRecordedModel(manifest, place, context);
  } catch (error) {
    if (place !== undefined || !(error instanceof EigenshardError) || error.kind === 'interrupted')
      throw error;
    const message = `tables are made of the checkpoint as well, and it is not at hand: ${error.message}`;
    throw new EigenshardError(error.kind, `${message}. If it lies elsewhere now, give --model`, {
      cause: error,
    });
  }
  const vocabulary = await readVocabulary(checkpoint.path, manifest.model.rows);
  const read = await readRecordedModel(manifest, checkpoint, { hashRows: true }, context);
  const bias = await recordBias(checkpoint.logitBias, context.note);
  const logitBias = await readLogitBias(bias, read.scan.offsets, manifest.model.rows);
  return { vocabulary, logitBias, ...read };
}

/**
 * Makes the tables of a finished run, and its report with them, on its stage.
 *
 * @param run its manifest has the exports that it is to have
 * @param settings `top`: tokens in each list of extremes
 * @returns the manifest of the run with them
 */
export async function extendTables(
  { directory, manifest, context }: LockedRun,
  { top, inputs }: { top: number; inputs: TableInputs },
  basis: EigenbasisOnDisk,
  stage: string,
): Promise<Manifest> {
  const { executor, stopwatch } = context;
  const { model, metric, eigenvalues } = manifest;
  const { source, scan, vocabulary, logitBias } = inputs;
  const { rows, hidden } = model;
  const weighing = manifest.weights === null ? null : await readWeighing(directory, model);
  const mean = weighing?.mean ?? scan.mean;
  const tables = emptyTables(basis, mean, { rows, top, ...weighingOfTables(identityOfManifest(manifest)) });
  const metadata = fileMetadata(manifest.fingerprint, manifest.layout, model.name);
  const partitions = recordedPartitions(manifest);
  const summation = summationOf(manifest.execution.kernels);
  const measured = { source, hidden, directory, metadata, partitions, basis, summation, weighing, tables };
  const parts = await stopwatch.time('verification', rows, (advance) =>
    measurePartitions(executor, measured, advance),
  );
  refuseDamaged(
    directory,
    parts.flatMap(({ problems }) => problems),
  );
  const isProjected = eigenvalues.varianceSource === 'projections';
  const variances = isProjected ? columnVariances(mergeMeasurements(parts)) : null;
  const target = {
    directory: stage,
    source,
    metadata,
    rowHashes: scan.rowHashes!,
    vocabulary,
    logitBias,
    weights: weighing?.weights ?? null,
  };
  const written = await stopwatch.time('tables', undefined, () =>
    writeTables(target, () => spectrumSource(basis, metric, variances), tables),
  );
  for (const file of written.files) stageFile(directory, file);
  const notes = vocabulary.notes.filter((note) => !model.notes.includes(note));
  const results = {
    ...manifest,
    model: { ...model, notes: [...model.notes, ...notes] },
    spectralFigures: withFiguresOfRows(manifest.spectralFigures, tables),
    tables: written,
  };
  if (!hasReport(manifest)) return results;
  const report = await stopwatch.time('report', undefined, () => writeReport(directory, results, stage));
  stageFile(directory, report);
  return { ...results, report };
}
