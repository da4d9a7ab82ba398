import { z } from 'zod';
import { tokenClasses } from '../tables/token-classes.js';
import { checkSchema } from './manifest.js';
import type { FolderKind } from './recorded-folder.js';
import { recordedKinds } from './recorded-kinds.js';
import { expenseSchema, fileRecordSchema } from './schemas.js';

/** The table of indicators. */
export const INDICATORS_NAME = 'tokens.parquet';

/** Where the reference is from: given, or made of what nobody can have trained. */
const referenceSources = ['given', 'orphans and the largest knot'] as const;

const undertrainedSchema = z.object({
  format: z.literal(recordedKinds.undertrained.format),
  layout: z.literal(1),
  version: z.string(),
  /** The run whose rows were compared with the reference. */
  run: z.object({ fingerprint: z.string(), model: z.string() }),
  reference: z.object({
    source: z.enum(referenceSources),
    /** Tokens of the reference, and how many of them have no token, or are in the largest knot. */
    tokens: z.int().positive(),
    orphans: z.int().nonnegative(),
    knot: z.int().nonnegative(),
    /** What the knot is made of; null where none was looked for. */
    knots: z.enum(['equal signs and exponents', 'equal bits']).nullable(),
    /** Euclidean norm of its mean. */
    norm: z.number(),
  }),
  /** How many tokens are of each class. */
  classes: z.partialRecord(z.enum(tokenClasses), z.int()),
  /** Why the texts of some tokens, or of all, were not encoded. */
  encoding: z.object({ failures: z.int(), problems: z.array(z.string()) }),
  /** The input embedding, where it is another matrix and at hand. */
  input: z.object({ tensor: z.string(), dtype: z.string() }).nullable(),
  /** Remarks for a person. */
  notes: z.array(z.string()),
  checks: z.array(checkSchema),
  files: z.array(fileRecordSchema),
  /** How it went: all that differs between two calls on one machine. */
  execution: expenseSchema,
});

/** What is recorded of indicators of undertrained tokens. */
export type UndertrainedManifest = z.infer<typeof undertrainedSchema>;

/** Folders of indicators of undertrained tokens. */
export const undertrainedFolders: FolderKind<UndertrainedManifest> = {
  above: 'undertrained',
  ...recordedKinds.undertrained,
  schema: undertrainedSchema,
  ownName: /^tokens\.parquet$/,
  again: 'find the indicators again, with --overwrite',
};
