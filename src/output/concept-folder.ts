import { z } from 'zod';
import { vectorSpaces } from '../plan/vector-kind.js';
import { type ConceptControl, conceptControls } from '../tables/concept-controls.js';
import type { InMetrics } from '../tables/concept-geometry.js';
import type { ConceptSummary, ControlledFigure } from '../tables/concept-summary.js';
import { checkSchema } from './manifest.js';
import type { FolderKind } from './recorded-folder.js';
import { recordedKinds } from './recorded-kinds.js';
import { expenseSchema, fileRecordSchema } from './schemas.js';

/** The files of concepts. */
export const CONCEPT_NAMES = {
  pairs: 'pairs.parquet',
  concepts: 'concepts.parquet',
  cosines: 'cosines.parquet',
  controls: 'controls.parquet',
  page: 'concepts.html',
} as const;

const inMetrics = <Value extends z.ZodType>(value: Value) => z.object({ euclidean: value, causal: value });

const spread = z.object({ mean: z.number().nullable(), deviation: z.number().nullable() });

const figureSchema = z.object({
  measured: z.number().nullable(),
  controls: z.record(z.enum(conceptControls), spread) satisfies z.ZodType<Record<ConceptControl, unknown>>,
}) satisfies z.ZodType<ControlledFigure>;

const summarySchema = z.object({
  concepts: z.array(
    z.object({
      name: z.string(),
      given: z.int(),
      used: z.int(),
      norm: inMetrics(z.number()) satisfies z.ZodType<InMetrics<number>>,
      leaveOneOut: inMetrics(figureSchema),
      randomPairs: inMetrics(z.number().nullable()),
    }),
  ),
  leaveOneOut: inMetrics(figureSchema),
  between: inMetrics(figureSchema),
  independent: z.number(),
}) satisfies z.ZodType<ConceptSummary>;

const conceptsSchema = z.object({
  format: z.literal(recordedKinds.concepts.format),
  layout: z.literal(1),
  version: z.string(),
  /** The run in whose metric the concepts were measured. */
  run: z.object({ fingerprint: z.string(), model: z.string() }),
  /** Files of the pairs. */
  sources: z.array(z.object({ path: z.string(), sha256: z.string() })),
  /** Where the duals of the concepts lie beside the final norm. */
  space: z.enum(vectorSpaces),
  /** Seed of the controls, how often each was drawn, and from how many tokens. */
  controls: z.object({ seed: z.int(), repeats: z.int(), tokens: z.int() }),
  /** How many pairs were given, and what became of them. */
  pairs: z.object({ given: z.int(), fates: z.record(z.string(), z.int()) }),
  summary: summarySchema,
  checks: z.array(checkSchema),
  files: z.array(fileRecordSchema),
  /** How it went: all that differs between two calls on one machine. */
  execution: expenseSchema,
});

/** What is recorded of concepts. */
export type ConceptManifest = z.infer<typeof conceptsSchema>;

/** Folders of concepts. */
export const conceptFolders: FolderKind<ConceptManifest> = {
  above: 'concepts',
  ...recordedKinds.concepts,
  schema: conceptsSchema,
  ownName: /^(?:(?:pairs|concepts|cosines|controls)\.parquet|(?:vectors|duals)\.safetensors|concepts\.html)$/,
  again: 'find the concepts again, with --overwrite',
};
