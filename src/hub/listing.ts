import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { makeDirectory } from '../files/make-directory.js';
import { writeFileAtomically } from '../files/partial-file.js';
import type { HubFile } from './hub-file.js';

const fileSchema = z.object({
  path: z.string(),
  bytes: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{40}$|^[0-9a-f]{64}$/),
  algorithm: z.enum(['sha256', 'git-sha1']),
}) satisfies z.ZodType<HubFile>;

const listingSchema = z.object({
  format: z.literal('eigenshard-hub-listing'),
  /** Files by path; null where the commit has no such file. */
  files: z.record(z.string(), fileSchema.nullable()),
});

/** Files of a commit as far as they are known, by path; null where it has no such file. They never change. */
export type Listing = Map<string, HubFile | null>;

/** Reads a listing; an empty one where there is none, or it was damaged. */
export function readListing(file: string): Listing {
  if (!existsSync(file)) return new Map();
  try {
    const { data } = listingSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return new Map(Object.entries(data?.files ?? {}));
  } catch {
    return new Map();
  }
}

/** Writes a listing atomically. */
export function writeListing(file: string, listing: Listing): void {
  makeDirectory(path.dirname(file));
  const text = JSON.stringify(
    { format: 'eigenshard-hub-listing', files: Object.fromEntries(listing) },
    null,
    2,
  );
  writeFileAtomically(file, [Buffer.from(`${text}\n`)]);
}
