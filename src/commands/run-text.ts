import { shownFigures } from '../checks/verdict.js';
import { shapeText } from '../formats/shape.js';
import type { NormSearch } from '../input/checkpoint.js';
import type { HubModelInspection, ModelInspection } from '../input/inspect-model.js';
import { normTraits } from '../input/norm/norm-rules.js';
import type { Manifest } from '../output/manifest.js';
import { warningsOf } from '../output/warnings.js';
import { matrixText } from '../report/matrix-text.js';
import { totalSeconds } from '../run/stopwatch.js';
import { spectralFigures } from '../tables/spectral-figures.js';
import { alignedRows } from '../text/aligned-rows.js';
import { formatBytes as bytes, count, counted, figure, fixed } from '../text/figures.js';
import { shortText } from '../text/short-text.js';

/**
 * What the notebook prints, and where things are: the end of a run.
 * @param finishedBefore whether the verification is not of now, but of when the run was computed
 */
export function summaryText(directory: string, manifest: Manifest, finishedBefore = false): string {
  const { model, eigenvalues, projections, verification, execution } = manifest;
  const [rows, hidden] = projections.shape;
  const seconds = Object.entries(execution.seconds);
  return [
    `${model.name}: ${counted(rows, 'token')} x ${count(hidden)} (${matrixText(manifest)})`,
    '',
    'Eigenvalues of the metric, ascending',
    `  min ${fixed(eigenvalues.minimum)}   median ${fixed(eigenvalues.median)}   mean ${fixed(eigenvalues.mean)}   max ${fixed(eigenvalues.maximum)}`,
    `  condition number ${fixed(eigenvalues.conditionNumber)}, participation ratio ${fixed(eigenvalues.participationRatio)}`,
    ...weightLines(manifest),
    ...spectrumLines(manifest),
    'Projections',
    `  shape ${rows} x ${hidden}, ${bytes(projections.bytes)} as float32`,
    `  range [${fixed(projections.minimum)}, ${fixed(projections.maximum)}], mean ${fixed(projections.mean)}, standard deviation ${fixed(projections.standardDeviation)}`,
    ...norms(manifest),
    ...tableLines(manifest.tables),
    ...verificationLines(verification, finishedBefore ? `when it was computed, ${execution.finished}` : null),
    'Files',
    ...fileLines(directory, manifest),
    `Time ${seconds.map(([stage, value]) => `${stage} ${value.toFixed(2)} s`).join(', ')}`,
    `  in all ${elapsed(execution).toFixed(2)} s with ${counted(execution.workers, 'worker')}, peak memory ${bytes(execution.peakMemoryBytes)}`,
  ].join('\n');
}

/** A screen about a finished run. */
export function inspectionText(directory: string, manifest: Manifest): string {
  const { metric, options, fingerprint, version, execution, model } = manifest;
  const ridge = ridgeText(manifest);
  const asymmetry =
    metric.asymmetry === null
      ? ''
      : `, asymmetry max |M - M^T| ${figure(metric.asymmetry.max)} (relative ${figure(metric.asymmetry.relative)})`;
  return [
    `${directory}`,
    `  eigenshard ${version}, fingerprint ${fingerprint}`,
    `  checkpoint ${model.path}`,
    ...(model.origin === null ? [] : [`  weights ${model.origin.file} from ${model.origin.from}`]),
    ...foldedLines(manifest),
    ...model.notes.map((note) => `  note: ${note}`),
    `  metric ${metric.source === 'file' ? `from ${metric.path}` : computedText(metric)} (${ridge}${asymmetry})`,
    `  ${counted(manifest.partitions.length, 'partition')} of ${counted(options.partitionRows, 'row')}, ${options.format}${options.rows === 'tokenizer' ? ", rows of the tokenizer's tokens only" : ''}`,
    `  finished ${execution.finished} on ${execution.machine.processor}, Node ${execution.machine.node}`,
    '',
    summaryText(directory, manifest),
    ...spectralLines(manifest),
  ].join('\n');
}

