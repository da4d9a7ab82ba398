import { z } from 'zod';
import type { FileRecord, VerifiedFile, WrittenFile } from '../files/file-record.js';
import type { BackendIdentity } from '../linalg/backend/backend.js';

/** How records and manifest name a file of the run, its path relative to the output directory. */
export const fileRecordSchema = z.object({
  path: z.string(),
  bytes: z.int().nonnegative(),
  sha256: z.string(),
}) satisfies z.ZodType<FileRecord>;

/** How a record names a partition's file, before the verification has taken its SHA-256. */
export const writtenFileSchema = z.object({
  path: z.string(),
  bytes: z.int().nonnegative(),
  crc32: z.int(),
}) satisfies z.ZodType<WrittenFile>;

/** How records and manifest name a partition's file, after the verification. */
export const verifiedFileSchema = writtenFileSchema.extend({
  sha256: z.string(),
}) satisfies z.ZodType<VerifiedFile>;

/** How records and manifest name which kernels ran. */
export const backendSchema = z.object({
  backend: z.enum(['portable', 'system', 'webgpu']),
  library: z.string(),
  version: z.string(),
  float32: z.string(),
  sums: z.string().exactOptional(),
}) satisfies z.ZodType<BackendIdentity>;

/** How records and manifest name the machine that wrote them. */
export const machineSchema = z.object({
  processor: z.string(),
  cores: z.number(),
  node: z.string(),
  platform: z.string(),
});

/** How the records of what is made of runs say how that went. */
export const expenseSchema = z.object({
  started: z.string(),
  finished: z.string(),
  workers: z.number(),
  seconds: z.record(z.string(), z.number()),
  elapsedSeconds: z.number(),
  peakMemoryBytes: z.number(),
  /** Absent from records that were made earlier. */
  machine: machineSchema.exactOptional(),
});
