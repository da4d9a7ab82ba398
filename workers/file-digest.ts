import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { VerifyResult } from '../src/executor/tasks.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import { openRegular } from '../src/files/open-file.js';
import { fileProblem } from './file-problem.js';

/** Findings from reading a partition's files. */
export interface Findings extends Pick<VerifyResult, 'problems' | 'files'> {
  /** Whether CRC-32 is enough, which takes a quarter of the time: nothing is recorded then of the files. */
  isCrc32Enough?: boolean;
}

/** Digest of a file that is read from its first byte to its last: both checksums, or the quick one. */
export class FileDigest {
  readonly #sha256: Hash | null;
  #crc32 = 0;

  constructor({ isCrc32Enough = false }: Pick<Findings, 'isCrc32Enough'>) {
    this.#sha256 = isCrc32Enough ? null : createHash('sha256');
  }

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    this.#sha256?.update(bytes);
    this.#crc32 = crc32(bytes, this.#crc32);
  }

  /** Adds the file to `findings`, with a problem where a checksum is not the recorded one. */
  finish({ path, bytes, ...expected }: ExpectedFile, findings: Findings): void {
    const sha256 = this.#sha256?.digest('hex') ?? null;
    const differs =
      this.#crc32 !== expected.crc32
        ? 'CRC-32'
        : sha256 !== null && expected.sha256 !== null && sha256 !== expected.sha256
          ? 'SHA-256'
          : null;
    if (differs !== null) findings.problems.push(`${path}: ${differs} differs from the recorded one`);
    if (sha256 !== null) findings.files.push({ path, bytes, crc32: this.#crc32, sha256 });
  }
}

/**
 * Opens a file of the run. One that is missing, unreadable or no regular file is added to `findings`.
 * @returns its descriptor, or null
 */
export function openOrReport(file: string, { path }: ExpectedFile, findings: Findings): number | null {
  try {
    return openRegular(file, 'recorded bytes').descriptor;
  } catch (error) {
    findings.problems.push(fileProblem(error, path, file));
    return null;
  }
}
