import { InputError } from '../errors.js';

/**
 * Whether a file is the small text that Git without its LFS extension leaves in the place of every large file of a
 * checkpoint.
 *
 * @param head the file's first bytes, 8 or more
 */
export function isLfsPointer(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 8)).toString('latin1') === 'version ';
}

/** The refusal of such a file, with what brings the file itself. */
export function lfsPointer(file: string): InputError {
  return new InputError(
    `${file}: this is a Git LFS pointer, not the file itself; fetch it with: git lfs pull`,
  );
}
