import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import type { FileRecord } from '../files/file-record.js';
import { parseJson } from '../files/json.js';
import { isOwnFile } from '../files/own-file.js';
import { writeFileAtomically, writeFully } from '../files/partial-file.js';
import { readShortFile, readTextIfThere } from '../files/read-text.js';
import { asOutputError } from '../files/write-error.js';
import { runIdentitySchema } from './run-identity.js';
import { backendSchema, fileRecordSchema, writtenFileSchema } from './schemas.js';

export const JOURNAL_NAME = 'journal.jsonl';
const ROLE = 'the journal';

const headerSchema = z.object({
  step: z.literal('run'),
  fingerprint: z.string(),
  /** What the fingerprint is the hash of; journals from before it was recorded have none. */
  identity: runIdentitySchema.exactOptional(),
  /** ISO time of the first start; a resumed run keeps it, so that its files do not differ. */
  started: z.string(),
  /** Absolute final paths of the exports. */
  exports: z.array(z.string()),
  /** Names of the tables and their report, which are written after all steps, in the output directory. */
  tables: z.array(z.string()).default([]),
  /** What computes the run: its last bits depend on it. */
  kernels: backendSchema,
});

const entrySchema = z.discriminatedUnion('step', [
  z.object({ step: z.literal('metric'), file: fileRecordSchema }),
  z.object({ step: z.literal('eigenbasis'), file: fileRecordSchema }),
  z.object({
    step: z.literal('partition'),
    index: z.int().min(0),
    files: z.array(writtenFileSchema),
    /** CRC-32 of the partition's projections, row-major float32, as every export holds them; null without exports. */
    crc32: z.int().nullable(),
  }),
]);

export type JournalHeader = z.infer<typeof headerSchema>;
export type JournalEntry = z.infer<typeof entrySchema>;

/**
 * The journal of a run: a header, then one JSON line for each finished step. A line is written after the step's files
 * are in place, so a line that can be read names files that were once complete; whether they still are, their checksums
 * tell. It stays beside the manifest, which records it: what is lost of a finished run is made again from it.
 */
export class Journal {
  readonly #descriptor: number;
  readonly #file: string;

  /** Opened to append: what is written stands at the end, also after a cut. */
  private constructor(file: string, flags: 'a' | 'ax') {
    this.#file = file;
    this.#descriptor = this.#attempt(() => openSync(file, flags));
  }

  static create(directory: string, header: JournalHeader, entries: readonly JournalEntry[] = []): Journal {
    const journal = new Journal(path.join(directory, JOURNAL_NAME), 'ax');
    for (const line of [header, ...entries]) journal.#write(line);
    return journal;
  }

  /** Opens the journal for more lines, after cutting off a last line that a kill left incomplete. */
  static reopen(directory: string): Journal {
    const file = path.join(directory, JOURNAL_NAME);
    const bytes = readShortFile(file, ROLE);
    if (!isOwnFile(file)) writeFileAtomically(file, [bytes]);
    const journal = new Journal(file, 'a');
    journal.#attempt(() => ftruncateSync(journal.#descriptor, bytes.lastIndexOf(0x0a) + 1));
    return journal;
  }

  append(entry: JournalEntry): void {
    this.#write(entry);
  }

  close(): void {
    this.#attempt(() => closeSync(this.#descriptor));
  }

  #write(line: JournalHeader | JournalEntry): void {
    this.#attempt(() => {
      const { size } = fstatSync(this.#descriptor);
      try {
        writeFully(this.#descriptor, Buffer.from(`${JSON.stringify(line)}\n`), null, this.#file);
      } catch (error) {
        this.#cut(size);
        throw error;
      }
      fsyncSync(this.#descriptor);
    });
  }

  /** Cuts off the half line that a full disk may have taken: the next one must not be written behind it. */
  #cut(size: number): void {
    try {
      ftruncateSync(this.#descriptor, size);
    } catch {
      // What led here is thrown; whoever opens the journal again cuts the line off.
    }
  }

  #attempt<Result>(action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      throw asOutputError(error, this.#file);
    }
  }
}

/** What a journal says, or null where there is none, or one that was killed before its header was complete. */
export function readJournal(directory: string): { header: JournalHeader; entries: JournalEntry[] } | null {
  const file = path.join(directory, JOURNAL_NAME);
  const text = readTextIfThere(file, ROLE);
  if (text === null) return null;
  // What follows the last line feed was not written in full.
  const lines = text.split('\n').slice(0, -1);
  if (lines.length === 0) return null;
  const parse = <Schema extends z.ZodType>(schema: Schema, line: string, number: number) => {
    try {
      return schema.parse(parseJson(line));
    } catch (cause) {
      throw new InputError(
        `${file}, line ${number}: not a line of an eigenshard journal. Choose another --out, or remove that file`,
        { cause },
      );
    }
  };
  const [first, ...rest] = lines;
  return {
    header: parse(headerSchema, first!, 1),
    entries: rest.map((line, index) => parse(entrySchema, line, index + 2)),
  };
}

/** What the manifest records of the journal. */
export function journalRecord(directory: string): FileRecord {
  const bytes = readShortFile(path.join(directory, JOURNAL_NAME), ROLE);
  return {
    path: JOURNAL_NAME,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
