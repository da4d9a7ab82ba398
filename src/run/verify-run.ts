import path from 'node:path';
import { checkBasis, type Operator } from '../checks/basis-check.js';
import { type Expected, metricEpsilon } from '../checks/identities.js';
import { InputError, VerificationError } from '../errors.js';
import { runTasks } from '../executor/executor.js';
import type { RowSource } from '../input/checkpoint.js';
import { readMetric } from '../input/metric.js';
import { readEigenbasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { type Manifest, readManifest } from '../output/manifest.js';
import { readCovariance } from '../output/metric-file.js';
import { SCAN_ROWS } from '../plan/plan-run.js';
import { splitRows } from '../plan/row-ranges.js';
import type { RunContext } from './context.js';
import { judgeRun, type VerificationResult } from './judge-run.js';
import { normaliseSource } from './normalise-source.js';
import { obtainModel } from './obtain-model.js';
import { scanCheckpoint } from './scan-checkpoint.js';

/**
 * Checks a finished run again: its inputs are still those that it was made from, its files are those that it
 * recorded, and the identities hold for the bytes on disk.
 * @param places where model and metric lie now, if not where the run recorded them
 */
export async function verifyRun(
  directory: string,
  places: { model?: string | undefined; metric?: string | undefined },
  context: RunContext,
): Promise<VerificationResult> {
  const manifest = readManifest(directory);
  const source = await openSource(manifest, places.model, context);
  const { partitions, model, exports } = manifest;
  await checkRunFiles(manifest, directory, context);
  const basis = await readEigenbasis(directory, model.hidden, manifest.eigenbasis);
  const { metric, operator } = await openMetric(manifest, directory, places.metric);
  const basisCheck = await checkBasis(basis, operator);
  const rowBytes = model.hidden * 4;
  return context.stopwatch.time('verification', model.rows, (advance) =>
    judgeRun(
      context.executor,
      {
        source,
        directory: path.resolve(directory),
        metadata: fileMetadata(manifest.fingerprint, manifest.layout, model.name),
        partitions: partitions.map(({ first, count, files, crc32 }) => ({
          rows: { first, count },
          parquet: files.find((file) => file.path.endsWith('.parquet')) ?? null,
          arrow: files.find((file) => file.path.endsWith('.arrow')) ?? null,
          slices: exports.flatMap(({ path: file, byteOffset }) =>
            byteOffset === null || crc32 === null
              ? []
              : [{ file, byteOffset: byteOffset + first * rowBytes, bytes: count * rowBytes, crc32 }],
          ),
        })),
        basis,
        basisCheck,
        ridge: manifest.metric.ridge,
        metric,
        tables: null,
      },
      advance,
    ),
  );
}

/** @throws InputError where the checkpoint is not there, or not the one that the run was made from */
async function openSource(
  { model, options }: Manifest,
  moved: string | undefined,
  context: RunContext,
): Promise<RowSource> {
  const { executor, stopwatch } = context;
  const place = moved ?? model.path;
  const asked = { tensor: model.tensor ?? undefined, rows: options.rows, headRows: undefined };
  const { source, storedRows } = await obtainModel(place, asked, context);
  if (source.rows !== model.rows || source.columns !== model.hidden) {
    throw otherInput(
      place,
      'model',
      `${source.rows} x ${source.columns}, not ${model.rows} x ${model.hidden}`,
    );
  }
  const scan = await stopwatch.time('scan', source.rows, (advance) =>
    scanCheckpoint(executor, source, splitRows(source.rows, SCAN_ROWS), { hashRows: false }, advance),
  );
  if (scan.contentSha256 !== model.contentSha256) throw otherInput(place, 'model', 'the weights differ');
  return normaliseSource({ source, storedRows, normalisation: model.normalisation }, context);
}

/** The matrix that the basis diagonalises, as `judgeRun` wants it. */
async function openMetric(
  { metric: recorded, model }: Manifest,
  directory: string,
  moved: string | undefined,
): Promise<{ metric: Expected['metric']; operator: Operator }> {
  if (recorded.source === 'computed') {
    const matrix = await readCovariance(directory, model.hidden);
    return { metric: { source: 'computed' }, operator: { symbol: 'C', matrix } };
  }
  const place = moved ?? recorded.path;
  const metric = await readMetric(place, { hiddenSize: model.hidden });
  if (metric.sha256 !== recorded.sha256) throw otherInput(place, 'metric', 'its SHA-256 differs');
  return {
    metric: { source: 'file', epsilon: metricEpsilon(metric) },
    operator: { symbol: 'M', matrix: metric.matrix },
  };
}

/** The partitions are checked while they are measured; these are the other files. */
async function checkRunFiles(
  { eigenbasis, metric, tables, report }: Manifest,
  directory: string,
  { executor }: RunContext,
): Promise<void> {
  const recorded = [
    eigenbasis,
    ...(metric.source === 'computed' ? [metric.file] : []),
    ...(tables?.files ?? []),
    ...(report === null ? [] : [report]),
  ];
  const files = recorded.map((file) => ({
    ...file,
    absolutePath: path.resolve(directory, file.path),
  }));
  await runTasks(executor, 'checksum', [{ files, slices: [] }], ({ problems }) => {
    if (problems.length > 0) throw new VerificationError(`${directory}: ${problems.join('; ')}`);
  });
}

function otherInput(place: string, option: string, difference: string): InputError {
  return new InputError(
    `${place}: is not what this run was made from (${difference}). If it lies elsewhere now, give --${option}`,
  );
}