/** rho, how it was asked for, and how it compares with the smallest c. */
function ridgeText({ metric, eigenvalues: { ridgeShare } }: Manifest): string {
  if (metric.ridge === null) return 'unknown ridge';
  const isRelative = metric.source === 'computed' && metric.relativeRidge !== null;
  const relative = isRelative ? ` = ${metric.relativeRidge} tr C / d` : '';
  return `ridge ${metric.ridge}${relative}${ridgeShare === null ? '' : `, rho / c_min ${figure(ridgeShare)}`}`;
}

function computedText(metric: Manifest['metric']): string {
  const isUncentred = metric.source === 'computed' && metric.secondMoment === 'uncentred';
  return `computed from the checkpoint${isUncentred ? "'s second moment about zero, C + mu mu^T" : ''}`;
}

/** How the rows are weighed, where not all alike. */
function weightLines({ weights, model }: Manifest): string[] {
  if (weights === null) return [];
  const { kind, path, tensor, positiveRows } = weights;
  const source = path === null ? (tensor === null ? '' : ` (${tensor})`) : ` (${path})`;
  const none = model.rows - positiveRows;
  return [
    `  rows weighed by ${kind}${source}: ${counted(Math.round(weights.effectiveRows), 'effective row')} of ${count(model.rows)}` +
      `${none === 0 ? '' : `, ${count(none)} without weight`}`,
  ];
}

/** The figures of the spectrum, each with its formula. */
function spectralLines({ spectralFigures: values }: Manifest): string[] {
  if (Object.keys(values).length === 0) return [];
  const rows = spectralFigures.map(({ name, title, formula }) => {
    const value = values[name] ?? null;
    return [`  ${title}`, value === null ? 'unknown' : fixed(value), formula];
  });
  return ['Figures of the spectrum (c of C, falling; H is entropy)', alignedRows(rows)];
}

