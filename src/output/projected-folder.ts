import { z } from 'zod';
import { vectorKinds, vectorSpaces } from '../plan/vector-kind.js';
import { checkSchema } from './manifest.js';
import type { FolderKind } from './recorded-folder.js';
import { normRecordSchema } from './recorded-inputs.js';
import { recordedKinds } from './recorded-kinds.js';
import { backendSchema, expenseSchema, fileRecordSchema } from './schemas.js';

export const VECTORS_NAME = 'vectors.parquet';
export const RANKED_TOKENS_NAME = 'tokens.parquet';

/** Formats in which coordinates and duals are written. */
export const vectorFormats = ['safetensors', 'npy'] as const;
/** Format in which coordinates and duals are written. */
export type VectorFormat = (typeof vectorFormats)[number];

const projectedSchema = z.object({
  format: z.literal(recordedKinds.projected.format),
  layout: z.literal(1),
  version: z.string(),
  /** The run by whose eigenbasis the vectors were projected. */
  run: z.object({ fingerprint: z.string(), model: z.string() }),
  /** Where the vectors come from. */
  vectors: z.object({
    path: z.string(),
    sha256: z.string(),
    tensor: z.string().nullable(),
    dtype: z.string(),
    isTransposed: z.boolean(),
    /** Number of the first of those of the file. */
    first: z.int().nonnegative(),
    count: z.int().positive(),
    hidden: z.int().positive(),
  }),
  /** What the caller said of them. */
  kind: z.enum(vectorKinds),
  space: z.enum(vectorSpaces),
  /** The final norm that the vectors were taken through; null where they met the rows as they are. */
  norm: normRecordSchema.nullable(),
  /** Tokens in each list; null where none were ranked. */
  top: z.int().positive().nullable(),
  checks: z.array(checkSchema),
  files: z.array(fileRecordSchema),
  /** How it went: all that differs between two projections of the same vectors on one machine. */
  execution: expenseSchema.extend({ kernels: backendSchema }),
});

/** What a projection of vectors records of itself. */
export type ProjectedManifest = z.infer<typeof projectedSchema>;

/** Folders of projections of vectors. */
export const projectedFolders: FolderKind<ProjectedManifest> = {
  above: 'projected',
  ...recordedKinds.projected,
  schema: projectedSchema,
  ownName: /^(?:(?:vectors|tokens)\.parquet|(?:coordinates|duals)\.(?:npy|safetensors))$/,
  again: 'project the vectors again, with --overwrite',
};
