import { totalmem } from 'node:os';
import { shapeText } from '../formats/shape.js';
import { normTraits } from '../input/norm/norm-rules.js';
import { backendLabel } from '../linalg/backend/backend.js';
import type { RunForecast } from '../run/forecast-run.js';
import { count, counted, formatBytes } from '../text/figures.js';

/**
 * What a run would do and need, for a person.
 * @param machineBytes memory of this machine
 */
export function forecastText(forecast: RunForecast, machineBytes = totalmem()): string {
  const { model, partitions, exports, tables, disks, memoryBytes, backend, workers, time } = forecast;
  const { tensor, rows, hidden, dtype, revision } = model;
  const commit = revision === null ? '' : ` at revision ${revision}`;
  const stages = Object.entries(time.stages).map(([stage, seconds]) => `${stage} ${secondsText(seconds)}`);
  return [
    `dry run: nothing is computed, and nothing is written to ${forecast.directory}`,
    `  model       ${model.name}${commit}, ${tensor ?? 'bare matrix'}, ${shapeText([rows, hidden])} ${dtype}`,
    ...(model.norm === null
      ? []
      : [
          `  final norm  ${model.norm.tensor} folded into the rows: ${normTraits[model.norm.rule].text}, by ${model.norm.by}`,
        ]),
    ...model.notes.map((note) => `  note        ${note}`),
    ...(model.bytesToDownload === 0 ? [] : [`  download    ${formatBytes(model.bytesToDownload)}`]),
    `  metric      ${metricText(forecast.metric)}`,
    ...(forecast.weights === 'uniform' ? [] : [`  weights     ${forecast.weights}`]),
    `  directory   ${stateText(forecast)}`,
    `  partitions  ${count(partitions.count)} of up to ${counted(partitions.rows, 'row')}, ${partitions.format}, ${formatBytes(partitions.bytes)}`,
    ...exports.map(({ path, bytes }) => `  export      ${path}, ${formatBytes(bytes)}`),
    `  tables      ${tablesText(tables)}`,
    ...disks.map(
      ({ place, neededBytes, freeBytes }) =>
        `  disk        ${formatBytes(Math.max(0, neededBytes))} needed, ${formatBytes(freeBytes)} free (${place})`,
    ),
    `  memory      about ${formatBytes(memoryBytes)} at most, this machine has ${formatBytes(machineBytes)}`,
    `  kernels     ${backendLabel(backend)}`,
    `  time        about ${secondsText(time.seconds)} with ${counted(workers, 'worker')}: an estimate, from ` +
      `${secondsText(time.measuredSeconds)} of measuring on this machine${model.bytesToDownload === 0 ? '' : '; the download comes on top'}`,
    `              ${stages.join(', ')}`,
    ...(memoryBytes > machineBytes
      ? ['warning: the run may need more memory than there is; lower --partition-rows or --workers']
      : []),
  ].join('\n');
}

function metricText(metric: RunForecast['metric']): string {
  if (metric.source === 'computed') {
    const { relativeRidge: share, secondMoment } = metric;
    const moment = secondMoment === undefined ? '' : ', of its second moment about zero';
    return `computed from the checkpoint${moment}, ridge ${share === undefined ? metric.ridge : `${share} tr C / d`}`;
  }
  const ridge = metric.ridge === null ? 'ridge unknown' : `ridge ${metric.ridge}`;
  const tensor = metric.tensor === null ? '' : `, ${metric.tensor}`;
  return `given, ${metric.file}${tensor}, ${metric.dtype}, ${ridge}`;
}

function stateText({ state, partitions }: RunForecast): string {
  switch (state.is) {
    case 'new':
      return 'holds no run yet';
    case 'unfinished':
      return `holds an unfinished run, of which ${state.partitionsDone} of ${counted(partitions.count, 'partition')} are done: --resume continues it, --overwrite starts again`;
    case 'finished':
      return 'holds a finished run: --resume looks whether it is this one and mends it, --overwrite replaces it';
  }
}

function tablesText(tables: RunForecast['tables']): string {
  if (tables === null) return 'none';
  const report =
    tables.reportBytes === 0 ? 'no report' : `report.html, at most ${formatBytes(tables.reportBytes)}`;
  return `4, with lists of ${counted(tables.top, 'token')}, at most ${formatBytes(tables.bytes)}; ${report}`;
}

/** Two digits, for no more is known of an estimate. */
function secondsText(seconds: number): string {
  if (seconds < 0.01) return '0.01 s';
  if (seconds < 120) return `${Number(seconds.toPrecision(2))} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