/** A screen about a checkpoint that no run has worked on yet. */
export function modelText({
  path,
  model,
  source,
  reason,
  others,
  norm,
  logitBias,
  tokenizer,
  notes,
}: ModelInspection): string {
  const { tensor, rows, columns, dtype, file, byteOffset } = source;
  const tied = model.tied === null ? 'not said' : model.tied ? 'yes' : 'no';
  return [
    `${model.name}${model.revision === null ? '' : ` at revision ${model.revision}`}`,
    `  checkpoint ${path}`,
    `  type ${model.modelType ?? 'unknown'}, embeddings tied: ${tied}`,
    `  tensor ${tensor ?? '(bare array)'}, ${count(rows)} x ${count(columns)} ${dtype}, ${bytes(source.bytes)}`,
    `    why: ${reason}`,
    `    in ${file}, from byte ${count(byteOffset)}`,
    ...candidateLines(others),
    normLine(norm),
    `  logit bias: ${logitBias === null ? 'none' : `${logitBias.tensor}, ${logitBias.dtype}`}`,
    `  ${tokenizerLine(tokenizer)}`,
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}

/** A screen about a model of the hub that no run has worked on yet. */
export function hubModelText({
  model,
  shape,
  bytesToDownload,
  reason,
  norm,
  notes,
}: HubModelInspection): string {
  const tied = model.tied === null ? 'not said' : model.tied ? 'yes' : 'no';
  return [
    `${model.name} at revision ${model.revision}`,
    `  type ${model.modelType ?? 'unknown'}, embeddings tied: ${tied}`,
    `  tensor ${shape.tensor}, ${count(shape.rows)} x ${count(shape.columns)} ${shape.dtype}`,
    `    why: ${reason}`,
    normLine(norm),
    `  to download: ${bytes(bytesToDownload)}`,
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}

/** What --fold-norm yes would fold into the rows. */
function normLine({ norm, problem }: NormSearch): string {
  if (norm === null) return `  final norm, for --fold-norm yes: cannot be folded: ${problem}`;
  const { rule, by, weight, bias } = norm;
  const withBias = bias === null ? '' : ` with ${bias.tensor}`;
  return `  final norm, for --fold-norm yes: ${weight.tensor}${withBias}, ${weight.dtype}, ${normTraits[rule].text}, by ${by}`;
}

/** What has been folded into the rows of a run. */
function foldedLines({ model: { norm } }: Pick<Manifest, 'model'>): string[] {
  if (norm === null) return [];
  const { tensor, rule, sha256, bias } = norm;
  const withBias = bias === null ? '' : ` with ${bias.tensor} (SHA-256 ${bias.sha256.slice(0, 12)})`;
  return [
    `  final norm folded in: ${tensor} (SHA-256 ${sha256.slice(0, 12)})${withBias}, ${normTraits[rule].text}`,
  ];
}

function candidateLines(others: ModelInspection['others']): string[] {
  if (others.length === 0) return ['  other candidates: none'];
  return [
    '  other candidates, to be had with --tensor:',
    ...others.map(({ name, shape, dtype, file }) => `    ${name}, ${shapeText(shape)} ${dtype}, in ${file}`),
  ];
}

function tokenizerLine(tokenizer: ModelInspection['tokenizer']): string {
  if (tokenizer === null) return 'tokenizer: none beside the weights';
  const { tokens, special, orphans } = tokenizer;
  const advice = orphans === 0 ? '' : ' (--rows tokenizer leaves out those at the end)';
  return `tokenizer: ${counted(tokens, 'token')}, ${count(special)} of them special; orphans, rows without a token: ${count(orphans)}${advice}`;
}

/** Columns of a check's name: all lines are padded to the longest. */
const LONGEST_NAME = 60;

/**
 * The verdict, every check with its figures, and the notebook's own two.
 * @param remark when the checks were made, where that is not now, or that not all were
 */
export function verificationLines(
  { passed, checks, normDifference, offDiagonal }: Manifest['verification'],
  remark: string | null = null,
): string[] {
  const names = checks.map(({ name }) => shortText(name, LONGEST_NAME));
  const width = Math.max(...names.map((name) => name.length));
  return [
    `Verification${remark === null ? '' : ` (${remark})`}: ${passed ? 'passed' : 'FAILED'}${differing(checks)}`,
    ...checks.map((check, k) => {
      const { verdict, detail } = check;
      const shown = shownFigures(check);
      const figures =
        shown === null
          ? ''
          : ` ${figure(shown.measured)} (tolerance ${figure(shown.tolerance)})${shown.unit === '' ? '' : ` ${shown.unit}`}`;
      const note = verdict === 'passed' || detail === undefined ? '' : `: ${indented(detail)}`;
      return `  ${names[k]!.padEnd(width)}  ${verdict}${figures}${note}`;
    }),
    `  norm difference max ${figure(normDifference.maximum)}, mean ${figure(normDifference.mean)} ` +
      `(${within(normDifference)} the limit ${normDifference.limit})`,
    `  largest off-diagonal of V^T V ${figure(offDiagonal.maximum)} (${within(offDiagonal)} the limit ${offDiagonal.limit})`,
  ];
}

/** A detail may have several lines, as many as there are problems. */
function indented(detail: string): string {
  return detail.replaceAll('\n', '\n    ');
}

/** What to add to a verdict where the metric is another's. */
function differing(checks: Manifest['verification']['checks']): string {
  const differ = checks.filter(({ verdict }) => verdict === 'differs').length;
  return differ === 0 ? '' : `, ${differ} ${differ === 1 ? 'check differs' : 'checks differ'}: see below`;
}

/** What the spectrum rests on: rank, ridge and clusters, where they are known and there is something to say. */
function spectrumLines(manifest: Manifest): string[] {
  const { rank, clusters } = manifest.eigenvalues;
  const { hidden } = manifest.model;
  return [
    ...(rank === null || rank === hidden
      ? []
      : [`  the covariance has rank ${count(rank)} of ${count(hidden)}`]),
    ...(clusters === null || clusters.count === 0
      ? []
      : [
          `  ${count(clusters.directions)} directions lie in ${counted(clusters.count, 'cluster')} of near-equal eigenvalues, which determine them only together`,
        ]),
    ...warningsOf(manifest).map((warning) => `  warning: ${warning}`),
  ];
}

function within({ maximum, limit }: { maximum: number; limit: number }): string {
  return maximum <= limit ? 'within' : 'beyond';
}

function norms({ norms: { euclidean, causal } }: Manifest): string[] {
  const line = (name: string, norm: typeof euclidean) =>
    `  ${name} norm ${fixed(norm.mean)} +- ${fixed(norm.standardDeviation)} in [${fixed(norm.minimum)}, ${fixed(norm.maximum)}]`;
  return [line('Euclidean', euclidean), line('causal', causal)];
}

/** What the tables come to. */
function tableLines(tables: Manifest['tables']): string[] {
  if (tables === null) return [];
  const { counts, norms, distortionMean, spectrum, logitBias } = tables.summary;
  const tokens =
    counts.tokens === null
      ? 'no tokenizer'
      : `${counted(counts.tokens, 'token')}, ${counted(counts.orphans!, 'orphan')}, ${count(counts.specials!)} special`;
  const half = (directions: Record<string, number>) => count(directions['50']!);
  const variance =
    spectrum.directionsOfVariance === null
      ? ''
      : `of the variance in ${half(spectrum.directionsOfVariance)}, `;
  const distortion = distortionMean === null ? '' : `, mean distortion ${fixed(distortionMean)}`;
  return [
    'Geometry',
    `  ${counted(counts.rows, 'row')}: ${tokens}; ${count(counts.duplicateRows)} equal to another in ${counted(counts.duplicateGroups, 'group')}, ${count(counts.zeroRows)} zero`,
    `  centred norm ${fixed(norms.centred.mean)} +- ${fixed(norms.centred.standardDeviation)}, causal ${fixed(norms.centredCausal.mean)} +- ${fixed(norms.centredCausal.standardDeviation)}${distortion}`,
    ...(logitBias === null
      ? []
      : [
          `  logit bias ${fixed(logitBias.mean)} +- ${fixed(logitBias.standardDeviation)} in [${fixed(logitBias.minimum)}, ${fixed(logitBias.maximum)}]`,
        ]),
    `  half ${variance}of the causal weight in ${counted(spectrum.directionsOfCausalWeight['50']!, 'direction')}`,
  ];
}

function fileLines(
  directory: string,
  { partitions, eigenbasis, metric, tables, exports, report }: Manifest,
): string[] {
  const files = partitions.flatMap((partition) => partition.files);
  const partitionBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return [
    ...(report === null
      ? []
      : [`  ${directory}/${report.path} (${bytes(report.bytes)}): open this first, in a browser`]),
    `  ${directory}/${eigenbasis.path} (${bytes(eigenbasis.bytes)})`,
    ...(metric.source === 'computed' ? [`  ${directory}/${metric.path} (${bytes(metric.file.bytes)})`] : []),
    `  ${directory}/projections: ${counted(files.length, 'file')}, ${bytes(partitionBytes)}`,
    ...(tables?.files ?? []).map((file) => `  ${directory}/${file.path} (${bytes(file.bytes)})`),
    ...exports.map((file) => `  ${file.path} (${bytes(file.bytes)})`),
  ];
}

/** Seconds of a run. One from before they were taken as a whole has those of its stages. */
function elapsed({ elapsedSeconds, seconds }: Manifest['execution']): number {
  return elapsedSeconds ?? totalSeconds(seconds);
}
