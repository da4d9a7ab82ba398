/** The library: what a program can do with runs, without the command line and without writing to any stream. */
export type { Check, Verification } from './checks/verdict.js';
export { EigenshardError, type ErrorKind } from './errors.js';
export type { ParquetColumns } from './formats/parquet-columns.js';
export { inspectModel, type ModelInspection } from './input/inspect-model.js';
export type { StoredEigenbasis } from './linalg/eigenbasis.js';
export type { Comparison } from './output/comparison-folder.js';
export type { ConceptManifest } from './output/concept-folder.js';
export type { Manifest, TableName } from './output/manifest.js';
export { type OpenRun, openRun } from './output/open-run.js';
export type { ProjectedManifest } from './output/projected-folder.js';
export type { Series } from './output/series-folder.js';
export type { UndertrainedManifest } from './output/undertrained-folder.js';
export type { FoundPair, PairFate, PairToken } from './queries/find-pairs.js';
export type { Spelling } from './queries/spellings.js';
export { type NormPlace, type TokenFacts, tokenFacts } from './queries/token.js';
export { type ComparedRuns, type CompareRunsOptions, compareRuns } from './run/compare-runs.js';
export {
  type ComparedSeries,
  type CompareSeriesOptions,
  compareSeries,
} from './run/compare-series.js';
export { type ConceptOptions, conceptDirections, type FoundConcepts } from './run/concept-directions.js';
export type { Options } from './run/config.js';
export type { FinishedRun } from './run/coordinator.js';
export { type ExportOptions, exportRun } from './run/export-run.js';
export type { ExtendedRun } from './run/extend-run.js';
export { findNeighbours, type RunWithNeighbours } from './run/find-neighbours.js';
export {
  type NearestToVector,
  type NearestToVectorsOptions,
  nearestToVectors,
} from './run/nearest-to-vectors.js';
export { type NearestTokens, nearestTokens } from './run/nearest-tokens.js';
export type { NeighbourOptions } from './run/neighbour-options.js';
export type { ProgressEvent, StageState } from './run/progress.js';
export {
  type ProjectedVectors,
  type ProjectVectorsOptions,
  projectVectors,
} from './run/project-vectors.js';
export { run } from './run/run.js';
export {
  type FoundUndertrained,
  type IndicatedToken,
  type UndertrainedOptions,
  undertrainedTokens,
} from './run/undertrained-tokens.js';
export { type FoundVerification, verify } from './run/verify.js';
export type { NeighbourMeasure } from './tables/neighbour-measures.js';
export type { TokenClass } from './tables/token-classes.js';
export type { IndicatorColumn } from './tables/undertrained-table.js';
export { version } from './version.js';
